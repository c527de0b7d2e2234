"""Crux Connect, simulated: a cancel is forwarded to the suppliers, every time, and each decides later.

Sources: Crux Connect API, "Cancel Order", "Get Order", "User Login" and "Response Codes"; releases v1
and Timpanogos.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, get_args

from attrs import define

from countermand.sandbox import checks
from countermand.sandbox.http import SandboxReply, SandboxRequest, json_object, json_reply, media_type
from countermand.sandbox.ledger import Marketplace, Part
from countermand.sandbox.simulator import Event, Order, Sessions, Simulator, Timeline

Supplier = Literal["confirm", "reject", "ship", "silent"]

CANCELLABLE = frozenset({"Unallocated", "Allocated", "Backordered", "NeedsTracking"})
STATUSES = CANCELLABLE | {"Rejected", "HasTracking", "Cancelled"}


@define
class CruxOrder(Order):
    """An order: the status of each line item, and what its supplier will do with a cancel."""

    line_items: dict[str, str]
    suppliers: dict[str, Supplier]
    decides_after: float


class CruxSimulator(Simulator[CruxOrder]):
    """Crux Connect. It accepts `tokens`, and those it issues for `username` and `password`, for two hours.

    `requester` is whose token it is: a supplier's gets 409. `accepts_with` is 200 or 204.
    """

    name: ClassVar[Marketplace] = "crux"

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline)
        self.tokens: set[str] = {"sandbox-crux-token"}
        self.sessions: Sessions = Sessions("sandbox-crux-session", lifetime=7200.0)
        self.username = "sandbox-user"
        self.password = "sandbox-password"  # noqa: S105 - opens nothing but this sandbox
        self.requester: Literal["retailer", "supplier"] = "retailer"
        self.accepts_with = 200

    def add_order(
        self,
        order_uuid: str,
        line_items: Mapping[str, str] | Iterable[str] = ("line-1",),
        *,
        suppliers: Supplier | Mapping[str, Supplier] = "confirm",
        decides_after: float = 5.0,
    ) -> CruxOrder:
        """Add an order whose suppliers decide on a cancel after so many seconds.

        Line items given without a status are `Allocated`. `suppliers` says for all line items, or for
        each, what its supplier does: confirm, reject and leave it as it is, ship it instead, or nothing.
        """
        items = {**line_items} if isinstance(line_items, Mapping) else dict.fromkeys(line_items, "Allocated")
        checks.new_order(self.name, order_uuid, self.orders)
        for status in items.values():
            checks.status("the line item's status", status, STATUSES)
        order = CruxOrder(order_uuid, items, {}, decides_after)
        for item in items:
            order.suppliers[item] = suppliers if isinstance(suppliers, str) else suppliers[item]
            checks.one_of("the supplier", order.suppliers[item], get_args(Supplier))
        self.orders[order_uuid] = order
        return order

    def answer(self, request: SandboxRequest, path: list[str]) -> SandboxReply:
        """Answer cancel, read and login, in both releases."""
        timp = path[0] == "timp"
        match path[1:] if timp else path:
            case ["orders", "cancel", ""]:
                self.expect("PATCH", request)
                self._authenticate(request)
                return self._cancel(request)
            case ["orders", order_uuid, ""]:
                self.expect("GET", request)
                self._authenticate(request)
                self.note(order_uuid, "read")
                self.permit("view_order", self.may_read, order_uuid)
                if (order := self.orders.get(order_uuid)) is None:
                    raise self.rejection(404, "Not found.", order_uuid)
                return json_reply(200, _document(order, timp=timp))
            case ["organizations", "user-login", ""]:
                self.expect("POST", request)
                return self._login(request)
            case _:
                raise self.rejection(404, "Not found.")

    def error(self, status: int, message: str) -> SandboxReply:
        """Return `{"detail": ...}`."""
        return json_reply(status, {"detail": message})

    def _authenticate(self, request: SandboxRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Token" or not self._knows(token):
            raise self.rejection(401, "Invalid token.", headers=(("www-authenticate", "Token"),))

    def _knows(self, token: str) -> bool:
        return token in self.tokens or self.sessions.accept(token, self.now)

    def _body(self, request: SandboxRequest) -> dict[str, object]:
        if media_type(request) != "application/json":
            raise self.rejection(415, "Unsupported media type in request.")
        if (body := json_object(request.body)) is None:
            raise self.rejection(400, "JSON parse error.")
        return body

    def _login(self, request: SandboxRequest) -> SandboxReply:
        body = self._body(request)
        given = body.get("username"), body.get("password")
        if not all(isinstance(value, str) and value for value in given):
            raise self.rejection(400, "username and password are required.")
        if given != (self.username, self.password):
            raise self.rejection(401, "Unable to log in with provided credentials.")
        self.note(None, "login")
        return json_reply(200, {"auth_token": self.sessions.issue(self.now)})

    def _cancel(self, request: SandboxRequest) -> SandboxReply:
        order_uuid = self._body(request).get("order_uuid")
        if not isinstance(order_uuid, str) or not order_uuid:
            raise self.rejection(400, "order_uuid is required.")
        self.note(order_uuid, "cancel received")
        self.permit("cancel_order", self.may_cancel, order_uuid)
        if self.requester != "retailer":
            raise self.rejection(409, "Only a retailer can cancel an order.", order_uuid)
        if (order := self.orders.get(order_uuid)) is None:
            raise self.rejection(422, _NOT_PERFORMED, order_uuid)
        order.cancels += 1
        asked = [item for item, status in order.line_items.items() if status in CANCELLABLE]
        if not asked:
            self.note(order_uuid, "refused", ", ".join(order.line_items.values()))
            return self.error(422, _NOT_PERFORMED)
        order.forwarded += 1
        for item in asked:
            self.note(order_uuid, "requested", item)
            if order.suppliers[item] != "silent":
                self.later(order, order.decides_after, "decide", item)
        return SandboxReply(self.accepts_with)

    def land(self, order: CruxOrder, event: Event) -> None:
        """A supplier decides, or a line item moves on."""
        item, status = event.part, order.line_items[event.part]
        if event.what == "move":
            if status != "Cancelled":
                order.line_items[item] = event.detail
                self.note(order.order_id, "moved", f"{item}: {event.detail}")
        elif status == "Cancelled":
            return  # decided already, when the same cancel was forwarded before
        elif order.suppliers[item] == "confirm" and status in CANCELLABLE:
            order.line_items[item] = "Cancelled"
            self.note(order.order_id, "confirmed", item)
            self.note(order.order_id, "cancelled", item)
        else:
            if order.suppliers[item] == "ship":
                order.line_items[item] = "HasTracking"
            self.note(order.order_id, "denied", f"{item}: {order.line_items[item]}")

    def parts(self, order: CruxOrder) -> tuple[Part, ...]:
        """Return the line items."""
        return tuple(Part(item, status, status == "Cancelled") for item, status in order.line_items.items())


_NOT_PERFORMED = "The action can't be performed on the identifier provided."


def _document(order: CruxOrder, *, timp: bool) -> dict[str, object]:
    """Return the order as "Get Order" gives it: the two releases name the identifiers differently."""
    order_key, item_key = ("order_uuid", "line_item_uuid") if timp else ("uuid", "uuid")
    return {
        order_key: order.order_id,
        "po_number": "PO-1",
        "line_items": [
            {item_key: item, "sku": f"SKU-{item}", "quantity": 1, "status": status}
            for item, status in order.line_items.items()
        ],
    }
