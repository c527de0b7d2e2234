"""Promises about what a marketplace answers, and what is believed of it."""

import json
import pickle
from collections.abc import Iterator
from typing import Any

from countermand.engine.secret import SealedHeaders
from countermand.engine.wire import Fault, Reply
from countermand.errors import (
    AuthenticationError,
    CountermandError,
    NotSentError,
    OrderNotFoundError,
    OrderUnreadableError,
    PermissionDeniedError,
    RateLimitedError,
    RejectedError,
)
from countermand.marketplaces.stored import outcome_of, request_of
from countermand.outcomes import Cancelled, Refused, Requested, Unknown, evidence_of
from countermand.sandbox.conformance.counterpart import Counterpart
from countermand.sandbox.conformance.scene import Step, refusing
from countermand.sandbox.conformance.trial import OUTCOMES, Promise, Trial, promise

_HTML = b"<!doctype html><html><title>Please wait</title></html>"
_LOST = Fault(sent=True, detail="the connection broke")


class _Interruption(BaseException):
    """Like a KeyboardInterrupt, of a class that no library knows."""


def _garbled(reply: Reply) -> Iterator[tuple[str, Reply]]:
    """Yield replies of the same status whose bodies say nothing, or must not be believed."""
    yield "a body that did not arrive whole", reply._replace(flaw="the body was cut short")
    if not reply.body:
        return  # the status is the whole answer
    bodies = {
        "an HTML page": _HTML,
        "half of the body": reply.body[: len(reply.body) // 2],
        "a body that is no JSON": b"OK!",
        "an empty JSON object": b"{}",
        "a JSON list": b"[]",
        "JSON's null": b"null",
    }
    for name, body in bodies.items():
        yield f"status {reply.status} with {name}", reply._replace(body=body)


def _unclear(counterpart: Counterpart) -> Iterator[tuple[str, Reply | Fault | None]]:
    """Yield answers to a cancellation that leave open whether it was applied."""
    yield "a lost reply", _LOST
    yield "no answer until the deadline", None
    for status in (302, 408, 500, 502, 504):
        yield f"status {status} with an HTML page", Reply(status, {}, _HTML)
    yield "status 503 with Retry-After", Reply(503, {"retry-after": "2"})
    yield "status 500 with the body of an accepted one", counterpart.accepted._replace(status=500)
    yield from _garbled(counterpart.accepted)
    if counterpart.another_accepted is not None:
        yield "another order's accepted cancellation", counterpart.another_accepted


def _unreadable(counterpart: Counterpart) -> Iterator[tuple[str, Reply | Fault | None]]:
    """Yield answers to a read that show nothing of this order."""
    yield "a lost reply", _LOST
    yield "no answer", None
    yield "status 500", Reply(500, {}, _HTML)
    yield "another order", counterpart.another_cancelled
    for status in (203, 500):
        yield f"the cancelled order with status {status}", counterpart.cancelled._replace(status=status)
    yield from _garbled(counterpart.cancelled)


def _settled_by_asking(counterpart: Counterpart) -> type[Any]:
    """Return what an unclear cancellation of an order that stays open ends in."""
    kind: type[Any] = counterpart.accepted_means if counterpart.repeatable else Unknown
    return kind


@promise
def an_accepted_cancellation_is_what_the_marketplace_says(trial: Trial) -> None:
    """The documented answer is believed, after one request that carries the credential in its headers."""
    for result in trial.cancel(trial.counterpart.accepted_means):
        if result.scene.kinds.count("cancel") != 1:
            trial.fail("one cancellation is enough", result)
        if not any(_carries(call.headers, trial) for call in result.scene.calls):
            trial.fail("no request carried a credential in its headers", result)


def _carries(headers: SealedHeaders, trial: Trial) -> bool:
    said = " ".join(value for _, value in headers.items())
    return any(secret in said for secret in trial.counterpart.secrets)


@promise
def a_refusal_is_refused_or_raised(trial: Trial) -> None:
    """The documented refusal is `Refused` or an error, never anything that sounds like a cancellation."""
    if trial.counterpart.refused is not None:
        cancel, read = refusing(trial.counterpart)
        trial.cancel(Refused, CountermandError, cancel=[cancel.always()], read=[read.always()])


@promise
def a_refusal_is_believed_in_documented_words_only(trial: Trial) -> None:
    """The status of a refusal with another body, such as a gateway's page, is no `Refused`: the order is read."""
    about = trial.counterpart
    if about.refused is None:
        return
    answers = dict(_garbled(about.refused)) if about.refused.body else {}
    if about.another_refused is not None:
        answers["another order's refusal"] = about.another_refused
    for name, answer in answers.items():
        still_open = Step(about.still_open).always()
        trial.cancel(
            about.accepted_means,
            Unknown,
            CountermandError,
            cancel=[Step(answer)],
            read=[still_open],
            about=name,
        )


@promise
def an_order_that_is_not_there_is_not_cancelled(trial: Trial) -> None:
    """An unknown order is a RejectedError such as OrderNotFoundError, or `Refused`."""
    missing = Step(trial.counterpart.not_found).always()
    trial.cancel(RejectedError, Refused, cancel=[missing], read=[missing])
    trial.wait(CountermandError, read=[missing])
    page = Step(Reply(404, {}, _HTML)).always()
    for result in trial.cancel(RejectedError, cancel=[page], read=[page], about="a gateway's page with 404"):
        if isinstance(result.said, OrderNotFoundError):
            trial.fail("a gateway does not know which orders there are", result)


@promise
def a_credential_that_is_not_accepted_is_raised(trial: Trial) -> None:
    """401 is AuthenticationError and 403 PermissionDeniedError."""
    for status, kind in ((401, AuthenticationError), (403, PermissionDeniedError)):
        trial.cancel(kind, cancel=[Step(Reply(status, {})).always()], about=f"status {status}")


@promise
def a_rate_limit_is_kept(trial: Trial) -> None:
    """Nothing is sent before Retry-After is over; beyond the deadline it is RateLimitedError."""
    limited = Step(Reply(429, {"retry-after": "7"}))
    for result in trial.cancel(trial.counterpart.accepted_means, cancel=[limited], about="Retry-After: 7"):
        first, second = (
            at for at, kind in zip(result.scene.times, result.scene.kinds, strict=True) if kind == "cancel"
        )
        if second - first < 7:
            trial.fail(f"the next request came after {second - first:.2f} s", result)
    limited = Step(Reply(429, {"retry-after": "999"})).always()
    for result in trial.cancel(RateLimitedError, cancel=[limited], about="Retry-After: 999"):
        if not result.said.retry_after >= 990:
            trial.fail("its retry_after is the time to come back", result)


@promise
def what_was_not_sent_is_sent_again_or_raised(trial: Trial) -> None:
    """Where no connection can be made the order is untouched: the call ends in NotSentError."""
    unsent = Step(Fault(sent=False, detail="no connection"))
    trial.cancel(trial.counterpart.accepted_means, cancel=[unsent], about="no connection, once")
    trial.cancel(NotSentError, cancel=[unsent.always()], about="no connection, ever")


@promise
def an_unclear_cancellation_that_was_applied_is_seen_by_reading(trial: Trial) -> None:
    """The read shows a cancelled order: `Cancelled`, whatever happened to the reply."""
    for about, answer in _unclear(trial.counterpart):
        trial.cancel(Cancelled, cancel=[Step(answer, applied=True)], about=f"{about}, applied")


@promise
def an_unclear_cancellation_that_was_not_applied_is_not_reported_as_one(trial: Trial) -> None:
    """An open order shows nothing: the cancellation is repeated where that is harmless, else it is `Unknown`."""
    kind = _settled_by_asking(trial.counterpart)
    for about, answer in _unclear(trial.counterpart):
        # Silence leaves little time to ask again, and a receipt says that something was received.
        hasty = answer is None or answer is trial.counterpart.another_accepted
        kinds = (kind, Unknown) if hasty else (kind,)
        trial.cancel(*kinds, cancel=[Step(answer)], about=f"{about}, not applied; the order stays open")


@promise
def an_order_that_cannot_be_read_is_unknown(trial: Trial) -> None:
    """A read that is broken, or is about another order, decides nothing."""
    for about, answer in _unreadable(trial.counterpart):
        for applied in (True, False):
            trial.cancel(
                Unknown,
                cancel=[Step(_LOST, applied).always()],
                read=[Step(answer).always()],
                about=f"a lost reply, {'' if applied else 'not '}applied; the read is {about}",
            )


@promise
def a_denied_read_decides_nothing(trial: Trial) -> None:
    """A key that may cancel may be forbidden to read; the order is not untouched for that."""
    for status in (401, 403, 404):
        denied = Step(Reply(status, {})).always()
        lost = Step(_LOST, applied=True)
        trial.cancel(
            Unknown,
            trial.counterpart.accepted_means,
            Cancelled,
            cancel=[lost],
            read=[denied],
            about=f"read: {status}",
        )


@promise
def a_4xx_after_an_unclear_attempt_is_not_the_verdict(trial: Trial) -> None:
    """The first attempt may be what caused it: nothing is raised, and nothing is `Refused`."""
    about = trial.counterpart
    answers = [Reply(status, {}) for status in (400, 401, 403, 404, 405, 409, 410, 422)]
    answers += [reply for reply in (about.not_found, about.repeated) if reply is not None]
    for answer in answers:
        for read in (about.still_open, about.not_found):
            repeated = Step(answer, shows=Cancelled if answer is about.repeated else None)
            trial.cancel(
                Unknown,
                Cancelled,
                cancel=[Step(_LOST, applied=True), repeated.always()],
                read=[Step(read).always()],
                about=f"a lost reply, applied; the reads lag behind; then {answer.status} {answer.body[:60]!r}",
            )


@promise
def a_call_keeps_its_deadline(trial: Trial) -> None:
    """All of a call fits into its `timeout`, through both clients."""
    silence, broken = Step(None).always(), Step(Reply(500, {})).always()
    for timeout in (0.5, 2.0, 9.0, 45.0):
        trial.cancel(
            Unknown, cancel=[silence], read=[silence], timeout=timeout, about=f"silence, timeout={timeout}"
        )
        trial.cancel(
            Unknown, cancel=[broken], read=[broken], timeout=timeout, about=f"an outage, timeout={timeout}"
        )
        trial.wait(Unknown, CountermandError, read=[silence], timeout=timeout, about="waiting, in silence")


@promise
def waiting_ends_when_the_order_has_settled(trial: Trial) -> None:
    """`wait_until_settled` reads until the state is final, and asks for nothing."""
    about = trial.counterpart
    steps = [Step(about.still_open), Step(_LOST), Step(about.still_open)]
    trial.wait(Cancelled, read=[*steps, Step(about.cancelled, shows=Cancelled)], about="open, then cancelled")
    if about.blocked is not None:
        _, read = refusing(about)
        results = trial.wait(
            Refused, Requested, Unknown, read=[*steps, read.always()], about="past cancelling"
        )
        for result in results:
            if result.said.settled and not isinstance(result.said, Refused):
                trial.fail("it is not settled", result)


@promise
def waiting_believes_nothing_else(trial: Trial) -> None:
    """A broken read or another order settles nothing; an open order is `Unknown` where nothing is known of it."""
    open_order = Step(trial.counterpart.still_open).always()
    trial.wait(Unknown, read=[open_order], about="it stays open")
    for about, answer in _unreadable(trial.counterpart):
        read = [Step(answer).always()]
        trial.wait(Unknown, OrderUnreadableError, read=read, about=f"the read is {about}")


@promise
def a_later_look_starts_from_the_outcome(trial: Trial) -> None:
    """`check` and `wait_until_settled` read only, and an open or unreadable order leaves the outcome what it was."""
    about = trial.counterpart
    lost = [Step(_LOST).always()]
    asked: Any = trial.cancel(about.accepted_means)[0].said
    unclear: Any = trial.cancel(Unknown, cancel=lost, read=lost)[0].said
    still_open, cancelled = Step(about.still_open).always(), Step(about.cancelled, shows=Cancelled).always()
    trial.later(unclear, Unknown, read=[still_open], about="Unknown before, open now")
    if about.accepted_means is Requested:
        trial.later(asked, Requested, read=[still_open], about="Requested before, open now")
    priors: tuple[Any, ...] = (asked, unclear)
    for prior in priors:
        trial.later(prior, Cancelled, read=[cancelled], about="cancelled now")
        for name, answer in _unreadable(about):
            read = [Step(answer).always()]
            before: Any = prior.__class__
            trial.later(prior, before, read=read, about=f"{before.__name__} before; the read is {name}")


@promise
def an_interruption_passes_through_with_the_evidence(trial: Trial) -> None:
    """What is not an error of countermand leaves as it came, with an `Unknown` on it if the order may be touched."""
    for interruption in (_Interruption("stop"), KeyboardInterrupt(), LookupError("the caller's own")):
        interrupts = Step(interruption)
        lost = Step(_LOST, applied=True)
        cases: dict[str, tuple[list[Step], list[Step]]] = {
            "during the cancellation": ([interrupts], []),
            "during the read after a lost reply": ([lost], [interrupts]),
        }
        for about, (cancel, read) in cases.items():
            for result in trial.cancel(type(interruption), cancel=cancel, read=read, about=about):
                evidence = evidence_of(interruption)
                if not isinstance(evidence, Unknown) or len(evidence.attempts) != len(result.scene.calls):
                    trial.fail("it carries no Unknown with every attempt", result, about)
                trial.check_secrets("it", [interruption, evidence], result, about)
        for result in trial.wait(type(interruption), read=[interrupts], about="during a wait"):
            if evidence_of(interruption) is not None:
                trial.fail("it carries evidence, and nothing was asked for", result)


@promise
def an_outcome_outlives_its_process(trial: Trial) -> None:
    """Outcomes are pickled and written as JSON, requests as JSON, and what is read back is equal."""
    stored = trial.account.stored()
    if type(trial.request) is not stored[0]:
        trial.fail("stored() returns the request's class first")
    if request_of(trial.request.to_dict(), lambda _: stored) != trial.request:
        trial.fail("the request is another after `to_dict`")
    for cancel in ([], [Step(_LOST, applied=True)]):
        for result in trial.cancel(*OUTCOMES, cancel=cancel):
            if pickle.loads(pickle.dumps(result.said)) != result.said:  # noqa: S301 - our own, just made
                trial.fail("it is another after pickling", result)
            try:
                back = outcome_of(json.loads(result.said.to_json()), lambda _: stored)
            except ValueError as error:
                trial.fail(f"it cannot be written as JSON and read back: {error}", result)
            if back != result.said or back.attempts != result.said.attempts:
                trial.fail("it is another after `to_json`", result)


ANSWERS: tuple[Promise, ...] = tuple(
    found for found in list(globals().values()) if isinstance(found, Promise)
)
