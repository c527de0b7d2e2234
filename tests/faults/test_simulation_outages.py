"""What an outage costs, and what one 429 does to fifty calls at once, in virtual time."""

import asyncio

import pytest

from countermand import AsyncCountermand, Cancelled, Kibo, Unknown, evidence_of
from countermand.sandbox.world import World

from .cases import DOORS, Door, ask
from .network import FAIR, Network, Trouble
from .outages import at_once, in_a_row, interrupted, one_call, outage
from .scenes import MARKETPLACES, plain
from .virtual import AsyncVirtualDriver, Interruption, Schedule, VirtualClock

everywhere = pytest.mark.parametrize("marketplace", MARKETPLACES)


@everywhere
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("pause", [None, "1", "5", "60", "soon"])
def test_one_call_makes_at_most_four_requests(marketplace: str, status: int, pause: str | None) -> None:
    """With default settings and nothing but 429 or 503, settling reads included."""
    for seed in range(5):
        assert one_call(marketplace, outage(status, pause), seed).total() <= 4


@everywhere
@pytest.mark.parametrize("status", [429, 503])
def test_an_outage_is_not_answered_with_a_multiple(marketplace: str, status: int) -> None:
    """A thousand calls in a row on one account: the retry budget runs out, and calls stop trying twice."""
    requests = in_a_row(marketplace, outage(status), 1000)
    assert requests["cancel"] <= 1200
    assert requests["read"] <= 1200


@everywhere
@pytest.mark.parametrize("seed", range(5))
def test_one_429_closes_the_gate_for_fifty_calls(marketplace: str, seed: int) -> None:
    """Beyond the requests that are in flight, none reaches the account before Retry-After is over."""
    beyond, made = at_once(marketplace, 50, seed)
    assert beyond == 0
    assert made == 51


@everywhere
@pytest.mark.parametrize("door", DOORS)
def test_an_interruption_keeps_the_evidence_at_every_instant(marketplace: str, door: Door) -> None:
    """However far a call has come, an interruption carries every request that was made."""
    lost = Trouble("reply lost", loses="the connection broke")
    for step in range(60):
        error, network = interrupted(marketplace, door, 0.05 * step, lost)
        evidence = evidence_of(error)
        if error is None or isinstance(error, Exception) or not network.passages:
            continue
        assert isinstance(evidence, Unknown)
        assert len(evidence.attempts) == len(network.passages)


def test_an_interrupted_call_leaves_the_others_alone() -> None:
    """Of ten calls at once, one is cancelled: nine get their answer."""
    world = World()
    scene = plain(world, "kibo")
    network = Network(world)
    client = AsyncCountermand(**scene.settings, http_client=AsyncVirtualDriver(network))
    schedule = Schedule(network.clock)

    async def call() -> object:
        return await ask(client, scene)

    tasks = [schedule.spawn(call(), 0.01 * number) for number in range(10)]
    schedule.interrupt(tasks[3], Interruption(network.clock.now + 0.035, KeyboardInterrupt))
    schedule.run()
    assert isinstance(tasks[3].error, KeyboardInterrupt)
    assert tasks[3].ended == pytest.approx(network.clock.now, abs=1)
    others = [task.result for task in tasks if task is not tasks[3]]
    assert [type(result) for result in others] == [Cancelled] * 9


def test_an_interruption_keeps_the_evidence_while_another_call_fetches_the_token() -> None:
    """One call's cancel is unclear, and its read needs a token that another call is fetching just then."""
    world = World()
    scene = plain(world, "kibo")
    refused = outage(401)
    course = {
        1: Trouble("reply lost", loses="the connection broke"),  # the first call's cancel
        2: Trouble("401", lands=False, alters=refused.alters, slow=1.0),  # its read, while …
        3: refused,  # … the second call's cancel has had its 401 already, and …
        4: Trouble("silence", stalls=True),  # … waits for its login
    }
    network = Network(world, 0, lambda passage: course.get(passage.number, FAIR))
    settings = Kibo(
        tenant_id=world.kibo.tenant_id,
        client_id=world.kibo.client_id,
        client_secret=world.kibo.client_secret,
        base_url=f"{network.origin}/kibo",
        auth_url=f"{network.origin}/kibo",
    )
    client = AsyncCountermand(kibo=settings, http_client=AsyncVirtualDriver(network))
    schedule = Schedule(network.clock)

    async def call() -> object:
        return await ask(client, scene)

    first, second = schedule.spawn(call()), schedule.spawn(call(), 1.0)
    schedule.interrupt(first, Interruption(network.clock.now + 3.0, asyncio.CancelledError))
    schedule.run()
    evidence = evidence_of(first.error)
    assert isinstance(evidence, Unknown)
    assert [attempt.what for attempt in evidence.attempts] == ["login", "cancel", "read"]
    assert isinstance(second.result, Cancelled)


def test_the_clock_never_goes_back() -> None:
    """Only the wall clock can be set; the monotonic one moves on."""
    clock = VirtualClock(start=5.0, wall=100.0)
    clock.jump(7.0, -3600.0)
    clock.move_to(6.0)
    assert (clock.monotonic(), clock.wall()) == (6.0, 101.0)
    clock.move_to(8.0)
    assert (clock.monotonic(), clock.wall()) == (8.0, 103.0 - 3600.0)
    clock.move_to(2.0)
    assert clock.monotonic() == 8.0
