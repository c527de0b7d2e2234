"""Crux Connect, simulated."""

import pytest

from countermand.sandbox.crux import Designations, Release
from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.world import World
from tests.sandbox.calls import CRUX, JSON, crux_cancel, crux_get, crux_login, decode

ORDER = "521a91e5-058d-4474-aeee-f0c148594a00"
RELEASES = ["", "/timp"]


def statuses(world: World) -> list[str]:
    """Return the status of each line item, as it really is."""
    return [part.status for part in world.truth("crux", ORDER).parts]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("status", [200, 204])
def test_a_cancel_is_forwarded_and_confirmed_later(world: World, release: str, status: int) -> None:
    """An empty 200 or 204 means received; the suppliers decide later, in both releases."""
    world.crux.add_order(ORDER, ["a", "b"], decides_after=5.0)
    world.crux.accepts_with = status
    reply = world.handle(crux_cancel(ORDER, release=release))
    assert (reply.status, reply.body) == (status, b"")
    assert statuses(world) == ["Allocated", "Allocated"]
    world.advance(5)
    assert statuses(world) == ["Cancelled", "Cancelled"]
    assert world.truth("crux", ORDER).cancelled == "all"


def test_the_releases_name_identifiers_differently(world: World) -> None:
    """v1 says uuid, Timpanogos order_uuid and line_item_uuid."""
    world.crux.add_order(ORDER, {"a": "Backordered"})
    v1 = decode(world.handle(crux_get(ORDER)))
    timp = decode(world.handle(crux_get(ORDER, release="/timp")))
    assert (v1["uuid"], v1["line_items"][0]["uuid"], v1["line_items"][0]["status"]) == (
        ORDER,
        "a",
        "Backordered",
    )
    assert (timp["order_uuid"], timp["line_items"][0]["line_item_uuid"]) == (ORDER, "a")


def test_each_supplier_decides_for_itself(world: World) -> None:
    """One order can be confirmed, rejected, shipped and left unanswered at once, as the truth foresees."""
    world.crux.add_order(
        ORDER,
        [*"abcd"],
        suppliers={"a": "confirm", "b": "reject", "c": "ship", "d": "silent"},
        decides_after=9.0,
    )
    world.handle(crux_cancel(ORDER))
    truth = world.truth("crux", ORDER)
    assert (truth.cancelled, truth.eventually, truth.landed) == ("none", "some", False)
    world.settle()
    assert statuses(world) == ["Cancelled", "Allocated", "HasTracking", "Allocated"]
    assert world.truth("crux", ORDER).parts == truth.eventual_parts


def test_every_cancel_is_forwarded_again(world: World) -> None:
    """Asking twice asks the suppliers twice, although the item is cancelled once."""
    world.crux.add_order(ORDER, ["a"])
    world.handle(crux_cancel(ORDER))
    world.handle(crux_cancel(ORDER))
    assert world.truth("crux", ORDER).forwarded == 2
    world.settle()
    assert [entry.what for entry in world.ledger].count("cancelled") == 1


@pytest.mark.parametrize("status", ["HasTracking", "Rejected", "Cancelled"])
def test_an_order_without_a_pending_item_is_refused(world: World, status: str) -> None:
    """422 when no line item could still be cancelled."""
    world.crux.add_order(ORDER, {"a": status})
    assert world.handle(crux_cancel(ORDER)).status == 422
    assert not world.truth("crux", ORDER).accepted


def test_an_item_that_shipped_meanwhile_is_not_cancelled(world: World) -> None:
    """A confirmation comes too late for what has a tracking number."""
    world.crux.add_order(ORDER, ["a"], decides_after=5.0)
    world.crux.move(ORDER, "HasTracking", part="a", after=1.0)
    world.handle(crux_cancel(ORDER))
    world.settle()
    assert statuses(world) == ["HasTracking"]


def test_a_login_lasts_two_hours(world: World) -> None:
    """An issued token ends after two hours of world time, or when it is revoked."""
    world.crux.add_order(ORDER)
    token = decode(world.handle(crux_login()))["auth_token"]
    headers = {"Authorization": f"Token {token}"}
    world.advance(7199)
    assert world.handle(crux_get(ORDER, headers)).status == 200
    world.advance(1)
    assert world.handle(crux_get(ORDER, headers)).status == 401
    fresh = decode(world.handle(crux_login()))["auth_token"]
    assert fresh != token
    world.crux.sessions.revoke()
    assert world.handle(crux_get(ORDER, {"Authorization": f"Token {fresh}"})).status == 401


def test_a_wrong_login(world: World) -> None:
    """401 for wrong credentials, 400 for missing ones."""
    assert world.handle(crux_login(password="wrong")).status == 401
    assert world.handle(crux_login(username="")).status == 400


def test_the_door(world: World) -> None:
    """Whatever is turned away leaves the order untouched."""
    world.crux.add_order(ORDER)
    path = "/crux/orders/cancel/"
    headers = {**CRUX, **JSON}
    body = crux_cancel(ORDER).body
    assert world.handle(SandboxRequest.to("PATCH", "/crux/orders/cancel", headers, body)).status == 404
    assert world.handle(SandboxRequest.to("POST", path, headers, body)).status == 405
    assert world.handle(SandboxRequest.to("PATCH", path, CRUX, body)).status == 415
    for unusable in (b"", b"{", b"[]", b"{}", b'{"order_uuid": 1}', b'{"order_uuid": ""}'):
        assert world.handle(SandboxRequest.to("PATCH", path, headers, unusable)).status == 400
    for wrong in ({}, {"Authorization": "Bearer sandbox-crux-token"}, {"Authorization": "Token wrong"}):
        assert world.handle(crux_cancel(ORDER, wrong)).status == 401
        assert world.handle(crux_get(ORDER, wrong)).status == 401
    assert world.handle(crux_cancel("unknown")).status == 422
    assert world.handle(crux_get("unknown")).status == 404
    assert world.truth("crux", ORDER).cancels == 0


def test_who_asks_matters(world: World) -> None:
    """409 for a supplier, 403 without the permission."""
    world.crux.add_order(ORDER)
    world.crux.requester = "supplier"
    assert world.handle(crux_cancel(ORDER)).status == 409
    world.crux.may_cancel = False
    assert world.handle(crux_cancel(ORDER)).status == 403
    world.crux.may_read = False
    assert world.handle(crux_get(ORDER)).status == 403
    assert world.truth("crux", ORDER).cancels == 0


@pytest.mark.parametrize("served, other", [("v1", "/timp"), ("timp", "")])
def test_each_release_has_its_own_paths(world: World, served: Release, other: str) -> None:
    """A release that is not served is a wrong address, its login included."""
    world.crux.add_order(ORDER)
    world.crux.releases = {served}
    own = "/timp" if served == "timp" else ""
    for ask in (crux_cancel(ORDER, release=other), crux_get(ORDER, release=other), crux_login(release=other)):
        reply = world.handle(ask)
        assert (reply.status, reply.header("content-type")) == (404, "text/html; charset=utf-8")
    token = decode(world.handle(crux_login(release=own)))["auth_token"]
    assert world.handle(crux_get(ORDER, {"Authorization": f"Token {token}"}, release=own)).status == 200
    assert world.truth("crux", ORDER).cancels == 0


LINES = {"a": "Allocated", "b": "Cancelled", "c": "HasTracking", "d": "Rejected", "e": "Partial"}


@pytest.mark.parametrize(
    "designations, shown",
    [
        ("plain", ["-", "Cancelled", "HasTracking", "Rejected", "-"]),
        ("null", [None, "Cancelled", "HasTracking", "Rejected", None]),
        ("numbered", ["-", "ID: 5 Name: Cancelled", "ID: 1 Name: HasTracking", "ID: 4 Name: Rejected", "-"]),
    ],
)
def test_timpanogos_parts_allocation_and_designation(
    world: World, designations: Designations, shown: list[str | None]
) -> None:
    """`status` tells the allocation alone, and the designation the rest; v1 goes on mixing both."""
    world.crux.add_order(ORDER, LINES)
    world.crux.designations = designations
    lines = decode(world.handle(crux_get(ORDER, release="/timp")))["line_items"]
    assert [line["status"] for line in lines] == [
        "Allocated",
        "Allocated",
        "Allocated",
        "Unallocated",
        "Partial",
    ]
    assert [line.get("line_item_designation", "-") for line in lines] == shown
    v1 = decode(world.handle(crux_get(ORDER)))["line_items"]
    assert [line["status"] for line in v1] == [*list(LINES.values())[:4], "Allocated"]


@pytest.mark.parametrize("body", [b"null", b'"OK"', b'{"message":"Your request was received."}'])
@pytest.mark.parametrize("status", [200, 201])
def test_a_2xx_may_have_a_body(world: World, status: int, body: bytes) -> None:
    """No body is documented for any 2xx, so anything may be there."""
    world.crux.add_order(ORDER)
    world.crux.accepts_with, world.crux.accepts_body = status, body
    reply = world.handle(crux_cancel(ORDER))
    assert (reply.status, reply.body) == (status, body)
    assert world.truth("crux", ORDER).accepted


def test_a_204_has_no_body(world: World) -> None:
    """204 means that there is none."""
    world.crux.add_order(ORDER)
    world.crux.accepts_with, world.crux.accepts_body = 204, b"null"
    assert world.handle(crux_cancel(ORDER)).body == b""


def test_a_field_error_names_the_field(world: World) -> None:
    """The framework lists what is wrong with each field of the request."""
    world.crux.error_shape = "fields"
    reply = world.handle(crux_cancel(""))
    assert (reply.status, decode(reply)) == (400, {"order_uuid": ["order_uuid is required."]})
    assert list(decode(world.handle(crux_get("unknown")))) == ["detail"]


def test_an_order_that_was_cancelled_in_part_may_be_refused(world: World) -> None:
    """422 does not say why: it may be that a line was cancelled before."""
    world.crux.add_order(ORDER, {"a": "Cancelled", "b": "Allocated"})
    world.crux.refuses_partly_cancelled = True
    assert world.handle(crux_cancel(ORDER)).status == 422
    assert not world.truth("crux", ORDER).accepted
    world.crux.refuses_partly_cancelled = False
    assert world.handle(crux_cancel(ORDER)).status == 200


def test_a_rejected_line_is_not_asked_for_again(world: World) -> None:
    """Rejected is the answer to an allocation: nobody ships the line, and nobody is asked to cancel it."""
    world.crux.add_order(ORDER, {"a": "Rejected", "b": "Allocated"})
    world.handle(crux_cancel(ORDER))
    assert [entry.detail for entry in world.ledger if entry.what == "requested"] == ["b"]
    world.settle()
    assert statuses(world) == ["Rejected", "Cancelled"]


@pytest.mark.parametrize("written", [ORDER.upper(), ORDER.replace("-", ""), ORDER.replace("-", "").upper()])
def test_a_uuid_is_the_same_in_every_form(world: World, written: str) -> None:
    """Hyphens and case do not matter, and the answer and the ledger name the order as it was added."""
    world.crux.add_order(ORDER)
    assert world.handle(crux_cancel(written)).status == 200
    assert decode(world.handle(crux_get(written)))["uuid"] == ORDER
    assert {entry.order_id for entry in world.ledger} == {ORDER}
    other = f"{written[:-1]}f"
    assert world.handle(crux_cancel(other)).status == 422
