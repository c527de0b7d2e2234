"""Bulk runs on asyncio: the consumer's task decides, tasks make the calls."""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from ..transport.loops import running_loop
from .course import Course, Returned, flow_of, is_ours_to_close, pausing
from .lane import Ticket
from .records import Event
from .results import Accounts, BulkResult
from .steps import End, Give, Read, Send, Step, Store, Wait


class AsyncCancelMany(Course):
    """The results of `cancel_many` or `settle_many`, as they complete.

        async with client.cancel_many(requests, journal="run.db") as results:
            async for result in results:
                print(result.request, result.outcome or result.error)

    An async iterator and context manager. Leaving it early stops the run; `in_flight` then lists the calls in progress.
    """

    def __init__(
        self,
        accounts: Accounts,
        requests: Iterable[Any] | AsyncIterable[Any],
        concurrency: int,
        journal: str | Path | None = None,
        follow_for: float | None = None,
    ) -> None:
        super().__init__(accounts, concurrency, journal, follow_for)
        self._input: Iterator[Any] | None = None
        self._async_input: AsyncIterator[Any] | None = None
        if isinstance(requests, AsyncIterable):
            self._async_input = aiter(requests)
        else:
            self._input = iter(requests)
        self._inbox = _Inbox()
        self._tasks: set[asyncio.Task[None]] = set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BulkResult:
        if self._closed:
            raise StopAsyncIteration
        step: Step = End()
        self._run.received()
        try:
            self._begin()
            while not self._closed:  # another task may close it
                self._take_events()
                step = self._run.step()
                if isinstance(step, Give):
                    return step.result
                if isinstance(step, End):
                    break
                await self._do(step)
        except BaseException:
            await self._end()
            raise
        if not self._closed:
            await self._end()
        if isinstance(step, End) and step.error is not None:
            raise step.error
        raise StopAsyncIteration

    def _begin(self) -> None:
        if not self._begun:
            self._loop = self._inbox.loop = running_loop()
            self._open_journal(self._inbox.tell_from_thread)

    async def _do(self, step: Step) -> None:
        match step:
            case Send(ticket):
                task = self._spawn(_call(self._driver, self._inbox, ticket))
                task.add_done_callback(partial(_ended, self._inbox, ticket))
            case Store(ops):
                self._store(ops)
            case Read():
                self._read()
            case Wait(until):
                await self._wait(until)
            case _:
                raise AssertionError(step)

    def _read(self) -> None:
        if self._async_input is not None:
            self._spawn(_read_later(self._inbox, self._async_input))
            return
        assert self._input is not None
        self._read_from(self._input)

    async def _wait(self, until: float | None) -> None:
        delay = None if until is None else until - self._clock.monotonic()
        if delay is not None and delay <= 0:
            await asyncio.sleep(0)
            return
        timer: asyncio.TimerHandle | asyncio.Task[None] | None = None
        if delay is not None and self._time_is_real:
            timer = self._loop.call_later(delay, self._inbox.woken.set)
        elif delay is not None and not self._run.awaits_journal:
            timer = self._spawn(_let_pass(self._driver, self._inbox, delay))
        try:
            await self._inbox.woken.wait()
        finally:
            if timer is not None:
                timer.cancel()
        self._inbox.woken.clear()

    def _take_events(self) -> None:
        while self._inbox.events:
            event = self._inbox.events.popleft()
            match event:
                case _Item(item):
                    self._run.read(item)
                case _Ended(None):
                    self._run.end_input()
                case _Ended(error):
                    assert error is not None
                    self._run.fail(error)
                case _:
                    self._told(event)

    async def aclose(self) -> None:
        """End the run: start nothing more, cancel the calls in progress, and close the journal."""
        if not self._closed:
            self._run.received()
            await self._end()

    async def _end(self) -> None:
        self._closed = True
        self._inbox.woken.set()
        try:
            self._run.stop()
            for task in self._tasks:
                task.cancel()
            while self._tasks:
                await asyncio.wait(self._tasks)
            self._take_events()
            while isinstance(step := self._run.step(), Store):
                self._store(step.ops)
        finally:
            while self._tasks:
                await asyncio.wait(self._tasks)
            if self._journal is not None:
                self._journal.finish()
                try:
                    while self._journal_is_open:
                        await self._wait(None)
                        self._take_events()
                finally:
                    self._journal.join()  # it ends soon, and a cancelled task may not have awaited it
            await self._close_input()

    async def _close_input(self) -> None:
        given: Any = self._async_input or self._input
        self._input = self._async_input = None
        if is_ours_to_close(given, Generator):
            given.close()
        elif is_ours_to_close(given, AsyncGenerator, AsyncCancelMany):
            await given.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        for task in getattr(self, "_tasks", ()):
            with suppress(RuntimeError):  # the event loop may be closed
                task.cancel()
        if getattr(self, "_journal_is_open", False) and not self._closed and self._journal is not None:
            self._journal.finish()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Item(NamedTuple):
    """A row of the input."""

    item: Any


class _Ended(NamedTuple):
    """The input is exhausted, or raised this."""

    error: BaseException | None


# The code below runs in tasks and in the journal's thread, and holds no reference to the run: a dropped run is closed.


class _Inbox:
    """Events of tasks and of the journal, for the run."""

    def __init__(self) -> None:
        self.events: deque[Returned | _Item | _Ended | Event] = deque()
        self.woken = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    def tell(self, event: Returned | _Item | _Ended | Event) -> None:
        self.events.append(event)
        self.woken.set()

    def tell_from_thread(self, event: Event) -> None:
        assert self.loop is not None
        with suppress(RuntimeError):  # the event loop may be closed
            self.loop.call_soon_threadsafe(self.tell, event)


async def _call(driver: Any, inbox: _Inbox, ticket: Ticket) -> None:
    try:
        ended = await driver.run(flow_of(ticket))
    except BaseException as error:  # noqa: BLE001 - it becomes a result, or is raised in the consumer's task
        ended = error
    ticket.ended = ended
    inbox.tell(Returned(ticket, ended))


def _ended(inbox: _Inbox, ticket: Ticket, task: asyncio.Task[None]) -> None:
    if task.cancelled():  # before it began
        inbox.tell(Returned(ticket, asyncio.CancelledError()))


async def _read_later(inbox: _Inbox, rows: AsyncIterator[Any]) -> None:
    try:
        item = await anext(rows)
    except StopAsyncIteration:
        inbox.tell(_Ended(None))
    except BaseException as error:  # noqa: BLE001 - it is raised in the consumer's task
        inbox.tell(_Ended(error))
    else:
        inbox.tell(_Item(item))


async def _let_pass(driver: Any, inbox: _Inbox, seconds: float) -> None:
    await driver.run(pausing(seconds))
    inbox.woken.set()
