"""Pattern Hub, simulated: each warehouse cancels its part of an order, with a delay.

Sources: Pattern Hub API, "Cancel an order" and "Order status".
"""

from collections.abc import Collection, Mapping
from typing import ClassVar, Literal, get_args

from attrs import define

from countermand.sandbox import checks
from countermand.sandbox.http import SandboxReply, SandboxRequest, json_reply, query_values
from countermand.sandbox.ledger import Marketplace, Part
from countermand.sandbox.simulator import Event, Order, Simulator, knob

WarehouseStatus = Literal[
    "new", "backordered", "batched", "picked", "packed", "departed", "complete", "cancelled", "error"
]

CANCELLABLE = frozenset({"new", "backordered"})
SHIPPED = frozenset({"departed", "complete"})

# Inferred: the API documents both sets of statuses, but not the mapping between them.
SUB_ORDER_STATUS = {
    "new": "pending",
    "backordered": "backordered",
    "cancelled": "cancelled",
    "error": "error",
    **dict.fromkeys(SHIPPED, "shipped"),
}


@define
class PatternOrder(Order):
    """An order and the status of each of its warehouse orders."""

    warehouse_orders: dict[int, str]
    cancels_after: float | None
    picked_instead: frozenset[int]

    @property
    def status(self) -> str:
        """The `order_status` of the status read."""
        statuses = set(self.warehouse_orders.values())
        if statuses == {"cancelled"}:
            return "cancelled"
        rest = statuses - {"cancelled"}
        if rest and rest <= SHIPPED:
            return "complete"
        if rest & SHIPPED:
            return "partially shipped"
        if rest == {"error"}:
            return "error"
        return "pending" if rest <= CANCELLABLE else "processing"


@define(slots=False, eq=False, repr=False)
class PatternSimulator(Simulator[PatternOrder]):
    """Pattern Hub. `tokens` are the bearer tokens it accepts.

    `message` says whether the reply to a cancel has a message, and `empty_lists` how it represents an empty list:
    neither null nor a missing list is documented.
    """

    name: ClassVar[Marketplace] = "pattern"

    tokens: set[str] = knob(checks.kind(set), factory=lambda: {"sandbox-pattern-token"})
    message: Literal["text", "null"] = knob(checks.words("text", "null"), "text")
    empty_lists: Literal["list", "null", "missing"] = knob(checks.words("list", "null", "missing"), "list")

    def add_order(
        self,
        order_id: str,
        warehouse_orders: Mapping[int, WarehouseStatus],
        *,
        cancels_after: float | None = 5.0,
        picked_instead: Collection[int] = (),
    ) -> PatternOrder:
        """Add an order whose warehouses finish the cancellation after so many seconds (None: never).

            sandbox.world.pattern.add_order("114-1", {1001: "new", 1002: "picked"})

        The warehouse orders in `picked_instead` are picked at that time, although their cancellation was initiated.
        """
        checks.new_order(self.name, order_id, self.orders)
        checks.kind(Mapping)("the warehouse orders", warehouse_orders)
        if not warehouse_orders:
            raise ValueError("an order of pattern needs a warehouse order")
        for number, status in warehouse_orders.items():
            checks.whole("the id of a warehouse order", number)
            checks.status("the warehouse order's status", status, get_args(WarehouseStatus))
        for number in picked_instead:
            checks.one_of("the warehouse order", str(number), map(str, warehouse_orders))
        checks.after("cancels_after", cancels_after)
        order = PatternOrder(order_id, {**warehouse_orders}, cancels_after, frozenset(picked_instead))
        self.orders[order_id] = order
        return order

    def _answer(self, request: SandboxRequest, path: list[str]) -> SandboxReply:
        match path:
            case ["v1", "orders", "cancel_order"]:
                self.admit("POST", request)
                order_id = self._order_id(request)
                self.permit_cancel(order_id)
                return self._cancel(self.found(order_id))
            case ["v1", "orders", "status"]:
                self.admit("GET", request)
                order_id = self._order_id(request)
                self.permit_read(order_id)
                return self._status(self.found(order_id))
            case _:
                raise self.no_such_path()

    def _own_error(self, status: int, message: str) -> SandboxReply:
        # The shape documented for 422; inferred for all other errors.
        return json_reply(status, {"errors": [message]})

    def _authenticate(self, request: SandboxRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            raise self.rejection(401, "invalid token", headers=(("www-authenticate", "Bearer"),))

    def _order_id(self, request: SandboxRequest) -> str:
        values = query_values(request.query, "market_order_id")
        if len(values) != 1 or not values[0]:
            why = "market_order_id is missing or invalid"
            raise self.rejection(422, why, field="market_order_id")
        return values[0]

    def _cancel(self, order: PatternOrder) -> SandboxReply:
        order.cancels += 1
        cancelled: list[dict[str, object]] = []
        others: list[dict[str, object]] = []
        initiated: list[int] = []
        for number, status in order.warehouse_orders.items():
            if status in CANCELLABLE:
                initiated.append(number)
                # The document's `status` is "status after cancellation (cancelled)": it says so
                # although the warehouse has only been asked.
                cancelled.append({"warehouse_order_id": number, "status": "cancelled"})
            else:
                reason = f"Cannot cancel a warehouse order in '{status}' status"
                others.append({"warehouse_order_id": number, "status": status, "reason": reason})
                self.note(order.order_id, "refused", f"{number}: {status}")
        order.forwarded += bool(initiated)
        for number in initiated:
            self.note(order.order_id, "requested", str(number))
            self.later(order, order.cancels_after, "finish", str(number))
        status_code = 409 if not cancelled else 206 if others else 200
        if status_code == 409 and self.error_shape != "own":
            return self.error(409, _MESSAGES[409])
        return json_reply(
            status_code,
            {
                "market_order_id": order.order_id,
                "success": bool(cancelled),
                "message": _MESSAGES[status_code] if self.message == "text" else None,
                **self._list("cancelled_orders", cancelled),
                **self._list("non_cancellable_orders", others),
            },
        )

    def _list(self, name: str, parts: list[dict[str, object]]) -> dict[str, object]:
        if parts or self.empty_lists == "list":
            return {name: parts}
        return {name: None} if self.empty_lists == "null" else {}

    def _status(self, order: PatternOrder) -> SandboxReply:
        return json_reply(
            200,
            {
                "market_order_id": order.order_id,
                "order_status": order.status,
                # Sub-orders carry no warehouse order id.
                "sub_orders": [
                    {
                        "sub_order_status": SUB_ORDER_STATUS.get(status, "processing"),
                        "items": [{"sku": f"SKU-{number}", "quantity": 1}],
                    }
                    for number, status in order.warehouse_orders.items()
                ],
            },
        )

    def _movable(self, order: PatternOrder) -> Collection[str]:
        return [*map(str, order.warehouse_orders)]

    def _check_status(self, status: str) -> None:
        checks.one_of("the warehouse order's status", status, get_args(WarehouseStatus))

    def land(self, order: PatternOrder, event: Event) -> None:
        """A warehouse finishes cancelling, or moves its part on."""
        number = int(event.part)
        status = order.warehouse_orders[number]
        if status == "cancelled":
            return
        if event.what == "move":
            order.warehouse_orders[number] = event.detail
            self.note(order.order_id, "moved", f"{number}: {event.detail}")
        elif status in CANCELLABLE and number not in order.picked_instead:
            order.warehouse_orders[number] = "cancelled"
            self.note(order.order_id, "cancelled", str(number))
        else:
            if status in CANCELLABLE:
                order.warehouse_orders[number] = "picked"
            self.note(order.order_id, "denied", f"{number}: {order.warehouse_orders[number]}")

    def parts(self, order: PatternOrder) -> tuple[Part, ...]:
        """Return the warehouse orders."""
        return tuple(
            Part(str(number), status, status == "cancelled")
            for number, status in order.warehouse_orders.items()
        )


_MESSAGES = {
    200: "Order cancellation initiated",
    206: "Order partially cancelled",
    409: "No warehouse orders could be cancelled",
}
