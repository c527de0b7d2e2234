"""The flow of one cancellation, for all marketplaces: send the request, judge the reply, settle doubts by a read.

`Rules` define a marketplace's requests and the meaning of its replies. The flows decide what to trust:

- an error is raised only if the order is certainly untouched;
- after a request that may have been applied, a later 4xx is only a hint: the order is read, and its state decides;
- a reply that does not name this order proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from ..errors import CountermandError, NotSentError
from ..outcomes import Outcome, Part, PartiallyCancelled, Refused, Unknown, attach_evidence
from .decoding import Answer, DecodingError
from .kinds import CallKind, WaitReason
from .rules import Doubt, Finding, Rules, Verdict, unknown
from .wire import Call, Fault, Flow, Reply

if TYPE_CHECKING:
    from .operation import Operation

C = TypeVar("C", bound=Answer)
O = TypeVar("O", bound=Answer)  # noqa: E741
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")
T = TypeVar("T")


def cancelling(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    """Cancel an order and return what became of it."""
    return (yield from concluded(operation, "cancel", _cancelling(rules, request, operation)))


def concluded(operation: Operation[Any, Any], call: CallKind, flow: Flow[T]) -> Flow[T]:
    """Run `flow`, and report the start and the end of the call.

    The evidence is attached to an error or an interruption.
    """
    operation.call = call
    try:
        if operation.telemetry is not None:
            operation.telemetry.call_started(call, operation.timeout)
        found = yield from flow
        if operation.telemetry is not None or found.__class__ is Unknown:
            operation.listened().call_ended(found)
        return found
    except CountermandError as error:
        error.attempts = tuple(operation.attempts)
        error.place(operation.rules.name, operation.rules.label, str(operation.order_id))  # a driver cannot
        if operation.telemetry is not None:
            operation.telemetry.call_ended(error=error)
        raise
    except BaseException as interruption:
        evidence = operation.evidence()
        if not isinstance(interruption, GeneratorExit):
            attach_evidence(interruption, evidence)
        if operation.telemetry is not None or evidence is not None:
            operation.listened().call_ended(interruption=interruption)
        raise


def is_denied(reply: Reply | Fault | None) -> bool:
    """Whether a read is pointless, because we may not see the order."""
    return isinstance(reply, Reply) and 400 <= reply.status < 500 and reply.status not in (408, 425, 429)


def order_in(rules: Rules[I, R, C, O], reply: Reply | Fault, operation: Operation[I, R]) -> O | str:
    """Return the order, or why it could not be read."""
    if isinstance(reply, Fault):
        return f"reading it: {reply.detail}"
    if reply.status != 200 or reply.flaw:
        return f"reading it was answered with {reply.status}" + (f", {reply.flaw}" if reply.flaw else "")
    try:
        return rules.order(reply, operation)
    except DecodingError as error:
        return f"reading it gave a body that is not as documented: {error}"


def resuming(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    """Find out what became of a cancellation that an earlier process may have asked for; see `Operation.was_asked`.

    The order is read before anything else. It is asked for again only where that is harmless.
    """
    return (yield from concluded(operation, "cancel", _resuming(rules, request, operation)))


def _resuming(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    lost = Doubt("it may have been asked for before, by a process that ended without an answer")
    settled = yield from _settling(rules, operation, lost)
    if settled is not None:
        return operation.outcome(settled)
    return (yield from _cancelling(rules, request, operation))


def _cancelling(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    ask = rules.cancel_call(request, operation)
    first: Doubt | CountermandError | None = None
    while True:
        try:
            reply = yield from operation.send("cancel", ask)
        except CountermandError as error:
            if not operation.ambiguous:
                raise
            reason = f"a request may have been applied, and another could not be sent: {error.message}"
            return operation.outcome(unknown(reason))
        verdict = _judged(rules, reply, ask, operation)
        if isinstance(verdict, Finding):
            operation.succeed()
            return operation.outcome(verdict)
        if first is None and isinstance(reply, Reply) and _may_reword(rules, reply, verdict, operation):
            first = verdict
            ask = rules.cancel_call(request, operation)
            continue
        if first is not None and _same_status(first, verdict):
            verdict = first  # the second one is about the other wording, which the caller did not choose
        operation.fail()
        if isinstance(verdict, Doubt) or operation.ambiguous:
            doubt = verdict if isinstance(verdict, Doubt) else _hint(verdict)
            operation.ambiguous = operation.ambiguous or doubt.error is None
            settled = yield from _settling(rules, operation, doubt)
            if settled is not None:
                return operation.outcome(settled)
        else:
            pause = None if isinstance(reply, Reply) and reply.status != 429 else operation.pause("cancel")
            if pause is None:
                raise verdict
            yield from operation.sleep(pause, WaitReason.RETRY)


def _may_reword(
    rules: Rules[I, R, Any, Any], reply: Reply, verdict: Doubt | CountermandError, operation: Operation[I, R]
) -> bool:
    """Whether the marketplace clearly did nothing, and another form of the request exists."""
    return _error_in(verdict) is not None and not operation.ambiguous and rules.reword(reply, operation)


def _same_status(one: Doubt | CountermandError, other: Doubt | CountermandError) -> bool:
    before, now = _error_in(one), _error_in(other)
    return before is not None and now is not None and before.status == now.status


def _error_in(verdict: Doubt | CountermandError) -> CountermandError | None:
    """Return the error by which the marketplace says that it did nothing."""
    return verdict if isinstance(verdict, CountermandError) else verdict.error


def _hint(error: CountermandError) -> Doubt:
    """Return an error as a doubt, after a request that may have been applied, and may have caused it."""
    return Doubt(f"after an unclear attempt: {error.message}", error)


def _judged(
    rules: Rules[I, R, C, O], reply: Reply | Fault, asked: Call, operation: Operation[I, R]
) -> Verdict[C]:
    if isinstance(reply, Fault):
        if reply.sent:
            return Doubt(reply.detail)
        return operation.error(NotSentError, f"not sent: {reply.detail}", reply)
    status = reply.status
    if status == 429:
        return operation.rate_limited(reply)
    if status < 200 or 300 <= status < 400 or status >= 500 or status == 408:
        return Doubt(f"answered {status}")
    verdict: Verdict[C] | None = None
    if not reply.flaw and status != 401:
        try:
            verdict = rules.judge(reply, operation)
        except DecodingError as error:
            return Doubt(f"answered {status} with a body that is not as documented: {error}")
    if verdict is not None:
        if status >= 400 and operation.ambiguous:
            return _after_doubt(rules, verdict, reply, asked, operation)
        return verdict
    if status < 300:
        return Doubt(f"answered {status}, {reply.flaw or 'which is not documented'}")
    rejection = operation.rejection(reply, asked)
    if status in rules.rejections:
        return rejection
    words = f": {rejection.detail}" if rejection.detail else ""
    return Doubt(f"answered {status}, which is not documented{words}", rejection)


def _after_doubt(
    rules: Rules[I, R, C, O], verdict: Verdict[C], reply: Reply, asked: Call, operation: Operation[I, R]
) -> Verdict[C]:
    """Return the verdict of a 4xx after an unclear attempt."""
    if isinstance(verdict, Doubt):
        return Doubt(f"after an unclear attempt: {verdict.reason}")
    if not isinstance(verdict, Finding) or verdict.kind not in (Refused, PartiallyCancelled):
        return verdict
    hint = _hint(operation.rejection(reply, asked))
    parts = verdict.facts["refused"]
    beyond = parts and all(part.status in rules.beyond_cancelling for part in parts)
    return hint._replace(believed=verdict) if beyond else hint


def _settling(
    rules: Rules[I, R, C, O], operation: Operation[I, R], doubt: Doubt
) -> Flow[Finding[Any] | None]:
    """Read the order until its state is conclusive. Return None if the cancellation should be sent again.

    Raises the marketplace's own rejection if nothing is ambiguous and the order's state does not explain it.
    """
    ask = rules.read_call(operation)
    poll = 1.0
    askable = rules.repeatable and doubt.askable
    while True:
        reply: Reply | Fault | None = None
        try:
            reply = yield from operation.send("read", ask)
        except CountermandError as error:
            found: O | str = f"the order could not be read: {error.message}"
        else:
            found = order_in(rules, reply, operation)
        order = None if isinstance(found, str) else found
        if order is not None:
            state = rules.state(order, operation)
            confirmed = state if state.conclusive else doubt.believed
            if confirmed is None and doubt.confirm is not None:
                confirmed = doubt.confirm(order)
            if confirmed is not None:
                operation.succeed()
                return _explained(confirmed, doubt)
            found = "the order is open and shows no cancellation"
            askable = askable and state.askable
        elif doubt.fallback is not None:
            return _noted(doubt.fallback, str(found))
        if doubt.error is not None and not operation.ambiguous:
            if order is None:
                doubt.error.add(str(found))
            raise doubt.error
        wait: float | None = None
        hidden_for = operation.hidden_for()
        # If the order can never be read, the request is repeated only if that is harmless without a delay.
        again = (
            askable and not hidden_for and (order is not None or (is_denied(reply) and not rules.shows_after))
        )
        if order is not None and not again:
            wait = operation.pause_before_reading(min(poll, hidden_for) if askable and hidden_for else poll)
            poll = min(poll * 2, 60.0)
        elif reply is not None:
            if order is None:
                operation.fail()
            wait = operation.pause("cancel" if again else "read")
        if wait is None:
            return unknown(f"{doubt.reason}; {found}", order)
        if again and rules.shows_after:
            return None  # without a pause: the read that allows it must be recent
        yield from operation.sleep(wait, WaitReason.RETRY if again else WaitReason.SETTLING)
        if again:
            return None


def _explained(finding: Finding[Any], doubt: Doubt) -> Finding[Any]:
    """Add the marketplace's own message to the refused parts without a reason; to all of them if each has one."""
    parts: tuple[Part, ...] = finding.facts.get("refused", ())
    detail = doubt.error.detail if doubt.error is not None else None
    if detail is None or not parts:
        return finding
    if all(part.reason for part in parts):
        return _noted(finding, detail)
    told = tuple(attrs.evolve(part, reason=part.reason or detail) for part in parts)
    return finding._replace(facts={**finding.facts, "refused": told})


def _noted(finding: Finding[Any], note: str) -> Finding[Any]:
    """Return a finding with a note after the reason of every refused part."""
    parts: tuple[Part, ...] = finding.facts.get("refused", ())
    told = tuple(attrs.evolve(part, reason="; ".join(filter(None, (part.reason, note)))) for part in parts)
    return finding._replace(facts={**finding.facts, "refused": told}) if told else finding
