"""Reading an order: once, until a cancellation has settled, or just to return it.

A later check starts from the outcome of an earlier call, its *prior*: an open order after `Requested` is still
`Requested`, after `Unknown` it is `Unknown`. Without a prior, an open order is never `Requested`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from ..errors import CountermandError, NotSentError, OrderUnreadableError
from ..outcomes import (
    Cancelled,
    Outcome,
    Part,
    PartiallyCancelled,
    Refused,
    Requested,
    Unknown,
)
from .decoding import Answer
from .flows import concluded, is_denied, order_in
from .kinds import WaitReason
from .rules import Finding, Rules, unknown
from .wire import Call, Fault, Flow, Reply
from .words import is_a_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from .operation import Operation

C = TypeVar("C", bound=Answer)
O = TypeVar("O", bound=Answer)  # noqa: E741
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

_OPEN = "the order is open and shows no cancellation"


def reading(rules: Rules[I, R, C, O], operation: Operation[I, R]) -> Flow[O]:
    """Read an order and return it; raise if that fails."""
    return (yield from concluded(operation, "read", _reading(rules, operation)))


def checking(rules: Rules[I, R, C, O], operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    """Read an order once; return the prior outcome as it now stands."""
    return (yield from concluded(operation, "check", _looking(rules, operation, lambda _: None)))


def waiting(rules: Rules[I, R, C, O], operation: Operation[I, R]) -> Flow[Outcome[Any]]:
    """Read an order, with growing pauses, until its cancellation is settled or the deadline is reached."""
    looking = _looking(rules, operation, operation.pause_before_reading)
    return (yield from concluded(operation, "wait_until_settled", looking))


def _reading(rules: Rules[I, R, C, O], operation: Operation[I, R]) -> Flow[O]:
    ask = rules.read_call(operation)
    while True:
        reply = yield from operation.send("read", ask)
        found = order_in(rules, reply, operation)
        if not isinstance(found, str):
            operation.succeed()
            return found
        operation.fail()
        pause = None if is_denied(reply) else operation.pause("read")
        if pause is None:
            raise _unread(reply, ask, operation, found)
        yield from operation.sleep(pause, WaitReason.RETRY)


def _looking(
    rules: Rules[I, R, C, O], operation: Operation[I, R], pause_of: Callable[[float], float | None]
) -> Flow[Outcome[Any]]:
    """Read until the cancellation is settled, or `pause_of` gives no further pause."""
    ask = rules.read_call(operation)
    prior = operation.prior
    named = () if prior is None else sum(_named(rules, prior), ())
    known: Outcome[Any] | None = prior
    last: Finding[Any] | None = None
    pause = 1.0
    while True:
        try:
            reply = yield from operation.send("read", ask)
        except CountermandError:
            if last is None and prior is None:
                raise
            return _ended(last, operation)
        found = order_in(rules, reply, operation)
        if not isinstance(found, str):
            last = _standing(rules, rules.state(found, operation), known, named)
            if last.settled:
                return operation.outcome(last)
            if last.kind is not Unknown:
                known = operation.outcome(last)  # the next read is judged against this one
        elif last is None and prior is None and (is_denied(reply) or operation.shut_out("read")):
            raise _unread(reply, ask, operation, found)
        wait = None if _is_kept_from_us(rules, reply, ask) else pause_of(pause)
        if wait is None:
            if last is None and prior is None:
                if not operation.got_through():
                    raise _unread(reply, ask, operation, str(found))
                return operation.outcome(unknown(str(found)))
            return _ended(last, operation)
        yield from operation.sleep(wait, WaitReason.POLLING)
        pause = min(pause * 1.5, 60.0)


def _is_kept_from_us(rules: Rules[I, R, C, O], reply: Reply | Fault, asked: Call) -> bool:
    """Whether the marketplace itself does not show the order. What a gateway says may pass."""
    if not is_denied(reply) or not isinstance(reply, Reply) or reply.flaw or is_a_page(reply):
        return False
    return reply.status != 404 or rules.knows_no_order(reply, asked)


def _ended(last: Finding[Any] | None, operation: Operation[Any, Any]) -> Outcome[Any]:
    """Return the last finding or, if no read succeeded, the prior outcome with the new attempts."""
    if last is not None:
        return operation.outcome(last)
    assert operation.prior is not None
    return attrs.evolve(operation.prior, attempts=tuple(operation.attempts))


def _unread(
    reply: Reply | Fault, asked: Call, operation: Operation[Any, Any], problem: str
) -> CountermandError:
    if isinstance(reply, Fault) and not reply.sent:
        return operation.error(NotSentError, f"not sent: {reply.detail}", reply)
    if isinstance(reply, Reply) and reply.status == 429:
        return operation.rate_limited(reply)
    if isinstance(reply, Reply) and is_denied(reply):
        return operation.rejection(reply, asked)
    return operation.error(OrderUnreadableError, problem, reply)


def _standing(
    rules: Rules[I, R, C, O], state: Finding[O], prior: Outcome[Any] | None, named: tuple[Part, ...]
) -> Finding[Any]:
    """Return what an order's state means after the prior outcome; `named` are all parts that were ever named."""
    order = state.answer
    is_open = state.kind is Requested and not state.conclusive
    if prior is None or isinstance(prior, Unknown):
        return unknown(_OPEN, order) if is_open else state
    begun, kept = _named(rules, prior)
    state = _with_ids(state, begun, kept, named)
    if isinstance(prior, Requested):
        facts = {**state.facts, "cancelled": begun} if state.kind is Requested else state.facts
        return state._replace(facts=facts)
    if state.kind is Cancelled:
        return state
    if isinstance(prior, Refused):
        stays = state.kind in (Refused, PartiallyCancelled)
        return state if stays else Finding(Refused, order, {"refused": prior.refused})
    if isinstance(prior, PartiallyCancelled):
        if state.kind is PartiallyCancelled:  # a final state stays final
            settled = prior.settled or state.settled
            return state._replace(facts={**state.facts, "settled": settled})
        if state.kind is Refused and not prior.settled:
            return state
        if not prior.settled or state.kind is Requested:
            facts = {"cancelled": begun, "refused": kept, "settled": prior.settled}
            return Finding(PartiallyCancelled, order, facts, prior.settled)
    was = "cancelled" if isinstance(prior, Cancelled) else "partially cancelled"
    return unknown(f"it was {was}, and now it reads {_told(state)}", order)


def _told(state: Finding[Any]) -> str:
    """Return an order's state in a few words."""
    parts: tuple[Part, ...] = (*state.facts.get("cancelled", ()), *state.facts.get("refused", ()))
    statuses = dict.fromkeys(part.status for part in parts)
    return ", ".join(statuses) or str(state.facts.get("status") or "open")


def _named(
    rules: Rules[Any, Any, Any, Any], prior: Outcome[Any]
) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Return the parts in the prior outcome: those cancelled or about to be, and the others."""
    begun: tuple[Part, ...] = getattr(prior, "cancelled", ())
    if not begun and isinstance(prior, Requested):
        begun = rules.named(prior.answer)
    return begun, getattr(prior, "refused", ())


def _with_ids(
    state: Finding[O], begun: tuple[Part, ...], kept: tuple[Part, ...], named: tuple[Part, ...]
) -> Finding[O]:
    """Add the ids of an earlier answer to the parts of a read without ids, if the counts match."""
    facts = dict(state.facts)
    gone: tuple[Part, ...] = facts.get("cancelled", ())
    rest: tuple[Part, ...] = facts.get("refused", ())
    if any(part.id is not None for part in (*gone, *rest)):
        return state
    if not rest or not gone:  # all parts have the same fate, even those that the read does not list
        begun = kept = named
        gone, rest = (parts * len(named) if len(parts) == 1 else parts for parts in (gone, rest))
    for name, parts, told in (("cancelled", gone, begun), ("refused", rest, kept)):
        if parts and len(parts) == len(told):
            facts[name] = tuple(
                attrs.evolve(part, id=one.id, reason=part.reason or (one.reason if parts is rest else None))
                for part, one in zip(parts, told, strict=True)
            )
    return state._replace(facts=facts)
