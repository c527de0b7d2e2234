"""The life of one cancellation, written once for all marketplaces: ask, judge, settle by reading.

`Rules` say how a marketplace is asked and what its replies mean; the flows here decide what may be believed. Three
rules bind them:

- an error is raised only while the order is certainly untouched;
- once a request may have been applied without a clear answer, a later 4xx is a hint and never the verdict: the order
  is read, and its state decides;
- nothing is believed that does not name this order.
"""

from typing import Any, TypeVar

import attrs

from ..errors import CountermandError, NotSentError
from ..outcomes import Outcome, PartiallyCancelled, Refused
from .decoding import Answer, DecodingError
from .looks import concluded, is_denied, order_in
from .operation import Operation
from .rules import Doubt, Finding, Rules, Verdict, unknown
from .wire import Call, Fault, Flow, Reply

C = TypeVar("C", bound=Answer)
O = TypeVar("O", bound=Answer)  # noqa: E741
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


def cancelling(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    """Ask for the cancellation of an order and return what became of it."""
    return operation.outcome((yield from concluded(operation, _cancelling(rules, request, operation))))


def resuming(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    """Find out what became of a cancellation that an earlier process may have asked for; see `Operation.was_asked`.

    The order is read before anything else. It is asked for again only where that is harmless.
    """
    return operation.outcome((yield from concluded(operation, _resuming(rules, request, operation))))


def _resuming(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Finding[Any]]:
    lost = Doubt("it may have been asked for before, by a process that ended without an answer")
    settled = yield from _settling(rules, operation, lost)
    return settled if settled is not None else (yield from _cancelling(rules, request, operation))


def _cancelling(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Finding[Any]]:
    ask = rules.cancel_call(request, operation)
    first: CountermandError | None = None
    while True:
        try:
            reply = yield from operation.send("cancel", ask)
        except CountermandError as error:
            if not operation.ambiguous:
                raise
            return unknown(f"a request may have been applied, and another could not be sent: {error.message}")
        verdict = _judged(rules, reply, ask, operation)
        if isinstance(verdict, Finding):
            operation.succeed()
            return verdict
        if isinstance(reply, Reply) and _may_reword(rules, reply, verdict, operation):
            operation.reworded = True
            first = verdict if isinstance(verdict, CountermandError) else None
            ask = rules.cancel_call(request, operation)
            continue
        operation.fail()
        if isinstance(verdict, Doubt) or operation.ambiguous:
            doubt = verdict if isinstance(verdict, Doubt) else _hint(verdict)
            operation.ambiguous = operation.ambiguous or _may_have_acted(doubt)
            settled = yield from _settling(rules, operation, doubt)
            if settled is not None:
                return settled
        else:
            pause = None if isinstance(reply, Reply) and reply.status != 429 else operation.pause("cancel")
            if pause is None:
                # A second 400 complains of the other wording, which was not the account's fault.
                raise first if first is not None and first.status == verdict.status else verdict
            yield from operation.sleep(pause)


def _may_reword(
    rules: Rules[I, R, Any, Any], reply: Reply, verdict: Doubt | CountermandError, operation: Operation[I, R]
) -> bool:
    """Whether the marketplace clearly did nothing, and there is another way to ask for the same."""
    untouched = isinstance(verdict, CountermandError) or verdict.error is not None
    return untouched and not operation.ambiguous and not operation.reworded and rules.reword(reply, operation)


def _may_have_acted(doubt: Doubt) -> bool:
    return doubt.error is None and (doubt.fallback is None or doubt.fallback.kind is not Refused)


def _hint(error: CountermandError) -> Doubt:
    """Return what an error is worth once a request may have been applied: the first one may be what caused it."""
    return Doubt(f"after an unclear attempt: {error.message}", error)


def _judged(
    rules: Rules[I, R, C, O], reply: Reply | Fault, asked: Call, operation: Operation[I, R]
) -> Verdict[C]:
    if isinstance(reply, Fault):
        if reply.sent:
            return Doubt(reply.detail)
        return operation.error(NotSentError, f"not sent: {reply.detail}")
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
    return Doubt(f"answered {status}, which is not documented", rejection)


def _after_doubt(
    rules: Rules[I, R, C, O], verdict: Verdict[C], reply: Reply, asked: Call, operation: Operation[I, R]
) -> Verdict[C]:
    """Return what a verdict is worth that came with a 4xx after an unclear attempt."""
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
    """Read the order until its state decides. Return None to have the cancellation asked for again.

    Raises the marketplace's own rejection where nothing is ambiguous and the order's state explains nothing.
    """
    ask = rules.read_call(operation)
    poll = 1.0
    while True:
        reply: Reply | Fault | None = None
        try:
            reply = yield from operation.send("read", ask)
        except CountermandError as error:
            found: O | str = f"the order could not be read: {error.message}"
        else:
            found = order_in(rules, reply, operation)
        order = None if isinstance(found, str) else found
        askable = rules.repeatable and doubt.askable
        if order is not None:
            state = rules.state(order, operation)
            confirmed = state if state.conclusive else doubt.believed
            if confirmed is None and doubt.confirm is not None:
                confirmed = doubt.confirm(order)
            if confirmed is not None:
                operation.succeed()
                return confirmed
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
        # A request that is hidden from us for good can only be asked for again where that is harmless at once.
        again = (
            askable and not hidden_for and (order is not None or (is_denied(reply) and not rules.shows_after))
        )
        if order is not None and not again:
            wait = operation.pause_before_reading(min(poll, hidden_for) if askable and hidden_for else poll)
            poll = min(poll * 2, 60.0)
        elif reply is not None:
            if order is None:
                operation.fail()
            if order is None and is_denied(reply) and not again:
                return unknown(f"{doubt.reason}; {found}")
            wait = operation.pause("cancel" if again else "read")
        if wait is None:
            return unknown(f"{doubt.reason}; {found}", order)
        if again and rules.shows_after:
            return None  # at once: what has just been read is what allows it
        yield from operation.sleep(wait)
        if again:
            return None


def _noted(finding: Finding[Any], note: str) -> Finding[Any]:
    """Return a finding that rests on a reply alone, with why no read confirms it."""
    parts = finding.facts.get("refused", ())
    told = tuple(attrs.evolve(part, reason="; ".join(filter(None, (part.reason, note)))) for part in parts)
    return finding._replace(facts={**finding.facts, "refused": told}) if told else finding
