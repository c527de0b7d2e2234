"""VTEX OMS.

Sources: "VTEX Orders API, Cancel order" for the cancellation; "VTEX Orders API, Get order" and "VTEX, Order flow and
status" for the read. A 200 says that the notification was received: the platform, or the seller, decides afterwards.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar, TypeAlias, Unpack

import attrs

from ..engine import checks
from ..engine.auth import auth_for
from ..engine.credentials import Credential, as_credential
from ..engine.decoding import Answer, check_subject, decode
from ..engine.operation import Operation
from ..engine.rules import CancelRequest, Doubt, Finding, Rules, Verdict, cancelled, refused, requested
from ..engine.secret import Secret, sealed
from ..engine.settings import CallOptions
from ..engine.wire import Call, Reply
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, Stored, SubClient, label_field, rate_field

#: Statuses in which a cancellation is under way (order flow and status; announcements; known issues).
_PENDING = frozenset(
    """cancel canceling request-cancel cancellation-requested cancellation-requested-with-ack accepting-cancel
    waiting-for-seller-decision""".split()
)
#: A denial is on its way; known to stick.
_DENYING = "cancellation-request-denied-ffm"
#: The customer may cancel for a while yet: open, although it speaks of a cancellation.
_TIME_TO_CANCEL = "window-to-cancel"
#: How far the time of a request that got no receipt may be off: a Date header tells whole seconds.
_CLOCKS_AGREE = timedelta(seconds=1)
#: A date without a zone (`2019-05-09 15:31:23`) may mean any: this is where it would be the earliest.
_EASTERNMOST = timezone(timedelta(hours=14))
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
#: A read also takes an order's sequence number in this form; a cancellation does not.
_SEQUENCE = re.compile(r"seq(\d+)", re.ASCII)
#: The environments that are known; there may be others of VTEX's.
_ENVIRONMENTS = "vtexcommercestable", "vtexcommercebeta"
#: Words that other marketplaces use for theirs: as a part of VTEX's host name they make a stranger's host.
_NO_ENVIRONMENTS = frozenset(
    "production prod sandbox staging stage dev development test live stable beta".split()
)


def _environment(_: object, field: "attrs.Attribute[str]", value: str) -> None:
    """attrs validator: an environment is part of the host name, so another marketplace's word for one is none."""
    from difflib import get_close_matches

    misspelt = value not in _ENVIRONMENTS and get_close_matches(value, _ENVIRONMENTS, 1, 0.9)
    if misspelt or value.casefold() in _NO_ENVIRONMENTS:
        raise ValueError(
            f"{field.name} must be one of VTEX's own, {_ENVIRONMENTS[0]} for nearly everybody: it is part of the host name"
        )


@sealed
@attrs.frozen(kw_only=True)
class Vtex(Account["VtexClient", "AsyncVtexClient"]):
    """Access to the orders of one VTEX account, by an application key and its token."""

    marketplace: ClassVar[str] = "vtex"

    #: The account's name, part of the host: `https://{account}.{environment}.com.br`.
    account: str = attrs.field(validator=checks.host_label)
    #: X-VTEX-API-AppKey.
    app_key: Credential = attrs.field(converter=as_credential, validator=checks.credential, repr=False)
    #: X-VTEX-API-AppToken.
    app_token: Credential = attrs.field(converter=as_credential, validator=checks.credential, repr=False)
    #: Part of the host; "vtexcommercestable" for nearly everybody.
    environment: str = attrs.field(default=_ENVIRONMENTS[0], validator=[checks.host_label, _environment])
    #: In place of the host made from account and environment; https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=checks.base_url)
    #: What outcomes, errors and requests call this account.
    label: str = label_field(field="account")
    #: How many requests the marketplace allows, such as "100/min"; None where that is not known.
    rate: str | None = rate_field()

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or f"https://{self.account}.{self.environment}.com.br"

    def rules(self) -> "VtexRules":
        """Return VTEX's rules for this account."""
        return VtexRules(self)

    def clients(self) -> "tuple[type[VtexClient], type[AsyncVtexClient]]":
        """Return the two sub-clients' classes."""
        return VtexClient, AsyncVtexClient

    @classmethod
    def stored(cls) -> Stored:
        """Return the classes that stored data is read back as."""
        return CancelVtexOrder, (VtexReceipt, VtexOrder)


@attrs.frozen
class VtexReceipt(Answer):
    """The answer to a cancellation: the notification was received."""

    kind: ClassVar[str] = "vtex.receipt"
    wire_names: ClassVar[Mapping[str, str]] = {"order_id": "orderId"}

    #: When it was received, as VTEX wrote it: seven fractional digits and an offset, more than a datetime holds.
    date: str
    order_id: str
    #: The protocol code; VTEX documents that it may be null.
    receipt: str | None = None


@attrs.frozen
class VtexCancellationRequest(Answer):
    """One request to cancel, as the order lists it, with the seller's denial if there was one."""

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


@attrs.frozen
class VtexPackage(Answer):
    """An invoice of the order: `Output` is a sale, `Input` is a return."""

    wire_names: ClassVar[Mapping[str, str]] = {"invoice_number": "invoiceNumber"}

    type: str | None = None
    invoice_number: str | None = None


@attrs.frozen
class VtexPackages(Answer):
    """The invoices of an order."""

    packages: tuple[VtexPackage, ...] | None = None


@attrs.frozen
class VtexOrder(Answer):
    """What an order says of its cancellation; all the rest of it is in `raw`."""

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
    #: Text with known values (canceled, cancel, request-cancel, invoiced, handling, …); new ones appear. None for an
    #: incomplete order.
    status: str | None = None
    #: The order's identification in the seller, which a receipt may name in place of `order_id`.
    seller_order_id: str | None = None
    sequence: str | None = None
    #: The invoices; a return invoice among them makes an invoiced order cancellable.
    package_attachment: VtexPackages | None = None
    allow_cancellation: bool | None = None
    workflow_is_in_error: bool | None = None
    cancellation_requests: tuple[VtexCancellationRequest, ...] | None = None

    @property
    def has_return_invoice(self) -> bool:
        """Whether a return invoice was sent (Order Invoice Notification, `"type": "Input"`)."""
        packages = self.package_attachment.packages if self.package_attachment else None
        return any(package.type == "Input" for package in packages or ())


VtexAnswer: TypeAlias = VtexReceipt | VtexOrder


def _cancellable(value: object) -> str:
    order_id = checks.order_id(value, "vtex")
    if _SEQUENCE.fullmatch(order_id):
        problem = "is a sequence number, by which an order can be read and not cancelled"
        raise checks.bad("vtex", "order_id", problem, value)
    return order_id


@attrs.frozen
class CancelVtexOrder(CancelRequest[VtexAnswer]):
    """Cancel an order. `requested_by_user` tells the seller whether the shopper asked for it."""

    marketplace: ClassVar[str] = "vtex"
    order_id: str = attrs.field(converter=_cancellable)
    reason: str | None = attrs.field(default=None, kw_only=True)
    requested_by_user: bool | None = attrs.field(default=None, kw_only=True)
    account: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not (self.reason is None or isinstance(self.reason, str)):
            raise checks.bad("vtex", "reason", "must be text", self.order_id)
        if not (self.requested_by_user is None or isinstance(self.requested_by_user, bool)):
            raise checks.bad("vtex", "requested_by_user", "must be True or False", self.order_id)


_Operation: TypeAlias = Operation[str, CancelVtexOrder]


class VtexRules(Rules[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """How VTEX is asked, and what its answers mean."""

    name: ClassVar[str] = "vtex"
    own_headers: ClassVar[frozenset[str]] = frozenset({"x-vtex-api-appkey", "x-vtex-api-apptoken"})
    repeatable: ClassVar[bool] = True
    request_id_headers: ClassVar[tuple[str, ...]] = ("x-vtex-operation-id", *Rules.request_id_headers)
    # A second cancellation confirms a first one that waits for the seller (help centre, Cancelling an order), so a
    # request that may have arrived is given time to show.
    shows_after: ClassVar[float] = 10.0
    # "Wait a few minutes" (order guides); whether Retry-After is sent is not documented.
    rate_limit_pause: ClassVar[float | None] = 30.0

    def __init__(self, configuration: Vtex) -> None:
        auth = auth_for(_headers, app_key=configuration.app_key, app_token=configuration.app_token)
        super().__init__(configuration.label, auth)
        self._origin, path = checks.split_base_url(configuration.url)
        self._orders = f"{path}/api/oms/pvt/orders/"

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it can name an order."""
        return checks.order_id(order_id, self.name)

    def cancel_call(self, request: CancelVtexOrder, operation: _Operation) -> Call:
        """POST, the id in the path; a body only where there is something to say."""
        given = {"reason": request.reason, "requestedByUser": request.requested_by_user}
        said = {name: value for name, value in given.items() if value is not None}
        body = json.dumps(said).encode() if said else None
        return Call("POST", self._origin, f"{self._orders}{checks.quoted(operation.order_id)}/cancel", body)

    def judge(self, reply: Reply, operation: _Operation) -> Verdict[VtexReceipt] | None:
        """Take a 200 with a receipt for this order, or with no body, as received; nothing else is documented.

        A receipt names the order *in the seller*: one with another id is confirmed by reading both of the order's.
        """
        if reply.status != 200:
            return None
        if not reply.body.strip():
            return Doubt(
                "received, without a receipt", confirm=_received, fallback=requested(None), askable=False
            )
        receipt = decode(reply.body, VtexReceipt)
        if receipt.order_id == operation.order_id:
            return requested(receipt)

        def confirm(order: VtexOrder) -> Finding[VtexReceipt] | None:
            is_ours = order.seller_order_id == receipt.order_id
            return requested(receipt, order.status) if is_ours else None

        return Doubt("the receipt names another order", confirm=confirm, askable=False)

    def read_call(self, operation: _Operation) -> Call:
        """GET, the id in the path."""
        return Call("GET", self._origin, self._orders + checks.quoted(operation.order_id))

    def order(self, reply: Reply, operation: _Operation) -> VtexOrder:
        """Return the order, if it is this one: the read also takes sequence numbers."""
        order = decode(reply.body, VtexOrder)
        sequence = _SEQUENCE.fullmatch(operation.order_id)
        if sequence:
            check_subject(str(order.sequence), sequence[1])
            operation.order_id = order.order_id  # from here on by its name, which a cancellation takes, too
        else:
            check_subject(order.order_id, operation.order_id)
        return order

    def state(self, order: VtexOrder, operation: _Operation) -> Finding[VtexOrder]:
        """Let the status decide, and a denial that answers this request and no earlier one."""
        status = order.status
        part = Part(order.order_id, status or "")
        if status == "canceled":
            return cancelled(order, (part,))
        if status in _PENDING:
            return requested(order, status)
        if (denial := _denial(order, operation)) is not None:
            return refused(order, (attrs.evolve(part, reason=denial.denial_reason),))
        if status == _DENYING:
            return requested(order, status)
        if status == "invoiced" and not order.has_return_invoice:
            return refused(order, (part,))
        # A status that we do not know but that speaks of a cancellation is no permission to ask again.
        askable = status is None or status == _TIME_TO_CANCEL or "cancel" not in status.casefold()
        return requested(order, status, conclusive=False)._replace(askable=askable)


def _received(order: VtexOrder) -> Finding[VtexOrder]:
    return requested(order, order.status)


def _denial(order: VtexOrder, operation: _Operation) -> VtexCancellationRequest | None:
    """Return the seller's denial of the request that this call is about.

    Denials of earlier requests stay in the list: one counts if it is newer than the receipt, or than the sending of
    a request whose receipt was lost. Where no request of ours is known, the latest one in the list counts.
    """
    listed = order.cancellation_requests or ()
    receipt = operation.prior.answer if operation.prior is not None else None
    if not isinstance(receipt, VtexReceipt) and operation.asked() is None:
        latest = max(reversed(listed), key=lambda one: _moment(one.requested_at) or _LONG_AGO, default=None)
        return latest if latest is not None and latest.denied_by_seller else None
    since = _zoned(receipt.date) if isinstance(receipt, VtexReceipt) else None
    if since is None and (sent := operation.sent_at()) is not None:
        since = sent + _CLOCKS_AGREE
    denied = [one for one in listed if one.denied_by_seller and since is not None and _answered(one) > since]
    return denied[-1] if denied else None


def _answered(request: VtexCancellationRequest) -> datetime:
    return _moment(request.denied_at) or _moment(request.requested_at) or _LONG_AGO


def _moment(text: str | None) -> datetime | None:
    """Return the instant of a date as VTEX writes it, the earliest that it can mean; None if it is no date."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=_EASTERNMOST)


def _zoned(text: str) -> datetime | None:
    """Return the instant of a date that names its zone; None for any other."""
    moment = _moment(text)
    return None if moment is None or moment.tzinfo is _EASTERNMOST else moment


def _headers(app_key: Secret, app_token: Secret) -> dict[str, str]:
    # VTEX's description requires the content type on a cancellation without a body and on a read, too.
    return {
        "Content-Type": "application/json",
        "X-VTEX-API-AppKey": app_key.reveal(),
        "X-VTEX-API-AppToken": app_token.reveal(),
    }


class VtexClient(SubClient[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """VTEX OMS, blocking."""

    def cancel_order(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by_user: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Outcome[VtexAnswer]:
        """Ask VTEX to cancel an order, and say what became of it.

        Returns `Requested` with the receipt when the notification was received (VTEX Orders API, Cancel order):
        whether the order is cancelled shows later, see `wait_until_settled`. Returns `Refused` when VTEX declines
        and the order's status says why (an invoiced order wants a return invoice first), `Cancelled` or `Unknown`
        where a lost answer had to be settled by reading the order.

        `requested_by_user` tells the seller whether the shopper asked for it. `timeout` is the deadline of the
        whole call in seconds. Raises an error of `countermand.errors`; whenever it raises, the order is untouched.
        """
        request = CancelVtexOrder(order_id, reason=reason, requested_by_user=requested_by_user)
        return self.cancel(request, **options)

    def get_order(self, order_id: str, **options: Unpack[CallOptions]) -> VtexOrder:
        """Read an order (VTEX Orders API, Get order). The key needs "View order", which cancelling does not."""
        return self._read(order_id, options)


class AsyncVtexClient(AsyncSubClient[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """VTEX OMS, on an event loop. Each method does what its namesake in `VtexClient` does."""

    async def cancel_order(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by_user: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Outcome[VtexAnswer]:
        """Ask VTEX to cancel an order; see `VtexClient.cancel_order`."""
        request = CancelVtexOrder(order_id, reason=reason, requested_by_user=requested_by_user)
        return await self.cancel(request, **options)

    async def get_order(self, order_id: str, **options: Unpack[CallOptions]) -> VtexOrder:
        """Read an order; see `VtexClient.get_order`."""
        return await self._read(order_id, options)
