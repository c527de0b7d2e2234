"""Pattern Hub, simulated."""

from typing import Literal

import pytest

from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.world import World
from tests.sandbox.calls import PATTERN, decode, pattern_cancel, pattern_status

ORDER = "114-3941689-8772232"


def statuses(world: World, order_id: str = ORDER) -> list[str]:
    """Return the status of each warehouse order, as it really is."""
    return [part.status for part in world.truth("pattern", order_id).parts]


def test_all_warehouses_are_asked_and_cancel_later(world: World) -> None:
    """200 says that cancellation was initiated: nothing is cancelled before its time has come."""
    world.pattern.add_order(ORDER, {1: "new", 2: "backordered"}, cancels_after=5.0)
    reply = world.handle(pattern_cancel(ORDER))
    assert reply.status == 200
    assert decode(reply) == {
        "market_order_id": ORDER,
        "success": True,
        "message": "Order cancellation initiated",
        "cancelled_orders": [
            {"warehouse_order_id": 1, "status": "cancelled"},
            {"warehouse_order_id": 2, "status": "cancelled"},
        ],
        "non_cancellable_orders": [],
    }
    world.advance(4.9)
    assert decode(world.handle(pattern_status(ORDER)))["order_status"] == "pending"
    world.advance(0.1)
    assert decode(world.handle(pattern_status(ORDER)))["order_status"] == "cancelled"


def test_some_warehouses_cannot_cancel(world: World) -> None:
    """206 tells the two kinds apart, and only what was initiated gets cancelled."""
    world.pattern.add_order(ORDER, {1: "new", 2: "picked"})
    reply = world.handle(pattern_cancel(ORDER))
    assert reply.status == 206
    body = decode(reply)
    assert body["success"] is True
    assert [part["warehouse_order_id"] for part in body["cancelled_orders"]] == [1]
    assert [(part["warehouse_order_id"], part["status"]) for part in body["non_cancellable_orders"]] == [
        (2, "picked")
    ]
    world.settle()
    assert statuses(world) == ["cancelled", "picked"]
    assert world.truth("pattern", ORDER).cancelled == "some"


@pytest.mark.parametrize("status", ["batched", "picked", "packed", "departed", "complete"])
def test_no_warehouse_can_cancel(world: World, status: str) -> None:
    """Beyond new and backordered, 409, and nothing is set in motion."""
    world.pattern.add_order(ORDER, {1: status})  # type: ignore[dict-item]
    reply = world.handle(pattern_cancel(ORDER))
    assert (reply.status, decode(reply)["success"]) == (409, False)
    assert not world.truth("pattern", ORDER).accepted
    world.settle()
    assert statuses(world) == [status]


def test_a_cancelled_order_answers_409_with_every_part_cancelled(world: World) -> None:
    """An order that is cancelled already looks refused until its statuses are read."""
    world.pattern.add_order(ORDER, {1: "new", 2: "new"})
    world.handle(pattern_cancel(ORDER))
    world.settle()
    reply = world.handle(pattern_cancel(ORDER))
    assert reply.status == 409
    assert {part["status"] for part in decode(reply)["non_cancellable_orders"]} == {"cancelled"}


def test_a_repeated_cancel_while_the_first_is_under_way_changes_nothing(world: World) -> None:
    """The warehouse cancels once, however often it is asked."""
    world.pattern.add_order(ORDER, {1: "new"})
    assert world.handle(pattern_cancel(ORDER)).status == 200
    assert world.handle(pattern_cancel(ORDER)).status == 200
    world.settle()
    effects = [entry.what for entry in world.ledger if entry.what == "cancelled"]
    assert effects == ["cancelled"]


def test_a_warehouse_may_pick_what_it_was_asked_to_cancel(world: World) -> None:
    """Initiated is not cancelled: a 200 can end as a partial cancellation, and the truth foresees it."""
    world.pattern.add_order(ORDER, {1: "new", 2: "new"}, picked_instead=[2])
    assert world.handle(pattern_cancel(ORDER)).status == 200
    truth = world.truth("pattern", ORDER)
    assert (truth.cancelled, truth.eventually, truth.landed) == ("none", "some", False)
    world.settle()
    assert statuses(world) == ["cancelled", "picked"]


def test_a_part_that_moved_on_is_not_cancelled_any_more(world: World) -> None:
    """A warehouse order that goes on its way before its cancellation is finished is not cancelled."""
    world.pattern.add_order(ORDER, {1: "new"}, cancels_after=5.0)
    world.pattern.move(ORDER, "packed", part=1, after=2.0)
    assert world.handle(pattern_cancel(ORDER)).status == 200
    world.settle()
    assert statuses(world) == ["packed"]
    assert [entry.what for entry in world.ledger][-2:] == ["moved", "denied"]


@pytest.mark.parametrize(
    "parts, expected",
    [
        ({1: "new", 2: "new"}, "pending"),
        ({1: "new", 2: "picked"}, "processing"),
        ({1: "cancelled", 2: "picked"}, "processing"),
        ({1: "cancelled", 2: "cancelled"}, "cancelled"),
        ({1: "cancelled", 2: "complete"}, "complete"),
        ({1: "departed", 2: "packed"}, "partially shipped"),
    ],
)
def test_the_order_status_follows_the_parts(world: World, parts: dict[int, str], expected: str) -> None:
    """The status read sums the parts up, and names no warehouse order."""
    world.pattern.add_order(ORDER, parts)  # type: ignore[arg-type]
    body = decode(world.handle(pattern_status(ORDER)))
    assert body["order_status"] == expected
    assert len(body["sub_orders"]) == 2
    assert "warehouse_order_id" not in body["sub_orders"][0]


@pytest.mark.parametrize("order_id", ["a/b", "a?b", "a#b", "a&b=c", "a%2Fb", "a b", "a+b", "ä…"])
def test_any_text_is_an_order_id(world: World, order_id: str) -> None:
    """An id with reserved characters arrives as one query value."""
    world.pattern.add_order(order_id, {1: "new"})
    assert decode(world.handle(pattern_cancel(order_id)))["market_order_id"] == order_id
    assert decode(world.handle(pattern_status(order_id)))["market_order_id"] == order_id


def test_the_door(world: World) -> None:
    """Whatever is turned away leaves the order untouched, and the ledger says why."""
    world.pattern.add_order(ORDER, {1: "new"})
    cancel = "/pattern/v1/orders/cancel_order"
    turned_away = {
        401: pattern_cancel(ORDER, {"Authorization": "Bearer wrong"}),
        404: SandboxRequest.to("POST", "/pattern/v1/orders/cancel", PATTERN),
        405: SandboxRequest.to("GET", f"{cancel}?market_order_id={ORDER}", PATTERN),
        422: SandboxRequest.to("POST", cancel, PATTERN),
    }
    for status, request in turned_away.items():
        assert world.handle(request).status == status
        assert world.ledger[-1].what == "turned away"
        assert world.ledger[-1].detail.startswith(str(status))
    for headers in ({}, {"Authorization": "bearer sandbox-pattern-token"}, {"Authorization": "Token x"}):
        assert world.handle(pattern_cancel(ORDER, headers)).status == 401
    for query in ("market_order_id=", f"market_order_id={ORDER}&market_order_id=2", f"marketOrderId={ORDER}"):
        assert world.handle(SandboxRequest.to("POST", f"{cancel}?{query}", PATTERN)).status == 422
    assert world.handle(pattern_cancel("unknown")).status == 404
    assert world.handle(pattern_status("unknown")).status == 404
    assert world.truth("pattern", ORDER).cancels == 0


def test_permissions_are_apart(world: World) -> None:
    """A token may cancel and not read, and the other way round."""
    world.pattern.add_order(ORDER, {1: "new"})
    world.pattern.may_read = False
    assert world.handle(pattern_status(ORDER)).status == 403
    assert world.handle(pattern_cancel(ORDER)).status == 200
    world.pattern.may_cancel = False
    assert world.handle(pattern_cancel(ORDER)).status == 403


@pytest.mark.parametrize("empty", ["null", "missing"])
def test_what_is_empty_may_be_null_or_missing(world: World, empty: Literal["null", "missing"]) -> None:
    """An empty list can be told in three ways, and a message need not be there; a full list stays a list."""
    world.pattern.add_order(ORDER, {1: "new"})
    world.pattern.message, world.pattern.empty_lists = "null", empty
    body = decode(world.handle(pattern_cancel(ORDER)))
    assert body["message"] is None
    assert len(body["cancelled_orders"]) == 1
    assert ("non_cancellable_orders" in body) is (empty == "null")
    assert body.get("non_cancellable_orders") is None
