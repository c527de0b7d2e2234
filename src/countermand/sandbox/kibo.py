"""Kibo OMS with translated APIs, simulated: it cancels the whole order, usually at once.

Sources: Kibo OMS, "Cancel Order" and "Get Order Information" (translated APIs); Kibo API, "OAuth" and
"API limits".
"""

from typing import ClassVar, Literal, get_args

from attrs import define, field

from countermand.sandbox import checks
from countermand.sandbox.http import SandboxReply, SandboxRequest, json_reply
from countermand.sandbox.ledger import Marketplace, Part
from countermand.sandbox.simulator import Event, Order, Rejected, Sessions, Simulator, knob

NOT_CANCELLABLE = frozenset({"shipped", "fulfilled", "completed"})

# No closed list: an order may be given any other state after `add_order`.
STATES = NOT_CANCELLABLE.union("new open placed validated ready assigned backordered canceled".split())

Key = Literal["orderID", "orderId"]
Absent = Literal["null", "missing"]

OAUTH_PATH = ["api", "platform", "applications", "authtickets", "oauth"]


@define
class KiboOrder(Order):
    """An order, its state, and when it is cancelled once somebody asks."""

    number: int
    state: str
    cancels_after: float | None
    cancelled: bool = field(init=False)
    #: The state before the order was cancelled.
    state_before: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.cancelled, self.state_before = _word(self.state) in {"canceled", "cancelled"}, self.state

    @property
    def beyond_cancelling(self) -> bool:
        """Whether the order can no longer be cancelled."""
        return _word(self.state) in NOT_CANCELLABLE


@define(slots=False, eq=False, repr=False)
class KiboSimulator(Simulator[KiboOrder]):
    """Kibo OMS. With `require_bearer`, a bearer token is required; one that is sent is always checked. It must be
    one of `tokens`, or issued for `client_id` and `client_secret`.

    `reasons`, if set, are the only disposition reasons of this tenant's schema. `refuses_with` is the
    status of a cancel that an order's state forbids; Kibo documents none. `order_key` is how an answer
    spells the order's id, and `request_key` how a cancel has to: the public documents write both. With
    `order_id_as_text`, answers give it as text.

    `cancelled_shows_in` is which of orderState and orderStatus says that an order is cancelled, and
    `canceled_word` how it says so; `absent_state` and `absent_status` say whether one of the two is null or
    missing in every answer. `expires_in` says whether a login tells the token's lifetime, and `expired_with`
    is the status for a token whose time is over.
    """

    name: ClassVar[Marketplace] = "kibo"

    tenant_id: int = knob(checks.whole, 12345)
    require_bearer: bool = knob(checks.flag, False)
    tokens: set[str] = knob(checks.kind(set), factory=lambda: {"sandbox-kibo-token"})
    sessions: Sessions = knob(
        checks.kind(Sessions), factory=lambda: Sessions("sandbox-kibo-session", lifetime=3600.0)
    )
    client_id: str = knob(checks.text, "sandbox-client")
    client_secret: str = knob(checks.text, "sandbox-secret")
    reasons: set[str] | None = knob(checks.or_none(checks.kind(set)), None)
    refuses_with: int = knob(checks.status_code, 409)
    order_key: Key = knob(checks.words(*get_args(Key)), "orderID")
    request_key: Key = knob(checks.words(*get_args(Key)), "orderId")
    order_id_as_text: bool = knob(checks.flag, False)
    canceled_word: str = knob(checks.text, "CANCELED")
    cancelled_shows_in: Literal["both", "orderState", "orderStatus"] = knob(
        checks.words("both", "orderState", "orderStatus"), "both"
    )
    absent_state: Absent | None = knob(checks.or_none(checks.words(*get_args(Absent))), None)
    absent_status: Absent | None = knob(checks.or_none(checks.words(*get_args(Absent))), None)
    expires_in: Literal["seconds", "null", "missing"] = knob(
        checks.words("seconds", "null", "missing"), "seconds"
    )
    expired_with: int = knob(checks.status_code, 401)
    _answers: int = field(default=0, init=False)

    def add_order(
        self, order_id: int, *, state: str = "READY", cancels_after: float | None = 0.0
    ) -> KiboOrder:
        """Add an order that is cancelled so many seconds after somebody asks.

            sandbox.world.kibo.add_order(42, state="READY", cancels_after=30.0)

        Zero means at once, and None never.
        """
        if not isinstance(order_id, int) or isinstance(order_id, bool) or order_id < 1:
            raise ValueError(f"the id of an order of kibo is a whole number, 1 or more, not {order_id!r}")
        checks.new_order(self.name, str(order_id), self.orders)
        checks.text("the state", state)
        checks.status("the state", _word(state), STATES)
        checks.after("cancels_after", cancels_after)
        order = KiboOrder(str(order_id), order_id, state, cancels_after)
        self.orders[order.order_id] = order
        return order

    def stamp(self, reply: SandboxReply) -> SandboxReply:
        """Add the correlation id that every Kibo reply has."""
        self._answers += 1
        return reply.with_headers(("x-vol-correlation", f"{self._answers:032x}"))

    def _answer(self, request: SandboxRequest, path: list[str]) -> SandboxReply:
        match path:
            case ["api", "v2", "order", "action", "cancel"]:
                self.admit("POST", request)
                return self._cancel(request)
            case ["api", "v2", "order", key]:
                self.admit("GET", request)
                self.permit_read(key)
                return json_reply(200, self._document(self.found(key)))
            case _ if path == OAUTH_PATH:
                self.expect("POST", request)
                return self._login(request)
            case _:
                raise self.no_such_path()

    def _own_error(self, status: int, message: str) -> SandboxReply:
        if status == 429:
            return SandboxReply(429)
        return json_reply(status, {"errorCode": _ERROR_CODES.get(status, "ERROR"), "message": message})

    def _authenticate(self, request: SandboxRequest) -> None:
        if request.headers.get("x-vol-tenant") != str(self.tenant_id):
            raise self.rejection(401, "x-vol-tenant names no tenant of yours")
        authorization = request.headers.get("authorization")
        if authorization is None and not self.require_bearer:
            return
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer" or not (token in self.tokens or self.sessions.accept(token, self.now)):
            status = self.expired_with if self.sessions.expired(token, self.now) else 401
            raise self.rejection(status, "the access token is missing, wrong or expired")

    def _login(self, request: SandboxRequest) -> SandboxReply:
        body = self.json_body(request)
        if body.get("grant_type") != "client_credentials":
            raise self.rejection(400, "grant_type is not client_credentials")
        if (body.get("client_id"), body.get("client_secret")) != (self.client_id, self.client_secret):
            raise self.rejection(401, "client_id or client_secret is wrong")
        self.note(None, "login")
        seconds = int(self.sessions.lifetime) if self.expires_in == "seconds" else None
        lifetime = {} if self.expires_in == "missing" else {"expires_in": seconds}
        ticket = {"access_token": self.sessions.issue(self.now), "token_type": "bearer"}
        return json_reply(200, {**ticket, **lifetime, "refresh_token": None})

    def _cancel(self, request: SandboxRequest) -> SandboxReply:
        body = self.json_body(request)
        if self.request_key == "orderID" and "orderID" not in body:
            raise self._missing("orderID")
        number = body.get(self.request_key)
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise self.rejection(
                400, f"{self.request_key} is an integer of 1 or more", field=self.request_key
            )
        order_id = str(number)
        self.permit_cancel(order_id)
        self._check_reason(body, order_id)
        order = self.found(order_id)
        order.cancels += 1
        if order.beyond_cancelling:
            self.note(order_id, "refused", order.state)
            return self.error(self.refuses_with, f"The order cannot be canceled in state {order.state}")
        if not order.cancelled:
            order.forwarded += 1
            self.note(order_id, "requested")
            self.later(order, order.cancels_after, "finish")
        return json_reply(200, self._document(order))

    def _missing(self, key: str) -> Rejected:
        """Return what to raise where the tenant misses a key: OMS error 5011, "missing request data"."""
        why = f"Missing request data: {key}"
        if self.error_shape != "own":
            return self.rejection(400, why, field=key)
        return Rejected(json_reply(400, {"errorCode": "5011", "message": why}), None, why)

    def _check_reason(self, body: dict[str, object], order_id: str) -> None:
        reason = body.get("dispositionReason")
        if not isinstance(reason, str) or not reason:
            raise self.rejection(400, "dispositionReason is required", order_id)
        if self.reasons is not None and reason not in self.reasons:
            raise self.rejection(400, "dispositionReason is not in this tenant's schema", order_id)
        if "dispositionOtherReason" not in body:
            return
        other = body["dispositionOtherReason"]
        if reason.casefold() != "other":
            raise self.rejection(400, "dispositionOtherReason goes with the reason 'other' only", order_id)
        if not isinstance(other, str) or not 1 <= len(other) <= 255:
            raise self.rejection(400, "dispositionOtherReason has 1 to 255 characters", order_id)

    def _check_status(self, status: str) -> None:
        checks.text("the state", status)
        checks.status("the state", _word(status), STATES)

    def land(self, order: KiboOrder, event: Event) -> None:
        """Cancel the order, or change its status."""
        if order.cancelled:
            return
        if event.what == "move":
            order.state = event.detail
            self.note(order.order_id, "moved", event.detail)
        elif order.beyond_cancelling:
            self.note(order.order_id, "denied", order.state)
        else:
            order.cancelled, order.state_before, order.state = True, order.state, "CANCELED"
            self.note(order.order_id, "cancelled")

    def parts(self, order: KiboOrder) -> tuple[Part, ...]:
        """Return the order itself: this API cancels it whole."""
        return (Part(order.order_id, order.state, order.cancelled),)

    def _document(self, order: KiboOrder) -> dict[str, object]:
        """Return the order as "Get Order Information" gives it."""
        return {
            self.order_key: order.order_id if self.order_id_as_text else order.number,
            "orderType": "STANDARD",
            "isTestOrder": True,
            "deliveryMethod": "SHIP_TO_HOME",
            "orderCurrency": "USD",
            "orderDate": "2010-04-08T16:32:03+00:00",
            **self._state(order, "orderState", self.absent_state),
            **self._state(order, "orderStatus", self.absent_status),
            "subtotal": 4.99,
            "total": 4.99,
            "singlePackageRequested": False,
            "orderItems": [{"orderItemID": 1, "partNumber": "PART-1", "quantity": 1, "price": 4.99}],
        }

    def _state(
        self, order: KiboOrder, name: Literal["orderState", "orderStatus"], absent: str | None
    ) -> dict[str, object]:
        if absent is not None:
            return {name: None} if absent == "null" else {}
        if not order.cancelled:
            return {name: order.state}
        if self.cancelled_shows_in in {"both", name}:
            return {name: self.canceled_word if order.state == "CANCELED" else order.state}
        # An order that was added as cancelled has no state of before.
        return {name: "OPEN" if order.state_before == order.state else order.state_before}


def _word(state: str) -> str:
    """Return a state without the case and the "Order" that documents write differently."""
    return state.casefold().removeprefix("order ")


_ERROR_CODES = {
    400: "VALIDATION_CONFLICT",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "ITEM_NOT_FOUND",
    409: "INVALID_STATE",
}
