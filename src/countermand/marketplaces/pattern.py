"""Pattern Hub. A reply to a cancellation confirms that it was initiated; the warehouses decide later.

- Cancel an order: https://developer.pattern.com/operation/operation-post-v1-orders-cancel_order
- Get order status: https://developer.pattern.com/operation/operation-get-v1-orders-status
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias, Unpack

import attrs

from ..data import Shown
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
from ..engine.settings import CallOptions  # noqa: TC001 - for `get_type_hints` of a call
from ..engine.wire import Call, Reply
from ..engine.words import object_in
from ..errors import InvalidRequestError, RejectedError
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, Stored, SubClient, label_field, rate_field

_is_base_url = checks.base_url_before("pattern.com", "/v1/orders")
_HOSTS = {"production": "https://api.pattern.com/hub", "staging": "https://stage-api.pattern.com/hub"}
#: By status of the reply, the lists that must not be empty.
_TOLD = {
    200: ("cancelled_orders",),
    206: ("cancelled_orders", "non_cancellable_orders"),
    409: ("non_cancellable_orders",),
}
#: The warehouse order statuses that can no longer be cancelled.
_BEYOND = frozenset({"batched", "picked", "packed", "departed", "complete"})


@sealed
@attrs.frozen(kw_only=True, repr=False, eq=False)
class Pattern(Account["PatternClient", "AsyncPatternClient"]):
    """The configuration of one account at Pattern Hub.

    Production and staging have separate tokens, from the settings of the organisation.

        Pattern(token="…", environment="staging")
    """

    marketplace: ClassVar[str] = "pattern"
    shows_fields: ClassVar[bool] = True

    #: The Bearer token.
    token: Credential = attrs.field(converter=as_credential, validator=checks.credential, repr=False)
    environment: Literal["production", "staging"] = attrs.field(
        default="production", validator=checks.one_of(*_HOSTS)
    )
    #: Replaces the base URL of the environment. Must be https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=_is_base_url)
    #: The name of this account in outcomes, errors and requests.
    label: str = label_field("pattern")
    #: How many requests the marketplace allows, such as "100/min"; None where that is not known.
    rate: str | None = rate_field()

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or _HOSTS[self.environment]

    def rules(self) -> PatternRules:
        """Return Pattern Hub's rules for this account."""
        return PatternRules(self)

    def clients(self) -> tuple[type[PatternClient], type[AsyncPatternClient]]:
        """Return the two sub-clients' classes."""
        return PatternClient, AsyncPatternClient

    @classmethod
    def stored(cls) -> Stored:
        """Return the classes that stored data is read back as."""
        return CancelPatternOrder, (PatternCancellation, PatternOrderStatus)


@attrs.frozen(repr=False, eq=False)
class WarehouseOrder(Shown):
    """A warehouse order whose cancellation was initiated."""

    warehouse_order_id: int
    status: str


@attrs.frozen(repr=False, eq=False)
class NonCancellableOrder(Shown):
    """A warehouse order that could not be cancelled, and why."""

    warehouse_order_id: int
    status: str
    reason: str | None = None


@attrs.frozen(repr=False, eq=False)
class PatternCancellation(Answer):
    """The answer to a cancellation (200, 206 and 409).

    `success` is True if any warehouse order was cancelled. The two lists say which; they decide.

        for order in outcome.answer.non_cancellable_orders:
            print(order.warehouse_order_id, order.reason)
    """

    kind: ClassVar[str] = "pattern.cancellation"
    #: Inferred: null is not documented.
    nullable: ClassVar[frozenset[str]] = frozenset({"message", "cancelled_orders", "non_cancellable_orders"})

    market_order_id: str
    success: bool
    message: str = ""
    cancelled_orders: tuple[WarehouseOrder, ...] = ()
    non_cancellable_orders: tuple[NonCancellableOrder, ...] = ()


@attrs.frozen(repr=False, eq=False)
class Item(Shown):
    """An article of a sub-order."""

    sku: str
    quantity: int


@attrs.frozen(repr=False, eq=False)
class SubOrder(Shown):
    """A part of the order. Known statuses: shipped, cancelled, processing, backordered, error, pending."""

    sub_order_status: str
    items: tuple[Item, ...] = ()


@attrs.frozen(repr=False, eq=False)
class PatternOrderStatus(Answer):
    """The status of an order.

    Known: cancelled, complete, partially shipped, processing, error, pending.

        print(client.pattern.order_status("114-3941689-8772232").order_status)
    """

    kind: ClassVar[str] = "pattern.order_status"
    #: Inferred: null is not documented.
    nullable: ClassVar[frozenset[str]] = frozenset({"sub_orders"})

    market_order_id: str
    order_status: str
    sub_orders: tuple[SubOrder, ...] = ()


PatternAnswer: TypeAlias = PatternCancellation | PatternOrderStatus


def _order_id(value: object) -> str:
    return checks.order_id(value, "pattern", "market_order_id")


@attrs.frozen(repr=False, eq=False)
class CancelPatternOrder(CancelRequest[PatternAnswer]):
    """A request to cancel every warehouse order of a marketplace order that can still be cancelled.

    It checks itself; an invalid id raises `InvalidRequestError`.

        client.cancel(CancelPatternOrder("114-3941689-8772232"))
    """

    marketplace: ClassVar[str] = "pattern"
    market_order_id: str = attrs.field(converter=_order_id)
    account: str | None = attrs.field(default=None, validator=checks.account, kw_only=True)


_Operation: TypeAlias = Operation[str, CancelPatternOrder]


class PatternRules(Rules[str, CancelPatternOrder, PatternCancellation, PatternOrderStatus]):
    """The requests to Pattern Hub, and what its replies mean."""

    name: ClassVar[str] = "pattern"
    repeatable: ClassVar[bool] = True
    order_of: ClassVar[attrgetter[str]] = attrgetter("market_order_id")
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
        """Return `order_id` if it is a valid order id."""
        return _order_id(order_id)

    def cancel_call(self, request: CancelPatternOrder, operation: _Operation) -> Call:
        """Return a POST with the id as a query parameter, without a body."""
        return Call("POST", self._origin, self._cancel + checks.quoted(operation.order_id))

    def judge(self, reply: Reply, operation: _Operation) -> Verdict[PatternCancellation] | None:
        """Judge by the two lists. They take precedence over `success` and the status."""
        if reply.status == 422:
            return _invalid(reply, operation)
        is_own_409 = reply.status == 409 and "market_order_id" in (object_in(reply) or ())
        if reply.status >= 300 and not is_own_409:
            return None
        answer = decode(reply.body, PatternCancellation)
        check_subject(answer.market_order_id, operation.order_id)
        # The common case does not need a `Part` for each order.
        if answer.cancelled_orders and not answer.non_cancellable_orders and reply.status != 206:
            return requested(answer)
        _check_lists(answer, reply.status)
        begun = self.named(answer)
        rest = tuple(
            Part(str(order.warehouse_order_id), order.status, order.reason)
            for order in answer.non_cancellable_orders
        )
        # A warehouse order that is already cancelled is listed as non-cancellable with that status (inferred).
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
        """Return a GET with the id as a query parameter."""
        return Call("GET", self._origin, self._status + checks.quoted(operation.order_id))

    def order(self, reply: Reply, operation: _Operation) -> PatternOrderStatus:
        """Return the order's status if it is this order."""
        answer = decode(reply.body, PatternOrderStatus)
        check_subject(answer.market_order_id, operation.order_id)
        return answer

    def state(self, order: PatternOrderStatus, operation: _Operation) -> Finding[PatternOrderStatus]:
        """Judge by the sub-orders: all cancelled, all shipped, both, or some still open.

        Without sub-orders, only `cancelled` is conclusive: a `complete` order may be partially cancelled.
        """
        statuses = [sub_order.sub_order_status for sub_order in order.sub_orders] or [order.order_status]
        if all(map(_is_cancelled, statuses)) != _is_cancelled(order.order_status):
            return requested(order, order.order_status, conclusive=False)  # it contradicts itself
        parts = tuple(Part(None, status) for status in statuses)
        return by_parts(order, parts, _is_cancelled, _is_shipped, order.order_status)

    def named(self, answer: PatternAnswer | None) -> tuple[Part, ...]:
        """Return the warehouse orders whose cancellation was initiated."""
        begun = answer.cancelled_orders if isinstance(answer, PatternCancellation) else ()
        return tuple(Part(str(order.warehouse_order_id), order.status) for order in begun)


def _headers(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def _check_lists(answer: PatternCancellation, status: int) -> None:
    """Raise `DecodingError` if a list is missing that the status requires."""
    raw = answer.raw
    for name in _TOLD.get(status, ()):
        if raw.get(name) is None:
            raise DecodingError(f"{name} is missing, and the status says that something is in it")


def _is_shipped(status: str) -> bool:
    return status.casefold() == "shipped"


def _is_cancelled(status: str) -> bool:
    return status.casefold() in ("cancelled", "canceled")


def _invalid(reply: Reply, operation: _Operation) -> InvalidRequestError | None:
    errors: Any = (object_in(reply) or {}).get("errors")
    if errors.__class__ is not list or any(error.__class__ is not str for error in errors):
        return None  # any other 422 is a rejection in whatever words it has
    problem = "a parameter is missing or invalid"
    return operation.error(InvalidRequestError, problem, reply, errors=tuple(errors))


class PatternClient(SubClient[str, CancelPatternOrder, PatternCancellation, PatternOrderStatus]):
    """The blocking client of one account at Pattern Hub.

    `Countermand` makes it:

        client.pattern.cancel_order("114-3941689-8772232")
    """

    def cancel_order(self, market_order_id: str, **options: Unpack[CallOptions]) -> Outcome[PatternAnswer]:
        """Ask Pattern Hub to cancel an order, and return what became of it.

        Returns `Requested` if the cancellation of every warehouse order was initiated, `PartiallyCancelled` if that
        of some was, `Refused` if none could be cancelled, `Cancelled` if all of them were cancelled before (inferred
        from their status), and `Unknown` if a lost reply could not be settled. Only warehouse orders with the status
        `new` or `backordered` can be cancelled, see
        https://developer.pattern.com/operation/operation-post-v1-orders-cancel_order.

        `options` are described in `CallOptions`. Raises a `CountermandError`; then the order is untouched.

            outcome = client.pattern.cancel_order("114-3941689-8772232", timeout=10)
        """
        return self._cancel(CancelPatternOrder(market_order_id), options)

    def order_status(self, market_order_id: str, **options: Unpack[CallOptions]) -> PatternOrderStatus:
        """Read the status of an order.

        See https://developer.pattern.com/operation/operation-get-v1-orders-status. Raises `OrderUnreadableError`,
        `OrderNotFoundError` or another `CountermandError`.

            status = client.pattern.order_status("114-3941689-8772232")
        """
        return self._read(market_order_id, options)


class AsyncPatternClient(AsyncSubClient[str, CancelPatternOrder, PatternCancellation, PatternOrderStatus]):
    """`PatternClient` for asyncio.

    `AsyncCountermand` makes it:

        await client.pattern.cancel_order("114-3941689-8772232")
    """

    async def cancel_order(
        self, market_order_id: str, **options: Unpack[CallOptions]
    ) -> Outcome[PatternAnswer]:
        """Ask Pattern Hub to cancel an order, and return what became of it;
        see `PatternClient.cancel_order`.

            outcome = await client.pattern.cancel_order("114-3941689-8772232")
        """
        return await self._cancel(CancelPatternOrder(market_order_id), options)

    async def order_status(self, market_order_id: str, **options: Unpack[CallOptions]) -> PatternOrderStatus:
        """Read the status of an order;
        see `PatternClient.order_status`.

            status = await client.pattern.order_status("114-3941689-8772232")
        """
        return await self._read(market_order_id, options)
