"""Retry-After in every form, good and bad: it never crashes a call, and never makes it wait past its deadline."""

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import repeat

import pytest

from countermand import (
    Cancelled,
    Event,
    RateLimitedError,
    Requested,
    RetryPolicy,
    Unknown,
    WaitStarted,
)
from tests.support.doors import OnStage
from tests.support.markets import PATTERN, Market
from tests.support.stage import Stage, lost, reply
from tests.support.tables import table

#: The stage's Date at its start, and one nine seconds later.
NOW, SOON = "Mon, 02 Mar 2026 09:00:00 GMT", "Mon, 02 Mar 2026 09:00:09 GMT"
#: A server whose clock is eleven years behind.
THEN, THEN_SOON = "Sun, 01 Mar 2015 23:59:57 GMT", "Mon, 02 Mar 2015 00:00:06 GMT"

WAITED = {
    "seconds": ({"retry_after": "9"}, 9.0),
    "seconds with leading zeros": ({"retry_after": "0009"}, 9.0),
    "a fraction, rounded up": ({"retry_after": "8.1"}, 9.0),
    "seconds in spaces": ({"retry_after": "  9 "}, 9.0),
    "seconds repeated": ({"retry_after": "3, 9, 5"}, 9.0),
    "a date, without a Date": ({"retry_after": SOON}, 9.0),
    "a date against the Date": ({"retry_after": THEN_SOON, "date": THEN}, 9.0),
    "a date, and a Date that is none": ({"retry_after": SOON, "date": "yesterday"}, 9.0),
    "RFC 850": ({"retry_after": "Monday, 02-Mar-26 09:00:09 GMT"}, 9.0),
    "asctime": ({"retry_after": "Mon Mar  2 09:00:09 2026"}, 9.0),
    "several dates": ({"retry_after": f"{NOW}, {SOON}, {NOW}"}, 9.0),
    "seconds and a date": ({"retry_after": f"3, {SOON}"}, 9.0),
    "a date and seconds": ({"retry_after": f"Monday, 02-Mar-26 09:00:01 GMT, 9, {NOW}"}, 9.0),
    "seconds and a past date": ({"retry_after": "9, Mon, 02 Mar 2026 08:59:59 GMT"}, 9.0),
    "another zone": ({"retry_after": "Mon, 02 Mar 2026 11:00:09 +0200"}, 9.0),
}
NO_SENSE = {
    "absent": None,
    "empty": "",
    "spaces": "   ",
    "zero": "0",
    "negative": "-9",
    "a plus": "+9",
    "an exponent": "1e1",
    "a word": "soon",
    "hexadecimal": "0x9",
    "an underscore": "1_0",
    "arabic digits": "٩",
    "fullwidth digits": "\uff19",
    "a superscript": "²",
    "a past date": "Mon, 02 Mar 2026 08:59:59 GMT",
    "a date of long ago": "Thu, 01 Jan 1970 00:00:00 GMT",
    "a day that is not": "Mon, 31 Feb 2026 09:00:09 GMT",
    "a date without end": "Mon, 02 Mar 99999999999 09:00:09 GMT",
    "half a date": "Mon, 02",
    "a comma": ",",
    "commas": "9,,9",
    "a number and a word": "9, soon",
    "a date and a word": f"{SOON}, soon",
    "a number and half a date": "9, Mon",
    "10,000 letters": "x" * 10_000,
    "10,000 commas": "," * 10_000,
    "10,001 nines": "9" * 10_001,
    "a NUL": "9\x00",
    "brackets": "(((((" * 1_000,
}
HUGE = {
    "a day": ("86400", 86_400.0),
    "ten digits": ("9999999999", 315_360_000.0),
    "10,000 nines": ("9" * 10_000, 315_360_000.0),
    "a date in a far year": ("Fri, 31 Dec 9999 23:59:59 GMT", 315_360_000.0),
    "an hour and a second": ("3601", 3601.0),
}


@table("headers, seconds", WAITED.values(), ids=WAITED)
def test_it_is_waited_out(headers: dict[str, str], seconds: float, market: Market, on_stage: OnStage) -> None:
    """To the second."""
    stage = Stage(cancel=[reply(429, **headers), market.accepted])
    assert isinstance(market.cancel(on_stage(stage, market)), Requested)
    assert stage.times[1] == pytest.approx(seconds)


@table("headers, seconds", WAITED.values(), ids=WAITED)
def test_over_budget_it_raises_at_once(
    headers: dict[str, str], seconds: float, market: Market, on_stage: OnStage
) -> None:
    """With the time to come back, and without having waited for anything."""
    stage = Stage(cancel=[reply(429, **headers)])
    with pytest.raises(RateLimitedError) as caught:
        market.cancel(on_stage(stage, market), timeout=8.0)
    assert caught.value.retry_after == pytest.approx(seconds)
    assert stage.sleeps == []


@table("text, seconds", HUGE.values(), ids=HUGE)
def test_a_huge_one_raises_at_once(text: str, seconds: float, market: Market, on_stage: OnStage) -> None:
    """And names the whole time, ten years at most."""
    stage = Stage(cancel=[reply(429, retry_after=text)])
    with pytest.raises(RateLimitedError) as caught:
        market.cancel(on_stage(stage, market))
    assert caught.value.retry_after == pytest.approx(seconds)
    assert caught.value.status == 429
    assert stage.sleeps == []


@table("text", HUGE, ids=HUGE)
def test_a_huge_one_does_not_shut_the_account_for_years(text: str, on_stage: OnStage) -> None:
    """A garbled header costs an hour at most: then the marketplace is asked again."""
    stage = Stage(cancel=[reply(429, retry_after=HUGE[text][0]), PATTERN.accepted])
    door = on_stage(stage, PATTERN)
    with pytest.raises(RateLimitedError):
        PATTERN.cancel(door)
    stage.now += 3600.0
    assert isinstance(PATTERN.cancel(door), Requested)
    assert stage.sleeps == []


@table("text", NO_SENSE.values(), ids=NO_SENSE)
def test_what_makes_no_sense_counts_as_absent(text: str | None, on_stage: OnStage) -> None:
    """Full jitter stands in for it."""
    limited = reply(429) if text is None else reply(429, retry_after=text)
    stage = Stage(cancel=[limited, PATTERN.accepted])
    assert isinstance(PATTERN.cancel(on_stage(stage, PATTERN)), Requested)
    assert 0 <= stage.times[1] <= 1.5


@table("text", NO_SENSE.values(), ids=NO_SENSE)
@table("what", ["cancel", "read", "wait"])
def test_nothing_crashes_and_nothing_outlasts_the_deadline(
    text: str | None, what: str, market: Market, on_stage: OnStage
) -> None:
    """Whatever is called, whatever the header says, however often."""
    limited = reply(429) if text is None else reply(429, retry_after=text)
    stage = Stage(cancel=repeat(limited), read=repeat(limited))
    door = on_stage(stage, market)
    with suppress(RateLimitedError):
        getattr(market, what)(door, timeout=20.0)
    assert stage.now <= 20.0


@table("text", ["9", "86400", SOON])
@table("what", ["read", "wait"])
def test_reads_raise_at_once_too(text: str, what: str, market: Market, on_stage: OnStage) -> None:
    """The marketplace's wish is the same for every request."""
    stage = Stage(read=[reply(429, retry_after=text)])
    with pytest.raises(RateLimitedError) as caught:
        getattr(market, what)(on_stage(stage, market), timeout=8.0)
    assert caught.value.retry_after == pytest.approx(86_400.0 if text == "86400" else 9.0, abs=1.5)


@pytest.mark.usefixtures("far_east")
def test_a_date_counts_in_utc_wherever_the_client_is(on_stage: OnStage) -> None:
    """RFC 9110: a date without a zone (asctime's form) is UTC."""
    stage = Stage(cancel=[reply(429, retry_after="Mon Mar  2 09:00:09 2026"), PATTERN.accepted])
    PATTERN.cancel(on_stage(stage, PATTERN))
    assert stage.times[1] == pytest.approx(9.0)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Move this machine to Tokyo."""
    with monkeypatch.context() as moved:
        moved.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def test_the_rate_limit_is_told(market: Market, on_stage: OnStage) -> None:
    """The error has the request's id, the status, the attempts, and says when to come back."""
    stage = Stage(cancel=[reply(429, retry_after="60", x_request_id="c-1")])
    with pytest.raises(RateLimitedError, match="come back in 60") as caught:
        market.cancel(on_stage(stage, market, retry=RetryPolicy.never()))
    error = caught.value
    assert (error.marketplace, error.order_id) == (market.name, str(market.order_id))
    assert (error.status, error.request_id) == (429, "c-1")
    assert [attempt.status for attempt in error.attempts] == [429]


def test_a_closed_gate_beyond_the_deadline_sends_nothing(market: Market, on_stage: OnStage) -> None:
    """The call beside the one that was limited raises at once, whatever it is."""
    stage = Stage(cancel=[reply(429, retry_after="99")])
    door = on_stage(stage, market)
    with pytest.raises(RateLimitedError):
        market.cancel(door)
    stage.now += 9.0
    for call in (market.cancel, market.read, market.wait):
        with pytest.raises(RateLimitedError) as caught:
            call(door, timeout=30.0)
        assert caught.value.retry_after == pytest.approx(90.0)
        assert caught.value.attempts == ()
    assert (len(stage.calls), stage.sleeps) == (1, [])


@table("text", [None, "0", "soon", "Mon, 02 Mar 2026 08:59:59 GMT"])
def test_a_429_without_sense_closes_the_gate_too(text: str | None, market: Market, on_stage: OnStage) -> None:
    """For as long as the marketplace recommends, or else the policy: "too many requests" is meant for every call."""
    limited = reply(429) if text is None else reply(429, retry_after=text)
    stage = Stage(cancel=[limited], read=[market.still_open])
    door = on_stage(stage, market, retry=RetryPolicy.never())
    with pytest.raises(RateLimitedError):
        market.cancel(door)
    market.read(door, timeout=100.0)
    recommended = {"vtex": 30.0, "kibo": 60.0}.get(market.name)
    assert stage.times[1] == recommended if recommended else 0 < stage.times[1] <= 8.0


@table("header, told_by", [("40", "marketplace"), (None, "policy"), ("soon", "policy")])
def test_the_rate_limit_names_who_told_the_time(
    header: str | None, told_by: str, market: Market, on_stage: OnStage
) -> None:
    """For the call that was limited, and for the next that finds the gate closed."""
    limited = reply(429) if header is None else reply(429, retry_after=header)
    stage = Stage(cancel=[limited])
    door = on_stage(stage, market, retry=RetryPolicy(attempts=1, rate_limit_pause=40.0))
    for _ in range(2):
        with pytest.raises(RateLimitedError) as caught:
            market.cancel(door, timeout=30.0)
        assert caught.value.retry_after == 40.0
        assert caught.value.retry_after_from == told_by
    assert len(stage.calls) == 1


def test_the_policys_own_pause_comes_first(market: Market, on_stage: OnStage) -> None:
    """It replaces the marketplace's recommendation, and not its Retry-After."""
    policy = RetryPolicy(rate_limit_pause=3.0)
    stage = Stage(cancel=[reply(429), reply(429, retry_after="7"), market.accepted])
    assert isinstance(market.cancel(on_stage(stage, market, retry=policy)), Requested)
    assert stage.times == pytest.approx([0.0, 3.0, 10.0], abs=1.0)
    assert stage.times[1] >= 3.0
    assert stage.times[2] >= stage.times[1] + 7.0


@table("text", ["9", "8.5", SOON])
def test_a_503_that_names_a_time_is_waited_out_before_the_order_is_read(
    text: str, market: Market, on_stage: OnStage
) -> None:
    """It may have been applied: the order is read, once, when the time is over."""
    stage = Stage(cancel=[reply(503, retry_after=text)], read=[market.cancelled])
    assert isinstance(market.cancel(on_stage(stage, market)), Cancelled)
    assert stage.kinds == ["cancel", "read"]
    assert stage.times == [0.0, pytest.approx(9.0)]


def test_a_503_that_names_a_time_beyond_the_deadline(market: Market, on_stage: OnStage) -> None:
    """Nothing more is sent, by this call or by another on the account: what became of it is not known."""
    stage = Stage(cancel=[reply(503, retry_after="99")])
    door = on_stage(stage, market)
    outcome = market.cancel(door, timeout=30.0)
    assert isinstance(outcome, Unknown)
    assert "99" in str(outcome)
    with pytest.raises(RateLimitedError) as caught:
        market.read(door, timeout=30.0)
    assert caught.value.retry_after == pytest.approx(99.0)
    assert (stage.kinds, stage.sleeps) == (["cancel"], [])


def test_a_read_that_is_answered_503_waits_as_well(market: Market, on_stage: OnStage) -> None:
    """Whatever was asked, the marketplace's time counts."""
    stage = Stage(cancel=[lost()], read=[reply(503, retry_after="5"), market.cancelled])
    assert isinstance(market.cancel(on_stage(stage, market)), Cancelled)
    assert stage.times[2] - stage.times[1] >= 5.0


def test_a_cancellation_is_not_begun_in_the_last_moment(market: Market, on_stage: OnStage) -> None:
    """Without time for its answer it would end in doubt; a read may be begun as late as that."""
    stage = Stage(cancel=[reply(429, retry_after="9")], read=[reply(429, retry_after="9"), market.still_open])
    with pytest.raises(RateLimitedError):
        market.cancel(on_stage(stage, market), timeout=10.0)
    market.read(on_stage(stage, market), timeout=10.0)
    assert stage.kinds == ["cancel", "read", "read"]


def test_a_gate_that_closes_again_meanwhile_is_waited_for_again(market: Market, on_stage: OnStage) -> None:
    """Another call on the account may get a 429 while this one waits."""

    def again(event: Event) -> None:
        if isinstance(event, WaitStarted) and stage.now == 0.0:
            getattr(door.client, market.name).rules.throttle.close(stage.now, 20.0, told=True)

    stage = Stage(cancel=[reply(429, retry_after="7"), market.accepted])
    door = on_stage(stage, market, hooks=[again])
    assert isinstance(market.cancel(door), Requested)
    assert stage.times == [0.0, 20.0]


@table("date", ["yesterday", "2026-03-02T09:00:00Z", "Mon, 02 Mar 2026 09:00:00 CET"])
def test_a_date_that_is_not_one_is_not_kept(date: str, market: Market, on_stage: OnStage) -> None:
    """A gateway may send anything."""
    stage = Stage(cancel=[market.accepted._replace(headers={"date": date})])
    assert market.cancel(on_stage(stage, market)).attempts[0].date is None
