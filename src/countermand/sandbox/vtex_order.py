"""One order at the simulated VTEX: what it holds, and how "Get order" shows it.

Sources: VTEX Orders API, "Get order", "Cancel order" and "Order Invoice Notification"; VTEX guide "Order canceling
improvements"; VTEX announcement "New object returned to API Get order: cancelReason" (an order of 2019).
"""

from datetime import datetime, timedelta, timezone
from typing import Any, Literal, TypeAlias

from attrs import define, field

from countermand.sandbox.simulator import Order

Seller = Literal["accepts", "denies", "silent", "stuck"]

#: Seven fractional digits and an offset, the same with a Z, or seconds without a zone.
DateForm: TypeAlias = Literal["offset", "zulu", "plain"]

#: A cancellation is under way, or its denial is.
PENDING = frozenset(
    """
    cancel canceling request-cancel cancellation-requested cancellation-requested-with-ack
    cancellation-request-denied-ffm accepting-cancel waiting-for-seller-decision
    """.split()
)
# The documented statuses. After `add_order`, an order may be given any other status.
STATUSES = PENDING | frozenset(
    """
    canceled invoiced invoice order-created on-order-completed on-order-completed-ffm payment-pending payment-approved
    payment-denied approve-payment window-to-cancel window-to-change-payment window-to-change-seller
    waiting-for-authorization waiting-for-fulfillment waiting-ffmt-authorization waiting-for-manual-authorization
    waiting-for-mkt-authorization waiting-for-order-authorization authorize-fulfillment waiting-seller-handling
    ready-for-handling start-handling handling ready-for-invoicing order-accepted replaced
    """.split()
)

#: A cancel and an invoice closer than this race, and the workflow stays in error.
RACE = timedelta(seconds=0.5)

VALUE = 4990
"""What every order costs, in cents."""


@define
class VtexOrder(Order):
    """An order, and what its seller does with a request to cancel it."""

    #: None for an incomplete order, which has no status text.
    status: str | None
    sequence: str
    seller: Seller
    decides_after: float
    waits_in: str | None
    deny_reason: str
    seller_order_id: str
    #: Whether a receipt names the order as the seller does.
    of_another_seller: bool
    shows_after: float
    revives: bool
    old: bool
    in_error: bool
    returns_to: str | None = field(default=None, init=False)
    requested_at: datetime | None = field(default=None, init=False)
    #: The id of the undecided request.
    undecided: str | None = field(default=None, init=False)
    #: The id of the request that an invoice overtook.
    overtaken: str | None = field(default=None, init=False)
    requests: list[dict[str, object]] = field(factory=list[dict[str, object]], init=False)
    cancellation: dict[str, object] | None = field(default=None, init=False)
    packages: list[dict[str, object]] = field(factory=list[dict[str, object]], init=False)
    was_canceled: bool = field(default=False, init=False)
    #: What reads show instead of the order's state, and until when.
    shown: dict[str, object] | None = field(default=None, init=False)
    shown_until: datetime | None = field(default=None, init=False)

    @property
    def group(self) -> str:
        """The purchase that this order is a part of: its id without the `-01`."""
        return self.order_id.rpartition("-")[0] or self.order_id

    @property
    def returned(self) -> bool:
        """Whether there is a return invoice."""
        return any(package["type"] == "Input" for package in self.packages)

    @property
    def partially_invoiced(self) -> bool:
        """Whether a part of the order's value is invoiced, and not all of it."""
        return 0 < self.invoiced_value < VALUE

    @property
    def invoiced_value(self) -> int:
        """What sales invoices add up to, in cents."""
        values = [package["invoiceValue"] for package in self.packages if package["type"] == "Output"]
        return sum(value for value in values if isinstance(value, int))

    @property
    def waiting(self) -> bool:
        """Whether a cancellation of the order is under way."""
        return self.status in PENDING or self.undecided is not None

    @property
    def cancellable(self) -> bool:
        """The `allowCancellation` of the order."""
        if self.waiting or self.status == "canceled" or self.partially_invoiced:
            return False
        return self.status != "invoiced" or self.returned

    def add_request(
        self, request_id: str, date: str, reason: str | None = None, by_user: bool = False
    ) -> None:
        """List a request to cancel."""
        self.requests.append(
            {
                "id": request_id,
                "reason": reason,
                "cancellationRequestDate": date,
                "requestedByUser": by_user,
                "deniedBySeller": False,
                "deniedBySellerReason": None,
                "cancellationRequestDenyDate": None,
            }
        )

    def deny_request(self, date: str, reason: str) -> None:
        """Let the seller deny the latest request."""
        self.requests[-1] |= {
            "deniedBySeller": True,
            "deniedBySellerReason": reason,
            "cancellationRequestDenyDate": date,
        }

    def add_package(self, kind: str, date: str, value: int, number: str | None = None) -> None:
        """List an invoice: `Output` for a sale, `Input` for a return."""
        self.packages.append(
            {
                "type": kind,
                "invoiceNumber": number or f"NF-{len(self.packages) + 1}",
                "invoiceValue": value,
                "issuanceDate": date,
                "items": [{"itemIndex": 0, "quantity": 1, "price": value}],
            }
        )

    def document(self, *, capitalised_keys: bool = False) -> dict[str, object]:
        """Return the order as "Get order" gives it, without the many fields that cancelling does not touch."""
        cancellation = self.cancellation
        if cancellation is not None and capitalised_keys:
            cancellation = {key[0].upper() + key[1:]: value for key, value in cancellation.items()}
        attachment: dict[str, Any] = {"packages": self.packages}
        said: dict[str, object] = {
            "orderId": self.order_id,
            "sequence": self.sequence,
            "sellerOrderId": self.seller_order_id,
            "orderGroup": self.group,
            "origin": "Marketplace",
            "status": self.status,
            "statusDescription": self.status and self.status.replace("-", " ").capitalize(),
            "workflowIsInError": self.in_error,
            "allowCancellation": self.cancellable,
            "cancelReason": self.cancellation and self.cancellation["reason"],
            "cancellationData": cancellation,
            "cancellationRequests": self.requests,
            "packageAttachment": attachment,
            "value": VALUE,
            "items": [{"uniqueId": "0F1E2D", "id": "17", "quantity": 1, "price": VALUE}],
        }
        if self.old:
            del said["workflowIsInError"], said["allowCancellation"]
            said["cancellationRequests"] = self.requests or None
            said["packageAttachment"] = attachment if self.packages else {}
        return said


def written(moment: datetime, form: DateForm, utc_offset: timedelta) -> str:
    """Return a moment as VTEX writes it."""
    local = moment.astimezone(timezone(utc_offset))
    match form:
        # The seventh digit is VTEX's own: microseconds have six.
        case "offset":
            return f"{local:%Y-%m-%dT%H:%M:%S.%f}7{local.isoformat()[-6:]}"
        case "zulu":
            return f"{moment:%Y-%m-%dT%H:%M:%S.%f}7Z"
        case _:
            return f"{local:%Y-%m-%d %H:%M:%S}"
