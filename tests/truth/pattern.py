"""Pattern Hub: what its own documents say, row by row."""

from typing import Any

from countermand import (
    Cancelled,
    InvalidRequestError,
    OrderUnreadableError,
    PartiallyCancelled,
    PermissionDeniedError,
    Refused,
    RejectedError,
    Requested,
    RetryPolicy,
    Unknown,
)
from tests.support.markets import PATTERN, pattern_answer, pattern_order
from tests.support.stage import lost, reply

from .rows import Played, Rows, basis
from .words import WORDS

ROWS = Rows(PATTERN)

#: What the tables below are made of.
_status: Any
_body: Any
_orders: Any

BEGUN = pattern_answer({1: "cancelled"}, {})
KEPT = pattern_answer({}, {2: ("picked", "Already picked")})
BOTH = pattern_answer({1: "cancelled"}, {2: ("picked", "Already picked")})


def without(body: dict[str, Any], name: str, *, null: bool) -> dict[str, Any]:
    """Return a body in which one field is null, or missing."""
    rest = {key: value for key, value in body.items() if key != name}
    return {**rest, name: None} if null else rest


# What is missing or null reads as empty, where the rest makes sense.


for _null in (True, False):
    _how = "null" if _null else "missing"
    for _name in ("message", "non_cancellable_orders"):

        @ROWS.add(f"200 and {_name} is {_how}", cancel=[reply(200, without(BEGUN, _name, null=_null))])
        def _(play: Played) -> None:
            outcome = play.cancel()
            assert isinstance(outcome, Requested)
            assert [each.warehouse_order_id for each in basis(outcome).cancelled_orders] == [1]
            assert play.kinds == ["cancel"]

    for _name in ("message", "cancelled_orders"):

        @ROWS.add(f"409 and {_name} is {_how}", cancel=[reply(409, without(KEPT, _name, null=_null))])
        def _(play: Played) -> None:
            outcome = play.cancel()
            assert isinstance(outcome, Refused)
            assert [part.reason for part in outcome.refused] == ["Already picked"]
            assert play.kinds == ["cancel"]

    @ROWS.add(f"206 and message is {_how}", cancel=[reply(206, without(BOTH, "message", null=_null))])
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), PartiallyCancelled)
        assert play.kinds == ["cancel"]

    for _name, _body in (("cancelled_orders", BEGUN), ("market_order_id", BEGUN)):

        @ROWS.add(
            f"200 and {_name} is {_how}, which leaves nothing",
            cancel=[reply(200, without(_body, _name, null=_null))],
            read=[PATTERN.cancelled],
        )
        def _(play: Played) -> None:
            assert isinstance(play.cancel(), Cancelled)
            assert play.kinds == ["cancel", "read"]


@ROWS.add(
    "409 without any part is refused in the marketplace's own words",
    cancel=[reply(409, pattern_answer({}, {}) | {"message": "No warehouse order can be cancelled"})],
)
def _(play: Played) -> None:
    outcome = play.cancel()
    assert isinstance(outcome, Refused)
    assert "No warehouse order can be cancelled" in str(outcome)


for _orders in ({}, {"sub_orders": None}, {"sub_orders": []}):

    @ROWS.add(
        f"a status with {_orders}",
        read=[reply(200, {"market_order_id": "114-1", "order_status": "cancelled", **_orders})],
    )
    def _(play: Played) -> None:
        outcome = play.wait()
        assert isinstance(outcome, Cancelled)
        assert play.kinds == ["read"]


for _null in (True, False):
    for _name in ("cancelled_orders", "non_cancellable_orders"):

        @ROWS.add(
            f"206 and {_name} is {'null' if _null else 'missing'}, in which something should be",
            cancel=[reply(206, without(BOTH, _name, null=_null))],
            read=[pattern_order("processing", "cancelled", "shipped")],
        )
        def _(play: Played) -> None:
            assert isinstance(play.cancel(), PartiallyCancelled)
            assert play.kinds == ["cancel", "read"]


@ROWS.add(
    "200 without the list of the begun is no refusal",
    cancel=[reply(200, without(KEPT | {"success": True}, "cancelled_orders", null=False))],
    read=[PATTERN.cancelled],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Cancelled)


# Every documented status of a read.


for _status in ("processing", "backordered", "error", "pending", "on the moon"):

    @ROWS.add(f"a sub-order in {_status}", read=[pattern_order("processing", _status)], over_sockets=False)
    def _(play: Played) -> None:
        assert isinstance(play.wait(timeout=2.0), Unknown)


for _status in ("complete", "partially shipped", "processing", "error", "pending"):

    @ROWS.add(f"an order in {_status}, without sub-orders", read=[pattern_order(_status)], over_sockets=False)
    def _(play: Played) -> None:
        assert isinstance(play.wait(timeout=2.0), Unknown)


# Errors in their own words; where an address is wrong.


for _name, (_body, _detail, _code) in WORDS.items():

    @ROWS.add(f"403 with {_name}", cancel=[reply(403, _body)])
    def _(play: Played, detail: str = _detail, code: str | None = _code) -> None:
        error = play.raised(play.cancel)
        assert type(error) is PermissionDeniedError
        assert (error.detail, error.code) == (detail, code)
        assert detail in str(error)

    @ROWS.add(f"422 with {_name}", cancel=[reply(422, _body)])
    def _(play: Played, detail: str = _detail) -> None:
        error = play.raised(play.cancel)
        assert type(error) is InvalidRequestError
        assert error.detail == detail
        assert detail in str(error)

    @ROWS.add(
        f"409 with {_name}, and the order is open", cancel=[reply(409, _body)], read=[PATTERN.still_open]
    )
    def _(play: Played, detail: str = _detail, code: str | None = _code) -> None:
        error = play.raised(play.cancel)
        assert type(error) is RejectedError
        assert (error.detail, error.code) == (detail, code)
        assert detail in str(error)
        assert play.kinds == ["cancel", "read"]

    @ROWS.add(
        f"409 with {_name}, and the order is shipped", cancel=[reply(409, _body)], read=[PATTERN.blocked]
    )
    def _(play: Played, detail: str = _detail) -> None:
        outcome = play.cancel()
        assert isinstance(outcome, Refused)
        assert detail in str(outcome)


for _body in (b"", b"<html>", {}, []):

    @ROWS.add(f"409 with {_body!r} and a read that fails", cancel=[reply(409, _body)], read=[reply(403)])
    def _(play: Played) -> None:
        error = play.raised(play.cancel)
        assert type(error) is RejectedError
        assert "reading it was answered with 403" in str(error)
        assert play.kinds == ["cancel", "read"]


@ROWS.add(
    "409 about another order says nothing of this one",
    cancel=[reply(409, KEPT | {"market_order_id": "114-2"})] * 4,
    read=[PATTERN.still_open],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Unknown)


ROWS.add_404s("/v1/orders/")


# Reads.


for _status in (201, 202, 206, 299):

    @ROWS.add(
        f"a read answered with {_status} and a whole order",
        cancel=[lost()],
        read=[PATTERN.cancelled._replace(status=_status)],
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Unknown)


@ROWS.add(
    "a decoding error names the wire's field",
    read=[reply(200, {"market_order_id": "114-1"})],
    retry=RetryPolicy.never(),
)
def _(play: Played) -> None:
    error = play.raised(play.read)
    assert isinstance(error, OrderUnreadableError)
    assert "order_status" in str(error)


@ROWS.add(
    "a byte order mark is ignored",
    cancel=[reply(200, b"\xef\xbb\xbf" + PATTERN.accepted.body)],
    read=[reply(200, b"\xef\xbb\xbf" + PATTERN.cancelled.body)],
)
def _(play: Played) -> None:
    outcome = play.cancel()
    assert isinstance(outcome, Requested)
    assert basis(outcome).raw["market_order_id"] == "114-1"
    assert isinstance(play.wait(outcome), Cancelled)
