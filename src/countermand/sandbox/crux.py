"""Crux Connect, simulated: every cancel is forwarded to the suppliers, and each decides later.

Sources: Crux Connect API, "Cancel Order", "Get Order", "User Login", "Allocate Order" and "Response Codes";
releases v1 and Timpanogos.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar, Final, Literal, TypeAlias, cast, get_args
from uuid import UUID

from attrs import define

from countermand.sandbox import checks
from countermand.sandbox.http import SandboxReply, SandboxRequest, json_reply
from countermand.sandbox.ledger import Marketplace, Part
from countermand.sandbox.simulator import Event, Order, Sessions, Simulator, knob

Supplier = Literal["confirm", "reject", "ship", "silent"]

Release = Literal["v1", "timp"]

#: How Timpanogos shows a line: with v1's statuses, with a designation beside the status (absent or null where
#: there is none), or with a designation that has its number before it.
Designations: TypeAlias = Literal["v1", "plain", "null", "numbered"]

# `Rejected` is a supplier's answer to the allocation: the line is not shipped, so there is nothing to cancel.
CANCELLABLE = frozenset({"Unallocated", "Partial", "Allocated", "Backordered", "NeedsTracking"})

ALLOCATIONS = frozenset({"Unallocated", "Partial", "Allocated"})

NOTHING: Mapping[str, str] = {}

# In the order of their numbers, of which 1 and 5 are documented.
DESIGNATIONS: Final = ("HasTracking", "NeedsTracking", "Backordered", "Rejected", "Cancelled")

STATUSES = CANCELLABLE | {"Rejected", "HasTracking", "Cancelled"}


@define
class CruxOrder(Order):
    """An order: the status of each line item, and what its supplier will do with a cancel."""

    line_items: dict[str, str]
    suppliers: dict[str, Supplier]
    decides_after: float
    #: What Timpanogos shows as the `status` of a line that has a designation, where that is set.
    allocations: Mapping[str, str]


@define(slots=False, eq=False, repr=False)
class CruxSimulator(Simulator[CruxOrder]):
    """Crux Connect. It accepts `tokens`, and those it issues for `username` and `password`, for two hours.

    `requester` is whose token it is: a supplier's gets 409. `accepts_with` is the status of a cancel that was
    received (200, 201 or 204), and `accepts_body` its body: none is documented, so it may be `null`, `"OK"` or
    `{"message": …}`. `releases` are the ones that are served: each has its login under its own path alone.
    `designations` is how Timpanogos shows a line. With `refuses_partly_cancelled`, an order of which a line is
    cancelled already gets 422, although others could still be.
    """

    name: ClassVar[Marketplace] = "crux"
    permissions: ClassVar[tuple[str, str]] = ("cancel_order", "view_order")

    tokens: set[str] = knob(checks.kind(set), factory=lambda: {"sandbox-crux-token"})
    sessions: Sessions = knob(
        checks.kind(Sessions), factory=lambda: Sessions("sandbox-crux-session", lifetime=7200.0)
    )
    username: str = knob(checks.text, "sandbox-user")
    password: str = knob(checks.text, "sandbox-password")
    requester: Literal["retailer", "supplier"] = knob(checks.words("retailer", "supplier"), "retailer")
    accepts_with: int = knob(checks.status_code, 200)
    accepts_body: bytes = knob(checks.kind(bytes), b"")
    releases: set[Release] = knob(checks.kind(set), factory=lambda: {*get_args(Release)})
    designations: Designations = knob(checks.words(*get_args(Designations)), "v1")
    refuses_partly_cancelled: bool = knob(checks.flag, False)

    def add_order(
        self,
        order_uuid: str,
        line_items: Mapping[str, str] | Iterable[str] = ("line-1",),
        *,
        suppliers: Supplier | Mapping[str, Supplier] = "confirm",
        decides_after: float = 5.0,
        allocations: Mapping[str, str] = NOTHING,
    ) -> CruxOrder:
        """Add an order whose suppliers decide on a cancel after so many seconds.

            sandbox.world.crux.add_order("0b4f9c1e-8d55-4a10-9f0e-2f6a6a1f5a10", ["line-1"], suppliers="reject")

        Line items given without a status are `Allocated`. `suppliers` says for all line items, or for
        each, what its supplier does: confirm, reject and leave it as it is, ship it instead, or nothing.
        `allocations` is what Timpanogos shows as the status of a line that has a designation: by default
        Unallocated for one that is Rejected, and Allocated for any other.
        """
        checks.new_order(self.name, order_uuid, self.orders)
        if isinstance(line_items, str):
            raise ValueError(f"line items are a list of texts, or a mapping, not {line_items!r}")
        listed = [*line_items]
        items = {**line_items} if isinstance(line_items, Mapping) else dict.fromkeys(listed, "Allocated")
        if not items or len(items) < len(listed):
            told = "there twice" if items else "needed"
            raise ValueError(f"a line item of an order of crux is {told}: {', '.join(map(repr, listed))}")
        for status in items.values():
            checks.status("the line item's status", status, STATUSES)
        order = CruxOrder(order_uuid, items, {}, decides_after, allocations)
        for item in items:
            checks.text("the id of a line item", item)
            given = suppliers.get(item) if isinstance(suppliers, Mapping) else suppliers
            checks.one_of(f"the supplier of {item}", given, get_args(Supplier))
            order.suppliers[item] = cast("Supplier", given)
        for item in suppliers if isinstance(suppliers, Mapping) else ():
            checks.one_of("the line item of a supplier", item, items)
        checks.after("decides_after", decides_after)
        self.orders[order_uuid] = order
        return order

    def _answer(self, request: SandboxRequest, path: list[str]) -> SandboxReply:
        timp = path[0] == "timp"
        if ("timp" if timp else "v1") not in self.releases:
            raise self.no_such_path()
        match path[1:] if timp else path:
            case ["orders", "cancel", ""]:
                self.admit("PATCH", request)
                return self._cancel(request)
            case ["orders", order_uuid, ""]:
                self.admit("GET", request)
                order_uuid = self._own(order_uuid)
                self.permit_read(order_uuid)
                return json_reply(200, _document(self.found(order_uuid), self.designations if timp else None))
            case ["organizations", "user-login", ""]:
                self.expect("POST", request)
                return self._login(request)
            case _:
                raise self.no_such_path()

    def _own_error(self, status: int, message: str) -> SandboxReply:
        # As the web framework does (inferred): no error body is documented.
        return json_reply(status, {"detail": message})

    def _own(self, order_uuid: str) -> str:
        """Return the id of an order as it was added; a UUID may be without hyphens, and in any case."""
        if order_uuid in self.orders:
            return order_uuid
        sought = _canonical(order_uuid)
        return next((own for own in self.orders if _canonical(own) == sought), order_uuid)

    def _authenticate(self, request: SandboxRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Token" or not (token in self.tokens or self.sessions.accept(token, self.now)):
            raise self.rejection(401, "Invalid token.", headers=(("www-authenticate", "Token"),))

    def _login(self, request: SandboxRequest) -> SandboxReply:
        body = self.json_body(request)
        given = body.get("username"), body.get("password")
        if not all(isinstance(value, str) and value for value in given):
            raise self.rejection(400, "username and password are required.")
        if given != (self.username, self.password):
            raise self.rejection(401, "Unable to log in with provided credentials.")
        self.note(None, "login")
        return json_reply(200, {"auth_token": self.sessions.issue(self.now)})

    def _cancel(self, request: SandboxRequest) -> SandboxReply:
        order_uuid = self.json_body(request).get("order_uuid")
        if not isinstance(order_uuid, str) or not order_uuid:
            raise self.rejection(400, "order_uuid is required.", field="order_uuid")
        order_uuid = self._own(order_uuid)
        self.permit_cancel(order_uuid)
        if self.requester != "retailer":
            raise self.rejection(409, "Only a retailer can cancel an order.", order_uuid)
        if (order := self.orders.get(order_uuid)) is None:
            raise self.rejection(422, _NOT_PERFORMED, order_uuid)
        order.cancels += 1
        asked = [item for item, status in order.line_items.items() if status in CANCELLABLE]
        if self.refuses_partly_cancelled and "Cancelled" in order.line_items.values():
            asked = []
        if not asked:
            self.note(order_uuid, "refused", ", ".join(order.line_items.values()))
            return self.error(422, _NOT_PERFORMED)
        order.forwarded += 1
        for item in asked:
            self.note(order_uuid, "requested", item)
            if order.suppliers[item] != "silent":
                self.later(order, order.decides_after, "decide", item)
        if self.accepts_body and self.accepts_with != 204:
            headers = (("content-type", "application/json"),)
            return SandboxReply(self.accepts_with, headers, self.accepts_body)
        return SandboxReply(self.accepts_with)

    def _movable(self, order: CruxOrder) -> Collection[str]:
        return order.line_items

    def _check_status(self, status: str) -> None:
        checks.one_of("the line item's status", status, STATUSES)

    def land(self, order: CruxOrder, event: Event) -> None:
        """A supplier decides, or a line item moves on."""
        item, status = event.part, order.line_items[event.part]
        if event.what == "move":
            if status != "Cancelled":
                order.line_items[item] = event.detail
                self.note(order.order_id, "moved", f"{item}: {event.detail}")
        elif status == "Cancelled":
            return  # already decided, when the same cancel was forwarded before
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


def _canonical(order_uuid: str) -> str:
    try:
        return UUID(order_uuid).hex
    except ValueError:
        return order_uuid


def _document(order: CruxOrder, designations: Designations | None) -> dict[str, object]:
    """Return the order as "Get Order" gives it: the two releases name the identifiers differently.

    `designations` is None for v1.
    """
    order_key, item_key = ("uuid", "uuid") if designations is None else ("order_uuid", "line_item_uuid")
    return {
        order_key: order.order_id,
        "po_number": "PO-1",
        "line_items": [
            {item_key: item, "sku": f"SKU-{item}", "quantity": 1}
            | _state(status, designations, order.allocations.get(item))
            for item, status in order.line_items.items()
        ],
    }


def _state(status: str, designations: Designations | None, allocation: str | None) -> dict[str, object]:
    """Return the state of a line. v1's `status` mixes what Timpanogos parts into allocation and designation."""
    if designations is None or designations == "v1":
        return {"status": "Allocated" if status == "Partial" else status}
    if status in ALLOCATIONS:
        absent = {"line_item_designation": None} if designations == "null" else {}
        return {"status": status, **absent}
    allocation = allocation or ("Unallocated" if status == "Rejected" else "Allocated")
    number = f"ID: {DESIGNATIONS.index(status) + 1} Name: " if designations == "numbered" else ""
    return {"status": allocation, "line_item_designation": f"{number}{status}"}
