"""Shop, as a marketplace of countermand. It is made up; its API, as far as a cancellation goes:

    POST /v1/orders/{id}/cancellation    asks for one. 202 and {"order", "state"}: it was received, the warehouse
                                         decides. 409 and {"order", "state", "error"}: too late. 404: no such order.
    GET  /v1/orders/{id}                 200 and {"order", "state"}.

Each request carries X-Api-Key. The states are open, packing, cancellation_requested, cancelled, shipped, delivered.
"""

import json
from operator import attrgetter
from typing import ClassVar, TypeAlias, Unpack

import attrs

from countermand import Account, AsyncSubClient, CancelRequest, Outcome, Part, SubClient
from countermand.marketplaces import kit
from countermand.marketplaces.kit import (
    Answer,
    Call,
    CallOptions,
    Finding,
    Reply,
    cancelled,
    refused,
    requested,
)

#: States in which Shop does not cancel any more. A state that is in no list counts as open: new ones will come.
_TOO_LATE = frozenset({"shipped", "delivered"})


# `sealed` keeps the key out of tracebacks and pickles; `Secret` and `repr=False` keep it out of everything printed.
@kit.sealed
@attrs.frozen(kw_only=True)
class Shop(Account["ShopClient", "AsyncShopClient"]):
    """Access to one account at Shop, by its API key."""

    marketplace: ClassVar[str] = "shop"
    #: X-Api-Key.
    api_key: kit.Secret = attrs.field(converter=kit.as_secret, validator=kit.checks.credential, repr=False)
    #: Where Shop is found: https, or http to this machine.
    base_url: str = attrs.field(default="https://api.shop.example", validator=kit.checks.base_url)
    #: What outcomes, errors and requests call this account. With several accounts, each needs one of its own.
    label: str = kit.label_field("shop")

    def rules(self) -> "ShopRules":
        """Return Shop's rules for this account."""
        return ShopRules(self)

    def clients(self) -> "tuple[type[ShopClient], type[AsyncShopClient]]":
        """Return the two sub-clients' classes."""
        return ShopClient, AsyncShopClient

    @classmethod
    def stored(cls) -> kit.Stored:
        """Return the classes that stored data is read back as."""
        return CancelShopOrder, (ShopOrder,)


@attrs.frozen
class ShopOrder(Answer):
    """An order's state. Shop answers a cancellation with the same object; all else that it sends is in `raw`."""

    kind: ClassVar[str] = "shop.order"
    order: str
    #: Text, not a closed enum: a state that is new today must not make the order unreadable.
    state: str
    #: Why the order was not cancelled, in Shop's words.
    error: str | None = None


@attrs.frozen
class CancelShopOrder(CancelRequest[ShopOrder]):
    """Cancel an order. Shop shows `reason` to the warehouse."""

    marketplace: ClassVar[str] = "shop"
    order: str
    reason: str | None = attrs.field(default=None, kw_only=True)
    account: str | None = attrs.field(default=None, validator=kit.checks.account, kw_only=True)

    def __attrs_post_init__(self) -> None:
        kit.checks.order_id(self.order, self.marketplace, "order")
        if not (self.reason is None or isinstance(self.reason, str)):
            raise kit.checks.bad(self.marketplace, "reason", "must be text", self.order)


_Operation: TypeAlias = kit.Operation[str, CancelShopOrder]


class ShopRules(kit.Rules[str, CancelShopOrder, ShopOrder, ShopOrder]):
    """How Shop is asked, and what its answers mean. There is no I/O here, and no retry: both are the engine's."""

    name: ClassVar[str] = "shop"
    own_headers: ClassVar[frozenset[str]] = frozenset({"x-api-key"})
    # The field of the request that names the order; the request has checked itself when it was built.
    order_of = attrgetter("order")
    # Shop cancels an order once, however often it is asked. Without this line the engine would never ask a second
    # time after a lost reply, and only read.
    repeatable: ClassVar[bool] = True

    def __init__(self, account: Shop) -> None:
        # What stands in the list of secrets is struck out wherever Shop repeats it: in bodies and request ids.
        super().__init__(account.label, kit.Auth({"X-Api-Key": account.api_key.reveal()}, [account.api_key]))
        self._origin, path = kit.checks.split_base_url(account.base_url)
        self._orders = f"{path}/v1/orders/"

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it can name an order."""
        return kit.checks.order_id(order_id, self.name, "order")

    def cancel_call(self, request: CancelShopOrder, operation: _Operation) -> Call:
        """POST. `quoted` makes the id one path segment: "A-1/../A-2" must not name another order."""
        body = None if request.reason is None else json.dumps({"reason": request.reason}).encode()
        path = f"{self._orders}{kit.checks.quoted(operation.order_id)}/cancellation"
        return Call("POST", self._origin, path, body)

    def read_call(self, operation: _Operation) -> Call:
        """GET."""
        return Call("GET", self._origin, self._orders + kit.checks.quoted(operation.order_id))

    def judge(self, reply: Reply, operation: _Operation) -> kit.Verdict[ShopOrder] | None:
        """Say what Shop documents of a reply to the cancellation, and None for everything else.

        A gateway's error page may have status 202 as well, so the body has to parse and to name this order. If it
        does not, `order` raises, and the engine reads the order instead of believing the status.
        """
        if reply.status not in (202, 409):
            return None  # 404 and the other errors: the engine knows what they mean
        answer = self.order(reply, operation)
        found = self.state(answer, operation)
        if reply.status == 409:
            return found if found.conclusive else None
        if answer.state in _TOO_LATE:
            return None  # the body contradicts the status: the order has to be read
        # 202 is "received". Only the state can say more than that.
        return found if found.settled else requested(answer, answer.state)

    def order(self, reply: Reply, operation: _Operation) -> ShopOrder:
        """Return the order, if it is this one. Both functions raise `DecodingError`."""
        answer = kit.decode(reply.body, ShopOrder)
        kit.check_subject(answer.order, operation.order_id)
        return answer

    def state(self, order: ShopOrder, operation: _Operation) -> Finding[ShopOrder]:
        """Let the state decide.

        `conclusive=False` for an order that is merely open: it does not say whether a cancellation is on its way,
        so the engine must not report one.
        """
        if order.state == "cancelled":
            return cancelled(order)
        if order.state == "cancellation_requested":
            return requested(order, order.state)
        if order.state in _TOO_LATE:
            return refused(order, (Part(order.order, order.state, order.error),))
        return requested(order, order.state, conclusive=False)


# The sub-clients are for convenience and types. `cancel` and `wait_until_settled` are inherited.
class ShopClient(SubClient[str, CancelShopOrder, ShopOrder, ShopOrder]):
    """Shop, blocking."""

    def cancel_order(
        self, order: str, *, reason: str | None = None, **options: Unpack[CallOptions]
    ) -> Outcome[ShopOrder]:
        """Ask Shop to cancel an order, and say what became of it. `options` are those of every call.

        Returns `Requested` while the warehouse decides. If it raises (see `countermand.errors`), nothing was done.
        """
        return self.cancel(CancelShopOrder(order, reason=reason), **options)

    def get_order(self, order: str, **options: Unpack[CallOptions]) -> ShopOrder:
        """Read an order. Raises `OrderUnreadableError` and its siblings."""
        return self._read(order, options)


class AsyncShopClient(AsyncSubClient[str, CancelShopOrder, ShopOrder, ShopOrder]):
    """Shop, on an event loop. Each method does what its namesake in `ShopClient` does."""

    async def cancel_order(
        self, order: str, *, reason: str | None = None, **options: Unpack[CallOptions]
    ) -> Outcome[ShopOrder]:
        """Ask Shop to cancel an order; see `ShopClient.cancel_order`."""
        return await self.cancel(CancelShopOrder(order, reason=reason), **options)

    async def get_order(self, order: str, **options: Unpack[CallOptions]) -> ShopOrder:
        """Read an order; see `ShopClient.get_order`."""
        return await self._read(order, options)
