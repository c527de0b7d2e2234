"""VTEX OMS.

Sources: "VTEX Orders API, Cancel order" for the cancellation; "VTEX Orders API, Get order" and "VTEX, Order flow and
status" for the read. A 200 says that the notification was received: the platform, or the seller, decides afterwards.
"""

import json
from collections.abc import Mapping
from typing import ClassVar, TypeAlias

import attrs

from ..engine import checks
from ..engine.auth import Auth
from ..cancellation import REJECTIONS, Reading, Rejections, Verdict
from ..case import Case
from ..engine.decoding import Answer, check_subject, decode
from ..errors import InvalidRequestError
from ..outcomes import MarketplaceName
from ..outcomes import Outcome, Part
from ..requests import CancelRequest
from ..engine.retry import Account
from ..settings import Vtex
from ..subclient import AsyncSubClient, SubClient
from ..engine.wire import Call, Reply

#: Statuses in which a cancellation is under way. "cancel" is known to stick for minutes, rarely for ever.
_PENDING = frozenset({"cancel", "request-cancel", "cancellation-requested", "waiting-for-seller-decision"})
#: Statuses in which an order cannot be cancelled: an invoiced one wants a return invoice first.
_BLOCKING = frozenset({"invoiced", "invoice", "partial-invoiced", "partially-invoiced", "incomplete"})


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

    marketplace: ClassVar[MarketplaceName] = "vtex"
    order_id: str
    reason: str | None = attrs.field(default=None, kw_only=True)
    requested_by_user: bool | None = attrs.field(default=None, kw_only=True)


class VtexRules:
    """How VTEX is asked, and what its answers mean."""

    name: ClassVar[MarketplaceName] = "vtex"
    repeatable: ClassVar[bool] = True
    beyond_cancelling: ClassVar[frozenset[str]] = frozenset()
    rejections: ClassVar[Rejections] = REJECTIONS

    def __init__(self, configuration: Vtex) -> None:
        key, token = configuration.app_key, configuration.app_token
        headers = {"X-VTEX-API-AppKey": key.reveal(), "X-VTEX-API-AppToken": token.reveal()}
        self.auth: Auth = Auth(headers, [key, token])
        self.account: Account = Account()
        self._origin, path = checks.split_base_url(configuration.url)
        self._orders = f"{path}/api/oms/pvt/orders/"

    def order_id_of(self, request: CancelVtexOrder) -> str:
        """Return the order id, checked, with the rest of the request."""
        if not isinstance(request.reason, str | None):
            raise InvalidRequestError("reason must be text", marketplace=self.name)
        if not isinstance(request.requested_by_user, bool | None):
            raise InvalidRequestError("requested_by_user must be True or False", marketplace=self.name)
        return self.check_order_id(request.order_id)

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it can name an order."""
        return checks.order_id(order_id, self.name)

    def cancel_call(self, request: CancelVtexOrder, order_id: str) -> Call:
        """POST, the id in the path; a body only where there is something to say."""
        given = {"reason": request.reason, "requestedByUser": request.requested_by_user}
        said = {name: value for name, value in given.items() if value is not None}
        body = json.dumps(said).encode() if said else None
        return Call("POST", self._origin, f"{self._orders}{checks.quoted(order_id)}/cancel", body)

    def judge(self, reply: Reply, case: Case[VtexAnswer]) -> Verdict[VtexAnswer] | None:
        """Take a 200 with a receipt for this order as received; nothing else is documented."""
        if reply.status != 200:
            return None
        answer = decode(reply.body, VtexReceipt)
        check_subject(answer.order_id, case.order_id)
        return case.requested(answer)

    def read_call(self, order_id: str) -> Call:
        """GET, the id in the path."""
        return Call("GET", self._origin, self._orders + checks.quoted(order_id))

    def read(self, reply: Reply, order_id: str) -> VtexAnswer:
        """Return the order, if it is this one: the read also takes sequence numbers."""
        answer = decode(reply.body, VtexOrder)
        check_subject(answer.order_id, order_id)
        return answer

    def reading(self, answer: VtexAnswer, case: Case[VtexAnswer], waiting: bool) -> Reading[VtexAnswer]:
        """Let the status decide; a denial counts only for a caller who waits for the answer to a request.

        A denial may answer an earlier request than one that was just lost, and its dates are of another clock.
        """
        assert isinstance(answer, VtexOrder)
        status = answer.status
        outcome: Outcome[VtexAnswer]
        if status == "canceled":
            return Reading(case.cancelled(answer, (Part(answer.order_id, status),)), conclusive=True)
        if status in _PENDING:
            return Reading(case.requested(answer, status), conclusive=True)
        if status in _BLOCKING:
            return Reading(case.refused(answer, (Part(answer.order_id, status),)), conclusive=True)
        latest = max(
            reversed(answer.cancellation_requests or ()), key=lambda one: one.requested_at or "", default=None
        )
        if waiting and latest is not None and latest.denied_by_seller:
            outcome = case.refused(answer, (Part(answer.order_id, status, latest.denial_reason),))
        else:
            outcome = case.requested(answer, status)
        return Reading(outcome, conclusive=False)


class VtexClient(SubClient[str, CancelVtexOrder, VtexAnswer]):
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
        answer = self._read(order_id, timeout)
        assert isinstance(answer, VtexOrder)
        return answer


class AsyncVtexClient(AsyncSubClient[str, CancelVtexOrder, VtexAnswer]):
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
        answer = await self._read(order_id, timeout)
        assert isinstance(answer, VtexOrder)
        return answer
