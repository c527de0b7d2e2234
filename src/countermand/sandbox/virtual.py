"""Virtual time: when the clients of a sandbox wait, the world's clock moves forward instead.

Time stands still while anything is computed or sent. When every call in progress waits (for a Retry-After, for the rate
limit, between two reads), time moves to the earliest instant for which one of them waits, and the world with it.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from attrs import evolve

from countermand.engine.walking import finished, walked
from countermand.engine.wire import AsyncDriver, Call, Clock, Driver, Fault, Flow, Reply, Sleep
from countermand.sandbox.world import World

T = TypeVar("T")
D = TypeVar("D")

#: Where a call runs: an event loop, or a thread (None).
Loop: TypeAlias = asyncio.AbstractEventLoop | None

#: The real timeout of one exchange, in seconds. No virtual time passes meanwhile, however slow the machine.
PATIENCE = 60.0
#: Turns of an event loop without news after which its tasks count as waiting. A task that is woken by another one,
#: or was just created, needs a few turns to begin its call.
_TURNS = 10


class _Waiter(NamedTuple):
    """A call that waits until an instant. They are ordered by it, and by their numbers."""

    until: float
    number: int
    wake: Callable[[], object]
    loop: Loop


class VirtualTime:
    """The clock of a world and of its clients. Threads and event loops may share it.

    `advance_world` moves the world on by so many seconds.
    """

    def __init__(self, world: World, advance_world: Callable[[float], None]) -> None:
        self.clock: Clock = Clock(self._monotonic, self._wall)
        self._world = world
        self._advance_world = advance_world
        self._now = 0.0
        #: The calls in progress that do not wait, by where they run.
        self._running: Counter[Loop] = Counter()
        self._waiters: list[_Waiter] = []
        self._numbers = count()
        self._news = 0
        # Reentrant: a task that is thrown away may end its call while this thread holds the lock.
        self._lock = threading.RLock()

    def _monotonic(self) -> float:
        return self._now

    def _wall(self) -> float:
        return self._world.now.timestamp()

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds`, and wake the calls whose wait is over."""
        with self._lock:
            self._news += 1
            self._move_to(self._now + seconds)

    @contextmanager
    def call(self, loop: Loop) -> Generator[None]:
        """Count a call as in progress: while it does not wait, time stands still."""
        self._count(loop, +1)
        try:
            yield
        finally:
            self._count(loop, -1)

    def sleep(self, seconds: float) -> None:
        """Let a blocking call wait."""
        if _running_here() is not None:
            # It blocks its event loop, so no other call there can go on before this one does.
            self.advance(seconds)
            return
        woken = threading.Event()
        waiter = self._wait(seconds, woken.set, None)
        try:
            woken.wait()
        finally:
            self._resume(waiter)

    async def sleep_async(self, seconds: float) -> None:
        """Let a call on an event loop wait."""
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        waiter = self._wait(seconds, lambda: _soon(loop, _resolve, woken), loop)
        try:
            await woken
        finally:
            self._resume(waiter)

    def _wait(self, seconds: float, wake: Callable[[], object], loop: Loop) -> _Waiter:
        with self._lock:
            waiter = _Waiter(self._now + seconds, next(self._numbers), wake, loop)
            heappush(self._waiters, waiter)
            self._count(loop, -1)
        return waiter

    def _resume(self, waiter: _Waiter) -> None:
        """Count a call as running again if it was not woken, but interrupted."""
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                heapify(self._waiters)
                self._count(waiter.loop, +1)

    def _count(self, loop: Loop, change: int) -> None:
        with self._lock:
            self._news += 1
            self._running[loop] += change
            if not self._running[loop]:
                del self._running[loop]
            if not self._waiters or any(map(_goes_on, self._running)):
                return
            loops = (waiter.loop for waiter in self._waiters)
            loop = next((loop for loop in loops if loop is not None and _goes_on(loop)), None)
            if loop is None:
                self._move_to(self._waiters[0].until)
            else:
                _soon(loop, self._look, loop, self._news, _TURNS)

    def _look(self, loop: asyncio.AbstractEventLoop, news: int, turns: int) -> None:
        """Move time if a loop had so many turns without a change: no task is about to start a call."""
        with self._lock:
            if news != self._news or not self._waiters:
                return
            if turns:
                loop.call_soon(self._look, loop, news, turns - 1)
            else:
                self._news += 1
                self._move_to(self._waiters[0].until)

    def _move_to(self, instant: float) -> None:
        if instant > self._now:
            self._advance_world(instant - self._now)
            self._now = instant
        while self._waiters and self._waiters[0].until <= self._now:
            waiter = heappop(self._waiters)
            self._running[waiter.loop] += 1
            waiter.wake()


def _goes_on(loop: Loop) -> bool:
    """Whether calls there go on by themselves; those of a loop that stands still now are not waited for."""
    return loop is None or loop.is_running()


def _running_here() -> Loop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _soon(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *arguments: object) -> None:
    """Call back on an event loop. On its own thread it need not be woken, which takes two system calls."""
    (loop.call_soon if loop is _running_here() else loop.call_soon_threadsafe)(callback, *arguments)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Virtual(Generic[D]):
    """A driver in virtual time. What the flows send goes through another driver."""

    def __init__(self, inner: D, time: VirtualTime) -> None:
        self.clock: Clock = time.clock
        self._inner = inner
        self._time = time

    @property
    def closed(self) -> bool:
        """Whether the other driver is closed."""
        return bool(getattr(self._inner, "closed", False))


class VirtualDriver(_Virtual[Driver]):
    """Runs flows blocking, in virtual time."""

    def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        with self._time.call(None):
            return finished(walked(flow, self._answer))

    async def _answer(self, step: Call | Sleep) -> Reply | Fault | None:
        if isinstance(step, Sleep):
            self._time.sleep(step.seconds)
            return None
        return self._inner.run(_exchange(step, self.clock, self._inner.clock))

    def close(self) -> None:
        """Close the other driver."""
        self._inner.close()


class AsyncVirtualDriver(_Virtual[AsyncDriver]):
    """Runs flows on asyncio, in virtual time."""

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        with self._time.call(asyncio.get_running_loop()):
            return await walked(flow, self._answer)

    async def _answer(self, step: Call | Sleep) -> Reply | Fault | None:
        if isinstance(step, Sleep):
            await self._time.sleep_async(step.seconds)
            return None
        step.sent = False
        await asyncio.sleep(0)  # calls beside this one have their turn
        return await self._inner.run(_exchange(step, self.clock, self._inner.clock))

    async def aclose(self) -> None:
        """Close the other driver."""
        await self._inner.aclose()


def _exchange(call: Call, clock: Clock, real: Clock) -> Flow[Reply | Fault]:
    """Send one call, with a deadline of real time: none is missed because a machine is slow."""
    patience = PATIENCE if clock.monotonic() < call.deadline else 0.0
    sending = evolve(call, deadline=real.monotonic() + patience, sent=True)
    try:
        answer = yield sending
    finally:
        call.sent = sending.sent
    assert answer is not None
    return answer
