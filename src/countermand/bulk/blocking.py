"""Bulk runs on blocking I/O: the consumer's thread decides, threads make the calls."""

import atexit
import queue
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias
from weakref import WeakSet

from ..engine.rules import AnyRequest
from .background import Background
from .course import Course, Returned, flow_of, is_ours_to_close, pausing
from .lane import Ticket
from .records import Event
from .results import Accounts, BulkResult
from .steps import End, Give, Read, Send, Step, Store, Wait


class CancelMany(Course):
    """The results of `Countermand.cancel_many` or `settle_many`, as they complete.

        with client.cancel_many(requests, journal="run.db") as results:
            for result in results:
                print(result.request, result.outcome or result.error)

    An iterator and a context manager. Leaving it early stops the run; `in_flight` then lists the calls in progress.
    """

    def __init__(
        self,
        accounts: Accounts,
        requests: Iterable[AnyRequest] | Iterable[BulkResult],
        concurrency: int,
        journal: str | Path | None = None,
        follow_for: float | None = None,
    ) -> None:
        super().__init__(accounts, concurrency, journal, follow_for)
        self._input: Iterator[Any] = iter(requests)
        #: Events that the run has not processed yet.
        self._events: queue.SimpleQueue[_Happened] = queue.SimpleQueue()
        self._workers = _Workers(self._driver, self._events)
        self._timers: list[Background] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BulkResult:
        if self._closed:
            raise StopIteration
        step: Step = End()
        self._run.received()
        try:
            self._begin()
            while not self._closed:  # another thread may close it
                self._take_events()
                step = self._run.step()
                if isinstance(step, Give):
                    return step.result
                if isinstance(step, End):
                    break
                self._do(step)
        except BaseException:
            self._end()
            raise
        if not self._closed:
            self._end()
        if isinstance(step, End) and step.error is not None:
            raise step.error
        raise StopIteration

    def _begin(self) -> None:
        if not self._begun:
            _open.add(self)
            self._open_journal(self._events.put)

    def _do(self, step: Step) -> None:
        match step:
            case Send(ticket):
                self._workers.begin(ticket)
            case Store(ops):
                self._store(ops)
            case Read():
                self._read_from(self._input)
            case Wait(until):
                self._wait(until)
            case _:
                raise AssertionError(step)

    def _wait(self, until: float | None) -> None:
        delay = None if until is None else until - self._clock.monotonic()
        if delay is not None and delay <= 0:
            return
        if delay is not None and not self._time_is_real:
            # Calls in progress move the time themselves; while the journal has an event pending, time must not move.
            if not self._workers.busy and not self._run.awaits_journal:
                timer = Background("countermand-pause", _let_pass, self._driver, self._events, delay)
                self._timers.append(timer)
                timer.start()
            delay = None
        try:
            event = self._events.get(timeout=delay)
        except queue.Empty:
            return
        if self._closed:
            self._events.put(event)  # it belongs to the closing thread, or wakes another waiting one
            return
        self._take(event)

    def _take_events(self) -> None:
        while not self._events.empty():
            self._take(self._events.get())

    def _take(self, event: "_Happened") -> None:
        if isinstance(event, Returned):
            self._workers.busy -= 1
        if event is not None:
            self._told(event)

    def close(self) -> None:
        """End the run: start nothing more, wait for the calls in progress, and close the journal."""
        if self._closed:
            self._dismiss()  # an earlier `close` may have been interrupted
        else:
            self._run.received()
            self._end()

    def _end(self) -> None:
        # Ctrl-C may have interrupted anything, and an event may be lost: this waits for threads, never for an event.
        # An answer that does not reach the journal is in flight there, and the next run reads its order.
        try:
            self._closed = True
            self._run.stop()
            self._workers.join()
            self._take_events()
            while isinstance(step := self._run.step(), Store):
                self._store(step.ops)
        finally:
            self._dismiss()  # a second Ctrl-C does not wait for the calls
            if self._journal is not None:
                self._journal.join()
                self._take_events()
            for timer in self._timers:
                timer.join()
            self._events.put(None)
            _open.discard(self)
            self._close_input()

    def _close_input(self) -> None:
        given: Any = self._input
        self._input = iter(())
        if is_ours_to_close(given, Generator, CancelMany):
            given.close()

    def _dismiss(self) -> None:
        """Let all threads end after their current work."""
        self._workers.dismiss()
        if self._journal is not None:
            self._journal.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_begun", False):
            self.close()


#: Runs that have started and are not closed.
_open: WeakSet[CancelMany] = WeakSet()


@atexit.register
def _close_all() -> None:
    """Close the runs that a program left open. Later in the interpreter's shutdown, threads no longer respond."""
    for run in list(_open):
        run.close()


#: Events from other threads: a call has returned, the journal has done something, or time has passed.
_Happened: TypeAlias = Returned | Event | None


# The code below runs in other threads and holds no reference to the run, so that a dropped run is closed.


def _let_pass(driver: Any, events: "queue.SimpleQueue[_Happened]", seconds: float) -> None:
    driver.run(pausing(seconds))
    events.put(None)


def _serve(
    driver: Any, events: "queue.SimpleQueue[_Happened]", work: "queue.SimpleQueue[Ticket | None]"
) -> None:
    while (ticket := work.get()) is not None:
        try:
            ended = driver.run(flow_of(ticket))
        except BaseException as error:  # noqa: BLE001 - it becomes a result, or is raised in the consumer's thread
            ended = error
        ticket.ended = ended
        events.put(Returned(ticket, ended))
        del ticket, ended


class _Workers:
    """Threads that make calls: as many as the largest number of simultaneous calls so far."""

    def __init__(self, driver: Any, events: "queue.SimpleQueue[_Happened]") -> None:
        self._driver = driver
        self._events = events
        self._work: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._threads: list[Background] = []
        #: Calls in progress.
        self.busy = 0

    def begin(self, ticket: Ticket) -> None:
        self.busy += 1
        if self.busy > len(self._threads):
            thread = Background("countermand-bulk", _serve, self._driver, self._events, self._work)
            self._threads.append(thread)
            thread.start()
        self._work.put(ticket)

    def dismiss(self) -> None:
        for _ in self._threads:
            self._work.put(None)

    def join(self) -> None:
        self.dismiss()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
