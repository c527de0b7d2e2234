"""Following results to their end: `settle_many` reads each order until its cancellation has settled."""

from heapq import heappop, heappush
from typing import Any

import attrs

from ..engine import checks
from ..engine.wire import Clock
from ..errors import CountermandError, InvalidRequestError
from ..outcomes import Outcome
from .lane import Ticket
from .results import Accounts, BulkResult
from .run import Run

#: The longest pause between two reads of one order, in seconds; each pause is half as long again as the last.
_LONGEST_PAUSE = 60.0
#: With less time left than this, in seconds, the order is not read again.
_TOO_LATE = 0.05


class Following(Run):
    """A run whose input is results, and whose calls read their orders again."""

    def __init__(self, accounts: Accounts, clock: Clock, concurrency: int, timeout: float) -> None:
        super().__init__(accounts, clock, concurrency)
        self._timeout = checks.seconds(timeout)
        self._results: dict[int, BulkResult] = {}
        #: Orders that were read, by the instant of their next read.
        self._later: list[tuple[float, int, Ticket]] = []

    def _accept(self, row: int, item: Any) -> None:
        if not isinstance(item, BulkResult):
            raise InvalidRequestError(f"expected a result of cancel_many, not {checks.kind(item)}")
        if item.outcome is None or item.settled:
            self.calls[row] = Ticket(row, item.request, None, ended=item.ended)
            self._ready.append((row, item))
            return
        client = self._accounts.find_by_outcome(item.outcome)
        self._results[row] = item
        self._unanswered.begin(row)
        until = self._clock.monotonic() + self._timeout
        self.calls[row] = ticket = Ticket(row, item.request, client, outcome=item.outcome, until=until)
        self._queue(ticket)

    def _begin_later(self, ticket: Ticket) -> None:
        """Keep the ticket among those whose results the consumer has not received, until it has settled."""

    def _dispatch(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            ticket = heappop(self._later)[2]
            self._queue(ticket)
        for lane in self.lanes.values():
            while lane.queue and lane.queue[0].until <= now and lane.queue[0].pause > 1.0:
                ticket = lane.queue.popleft()
                assert ticket.outcome is not None
                self._tell(ticket, ticket.outcome)
        super()._dispatch(now)

    def _wakes_at(self) -> float | None:
        times = [self._later[0][0]] if self._later else []
        times += [lane.queue[0].until for lane in self.lanes.values() if lane.queue]
        at = super()._wakes_at()
        return None if self._stopping else min([*times, *([] if at is None else [at])], default=None)

    def _finish(self, ticket: Ticket, ended: Outcome[Any] | CountermandError) -> None:
        now = self._clock.monotonic()
        left = ticket.until - now
        if isinstance(ended, CountermandError) or ended.settled or left <= _TOO_LATE:
            self._tell(ticket, ended)
            return
        ticket.outcome = ended
        pause = min(ticket.pause, left)
        ticket.pause = min(ticket.pause * 1.5, _LONGEST_PAUSE)
        heappush(self._later, (now + pause, ticket.row, ticket))

    def _tell(self, ticket: Ticket, ended: Outcome[Any] | CountermandError) -> None:
        self._unanswered.end(ticket.row)
        result = self._results.pop(ticket.row)
        seen = ticket.outcome if isinstance(ended, CountermandError) else ended
        self._ready.append((ticket.row, attrs.evolve(result, outcome=seen)))
