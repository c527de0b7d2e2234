"""Crux Connect: what its own documents say, row by row (v1 and Timpanogos)."""

from functools import partial
from itertools import product
from typing import Any

from countermand import (
    Cancelled,
    Crux,
    InvalidRequestError,
    OrderNotFoundError,
    OrderUnreadableError,
    Part,
    PartiallyCancelled,
    PermissionDeniedError,
    Refused,
    RejectedError,
    Requested,
    RetryPolicy,
    Unknown,
)
from tests.support.markets import CRUX, crux_order, names
from tests.support.stage import lost, reply

from .rows import Played, Rows, basis
from .words import NO_ADDRESS, NO_ORDER, WORDS

ROWS = Rows(CRUX)

#: What the tables below are made of.
_status: Any
_body: Any

UUID = str(CRUX.order_id)
OTHER = "621a91e5-058d-4474-aeee-f0c148594a00"
TIMP = Crux(token="crux-tok3n", release="timp")


def timp(*lines: tuple[str, str | None]) -> Any:
    """Return an order of the Timpanogos release: lines by status and designation."""
    items = [
        {"line_item_uuid": f"line-{number}", "status": status, "line_item_designation": designation}
        for number, (status, designation) in enumerate(lines)
    ]
    return reply(200, {"order_uuid": UUID, "line_items": items})


# The login of each release.


for _release, _path in (("v1", "/organizations/user-login/"), ("timp", "/timp/organizations/user-login/")):

    @ROWS.add(
        f"the login of {_release}",
        login=[reply(200, {"auth_token": "sekret-two"})],
        cancel=[reply(204)],
        crux=Crux(username="u", password="p4ssword", release=_release),  # type: ignore[arg-type]
    )
    def _(play: Played, path: str = _path) -> None:
        assert isinstance(play.cancel(), Requested)
        assert (play.sent[0].method, play.sent[0].target) == ("POST", path)
        assert play.sent[0].body == b'{"username": "u", "password": "p4ssword"}'
        assert play.sent[1].headers["authorization"] == "Token sekret-two"


# Lines of the Timpanogos release.


DESIGNATIONS: dict[tuple[str, str | None], str] = {
    ("Allocated", "Cancelled"): "Cancelled",
    ("Allocated", "ID: 5 Name: Cancelled"): "Cancelled",
    ("Allocated", "CANCELLED"): "Cancelled",
    ("ID: 5 Name: Cancelled", None): "Cancelled",
    ("Unallocated", "Cancelled"): "Cancelled",
    ("Partial", "Cancelled"): "Cancelled",
    ("Cancelled", None): "Cancelled",
    ("Cancelled", "HasTracking"): "Cancelled",
    ("Allocated", "HasTracking"): "Refused",
    ("Allocated", "ID: 1 Name: HasTracking"): "Refused",
    ("Allocated", "Rejected"): "Refused",
    ("Allocated", "hastracking"): "Refused",
    ("HasTracking", None): "Refused",
    ("Allocated", None): "Unknown",
    ("Allocated", ""): "Unknown",
    ("Allocated", "NeedsTracking"): "Unknown",
    ("Unallocated", "Backordered"): "Unknown",
    ("Partial", "ID: 2 Name: NeedsTracking"): "Unknown",
}
for (_status, _designation), _answer in DESIGNATIONS.items():

    @ROWS.add(f"a line {_status}, {_designation!r}", read=[timp((_status, _designation))], crux=TIMP)
    def _(play: Played, answer: str = _answer) -> None:
        outcome = play.wait(timeout=2.0)
        assert names(outcome) == answer
        assert basis(outcome).raw["line_items"][0]["line_item_uuid"] == "line-0"


@ROWS.add(
    "a designation that is absent",
    read=[reply(200, {"order_uuid": UUID, "line_items": [{"line_item_uuid": "l", "status": "Cancelled"}]})],
    crux=TIMP,
)
def _(play: Played) -> None:
    assert isinstance(play.wait(), Cancelled)


@ROWS.add(
    "lines that go different ways",
    read=[timp(("Allocated", "ID: 5 Name: Cancelled"), ("Allocated", "HasTracking"))],
    crux=TIMP,
)
def _(play: Played) -> None:
    outcome = play.wait()
    assert isinstance(outcome, PartiallyCancelled)
    assert outcome.cancelled == (Part("line-0", "Cancelled"),)
    assert outcome.refused == (Part("line-1", "HasTracking"),)
    assert outcome.settled


V1 = {
    "Cancelled": "Cancelled",
    "HasTracking": "Refused",
    "Rejected": "Refused",
    **dict.fromkeys(("Unallocated", "Allocated", "NeedsTracking", "Backordered", "Teleported"), "Unknown"),
}
for _status, _answer in V1.items():

    @ROWS.add(f"the status {_status} of v1", read=[crux_order(_status)], over_sockets=False)
    def _(play: Played, answer: str = _answer) -> None:
        assert names(play.wait(timeout=2.0)) == answer


for _release, _order in (
    ("v1", crux_order("Rejected")),
    ("timp", timp(("Unallocated", "ID: 4 Name: Rejected"))),
):

    @ROWS.add(
        f"a rejected line of {_release} was not allocated",
        read=[_order],
        crux=Crux(token="crux-tok3n", release=_release),  # type: ignore[arg-type]
    )
    def _(play: Played) -> None:
        outcome = play.wait()
        assert isinstance(outcome, Refused)
        assert outcome.refused == (
            Part("line-0", "Rejected", "not allocated: its supplier will not ship it"),
        )
        assert str(outcome).endswith("refused: not allocated: its supplier will not ship it")


# 422 does not say why.


BEFORE: dict[tuple[str, ...], tuple[str, list[str | None]]] = {
    ("Cancelled",): ("Cancelled", []),
    ("Cancelled", "Allocated"): ("PartiallyCancelled", ["Not pending."]),
    ("Cancelled", "HasTracking"): ("PartiallyCancelled", ["Not pending."]),
    ("Allocated", "HasTracking"): ("Refused", ["Not pending.", "Not pending."]),
    ("HasTracking",): ("Refused", ["Not pending."]),
    ("Allocated",): ("Refused", ["Not pending."]),
}
for _statuses, (_answer, _reasons) in BEFORE.items():

    @ROWS.add(
        f"422 on an order whose lines are {', '.join(_statuses)}",
        cancel=[reply(422, {"detail": "Not pending."})],
        read=[crux_order(*_statuses)],
    )
    def _(play: Played, answer: str = _answer, reasons: list[str | None] = _reasons) -> None:
        outcome = play.cancel()
        assert names(outcome) == answer
        assert [part.reason for part in getattr(outcome, "refused", ())] == reasons
        assert outcome.answer is not None
        assert play.kinds == ["cancel", "read"]


@ROWS.add(
    "422 on a rejected line", cancel=[reply(422, {"detail": "Not pending."})], read=[crux_order("Rejected")]
)
def _(play: Played) -> None:
    outcome = play.cancel()
    reason = "not allocated: its supplier will not ship it; Not pending."
    assert outcome.refused == (Part("line-0", "Rejected", reason),)


for _name, _read in (
    ("500", reply(500)),
    ("403", reply(403)),
    ("404", reply(404)),
    ("nothing", lost()),
    ("HTML", reply(200, b"<")),
):

    @ROWS.add(
        f"422, and the read is answered with {_name}",
        cancel=[reply(422, {"detail": "Not pending."})],
        read=[_read],
    )
    def _(play: Played) -> None:
        outcome = play.cancel()
        assert isinstance(outcome, Refused)
        (part,) = outcome.refused
        assert (part.id, part.status) == (UUID, "not cancellable")
        assert part.reason is not None
        assert part.reason.startswith("Not pending.; reading it")
        assert play.kinds == ["cancel", "read"]


@ROWS.add(
    "422 after a lost token is settled like any other", cancel=[reply(500)], read=[crux_order("Cancelled")]
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Cancelled)
    assert play.kinds == ["cancel", "read"]


# Received: 200, 201 and 204, with whatever body names no other order.


BODIES: list[Any] = [b"", b" \n", None, "OK", True, 1, [], {}, {"message": "Order cancelled"}, {"status": "ok"}, {"uuid": UUID.upper()},
                     {"order_uuid": UUID.replace("-", "")}, [{"order_uuid": UUID}], b"\xef\xbb\xbf", {"error": None, "errors": []},
                     {"order": {"uuid": UUID}}, {"line_items": [{"uuid": OTHER}]}]  # fmt: skip
for _status, _body in [*product((200, 201), BODIES), (204, b"")]:

    @ROWS.add(f"{_status} with {_body!r}", cancel=[reply(_status, _body)])
    def _(play: Played) -> None:
        outcome = play.cancel()
        assert isinstance(outcome, Requested)
        assert play.kinds == ["cancel"]


NOT_OURS: list[Any] = [{"order_uuid": OTHER}, {"uuid": OTHER}, [{"order_uuid": OTHER}], {"order_uuid": None}, {"error": "no"}, {"detail": "no"},
                       {"errors": ["no"]}, {"order": {"uuid": OTHER}}, {"data": [{"order_uuid": OTHER}]}, {"order": OTHER}, OTHER,
                       b"<html>Log in</html>", b"{"]  # fmt: skip
for _status, _body in product((200, 201), NOT_OURS):

    @ROWS.add(
        f"{_status} with {_body!r} is settled by reading",
        cancel=[reply(_status, _body)],
        read=[crux_order("Allocated"), crux_order("Cancelled")],
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(), Cancelled)
        assert play.kinds == ["cancel", "read", "read"]


@ROWS.add("an undocumented 2xx is settled by reading", cancel=[reply(202)], read=[crux_order("Allocated")])
def _(play: Played) -> None:
    assert isinstance(play.cancel(), Unknown)
    assert play.kinds.count("cancel") == 1


# The order's UUID.


for _bad in (
    "521a91e5",
    "order-1",
    UUID + "0",
    UUID.replace("5", "g", 1),
    UUID.replace("-", "_"),
    "{" + UUID + "}",
):

    @ROWS.add(f"{_bad} is no UUID")
    def _(play: Played, bad: str = _bad) -> None:
        for method in ("cancel_order", "get_order", "wait_until_settled"):
            error = play.raised(partial(play.door.do, "crux", method, bad))
            assert isinstance(error, InvalidRequestError)
        assert play.sent == []


for _good in (UUID, UUID.upper(), UUID.replace("-", ""), UUID.replace("-", "").upper()):

    @ROWS.add(f"{_good} is a UUID", cancel=[reply(204)], read=[crux_order("Cancelled")])
    def _(play: Played, good: str = _good) -> None:
        outcome = play.door.do("crux", "cancel_order", good)
        assert isinstance(play.wait(outcome), Cancelled)
        assert good.encode() in play.sent[0].body


# 404 on the cancellation is a wrong address; on a read it may be the order.


for _body in [*NO_ORDER, *NO_ADDRESS]:

    @ROWS.add(f"404 with {_body} on a cancellation", cancel=[reply(404, _body)])
    def _(play: Played) -> None:
        error = play.raised(play.cancel)
        assert type(error) is RejectedError
        assert "/orders/cancel/" in str(error)
        assert "no such order" not in str(error)
        assert play.kinds == ["cancel"]


for _body in NO_ORDER:

    @ROWS.add(f"404 with {_body} on a read", read=[reply(404, _body)])
    def _(play: Played) -> None:
        assert type(play.raised(play.read)) is OrderNotFoundError


for _body in NO_ADDRESS:

    @ROWS.add(f"404 with {_body} on a read", read=[reply(404, _body)])
    def _(play: Played) -> None:
        error = play.raised(play.read)
        assert type(error) is RejectedError
        assert f"/orders/{UUID}/" in str(error)


# Errors in their own words, and the documented codes.


for _name, (_body, _detail, _code) in WORDS.items():

    @ROWS.add(f"409 with {_name}", cancel=[reply(409, _body)])
    def _(play: Played, detail: str = _detail, code: str | None = _code) -> None:
        error = play.raised(play.cancel)
        assert type(error) is PermissionDeniedError
        assert (error.detail, error.code) == (detail, code)
        assert detail in str(error)


# Reads.


for _status in (201, 202, 206, 299):

    @ROWS.add(
        f"a read answered with {_status} and a whole order",
        cancel=[lost()],
        read=[crux_order("Cancelled")._replace(status=_status)],
    )
    def _(play: Played) -> None:
        assert isinstance(play.cancel(timeout=20.0), Unknown)


@ROWS.add(
    "a decoding error of v1 names the wire's field",
    read=[reply(200, {"line_items": []})],
    retry=RetryPolicy.never(),
)
def _(play: Played) -> None:
    error = play.raised(play.read)
    assert isinstance(error, OrderUnreadableError)
    assert "`uuid`" in str(error)


@ROWS.add(
    "a decoding error of Timpanogos names the wire's field",
    read=[reply(200, {"order_uuid": UUID, "line_items": [{"status": "Allocated"}]})],
    retry=RetryPolicy.never(),
    crux=TIMP,
)
def _(play: Played) -> None:
    assert "`line_item_uuid` - at `$.line_items[0]`" in str(play.raised(play.read))


@ROWS.add(
    "a byte order mark is ignored",
    cancel=[reply(200, b"\xef\xbb\xbf{}")],
    read=[reply(200, b"\xef\xbb\xbf" + crux_order("Cancelled").body)],
)
def _(play: Played) -> None:
    outcome = play.wait(play.cancel())
    assert isinstance(outcome, Cancelled)
    assert basis(outcome).raw["uuid"] == UUID
