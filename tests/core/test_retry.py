"""When a call asks again: pauses, limits, and the one budget of time."""

import random
from itertools import repeat
from typing import Any

import pytest
import tenacity

from countermand import Cancelled, NotSentError, Requested, RetryPolicy, Unknown
from tests.support.doors import OnStage
from tests.support.markets import CRUX, PATTERN, Market
from tests.support.stage import After, Stage, lost, reply, unsent
from tests.support.tables import table


def test_the_defaults() -> None:
    """Four failures, pauses up to half a second at first and eight at most."""
    policy = RetryPolicy()
    assert (policy.attempts, policy.first_pause, policy.longest_pause) == (4, 0.5, 8.0)
    assert (policy.stop, policy.wait, policy.rate_limit_pause) == (None, None, None)


def test_a_policy_prints_and_compares() -> None:
    """Its repr is its constructor."""
    assert repr(RetryPolicy()) == (
        "RetryPolicy(attempts=4, first_pause=0.5, longest_pause=8.0, rate_limit_pause=None, stop=None, "
        "wait=None)"
    )
    assert RetryPolicy() == RetryPolicy(attempts=4)
    assert RetryPolicy.never() == RetryPolicy(attempts=1)


@table(
    "wrong",
    [
        {"attempts": 0},
        {"attempts": -1},
        {"attempts": 1.5},
        {"attempts": "4"},
        {"attempts": None},
        {"first_pause": -0.1},
        {"longest_pause": -1},
        {"first_pause": float("nan")},
        {"attempts": True},
        {"longest_pause": "8"},
        {"rate_limit_pause": -1},
        {"stop": 3},
        {"wait": tenacity.wait_fixed},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    """It is refused where it is built, by the name of the argument."""
    (name,) = wrong
    with pytest.raises(ValueError, match=f"^{name} must be "):
        RetryPolicy(**wrong)


def test_pauses_are_full_jitter_under_a_doubling_ceiling() -> None:
    """Uniform between nothing and the ceiling: both ends of every range are reached."""
    random.seed(2026)
    policy = RetryPolicy(attempts=100)
    for failures, ceiling in [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (50, 8.0)]:
        pauses = [policy.pause(failures, 0.0, 0.0, 1e9) for _ in range(500)]
        drawn = [pause for pause in pauses if pause is not None]
        assert len(drawn) == 500
        assert 0 <= min(drawn) < ceiling * 0.05
        assert ceiling * 0.95 < max(drawn) <= ceiling


def test_a_pause_is_never_taken_into_the_deadline() -> None:
    """Half a second is left, and the pause would be one."""
    policy = RetryPolicy(wait=tenacity.wait_fixed(1))
    assert policy.pause(1, 0.0, 29.5, 30.0) is None
    assert policy.pause(1, 0.0, 28.5, 30.0) == 1


def test_never_gives_up_at_the_first_failure(market: Market, on_stage: OnStage) -> None:
    """One request, one failure, no pause."""
    stage = Stage(cancel=[unsent()])
    with pytest.raises(NotSentError):
        market.cancel(on_stage(stage, market, retry=RetryPolicy.never()))
    assert stage.sleeps == []


def test_attempts_count_the_requests_that_fail(market: Market, on_stage: OnStage) -> None:
    """Settling reads are among them."""
    stage = Stage(cancel=[lost()], read=repeat(lost()))
    outcome = market.cancel(on_stage(stage, market, retry=RetryPolicy(attempts=3)))
    assert isinstance(outcome, Unknown)
    assert len(stage.calls) == 3


def test_tenacitys_own_stop_and_wait(market: Market, on_stage: OnStage) -> None:
    """They replace the numbers."""
    policy = RetryPolicy(stop=tenacity.stop_after_attempt(6), wait=tenacity.wait_fixed(0.25))
    stage = Stage(cancel=repeat(unsent()))
    with pytest.raises(NotSentError):
        market.cancel(on_stage(stage, market, retry=policy))
    assert stage.sleeps == [0.25] * 5


def test_combined_stop_and_wait(on_stage: OnStage) -> None:
    """Sums, chains and unions of tenacity's objects are tenacity's objects."""
    policy = RetryPolicy(
        stop=tenacity.stop_after_attempt(9) | tenacity.stop_after_delay(2),
        wait=tenacity.wait_chain(*[tenacity.wait_fixed(0.5)] * 2, tenacity.wait_fixed(1)),
    )
    stage = Stage(cancel=repeat(unsent()))
    with pytest.raises(NotSentError):
        PATTERN.cancel(on_stage(stage, PATTERN, retry=policy))
    assert stage.sleeps == [0.5, 0.5, 1]


def test_a_stop_of_ones_own(on_stage: OnStage) -> None:
    """It is asked after every failure, and sees which one it is."""
    seen: list[int] = []

    class StopAtThree(tenacity.stop.stop_base):
        def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
            seen.append(retry_state.attempt_number)
            return retry_state.attempt_number >= 3

    stage = Stage(cancel=repeat(unsent()))
    with pytest.raises(NotSentError):
        PATTERN.cancel(on_stage(stage, PATTERN, retry=RetryPolicy(stop=StopAtThree(), first_pause=0.0)))
    assert seen == [1, 2, 3]


def test_one_deadline_for_everything(market: Market, on_stage: OnStage) -> None:
    """Attempts, waits and the settling read all spend it; none is begun after it."""
    policy = RetryPolicy(attempts=1000, wait=tenacity.wait_fixed(0.5))
    stage = Stage(cancel=repeat(After(1.0, lost())), read=repeat(After(1.0, market.still_open)))
    outcome = market.cancel(on_stage(stage, market, retry=policy, timeout=1e6), timeout=12.0)
    assert isinstance(outcome, Unknown)
    assert stage.times[-1] < 12.0
    assert all(call.deadline <= 12.0 for call in stage.calls)


def test_the_clients_timeout_is_the_calls_unless_it_names_its_own(market: Market, on_stage: OnStage) -> None:
    """`timeout=` of the client, of the call, and 30 seconds by default."""
    for client, call, deadline in [({}, {}, 30.0), ({"timeout": 9.0}, {}, 9.0), ({}, {"timeout": 3}, 3.0)]:
        stage = Stage(read=[market.still_open, market.still_open], cancel=[market.accepted])
        door = on_stage(stage, market, **client)
        market.read(door, **call)
        assert stage.calls[0].deadline <= deadline
        stage = Stage(cancel=[lost()], read=repeat(unsent()))
        policy = RetryPolicy(attempts=10**6, wait=tenacity.wait_fixed(0.01))
        outcome = market.cancel(on_stage(stage, market, retry=policy, **client), **call)
        assert isinstance(outcome, Unknown)
        assert max(sent.deadline for sent in stage.calls) <= deadline
        assert stage.now <= deadline


def test_a_cancellation_leaves_time_for_the_read_that_settles_it(market: Market, on_stage: OnStage) -> None:
    """An answer that never comes costs the cancellation's share, not the whole budget."""
    stage = Stage(cancel=[After(20.0, lost("no answer in time"))], read=[market.cancelled])
    outcome = market.cancel(on_stage(stage, market, timeout=30.0))
    assert isinstance(outcome, Cancelled)
    assert stage.calls[0].deadline == pytest.approx(20.0)
    assert stage.calls[1].deadline <= 30.0


def test_one_stalled_read_does_not_cost_the_budget(market: Market, on_stage: OnStage) -> None:
    """Ten seconds at most, and never more than half of what is left."""
    for timeout, share in [(600.0, 10.0), (8.0, 4.0)]:
        stage = Stage(read=[market.cancelled])
        market.wait(on_stage(stage, market), timeout=timeout)
        assert stage.calls[0].deadline == pytest.approx(share)


def test_polling_crux_keeps_within_the_budget(on_stage: OnStage) -> None:
    """Pauses of 1, 2, 4 and 8 seconds, and what is left but a second for the last read."""
    stage = Stage(cancel=[lost()], read=repeat(CRUX.still_open))
    outcome = CRUX.cancel(on_stage(stage, CRUX, timeout=30.0))
    assert isinstance(outcome, Unknown)
    assert stage.sleeps == [1.0, 2.0, 4.0, 8.0, 14.0]


def test_an_outage_is_not_answered_with_a_multiple_of_requests(market: Market, on_stage: OnStage) -> None:
    """Calls on one account share a budget of further tries; each call still makes its own request."""
    stage = Stage(cancel=repeat(unsent()))
    door = on_stage(stage, market, retry=RetryPolicy(attempts=4, first_pause=0.0))
    for _ in range(100):
        with pytest.raises(NotSentError):
            market.cancel(door)
    assert len(stage.calls) == 150


def test_success_gives_the_outages_budget_back(market: Market, on_stage: OnStage) -> None:
    """One token for each call that gets its answer."""
    answers: list[Any] = [
        *repeat(unsent(), 150),
        *repeat(market.accepted, 5),
        *repeat(unsent(), 20),
    ]
    stage = Stage(cancel=answers)
    door = on_stage(stage, market, retry=RetryPolicy(attempts=2, first_pause=0.0))
    for _ in range(100):
        with pytest.raises(NotSentError):
            market.cancel(door)
    assert len(stage.calls) == 150
    for _ in range(5):
        assert isinstance(market.cancel(door), Requested)
    for _ in range(10):
        with pytest.raises(NotSentError):
            market.cancel(door)
    assert len(stage.calls) == 155 + 10 + 5


def test_accounts_do_not_share_their_budgets(open_door: Any, on_stage: OnStage) -> None:
    """What one marketplace does, another does not feel."""
    stage = Stage(cancel=[reply(429, retry_after="20"), CRUX.accepted])
    door = on_stage(stage, PATTERN, retry=RetryPolicy.never(), **CRUX.settings)
    with pytest.raises(Exception, match="too many requests"):
        PATTERN.cancel(door)
    CRUX.cancel(door)
    assert stage.sleeps == []
