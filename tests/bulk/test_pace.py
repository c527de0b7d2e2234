"""The pace, alone, against limiters of every usual kind, in virtual time."""

from collections.abc import Callable

import pytest

from countermand.bulk.pace import Pace

from .limits import FixedWindow, Limiter, SlidingWindow, TokenBucket, play

WINDOWS = pytest.mark.parametrize("window", [FixedWindow, SlidingWindow])
FACTORS = pytest.mark.parametrize("factor", [1.0, 2.0, 0.5], ids=["steady", "doubled", "halved"])
RATES = pytest.mark.parametrize("rate", [4.0, 10.0, 30.0])
TOLD = pytest.mark.parametrize("retry_after", [True, False], ids=["told", "untold"])


@FACTORS
@pytest.mark.parametrize("rate", [4.0, 5.0, 10.0, 30.0])
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
        pauses.append(round(pace.ready_at() - now, 3))
        now = pace.ready_at()
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(60.0, abs=0.1)


@FACTORS
@TOLD
@pytest.mark.parametrize("seed", [2, 3])
def test_a_slow_marketplace_with_a_bucket_of_one_token(factor: float, retry_after: bool, seed: int) -> None:
    """Answers that come after several gaps make no refusal count twice: at most 15 % over the least possible time."""
    limiter = TokenBucket(5.0)
    played = play(
        limiter, 5.0, factor=factor, latency=0.3, concurrency=32, retry_after=retry_after, seed=seed
    )
    assert played.over_least <= 1.15
    assert played.refused <= 0.02


def _blocked_once(pace: Pace, now: float = 0.0) -> float:
    """Have a request refused, and its probe accepted; return the instant."""
    pace.sent(now)
    pace.refused(now + 0.05, now)
    again = pace.ready_at()
    pace.sent(again)
    pace.accepted(again + 0.05, again)
    return again + 0.05


def test_nothing_is_caught_up_after_a_pause() -> None:
    """The gap after the first request is a whole one: a bucket of a single token is empty until then."""
    pace = Pace(learnt=5.0)
    now = _blocked_once(pace) - 0.05
    assert pace.rate is not None
    assert pace.ready_at() >= now + 1 / pace.rate - 1e-9


@pytest.mark.parametrize("rate, is_caught_up", [(5.0, False), (50.0, True)])
def test_a_late_request_is_caught_up_where_a_bucket_holds_several_tokens(
    rate: float, is_caught_up: bool
) -> None:
    """A small limit may have a bucket of one, which refuses what comes sooner than a gap later."""
    pace = Pace(known=rate)
    pace.sent(0.0)
    late = pace.ready_at() + 0.01
    pace.sent(late)
    assert (pace.ready_at() < late + 1 / rate) is is_caught_up


def test_a_blocked_account_is_probed_by_single_requests() -> None:
    """Not with a burst, whatever rate was kept before."""
    pace = Pace(learnt=100.0)
    pace.sent(0.0)
    pace.refused(0.05, 0.0)
    probe = pace.ready_at()
    pace.sent(probe)
    assert pace.ready_at() >= probe + 0.2


def test_a_refused_probe_from_before_the_account_reopened_shows_nothing_new() -> None:
    """It keeps its pause, but the rate stays."""
    pace = Pace(learnt=5.0)
    pace.sent(0.0)
    pace.refused(0.3, 0.0)
    first = pace.ready_at()
    pace.sent(first)
    second = pace.ready_at()
    pace.sent(second)
    pace.accepted(second + 0.1, first)
    kept = pace.rate
    pace.refused(second + 0.3, second)
    pace.sent(second + 1.0)
    pace.accepted(second + 1.1, second + 1.0)
    assert kept is not None
    assert pace.rate is not None
    assert pace.rate >= kept


def _without_a_limit(pace: Pace, seconds: float, began: float = 0.0, concurrency: int = 8) -> float:
    """Send for so many seconds what is in flight alone limits; return requests a second."""
    now, sent, back = began, 0, [began] * concurrency
    under_way: list[float] = []
    while now < began + seconds:
        if len(under_way) < len(back) and pace.allows(len(under_way)) and pace.ready_at() <= now:
            pace.sent(now)
            under_way.append(now)
            sent += 1
            continue
        due = [under_way[0] + 0.05] if under_way else []
        if len(under_way) < len(back) and pace.allows(len(under_way)):
            due.append(pace.ready_at())
        now = max(now, min(due))
        while under_way and under_way[0] + 0.05 <= now:
            pace.accepted(now, under_way.pop(0))
    return sent / seconds


@pytest.mark.parametrize("retry_after", [None, 1.0])
def test_a_single_429_is_soon_forgotten(retry_after: float | None) -> None:
    """An account without a limit is asked as fast as before after some seconds."""
    pace = Pace()
    before = _without_a_limit(pace, 30.0)
    pace.sent(30.0)
    pace.refused(30.05, 30.0, retry_after)
    assert _without_a_limit(pace, 10.0, 31.1) >= 0.8 * before
    assert _without_a_limit(pace, 10.0, 42.0) >= 0.98 * before


@pytest.mark.parametrize("idle", [60.0, 36_000.0])
def test_a_time_without_work_says_nothing_of_a_limit(idle: float) -> None:
    """A limit that shows after hours of it is learnt from what was accepted lately."""
    pace = Pace()
    now = 5.0 + idle
    _without_a_limit(pace, 5.0)
    pace.sent(now)
    pace.refused(now + 0.05, now, 1.0)
    pace.sent(now + 1.1)
    pace.accepted(now + 1.15, now + 1.1)
    assert pace.learnt is not None
    assert pace.learnt >= 20.0


def test_a_limit_that_appears_later_is_learnt() -> None:
    """For five minutes the requests in flight alone count, then a limit does."""
    pace = Pace()
    played = play(TokenBucket(300.0), 70.0, factor=1 / 7, concurrency=4, pace=pace)
    assert pace.learnt == pytest.approx(10.0, rel=0.05)
    assert played.refused <= 0.02
