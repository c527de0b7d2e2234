"""VTEX OMS.

Sources: "VTEX Orders API, Cancel order" for the cancellation; "VTEX Orders API, Get order" and "VTEX, Order flow and
status" for the read. A 200 says that the notification was received: the platform, or the seller, decides afterwards.
"""

import json
from collections.abc import Mapping
from typing import ClassVar, TypeAlias

import attrs

from ..engine import checks
from ..engine.auth import auth_for
from ..engine.credentials import Credential, as_credential
from ..engine.decoding import Answer, check_subject, decode
from ..engine.operation import Operation
from ..engine.rules import CancelRequest, Finding, Rules, Verdict, cancelled, refused, requested
from ..engine.secret import Secret, sealed
from ..engine.wire import Call, Reply
from ..errors import InvalidRequestError
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, SubClient, label_field

#: Statuses in which a cancellation is under way. "cancel" is known to stick for minutes, rarely for ever.
_PENDING = frozenset({"cancel", "request-cancel", "cancellation-requested", "waiting-for-seller-decision"})
#: Statuses in which an order cannot be cancelled: an invoiced one wants a return invoice first.
_BLOCKING = frozenset({"invoiced", "invoice", "partial-invoiced", "partially-invoiced", "incomplete"})
#: The environments that are known; there may be others of VTEX's.
_ENVIRONMENTS = "vtexcommercestable", "vtexcommercebeta"


def _environment(_: object, field: "attrs.Attribute[str]", value: str) -> None:
    """attrs validator: VTEX's environments are hosts of its own; any other word makes a stranger's host of it."""
    from difflib import get_close_matches

    misspelt = value not in _ENVIRONMENTS and get_close_matches(value, _ENVIRONMENTS, 1, 0.9)
    if misspelt or not value.startswith("vtexcommerce"):
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


@attrs.frozen
class VtexReceipt(Answer):
    """The answer to a cancellation: the notification was received."""

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
class VtexOrder(Answer):
    """What an order says of its cancellation; all the rest of it is in `raw`."""

    wire_names: ClassVar[Mapping[str, str]] = {
        "order_id": "orderId",
        "allow_cancellation": "allowCancellation",
        "workflow_is_in_error": "workflowIsInError",
        "cancellation_requests": "cancellationRequests",
    }

    order_id: str
    #: Text with known values (canceled, cancel, request-cancel, invoiced, handling, …); new ones appear.
    status: str
    allow_cancellation: bool | None = None
    workflow_is_in_error: bool | None = None
    cancellation_requests: tuple[VtexCancellationRequest, ...] | None = None


VtexAnswer: TypeAlias = VtexReceipt | VtexOrder


@attrs.frozen
class CancelVtexOrder(CancelRequest[VtexAnswer]):
    """Cancel an order. `requested_by_user` tells the seller whether the shopper asked for it."""

    marketplace: ClassVar[str] = "vtex"
    order_id: str
    reason: str | None = attrs.field(default=None, kw_only=True)
    requested_by_user: bool | None = attrs.field(default=None, kw_only=True)
    account: str | None = attrs.field(default=None, kw_only=True)


_Operation: TypeAlias = Operation[str, CancelVtexOrder]


class VtexRules(Rules[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """How VTEX is asked, and what its answers mean."""

    name: ClassVar[str] = "vtex"

    def __init__(self, configuration: Vtex) -> None:
        auth = auth_for(_headers, app_key=configuration.app_key, app_token=configuration.app_token)
        super().__init__(configuration.label, auth)
        self._origin, path = checks.split_base_url(configuration.url)
        self._orders = f"{path}/api/oms/pvt/orders/"

    def check(self, request: CancelVtexOrder) -> str:
        """Return the order id, checked, with the rest of the request."""
        if not isinstance(request.reason, str | None):
            raise InvalidRequestError("reason must be text", marketplace=self.name)
        if not isinstance(request.requested_by_user, bool | None):
            raise InvalidRequestError("requested_by_user must be True or False", marketplace=self.name)
        return self.check_order_id(request.order_id)

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
        """Take a 200 with a receipt for this order as received; nothing else is documented."""
        if reply.status != 200:
            return None
        answer = decode(reply.body, VtexReceipt)
        check_subject(answer.order_id, operation.order_id)
        return requested(answer)

    def read_call(self, operation: _Operation) -> Call:
        """GET, the id in the path."""
        return Call("GET", self._origin, self._orders + checks.quoted(operation.order_id))

    def order(self, reply: Reply, operation: _Operation) -> VtexOrder:
        """Return the order, if it is this one: the read also takes sequence numbers."""
        answer = decode(reply.body, VtexOrder)
        check_subject(answer.order_id, operation.order_id)
        return answer

    def state(self, order: VtexOrder, operation: _Operation) -> Finding[VtexOrder]:
        """Let the status decide; a denial counts only for a caller who waits for the answer to a request.

        A denial may answer an earlier request than one that was just lost, and its dates are of another clock.
        """
        status = order.status
        if status == "canceled":
            return cancelled(order, (Part(order.order_id, status),))
        if status in _PENDING:
            return requested(order, status)
        if status in _BLOCKING:
            return refused(order, (Part(order.order_id, status),))
        latest = max(
            reversed(order.cancellation_requests or ()), key=lambda one: one.requested_at or "", default=None
        )
        if operation.waiting and latest is not None and latest.denied_by_seller:
            return refused(order, (Part(order.order_id, status, latest.denial_reason),))
        return requested(order, status, conclusive=False)


def _headers(app_key: Secret, app_token: Secret) -> dict[str, str]:
    return {"X-VTEX-API-AppKey": app_key.reveal(), "X-VTEX-API-AppToken": app_token.reveal()}


class VtexClient(SubClient[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """VTEX OMS, blocking."""

    def cancel_order(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by_user: bool | None = None,
        timeout: float | None = None,
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
        return self.cancel(request, timeout=timeout)

    def get_order(self, order_id: str, *, timeout: float | None = None) -> VtexOrder:
        """Read an order (VTEX Orders API, Get order). The key needs "View order", which cancelling does not."""
        return self._read(order_id, timeout)


class AsyncVtexClient(AsyncSubClient[str, CancelVtexOrder, VtexReceipt, VtexOrder]):
    """VTEX OMS, on an event loop. Each method does what its namesake in `VtexClient` does."""

    async def cancel_order(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by_user: bool | None = None,
        timeout: float | None = None,
    ) -> Outcome[VtexAnswer]:
        """Ask VTEX to cancel an order; see `VtexClient.cancel_order`."""
        request = CancelVtexOrder(order_id, reason=reason, requested_by_user=requested_by_user)
        return await self.cancel(request, timeout=timeout)

    async def get_order(self, order_id: str, *, timeout: float | None = None) -> VtexOrder:
        """Read an order; see `VtexClient.get_order`."""
        return await self._read(order_id, timeout)
