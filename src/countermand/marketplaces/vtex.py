"""VTEX OMS. A 200 to a cancellation confirms that VTEX received it; the platform or the seller decides later.

The statuses are those of https://help.vtex.com/en/docs/tutorials/order-flow-and-status.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import ClassVar, TypeAlias, Unpack

import attrs

from ..engine import checks
from ..engine.auth import auth_for
from ..engine.credentials import Credential, as_credential
from ..engine.decoding import Answer, check_subject, decode, is_empty
from ..engine.operation import Operation
from ..engine.rules import CancelRequest, Doubt, Finding, Rules, Verdict, cancelled, refused, requested
from ..engine.secret import Secret, sealed
from ..engine.settings import CallOptions  # noqa: TC001 - for `get_type_hints` of a call
from ..engine.wire import Call, Reply
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, Stored, SubClient, label_field, rate_field
from .vtex_dates import moment, received_by

#: Statuses that show a pending cancellation (Order flow and status; announcements; known issues).
_PENDING = frozenset(
    """cancel canceling request-cancel cancellation-requested cancellation-requested-with-ack accepting-cancel
    waiting-for-seller-decision""".split()
)
#: The seller is denying the cancellation. Orders are known to get stuck in this status.
_DENYING = "cancellation-request-denied-ffm"
#: The grace period in which the customer may cancel: open, although its name contains "cancel".
_TIME_TO_CANCEL = "window-to-cancel"
_SEQUENCE = r"seq([0-9]+)"
_is_environment = checks.one_of("vtexcommercestable", "vtexcommercebeta")  # any other host may be anybody's
_is_base_url = checks.base_url_before("vtexcommercestable.com.br", "/api/oms")


@sealed
@attrs.frozen(kw_only=True, repr=False, eq=False)
class Vtex(Account["VtexClient", "AsyncVtexClient"]):
    """The configuration of one VTEX account: an application key and its token. It needs the permission
    "Cancel order", and "View order" for reads.

        Vtex(account="mystore", app_key="…", app_token="…")
    """

    marketplace: ClassVar[str] = "vtex"
    shows_fields: ClassVar[bool] = True

    #: The account's name, part of the host: `https://{account}.{environment}.com.br`.
    account: str = attrs.field(validator=checks.host_label)
    #: X-VTEX-API-AppKey.
    app_key: Credential = attrs.field(converter=as_credential, validator=checks.credential, repr=False)
    #: X-VTEX-API-AppToken.
    app_token: Credential = attrs.field(converter=as_credential, validator=checks.credential, repr=False)
    #: Part of the host: vtexcommercestable, or vtexcommercebeta. `base_url` replaces it.
    environment: str = attrs.field(default="vtexcommercestable", validator=_is_environment)
    #: Replaces the host built from account and environment. Must be https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=_is_base_url)
    #: The name of this account in outcomes, errors and requests.
    label: str = label_field(field="account")
    #: How many requests the marketplace allows, such as "100/min"; None where that is not known.
    rate: str | None = rate_field()

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or f"https://{self.account}.{self.environment}.com.br"

    def rules(self) -> VtexRules:
        """Return VTEX's rules for this account."""
        return VtexRules(self)

    def clients(self) -> tuple[type[VtexClient], type[AsyncVtexClient]]:
        """Return the two sub-clients' classes."""
        return VtexClient, AsyncVtexClient

    @classmethod
    def stored(cls) -> Stored:
        """Return the classes that stored data is read back as."""
        return CancelVtexOrder, (VtexReceipt, VtexOrder)


@attrs.frozen(repr=False, eq=False)
class VtexReceipt(Answer):
    """The answer to a cancellation: VTEX received the notification. It is the
    `answer` of an outcome.

        print(outcome.answer.receipt)
    """

    kind: ClassVar[str] = "vtex.receipt"
    wire_names: ClassVar[Mapping[str, str]] = {"order_id": "orderId"}

    #: When VTEX received it, as text: it has seven fractional digits, more than a datetime can hold.
    date: str
    order_id: str
    #: The protocol code. VTEX documents that it may be null.
    receipt: str | None = None


@attrs.frozen(repr=False, eq=False)
class VtexCancellationRequest(Answer):
    """A cancellation request in an order, with the seller's denial if there was one."""

    wire_names: ClassVar[Mapping[str, str]] = {
        "requested_at": "cancellationRequestDate",
        "requested_by_user": "requestedByUser",
        "denied_by_seller": "deniedBySeller",
        "denial_reason": "deniedBySellerReason",
        "denied_at": "cancellationRequestDenyDate",
    }

    id: str | None = None
    reason: str | None = None
    requested_at: str | None = None
    requested_by_user: bool | None = None
    denied_by_seller: bool | None = None
    denial_reason: str | None = None
    denied_at: str | None = None


@attrs.frozen(repr=False, eq=False)
class VtexPackage(Answer):
    """An invoice of an order: `Output` is a sale, `Input` is a return."""

    wire_names: ClassVar[Mapping[str, str]] = {"invoice_number": "invoiceNumber"}

    type: str | None = None
    invoice_number: str | None = None


@attrs.frozen(repr=False, eq=False)
class VtexPackages(Answer):
    """The invoices of an order."""

    packages: tuple[VtexPackage, ...] | None = None


@attrs.frozen(repr=False, eq=False)
class VtexOrder(Answer):
    """The state of an order, as far as it concerns a cancellation. All other
    fields are in `raw`.

        print(client.vtex.get_order("1172452900788-01").status)
    """

    kind: ClassVar[str] = "vtex.order"
    wire_names: ClassVar[Mapping[str, str]] = {
        "order_id": "orderId",
        "seller_order_id": "sellerOrderId",
        "package_attachment": "packageAttachment",
        "allow_cancellation": "allowCancellation",
        "workflow_is_in_error": "workflowIsInError",
        "cancellation_requests": "cancellationRequests",
    }

    order_id: str
    #: Text, such as canceled, request-cancel, invoiced or handling; VTEX adds values. None for an incomplete order.
    status: str | None
    #: The order's identification in the seller's system. A receipt may name it instead of `order_id`.
    seller_order_id: str | None = None
    sequence: str | None = None
    #: The invoices. With a return invoice, an invoiced order can be cancelled.
    package_attachment: VtexPackages | None = None
    allow_cancellation: bool | None = None
    workflow_is_in_error: bool | None = None
    cancellation_requests: tuple[VtexCancellationRequest, ...] | None = None

    @property
    def has_return_invoice(self) -> bool:
        """Whether there is a return invoice (Order Invoice Notification, `"type": "Input"`)."""
        packages = self.package_attachment.packages if self.package_attachment else None
        return any(package.type == "Input" for package in packages or ())


VtexAnswer: TypeAlias = VtexReceipt | VtexOrder


def _cancellable(value: object) -> str:
    order_id = checks.order_id(value, "vtex")
    if re.fullmatch(_SEQUENCE, order_id):
        problem = "is a sequence number, by which an order can be read and not cancelled"
        raise checks.bad("vtex", "order_id", problem, value)
    return order_id


@attrs.frozen(repr=False, eq=False)
class CancelVtexOrder(CancelRequest[VtexAnswer]):
    """A request to cancel an order. `requested_by_user` tells the seller whether
    the shopper asked for it.

        client.cancel(CancelVtexOrder("1172452900788-01", reason="Out of stock"))
    """

    marketplace: ClassVar[str] = "vtex"
    order_id: str = attrs.field(converter=_cancellable)
    reason: str | None = attrs.field(default=None, kw_only=True)
    requested_by_user: bool | None = attrs.field(default=None, kw_only=True)
    account: str | None = attrs.field(default=None, validator=checks.account, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not (self.reason is None or isinstance(self.reason, str)):
            raise checks.bad("vtex", "reason", "must be text", self.order_id)
        if not (self.requested_by_user is None or isinstance(self.requested_by_user, bool)):
            raise checks.bad("vtex", "requested_by_user", "must be True or False", self.order_id)


_Operation: TypeAlias = Operation[str, CancelVtexOrder]


class VtexRules(Rules[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """The requests to VTEX, and what its replies mean."""

    name: ClassVar[str] = "vtex"
    own_headers: ClassVar[frozenset[str]] = frozenset(
        {"x-vtex-api-appkey", "x-vtex-api-apptoken", "vtexidclientautcookie"}
    )
    repeatable: ClassVar[bool] = True
    request_id_headers: ClassVar[tuple[str, ...]] = ("x-vtex-operation-id", *Rules.request_id_headers)
    # A second cancellation confirms a first one that waits for the seller (help centre, Canceling an order). So a
    # request that may have arrived gets time to become visible.
    shows_after: ClassVar[float] = 10.0
    # "Wait a few minutes" (order guides). VTEX does not document whether it sends Retry-After.
    rate_limit_pause: ClassVar[float | None] = 30.0

    def __init__(self, configuration: Vtex) -> None:
        auth = auth_for(_headers, app_key=configuration.app_key, app_token=configuration.app_token)
        super().__init__(configuration.label, auth)
        self._origin, path = checks.split_base_url(configuration.url)
        self._orders = f"{path}/api/oms/pvt/orders/"

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it is a valid order id."""
        return checks.order_id(order_id, self.name)

    def cancel_call(self, request: CancelVtexOrder, operation: _Operation) -> Call:
        """Return a POST with the id in the path, and a body only if there is something to send."""
        given = {"reason": request.reason, "requestedByUser": request.requested_by_user}
        said = {name: value for name, value in given.items() if value is not None}
        body = json.dumps(said).encode() if said else None
        return Call("POST", self._origin, f"{self._orders}{checks.quoted(operation.order_id)}/cancel", body)

    def judge(self, reply: Reply, operation: _Operation) -> Verdict[VtexReceipt] | None:
        """Accept a 200 with a receipt for this order, or without a body; nothing else is documented. The receipt
        has the order's id *in the seller's system*. If it differs, a read of the order has to confirm it.
        """
        if reply.status != 200:
            return None
        if is_empty(reply.body):
            return Doubt("received, no receipt", confirm=_received, fallback=requested(None), askable=False)
        receipt = decode(reply.body, VtexReceipt)
        if receipt.order_id == operation.order_id:
            return requested(receipt)

        def confirm(order: VtexOrder) -> Finding[VtexReceipt] | None:
            is_ours = order.seller_order_id == receipt.order_id
            return requested(receipt, order.status) if is_ours else None

        return Doubt("the receipt names another order", confirm=confirm, askable=False)

    def read_call(self, operation: _Operation) -> Call:
        """Return a GET with the id in the path."""
        return Call("GET", self._origin, self._orders + checks.quoted(operation.order_id))

    def order(self, reply: Reply, operation: _Operation) -> VtexOrder:
        """Return the order if it is this one. A read also accepts sequence numbers."""
        order = decode(reply.body, VtexOrder)
        if sequence := re.fullmatch(_SEQUENCE, operation.order_id):
            check_subject(str(order.sequence), sequence[1])
            operation.order_id = order.order_id  # a cancellation does not accept the sequence number
        else:
            check_subject(order.order_id, operation.order_id)
        return order

    def state(self, order: VtexOrder, operation: _Operation) -> Finding[VtexOrder]:
        """Judge by the status, and by a denial of this request, not of an earlier one."""
        status = (order.status or "").casefold()  # "Cancel order" itself writes `Invoiced`
        part = Part(order.order_id, order.status or "")
        if status == "canceled":
            return cancelled(order, (part,))
        if status in _PENDING:
            return requested(order, order.status)
        if (denial := _denial(order, operation)) is not None:
            return refused(order, (attrs.evolve(part, reason=denial.denial_reason),))
        if status == "invoiced" and not order.has_return_invoice:
            return refused(order, (part,))
        # Do not ask again on an unknown status whose name contains "cancel".
        askable = status == _TIME_TO_CANCEL or "cancel" not in status
        return requested(order, order.status, conclusive=status == _DENYING)._replace(askable=askable)


def _received(order: VtexOrder) -> Finding[VtexOrder]:
    return requested(order, order.status)


def _denial(order: VtexOrder, operation: _Operation) -> VtexCancellationRequest | None:
    """Return the seller's denial of the request that this call is about, which must be newer than the receipt, or
    than the request if the receipt was lost. Without a request of ours, the latest one in the list counts.
    """
    listed = order.cancellation_requests or ()
    known = operation.prior.answer if operation.prior is not None else None
    receipt = known.date if isinstance(known, VtexReceipt) else None
    if operation.prior is None and operation.asked() is None:
        latest = max(reversed(listed), key=lambda one: moment(one.requested_at), default=None)
        return latest if latest is not None and latest.denied_by_seller else None
    denied = [one for one in listed if one.denied_by_seller]
    if (since := received_by(receipt, operation.sent_at())) is not None:
        denied = [one for one in denied if moment(one.denied_at, one.requested_at) > since]
    else:  # no reply had a Date: what an earlier read did not list is newer
        seen = known.cancellation_requests or () if isinstance(known, VtexOrder) else denied
        denied = [one for one in denied if one not in seen]
    return max(denied, key=lambda one: moment(one.denied_at, one.requested_at), default=None)


def _headers(app_key: Secret, app_token: Secret) -> dict[str, str]:
    # VTEX requires the content type even on a read, and on a cancellation without a body.
    return {
        "Content-Type": "application/json",
        "X-VTEX-API-AppKey": app_key.reveal(),
        "X-VTEX-API-AppToken": app_token.reveal(),
    }


class VtexClient(SubClient[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """The blocking client of one VTEX account, which
    `Countermand` makes.

        client.vtex.cancel_order("1172452900788-01")
    """

    def cancel_order(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by_user: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Outcome[VtexAnswer]:
        """Ask VTEX to cancel an order, and return what became of it.

        Returns `Requested` with the receipt once VTEX received the notification; `wait_until_settled` waits for the
        decision. Returns `Refused` if VTEX declines and the order's status says why: an invoiced order needs a
        return invoice first. If the reply is lost, the order is read; `Unknown` if that settles nothing.
        `requested_by_user` tells the seller whether the shopper asked. If it raises, the order is untouched.
        https://developers.vtex.com/docs/api-reference/orders-api#post-/api/oms/pvt/orders/-orderId-/cancel

            client.vtex.cancel_order("1172452900788-01", reason="Out of stock", timeout=10)
        """
        request = CancelVtexOrder(order_id, reason=reason, requested_by_user=requested_by_user)
        return self._cancel(request, options)

    def get_order(self, order_id: str, **options: Unpack[CallOptions]) -> VtexOrder:
        """Read an order. Raises `OrderUnreadableError` or a `RejectedError`. The key needs "View order".
        https://developers.vtex.com/docs/api-reference/orders-api#get-/api/oms/pvt/orders/-orderId-

            order = client.vtex.get_order("1172452900788-01")
        """
        return self._read(order_id, options)


class AsyncVtexClient(AsyncSubClient[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """`VtexClient` for asyncio, which
    `AsyncCountermand` makes.

        await client.vtex.cancel_order("1172452900788-01")
    """

    async def cancel_order(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by_user: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Outcome[VtexAnswer]:
        """Ask VTEX to cancel an order, and return what became of it;
        see `VtexClient.cancel_order`.

            outcome = await client.vtex.cancel_order("1172452900788-01")
        """
        request = CancelVtexOrder(order_id, reason=reason, requested_by_user=requested_by_user)
        return await self._cancel(request, options)

    async def get_order(self, order_id: str, **options: Unpack[CallOptions]) -> VtexOrder:
        """Read an order, with the permission "View order";
        see `VtexClient.get_order`.

            order = await client.vtex.get_order("1172452900788-01")
        """
        return await self._read(order_id, options)
