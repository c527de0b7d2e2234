"""The pace, alone, against limiters of every usual kind, in virtual time."""

from collections.abc import Callable

import pytest

from countermand.bulk.pace import Pace

from .limits import FixedWindow, Limiter, SlidingWindow, TokenBucket, play

WINDOWS = pytest.mark.parametrize("window", [FixedWindow, SlidingWindow])
FACTORS = pytest.mark.parametrize("factor", [1.0, 2.0, 0.5], ids=["steady", "doubled", "halved"])
RATES = pytest.mark.parametrize("rate", [20.0, 60.0])
TOLD = pytest.mark.parametrize("retry_after", [True, False], ids=["told", "untold"])


@FACTORS
@RATES
@TOLD
def test_a_token_bucket_is_used_to_the_full(rate: float, factor: float, retry_after: bool) -> None:
    """At most 10 % over the least possible time, and at most 2 % refused, whatever the limit does at half time."""
    played = play(TokenBucket(rate), rate, factor=factor, retry_after=retry_after)
    assert played.over_least <= 1.10
    assert played.refused <= 0.02


@FACTORS
@RATES
@WINDOWS
@TOLD
def test_windows_of_a_second_are_used(
    window: Callable[[float], Limiter], rate: float, factor: float, retry_after: bool
) -> None:
    """At most 20 % over the least possible time, and at most 2 % refused."""
    played = play(window(rate), rate, factor=factor, retry_after=retry_after)
    assert played.over_least <= 1.20
    assert played.refused <= 0.02


@pytest.mark.parametrize("seconds", [10.0, 60.0])
@TOLD
@WINDOWS
def test_longer_windows_end(
    window: Callable[[float, float], Limiter], seconds: float, retry_after: bool
) -> None:
    """They are not counted on, and no such limit makes a run take for ever."""
    played = play(window(20.0, seconds), 20.0, retry_after=retry_after)
    assert played.over_least <= 1.5
    assert played.refused <= 0.1


@pytest.mark.parametrize("limiter", [TokenBucket, FixedWindow, SlidingWindow])
def test_a_known_rate_is_never_refused(limiter: Callable[[float], Limiter]) -> None:
    """And nothing is lost by keeping it."""
    played = play(limiter(20.0), 20.0, pace=Pace(known=20.0), seconds=120.0)
    assert played.refused <= 0.001
    assert played.over_least <= 1.03


def test_what_was_learnt_serves_the_next_run() -> None:
    """It begins near the limit, and not with a burst."""
    first = Pace()
    play(TokenBucket(40.0), 40.0, pace=first, seconds=60.0)
    assert first.learnt is not None
    assert first.learnt == pytest.approx(40.0, rel=0.15)
    again = play(TokenBucket(40.0), 40.0, pace=Pace(learnt=first.learnt), seconds=30.0)
    assert again.refused <= 0.01


def test_without_a_limit_nothing_is_held_back() -> None:
    """The requests in flight alone count, and they double with every round of answers."""
    pace = Pace()
    assert pace.allows(3)
    assert not pace.allows(4)
    for _ in range(4):
        pace.sent(0.0)
    for _ in range(4):
        pace.accepted(0.1, 0.0)
    assert pace.allows(7)
    assert not pace.allows(8)
    assert pace.ready_at() <= 0.1
    assert pace.learnt is None


def test_a_retry_after_is_kept() -> None:
    """Nothing may be sent before it is over, whatever else comes back."""
    pace = Pace()
    pace.sent(0.0)
    pace.refused(0.1, 0.0, 30.0)
    pace.accepted(0.2, 0.0)
    pace.refused(0.3, 0.0, None)
    assert pace.ready_at() >= 30.1
    assert pace.closed_until(1.0) == pytest.approx(30.1)


def test_pauses_that_nobody_names_grow() -> None:
    """Each 429 without an accepted request in between doubles the pause, up to a minute."""
    pace = Pace()
    now = 0.0
    pauses: list[float] = []
    for _ in range(14):
        pace.sent(now)
        pace.refused(now + 0.01, now)
        pauses.append(pace.ready_at() - now)
        now = pace.ready_at()
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(60.0, abs=0.1)
