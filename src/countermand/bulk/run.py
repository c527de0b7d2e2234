"""The logic of a bulk run, without input or output: which step comes next, and how each event is processed.

A runner takes the next `Step`, executes it, and reports events. All decisions are made here, so that the two runners,
blocking and on an event loop, differ only in `await`.
"""

import json
from collections import deque
from datetime import UTC, datetime
from itertools import count
from typing import Any

from ..engine.wire import Clock
from ..errors import CountermandError, NotSentError
from ..marketplaces.base import asked_before
from ..marketplaces.stored import request_from_dict
from ..outcomes import Outcome, Unknown
from .backlog import Backlog
from .lane import Ended, Lane, Lanes, Ticket
from .outbox import Outbox
from .progress import Tally
from .records import (
    Answer,
    Broken,
    Closed,
    Committed,
    Declare,
    Event,
    Insert,
    Loaded,
    Opened,
    Row,
    Withdraw,
    answer_of,
    instant,
    request_text,
    result_of,
)
from .replay import Replay
from .results import Accounts, BulkResult, UnreadRow, told
from .steps import End, Give, Read, Send, Step, Store, Wait
from .unanswered import Unanswered

#: Requests that are held for busy lanes, so that other lanes get work: in memory, and in the journal.
LOOK_AHEAD, ON_DISK = 4096, 1_000_000
#: Rows that are read from the input before other events are processed.
_READ_AT_ONCE = 64


class Run:
    """One run over one input."""

    def __init__(
        self, accounts: Accounts, clock: Clock, concurrency: int, *, journaled: bool = False
    ) -> None:
        self.tally: Tally = Tally(clock.monotonic())
        self._lanes = Lanes(accounts, concurrency, LOOK_AHEAD, clock.monotonic())
        self.lanes: dict[str, Lane] = self._lanes.by_label
        #: Calls that were started, and whose results the consumer has not received.
        self.calls: dict[int, Ticket] = {}
        self._given: int | None = None
        self._accounts = accounts
        self._clock = clock
        self._concurrency = concurrency
        self._journaled = journaled
        self._opening = journaled
        self._ready: deque[tuple[int, BulkResult]] = deque()
        self._sends: deque[Ticket] = deque()
        self._outbox = Outbox()
        self._rows = count()
        self._unanswered = Unanswered()
        self.backlog: Backlog = Backlog()
        self._answers: dict[int, tuple[Ticket, Outcome[Any] | CountermandError]] = {}
        self._tickets: dict[int, Ticket] = {}  # inserted, or declared, and not confirmed
        self._not_looked_at: set[int] = (
            set()
        )  # sent by an earlier run, and not read in this one: their lane has stopped
        self._replay = Replay(0)
        self._reading = False
        self._read_lately = 0
        self._error: BaseException | None = None
        self._stopping = False

    # Steps for the runner.

    def step(self) -> Step:
        """Return the next step."""
        if self._stopping:
            return Store(self._outbox.take()) if self._outbox else End()
        now = self._clock.monotonic()
        if self._opening:
            return Wait(None)
        if self._error is not None:
            return End(self._error)
        load = self._replay.next_load(self.tally.read, has_room=self._has_room())
        if load is not None:
            self._outbox.add(load)
        if not self._replay.comparing:
            self._dispatch(now)
        if self._journaled:
            self._outbox.add(*self._lanes.news(now, is_over=self._is_over()))
        if self._outbox:
            return Store(self._outbox.take())
        if self._sends:
            ticket = self._sends[0]
            ticket.ended = None
            self.calls[ticket.row] = ticket
            return Send(self._sends.popleft())
        if self._ready:
            self._given, result = self._ready.popleft()
            self.tally.given(result, now)
            return Give(result)
        if self._is_over():
            return End()
        if self._wants_input():
            self._read_lately += 1
            self._reading = True
            return Read()
        hurried = self._read_lately >= _READ_AT_ONCE and not self._reading
        self._read_lately = 0
        return Wait(now if hurried else self._wakes_at())

    def received(self) -> None:
        """Note that the consumer has received the last result. It may be interrupted while it is yielded."""
        if self._given is not None:
            self.calls.pop(self._given, None)
            self._given = None

    def stop(self) -> None:
        """Start nothing more. Calls in progress may still return, and are stored. Only `Store` and `End` follow."""
        self._stopping = True
        declared = [ticket for ticket in self._tickets.values() if ticket.began_at is not None]
        for ticket in (*self._sends, *declared):
            self._lanes.of(ticket.client).in_flight.pop(ticket.row, None)
            if self._journaled and ticket.asked is None:
                self._outbox.add(Withdraw(ticket.row))
        self._sends.clear()
        self._tickets.clear()

    @property
    def awaits_journal(self) -> bool:
        """Whether an event of the journal is pending."""
        return self._outbox.awaits

    def _is_over(self) -> bool:
        return self.tally.input_ended and self._replay.over and not (self._unanswered or self._outbox.writing)

    def _wakes_at(self) -> float | None:
        if self._replay.comparing:
            return None
        times = [at for lane in self.lanes.values() if (at := lane.ready_at()) is not None]
        return min(times, default=None)

    def _wants_input(self) -> bool:
        if self._reading or self._read_lately >= _READ_AT_ONCE or self.tally.input_ended:
            return False
        if self._replay.comparing:
            return self._replay.can_compare
        return self._replay.over and self._has_room()

    def _has_room(self) -> bool:
        held = len(self._unanswered) - len(self.backlog)
        return len(self.backlog) < ON_DISK and self._lanes.have_room(held, self._outbox.inserting)

    # The input.

    def read(self, item: Any) -> None:
        """Take one row of the input."""
        self._reading = False
        row = next(self._rows)
        self.tally.read += 1
        try:
            if not self._replay.comparing:
                self._accept(row, item)
            elif (result := self._replay.compare(row, item)) is not None:
                self._ready.append((row, result))
        except CountermandError as error:
            self.fail(error)

    def end_input(self) -> None:
        """Note that the input has no further rows."""
        self._reading = False
        self.tally.input_ended = True
        problem = self._replay.input_ended(self.tally.read)
        if problem is not None:
            self.fail(problem)

    def _accept(self, row: int, item: Any) -> None:
        if isinstance(item, UnreadRow):
            self._take_bad(row, item, item.error)
            return
        try:
            client = self._accounts.find(item)
            key = client.rules.order_key(client.rules.order_of(item))
        except CountermandError as error:
            self._take_bad(row, item, error)
        else:
            self._take(Ticket(row, item, client), key)

    def _take(self, ticket: Ticket, key: str) -> None:
        self._unanswered.begin(ticket.row)
        if not self._journaled:
            self._queue(ticket)
            return
        self._tickets[ticket.row] = ticket
        self._outbox.add(Insert(ticket.row, ticket.client.account, key, request_text(ticket.request)))

    def _take_bad(self, row: int, item: Any, error: CountermandError) -> None:
        """Finish a row that is not a request to one of the accounts."""
        if self._journaled:
            self._outbox.add(Insert(row, None, None, request_text(item)))
        self._unanswered.begin(row)
        self._finish(Ticket(row, item, None), error)

    def _queue(self, ticket: Ticket, *, is_loaded: bool = False) -> None:
        lane = self._lanes.of(ticket.client)
        if self._journaled and not is_loaded and self.backlog.takes(lane, ticket.row):
            return
        if lane.stopped is not None:
            self._tell_unsent(ticket, lane.stopped)
        else:
            lane.queue.append(ticket)

    # Events of the journal.

    def journal_told(self, event: Event) -> None:
        """Process an event of the journal."""
        match event:
            case Opened(rows, learnt):
                self._opening = False
                self._replay, self._lanes.learnt = Replay(rows), learnt
            case Committed():
                self._committed(event)
            case Loaded(op, rows):
                self._outbox.answered([op])
                if op.account is not None:
                    self.backlog.loaded(op.account, rows)
                    for row in rows:
                        self._take_stored(row, is_loaded=True)
                    return
                for row in self._replay.loaded(event):
                    self._unanswered.begin(row.row, self._replay.followers(row.row))
                    self._take_stored(row)
            case Broken():
                self._broke(event)
            case Closed():
                pass

    def _take_stored(self, row: Row, *, is_loaded: bool = False) -> None:
        request = request_from_dict(json.loads(row.request))
        try:
            client = self._accounts.find(request)
        except CountermandError as error:
            self._finish(Ticket(row.row, request, None), error)
            return
        self._queue(Ticket(row.row, request, client, instant(row.asked)), is_loaded=is_loaded)

    # Events of calls.

    def _committed(self, event: Committed) -> None:
        """Process what is now on disk."""
        self._outbox.answered(event.ops)
        for op in event.ops:
            if isinstance(op, Insert):
                self._inserted(op, event.duplicates.get(op.row))
            elif isinstance(op, Declare):
                self._declared(self._tickets.pop(op.row, None))
            elif isinstance(op, Answer):
                ticket, ended = self._answers.pop(op.row)
                self._tell(ticket, ended)

    def _inserted(self, op: Insert, first: Row | None) -> None:
        ticket = self._tickets.pop(op.row, None)
        if ticket is None:
            return  # it was finished at once
        if first is None:
            self._queue(ticket)
        elif first.answer is not None:
            self._unanswered.end(op.row)
            result = result_of(first, ticket.request, replayed=False, number=op.row)
            self._ready.append((op.row, result))
        else:
            self._follow(first, ticket)

    def _declared(self, ticket: Ticket | None) -> None:
        if ticket is None:
            return  # the run was stopped in the meantime
        lane = self._lanes.of(ticket.client)
        if lane.stopped is None:
            self._sends.append(ticket)
            return
        del lane.in_flight[ticket.row]
        self._outbox.add(Withdraw(ticket.row))
        self._tell_unsent(ticket, lane.stopped)

    def _follow(self, first: Row, ticket: Ticket) -> None:
        """Let a row wait for the result of the first row of the same order."""
        lane = self._lanes.of(ticket.client)
        if lane.stopped is None or first.row in lane.in_flight or first.row in self._answers:
            self._unanswered.follow(first.row, ticket.row, ticket.request)
            return
        self._unanswered.end(ticket.row)
        reason = f"row {first.row} is about the same order, and was not sent: {lane.stopped}"
        asked = instant(first.asked) if first.row in self._not_looked_at else None
        ended = self._unsent(ticket, asked, reason)
        self._ready.append((ticket.row, told(ticket.request, ended, ticket.row, first.row)))

    def came_back(self, ticket: Ticket, ended: Ended) -> None:
        """Process the end of a call."""
        ticket.ended = ended
        now = self._clock.monotonic()
        lane = self._lanes.of(ticket.client)
        if isinstance(ended, BaseException) and not isinstance(ended, CountermandError):
            del lane.in_flight[ticket.row]
            if not self._stopping:
                self.fail(ended)
            return
        verdict = lane.came_back(ticket, ended, now)
        if verdict == "again" and self._accounts.closed:
            # The request is in the lane's queue again, and is finished with the rest.
            lane.stopped = "the client is closed"
        if verdict == "done":
            lane.done += 1
            self._finish(ticket, ended)
            return
        if self._journaled and ticket.asked is None:
            self._outbox.add(Withdraw(ticket.row))
        if verdict != "again":
            self._tell(ticket, ended)
        elif not self._stopping:
            self._begin_later(ticket)
        if lane.stopped is not None:
            self._stop_lane(lane, lane.stopped)

    def _begin_later(self, ticket: Ticket) -> None:
        """Note that a call that has returned is made again later: its order is untouched."""
        del self.calls[ticket.row]

    def _broke(self, event: Broken) -> None:
        """Process a broken journal: nothing more is sent, and no further result is yielded."""
        self._opening = False
        self._journaled = False
        self._outbox.drop()
        self.fail(event.error)

    def fail(self, error: BaseException) -> None:
        """Stop the run, and have it raise this."""
        if self._error is None:
            self._error = error

    def _finish(self, ticket: Ticket, ended: Outcome[Any] | CountermandError) -> None:
        """Store an answer, and then yield it."""
        if not self._journaled:
            self._tell(ticket, ended)
            return
        self._answers[ticket.row] = ticket, ended
        self._outbox.add(answer_of(ticket.row, ended, self._clock.wall()))

    def _tell(self, ticket: Ticket, ended: Outcome[Any] | CountermandError) -> None:
        self._ready.append((ticket.row, told(ticket.request, ended, ticket.row)))
        for row, request in self._unanswered.end(ticket.row):
            self._ready.append((row, told(request, ended, row, ticket.row)))

    def _tell_unsent(self, ticket: Ticket, reason: str) -> None:
        """Finish a request that was not sent. The journal has no answer for it, so a later run sends it."""
        if ticket.asked is not None:
            self._not_looked_at.add(ticket.row)
        self._tell(ticket, self._unsent(ticket, ticket.asked, reason))

    def _unsent(self, ticket: Ticket, asked: datetime | None, reason: str) -> Outcome[Any] | CountermandError:
        """Return the result of a request that is not sent. An earlier run may have sent it."""
        rules = ticket.client.rules
        about = {"marketplace": rules.name, "account": rules.label}
        order_id = str(rules.order_of(ticket.request))
        if asked is None:
            return NotSentError(f"not sent: {reason}", order_id=order_id, **about)
        why = f"an earlier run may have asked for it, and it could not be looked at: {reason}"
        return Unknown(order_id=order_id, reason=why, attempts=(asked_before(asked, rules.label),), **about)

    def _stop_lane(self, lane: Lane, reason: str) -> None:
        while lane.queue:
            self._tell_unsent(lane.queue.popleft(), reason)

    # Starting calls.

    def _dispatch(self, now: float) -> None:
        if len(self._ready) > self._concurrency * max(len(self.lanes), 1):
            return  # the consumer is slower than the marketplaces
        self._outbox.add(*self.backlog.loads(self.lanes.values()))
        for lane in self.lanes.values():
            while (ticket := lane.take(now)) is not None:
                ticket.began_at = datetime.fromtimestamp(self._clock.wall(), UTC)
                if not self._journaled or ticket.asked is not None:  # its intent is on disk
                    self._sends.append(ticket)
                else:
                    self._tickets[ticket.row] = ticket
                    self._outbox.add(Declare(ticket.row, self._clock.wall()))
