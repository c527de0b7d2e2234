"""Pattern Hub.

Sources: "Pattern Hub API, Cancel an order" for the cancellation; "Pattern Hub API, Order status" for the read.
A cancellation is initiated, never done, when it is answered: the warehouses decide afterwards.
"""

from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias, Unpack

import attrs

from ..engine import checks
from ..engine.auth import auth_for
from ..engine.credentials import Credential, as_credential
from ..engine.decoding import Answer, DecodingError, check_subject, decode
from ..engine.operation import Operation
from ..engine.rules import (
    REJECTIONS,
    CancelRequest,
    Finding,
    Rejections,
    Rules,
    Verdict,
    by_parts,
    cancelled,
    partially_cancelled,
    refused,
    requested,
)
from ..engine.secret import Secret, sealed
from ..engine.settings import CallOptions
from ..engine.wire import Call, Reply
from ..errors import InvalidRequestError, RejectedError
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, Stored, SubClient, label_field, rate_field

_HOSTS = {"production": "https://api.pattern.com/hub", "staging": "https://stage-api.pattern.com/hub"}
#: The lists in which, by the status of an answer, something is.
_TOLD = {
    200: ("cancelled_orders",),
    206: ("cancelled_orders", "non_cancellable_orders"),
    409: ("non_cancellable_orders",),
}
#: Warehouse order statuses past the point where a cancellation has any effect.
_BEYOND = frozenset({"batched", "picked", "packed", "departed", "complete"})


@sealed
@attrs.frozen(kw_only=True)
class Pattern(Account["PatternClient", "AsyncPatternClient"]):
    """Access to Pattern Hub. Production and staging have tokens of their own, from the organisation's settings."""

    marketplace: ClassVar[str] = "pattern"

    #: The Bearer token.
    token: Credential = attrs.field(converter=as_credential, validator=checks.credential, repr=False)
    environment: Literal["production", "staging"] = attrs.field(
        default="production", validator=checks.one_of(*_HOSTS)
    )
    #: In place of the environment's base URL; https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=checks.base_url)
    #: What outcomes, errors and requests call this account.
    label: str = label_field("pattern")
    #: How many requests the marketplace allows, such as "100/min"; None where that is not known.
    rate: str | None = rate_field()

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or _HOSTS[self.environment]

    def rules(self) -> "PatternRules":
        """Return Pattern Hub's rules for this account."""
        return PatternRules(self)

    def clients(self) -> "tuple[type[PatternClient], type[AsyncPatternClient]]":
        """Return the two sub-clients' classes."""
        return PatternClient, AsyncPatternClient

    @classmethod
    def stored(cls) -> Stored:
        """Return the classes that stored data is read back as."""
        return CancelPatternOrder, (PatternCancellation, PatternOrderStatus)


def _without_nulls(said: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None or name not in names}


@attrs.frozen
class WarehouseOrder:
    """A warehouse order whose cancellation was initiated."""

    warehouse_order_id: int
    status: str


@attrs.frozen
class NonCancellableOrder:
    """A warehouse order that could not be cancelled, and why."""

    warehouse_order_id: int
    status: str
    reason: str | None = None


@attrs.frozen
class PatternCancellation(Answer):
    """The answer to a cancellation (200, 206 and 409 alike).

    `success` is True when any warehouse order was cancelled; the two lists say which, and are what counts.
    """

    kind: ClassVar[str] = "pattern.cancellation"

    market_order_id: str
    success: bool
    message: str = ""
    cancelled_orders: tuple[WarehouseOrder, ...] = ()
    non_cancellable_orders: tuple[NonCancellableOrder, ...] = ()

    @classmethod
    def prepared(cls, said: dict[str, Any]) -> dict[str, Any]:
        """Leave out a null message and null lists: they read as empty (inferred)."""
        return _without_nulls(said, "message", "cancelled_orders", "non_cancellable_orders")


@attrs.frozen
class Item:
    """An article of a sub-order."""

    sku: str
    quantity: int


@attrs.frozen
class SubOrder:
    """A part of the order. Known: shipped, cancelled, processing, backordered, error, pending."""

    sub_order_status: str
    items: tuple[Item, ...] = ()


@attrs.frozen
class PatternOrderStatus(Answer):
    """The order's state. Known: cancelled, complete, partially shipped, processing, error, pending."""

    kind: ClassVar[str] = "pattern.order_status"

    market_order_id: str
    order_status: str
    sub_orders: tuple[SubOrder, ...] = ()

    @classmethod
    def prepared(cls, said: dict[str, Any]) -> dict[str, Any]:
        """Leave out a null list: it reads as empty (inferred)."""
        return _without_nulls(said, "sub_orders")


@attrs.frozen
class _Errors(Answer):
    errors: tuple[str, ...]


PatternAnswer: TypeAlias = PatternCancellation | PatternOrderStatus


def _order_id(value: object) -> str:
    return checks.order_id(value, "pattern", "market_order_id")


@attrs.frozen
class CancelPatternOrder(CancelRequest[PatternAnswer]):
    """Cancel every warehouse order of a marketplace order that can still be cancelled."""

    marketplace: ClassVar[str] = "pattern"
    market_order_id: str = attrs.field(converter=_order_id)
    account: str | None = attrs.field(default=None, kw_only=True)


_Operation: TypeAlias = Operation[str, CancelPatternOrder]


class PatternRules(Rules[str, CancelPatternOrder, PatternCancellation, PatternOrderStatus]):
    """How Pattern Hub is asked, and what its answers mean."""

    name: ClassVar[str] = "pattern"
    repeatable: ClassVar[bool] = True
    order_of: ClassVar["attrgetter[str]"] = attrgetter("market_order_id")
    beyond_cancelling: ClassVar[frozenset[str]] = _BEYOND
    rejections: ClassVar[Rejections] = REJECTIONS | {
        400: InvalidRequestError,
        405: RejectedError,
        415: RejectedError,
        422: InvalidRequestError,
    }

    def __init__(self, configuration: Pattern) -> None:
        super().__init__(configuration.label, auth_for(_headers, token=configuration.token))
        self._origin, path = checks.split_base_url(configuration.url)
        self._cancel = f"{path}/v1/orders/cancel_order?market_order_id="
        self._status = f"{path}/v1/orders/status?market_order_id="

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it can name an order."""
        return _order_id(order_id)

    def cancel_call(self, request: CancelPatternOrder, operation: _Operation) -> Call:
        """POST, the id as a query parameter, no body."""
        return Call("POST", self._origin, self._cancel + checks.quoted(operation.order_id))

    def judge(self, reply: Reply, operation: _Operation) -> Verdict[PatternCancellation] | None:
        """Let the two lists of a cancellation decide; they outrank `success` and the status code."""
        if reply.status == 422:
            return _invalid(reply, operation)
        if reply.status >= 300 and reply.status != 409:
            return None
        answer = decode(reply.body, PatternCancellation)
        check_subject(answer.market_order_id, operation.order_id)
        # The usual answer needs no part built for each of its orders.
        if answer.cancelled_orders and not answer.non_cancellable_orders and reply.status != 206:
            return requested(answer)
        _check_lists(answer, reply.status)
        begun = self.named(answer)
        rest = tuple(
            Part(str(order.warehouse_order_id), order.status, order.reason)
            for order in answer.non_cancellable_orders
        )
        # An order that was cancelled before is listed as non-cancellable with the status "cancelled" (inferred).
        before = tuple(part for part in rest if _is_cancelled(part.status))
        kept = tuple(part for part in rest if not _is_cancelled(part.status))
        if kept and (begun or before):
            return partially_cancelled(answer, begun + before, kept, settled=not begun)
        if kept:
            return refused(answer, kept)
        if reply.status == 409 and not (begun or before or answer.success):
            return refused(answer, (Part(None, "not cancellable", answer.message or None),))
        if begun:
            return requested(answer)
        if before:
            return cancelled(answer, before)
        raise DecodingError("it lists no warehouse order")

    def read_call(self, operation: _Operation) -> Call:
        """GET, the id as a query parameter."""
        return Call("GET", self._origin, self._status + checks.quoted(operation.order_id))

    def order(self, reply: Reply, operation: _Operation) -> PatternOrderStatus:
        """Return the order's status, if it is about this order."""
        answer = decode(reply.body, PatternOrderStatus)
        check_subject(answer.market_order_id, operation.order_id)
        return answer

    def state(self, order: PatternOrderStatus, operation: _Operation) -> Finding[PatternOrderStatus]:
        """Let the sub-orders decide: all cancelled, all shipped, both, or some still open.

        An order without them is taken for cancelled, and for nothing else: one that is `complete` may well have
        been cancelled in part.
        """
        statuses = [sub_order.sub_order_status for sub_order in order.sub_orders] or [order.order_status]
        if all(map(_is_cancelled, statuses)) != _is_cancelled(order.order_status):
            return requested(order, order.order_status, conclusive=False)  # it contradicts itself
        parts = tuple(Part(None, status) for status in statuses)
        return by_parts(order, parts, _is_cancelled, _is_shipped, order.order_status)

    def named(self, answer: PatternAnswer | None) -> tuple[Part, ...]:
        """Return the warehouse orders that a cancellation began to cancel."""
        begun = answer.cancelled_orders if isinstance(answer, PatternCancellation) else ()
        return tuple(Part(str(order.warehouse_order_id), order.status) for order in begun)


def _headers(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def _check_lists(answer: PatternCancellation, status: int) -> None:
    """Raise `DecodingError` if a list is not there in which, by the status, something should be."""
    raw = answer.raw
    for name in _TOLD.get(status, ()):
        if raw.get(name) is None:
            raise DecodingError(f"{name} is missing, and the status says that something is in it")


def _is_shipped(status: str) -> bool:
    return status.casefold() == "shipped"


def _is_cancelled(status: str) -> bool:
    return status.casefold() in ("cancelled", "canceled")


def _invalid(reply: Reply, operation: _Operation) -> InvalidRequestError:
    try:
        errors = decode(reply.body, _Errors).errors
    except DecodingError:
        errors = ()
    return operation.error(InvalidRequestError, "a parameter is missing or invalid", reply, errors=errors)


class PatternClient(SubClient[str, CancelPatternOrder, PatternCancellation, PatternOrderStatus]):
    """Pattern Hub, blocking."""

    def cancel_order(self, market_order_id: str, **options: Unpack[CallOptions]) -> Outcome[PatternAnswer]:
        """Ask Pattern Hub to cancel an order, and say what became of it.

        Returns `Requested` when every warehouse order was initiated for cancellation, `PartiallyCancelled` when
        some were, `Refused` when none could be, `Cancelled` when all of them were cancelled before (inferred from
        their status), `Unknown` when nothing could be learnt. Only warehouse orders in `new` or `backordered` can
        be cancelled (Pattern Hub API, Cancel an order).

        `options` are those of every call, see `CallOptions`. Raises an error of `countermand.errors`; whenever it
        raises, the order is untouched.
        """
        return self.cancel(CancelPatternOrder(market_order_id), **options)

    def order_status(self, market_order_id: str, **options: Unpack[CallOptions]) -> PatternOrderStatus:
        """Read the order's status (Pattern Hub API, Order status). Raises `OrderUnreadableError` and its siblings."""
        return self._read(market_order_id, options)


class AsyncPatternClient(AsyncSubClient[str, CancelPatternOrder, PatternCancellation, PatternOrderStatus]):
    """Pattern Hub, on an event loop. Each method does what its namesake in `PatternClient` does."""

    async def cancel_order(
        self, market_order_id: str, **options: Unpack[CallOptions]
    ) -> Outcome[PatternAnswer]:
        """Ask Pattern Hub to cancel an order; see `PatternClient.cancel_order`."""
        return await self.cancel(CancelPatternOrder(market_order_id), **options)

    async def order_status(self, market_order_id: str, **options: Unpack[CallOptions]) -> PatternOrderStatus:
        """Read the order's status; see `PatternClient.order_status`."""
        return await self._read(market_order_id, options)
