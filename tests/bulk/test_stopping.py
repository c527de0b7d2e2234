"""Stopping a run whose calls are under way, on real sockets' terms: nothing answers."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from countermand import AsyncCountermand, Countermand, NotSentError, Unknown, Vtex
from countermand.bulk.course import Course
from countermand.engine.wire import Call, Clock, Flow, Reply, T
from countermand.sandbox import Sandbox

from .stages import KINDS, Kind, cancel, vtex_requests, vtex_sandbox

ACCOUNT = Vtex(account="a", app_key="k", app_token="t")


class Hanging:
    """An async driver that sends, and gets no answer."""

    clock = Clock(time.monotonic, time.time)

    def __init__(self, answers: int = 0) -> None:
        self.calls = 0
        self.answers = answers

    async def run(self, flow: Flow[T]) -> T:
        """Send, and wait for ever, but for the first few."""
        step = next(flow)
        assert isinstance(step, Call)
        self.calls += 1
        if self.calls <= self.answers:
            await asyncio.sleep(0.001)
            return _answered(flow, step)
        try:
            await asyncio.Event().wait()
        except BaseException as interruption:  # noqa: BLE001 - the flow raises it again
            flow.throw(interruption)
        raise AssertionError("the flow swallowed an interruption")

    async def aclose(self) -> None:
        """There is nothing to close."""


@pytest.mark.parametrize("journaled", [False, True])
def test_a_cancelled_task_leaves_nothing_behind(journaled: bool, tmp_path: Path) -> None:
    """Its calls are cancelled, and `in_flight` has the evidence of each."""
    threads = set(threading.enumerate())

    async def main() -> None:
        driver = Hanging()
        client = AsyncCountermand(ACCOUNT, http_client=driver)
        run = client.cancel_many(vtex_requests(50), journal=tmp_path / "run.db" if journaled else None)
        task = asyncio.ensure_future(anext(run))
        while driver.calls < 4:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert len(run.in_flight) == driver.calls
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert len(run.in_flight) == driver.calls
        for one in run.in_flight:
            assert isinstance(one.outcome, Unknown)
            assert one.outcome.attempts[0].what == "cancel"
        with pytest.raises(StopAsyncIteration):
            await anext(run)

    asyncio.run(main())
    assert set(threading.enumerate()) <= threads
    assert len(list(tmp_path.iterdir())) == journaled


def test_a_task_that_is_cancelled_while_its_run_ends(tmp_path: Path) -> None:
    """The journal is one file, and its thread has ended, also where the end of the run was not awaited."""
    threads = set(threading.enumerate())

    async def main() -> None:
        driver = Hanging(answers=10)
        run = AsyncCountermand(ACCOUNT, http_client=driver).cancel_many(
            vtex_requests(10), journal=tmp_path / "run.db"
        )
        for _ in range(10):
            await anext(run)
        task = asyncio.ensure_future(run.aclose())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert set(threading.enumerate()) <= threads

    asyncio.run(main())
    assert [file.name for file in tmp_path.iterdir()] == ["run.db"]


@pytest.mark.parametrize("journaled", [False, True])
def test_a_run_that_is_dropped_ends_its_tasks(journaled: bool, tmp_path: Path) -> None:
    """A `break` without `async with`: no task and no thread is left once they have had their turn."""
    threads = set(threading.enumerate())

    async def main() -> None:
        driver = Hanging(answers=1)
        client = AsyncCountermand(ACCOUNT, http_client=driver)
        journal = tmp_path / "run.db" if journaled else None
        async for _ in client.cancel_many(vtex_requests(50), journal=journal):
            break
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        assert driver.calls > 1
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for thread in set(threading.enumerate()) - threads:
            thread.join(10)
            assert not thread.is_alive()

    asyncio.run(main())
    assert len(list(tmp_path.iterdir())) == journaled


@pytest.mark.parametrize("journaled", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_closed_from_elsewhere_ends_its_iteration(
    kind: Kind, journaled: bool, tmp_path: Path
) -> None:
    """By another thread or task, while its accounts wait for the end of a 429."""
    threads = set(threading.enumerate())
    journal = tmp_path / "run.db" if journaled else None
    with Sandbox(http=True, speed=0) as sandbox:
        sandbox.world.vtex.reject_until(1000)
        if kind == "async":
            asyncio.run(_closed_by_another_task(sandbox, journal))
        else:
            run = sandbox.client().cancel_many(vtex_requests(50), journal=journal)
            consumers = [threading.Thread(target=list, args=[run], daemon=True) for _ in range(2)]
            consumers[0].start()
            while not _waits(run):
                pass
            consumers[1].start()
            run.close()
            for consumer in consumers:
                consumer.join(10)
                assert not consumer.is_alive()
            assert list(run) == []
    assert set(threading.enumerate()) <= threads
    assert len(list(tmp_path.iterdir())) == journaled


async def _closed_by_another_task(sandbox: Sandbox, journal: Path | None) -> None:
    async with sandbox.async_client() as client:
        run = client.cancel_many(vtex_requests(50), journal=journal)

        async def consume() -> None:
            async for _ in run:
                pass

        consumers = [asyncio.ensure_future(consume()) for _ in range(2)]
        while not _waits(run):  # noqa: ASYNC110
            await asyncio.sleep(0)
        await run.aclose()
        assert not (await asyncio.wait(consumers, timeout=10))[1]


def test_a_run_without_an_event_loop_of_asyncio_is_refused(tmp_path: Path) -> None:
    """Under another library's loop, such as trio's, it says what is missing, and begins no journal."""
    client = AsyncCountermand(ACCOUNT)
    with pytest.raises(NotSentError, match="needs a running event loop of asyncio"):
        anext(client.cancel_many(vtex_requests(2), journal=tmp_path / "run.db")).__await__().send(None)
    assert not list(tmp_path.iterdir())


def _waits(run: Course) -> bool:
    with suppress(RuntimeError):  # it has changed while it was copied
        return [lane.state for lane in run.progress.lanes] == ["waiting"] and not run.in_flight
    return False


def _answered(flow: Flow[T], step: Call) -> T:
    if step.method == "GET":
        order = step.target.split("/")[-1]
        body = f'{{"orderId": "{order}", "status": "canceled"}}'
    else:
        order = step.target.split("/")[-2]
        body = f'{{"date": "2026-03-02T09:00:00Z", "orderId": "{order}", "receipt": null}}'
    try:
        flow.send(Reply(200, {}, body.encode()))
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it asks again")


class Instant:
    """A blocking driver that answers at once."""

    clock = Clock(time.monotonic, time.time)

    def run(self, flow: Flow[T]) -> T:
        """Answer each request as VTEX does."""
        step = next(flow)
        assert isinstance(step, Call)
        return _answered(flow, step)

    def close(self) -> None:
        """There is nothing to close."""


class Answering:
    """A blocking driver that answers when it is let."""

    clock = Clock(time.monotonic, time.time)

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.calls = 0

    def run(self, flow: Flow[T]) -> T:
        """Answer each request as VTEX does, the first one at once."""
        step = next(flow)
        assert isinstance(step, Call)
        self.calls += 1
        if self.calls > 1:
            assert self.go_on.wait(30)
        return _answered(flow, step)

    def close(self) -> None:
        """There is nothing to close."""


@pytest.mark.parametrize("dropped", [False, True])
def test_blocking_calls_that_are_under_way_are_waited_for(dropped: bool, tmp_path: Path) -> None:
    """Closed, or dropped after a `break`: no thread is left, and what came back is in the journal."""
    threads = set(threading.enumerate())
    driver = Answering()
    client = Countermand(ACCOUNT, http_client=driver)
    run = client.cancel_many(vtex_requests(50), journal=tmp_path / "run.db")
    next(run)
    threading.Timer(0.0, driver.go_on.set).start()
    if dropped:
        under_way: Any = ()
        del run
        gc.collect()
    else:
        run.close()
        under_way = run.in_flight
        assert all(one.outcome is not None for one in under_way)
    _wait_for(threads)
    sent = driver.calls
    again = list(client.cancel_many(vtex_requests(50), journal=tmp_path / "run.db"))
    assert sum(one.replayed for one in again) == sent
    assert driver.calls == 50


@pytest.mark.parametrize("strikes_at", [1, 2, 3, 5, 8, 13])
def test_an_interruption_that_strikes_between_two_steps(
    strikes_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between taking an event and telling the run of it: the run ends, and the next one loses nothing."""
    client = Countermand(ACCOUNT, http_client=Instant())
    told, count = Course._told, iter(range(1, 1000))

    def interrupted(course: Course, event: Any) -> None:
        if next(count) == strikes_at:
            raise KeyboardInterrupt
        told(course, event)

    threads = set(threading.enumerate())
    with monkeypatch.context() as patch:
        patch.setattr(Course, "_told", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(client.cancel_many(vtex_requests(50), journal=tmp_path / "run.db"))
    assert set(threading.enumerate()) <= threads
    results = list(client.cancel_many(vtex_requests(50), journal=tmp_path / "run.db"))
    assert sorted(result.row for result in results) == list(range(50))
    assert all(result.outcome is not None for result in results)


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_is_closed_with_its_run(kind: Kind) -> None:
    """It may hold a file, or a connection to a database."""
    closed: list[str] = []

    def rows() -> Iterator[Any]:
        try:
            yield from vtex_requests(50)
        finally:
            closed.append("rows")

    with vtex_sandbox(50) as sandbox:
        given = rows()
        cancel(kind, sandbox, given, until=lambda _: True)
        assert closed == ["rows"]


def test_an_async_generator_is_closed_with_its_run() -> None:
    """Before `async with` has ended, and with it what it holds."""
    closed: list[str] = []

    async def rows() -> AsyncIterator[Any]:
        try:
            for request in vtex_requests(50):
                yield request
        finally:
            await asyncio.sleep(0)
            closed.append("rows")

    async def main(sandbox: Sandbox) -> None:
        given = rows()
        async with sandbox.async_client() as client, client.cancel_many(given) as run:
            await anext(run)
        assert closed == ["rows"]

    with vtex_sandbox(50) as sandbox:
        asyncio.run(main(sandbox))


def test_following_that_is_stopped_ends_the_run_that_it_follows() -> None:
    """`settle_many(cancel_many(…))`: nobody else would end its threads."""
    threads = set(threading.enumerate())
    driver = Answering()
    client = Countermand(ACCOUNT, http_client=driver)
    driver.go_on.set()
    run = client.cancel_many(vtex_requests(50))
    with client.settle_many(run, timeout=30) as settled:
        next(settled)
    assert set(threading.enumerate()) <= threads
    with pytest.raises(StopIteration):
        next(run)


def test_async_following_that_is_stopped_ends_the_run_that_it_follows() -> None:
    """No task of either is left."""

    async def main() -> None:
        client = AsyncCountermand(ACCOUNT, http_client=Hanging(answers=1))
        run = client.cancel_many([*vtex_requests(50)])
        await anext(run)
        async with client.settle_many(run, timeout=30):
            pass
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(StopAsyncIteration):
            await anext(run)

    asyncio.run(main())


_LEFT_OPEN = """
import json, threading, time
from countermand import CancelVtexOrder, Countermand, Vtex
from countermand.engine.wire import Clock, Reply

class Instant:
    clock = Clock(time.monotonic, time.time)
    def run(self, flow):
        order = next(flow).target.split("/")[-2]
        try:
            said = {"date": "2026-03-02T09:00:00Z", "orderId": order, "receipt": None}
            flow.send(Reply(200, {}, json.dumps(said).encode()))
        except StopIteration as end:
            return end.value
    def close(self):
        pass

requests = (CancelVtexOrder(f"{number:013d}-01") for number in range(1000))
client = Countermand(Vtex(account="a", app_key="k", app_token="t"), http_client=Instant())
run = client.cancel_many(requests, journal="run.db")
for _ in run:
    break
"""


def test_a_program_may_end_with_a_run_that_is_open(tmp_path: Path) -> None:
    """It is closed at the program's end, which does not wait for threads that are gone."""
    command = [sys.executable, "-W", "error", "-c", _LEFT_OPEN]
    ended = subprocess.run(command, cwd=tmp_path, timeout=60, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["run.db"]


def _wait_for(threads: set[threading.Thread]) -> None:
    for thread in set(threading.enumerate()) - threads:
        assert isinstance(thread, threading.Timer), thread  # of the test itself
        thread.join()
