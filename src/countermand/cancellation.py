"""The life of one cancellation, written once for all marketplaces: ask, judge, settle by reading, wait.

A `Marketplace` says how to ask and how to read; the flows here decide what may be believed. Three rules bind them:

- an error is raised only while the order is certainly untouched;
- once a request may have been applied without a clear answer, a later 4xx is a hint and never the verdict: the order
  is read, and its state decides;
- nothing is believed that does not name this order.
"""

from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import attrs

from .engine.auth import Auth
from .case import Case
from .context import CallContext
from .engine.decoding import Answer, DecodingError
from .errors import (
    AuthenticationError,
    CountermandError,
    NotSentError,
    OrderNotFoundError,
    OrderUnreadableError,
    PermissionDeniedError,
)
from .outcomes import MarketplaceName
from .outcomes import Outcome, PartiallyCancelled, Refused
from .engine.retry import Account
from .engine.wire import Call, Fault, Flow, Reply

A = TypeVar("A", bound=Answer)
I = TypeVar("I")  # noqa: E741  what names an order: text, or an integer at Kibo
R = TypeVar("R", contravariant=True)

#: Status codes that mean "not applied", and the error for each.
Rejections: TypeAlias = dict[int, type[CountermandError]]

#: The codes that mean "not applied" wherever they are answered, and the error for each.
REJECTIONS: Rejections = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: OrderNotFoundError,
}


class Doubt(NamedTuple):
    """A reply that decides nothing by itself."""

    reason: str
    #: There when the marketplace says that it did nothing.
    error: CountermandError | None = None
    #: There when it says why, for every part, in statuses that no earlier request of ours can have caused.
    refusal: Outcome[Any] | None = None


class Reading(NamedTuple, Generic[A]):
    """An order's state as a cancellation's outcome.

    `conclusive` says whether it shows what became of a cancellation: the state is final, or the marketplace itself
    shows a cancellation in progress. An order that is merely still open shows neither.
    """

    outcome: Outcome[A]
    conclusive: bool


Verdict: TypeAlias = Outcome[A] | Doubt | CountermandError


class Marketplace(Protocol[I, R, A]):
    """What one marketplace says of itself. A fifth marketplace is one class of this shape."""

    name: ClassVar[MarketplaceName]
    #: Whether asking twice is harmless: the order is cancelled once or not at all.
    repeatable: ClassVar[bool]
    #: A part's statuses in which no cancellation, of now or of before, changes anything any more.
    beyond_cancelling: ClassVar[frozenset[str]]
    #: Status codes that mean "not applied", and the error for each. Other 4xx are settled by reading.
    rejections: ClassVar[Rejections]

    auth: Auth
    account: Account

    def order_id_of(self, request: R) -> I:
        """Return what names the order in `request`."""
        ...

    def check_order_id(self, order_id: object) -> I:
        """Return `order_id` if it can name an order here; raise `InvalidRequestError` otherwise."""
        ...

    def cancel_call(self, request: R, order_id: I) -> Call:
        """Return the request that asks for the cancellation."""
        ...

    def judge(self, reply: Reply, case: Case[A]) -> Verdict[A] | None:
        """Return what a reply to the cancellation means where this marketplace documents it; None for the rest.

        Called for every whole reply but 401, 408, 429, 3xx and 5xx. May raise `DecodingError`.
        """
        ...

    def read_call(self, order_id: I) -> Call:
        """Return the request that reads the order."""
        ...

    def read(self, reply: Reply, order_id: I) -> A:
        """Return the order in a 200 reply; raise `DecodingError` if it is anything else, another order included."""
        ...

    def reading(self, answer: A, case: Case[A], waiting: bool) -> Reading[A]:
        """Return what the order's state says about its cancellation.

        `waiting` is True where the caller presumes that a cancellation was asked for; False where a request was
        lost and the state must show by itself that *this* request arrived.
        """
        ...


def cancelling(
    market: Marketplace[I, R, A], request: R, order_id: I, call: CallContext[A]
) -> Flow[Outcome[A]]:
    """Ask for the cancellation of an order and return what became of it."""
    ask = market.cancel_call(request, order_id)
    while True:
        try:
            reply = yield from call.send("cancel", ask)
        except CountermandError as error:
            if not call.ambiguous:
                raise
            return call.case.unknown(
                f"a request may have been applied, and another could not be sent: {error.message}"
            )
        verdict = _judged(market, reply, call)
        if not isinstance(verdict, Doubt | CountermandError):
            call.succeed()
            return verdict
        call.fail()
        if isinstance(verdict, Doubt) or call.ambiguous:
            doubt = verdict if isinstance(verdict, Doubt) else _hint(verdict)
            call.ambiguous = call.ambiguous or doubt.error is None
            settled = yield from _settling(market, order_id, call, doubt)
            if settled is not None:
                return settled
        else:
            pause = None if isinstance(reply, Reply) and reply.status != 429 else call.pause("cancel")
            if pause is None:
                raise verdict
            yield from call.sleep(pause)


def _hint(error: CountermandError) -> Doubt:
    """Return what an error is worth once a request may have been applied: the first one may be what caused it."""
    return Doubt(f"after an unclear attempt: {error.message}", error)


def _judged(market: Marketplace[I, R, A], reply: Reply | Fault, call: CallContext[A]) -> Verdict[A]:
    if isinstance(reply, Fault):
        if reply.sent:
            return Doubt(reply.detail)
        return call.case.error(NotSentError, f"not sent: {reply.detail}")
    status = reply.status
    if status == 429:
        return call.rate_limited(reply)
    if status < 200 or 300 <= status < 400 or status >= 500 or status == 408:
        return Doubt(f"answered {status}")
    verdict: Verdict[A] | None = None
    if not reply.flaw and status != 401:
        try:
            verdict = market.judge(reply, call.case)
        except DecodingError as error:
            return Doubt(f"answered {status} with a body that is not as documented: {error}")
    if isinstance(verdict, Refused | PartiallyCancelled) and status >= 400 and call.ambiguous:
        hint = _hint(call.case.rejection(reply, market.rejections))
        beyond = verdict.refused and all(part.status in market.beyond_cancelling for part in verdict.refused)
        return hint._replace(refusal=verdict) if beyond else hint
    if verdict is not None:
        return verdict
    if status < 300:
        return Doubt(f"answered {status}, {reply.flaw or 'which is not documented'}")
    rejection = call.case.rejection(reply, market.rejections)
    if status in market.rejections:
        return rejection
    return Doubt(f"answered {status}, which is not documented", rejection)


def _settling(
    market: Marketplace[I, R, A], order_id: I, call: CallContext[A], doubt: Doubt
) -> Flow[Outcome[A] | None]:
    """Read the order until its state decides. Return None to have the cancellation asked for again.

    Raises the marketplace's own rejection where nothing is ambiguous and the order's state explains nothing.
    """
    ask = market.read_call(order_id)
    poll = 1.0
    while True:
        reply: Reply | Fault | None = None
        try:
            reply = yield from call.send("read", ask)
        except CountermandError as error:
            found: A | str = f"the order could not be read: {error.message}"
        else:
            found = _read(market, reply, order_id)
        answer = None if isinstance(found, str) else found
        if answer is not None:
            state = market.reading(answer, call.case, waiting=False)
            if state.conclusive:
                call.succeed()
                return state.outcome
            if doubt.refusal is not None:
                call.succeed()
                return _with_evidence(doubt.refusal, call)
            found = "the order is still open"
        if doubt.error is not None and not call.ambiguous:
            doubt.error.attempts = tuple(call.case.attempts)
            raise doubt.error
        again = market.repeatable and (answer is not None or _denied(reply))
        wait: float | None = None
        if answer is not None and not again:
            wait = call.pause_before_reading(poll)
            poll = min(poll * 2, 60.0)
        elif reply is not None:
            if answer is None:
                call.fail()
            wait = call.pause("cancel" if again else "read")
        if wait is None:
            return call.case.unknown(f"{doubt.reason}; {found}", answer)
        yield from call.sleep(wait)
        if again:
            return None


def _denied(reply: Reply | Fault | None) -> bool:
    """Whether reading is pointless: the order is hidden from us, whatever became of it."""
    return isinstance(reply, Reply) and 400 <= reply.status < 500 and reply.status not in (408, 425, 429)


def _read(market: Marketplace[I, R, A], reply: Reply | Fault, order_id: I) -> A | str:
    """Return the order, or why it could not be read."""
    if isinstance(reply, Fault):
        return f"reading it: {reply.detail}"
    if reply.status != 200 or reply.flaw:
        return f"reading it was answered with {reply.status}" + (f", {reply.flaw}" if reply.flaw else "")
    try:
        return market.read(reply, order_id)
    except DecodingError as error:
        return f"reading it gave a body that is not as documented: {error}"


def reading(market: Marketplace[I, R, A], order_id: I, call: CallContext[A]) -> Flow[A]:
    """Read an order and return it; raise if it cannot be read."""
    ask = market.read_call(order_id)
    while True:
        reply = yield from call.send("read", ask)
        found = _read(market, reply, order_id)
        if not isinstance(found, str):
            call.succeed()
            return found
        call.fail()
        pause = None if _denied(reply) else call.pause("read")
        if pause is None:
            raise _unread(market, reply, call, found)
        yield from call.sleep(pause)


def waiting(market: Marketplace[I, R, A], order_id: I, call: CallContext[A]) -> Flow[Outcome[A]]:
    """Read an order, with growing pauses, until its cancellation is settled or the time is over."""
    ask = market.read_call(order_id)
    last: Outcome[A] | None = None
    pause = 1.0
    while True:
        try:
            reply = yield from call.send("read", ask)
        except CountermandError:
            if last is None:
                raise
            return _with_evidence(last, call)
        found = _read(market, reply, order_id)
        if not isinstance(found, str):
            last = market.reading(found, call.case, waiting=True).outcome
            if last.settled:
                return last
        elif last is None and (_denied(reply) or call.shut_out("read")):
            raise _unread(market, reply, call, found)
        wait = None if _denied(reply) else call.pause_before_reading(pause)
        if wait is None:
            if last is None and not call.got_through():
                raise _unread(market, reply, call, str(found))
            return _with_evidence(last, call) if last is not None else call.case.unknown(str(found))
        yield from call.sleep(wait)
        pause = min(pause * 1.5, 60.0)


def _with_evidence(outcome: Outcome[A], call: CallContext[A]) -> Outcome[A]:
    """Return what was seen last, with the reads that failed since."""
    return attrs.evolve(outcome, attempts=tuple(call.case.attempts))


def _unread(
    market: Marketplace[I, R, A], reply: Reply | Fault, call: CallContext[A], problem: str
) -> CountermandError:
    if isinstance(reply, Fault) and not reply.sent:
        return call.case.error(NotSentError, f"not sent: {reply.detail}")
    if isinstance(reply, Reply) and reply.status == 429:
        return call.rate_limited(reply)
    if isinstance(reply, Reply) and _denied(reply):
        return call.case.rejection(reply, market.rejections)
    return call.case.error(OrderUnreadableError, problem, reply)
