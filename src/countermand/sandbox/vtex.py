"""VTEX OMS, simulated: a cancel is a request, which the seller may deny, and which may get stuck in a race.

Sources: VTEX Orders API, "Cancel order", "Get order" and "Order Invoice Notification"; VTEX guide "Order canceling
improvements"; VTEX help centre, "Canceling an order" (a second cancel confirms the first).
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import ClassVar, cast, get_args

from attrs import define, field

from countermand.sandbox import checks
from countermand.sandbox.http import SandboxReply, SandboxRequest, json_reply, media_type
from countermand.sandbox.ledger import Marketplace, Part
from countermand.sandbox.simulator import Event, Simulator, knob
from countermand.sandbox.vtex_order import (
    PENDING,
    RACE,
    STATUSES,
    VALUE,
    DateForm,
    Seller,
    VtexOrder,
    written,
)

# How long an order stays in `invoice` after a partial invoice, in seconds.
VERIFYING = 1.0

NOTHING: Mapping[datetime, str] = {}


@define(slots=False, eq=False, repr=False)
class VtexSimulator(Simulator[VtexOrder]):
    """VTEX OMS. It accepts one app key and its token.

    `refuses_with` is the status of a cancel that an order's state forbids; VTEX documents none but the 400 for
    a partially invoiced order. Without `receipts`, a 200 has an empty body: the seller is evaluating.
    `receipt_dates` and `order_dates` are the forms in which dates are written, `utc_offset` the zone of those
    that are not in UTC. With `capitalised_keys`, those of cancellationData are. With `requires_content_type`,
    a cancel or a read without `Content-Type: application/json` gets the 422 of a mock made from VTEX's
    own description.
    """

    name: ClassVar[Marketplace] = "vtex"
    permissions: ClassVar[tuple[str, str]] = ("Cancel order", "View order")

    app_key: str = knob(checks.text, "vtexappkey-sandbox")
    app_token: str = knob(checks.text, "sandbox-vtex-token")
    refuses_with: int = knob(checks.status_code, 409)
    receipts: bool = knob(checks.flag, True)
    receipt_dates: DateForm = knob(checks.words(*get_args(DateForm)), "offset")
    order_dates: DateForm = knob(checks.words(*get_args(DateForm)), "offset")
    utc_offset: timedelta = knob(checks.kind(timedelta), timedelta(0))
    capitalised_keys: bool = knob(checks.flag, False)
    requires_content_type: bool = knob(checks.flag, False)
    _numbered: int = field(default=0, init=False)

    def add_order(
        self,
        order_id: str,
        *,
        status: str | None = "ready-for-handling",
        seller: Seller = "accepts",
        decides_after: float = 5.0,
        waits_in: str | None = None,
        deny_reason: str = "The parcel has left",
        sequence: str | None = None,
        seller_order_id: str | None = None,
        shows_after: float = 0.0,
        denied_before: Mapping[datetime, str] = NOTHING,
        invoiced_value: int | None = None,
        returned: bool = False,
        revives: bool = False,
        in_error: bool = False,
        old: bool = False,
        cancellation_data: bool = False,
    ) -> VtexOrder:
        """Add an order whose seller decides on a cancel after so many seconds.

            sandbox.world.vtex.add_order("1172-01", status="handling", seller="denies", decides_after=120.0)

        A `silent` seller never does. With `stuck`, the order loses the race between cancel and invoice and
        stays in `request-cancel`, in error. `waits_in` is the status of an order that waits: by default
        `cancellation-requested` if it was in handling, which a second cancel confirms. `status` may
        be None: an incomplete order has no status text. With a `seller_order_id`, the order is another
        seller's, and receipts name it so. Reads show a cancel `shows_after` seconds after it was received.
        `denied_before` holds requests that were denied, each at its moment, with the reason.
        `invoiced_value` is what sales invoices add up to (in cents; all of it by default where the order is
        invoiced), `returned` whether there is a return invoice. With `revives`, a request that an invoice
        overtook is carried out once there is a return invoice. `in_error` is the `workflowIsInError` of the
        order; an `old` order has none, and no `allowCancellation`. `cancellation_data` is there from the
        beginning, whatever the status.
        """
        checks.new_order(self.name, order_id, self.orders)
        for each in filter(None, (status, waits_in)):
            checks.status("the status", each, STATUSES)
        checks.one_of("the seller", seller, get_args(Seller))
        checks.after("decides_after", decides_after)
        checks.not_negative("shows_after", shows_after)
        checks.text("deny_reason", deny_reason)
        checks.or_none(checks.whole)("invoiced_value", invoiced_value)
        for moment in denied_before:
            checks.kind(datetime)("the moment of a denial", moment)
        order = VtexOrder(
            order_id,
            status,
            sequence or str(500_001 + len(self.orders)),
            seller,
            decides_after,
            waits_in,
            deny_reason,
            seller_order_id or f"00-{order_id}",
            seller_order_id is not None,
            shows_after,
            revives,
            old,
            in_error,
        )
        if invoiced_value is None:
            invoiced_value = VALUE if status == "invoiced" else 0
        if invoiced_value:
            order.add_package("Output", self._date(self.now), invoiced_value)
        if returned:
            order.add_package("Input", self._date(self.now), invoiced_value)
        for moment, reason in denied_before.items():
            order.add_request(self._next_id(), self._date(moment - timedelta(hours=1)))
            order.deny_request(self._date(moment), reason)
        if cancellation_data:
            order.cancellation = self._cancellation(None)
        self.orders[order_id] = order
        return order

    def return_invoice(self, order_id: str, *, after: float = 0.0) -> None:
        """Let a return invoice be sent in `after` seconds.

            sandbox.world.vtex.return_invoice("1172452900791-01")

        It is what `POST …/invoice` with type `Input` does.
        """
        checks.after("the time of a return invoice", after)
        self.later(checks.order(self.name, order_id, self.orders), after, "return")

    # -- one request --------------------------------------------------------------------------------------

    def _answer(self, request: SandboxRequest, path: list[str]) -> SandboxReply:
        match path:
            case ["api", "oms", "pvt", "orders", "order-group", group]:
                self.admit("GET", request)
                self.permit_read(group)
                return json_reply(200, self._group(group))
            case ["api", "oms", "pvt", "orders", order_id, "cancel"]:
                self.admit("POST", request)
                self.permit_cancel(order_id)
                reason, by_user = self._reason(request, order_id)
                return self._cancel(self.found(order_id), reason, by_user)
            case ["api", "oms", "pvt", "orders", order_id, "invoice"]:
                self.admit("POST", request)
                return self._invoice(self.found(order_id), request)
            case ["api", "oms", "pvt", "orders", key]:
                self.admit("GET", request)
                # "Get order" takes an order id, or `seq` and the sequence number.
                numbered = (own for own, order in self.orders.items() if f"seq{order.sequence}" == key)
                order_id = key if key in self.orders else next(numbered, key)
                self.permit_read(order_id)
                return json_reply(200, self._shown(self.found(order_id)))
            case _:
                raise self.no_such_path()

    def _own_error(self, status: int, message: str) -> SandboxReply:
        # Inferred for a 429.
        return json_reply(status, {"error": {"code": str(status), "message": message, "exception": None}})

    def _authenticate(self, request: SandboxRequest) -> None:
        given = (request.headers.get("x-vtex-api-appkey"), request.headers.get("x-vtex-api-apptoken"))
        if given != (self.app_key, self.app_token):
            raise self.rejection(401, "Acesso não autorizado")
        if self.requires_content_type and media_type(request) != "application/json":
            raise self.rejection(422, "the header Content-Type is required")

    def _reason(self, request: SandboxRequest, order_id: str) -> tuple[str | None, bool]:
        if not request.body:
            return None, False
        body = self.json_body(request, order_id)
        reason, by_user = body.get("reason"), body.get("requestedByUser", False)
        if not isinstance(reason, str | None) or not isinstance(by_user, bool):
            raise self.rejection(400, "reason is text and requestedByUser is true or false", order_id)
        return reason, by_user

    def _group(self, group: str) -> list[dict[str, object]]:
        """Return the orders of one purchase. An element shows an empty status where the order has none."""
        shown = [self._shown(order) for order in self.orders.values() if order.group == group]
        return [{**order, "status": order["status"] or ""} for order in shown]

    def _shown(self, order: VtexOrder) -> dict[str, object]:
        if order.shown is not None and order.shown_until is not None and self.now < order.shown_until:
            return order.shown
        return order.document(capitalised_keys=self.capitalised_keys)

    def _cancel(self, order: VtexOrder, reason: str | None, by_user: bool) -> SandboxReply:
        order.cancels += 1
        if order.partially_invoiced:
            self.note(order.order_id, "refused", "partially invoiced")
            return self.error(400, "The order is partially invoiced and cannot be canceled")
        if order.status == "invoiced" and not order.cancellable and not order.waiting:
            self.note(order.order_id, "refused", "invoiced")
            return self.error(self.refuses_with, "The order cannot be canceled in status invoiced")
        before = deepcopy(self._shown(order)) if order.shows_after else None
        receipt: str | None = None
        if order.status == "cancellation-requested" and not order.in_error:
            receipt = self._next_id()
            self._overrule(order, receipt, reason, by_user)
        elif order.cancellable:
            receipt = self._next_id()
            self._request(order, receipt, reason, by_user)
        if receipt is not None and before is not None:
            order.shown, order.shown_until = before, self.now + timedelta(seconds=order.shows_after)
        if not self.receipts:
            return SandboxReply(200)
        return self._receipt(order, receipt)

    def _receipt(self, order: VtexOrder, receipt: str | None) -> SandboxReply:
        named = order.seller_order_id if order.of_another_seller else order.order_id
        date = written(self.now, self.receipt_dates, self.utc_offset)
        return json_reply(200, {"date": date, "orderId": named, "receipt": receipt})

    def _invoice(self, order: VtexOrder, request: SandboxRequest) -> SandboxReply:
        body = self.json_body(request, order.order_id)
        texts = body.get("type"), body.get("issuanceDate"), body.get("invoiceNumber")
        value, items = body.get("invoiceValue"), body.get("items")
        if not all(isinstance(text, str) and text for text in texts) or not isinstance(value, int):
            raise self.rejection(400, "type, issuanceDate, invoiceNumber or invoiceValue", order.order_id)
        kind, date, number = cast("tuple[str, str, str]", texts)
        if kind not in {"Input", "Output"} or (kind == "Input" and not items):
            raise self.rejection(400, "type is Input, with items, or Output", order.order_id)
        order.add_package(kind, date, value, number)
        if kind == "Input":
            self._returned(order)
        elif order.partially_invoiced:
            self._move(order, "invoice")
            self.later(order, VERIFYING, "move", "", "payment-approved")
        else:
            self._move(order, "invoiced")
        return self._receipt(order, self._next_id())

    # -- what becomes of an order -------------------------------------------------------------------------

    def _request(self, order: VtexOrder, receipt: str, reason: str | None, by_user: bool) -> None:
        order.forwarded += 1
        order.returns_to, order.requested_at = order.status, self.now
        order.undecided, order.overtaken = receipt, None
        order.in_error = False  # to cancel is the way out of an invoice that is stuck
        order.add_request(receipt, self._date(self.now), reason, by_user)
        if order.status != "invoiced":  # with a return invoice it stays so until it is canceled
            handled = order.status in {"ready-for-handling", "handling"}
            own = "cancellation-requested" if handled else "waiting-for-seller-decision"
            order.status = order.waits_in or own
        self.note(order.order_id, "requested", order.status or "")
        if order.seller == "stuck":
            self._lose(order)
        elif order.seller != "silent":
            self.later(order, order.decides_after, "decide", receipt)

    def _overrule(self, order: VtexOrder, receipt: str, reason: str | None, by_user: bool) -> None:
        """Confirm the cancellation on which the seller has not decided, as a second cancel does."""
        order.forwarded += 1
        if order.undecided is None:  # asked for elsewhere, in the admin for instance
            order.add_request(receipt, self._date(self.now), reason, by_user)
        self.note(order.order_id, "overruled", f"by cancel {order.cancels}")
        self._set_canceled(order)

    def _check_status(self, status: str) -> None:
        checks.status("the status", status, STATUSES)

    def land(self, order: VtexOrder, event: Event) -> None:
        """The seller decides, a return invoice arrives, or the order moves on."""
        if event.what == "move":
            self._move(order, event.detail)
        elif event.what == "return":
            order.add_package("Input", self._date(self.now), order.invoiced_value)
            self._returned(order)
        elif order.undecided != event.part or order.in_error:
            return
        elif order.seller == "accepts":
            self.note(order.order_id, "confirmed")
            self._set_canceled(order)
        else:
            order.status, order.undecided = order.returns_to, None
            order.deny_request(self._date(self.now), order.deny_reason)
            self.note(order.order_id, "denied", order.deny_reason)

    def _move(self, order: VtexOrder, status: str) -> None:
        if order.in_error:
            return
        if order.status == "canceled":
            if status == "cancel":  # a known issue: it falls back, and stays cancelled
                order.status = status
                self.note(order.order_id, "moved", status)
            return
        if order.waiting and not order.was_canceled:
            if status == "canceled":
                self.note(order.order_id, "confirmed")
            elif status not in PENDING:
                if order.requested_at is not None and self.now - order.requested_at < RACE:
                    self._lose(order)
                    return
                if status != "invoice":  # transient: not decided yet
                    self.note(order.order_id, "denied", f"overtaken by {status}")
                    order.overtaken, order.undecided = order.undecided, None
        if status == "canceled":
            self._set_canceled(order)
            return
        order.status = status
        if status == "invoiced" and order.invoiced_value < VALUE:
            order.add_package("Output", self._date(self.now), VALUE - order.invoiced_value)
        self.note(order.order_id, "moved", status)

    def _returned(self, order: VtexOrder) -> None:
        self.note(order.order_id, "moved", "return invoice")
        if order.revives and order.overtaken is not None and order.undecided is None:
            order.undecided, order.overtaken = order.overtaken, None
            self.note(order.order_id, "requested", "once more, with a return invoice")
            self.later(order, order.decides_after, "decide", order.undecided)

    def _lose(self, order: VtexOrder) -> None:
        order.status, order.in_error, order.undecided = "request-cancel", True, None
        self.note(order.order_id, "moved", "request-cancel, in error for ever")

    def _set_canceled(self, order: VtexOrder) -> None:
        order.status, order.undecided, order.was_canceled = "canceled", None, True
        order.cancellation = self._cancellation(order.requests[-1] if order.requests else None)
        self.note(order.order_id, "cancelled")

    def _cancellation(self, request: Mapping[str, object] | None) -> dict[str, object]:
        return {
            "requestedByUser": request["requestedByUser"] if request else False,
            "requestedBySystem": request is None,
            "requestedBySellerNotification": False,
            "requestedByPaymentNotification": False,
            "reason": request and request["reason"],
            "cancellationDate": self._date(self.now),
            "cancellationRequestId": request and request["id"],
        }

    def _next_id(self) -> str:
        self._numbered += 1
        return f"{self._numbered:032x}"

    def _date(self, moment: datetime) -> str:
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return written(moment, self.order_dates, self.utc_offset)

    def parts(self, order: VtexOrder) -> tuple[Part, ...]:
        """Return the order itself: VTEX cancels it whole. Falling back to `cancel` does not undo it."""
        return (Part(order.order_id, order.status or "", order.was_canceled or order.status == "canceled"),)
