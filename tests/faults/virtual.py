"""Virtual time: two drivers that run the SDK's flows with no socket and no waiting.

    network = Network(world)
    client = Countermand(pattern=..., http_client=VirtualDriver(network))
    client.pattern.cancel_order("114-3941689-8772232")    # minutes of retries, in less than a millisecond

Time stands still while something is computed, and jumps to the next instant for which somebody waits. The async
driver needs no event loop: `run_virtually` and `Schedule` run its calls, as many at once as are spawned.
"""

from collections.abc import Callable, Coroutine, Generator
from heapq import heappop, heappush
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from attrs import define, field, frozen

from countermand.engine.wire import Call, Clock, Fault, Flow, Reply

T = TypeVar("T")

#: The way of one request through a network: it yields the instants for which it has to wait.
Journey: TypeAlias = Generator[float, None, Reply | Fault]


class VirtualClock:
    """Two clocks in one: the monotonic one moves when somebody waits, the wall clock can also be set."""

    def __init__(self, start: float = 1000.0, wall: float = 1_772_442_000.0) -> None:
        self.now: float = start
        self._ahead = wall - start
        self._jumps: list[tuple[float, float]] = []

    def monotonic(self) -> float:
        """Return the instant, in seconds."""
        return self.now

    def wall(self) -> float:
        """Return the time of day, in seconds since 1970."""
        return self.now + self._ahead

    def move_to(self, instant: float) -> None:
        """Let time pass until `instant`; it never passes backwards."""
        self.now = max(self.now, instant)
        while self._jumps and self._jumps[0][0] <= self.now:
            self._ahead += heappop(self._jumps)[1]

    def jump(self, at: float, seconds: float) -> None:
        """Set the wall clock forward (or back) by `seconds` once it is `at`; the monotonic clock takes no notice."""
        heappush(self._jumps, (at, seconds))


class Medium(Protocol):
    """What carries requests: `tests.faults.network.Network`, or one of your own."""

    @property
    def clock(self) -> VirtualClock:
        """The clock by which it carries them."""
        ...

    def journey(self, call: Call) -> Journey:
        """Carry one request; yield the instants to wait for, and return what came of it by its deadline."""
        ...


@frozen
class Interruption:
    """An exception that strikes a call at an instant, whatever it is waiting for then."""

    at: float
    strike: Callable[[], BaseException]


class VirtualDriver:
    """Runs flows blocking, in virtual time. It fills the interface `countermand.engine.wire.Driver`."""

    def __init__(self, medium: Medium, interruption: Interruption | None = None) -> None:
        self._medium = medium
        self._interruption = interruption
        self.clock: Clock = Clock(medium.clock.monotonic, medium.clock.wall)

    def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        clock, walk = self._medium.clock, _walk(flow, self._medium)
        try:
            instant = next(walk)
            while True:
                coming = self._interruption
                if coming is not None and coming.at <= instant:
                    self._interruption = None
                    clock.move_to(coming.at)
                    instant = walk.throw(coming.strike())
                else:
                    clock.move_to(instant)
                    instant = next(walk)
        except StopIteration as end:
            result: T = end.value
            return result

    def close(self) -> None:
        """Do nothing: nothing was opened."""


class AsyncVirtualDriver:
    """Runs flows for tasks of a `Schedule`, in virtual time. It fills the interface `countermand.engine.wire.AsyncDriver`."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self.clock: Clock = Clock(medium.clock.monotonic, medium.clock.wall)

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        walk = _walk(flow, self._medium)
        try:
            instant = next(walk)
            while True:
                try:
                    await _Until(instant)
                except BaseException as interruption:  # noqa: BLE001 - the flow decides what passes
                    instant = walk.throw(interruption)
                else:
                    instant = next(walk)
        except StopIteration as end:
            result: T = end.value
            return result

    async def aclose(self) -> None:
        """Do nothing: nothing was opened."""


def _walk(flow: Flow[T], medium: Medium) -> Generator[float, None, T]:
    """Run `flow`, and yield each instant for which it has to wait. What is thrown in reaches the flow."""
    try:
        step = next(flow)
        while True:
            answer: Reply | Fault | None = None
            try:
                if isinstance(step, Call):
                    answer = yield from medium.journey(step)
                else:
                    yield medium.clock.now + step.seconds
            except BaseException as interruption:  # noqa: BLE001 - the flow decides what passes
                step = flow.throw(interruption)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


class _Until:
    """Something to await: it hands the instant to the schedule that runs the task."""

    __slots__ = ("_instant",)

    def __init__(self, instant: float) -> None:
        self._instant = instant

    def __await__(self) -> Generator[float, None, None]:
        yield self._instant


@define(eq=False)
class Task(Generic[T]):
    """A call that a schedule runs. After the run it holds a result or an error, and when it ended."""

    coroutine: Coroutine[Any, Any, T]
    result: T | None = None
    error: BaseException | None = None
    ended: float | None = None
    #: How many steps it has taken; what was to wake an earlier step is out of date.
    turn: int = field(default=0, init=False)


class Schedule:
    """Runs many coroutines at once in virtual time. Whoever waits for the earliest instant goes first."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Task[Any], int, Callable[[], BaseException] | None]] = []
        self._numbered = 0

    def spawn(self, coroutine: Coroutine[Any, Any, T], after: float = 0.0) -> Task[T]:
        """Have `coroutine` begin in `after` seconds."""
        task = Task(coroutine)
        self._push(self._clock.now + after, task, None)
        return task

    def interrupt(self, task: Task[Any], interruption: Interruption) -> None:
        """Throw an exception into a task, wherever it is waiting then; one that has ended is left alone."""
        self._push(interruption.at, task, interruption.strike)

    def run(self) -> None:
        """Run until every task has ended. What a task raises is kept on it."""
        while self._heap:
            instant, _, task, turn, strike = heappop(self._heap)
            # An interrupted task no longer waits for what it waited for before.
            if task.ended is not None or (strike is None and turn != task.turn):
                continue
            self._clock.move_to(instant)
            self._step(task, strike)

    def _step(self, task: Task[Any], strike: Callable[[], BaseException] | None) -> None:
        task.turn += 1
        try:
            instant = task.coroutine.throw(strike()) if strike is not None else task.coroutine.send(None)
        except StopIteration as end:
            task.result, task.ended = end.value, self._clock.now
        except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt too: it belongs to the task
            task.error, task.ended = error, self._clock.now
        else:
            self._push(instant, task, None)

    def _push(self, instant: float, task: Task[Any], strike: Callable[[], BaseException] | None) -> None:
        self._numbered += 1
        heappush(self._heap, (instant, self._numbered, task, task.turn, strike))


def run_virtually(
    coroutine: Coroutine[Any, Any, T], clock: VirtualClock, interruption: Interruption | None = None
) -> T:
    """Run one coroutine to its end in virtual time; return what it returns, or raise what it raises."""
    schedule = Schedule(clock)
    task = schedule.spawn(coroutine)
    if interruption is not None:
        schedule.interrupt(task, interruption)
    schedule.run()
    if task.error is not None:
        raise task.error
    result: Any = task.result
    return result  # type: ignore[no-any-return]
