"""What both runners share: the settings of a run, its events, and its progress."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..engine.secret import LeavesNoFrames
from ..engine.wire import CLOCK, Clock, Flow, Sleep
from ..errors import InvalidRequestError
from ..marketplaces.base import asking, looking
from .following import Following
from .journal import Journal
from .lane import Ticket
from .progress import cut_off, progress, under_way
from .records import Closed, Event, Op
from .results import Accounts, InFlight, Progress
from .run import Run


class Returned(NamedTuple):
    """A call has returned."""

    ticket: Ticket
    ended: Any


class Course(LeavesNoFrames):
    """A bulk run: an iterator over its results, and a context manager that ends it."""

    def __init__(
        self,
        accounts: Accounts,
        concurrency: int,
        journal: str | Path | None,
        follow_for: float | None,
    ) -> None:
        if not isinstance(concurrency, int) or isinstance(concurrency, bool) or concurrency < 1:
            raise InvalidRequestError("concurrency must be a whole number of 1 or more")
        self._accounts = accounts
        self._driver: Any = accounts.driver
        self._clock: Clock = accounts.driver.clock
        self._path = None if journal is None else Path(journal)
        if follow_for is None:
            self._run = Run(accounts, self._clock, concurrency, journaled=journal is not None)
        else:
            self._run = Following(accounts, self._clock, concurrency, follow_for)
        self._journal: Journal | None = None
        self._journal_is_open = False
        self._begun = False
        self._closed = False

    @property
    def progress(self) -> Progress:
        """The current progress of the run, for a display."""
        return progress(self._run.tally, self._run.lanes, self._run.backlog, self._clock)

    @property
    def in_flight(self) -> tuple[InFlight, ...]:
        """The calls in progress; after an early stop, those whose results were not received, and what is known."""
        if self._closed:
            return tuple(map(cut_off, self._run.calls.values()))
        return tuple(under_way(self._run.lanes.values()))

    def _open_journal(self, tell: Callable[[Event], None]) -> None:
        self._begun = True
        if self._path is not None:
            self._journal = Journal(self._path, self._accounts.known, tell)
            self._journal_is_open = True
            self._journal.open()

    def _store(self, ops: list[Op]) -> None:
        assert self._journal is not None
        self._journal.submit(ops)

    def _read_from(self, rows: Iterator[Any]) -> None:
        try:
            item = next(rows)
        except StopIteration:
            self._run.end_input()
        else:
            self._run.read(item)

    def _told(self, event: Returned | Event) -> None:
        if isinstance(event, Returned):
            self._run.came_back(event.ticket, event.ended)
        else:
            self._journal_is_open &= not isinstance(event, Closed)
            self._run.journal_told(event)

    @property
    def _time_is_real(self) -> bool:
        return self._clock.monotonic is CLOCK.monotonic


def flow_of(ticket: Ticket) -> Flow[Any]:
    """Return the flow of a ticket's call."""
    flow: Flow[Any]
    if ticket.outcome is not None:
        flow = looking(ticket.client, ticket.outcome)
    else:
        flow = asking(ticket.client, ticket.request, ticket.asked)
    return flow


def pausing(seconds: float) -> Flow[None]:
    """Return the flow of a pause, for a driver with its own clock."""
    yield Sleep(seconds)


def is_ours_to_close(rows: object, *kinds: type[Any]) -> bool:
    """Return whether the run has to close its input: a generator, or a run whose results are followed."""
    is_running = getattr(rows, "gi_running", False) or getattr(rows, "ag_running", False)
    return isinstance(rows, kinds) and not is_running
