"""One account's lane: what waits for it, what is under way, when the next call may begin, what an answer means for it.

A lane has no clock and sends nothing: it is told what happened and says what to do.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, TypeAlias

import attrs

from ..engine.retry import LONGEST_CLOSURE, Throttle
from ..errors import AuthenticationError, CountermandError, NotSentError, RateLimitedError
from ..outcomes import Attempt, Outcome, Unknown
from .pace import Pace
from .records import Learn
from .results import Accounts

#: A lane that cannot send probes after so many seconds, twice as long each time, up to the longest pause.
FIRST_PROBE, LONGEST_PROBE = 1.0, 30.0
#: A lane that could not send for so many seconds is stopped, and its rest is told unsent.
PATIENCE = 3600.0
#: How often one request may fail to leave, while others do, before it is told so.
_TRIES = 3

#: Rows that are written to the journal at once, if there are as many.
_GROUP = 512
#: Seconds between two notes of what was learnt.
_NEWS_EVERY = 5.0

#: What became of a call: its outcome, one of our errors, or an exception that is not ours.
Ended: TypeAlias = Outcome[Any] | BaseException
#: What an answer means: it is told; the request is sent again; or the lane has stopped, and its rest is told unsent.
Verdict: TypeAlias = Literal["told", "again", "stopped"]


@attrs.define(eq=False, weakref_slot=False)
class Ticket:
    """One piece of work: a request to send, or an outcome to look at again."""

    row: int
    request: Any
    #: The sub-client of the account.
    client: Any
    #: When an earlier process asked for the cancellation, or was about to.
    asked: datetime | None = None
    #: The outcome that is followed, where no cancellation is asked for.
    outcome: Outcome[Any] | None = None
    #: The instant until which it may be followed.
    until: float = float("inf")
    pause: float = 1.0
    #: When it was begun, and what became of it.
    began: float = 0.0
    began_at: datetime | None = None
    ended: Ended | None = None
    #: How often it did not leave, and what the lane had sent when it last did not.
    unsent: int = 0
    seen: int = -1


class Lane:
    """The lane of one account."""

    def __init__(
        self, label: str, marketplace: str, concurrency: int, pace: Pace, throttle: Throttle
    ) -> None:
        self.label = label
        self.marketplace = marketplace
        self.concurrency = concurrency
        self.pace = pace
        self.queue: deque[Ticket] = deque()
        self.in_flight: dict[int, Ticket] = {}
        #: Why nothing is sent any more, for good.
        self.stopped: str | None = None
        #: Why nothing can be sent for now.
        self.paused: str | None = None
        #: Results that were told.
        self.done = 0
        self.probe_at: float = float("-inf")
        self._probe_pause = FIRST_PROBE
        self._paused_since = 0.0
        self._got_through = 0
        self._throttle = throttle

    def opens_at(self) -> float:
        """Return the instant from which a 429 allows to send, on this lane or in another call on the account."""
        return max(self.pace.ready_at(), self._throttle.opens_at)

    def closed_until(self, now: float) -> float | None:
        """Return the instant until which a 429 keeps the account closed; None where it is open."""
        at = max(self.pace.closed_until(now) or now, self._throttle.opens_at)
        return at if at > now else None

    def ready_at(self) -> float | None:
        """Return the instant at which the next call may begin; None if something has to come back first."""
        if not self.queue or len(self.in_flight) >= self.concurrency:
            return None
        if self.paused is not None:
            return None if self.in_flight else max(self.probe_at, self._throttle.opens_at)
        return self.opens_at() if self.pace.allows(len(self.in_flight)) else None

    def take(self, now: float) -> Ticket | None:
        """Return the next call if it may begin now; it then counts as under way."""
        at = self.ready_at()
        if at is None or at > now:
            return None
        ticket = self.queue.popleft()
        ticket.began = now
        self.in_flight[ticket.row] = ticket
        self.pace.sent(now)
        return ticket

    def came_back(self, ticket: Ticket, ended: Outcome[Any] | CountermandError, now: float) -> Verdict:
        """Take what became of a call: keep the pace, and say what happens with its request."""
        del self.in_flight[ticket.row]
        if isinstance(ended, RateLimitedError):
            if any(
                attempt.status == 429 for attempt in ended.attempts
            ):  # otherwise the gate was closed already
                told = ended.retry_after if ended.retry_after_from == "marketplace" else None
                # A marketplace that asks for a year is asked again after an hour, as by a single call.
                self._refused(ticket, now, min(told, LONGEST_CLOSURE) if told else None)
            return self._again(ticket)
        if isinstance(ended, NotSentError):
            return self._unsent(ticket, ended, now)
        if isinstance(ended, CountermandError):
            self._answered(ticket, ended.attempts, now)
            if isinstance(ended, AuthenticationError):
                self.stopped = f"the account's credential was refused ({ended.message})"
                return "stopped"
            return "told"
        return self._returned(ticket, ended, now)

    def _returned(self, ticket: Ticket, outcome: Outcome[Any], now: float) -> Verdict:
        """Take an outcome. One of an interrupted call that could not be looked at is looked at again later."""
        earlier = len(ticket.outcome.attempts) if ticket.outcome else 1 if ticket.asked else 0
        new = outcome.attempts[earlier:]
        looked = ticket.outcome is not None or (ticket.asked is not None and isinstance(outcome, Unknown))
        if looked and not outcome.settled and not _got_through(new):
            if new and new[-1].status == 429:
                self._refused(ticket, now, None)
            else:
                self._pause(now, new[-1].ended if new else "nothing could be sent")
            return self._again(ticket)
        self._answered(ticket, new, now)
        return "told"

    def _refused(self, ticket: Ticket, now: float, retry_after: float | None) -> None:
        self.paused = None
        self.pace.refused(now, ticket.began, retry_after)
        closed_for = self.pace.ready_at() - now
        if closed_for > 0 and retry_after is None:
            self._throttle.close(now, closed_for)

    def _answered(self, ticket: Ticket, attempts: tuple[Attempt, ...], now: float) -> None:
        if not attempts:
            return  # nothing was sent
        if attempts[-1].status is not None:
            self.paused = None
            self._got_through += 1
        self.pace.accepted(now, ticket.began)
        self.pace.spent(len(attempts) - 1)

    def _again(self, ticket: Ticket) -> Verdict:
        self.queue.appendleft(ticket)
        return "again"

    def _unsent(self, ticket: Ticket, error: NotSentError, now: float) -> Verdict:
        others_left = ticket.seen >= 0 and self._got_through > ticket.seen
        ticket.seen = self._got_through
        ticket.unsent += 1
        if others_left and ticket.unsent >= _TRIES:
            return "told"
        self._pause(now, error.message)
        if self.stopped is not None:
            return "stopped"
        self.queue.append(ticket)  # at the end: the next probe is made with another one
        return "again"

    def _pause(self, now: float, reason: str) -> None:
        if self.paused is None:
            self._paused_since, self._probe_pause = now, FIRST_PROBE
        elif now < self.probe_at:
            return  # one that had been on its way when the lane was paused
        else:
            self._probe_pause = min(self._probe_pause * 2, LONGEST_PROBE)
        self.paused = reason
        self.probe_at = now + self._probe_pause
        if now - self._paused_since > PATIENCE:
            self.stopped = f"nothing could be sent for {PATIENCE / 60:.0f} minutes ({reason})"


def _got_through(attempts: tuple[Attempt, ...]) -> bool:
    return any(attempt.sent and attempt.status != 429 for attempt in attempts)


class Lanes:
    """Makes lanes when they are first needed, and knows what earlier runs have learnt of their accounts."""

    def __init__(self, accounts: Accounts, concurrency: int, look_ahead: int, now: float) -> None:
        self.by_label: dict[str, Lane] = {}
        #: What is in the journal: label → requests a second.
        self.learnt: dict[str, float] = {}
        self._accounts = accounts
        self._concurrency = concurrency
        self._look_ahead = look_ahead
        self._told_at = now

    def of(self, client: Any) -> Lane:
        """Return the lane of a sub-client's account."""
        label: str = client.account
        lane = self.by_label.get(label)
        if lane is None:
            pace = Pace(self._accounts.rates.get(label), self.learnt.get(label))
            name: str = client.rules.name
            lane = self.by_label[label] = Lane(label, name, self._concurrency, pace, client.rules.throttle)
        return lane

    def have_room(self, held: int, inserting: int) -> bool:
        """Return whether another row may be read beside those without an answer, some of which are being inserted."""
        lanes, known = self.by_label.values(), len(self._accounts.known)
        if held - sum(len(lane.in_flight) for lane in lanes) >= self._look_ahead:
            return False
        if inserting >= max(self._concurrency * known, _GROUP):
            return False
        # An account that the input has not shown yet may be further down. Where all have stopped, no row waits for one.
        running = [lane for lane in lanes if lane.stopped is None]
        return (
            len(lanes) < known or not running or any(len(lane.queue) < lane.concurrency for lane in running)
        )

    def news(self, now: float, *, is_over: bool) -> Iterator[Learn]:
        """Yield, now and then, what has been learnt and is not in the journal; it counts as written then."""
        if now - self._told_at < _NEWS_EVERY and not is_over:
            return
        self._told_at = now
        for label, lane in self.by_label.items():
            learnt = lane.pace.learnt
            if learnt is not None and learnt != self.learnt.get(label):
                self.learnt[label] = learnt
                yield Learn(label, learnt)
