"""The life of one cancellation, written once for all marketplaces: ask, judge, settle by reading, wait.

`Rules` say how a marketplace is asked and what its replies mean; the flows here decide what may be believed. Three
rules bind them:

- an error is raised only while the order is certainly untouched;
- once a request may have been applied without a clear answer, a later 4xx is a hint and never the verdict: the order
  is read, and its state decides;
- nothing is believed that does not name this order.
"""

from typing import Any, TypeVar

from ..errors import CountermandError, NotSentError, OrderUnreadableError
from ..outcomes import Outcome, PartiallyCancelled, Refused, attach_evidence
from .decoding import Answer, DecodingError
from .operation import Operation
from .rules import Doubt, Finding, Rules, Verdict, unknown
from .wire import Fault, Flow, Reply

C = TypeVar("C", bound=Answer)
O = TypeVar("O", bound=Answer)  # noqa: E741
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")
T = TypeVar("T")


def cancelling(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    """Ask for the cancellation of an order and return what became of it."""
    return operation.outcome((yield from _concluded(operation, _cancelling(rules, request, operation))))


def reading(rules: Rules[I, R, C, O], operation: Operation[I, R]) -> Flow[O]:
    """Read an order and return it; raise if it cannot be read."""
    return (yield from _concluded(operation, _reading(rules, operation)))


def waiting(rules: Rules[I, R, C, O], operation: Operation[I, R]) -> Flow[Outcome[O]]:
    """Read an order, with growing pauses, until its cancellation is settled or the time is over."""
    return operation.outcome((yield from _concluded(operation, _waiting(rules, operation))))


def _concluded(operation: Operation[Any, Any], flow: Flow[T]) -> Flow[T]:
    """Run `flow`; put the evidence on whatever leaves it other than by returning."""
    try:
        return (yield from flow)
    except GeneratorExit:
        raise
    except CountermandError as error:
        error.attempts = tuple(operation.attempts)
        raise
    except BaseException as interruption:
        attach_evidence(interruption, operation.evidence())
        raise


def _cancelling(rules: Rules[I, R, Any, Any], request: R, operation: Operation[I, R]) -> Flow[Finding[Any]]:
    ask = rules.cancel_call(request, operation)
    while True:
        try:
            reply = yield from operation.send("cancel", ask)
        except CountermandError as error:
            if not operation.ambiguous:
                raise
            return unknown(f"a request may have been applied, and another could not be sent: {error.message}")
        verdict = _judged(rules, reply, operation)
        if isinstance(verdict, Finding):
            operation.succeed()
            return verdict
        operation.fail()
        if isinstance(verdict, Doubt) or operation.ambiguous:
            doubt = verdict if isinstance(verdict, Doubt) else _hint(verdict)
            operation.ambiguous = operation.ambiguous or doubt.error is None
            settled = yield from _settling(rules, operation, doubt)
            if settled is not None:
                return settled
        else:
            pause = None if isinstance(reply, Reply) and reply.status != 429 else operation.pause("cancel")
            if pause is None:
                raise verdict
            yield from operation.sleep(pause)


def _hint(error: CountermandError) -> Doubt:
    """Return what an error is worth once a request may have been applied: the first one may be what caused it."""
    return Doubt(f"after an unclear attempt: {error.message}", error)


def _judged(rules: Rules[I, R, C, O], reply: Reply | Fault, operation: Operation[I, R]) -> Verdict[C]:
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
        if status >= 400 and operation.ambiguous and isinstance(verdict, Finding):
            return _after_doubt(rules, verdict, reply, operation)
        return verdict
    if status < 300:
        return Doubt(f"answered {status}, {reply.flaw or 'which is not documented'}")
    rejection = operation.rejection(reply)
    if status in rules.rejections:
        return rejection
    return Doubt(f"answered {status}, which is not documented", rejection)


def _after_doubt(
    rules: Rules[I, R, C, O], verdict: Finding[C], reply: Reply, operation: Operation[I, R]
) -> Finding[C] | Doubt:
    """Return what a finding is worth that came with a 4xx after an unclear attempt."""
    if verdict.kind not in (Refused, PartiallyCancelled):
        return verdict
    hint = _hint(operation.rejection(reply))
    parts = verdict.facts["refused"]
    beyond = parts and all(part.status in rules.beyond_cancelling for part in parts)
    return hint._replace(fallback=verdict) if beyond else hint


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
            found = _order(rules, reply, operation)
        order = None if isinstance(found, str) else found
        if order is not None:
            state = rules.state(order, operation)
            if state.conclusive:
                operation.succeed()
                return state
            if doubt.fallback is not None:
                operation.succeed()
                return doubt.fallback
            found = "the order is still open"
        if doubt.error is not None and not operation.ambiguous:
            raise doubt.error
        again = rules.repeatable and (order is not None or _denied(reply))
        wait: float | None = None
        if order is not None and not again:
            wait = operation.pause_before_reading(poll)
            poll = min(poll * 2, 60.0)
        elif reply is not None:
            if order is None:
                operation.fail()
            wait = operation.pause("cancel" if again else "read")
        if wait is None:
            return unknown(f"{doubt.reason}; {found}", order)
        yield from operation.sleep(wait)
        if again:
            return None


def _denied(reply: Reply | Fault | None) -> bool:
    """Whether reading is pointless: the order is hidden from us, whatever became of it."""
    return isinstance(reply, Reply) and 400 <= reply.status < 500 and reply.status not in (408, 425, 429)


def _order(rules: Rules[I, R, C, O], reply: Reply | Fault, operation: Operation[I, R]) -> O | str:
    """Return the order, or why it could not be read."""
    if isinstance(reply, Fault):
        return f"reading it: {reply.detail}"
    if reply.status != 200 or reply.flaw:
        return f"reading it was answered with {reply.status}" + (f", {reply.flaw}" if reply.flaw else "")
    try:
        return rules.order(reply, operation)
    except DecodingError as error:
        return f"reading it gave a body that is not as documented: {error}"


def _reading(rules: Rules[I, R, C, O], operation: Operation[I, R]) -> Flow[O]:
    ask = rules.read_call(operation)
    while True:
        reply = yield from operation.send("read", ask)
        found = _order(rules, reply, operation)
        if not isinstance(found, str):
            operation.succeed()
            return found
        operation.fail()
        pause = None if _denied(reply) else operation.pause("read")
        if pause is None:
            raise _unread(reply, operation, found)
        yield from operation.sleep(pause)


def _waiting(rules: Rules[I, R, C, O], operation: Operation[I, R]) -> Flow[Finding[O]]:
    ask = rules.read_call(operation)
    last: Finding[O] | None = None
    pause = 1.0
    while True:
        try:
            reply = yield from operation.send("read", ask)
        except CountermandError:
            if last is None:
                raise
            return last
        found = _order(rules, reply, operation)
        if not isinstance(found, str):
            last = rules.state(found, operation)
            if last.settled:
                return last
        elif last is None and (_denied(reply) or operation.shut_out("read")):
            raise _unread(reply, operation, found)
        wait = None if _denied(reply) else operation.pause_before_reading(pause)
        if wait is None:
            if last is None and not operation.got_through():
                raise _unread(reply, operation, str(found))
            return last if last is not None else unknown(str(found))
        yield from operation.sleep(wait)
        pause = min(pause * 1.5, 60.0)


def _unread(reply: Reply | Fault, operation: Operation[Any, Any], problem: str) -> CountermandError:
    if isinstance(reply, Fault) and not reply.sent:
        return operation.error(NotSentError, f"not sent: {reply.detail}")
    if isinstance(reply, Reply) and reply.status == 429:
        return operation.rate_limited(reply)
    if isinstance(reply, Reply) and _denied(reply):
        return operation.rejection(reply)
    return operation.error(OrderUnreadableError, problem, reply)
