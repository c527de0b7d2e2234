"""VTEX OMS: what its own documents say, row by row (order flow and status; announcements; known issues)."""

from typing import Any

from countermand import (
    Cancelled,
    InvalidRequestError,
    OrderNotFoundError,
    OrderUnreadableError,
    Part,
    PermissionDeniedError,
    RateLimitedError,
    Refused,
    RejectedError,
    Requested,
    RetryPolicy,
    Unknown,
)
from tests.support.markets import VTEX, names, vtex_order
from tests.support.stage import After, lost, reply

from .rows import Played, Rows
from .words import NO_ADDRESS, NO_ORDER, WORDS

ROWS = Rows(VTEX)

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
    assert (outcome.status, outcome.answer.order_id) == ("handling", "00-1172-01")
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


for _name, _body in {"an empty body": b"", "white space": b" \r\n"}.items():

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
    assert outcome.answer.workflow_is_in_error is True


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


# A lost reply, and a status that speaks of a cancellation.


PENDING = (
    "cancel canceling request-cancel cancellation-requested cancellation-requested-with-ack accepting-cancel "
    "waiting-for-seller-decision cancellation-request-denied-ffm"
).split()
for _status in PENDING:

    @ROWS.add(f"a lost reply, then `{_status}`", cancel=[lost()], read=[order(_status)])
    def _(play: Played, status: str = _status) -> None:
        outcome = play.cancel()
        assert isinstance(outcome, Requested)
        assert outcome.status == status
        assert play.kinds == ["cancel", "read"]


for _status in ("cancellation-in-review", "CANCEL-PENDING", "pre-canceled"):

    @ROWS.add(f"a lost reply, then the unknown `{_status}`", cancel=[lost()], read=[order(_status)])
    def _(play: Played) -> None:
        assert isinstance(play.cancel(timeout=60.0), Unknown)
        assert play.kinds.count("cancel") == 1
        assert play.kinds.count("read") > 3


@ROWS.add(
    "an unknown cancellation status is no permission to ask again later either",
    cancel=[lost()],
    read=[order("cancellation-in-review"), order("handling")],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=60.0), Unknown)
    assert play.kinds.count("cancel") == 1


# A second POST, not before ten seconds.


@ROWS.add("a lost reply, then `handling`", cancel=[lost(), receipt()], read=[order("handling")])
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=30.0), Requested)
    first, second = play.times("cancel")
    assert second - first >= 10.0
    assert play.times("read")[-1] == second  # what has just been read is what allows it


@ROWS.add(
    "a reply that took its time, then `handling`",
    cancel=[After(4.0, lost()), receipt()],
    read=[order("handling")],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=30.0), Requested)
    assert play.times("cancel")[1] >= 14.0  # it may have arrived as late as that


@ROWS.add("a lost reply, and less than ten seconds left", cancel=[lost()], read=[order("handling")])
def _(play: Played) -> None:
    outcome = play.cancel(timeout=9.0)
    assert isinstance(outcome, Unknown)
    assert outcome.answer.status == "handling"
    assert play.kinds.count("cancel") == 1
    assert play.kinds.count("read") > 1
    assert play.times("read")[-1] >= 7.0


@ROWS.add(
    "a lost reply, and the request shows after nine seconds",
    cancel=[lost()],
    read=[order("handling")] * 4 + [order("request-cancel")],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=30.0), Requested)
    assert play.kinds.count("cancel") == 1


@ROWS.add("503, then `handling`", cancel=[reply(503), receipt()], read=[order("handling")])
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=30.0), Requested)
    assert play.times("cancel")[1] >= 10.0


@ROWS.add("a lost reply, and then the order is hidden", cancel=[lost()], read=[reply(403)])
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=60.0), Unknown)
    assert play.kinds.count("cancel") == 1


# Errors in their own words.


for _name, (_body, _detail, _code) in WORDS.items():
    for _status in (400, 409):

        @ROWS.add(f"{_status} with {_name}", cancel=[reply(_status, _body)], read=[order("handling")])
        def _(play: Played, detail: str = _detail, code: str | None = _code) -> None:
            error = play.raised(play.cancel)
            assert type(error) is RejectedError
            assert (error.detail, error.code) == (detail, code)
            assert detail in str(error)
            assert code is None or f"code {code}" in str(error)
            assert play.kinds == ["cancel", "read"]

    @ROWS.add(f"403 with {_name}", cancel=[reply(403, _body)])
    def _(play: Played, detail: str = _detail, code: str | None = _code) -> None:
        error = play.raised(play.cancel)
        assert type(error) is PermissionDeniedError
        assert (error.detail, error.code) == (detail, code)
        assert detail in str(error)


for _name, _read, _told in (
    ("500", reply(500), "reading it was answered with 500"),
    ("403", reply(403), "reading it was answered with 403"),
    ("nothing", lost("the connection broke"), "reading it"),
    ("HTML", reply(200, b"<html>"), "not as documented"),
):

    @ROWS.add(
        f"409, and the read is answered with {_name}",
        cancel=[reply(409, {"error": {"code": "1", "message": "Too late"}})],
        read=[_read],
    )
    def _(play: Played, told: str = _told) -> None:
        error = play.raised(play.cancel)
        assert type(error) is RejectedError
        assert error.detail == "Too late"
        assert told in str(error)


@ROWS.add(
    "409 on an invoiced order is refused in VTEX's words",
    cancel=[reply(409, {"error": {"code": "1", "message": "Too late"}})],
    read=[order("invoiced")],
)
def _(play: Played) -> None:
    outcome = play.cancel()
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("1172-01", "invoiced", "Too late"),)


# 429 without a time.


@ROWS.add("429 without Retry-After pauses for tens of seconds", cancel=[reply(429), reply(429), receipt()])
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=120.0), Requested)
    assert play.times("cancel") == [0.0, 30.0, 60.0]


@ROWS.add("429 without Retry-After and without the time for it", cancel=[reply(429)])
def _(play: Played) -> None:
    error = play.raised(lambda: play.cancel(timeout=30.0))
    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, error.retry_after_from) == (30.0, "policy")
    assert play.times("cancel") == [0.0]


@ROWS.add("429 with Retry-After", cancel=[reply(429, retry_after="99")])
def _(play: Played) -> None:
    error = play.raised(play.cancel)
    assert (error.retry_after, error.retry_after_from) == (99.0, "marketplace")


@ROWS.add(
    "429 and a pause of one's own", cancel=[reply(429), receipt()], retry=RetryPolicy(rate_limit_pause=12.0)
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=60.0), Requested)
    assert play.times("cancel") == [0.0, 12.0]


@ROWS.add("429 without Retry-After at a read", read=[reply(429), order("handling")])
def _(play: Played) -> None:
    assert play.read(timeout=60.0).status == "handling"
    assert play.times("read") == [0.0, 30.0]


# The requests, as VTEX's own description has them.


@ROWS.add("every request says application/json", cancel=[receipt(), receipt()], read=[order("handling")])
def _(play: Played) -> None:
    play.cancel()
    play.read()
    play.wait(timeout=1.0)
    play.cancel(reason="changed my mind", requested_by_user=True)
    assert {each.headers.get("content-type") for each in play.sent} == {"application/json"}
    assert [each.method for each in play.sent if each.kind == "cancel"] == ["POST", "POST"]
    assert play.sent[0].body == b""
    assert play.sent[0].target == "/api/oms/pvt/orders/1172-01/cancel"
    assert {each.target for each in play.sent if each.kind == "read"} == {"/api/oms/pvt/orders/1172-01"}
    assert play.sent[-1].body == b'{"reason": "changed my mind", "requestedByUser": true}'


# Sequence numbers.


@ROWS.add("a sequence number reads the order", read=[order("handling", sequence="501456")])
def _(play: Played) -> None:
    found = play.read("seq501456")
    assert (found.order_id, found.sequence) == ("1172-01", "501456")
    assert play.sent[0].target == "/api/oms/pvt/orders/seq501456"


@ROWS.add(
    "a sequence number of another order",
    read=[order("handling", sequence="501457")],
    retry=RetryPolicy.never(),
)
def _(play: Played) -> None:
    assert isinstance(play.raised(lambda: play.read("seq501456")), OrderUnreadableError)


@ROWS.add("a wait by sequence number names the order", read=[order("canceled", sequence="501456")])
def _(play: Played) -> None:
    outcome = play.wait("seq501456")
    assert isinstance(outcome, Cancelled)
    assert outcome.order_id == "1172-01"  # which a cancellation takes


@ROWS.add("a sequence number is not cancelled")
def _(play: Played) -> None:
    error = play.raised(lambda: play.door.do("vtex", "cancel_order", "seq501456"))
    assert isinstance(error, InvalidRequestError)
    assert play.sent == []


# Where an address is wrong.


for _body in NO_ORDER:

    @ROWS.add(f"404 with {_body}", cancel=[reply(404, _body)], read=[reply(404, _body)])
    def _(play: Played) -> None:
        for call in (play.cancel, play.read, play.wait):
            error = play.raised(call)
            assert type(error) is OrderNotFoundError
            assert error.detail == "Order not found"


for _body in NO_ADDRESS:

    @ROWS.add(f"404 with {_body}", cancel=[reply(404, _body)], read=[reply(404, _body)])
    def _(play: Played) -> None:
        for call in (play.cancel, play.read, play.wait):
            error = play.raised(call)
            assert type(error) is RejectedError
            assert "/api/oms/pvt/orders/1172-01" in str(error)
            assert "no such order" not in str(error)


# Reads that are not believed, and bodies that are.


for _status in (201, 202, 203, 206, 207, 299):

    @ROWS.add(
        f"a read answered with {_status} and a whole order",
        cancel=[lost()],
        read=[order("canceled")._replace(status=_status)],
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Unknown)
        assert isinstance(play.wait(timeout=5.0), Unknown)


@ROWS.add(
    "a decoding error names the wire's field",
    read=[reply(200, {"status": "handling"})],
    retry=RetryPolicy.never(),
)
def _(play: Played) -> None:
    error = play.raised(play.read)
    assert isinstance(error, OrderUnreadableError)
    assert "$.orderId" in str(error)
    assert "order_id" not in str(error)


@ROWS.add(
    "a decoding error within a list names the wire's field",
    read=[reply(200, {"orderId": "1172-01", "cancellationRequests": [{"deniedBySeller": "no"}]})],
    retry=RetryPolicy.never(),
)
def _(play: Played) -> None:
    error = play.raised(play.read)
    assert "$.cancellationRequests[0].deniedBySeller" in str(error)


for _name, _more in {
    "packages": {"packageAttachment": {"packages": {}}},
    "cancellationRequests": {"cancellationRequests": {}},
}.items():

    @ROWS.add(
        f"{_name} of another type makes no order",
        read=[order("invoiced", **_more)],
        retry=RetryPolicy.never(),
    )
    def _(play: Played, name: str = _name) -> None:
        error = play.raised(play.read)
        assert isinstance(error, OrderUnreadableError)
        assert f".{name}" in str(error)


@ROWS.add(
    "a byte order mark is ignored",
    cancel=[receipt()._replace(body=b"\xef\xbb\xbf" + receipt().body)],
    read=[order("canceled")._replace(body=b"\xef\xbb\xbf" + order("canceled").body)],
)
def _(play: Played) -> None:
    outcome = play.cancel()
    assert isinstance(outcome, Requested)
    assert outcome.answer.raw["orderId"] == "1172-01"
    assert play.read().raw["status"] == "canceled"


# Every documented status: on a wait by id, after a receipt, and after a lost reply.


OPEN = """order-created on-order-completed on-order-completed-ffm payment-pending payment-approved payment-denied
    approve-payment window-to-cancel window-to-change-payment window-to-change-seller waiting-for-authorization
    waiting-for-fulfillment waiting-ffmt-authorization waiting-for-manual-authorization waiting-for-mkt-authorization
    waiting-for-order-authorization authorize-fulfillment waiting-seller-handling ready-for-handling start-handling
    handling ready-for-invoicing order-accepted replaced invoice on-the-moon""".split()
STATUSES: dict[str, tuple[str, str]] = {
    "canceled": ("Cancelled", "Cancelled"),
    "invoiced": ("Refused", "Refused"),
    **dict.fromkeys(PENDING, ("Requested", "Requested")),
    **dict.fromkeys(OPEN, ("Unknown", "Requested")),
}
for _status, (_by_id, _after_receipt) in STATUSES.items():

    @ROWS.add(f"the status `{_status}`", cancel=[receipt()], read=[order(_status)], over_sockets=False)
    def _(play: Played, by_id: str = _by_id, after_receipt: str = _after_receipt) -> None:
        assert names(play.wait(timeout=2.0)) == by_id
        assert names(play.check(play.cancel())) == after_receipt


for _status in OPEN:

    @ROWS.add(
        f"a lost reply, then the open `{_status}`",
        cancel=[lost(), receipt()],
        read=[order(_status)],
        over_sockets=False,
    )
    def _(play: Played) -> None:
        outcome = play.cancel(timeout=30.0)
        # `window-to-cancel` speaks of a cancellation, and is a documented open status.
        assert isinstance(outcome, Requested)
        assert play.times("cancel")[1] >= 10.0
