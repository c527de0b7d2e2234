"""VTEX OMS, simulated: a cancel is a request, which the seller may deny and a race may lose for ever.

Sources: VTEX Orders API, "Cancel order" and "Get order"; VTEX guide "Order canceling improvements".
"""

from datetime import datetime, timedelta
from typing import ClassVar, Literal, get_args

from attrs import define, field

from countermand.sandbox import checks
from countermand.sandbox.http import SandboxReply, SandboxRequest, json_object, json_reply, media_type
from countermand.sandbox.ledger import Marketplace, Part
from countermand.sandbox.simulator import Event, Order, Simulator, Timeline

Seller = Literal["accepts", "denies", "silent", "stuck"]

PENDING = frozenset({"cancel", "request-cancel", "cancellation-requested", "waiting-for-seller-decision"})
NOT_CANCELLABLE = frozenset({"invoiced", "incomplete"})

# What VTEX's pages name, and no closed list: an order may be given any other status after `add_order`.
STATUSES = (
    PENDING
    | NOT_CANCELLABLE
    | frozenset(
        """
        canceled canceling cancellation-requested-with-ack accepting-cancel cancellation-request-denied-ffm invoice
        order-created on-order-completed on-order-completed-ffm payment-pending payment-approved payment-denied
        approve-payment window-to-cancel window-to-change-payment window-to-change-seller waiting-for-authorization
        waiting-for-fulfillment waiting-ffmt-authorization waiting-for-manual-authorization
        waiting-for-mkt-authorization waiting-for-order-authorization authorize-fulfillment waiting-seller-handling
        ready-for-handling start-handling handling ready-for-invoicing order-accepted replaced
        """.split()
    )
)

# A cancel and an invoice closer than this lose each other, and the workflow never leaves its error.
RACE = timedelta(seconds=0.5)


@define
class VtexOrder(Order):
    """An order, and what its seller does with a request to cancel it."""

    status: str
    sequence: str
    seller: Seller
    decides_after: float
    waits_in: str
    deny_reason: str
    in_error: bool = field(default=False, init=False)
    returns_to: str = field(default="", init=False)
    requested_at: datetime | None = field(default=None, init=False)
    requests: list[dict[str, object]] = field(factory=list[dict[str, object]], init=False)
    cancellation: dict[str, object] | None = field(default=None, init=False)

    @property
    def cancellable(self) -> bool:
        """The `allowCancellation` of the order."""
        return self.status not in PENDING | NOT_CANCELLABLE | {"canceled"}


class VtexSimulator(Simulator[VtexOrder]):
    """VTEX OMS. It accepts one app key and token, and the user tokens in `user_tokens`.

    `refuses_with` is the status of a cancel that an order's state forbids; VTEX documents none.
    """

    name: ClassVar[Marketplace] = "vtex"

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline)
        self.app_key = "vtexappkey-sandbox"
        self.app_token = "sandbox-vtex-token"  # noqa: S105 - opens nothing but this sandbox
        self.user_tokens: set[str] = set()
        self.refuses_with = 409
        self._receipts = 0

    def add_order(
        self,
        order_id: str,
        *,
        status: str = "ready-for-handling",
        seller: Seller = "accepts",
        decides_after: float = 5.0,
        waits_in: str = "waiting-for-seller-decision",
        deny_reason: str = "The parcel has left",
        sequence: str | None = None,
    ) -> VtexOrder:
        """Add an order whose seller decides on a cancel after so many seconds.

        A `silent` seller never does. With `stuck`, the order loses the race between cancel and invoice
        and stays in `request-cancel`, in error. `waits_in` is the status of an order that waits.
        """
        checks.new_order(self.name, order_id, self.orders)
        for each in (status, waits_in):
            checks.status("the status", each, STATUSES)
        checks.one_of("the seller", seller, get_args(Seller))
        sequence = sequence or str(500_001 + len(self.orders))
        order = VtexOrder(order_id, status, sequence, seller, decides_after, waits_in, deny_reason)
        self.orders[order_id] = order
        return order

    def answer(self, request: SandboxRequest, path: list[str]) -> SandboxReply:
        """Answer `POST /api/oms/pvt/orders/{orderId}/cancel` and `GET /api/oms/pvt/orders/{orderId}`."""
        match path:
            case ["api", "oms", "pvt", "orders", order_id, "cancel"]:
                self.expect("POST", request)
                self._authenticate(request)
                self.note(order_id, "cancel received")
                self.permit("Cancel order", self.may_cancel, order_id)
                reason, by_user = self._body(request, order_id)
                if (order := self.orders.get(order_id)) is None:
                    raise self.rejection(404, "Order Not Found", order_id)
                return self._cancel(order, reason, by_user)
            case ["api", "oms", "pvt", "orders", key]:
                self.expect("GET", request)
                self._authenticate(request)
                order = self.orders.get(key) or self._by_sequence(key)
                self.note(order.order_id if order else key, "read")
                self.permit("View order", self.may_read, key)
                if order is None:
                    raise self.rejection(404, "Order Not Found", key)
                return json_reply(200, _document(order))
            case _:
                raise self.rejection(404, "no such path")

    def error(self, status: int, message: str) -> SandboxReply:
        """Return `{"error": {...}}`, in which VTEX tells its errors. Inference: its 429 too."""
        return json_reply(status, {"error": {"code": str(status), "message": message, "exception": None}})

    def _authenticate(self, request: SandboxRequest) -> None:
        headers = request.headers
        if headers.get("vtexidclientautcookie") in self.user_tokens:
            return
        if (headers.get("x-vtex-api-appkey"), headers.get("x-vtex-api-apptoken")) != (
            self.app_key,
            self.app_token,
        ):
            raise self.rejection(401, "Acesso não autorizado")

    def _body(self, request: SandboxRequest, order_id: str) -> tuple[str | None, bool]:
        if not request.body:
            return None, False
        if media_type(request) != "application/json":
            raise self.rejection(415, "the body is not application/json", order_id)
        if (body := json_object(request.body)) is None:
            raise self.rejection(400, "the body is not a JSON object", order_id)
        reason, by_user = body.get("reason"), body.get("requestedByUser", False)
        if not isinstance(reason, str | None) or not isinstance(by_user, bool):
            raise self.rejection(400, "reason is text and requestedByUser is true or false", order_id)
        return reason, by_user

    def _by_sequence(self, key: str) -> VtexOrder | None:
        # "Get order" takes an order id or a sequence number.
        return next((order for order in self.orders.values() if order.sequence == key), None)

    def _cancel(self, order: VtexOrder, reason: str | None, by_user: bool) -> SandboxReply:
        order.cancels += 1
        if order.status in NOT_CANCELLABLE:
            self.note(order.order_id, "refused", order.status)
            return self.error(self.refuses_with, f"The order cannot be canceled in status {order.status}")
        receipt: str | None = None
        if order.cancellable:
            self._receipts += 1
            receipt = f"{self._receipts:032x}"
            self._request(order, receipt, reason, by_user)
        # The seventh digit is VTEX's own: microseconds have six.
        date = f"{self.now:%Y-%m-%dT%H:%M:%S.%f}7+00:00"
        return json_reply(200, {"date": date, "orderId": order.order_id, "receipt": receipt})

    def _request(self, order: VtexOrder, receipt: str, reason: str | None, by_user: bool) -> None:
        order.forwarded += 1
        order.returns_to, order.requested_at = order.status, self.now
        order.requests.append(
            {
                "id": receipt,
                "reason": reason,
                "cancellationRequestDate": self.now.isoformat(),
                "requestedByUser": by_user,
                "deniedBySeller": False,
                "deniedBySellerReason": None,
                "cancellationRequestDenyDate": None,
            }
        )
        order.status = order.waits_in
        self.note(order.order_id, "requested", order.status)
        if order.seller == "stuck":
            self._lose(order)
        elif order.seller != "silent":
            self.later(order, order.decides_after, "decide")

    def land(self, order: VtexOrder, event: Event) -> None:
        """The seller decides, or the order moves on."""
        if event.what == "move":
            self._move(order, event.detail)
        elif order.status not in PENDING or order.in_error:
            return
        elif order.seller == "accepts":
            self._set_canceled(order)
        else:
            order.status = order.returns_to
            order.requests[-1] |= {
                "deniedBySeller": True,
                "deniedBySellerReason": order.deny_reason,
                "cancellationRequestDenyDate": self.now.isoformat(),
            }
            self.note(order.order_id, "denied", order.deny_reason)

    def _move(self, order: VtexOrder, status: str) -> None:
        if order.status == "canceled" or order.in_error:
            return
        if order.status in PENDING:
            if order.requested_at is not None and self.now - order.requested_at < RACE:
                self._lose(order)
                return
            self.note(order.order_id, "denied", f"overtaken by {status}")
        order.status = status
        self.note(order.order_id, "moved", status)

    def _lose(self, order: VtexOrder) -> None:
        order.status, order.in_error = "request-cancel", True
        self.note(order.order_id, "moved", "request-cancel, in error for ever")

    def _set_canceled(self, order: VtexOrder) -> None:
        request = order.requests[-1]
        order.status = "canceled"
        order.cancellation = {
            "requestedByUser": request["requestedByUser"],
            "requestedBySystem": False,
            "reason": request["reason"],
            "cancellationDate": self.now.isoformat(),
            "cancellationRequestId": request["id"],
        }
        self.note(order.order_id, "confirmed")
        self.note(order.order_id, "cancelled")

    def parts(self, order: VtexOrder) -> tuple[Part, ...]:
        """Return the order itself: VTEX cancels it whole."""
        return (Part(order.order_id, order.status, order.status == "canceled"),)


def _document(order: VtexOrder) -> dict[str, object]:
    """Return the order as "Get order" gives it, without the many fields that cancelling does not touch."""
    return {
        "orderId": order.order_id,
        "sequence": order.sequence,
        "origin": "Marketplace",
        "status": order.status,
        "statusDescription": order.status.replace("-", " ").capitalize(),
        "workflowIsInError": order.in_error,
        "allowCancellation": order.cancellable,
        "cancelReason": order.cancellation and order.cancellation["reason"],
        "cancellationData": order.cancellation,
        "cancellationRequests": order.requests,
        "value": 4990,
        "items": [{"uniqueId": "0F1E2D", "id": "17", "quantity": 1, "price": 4990}],
    }
