"""VTEX OMS: what its own documents say, row by row (order flow and status; announcements; known issues)."""

from typing import Any

from countermand import (
    Cancelled,
    Part,
    Refused,
    RejectedError,
    Requested,
    Unknown,
)
from tests.support.markets import VTEX, vtex_order
from tests.support.stage import lost, reply

from .rows import Played, Rows, basis

ROWS = Rows(VTEX)

#: What the tables below are made of.
_status: Any
_body: Any
_packages: Any
_more: Any

#: The stage begins at 9:00 UTC on 2 March 2026.
DATE = "Mon, 02 Mar 2026 09:00:00 GMT"
RETURNED = {
    "packageAttachment": {"packages": [{"type": "Output"}, {"type": "Input", "invoiceNumber": "r-1"}]}
}
SOLD = {"packageAttachment": {"packages": [{"type": "Output", "invoiceNumber": "s-1"}]}}


def order(status: Any, **more: Any) -> Any:
    """Return the order as a read answers it, with the Date that every real server sends."""
    answer = vtex_order(status, **more)
    return answer._replace(headers={"date": DATE})


def receipt(order_id: str = "1172-01", date: str = "2026-03-02T06:00:00.1234567-03:00") -> Any:
    """Return a receipt of nine o'clock UTC."""
    body = {"date": date, "orderId": order_id, "receipt": "38e0e47d"}
    return reply(200, body, date=DATE)


def request(
    denied_at: str | None = None, at: str = "2026-03-02T09:00:00Z", reason: str = "It has left"
) -> Any:
    """Return a request to cancel as the order lists it."""
    return {
        "id": "r",
        "reason": "changed my mind",
        "cancellationRequestDate": at,
        "requestedByUser": True,
        "deniedBySeller": denied_at is not None,
        "deniedBySellerReason": reason if denied_at else None,
        "cancellationRequestDenyDate": denied_at,
    }


OLD = request("2025-03-02T09:05:00Z", "2025-03-02T09:00:00Z", "last year's reason")
OURS = request("2026-03-02T09:05:00.7612218+00:00")


# An incomplete order.


@ROWS.add("a null status decodes, and is open", read=[order(None)])
def _(play: Played) -> None:
    assert play.read().status is None
    outcome = play.wait(timeout=5.0)
    assert isinstance(outcome, Unknown)
    assert outcome.reason == "the order is open and shows no cancellation"


@ROWS.add("an empty status is open", read=[order("")])
def _(play: Played) -> None:
    assert play.read().status == ""
    assert isinstance(play.wait(timeout=5.0), Unknown)


@ROWS.add(
    "an incomplete order is asked again after a lost reply", cancel=[lost(), receipt()], read=[order(None)]
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Requested)
    assert play.times("cancel")[1] >= 10.0


# Receipts that name the order in the seller.


@ROWS.add(
    "a receipt with the seller's id is confirmed by one read",
    cancel=[receipt("00-1172-01")],
    read=[order("handling", sellerOrderId="00-1172-01")],
)
def _(play: Played) -> None:
    outcome = play.cancel()
    assert isinstance(outcome, Requested)
    assert (outcome.status, basis(outcome).order_id) == ("handling", "00-1172-01")
    assert play.kinds == ["cancel", "read"]


@ROWS.add(
    "a receipt with the seller's id of an order that is cancelled by now",
    cancel=[receipt("00-1172-01")],
    read=[order("canceled", sellerOrderId="00-1172-01")],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Cancelled)
    assert play.kinds == ["cancel", "read"]


@ROWS.add(
    "a receipt about a third order is settled by reading, and never asked again",
    cancel=[receipt("00-9999-01")],
    read=[order("handling", sellerOrderId="00-1172-01")],
)
def _(play: Played) -> None:
    outcome = play.cancel()
    assert isinstance(outcome, Unknown)
    assert "another order" in outcome.reason
    assert play.kinds.count("cancel") == 1
    assert play.kinds.count("read") > 1


@ROWS.add(
    "a receipt about a third order, and then the order is cancelled",
    cancel=[receipt("00-9999-01")],
    read=[order("handling", sellerOrderId="00-1172-01"), order("canceled")],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Cancelled)


@ROWS.add(
    "a receipt with another id is not believed unseen", cancel=[receipt("00-1172-01")], read=[reply(403)]
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Unknown)
    assert play.kinds.count("cancel") == 1


# 200 without a receipt: the seller is evaluating the request.


for _name, _body in {"an empty body": b"", "white space": b" \r\n", "a mark": b"\xef\xbb\xbf"}.items():

    @ROWS.add(f"200 with {_name} is received", cancel=[reply(200, _body)], read=[order("handling")])
    def _(play: Played) -> None:
        outcome = play.cancel()
        assert isinstance(outcome, Requested)
        assert outcome.status == "handling"
        assert play.kinds == ["cancel", "read"]

    @ROWS.add(
        f"200 with {_name}, and the order is cancelled", cancel=[reply(200, _body)], read=[order("canceled")]
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Cancelled)

    @ROWS.add(
        f"200 with {_name}, and the order cannot be read", cancel=[reply(200, _body)], read=[reply(403)]
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Requested)
        assert play.kinds == ["cancel", "read"]

    @ROWS.add(f"200 with {_name}, and no read is answered", cancel=[reply(200, _body)], read=[reply(500)])
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Requested)
        assert play.kinds.count("cancel") == 1


# Invoices.


@ROWS.add(
    "an invoiced order with a return invoice may still be cancelled",
    cancel=[receipt()],
    read=[order("invoiced", **RETURNED), order("invoiced", **RETURNED), order("canceled", **RETURNED)],
)
def _(play: Played) -> None:
    assert isinstance(play.wait(play.cancel()), Cancelled)


@ROWS.add(
    "an invoiced order without a return invoice is refused",
    cancel=[receipt()],
    read=[order("invoiced", **SOLD)],
)
def _(play: Played) -> None:
    outcome = play.wait(play.cancel())
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("1172-01", "invoiced"),)


for _packages in (
    None,
    {"packages": None},
    {"packages": []},
    {"packages": [{}]},
    {"packages": [{"type": None}]},
):

    @ROWS.add(
        f"an invoiced order with {_packages} is refused",
        cancel=[lost()],
        read=[order("invoiced", packageAttachment=_packages)],
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Refused)


@ROWS.add(
    "a lost reply to an invoiced order with a return invoice",
    cancel=[lost(), receipt()],
    read=[order("invoiced", **RETURNED)],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Requested)


@ROWS.add(
    "`invoice` is not final",
    cancel=[receipt()],
    read=[order("invoice"), order("payment-approved"), order("canceled")],
)
def _(play: Played) -> None:
    assert isinstance(play.wait(play.cancel()), Cancelled)


@ROWS.add(
    "`invoice` that is stuck in error stays requested",
    cancel=[receipt()],
    read=[order("invoice", workflowIsInError=True)],
)
def _(play: Played) -> None:
    outcome = play.wait(play.cancel(), timeout=100.0)
    assert isinstance(outcome, Requested)
    assert basis(outcome).workflow_is_in_error is True


@ROWS.add(
    "`invoice` and then `invoiced` is refused",
    cancel=[receipt()],
    read=[order("invoice"), order("invoiced", **SOLD)],
)
def _(play: Played) -> None:
    assert isinstance(play.wait(play.cancel()), Refused)


@ROWS.add("400 on an order in `invoice` is rejected", cancel=[reply(400)], read=[order("invoice")])
def _(play: Played) -> None:
    assert type(play.raised(play.cancel)) is RejectedError


# Denials, old and new.


@ROWS.add(
    "an old denial does not answer a new request",
    cancel=[receipt()],
    read=[order("payment-approved", cancellationRequests=[OLD])],
)
def _(play: Played) -> None:
    outcome = play.check(play.cancel())
    assert isinstance(outcome, Requested)
    assert outcome.status == "payment-approved"


for _listed in ([OLD, OURS], [OURS, OLD], [OURS]):
    for _state in ("payment-approved", "handling", "ready-for-handling"):

        @ROWS.add(
            f"its own denial, {[one['deniedBySellerReason'] for one in _listed]}, back in {_state}",
            cancel=[receipt()],
            read=[order(_state, cancellationRequests=_listed)],
        )
        def _(play: Played) -> None:
            outcome = play.check(play.cancel())
            assert isinstance(outcome, Refused)
            assert [part.reason for part in outcome.refused] == ["It has left"]


@ROWS.add(
    "a denial on its way is not a denial yet",
    cancel=[receipt()],
    read=[order("cancellation-request-denied-ffm"), order("handling", cancellationRequests=[OURS])],
)
def _(play: Played) -> None:
    outcome = play.wait(play.cancel())
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("1172-01", "handling", "It has left"),)


@ROWS.add(
    "a lost reply, and its own denial",
    cancel=[lost()],
    read=[order("handling", cancellationRequests=[OLD, OURS])],
)
def _(play: Played) -> None:
    outcome = play.cancel()
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("1172-01", "handling", "It has left"),)
    assert play.kinds == ["cancel", "read"]


@ROWS.add(
    "a lost reply, and an old denial",
    cancel=[lost(), receipt()],
    read=[order("handling", cancellationRequests=[OLD])],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Requested)
    assert play.times("cancel")[1] >= 10.0


@ROWS.add(
    "a receipt without a zone, and its own denial",
    cancel=[receipt(date="2026-03-02 09:00:00")],
    read=[order("handling", cancellationRequests=[OURS])],
)
def _(play: Played) -> None:
    assert isinstance(play.check(play.cancel()), Refused)


@ROWS.add(
    "a receipt without a zone, and an old denial",
    cancel=[receipt(date="2026-03-02 09:00:00")],
    read=[order("handling", cancellationRequests=[OLD])],
)
def _(play: Played) -> None:
    assert isinstance(play.check(play.cancel()), Requested)


@ROWS.add(
    "a denial without a zone, of the same hour, decides nothing",
    cancel=[receipt()],
    read=[order("handling", cancellationRequests=[request("2026-03-02 09:05:00", "2026-03-02 09:00:00")])],
)
def _(play: Played) -> None:
    assert isinstance(play.check(play.cancel()), Requested)


@ROWS.add(
    "a denial without a zone, of a day later, is newer wherever it was",
    cancel=[receipt()],
    read=[order("handling", cancellationRequests=[request("2026-03-03 09:05:00", "2026-03-02 09:00:00")])],
)
def _(play: Played) -> None:
    assert isinstance(play.check(play.cancel()), Refused)


@ROWS.add(
    "a denial that names no time decides nothing",
    cancel=[receipt()],
    read=[
        order(
            "handling",
            cancellationRequests=[
                OURS | {"cancellationRequestDenyDate": None, "cancellationRequestDate": None}
            ],
        )
    ],
)
def _(play: Played) -> None:
    assert isinstance(play.check(play.cancel()), Requested)


@ROWS.add(
    "by its id, the latest request was denied", read=[order("handling", cancellationRequests=[OURS, OLD])]
)
def _(play: Played) -> None:
    outcome = play.wait()
    assert isinstance(outcome, Refused)
    assert outcome.refused[0].reason == "It has left"


@ROWS.add(
    "by its id, an older request was denied",
    read=[order("handling", cancellationRequests=[OLD, request(None, "2026-03-02 09:00:00")])],
)
def _(play: Played) -> None:
    assert isinstance(play.wait(timeout=5.0), Unknown)
