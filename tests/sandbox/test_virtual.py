"""Virtual time: clients wait, nobody else does."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, current_thread
from typing import Any

import pytest

from countermand import (
    CallStarted,
    Cancelled,
    NotSentError,
    RateLimitedError,
    Refused,
    Requested,
    Unknown,
    evidence_of,
)
from countermand.sandbox import LoseReply, RateLimited, Sandbox
from countermand.sandbox.world import EPOCH
from countermand.transport import open_async_driver
from tests.support.doors import Door, Kind

ACCEPTED = "1172452900788-01"
DENIED = "1172452900789-01"
UNDECIDED = "1172452900790-01"


@pytest.fixture(autouse=True)
def nobody_really_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test in which anything but the server waits in real time."""
    pause, blocking_pause = asyncio.sleep, time.sleep

    def check(seconds: float) -> None:
        assert not seconds or current_thread().name == "countermand-sandbox", "a call waits in real time"

    async def sleep(seconds: float) -> None:
        check(seconds)
        await pause(seconds)

    def blocking_sleep(seconds: float) -> None:
        check(seconds)
        blocking_pause(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(time, "sleep", blocking_sleep)


@pytest.fixture(params=[False, True], ids=["in memory", "over HTTP"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Give a sandbox in virtual time."""
    with Sandbox(time="virtual", http=request.param) as sandbox:
        yield sandbox


@pytest.fixture
def door(sandbox: Sandbox, kind: Kind) -> Iterator[Door]:
    """Give a client of each kind."""
    with Door.to(kind, sandbox.async_client() if kind == "async" else sandbox.client()) as door:
        yield door


def passed(sandbox: Sandbox) -> float:
    """Return the seconds of the world's time since the beginning."""
    return (sandbox.world.now - EPOCH).total_seconds()


async def arrived(sandbox: Sandbox, requests: int) -> None:
    """Let tasks go on until so many requests have arrived."""
    for _ in range(100):
        if len(sandbox.requests) >= requests:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"only {len(sandbox.requests)} requests have arrived")


def test_a_wait_of_ten_minutes_passes_at_once(sandbox: Sandbox, door: Door) -> None:
    """A client that waits for a seller who never decides gives up when its time is over, in the world's time."""
    door.do("vtex", "cancel_order", UNDECIDED)
    outcome = door.do("vtex", "wait_until_settled", UNDECIDED, timeout=600)
    assert isinstance(outcome, Requested)
    assert 595 < passed(sandbox) <= 600
    assert len(sandbox.requests) > 10


def test_a_retry_after_is_waited_out(sandbox: Sandbox, door: Door) -> None:
    """The gate opens when the world's time says so, and the attempts say when they were made."""
    sandbox.mishap("vtex", RateLimited(300))
    outcome = door.do("vtex", "cancel_order", ACCEPTED, timeout=400)
    assert isinstance(outcome, Requested)
    first, second = outcome.attempts
    assert first.at == EPOCH
    assert (second.at - first.at).total_seconds() >= 300


def test_things_happen_while_a_client_waits(sandbox: Sandbox, door: Door) -> None:
    """The seller decides after five seconds, and whoever waits sees it soon after."""
    door.do("vtex", "cancel_order", DENIED)
    assert isinstance(door.do("vtex", "wait_until_settled", DENIED), Refused)
    assert 5 <= passed(sandbox) < 10


def test_a_lost_reply_is_a_doubt(sandbox: Sandbox, door: Door) -> None:
    """The request counts as sent, and the order is read."""
    sandbox.mishap("kibo", LoseReply())
    outcome = door.do("kibo", "cancel_order", 1010101, "other")
    assert isinstance(outcome, Cancelled)
    assert [(attempt.what, attempt.sent) for attempt in outcome.attempts] == [
        ("cancel", True),
        ("read", True),
    ]


def test_advance_moves_the_clients_too(sandbox: Sandbox, door: Door) -> None:
    """A gate that was closed for longer than a call may take is open after `advance`."""
    sandbox.mishap("kibo", RateLimited(300))
    with pytest.raises(RateLimitedError):
        door.do("kibo", "cancel_order", 1010101, "other", timeout=30)
    sandbox.advance(301)
    assert isinstance(door.do("kibo", "cancel_order", 1010101, "other", timeout=30), Cancelled)
    assert passed(sandbox) == 301


def test_nothing_moves_while_nobody_waits(sandbox: Sandbox, door: Door) -> None:
    """Calls that need not wait take no time at all."""
    for order_id in (ACCEPTED, DENIED, UNDECIDED):
        door.do("vtex", "cancel_order", order_id)
    assert passed(sandbox) == 0


def test_a_closed_client_sends_nothing(sandbox: Sandbox, door: Door) -> None:
    """As in real time."""
    door.close()
    with pytest.raises(NotSentError, match="closed"):
        door.do("vtex", "cancel_order", ACCEPTED)
    assert not sandbox.requests


def test_the_sandbox_closes_its_clients(kind: Kind) -> None:
    """In memory, without a loop."""
    with Sandbox(time="virtual") as sandbox:
        client: Any = sandbox.async_client() if kind == "async" else sandbox.client()
    with pytest.raises(NotSentError, match="closed"), Door.to(kind, client) as door:
        door.do("vtex", "cancel_order", ACCEPTED)


# --- several at once ---------------------------------------------------------------------------------------------------


def test_calls_at_once_wait_at_the_same_time(sandbox: Sandbox) -> None:
    """Time moves to the earliest waiter, so that each call sees what happens in its order and waits overlap."""
    ended: dict[str, float] = {}

    async def settle(client: Any, order_id: str, timeout: float) -> Any:
        await client.vtex.cancel_order(order_id)
        outcome = await client.vtex.wait_until_settled(order_id, timeout=timeout)
        ended[order_id] = passed(sandbox)
        return outcome

    async def story() -> Any:
        async with sandbox.async_client() as client:
            return await asyncio.gather(
                settle(client, UNDECIDED, 600), settle(client, ACCEPTED, 600), settle(client, DENIED, 50)
            )

    first, second, third = asyncio.run(story())
    assert (type(first), type(second), type(third)) == (Requested, Cancelled, Refused)
    assert 5 <= ended[ACCEPTED] == ended[DENIED] < 10
    assert 595 < ended[UNDECIDED] <= 600


def test_a_call_that_begins_later_is_waited_for() -> None:
    """A task that waits for a semaphore, or is made by another task, is about to call: time stands still for it."""
    began: list[float] = []

    async def story(sandbox: Sandbox) -> None:
        client, permits = sandbox.async_client(), asyncio.Semaphore(1)

        async def nested(order_id: str) -> None:
            async with permits:
                began.append(passed(sandbox))
                await client.vtex.cancel_order(order_id)

        async def waits() -> None:
            await client.vtex.wait_until_settled(UNDECIDED, timeout=600)

        async def outer() -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(10):
                    group.create_task(nested(f"order-{number}"))

        await asyncio.gather(waits(), outer())

    with Sandbox(time="virtual") as sandbox:
        for number in range(10):
            sandbox.world.vtex.add_order(f"order-{number}")
        asyncio.run(story(sandbox))
    assert began == [0.0] * 10


def test_time_stands_still_while_a_request_is_on_its_way() -> None:
    """However long it takes, and although another call had been waiting before it began."""

    class Slow:
        """A driver that takes many turns of the event loop for each request."""

        def __init__(self, inner: Any) -> None:
            self.clock, self._inner = inner.clock, inner

        async def run(self, flow: Any) -> Any:
            for _ in range(50):
                await asyncio.sleep(0)
            return await self._inner.run(flow)

        async def aclose(self) -> None:
            """Nothing was opened."""

    async def story(sandbox: Sandbox) -> float:
        slow = sandbox.async_client(http_client=Slow(open_async_driver(sandbox._async_http_client())))
        waiting = asyncio.ensure_future(
            sandbox.async_client().vtex.wait_until_settled(UNDECIDED, timeout=600)
        )
        await arrived(sandbox, 1)
        await asyncio.sleep(0)
        await slow.vtex.cancel_order(ACCEPTED)
        when = passed(sandbox)
        await waiting
        return when

    with Sandbox(time="virtual") as sandbox:
        assert asyncio.run(story(sandbox)) == 0


def test_a_cancelled_task_leaves_the_others_waiting() -> None:
    """The task that is cancelled while it waits takes its evidence along; the others go on."""

    async def story(sandbox: Sandbox) -> tuple[BaseException | None, Any]:
        client = sandbox.async_client()
        sandbox.mishap("vtex", LoseReply(applied=False))
        doomed = asyncio.ensure_future(client.vtex.cancel_order(UNDECIDED, timeout=600))
        other = asyncio.ensure_future(client.crux.wait_until_settled("521a91e5-058d-4474-aeee-f0c148594a02"))
        await arrived(sandbox, 3)
        await asyncio.sleep(0)  # both wait now
        assert passed(sandbox) == 0
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await doomed
        return caught.value, await other

    with Sandbox(time="virtual") as sandbox:
        error, outcome = asyncio.run(story(sandbox))
        assert isinstance(evidence_of(error), Unknown)
        assert isinstance(outcome, Unknown)
        assert 595 < passed(sandbox) <= 600


def test_a_task_that_is_cancelled_before_its_request_leaves_has_no_evidence() -> None:
    """Nothing was sent, and nothing is claimed to have been."""

    async def story(sandbox: Sandbox) -> BaseException:
        task = asyncio.ensure_future(sandbox.async_client().vtex.cancel_order(ACCEPTED))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    with Sandbox(time="virtual") as sandbox:
        assert evidence_of(asyncio.run(story(sandbox))) is None
        assert not sandbox.requests


def test_a_blocking_call_among_tasks_does_not_hang() -> None:
    """It blocks its event loop, as it does in real time; the tasks go on later."""

    async def story(sandbox: Sandbox) -> tuple[Any, Any]:
        task = asyncio.ensure_future(sandbox.async_client().vtex.wait_until_settled(UNDECIDED, timeout=100))
        await arrived(sandbox, 1)
        blocking = sandbox.client().vtex.wait_until_settled(UNDECIDED, timeout=600)
        return blocking, await task

    with Sandbox(time="virtual") as sandbox:
        assert [type(outcome) for outcome in asyncio.run(story(sandbox))] == [Unknown, Unknown]


@pytest.mark.parametrize("turns", range(1, 6))
def test_a_loop_that_stands_still_holds_nobody_up(turns: int) -> None:
    """Blocking calls do not wait for the calls of a loop that is not running now, whatever those are at."""

    async def begin(sandbox: Sandbox) -> asyncio.Task[Any]:
        client = sandbox.async_client()
        task = asyncio.ensure_future(client.vtex.wait_until_settled(UNDECIDED, timeout=100))
        for _ in range(turns):
            await asyncio.sleep(0)
        return task

    async def end(task: asyncio.Task[Any]) -> Any:
        return await task

    with Sandbox(time="virtual") as sandbox, asyncio.Runner() as runner:
        task = runner.run(begin(sandbox))
        assert isinstance(sandbox.client().vtex.wait_until_settled(UNDECIDED, timeout=600), Unknown)
        assert isinstance(runner.run(end(task)), Unknown)


def test_threads_wait_at_the_same_time() -> None:
    """Calls of several threads that are in progress together wait together."""
    together = Barrier(3)

    def meet(event: object) -> None:
        if isinstance(event, CallStarted):
            together.wait(timeout=30)

    def settle(client: Any, order_id: str) -> Any:
        client.vtex.cancel_order(order_id)
        return client.vtex.wait_until_settled(order_id, timeout=600)

    with Sandbox(time="virtual") as sandbox, ThreadPoolExecutor(3) as pool:
        client = sandbox.client(hooks=[meet])
        outcomes = list(pool.map(settle, [client] * 3, [UNDECIDED, ACCEPTED, DENIED]))
        assert [type(outcome) for outcome in outcomes] == [Requested, Cancelled, Refused]
        assert 595 < passed(sandbox) <= 600


def test_threads_and_tasks_wait_together() -> None:
    """A blocking client in a worker thread beside a client on the event loop."""

    async def story(sandbox: Sandbox) -> Any:
        blocking, client = sandbox.client(), sandbox.async_client()
        return await asyncio.gather(
            client.vtex.wait_until_settled(UNDECIDED, timeout=600),
            asyncio.to_thread(blocking.crux.wait_until_settled, "521a91e5-058d-4474-aeee-f0c148594a02"),
        )

    with Sandbox(time="virtual") as sandbox:
        outcomes = asyncio.run(story(sandbox))
        assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown]


def test_ctrl_c_ends_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes, and the sandbox can be used afterwards."""

    def interrupted(self: object, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    with Sandbox(time="virtual") as sandbox:
        client = sandbox.client()
        client.vtex.cancel_order(UNDECIDED)
        with monkeypatch.context() as patch:
            patch.setattr(Event, "wait", interrupted)
            with pytest.raises(KeyboardInterrupt):
                client.vtex.wait_until_settled(UNDECIDED)
        assert isinstance(client.vtex.wait_until_settled(UNDECIDED, timeout=600), Requested)
