"""Reads, and waiting until an order has settled: growing pauses, bounded, and truthful about what was seen."""

from itertools import repeat
from typing import Any

import pytest

from countermand import (
    AuthenticationError,
    Cancelled,
    CountermandError,
    NotSentError,
    OrderNotFoundError,
    OrderUnreadableError,
    PermissionDeniedError,
    RateLimitedError,
    Refused,
    RejectedError,
    RetryPolicy,
    Unknown,
)
from countermand.engine.wire import Reply
from tests.support.doors import OnStage
from tests.support.markets import Market
from tests.support.stage import After, Stage, lost, reply, unsent
from tests.support.tables import table

SWIFT = RetryPolicy(first_pause=0.0)


def test_it_polls_with_growing_pauses_until_all_is_settled(market: Market, on_stage: OnStage) -> None:
    """And returns at the first sight of a final state."""
    stage = Stage(read=[*repeat(market.still_open, 6), market.cancelled])
    outcome = market.wait(on_stage(stage, market))
    assert isinstance(outcome, Cancelled)
    assert stage.kinds == ["read"] * 7
    assert stage.sleeps == [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375]
    assert len(outcome.attempts) == 7


def test_pauses_grow_to_a_bound(market: Market, on_stage: OnStage) -> None:
    """A minute at most, however long the wait."""
    stage = Stage(read=repeat(market.still_open))
    market.wait(on_stage(stage, market), timeout=86_400.0)
    assert max(stage.sleeps) == 60.0


@table("timeout", [0.001, 1.0, 7.5, 600.0])
def test_it_never_waits_past_its_time(timeout: float, market: Market, on_stage: OnStage) -> None:
    """What it last saw comes back, unsettled."""
    stage = Stage(read=repeat(market.still_open))
    outcome = market.wait(on_stage(stage, market), timeout=timeout)
    assert isinstance(outcome, Unknown)  # by its id alone nobody knows whether it was asked for
    assert outcome.reason == "the order is open and shows no cancellation"
    assert outcome.answer is not None
    assert stage.now <= timeout
    assert all(call.deadline <= timeout for call in stage.calls)


def test_a_short_wait_reads_once_more_before_its_end(market: Market, on_stage: OnStage) -> None:
    """A quarter of the time is left for the last read, a second at most."""
    stage = Stage(read=repeat(market.still_open))
    market.wait(on_stage(stage, market), timeout=2.0)
    assert stage.times == [0.0, 1.0, 1.5]


@table("timeout, until", [(2.0, 2.0), (2.5, 1.25), (9.0, 4.5), (30.0, 10.0)])
def test_a_read_leaves_half_of_the_time_for_another(
    timeout: float, until: float, market: Market, on_stage: OnStage
) -> None:
    """Ten seconds at most are for one; the last two seconds are not divided."""
    stage = Stage(read=[market.still_open])
    market.read(on_stage(stage, market), timeout=timeout)
    assert [call.deadline for call in stage.calls] == [until]


@table("timeout, until", [(3.0, 2.0), (9.0, 6.0), (30.0, 20.0), (60.0, 50.0)])
def test_a_cancellation_leaves_a_third_of_the_time_for_a_read(
    timeout: float, until: float, market: Market, on_stage: OnStage
) -> None:
    """Ten seconds at most."""
    stage = Stage(cancel=[market.accepted])
    market.cancel(on_stage(stage, market), timeout=timeout)
    assert [call.deadline for call in stage.calls] == [until]


def test_its_time_is_ten_minutes_unless_said_otherwise(market: Market, on_stage: OnStage) -> None:
    """Not the client's timeout, which is for one short call."""
    stage = Stage(read=repeat(market.still_open))
    market.wait(on_stage(stage, market, timeout=5.0))
    assert 500.0 < stage.now <= 600.0


def test_reads_that_take_their_time_are_in_the_budget(market: Market, on_stage: OnStage) -> None:
    """The last is not begun after it."""
    stage = Stage(read=repeat(After(9.0, market.still_open)))
    market.wait(on_stage(stage, market), timeout=60.0)
    assert stage.times[-1] < 60.0


def test_a_final_state_at_the_first_read_needs_no_pause(market: Market, on_stage: OnStage) -> None:
    """Cancelled, or past cancelling."""
    for state, answer in [(market.cancelled, Cancelled), (market.blocked, Refused)]:
        stage = Stage(read=[state])
        assert isinstance(market.wait(on_stage(stage, market)), answer)
        assert stage.sleeps == []


@table("trouble", [lost(), reply(500), reply(429), unsent(), reply(200, b"<html>")], ids=str)
def test_trouble_on_the_way_is_waited_out(trouble: Any, market: Market, on_stage: OnStage) -> None:
    """It is only a read: another one will do."""
    stage = Stage(read=[trouble, market.still_open, trouble, market.cancelled])
    assert isinstance(market.wait(on_stage(stage, market)), Cancelled)


@table("trouble", [lost(), reply(500), reply(429), unsent(), reply(404)], ids=str)
def test_what_was_seen_last_outlives_trouble(trouble: Any, market: Market, on_stage: OnStage) -> None:
    """Nothing is raised once the order was seen."""
    stage = Stage(read=[market.still_open, *repeat(trouble, 99)])
    outcome = market.wait(on_stage(stage, market), timeout=60.0)
    assert isinstance(outcome, Unknown)
    assert outcome.answer is not None
    assert stage.now <= 60.0


@table("status", [401, 403, 404])
def test_a_denial_that_is_cut_short_does_not_end_a_wait(
    status: int, market: Market, on_stage: OnStage
) -> None:
    """It may be a gateway's."""
    cut = Reply(status, {}, b"", "its body is not whole (ReadError)")
    stage = Stage(read=[market.still_open, *repeat(cut, 2), market.cancelled])
    assert isinstance(market.wait(on_stage(stage, market)), Cancelled)


@table("trouble", [lost(), reply(500), reply(200, b"<html>")], ids=str)
def test_an_order_that_was_never_seen_is_unknown(trouble: Any, market: Market, on_stage: OnStage) -> None:
    """The reason says what stood in the way."""
    outcome = market.wait(on_stage(Stage(read=repeat(trouble)), market), timeout=30.0)
    assert isinstance(outcome, Unknown)
    assert outcome.reason.startswith("reading it")
    assert outcome.attempts


REJECTED: list[tuple[int, type[CountermandError]]] = [
    (405, RejectedError),
    (401, AuthenticationError),
    (403, PermissionDeniedError),
    (404, OrderNotFoundError),
]


@table("what", ["read", "wait"])
@table("status, error", REJECTED)
def test_a_read_that_is_denied_raises(
    status: int, error: type[CountermandError], what: str, market: Market, on_stage: OnStage
) -> None:
    """At once: a later read would be denied as well."""
    stage = Stage(read=[reply(status, {"message": "no"}, x_request_id="r-1")])
    with pytest.raises(error) as caught:
        getattr(market, what)(on_stage(stage, market))
    assert (caught.value.status, caught.value.request_id) == (status, "r-1")
    assert (caught.value.marketplace, caught.value.order_id) == (market.name, str(market.order_id))


@table("what", ["read", "wait"])
def test_reads_that_could_never_be_made_raise(what: str, market: Market, on_stage: OnStage) -> None:
    """No connection, or no end of 429."""
    cases: list[tuple[Any, type[CountermandError]]] = [
        (unsent(), NotSentError),
        (reply(429), RateLimitedError),
    ]
    for trouble, error in cases:
        door = on_stage(Stage(read=repeat(trouble)), market, retry=SWIFT)
        with pytest.raises(error):
            getattr(market, what)(door, timeout=10.0)


def test_a_read_is_tried_again(market: Market, on_stage: OnStage) -> None:
    """After whatever may pass."""
    for trouble in (
        lost(),
        unsent(),
        reply(500),
        reply(503),
        reply(408),
        reply(425),
        reply(302),
        reply(200, b"<"),
    ):
        stage = Stage(read=[trouble, market.still_open])
        assert market.read(on_stage(stage, market)).raw
        assert len(stage.calls) == 2


@table("trouble", [lost(), reply(500), reply(302), reply(200, b"<html>")], ids=str)
def test_a_read_that_fails_to_the_end_is_unreadable(trouble: Any, market: Market, on_stage: OnStage) -> None:
    """OrderUnreadableError, after the attempts of the policy."""
    stage = Stage(read=repeat(trouble))
    with pytest.raises(OrderUnreadableError) as caught:
        market.read(on_stage(stage, market, retry=RetryPolicy(attempts=3, first_pause=0.0)))
    assert len(stage.calls) == len(caught.value.attempts) == 3


def test_a_read_of_another_order_is_unreadable(market: Market, on_stage: OnStage) -> None:
    """Nothing is believed that does not name this order."""
    with pytest.raises(OrderUnreadableError, match="another order"):
        market.read(on_stage(Stage(read=[market.another]), market, retry=RetryPolicy.never()))


def test_waiting_does_not_believe_another_order(market: Market, on_stage: OnStage) -> None:
    """Although that one is cancelled."""
    outcome = market.wait(on_stage(Stage(read=repeat(market.another)), market), timeout=10.0)
    assert isinstance(outcome, Unknown)
