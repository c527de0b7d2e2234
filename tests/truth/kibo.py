"""Kibo OMS, translated API: what its own documents say, row by row."""

from functools import partial
from typing import Any

from countermand import (
    Cancelled,
    InvalidRequestError,
    Kibo,
    OrderUnreadableError,
    PermissionDeniedError,
    RateLimitedError,
    Refused,
    RejectedError,
    Requested,
    RetryPolicy,
    Unknown,
)
from tests.support.markets import KIBO, kibo_order
from tests.support.stage import lost, reply

from .rows import Played, Rows, basis
from .words import WORDS

ROWS = Rows(KIBO)

#: What the tables below are made of.
_status: Any
_body: Any

MISSING = reply(400, {"errorCode": "5011", "message": "missing request data"})
LOGIN = Kibo(tenant_id=12345, client_id="client", client_secret="sekret-one")


def spellings(play: Played) -> list[str]:
    """Return how each cancellation named the order."""
    said = [each.body for each in play.sent if each.kind == "cancel"]
    return ["orderID" if b'"orderID": 1010101' in body else "orderId" for body in said if b"1010101" in body]


# orderId, or orderID.


@ROWS.add("a tenant that wants orderID", cancel=[MISSING, KIBO.cancelled, KIBO.cancelled])
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Cancelled)
    assert isinstance(play.cancel(), Cancelled)
    assert spellings(play) == ["orderId", "orderID", "orderID"]
    assert set(play.kinds) == {"cancel"}


@ROWS.add("a tenant that wants orderId", cancel=[KIBO.cancelled, KIBO.cancelled])
def _(play: Played) -> None:
    play.cancel()
    play.cancel()
    assert spellings(play) == ["orderId", "orderId"]


@ROWS.add(
    "a tenant that changes its mind",
    cancel=[MISSING, KIBO.cancelled, MISSING, KIBO.cancelled, KIBO.cancelled],
)
def _(play: Played) -> None:
    for _ in range(3):
        assert isinstance(play.cancel(), Cancelled)
    assert spellings(play) == ["orderId", "orderID", "orderID", "orderId", "orderId"]


@ROWS.add(
    "a 400 to both spellings is the first one's error",
    cancel=[MISSING, reply(400, {"message": "what is orderID?"})],
    read=[KIBO.still_open],
)
def _(play: Played) -> None:
    error = play.raised(play.cancel)
    assert type(error) is RejectedError
    assert (error.detail, error.code) == ("missing request data", "5011")
    assert spellings(play) == ["orderId", "orderID"]
    assert len(error.attempts) == 3


@ROWS.add(
    "a spelling that got no 2xx is not remembered",
    cancel=[MISSING, MISSING, KIBO.cancelled],
    read=[KIBO.still_open],
)
def _(play: Played) -> None:
    play.raised(play.cancel)
    play.cancel()
    assert spellings(play) == ["orderId", "orderID", "orderId"]


@ROWS.add(
    "a 2xx that makes no sense took the spelling, too",
    cancel=[MISSING, reply(200, b"<"), KIBO.cancelled],
    read=[KIBO.cancelled],
)
def _(play: Played) -> None:
    play.cancel()
    play.cancel()
    assert spellings(play) == ["orderId", "orderID", "orderID"]


for _name, _body in {"HTML": b"<html>", "an empty body": b"", "a list": b"[]", "half a body": b"{"}.items():

    @ROWS.add(
        f"a 400 with {_name} asks for no other spelling", cancel=[reply(400, _body)], read=[KIBO.still_open]
    )
    def _(play: Played) -> None:
        assert type(play.raised(play.cancel)) is RejectedError
        assert spellings(play) == ["orderId"]


@ROWS.add(
    "a 400 after an unclear attempt asks for no other spelling",
    cancel=[lost(), MISSING],
    read=[KIBO.still_open, KIBO.cancelled],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Cancelled)
    assert spellings(play) == ["orderId", "orderId"]


@ROWS.add(
    "the other spelling is lost, and the order is cancelled", cancel=[MISSING, lost()], read=[KIBO.cancelled]
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Cancelled)
    assert spellings(play) == ["orderId", "orderID"]


@ROWS.add("a 409 asks for no other spelling", cancel=[reply(409, {"message": "no"})], read=[KIBO.still_open])
def _(play: Played) -> None:
    assert type(play.raised(play.cancel)) is RejectedError
    assert spellings(play) == ["orderId"]


@ROWS.add(
    "the spelling is asked for again after a 429",
    cancel=[MISSING, reply(429, retry_after="3"), KIBO.cancelled],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Cancelled)
    assert spellings(play) == ["orderId", "orderID", "orderID"]


# State and status.


TOLD: dict[str, tuple[dict[str, Any], type[object]]] = {
    "the status alone says so": ({"orderState": "OPEN", "orderStatus": "CANCELED"}, Cancelled),
    "the state alone says so": ({"orderState": "CANCELED", "orderStatus": "OPEN"}, Cancelled),
    "no state": ({"orderStatus": "CANCELED"}, Cancelled),
    "a null state": ({"orderState": None, "orderStatus": "CANCELED"}, Cancelled),
    "a null status": ({"orderState": "CANCELED", "orderStatus": None}, Cancelled),
    "Order Canceled": ({"orderStatus": "Order Canceled"}, Cancelled),
    "cancelled": ({"orderStatus": "cancelled"}, Cancelled),
    "shipped": ({"orderStatus": "shipped"}, Refused),
    "SHIPPED": ({"orderState": "SHIPPED", "orderStatus": "OPEN"}, Refused),
    "open": ({"orderStatus": "READY"}, Unknown),
}
for _name, (_said, _kind) in TOLD.items():

    @ROWS.add(f"a read, {_name}", read=[reply(200, {"orderID": 1010101, **_said})])
    def _(play: Played, kind: type[object] = _kind) -> None:
        assert type(play.wait(timeout=2.0)) is kind

    if _kind is Cancelled:

        @ROWS.add(f"an answer, {_name}", cancel=[reply(200, {"orderID": 1010101, **_said})])
        def _(play: Played) -> None:
            assert isinstance(play.cancel(), Cancelled)


# Ids.


for _key in ("orderID", "orderId"):

    @ROWS.add(
        f"{_key} as text in an answer", cancel=[reply(200, {_key: "1010101", "orderStatus": "CANCELED"})]
    )
    def _(play: Played, key: str = _key) -> None:
        outcome = play.cancel()
        assert isinstance(outcome, Cancelled)
        assert basis(outcome).order_id == 1010101
        assert basis(outcome).raw[key] == "1010101"

    @ROWS.add(
        f"{_key} beside a null one",
        cancel=[reply(200, {"orderID": None, "orderId": None, _key: 1010101, "orderStatus": "CANCELED"})],
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Cancelled)


@ROWS.add(
    "canonical text is an id, and the wire carries the integer",
    cancel=[KIBO.cancelled],
    read=[KIBO.cancelled],
)
def _(play: Played) -> None:
    outcome = play.door.do("kibo", "cancel_order", "1010101", "other")
    assert spellings(play) == ["orderId"]
    again = play.door.do("kibo", "get_order", outcome.order_id)
    assert again.order_id == 1010101
    assert isinstance(play.wait(outcome.order_id), Cancelled)


for _bad in ("007", "0", "-1", "1e3", "1.0", " 1", "", "9" * 20):

    @ROWS.add(f"{_bad!r} is no id")
    def _(play: Played, bad: str = _bad) -> None:
        for call in (("cancel_order", bad, "other"), ("get_order", bad), ("wait_until_settled", bad)):
            assert isinstance(play.raised(partial(play.door.do, "kibo", *call)), InvalidRequestError)
        assert play.sent == []


# Reasons.


for _reason in ("other", "OTHER", "Other"):

    @ROWS.add(f"{_reason} with an explanation", cancel=[KIBO.cancelled])
    def _(play: Played, reason: str = _reason) -> None:
        play.door.do("kibo", "cancel_order", 1010101, reason, "because")
        assert (
            f'"dispositionReason": "{reason}", "dispositionOtherReason": "because"'
            in play.sent[0].body.decode()
        )


# Tokens.


for _name, _said in {"no lifetime": {}, "a null lifetime": {"expires_in": None}}.items():

    @ROWS.add(
        f"a login with {_name}",
        login=[reply(200, {"access_token": "sekret-two", **_said})],
        cancel=[KIBO.cancelled],
        kibo=LOGIN,
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Cancelled)
        assert play.sent[1].headers["authorization"] == "Bearer sekret-two"
        assert play.sent[1].headers["x-vol-tenant"] == "12345"


for _status in (401, 403):

    @ROWS.add(
        f"{_status} on an expired token",
        login=[
            reply(200, {"access_token": f"sekret-{each}", "expires_in": 3600}) for each in ("two", "three")
        ],
        cancel=[reply(_status, {"message": "expired"}), KIBO.cancelled],
        kibo=LOGIN,
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Cancelled)
        assert play.kinds == ["login", "cancel", "login", "cancel"]
        assert play.sent[3].headers["authorization"] == "Bearer sekret-three"


@ROWS.add(
    "403 on a new token, too",
    login=[reply(200, {"access_token": f"sekret-{each}", "expires_in": 3600}) for each in ("two", "three")],
    cancel=[reply(403, {"message": "no"})] * 2,
    kibo=LOGIN,
)
def _(play: Played) -> None:
    error = play.raised(play.cancel)
    assert type(error) is PermissionDeniedError
    assert error.detail == "no"


@ROWS.add("403 without a login", cancel=[reply(403, {"message": "no"})])
def _(play: Played) -> None:
    assert type(play.raised(play.cancel)) is PermissionDeniedError


# 429.


@ROWS.add(
    "429 with an empty body and Retry-After", cancel=[reply(429, retry_after="60", x_vol_correlation="c-1")]
)
def _(play: Played) -> None:
    error = play.raised(play.cancel)
    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, error.retry_after_from, error.request_id) == (60.0, "marketplace", "c-1")


@ROWS.add("429 without Retry-After pauses for as long", cancel=[reply(429), KIBO.cancelled])
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=120.0), Cancelled)
    assert play.times("cancel") == [0.0, 60.0]


# Errors in their own words; where an address is wrong.


for _name, (_body, _detail, _code) in WORDS.items():

    @ROWS.add(f"409 with {_name}", cancel=[reply(409, _body)], read=[KIBO.still_open])
    def _(play: Played, detail: str = _detail, code: str | None = _code) -> None:
        error = play.raised(play.cancel)
        assert type(error) is RejectedError
        assert (error.detail, error.code) == (detail, code)
        assert detail in str(error)

    @ROWS.add(f"409 with {_name} on a shipped order", cancel=[reply(409, _body)], read=[KIBO.blocked])
    def _(play: Played, detail: str = _detail) -> None:
        outcome = play.cancel()
        assert isinstance(outcome, Refused)
        assert outcome.refused[0].reason == detail


ROWS.add_404s("/api/v2/order/")


# Reads.


for _status in (201, 202, 206, 299):

    @ROWS.add(
        f"a read answered with {_status} and a whole order",
        cancel=[lost()],
        read=[kibo_order("CANCELED")._replace(status=_status)],
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Unknown)


for _said, _place in (
    ({}, "$.orderID"),
    ({"orderId": "x", "orderStatus": "OPEN"}, "$.orderId"),
    ({"orderID": 1010101, "orderStatus": 5}, "$.orderStatus"),
):

    @ROWS.add(f"a decoding error names {_place}", read=[reply(200, _said)], retry=RetryPolicy.never())
    def _(play: Played, place: str = _place) -> None:
        error = play.raised(play.read)
        assert isinstance(error, OrderUnreadableError)
        assert place in str(error)


@ROWS.add(
    "a byte order mark is ignored",
    cancel=[reply(200, b"\xef\xbb\xbf" + kibo_order("PENDING").body)],
    read=[reply(200, b"\xef\xbb\xbf" + kibo_order("CANCELED").body)],
)
def _(play: Played) -> None:
    outcome = play.cancel()
    assert isinstance(outcome, Requested)
    assert basis(outcome).raw["orderID"] == 1010101
    assert isinstance(play.wait(outcome), Cancelled)
