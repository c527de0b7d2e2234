"""The sweep, in a bounded slice, always the same one, and the awkward cases told one by one."""

import asyncio

import pytest

from countermand import (
    Cancelled,
    OrderNotFoundError,
    Outcome,
    RateLimitedError,
    Refused,
    Requested,
    Unknown,
    evidence_of,
)

from . import bodies
from .cases import DOORS, Door, play
from .network import Trouble
from .replay import main as replay
from .replay import story
from .scenes import MARKETPLACES
from .simulate import sweep
from .stories import REPLY_LOST, REQUEST_LOST, Story, answered, lands_late

REPEATABLE = ("pattern", "vtex", "kibo")

both_doors = pytest.mark.parametrize("door", DOORS)
everywhere = pytest.mark.parametrize("marketplace", MARKETPLACES)


@pytest.mark.long
def test_no_case_of_a_slice_is_wrong() -> None:
    """No word against the ledger, no needless Unknown, no wait past the deadline, and so on."""
    first = 1_413_000
    tally = sweep(range(first, first + 500))
    assert not tally.stories, [f"make replay SEED={seed}: {wrong.text}" for seed, wrong in tally.stories[:20]]
    again = f"make simulate ARGS='--brief --seed {first} --cases 500'"
    assert tally.cancellations == 1_000, again
    assert tally.looks > 500, again


@pytest.mark.parametrize("seed", range(8))
def test_a_seed_tells_the_same_story_every_time(seed: int) -> None:
    """Nothing of a case depends on anything but its seed."""
    assert list(story(play(seed, "sync"))) == list(story(play(seed, "sync")))


def test_replay_tells_a_story(capsys: pytest.CaptureFixture[str]) -> None:
    """`make replay SEED=…` prints the calls, the faults, the ledger and the outcome."""
    assert replay(["36"]) == 0
    told = capsys.readouterr().out
    for part in (
        "seed 36",
        "->  #0 cancel: POST /pattern/",
        "ledger",
        "in the end: ",
        "evidence of the cancel: ",
    ):
        assert part in told


@everywhere
@both_doors
def test_a_lost_reply_is_settled_by_reading(marketplace: str, door: Door) -> None:
    """Applied but the reply was lost: the order itself tells, and no second request is needed."""
    story = Story(marketplace, REPLY_LOST, door=door, **_at_once(marketplace))
    assert isinstance(story.cancel(), Cancelled | Requested)
    assert story.sent[:2] == ["cancel", "read"]
    assert story.sent.count("cancel") == 1
    assert story.truth().accepted


@pytest.mark.parametrize("status", [404, 409, 422])
@pytest.mark.parametrize("marketplace", ["pattern", "kibo"])  # at VTEX a hidden order is not asked for again
@both_doors
def test_what_the_first_attempt_caused_is_not_the_verdict(marketplace: str, status: int, door: Door) -> None:
    """Applied but the reply was lost, the read fails, and the second attempt gets a 4xx: that is only a hint."""
    second = answered(status, b'{"errors":["it is gone"]}')
    story = Story(marketplace, REPLY_LOST, answered(403), second, door=door, **_at_once(marketplace))
    assert isinstance(story.cancel(), Cancelled | Requested)
    assert story.sent == ["cancel", "read", "cancel", "read"]
    assert story.truth().accepted


@pytest.mark.parametrize("marketplace", REPEATABLE)
@both_doors
def test_the_same_4xx_on_a_clean_attempt_is_raised(marketplace: str, door: Door) -> None:
    """With nothing unclear before it, 404 in the marketplace's own shape means what it says."""
    with pytest.raises(OrderNotFoundError):
        Story(marketplace, answered(404, b'{"errors":["it is gone"]}'), door=door).cancel()


@everywhere
@both_doors
def test_the_first_attempt_lands_after_the_read_said_open(marketplace: str, door: Door) -> None:
    """The read says "open", and then the first attempt lands: whatever is answered is still true."""
    story = Story(marketplace, lands_late(6.0), door=door, **_at_once(marketplace))
    outcome = story.cancel()
    assert isinstance(outcome, Cancelled | Requested)
    # VTEX is given ten seconds: by then the first has landed, and shows.
    assert story.sent.count("cancel") == (1 if marketplace in ("crux", "vtex") else 2)
    assert story.truth().accepted


@pytest.mark.parametrize("shows_after", [0.0, 5.0, 9.0])
@both_doors
def test_a_second_cancel_at_vtex_is_not_sent_over_the_sellers_head(shows_after: float, door: Door) -> None:
    """The reply is lost, and reads do not show the request yet: it is waited for, and the seller decides."""
    story = Story(
        "vtex",
        REPLY_LOST,
        seller="silent",
        waits_in="cancellation-requested",
        shows_after=shows_after,
        door=door,
    )
    outcome = story.cancel()
    assert isinstance(outcome, Requested)
    assert outcome.status == "cancellation-requested"
    assert story.sent.count("cancel") == 1
    story.truth()
    assert "overruled" not in {entry.what for entry in story.world.ledger}


@both_doors
def test_a_crux_cancel_is_not_forwarded_twice(door: Door) -> None:
    """At Crux an unclear cancel is never sent again, even where no read can settle it."""
    story = Story("crux", REPLY_LOST, suppliers="silent", door=door)
    assert isinstance(story.cancel(), Unknown)
    assert story.sent.count("cancel") == 1
    assert story.truth().forwarded == 1


UNHELPFUL_READS = {
    "stale": Trouble("stale read", stale=5),
    "403": answered(403),
    "404": answered(404),
    "429": answered(429, retry_after="1"),
    "of another id": Trouble("another id", alters=bodies.body(bodies.about_another_id)),
    "a page with 200": answered(200, bodies.HTML),
    "lost": REPLY_LOST,
}


@pytest.mark.parametrize("read", UNHELPFUL_READS.values(), ids=UNHELPFUL_READS)
@everywhere
@both_doors
def test_a_read_that_does_not_help(marketplace: str, read: Trouble, door: Door) -> None:
    """Stale, refused, limited, or about another order: such a read decides nothing, and the next one may."""
    story = Story(marketplace, REPLY_LOST, read, door=door, **_at_once(marketplace))
    outcome = story.cancel()
    assert isinstance(outcome, Cancelled | Requested)
    assert outcome.order_id == str(story.scene.order_id)
    assert story.truth().accepted


@everywhere
@both_doors
def test_a_read_of_another_order(marketplace: str, door: Door) -> None:
    """Another order, whole, well-formed and final: it says nothing about ours."""
    story = Story(marketplace, REQUEST_LOST, door=door)
    scene = story.scene
    mixed_up = bodies.about_another_order(story.world, str(scene.order_id), str(scene.other_id))
    story.then(*[Trouble("another order", alters=mixed_up)] * 3)
    gone, part = {
        "pattern": ("departed", 1001),
        "vtex": ("invoiced", ""),
        "crux": ("HasTracking", "line-1"),
    }.get(marketplace, ("SHIPPED", ""))
    story.world.simulator(marketplace).move(scene.other_id, gone, part=part)
    outcome = story.cancel()
    assert not isinstance(outcome, Refused)
    assert story.sent[1] == "read"
    assert outcome.order_id == str(scene.order_id)


@pytest.mark.parametrize("stuck_in", ["cancel", "request-cancel"])
@both_doors
def test_a_vtex_order_that_is_stuck(stuck_in: str, door: Door) -> None:
    """An order stuck in `cancel` or `request-cancel` is `Requested` for ever, and the wait has an end."""
    story = Story("vtex", REPLY_LOST, seller="silent", waits_in=stuck_in, door=door)
    assert _status(story.cancel()) == stuck_in
    before = story.took
    assert _status(story.wait(timeout=600)) == stuck_in
    assert story.took - before <= 600


@both_doors
def test_a_vtex_order_that_lost_the_race_against_its_invoice(door: Door) -> None:
    """Cancel and invoice within moments of each other: in error for ever, and said so."""
    story = Story("vtex", seller="stuck", door=door)
    assert isinstance(story.cancel(), Requested)
    assert _status(story.wait(timeout=60)) == "request-cancel"


@both_doors
def test_a_supplier_who_rejects_an_hour_later(door: Door) -> None:
    """`Requested` promises nothing: an hour later the supplier has shipped instead."""
    story = Story("crux", suppliers="ship", decides_after=3600.0, door=door)
    assert isinstance(story.cancel(), Requested)
    outcome = story.wait(timeout=7200)
    assert isinstance(outcome, Refused)
    assert [part.status for part in outcome.refused] == ["HasTracking"]
    assert story.truth().eventually == "none"


@both_doors
def test_the_deadline_ends_while_waiting(door: Door) -> None:
    """Silence and open reads until the deadline: `Unknown` by then, with every attempt as evidence."""
    story = Story("crux", REQUEST_LOST, door=door)
    outcome = story.cancel()
    assert isinstance(outcome, Unknown)
    assert story.took <= 30
    assert len(outcome.attempts) == len(story.sent)


@everywhere
@both_doors
def test_a_pause_beyond_the_deadline_is_not_waited_for(marketplace: str, door: Door) -> None:
    """429 for an hour: raised at once with the time to come back, and the next call sends nothing."""
    story = Story(marketplace, answered(429, retry_after="3600"), door=door)
    for _ in range(2):
        with pytest.raises(RateLimitedError) as caught:
            story.cancel()
        assert caught.value.retry_after == pytest.approx(3600, abs=1)
    assert story.sent == ["cancel"]
    assert not story.truth().accepted


@everywhere
@both_doors
@pytest.mark.parametrize("after", [0.02, 0.8])
def test_an_interruption_keeps_the_evidence(marketplace: str, after: float, door: Door) -> None:
    """Ctrl-C, or a cancelled task, after the bytes went out: evidence on the exception, and a client that works."""
    silence = Trouble("silence", stalls=True)
    story = Story(marketplace, silence, door=door, interrupted_after=after)
    with pytest.raises((KeyboardInterrupt, asyncio.CancelledError)) as caught:
        story.cancel()
    evidence = evidence_of(caught.value)
    assert isinstance(evidence, Unknown)
    assert [attempt.what for attempt in evidence.attempts] == ["cancel"]
    assert isinstance(story.cancel(), Cancelled | Requested)
    assert story.truth().accepted


@both_doors
@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_the_wall_clock_jumps_by_an_hour(jump: float, door: Door) -> None:
    """Deadlines and pauses do not look at the wall: a date in Retry-After is taken against the reply's own."""
    date, until = "Mon, 02 Mar 2026 09:00:00 GMT", "Mon, 02 Mar 2026 09:00:04 GMT"
    story = Story("kibo", answered(429, retry_after=until, date=date), door=door)
    story.clock.jump(story.clock.now + 0.01, jump)
    assert isinstance(story.cancel(), Cancelled)
    assert 4 <= story.took < 5
    assert story.sent == ["cancel", "cancel"]


def _at_once(marketplace: str) -> dict[str, float]:
    """Have the order cancelled soon after it was asked for, so that a read can show it."""
    return {"pattern": {"cancels_after": 0.0}, "crux": {"decides_after": 0.0}}.get(marketplace, {})


def _status(outcome: Outcome[object]) -> str | None:
    assert isinstance(outcome, Requested)
    return outcome.status
