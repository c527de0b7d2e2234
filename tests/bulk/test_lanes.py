"""Lanes in virtual time: accounts do not wait for each other, and a network that is gone burns no list."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from countermand import AsyncCountermand, NotSentError, Unknown

from .faulty import NAMES, client_at, problem, request, truths
from .limits import FixedWindow, SlidingWindow, TokenBucket
from .outage import WorldDriver, played, world_of
from .pacing import play


def test_one_account_under_429_does_not_hold_up_the_others() -> None:
    """Sorted by marketplace, the account under 429 first: the other three take what they take alone."""
    orders = 1000
    numbers = sorted(range(orders), key=lambda number: (NAMES[number % 4] != "vtex", number % 4))
    world = world_of(orders)
    world.vtex.reject_until(300)
    ran = asyncio.run(played(WorldDriver(world), numbers))
    alone = asyncio.run(played(WorldDriver(world_of(orders)), [each for each in numbers if each % 4 != 1]))
    assert len(ran.results) == orders
    assert ran.last["vtex"] > 300
    for name in ("pattern", "crux", "kibo"):
        assert ran.last[name] <= 1.1 * alone.last[name]


@pytest.mark.parametrize("journaled", [False, True])
def test_the_network_is_gone_for_a_minute(journaled: bool, tmp_path: Any) -> None:
    """Lanes pause and probe: no order is told unsent, none is lost, and nothing goes to Crux twice."""
    orders = 1000
    world = world_of(orders)
    driver = WorldDriver(world, gone=1.0, back=61.0)
    journal = tmp_path / "run.db" if journaled else None
    ran = asyncio.run(played(driver, list(range(orders)), journal=journal))
    truth = list(truths(world, orders))
    told = {result.row: result.to_dict() for result in ran.results}
    assert len(told) == len(ran.results) == orders
    assert not any(isinstance(result.error, NotSentError) for result in ran.results)
    assert [found for row, result in told.items() if (found := problem(row, result, truth[row]))] == []
    assert sum(isinstance(result.outcome, Unknown) for result in ran.results) <= 32
    assert driver.clock.monotonic() >= 61


def test_a_paused_lane_says_so_and_probes() -> None:
    """With growing pauses, one request at a time."""
    world = world_of(400)
    driver = WorldDriver(world, gone=0.0, back=1e9)
    probes: list[float] = []

    async def run() -> Any:
        def kind(*accounts: Any, **settings: Any) -> AsyncCountermand:
            return AsyncCountermand(*accounts, http_client=driver, **settings)

        async with client_at("http://localhost", kind) as client:  # type: ignore[arg-type]
            run = client.cancel_many([request(number) for number in range(1, 400, 4)])
            answer = driver._answer

            async def counted(step: Any) -> Any:
                if hasattr(step, "target"):
                    probes.append(driver.clock.monotonic())
                return await answer(step)

            driver._answer = counted  # type: ignore[method-assign]
            results = [result async for result in run]
            return results, run.progress

    results, progress = asyncio.run(run())
    lane = next(lane for lane in progress.lanes if lane.account == "sandbox")
    assert lane.state == "stopped"
    assert "no connection" in lane.reason
    assert Counter(type(result.error).__name__ for result in results) == {"NotSentError": 100}
    gaps = [late - early for early, late in pairwise(probes)]
    assert max(gaps) == pytest.approx(30.0, abs=1.0)
    assert len(probes) < 160  # an hour of probes


@pytest.mark.parametrize(
    "kind, factor, retry_after, bar",
    [
        (TokenBucket, 1.0, False, 1.1),
        (TokenBucket, 0.5, True, 1.25),
        (TokenBucket, 2.0, False, 1.15),
        (FixedWindow, 0.5, False, 1.25),
        (SlidingWindow, 2.0, False, 1.3),
    ],
)
def test_the_pace_through_cancel_many(kind: Any, factor: float, retry_after: bool, bar: float) -> None:
    """A slice of what `tests/bulk/pacing.py` measures: two minutes in place of ten, with bars for so short a run."""
    played = play(kind(20.0), 20.0, factor, retry_after=retry_after, seconds=120.0)
    assert played.over_least <= bar
    assert played.refused <= 0.04
