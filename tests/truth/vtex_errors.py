"""VTEX OMS: errors in its own words, its rate limit, its requests, and reads that are not believed."""

from typing import Any

from countermand import (
    Cancelled,
    InvalidRequestError,
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
from tests.support.markets import VTEX
from tests.support.stage import lost, reply

from .rows import Played, Rows, basis
from .vtex import order, receipt
from .words import WORDS

ROWS = Rows(VTEX)

#: What the tables below are made of.
_status: Any
_body: Any
_more: Any


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


@ROWS.add(
    "409 after a lost reply leaves its words",
    cancel=[lost(), *[reply(409, {"error": {"code": "1", "message": "Too late"}})] * 3],
    read=[order("handling")],
)
def _(play: Played) -> None:
    outcome = play.cancel(timeout=40.0)
    assert isinstance(outcome, Unknown)
    assert "answered 409, which is not documented: Too late" in outcome.reason


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


ROWS.add_404s("/api/oms/pvt/orders/1172-01")


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
    "an order without a status is none: null is what VTEX documents",
    read=[reply(200, {"orderId": "1172-01"})],
    retry=RetryPolicy.never(),
)
def _(play: Played) -> None:
    assert "$.status" in str(play.raised(play.read))


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
    "packageAttachment": {"packageAttachment": []},
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
    assert basis(outcome).raw["orderId"] == "1172-01"
    assert play.read().raw["status"] == "canceled"
