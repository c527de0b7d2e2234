"""The four marketplaces, each as one row: how a test asks it, and what it answers as documented."""

from collections.abc import Mapping
from typing import Any

import attrs

from countermand import (
    CancelCruxOrder,
    CancelKiboOrder,
    CancelPatternOrder,
    CancelVtexOrder,
    Crux,
    Kibo,
    Outcome,
    Pattern,
    Requested,
    Vtex,
)
from countermand.engine.wire import Reply

from .doors import Door
from .stage import reply

PATTERN_TOKEN = "pattern-tok3n"
VTEX_KEY, VTEX_TOKEN = "vtexappkey-mystore", "vtex-tok3n"
CRUX_TOKEN = "crux-tok3n"
KIBO_TOKEN = "kibo-tok3n"


@attrs.frozen
class Market:
    """One marketplace, and an order at it."""

    name: str
    #: Its configuration.
    access: Any
    order_id: str | int
    #: What `cancel_order` is given.
    arguments: tuple[Any, ...]
    #: The same as a request object.
    request: Any
    #: The sub-client's read.
    reads: str
    method: str
    cancel_url: str
    read_url: str
    #: What its requests carry to say who asks.
    credentials: Mapping[str, str]
    secrets: tuple[str, ...]
    #: Whether an unclear cancellation may be asked for again.
    repeatable: bool
    #: The answer to a cancellation that was accepted, as documented.
    accepted: Reply = attrs.field(repr=False)
    #: The order read: still open, cancelled, and past cancelling.
    still_open: Reply = attrs.field(repr=False)
    cancelled: Reply = attrs.field(repr=False)
    blocked: Reply = attrs.field(repr=False)
    #: Another order, cancelled.
    another: Reply = attrs.field(repr=False)
    #: An accepted cancellation of another order.
    accepted_another: Reply = attrs.field(repr=False)

    @property
    def settings(self) -> dict[str, Any]:
        """The client's argument for this marketplace."""
        return {self.name: self.access}

    def cancel(self, door: Door, **options: Any) -> Any:
        """Cancel the order through a door."""
        return door.do(self.name, "cancel_order", *self.arguments, **options)

    def read(self, door: Door, **options: Any) -> Any:
        """Read the order through a door."""
        return door.do(self.name, self.reads, self.order_id, **options)

    def wait(self, door: Door, **options: Any) -> Any:
        """Wait until the order has settled."""
        return door.do(self.name, "wait_until_settled", self.order_id, **options)


def pattern_answer(
    cancelled: Mapping[int, str],
    others: Mapping[int, tuple[str, str]],
    *,
    order_id: str = "114-1",
    success: bool | None = None,
) -> dict[str, Any]:
    """Return the body of 200, 206 and 409: parts by number, the others with status and reason."""
    return {
        "market_order_id": order_id,
        "success": bool(cancelled) if success is None else success,
        "message": "told",
        "cancelled_orders": [{"warehouse_order_id": n, "status": s} for n, s in cancelled.items()],
        "non_cancellable_orders": [
            {"warehouse_order_id": n, "status": s, "reason": r} for n, (s, r) in others.items()
        ],
    }


def pattern_order(status: str, *parts: str, order_id: str = "114-1") -> Reply:
    """Return a status read with sub-orders in these statuses."""
    sub_orders = [{"sub_order_status": part, "items": [{"sku": "A", "quantity": 1}]} for part in parts]
    return reply(200, {"market_order_id": order_id, "order_status": status, "sub_orders": sub_orders})


def vtex_order(status: str, order_id: str = "1172-01", **more: Any) -> Reply:
    """Return an order in a status."""
    return reply(200, {"orderId": order_id, "status": status, "allowCancellation": True, **more})


def crux_order(*statuses: str, order_id: str = "521a91e5-058d-4474-aeee-f0c148594a00") -> Reply:
    """Return an order whose line items `line-0`, `line-1`, … are in these statuses."""
    lines = [{"uuid": f"line-{n}", "status": status} for n, status in enumerate(statuses)]
    return reply(200, {"uuid": order_id, "line_items": lines})


def kibo_order(status: str, order_id: int = 1010101, **more: Any) -> Reply:
    """Return an order in a status."""
    return reply(200, {"orderID": order_id, "orderState": status, "orderStatus": status, **more})


def vtex_receipt(order_id: str = "1172-01", **more: Any) -> Reply:
    """Return the receipt of a notification."""
    date = "2014-02-07T15:22:56.7612218-02:00"
    return reply(200, {"date": date, "orderId": order_id, "receipt": "38e0e47d", **more})


PATTERN = Market(
    name="pattern",
    access=Pattern(token=PATTERN_TOKEN),
    order_id="114-1",
    arguments=("114-1",),
    request=CancelPatternOrder("114-1"),
    reads="order_status",
    method="POST",
    cancel_url="https://api.pattern.com/hub/v1/orders/cancel_order?market_order_id=114-1",
    read_url="https://api.pattern.com/hub/v1/orders/status?market_order_id=114-1",
    credentials={"authorization": f"Bearer {PATTERN_TOKEN}"},
    secrets=(PATTERN_TOKEN,),
    repeatable=True,
    accepted=reply(200, pattern_answer({1: "cancelled"}, {})),
    still_open=pattern_order("pending", "pending"),
    cancelled=pattern_order("cancelled", "cancelled"),
    blocked=pattern_order("complete", "shipped"),
    another=pattern_order("cancelled", "cancelled", order_id="114-2"),
    accepted_another=reply(200, pattern_answer({1: "cancelled"}, {}, order_id="114-2")),
)
VTEX = Market(
    name="vtex",
    access=Vtex(account="mystore", app_key=VTEX_KEY, app_token=VTEX_TOKEN),
    order_id="1172-01",
    arguments=("1172-01",),
    request=CancelVtexOrder("1172-01"),
    reads="get_order",
    method="POST",
    cancel_url="https://mystore.vtexcommercestable.com.br/api/oms/pvt/orders/1172-01/cancel",
    read_url="https://mystore.vtexcommercestable.com.br/api/oms/pvt/orders/1172-01",
    credentials={"x-vtex-api-appkey": VTEX_KEY, "x-vtex-api-apptoken": VTEX_TOKEN},
    secrets=(VTEX_KEY, VTEX_TOKEN),
    repeatable=True,
    accepted=vtex_receipt(),
    still_open=vtex_order("handling"),
    cancelled=vtex_order("canceled"),
    blocked=vtex_order("invoiced"),
    another=vtex_order("canceled", order_id="1172-02"),
    accepted_another=vtex_receipt("1172-02"),
)
CRUX = Market(
    name="crux",
    access=Crux(token=CRUX_TOKEN),
    order_id="521a91e5-058d-4474-aeee-f0c148594a00",
    arguments=("521a91e5-058d-4474-aeee-f0c148594a00",),
    request=CancelCruxOrder("521a91e5-058d-4474-aeee-f0c148594a00"),
    reads="get_order",
    method="PATCH",
    cancel_url="https://api.cruxconnect.com/orders/cancel/",
    read_url="https://api.cruxconnect.com/orders/521a91e5-058d-4474-aeee-f0c148594a00/",
    credentials={"authorization": f"Token {CRUX_TOKEN}"},
    secrets=(CRUX_TOKEN,),
    repeatable=False,
    accepted=reply(204),
    still_open=crux_order("Allocated"),
    cancelled=crux_order("Cancelled"),
    blocked=crux_order("HasTracking"),
    another=crux_order("Cancelled", order_id="621a91e5-058d-4474-aeee-f0c148594a00"),
    accepted_another=reply(200, {"order_uuid": "621a91e5-058d-4474-aeee-f0c148594a00"}),
)
KIBO = Market(
    name="kibo",
    access=Kibo(tenant_id=12345, access_token=KIBO_TOKEN),
    order_id=1010101,
    arguments=(1010101, "customer_changed_mind"),
    request=CancelKiboOrder(1010101, "customer_changed_mind"),
    reads="get_order",
    method="POST",
    cancel_url="https://12345-translation.mozu.com/api/v2/order/action/cancel",
    read_url="https://12345-translation.mozu.com/api/v2/order/1010101",
    credentials={"x-vol-tenant": "12345", "authorization": f"Bearer {KIBO_TOKEN}"},
    secrets=(KIBO_TOKEN,),
    repeatable=True,
    accepted=kibo_order("PENDING"),
    still_open=kibo_order("READY"),
    cancelled=kibo_order("CANCELED"),
    blocked=kibo_order("SHIPPED"),
    another=kibo_order("CANCELED", order_id=1010102),
    accepted_another=kibo_order("CANCELED", order_id=1010102),
)
MARKETS = (PATTERN, VTEX, CRUX, KIBO)
REPEATABLE = tuple(market for market in MARKETS if market.repeatable)


def names(outcome: Outcome[Any]) -> str:
    """Return which of the five answers an outcome is."""
    return type(outcome).__name__


def accepted(outcome: Any) -> bool:
    """Say whether an outcome is what `Market.accepted` means."""
    return isinstance(outcome, Requested)
