"""The world: its paths, its time, its rate limits and its ledger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from countermand.sandbox.http import (
    EMPTY_404,
    FRAMEWORK_404,
    HTML_404,
    SandboxReply,
    SandboxRequest,
)
from countermand.sandbox.orders import READY_ORDERS, seed
from countermand.sandbox.simulator import ErrorShape
from countermand.sandbox.world import EPOCH, World
from tests.sandbox.calls import (
    crux_cancel,
    crux_get,
    crux_login,
    decode,
    kibo_cancel,
    kibo_get,
    pattern_cancel,
    pattern_status,
    vtex_cancel,
    vtex_get,
)
from tests.support.tables import table


@pytest.fixture
def world() -> World:
    """Return a world with one order at each marketplace, which cancel one after the other."""
    world = World()
    world.pattern.add_order("p", {1: "new"}, cancels_after=3.0)
    world.vtex.add_order("v", decides_after=2.0)
    world.crux.add_order("c", ["a"], decides_after=1.0)
    world.kibo.add_order(1, cancels_after=4.0)
    return world


READS = {
    "pattern": pattern_status("unknown"),
    "vtex": vtex_get("unknown"),
    "crux": crux_get("unknown"),
    "kibo": kibo_get(404),
}

CANCELS = [pattern_cancel("p"), vtex_cancel("v"), crux_cancel("c"), kibo_cancel(1)]


@pytest.mark.parametrize(
    "path", ["/", "", "/other/v1", "/pattern", "/pattern/", "/kibo/", "/crux/timp", "//"]
)
def test_other_paths_lead_nowhere(world: World, path: str) -> None:
    """404 for everything beside the four marketplaces."""
    assert world.handle(SandboxRequest.to("GET", path)).status == 404


def test_a_path_that_is_no_text(world: World) -> None:
    """400 for a path that is no UTF-8, instead of a guess."""
    assert world.handle(SandboxRequest.to("GET", "/vtex/api/oms/pvt/orders/%FF")).status == 400


def test_things_happen_in_order_of_time(world: World) -> None:
    """What was scheduled last may happen first, and settling stops at the last event."""
    for cancel in CANCELS:
        world.handle(cancel)
    world.settle()
    assert [entry.marketplace for entry in world.ledger if entry.what == "cancelled"] == [
        "crux",
        "vtex",
        "pattern",
        "kibo",
    ]
    assert [entry.at for entry in world.ledger] == sorted(entry.at for entry in world.ledger)
    assert world.now == EPOCH + timedelta(seconds=4)


def test_time_stands_still_until_told(world: World) -> None:
    """Requests take no time."""
    world.handle(vtex_cancel("v"))
    for _ in range(100):
        world.handle(vtex_get("v"))
    assert world.now == EPOCH
    assert world.truth("vtex", "v").cancelled == "none"


def test_the_same_calls_give_the_same_ledger() -> None:
    """Two worlds told the same things are equal to the last byte."""

    def story() -> tuple[object, object]:
        world = World()
        seed(world)
        replies = [world.handle(cancel) for cancel in CANCELS]
        world.settle()
        return replies, list(world.ledger)

    assert story() == story()


def test_truth_does_not_touch_what_it_tells_of(world: World) -> None:
    """Foreseeing an order's end writes nothing into the ledger and moves no time."""
    world.handle(pattern_cancel("p"))
    ledger = list(world.ledger)
    first = world.truth("pattern", "p")
    assert (first.cancelled, first.eventually, first.landed) == ("none", "all", False)
    assert world.truth("pattern", "p") == first
    assert (list(world.ledger), world.now) == (ledger, EPOCH)
    world.settle()
    truth = world.truth("pattern", "p")
    assert (truth.parts, truth.landed) == (first.eventual_parts, True)


def test_truth_knows_no_unknown_order(world: World) -> None:
    """An order that does not exist has no truth."""
    with pytest.raises(KeyError):
        world.truth("kibo", 2)


def test_the_ledger_tells_a_request_and_its_effects(world: World) -> None:
    """Requests and effects stand in one list, in the order in which they happened."""
    world.handle(vtex_cancel("v"))
    world.advance(2)
    world.handle(vtex_get("v"))
    world.handle(crux_login())
    told = [(entry.marketplace, entry.order_id, entry.what) for entry in world.ledger]
    assert told == [
        ("vtex", "v", "cancel received"),
        ("vtex", "v", "requested"),
        ("vtex", "v", "confirmed"),
        ("vtex", "v", "cancelled"),
        ("vtex", "v", "read"),
        ("crux", None, "login"),
    ]


def test_the_ledger_holds_no_credential(world: World) -> None:
    """A request that is turned away leaves its reason behind, and no secret."""
    for cancel in CANCELS:
        world.handle(SandboxRequest(cancel.method, cancel.path, cancel.query, {"authorization": "s3cret"}))
    world.handle(crux_login(password="s3cret"))
    assert "s3cret" not in repr(world.ledger)
    assert [entry.what for entry in world.ledger] == ["turned away"] * 5


def test_a_rate_limit_opens_again(world: World) -> None:
    """So many requests in so many seconds, and a Retry-After that tells when the next may come."""
    world.vtex.limit(requests=2, per=10)
    statuses = [world.handle(vtex_get("v")).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert world.vtex.turned_away == 2
    reply = world.handle(vtex_get("v"))
    assert (reply.header("retry-after"), "error" in decode(reply)) == ("10", True)
    world.advance(9.5)
    assert world.handle(vtex_get("v")).header("retry-after") == "1"
    world.advance(1)
    assert world.handle(vtex_get("v")).status == 200
    world.vtex.limit(requests=None)
    assert {world.handle(vtex_get("v")).status for _ in range(9)} == {200}


def test_a_closed_marketplace_touches_nothing(world: World) -> None:
    """429 is answered before anything is looked at, and counted."""
    for name, cancel in zip(("pattern", "vtex", "crux", "kibo"), CANCELS, strict=True):
        marketplace = world.simulator(name)
        marketplace.reject_until(60)
        reply = world.handle(cancel)
        assert (reply.status, reply.header("retry-after")) == (429, "60")
        assert marketplace.turned_away == 1
    world.advance(60)
    assert {entry.what for entry in world.ledger} == {"turned away"}
    assert [world.handle(cancel).status for cancel in CANCELS] == [200, 200, 200, 200]


def test_kibo_says_nothing_with_its_429(world: World) -> None:
    """Kibo's 429 has an empty body, and a correlation id."""
    world.kibo.reject_until(60)
    reply = world.handle(kibo_get(1))
    assert (reply.status, reply.body, reply.header("retry-after")) == (429, b"", "60")
    assert reply.header("x-vol-correlation")


def test_every_reply_tells_the_date_of_the_world(world: World) -> None:
    """Date is the world's time, against which a Retry-After can be told."""
    world.advance(61)
    assert world.handle(pattern_status("p")).header("date") == "Mon, 02 Mar 2026 09:01:01 GMT"


def test_ready_orders_are_all_there() -> None:
    """Every ready-made order exists once, untouched."""
    world = World()
    seed(world)
    assert len({(order.marketplace, order.order_id) for order in READY_ORDERS}) == len(READY_ORDERS)
    for order in READY_ORDERS:
        assert not world.truth(order.marketplace, order.order_id).accepted


@pytest.mark.parametrize("name", ["pattern", "vtex", "crux", "kibo"])
@pytest.mark.parametrize(
    "shape, key",
    [("message", "message"), ("detail", "detail"), ("errors", "errors"), ("fields", "detail")],
)
def test_errors_have_many_shapes(world: World, name: str, shape: ErrorShape, key: str) -> None:
    """Each marketplace can word its errors in each of the usual shapes."""
    world.simulator(name).error_shape = shape
    reply = world.handle(READS[name])
    assert reply.status == 404
    assert list(decode(reply)) == [key]


@pytest.mark.parametrize("name", ["pattern", "vtex", "crux", "kibo"])
def test_errors_may_be_problem_details_or_nothing(world: World, name: str) -> None:
    """Problem details have a media type of their own; an empty body has none."""
    world.simulator(name).error_shape = "problem"
    reply = world.handle(READS[name])
    assert reply.header("content-type") == "application/problem+json"
    assert set(decode(reply)) == {"type", "title", "status", "detail"}
    assert (decode(reply)["status"], decode(reply)["title"]) == (404, "Not Found")
    world.simulator(name).error_shape = "empty"
    assert world.handle(READS[name]).body == b""


@pytest.mark.parametrize("name", ["pattern", "vtex", "crux", "kibo"])
@pytest.mark.parametrize("page", [HTML_404, EMPTY_404, FRAMEWORK_404])
def test_a_wrong_address_is_not_answered_by_the_marketplace(
    world: World, name: str, page: SandboxReply
) -> None:
    """What is before a marketplace answers for an address that is not here; an order keeps its own 404."""
    nowhere = SandboxRequest.to("GET", f"/{name}/v9/nothing")
    assert (world.handle(nowhere).header("content-type") or "").startswith("text/html")
    world.simulator(name).wrong_address = page
    assert world.handle(nowhere).body == page.body
    own = world.handle(READS[name])
    assert own.status == 404
    assert own.body not in {HTML_404.body, EMPTY_404.body, FRAMEWORK_404.body}


def test_a_429_may_say_nothing_or_always_the_same(world: World) -> None:
    """Retry-After tells the seconds that remain, a fixed number, or is not there."""
    world.vtex.reject_until(7)
    assert world.handle(vtex_get("v")).header("retry-after") == "7"
    world.vtex.retry_after = 60
    assert world.handle(vtex_get("v")).header("retry-after") == "60"
    world.vtex.retry_after = None
    reply = world.handle(vtex_get("v"))
    assert (reply.status, reply.header("retry-after")) == (429, None)


def test_a_body_may_begin_with_a_byte_order_mark(world: World) -> None:
    """It stands before every JSON body, and before nothing else."""
    world.vtex.byte_order_mark = world.crux.byte_order_mark = True
    body = world.handle(vtex_get("v")).body
    assert body.startswith(b"\xef\xbb\xbf{")
    assert world.handle(vtex_get("unknown")).body.startswith(b"\xef\xbb\xbf{")
    assert world.handle(crux_cancel("c")).body == b""
    assert world.handle(SandboxRequest.to("GET", "/vtex/v9")).body.startswith(b"<")
    assert world.handle(kibo_get(1)).body.startswith(b"{")


@table(
    "mistake, says",
    [
        (
            lambda world: world.vtex.add_order("1", status="hanlding"),
            "'hanlding' is not known: did you mean 'handling'",
        ),
        (lambda world: world.vtex.add_order("1", seller="accept"), "did you mean 'accepts'"),
        (lambda world: world.vtex.add_order("1", waits_in="waiting"), "any other can be set on the order"),
        (lambda world: world.pattern.add_order("1", {1: "new", 2: "pikced"}), "did you mean 'picked'"),
        (lambda world: world.crux.add_order("1", {"a": "allocated"}), "did you mean 'Allocated'"),
        (lambda world: world.crux.add_order("1", ["a"], suppliers="confirms"), "did you mean 'confirm'"),
        (lambda world: world.kibo.add_order(1, state="CANCELLED"), "did you mean 'canceled'"),
        (lambda world: world.vtex.add_order("twice"), "vtex has an order 'twice' already"),
        (lambda world: world.kibo.add_order(2), "kibo has an order '2' already"),
        (lambda world: world.pattern.add_order("", {1: "new"}), "needs an id"),
    ],
)
def test_what_add_order_is_given_is_checked(mistake: Callable[[Any], object], says: str) -> None:
    """At once, and the order is not added."""
    world = World()
    world.vtex.add_order("twice")
    world.kibo.add_order(2)
    with pytest.raises(ValueError, match=says):
        mistake(world)
    assert [len(world.simulator(name).orders) for name in ("pattern", "vtex", "crux", "kibo")] == [0, 1, 0, 1]


def test_seeding_again_begins_anew() -> None:
    """The ready-made orders are as they were; others stay."""
    world = World()
    seed(world)
    world.kibo.add_order(7)
    world.handle(kibo_cancel(1010101))
    seed(world)
    assert world.truth("kibo", 1010101).cancels == 0
    assert "7" in world.kibo.orders
