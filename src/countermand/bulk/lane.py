"""One account's lane: its queue, the calls in progress, when the next call may start, and what an answer means for it.

A lane has no clock and sends nothing: it takes events and returns decisions.
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
#: A lane that could not send for this many seconds is stopped, and its remaining requests are reported as not sent.
PATIENCE = 3600.0
#: How often one request may fail to be sent, while others are sent, before it is reported as not sent.
_TRIES = 3

#: Rows that are written to the journal in one commit, if there are as many.
_GROUP = 512
#: Seconds between two records of the learnt rate.
_NEWS_EVERY = 5.0

#: The end of a call: its outcome, one of our errors, or an exception that is not ours.
Ended: TypeAlias = Outcome[Any] | BaseException
#: What an answer means: it is the result; the request is sent again; or it is the result and the lane has stopped.
Verdict: TypeAlias = Literal["done", "again", "stopped"]


@attrs.define(eq=False, weakref_slot=False)
class Ticket:
    """One piece of work: a request to send, or an outcome to look at again."""

    row: int
    request: Any
    #: The sub-client of the account.
    client: Any
    #: When an earlier process sent the cancellation, or was about to.
    asked: datetime | None = None
    #: The outcome that is followed, where no cancellation is sent.
    outcome: Outcome[Any] | None = None
    #: The instant until which it is followed.
    until: float = float("inf")
    pause: float = 1.0
    #: When the call started, and how it ended.
    began: float = 0.0
    began_at: datetime | None = None
    ended: Ended | None = None
    #: How often it could not be sent, and how much the lane had sent when that last happened.
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
        #: Why the lane has stopped for good.
        self.stopped: str | None = None
        #: Why nothing can be sent at present.
        self.paused: str | None = None
        #: Requests that are finished.
        self.done = 0
        self.probe_at: float = float("-inf")
        self._probe_pause = FIRST_PROBE
        self._paused_since = 0.0
        self._got_through = 0
        self._throttle = throttle

    def opens_at(self) -> float:
        """Return the instant at which the account opens after a 429, on this lane or of another call on the account."""
        return max(self.pace.ready_at(), self._throttle.opens_at)

    def closed_until(self, now: float) -> float | None:
        """Return the instant until which a 429 keeps the account closed; None if it is open."""
        at = max(self.pace.closed_until(now) or now, self._throttle.opens_at)
        return at if at > now else None

    def ready_at(self) -> float | None:
        """Return the instant at which the next call may start; None if another call has to return first."""
        if not self.queue or len(self.in_flight) >= self.concurrency:
            return None
        if self.paused is not None:
            return None if self.in_flight else max(self.probe_at, self._throttle.opens_at)
        return self.opens_at() if self.pace.allows(len(self.in_flight)) else None

    def take(self, now: float) -> Ticket | None:
        """Return the next call if it may start now; it then counts as in progress."""
        at = self.ready_at()
        if at is None or at > now:
            return None
        ticket = self.queue.popleft()
        ticket.began = now
        self.in_flight[ticket.row] = ticket
        self.pace.sent(now)
        return ticket

    def came_back(self, ticket: Ticket, ended: Outcome[Any] | CountermandError, now: float) -> Verdict:
        """Process the end of a call: adjust the pace, and return what happens with its request."""
        del self.in_flight[ticket.row]
        if isinstance(ended, RateLimitedError):
            if any(
                attempt.status == 429 for attempt in ended.attempts
            ):  # otherwise the gate was closed already
                told = ended.retry_after if ended.retry_after_from == "marketplace" else None
                # A marketplace that asks for a year gets the next request after an hour, as in a single call.
                self._refused(ticket, now, min(told, LONGEST_CLOSURE) if told else None)
            return self._again(ticket)
        if isinstance(ended, NotSentError):
            return self._unsent(ticket, ended, now)
        if isinstance(ended, CountermandError):
            self._answered(ticket, ended.attempts, now)
            if isinstance(ended, AuthenticationError):
                self.stopped = f"the account's credential was refused ({ended.message})"
                return "stopped"
            return "done"
        return self._returned(ticket, ended, now)

    def _returned(self, ticket: Ticket, outcome: Outcome[Any], now: float) -> Verdict:
        """Process an outcome. An interrupted call whose order could not be read is tried again later."""
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
        return "done"

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
            return "done"
        self._pause(now, error.message)
        if self.stopped is not None:
            return "stopped"
        self.queue.append(ticket)  # at the end: the next probe uses another request
        return "again"

    def _pause(self, now: float, reason: str) -> None:
        if self.paused is None:
            self._paused_since, self._probe_pause = now, FIRST_PROBE
        elif now < self.probe_at:
            return  # it was in progress when the lane was paused
        else:
            self._probe_pause = min(self._probe_pause * 2, LONGEST_PROBE)
        self.paused = reason
        self.probe_at = now + self._probe_pause
        if now - self._paused_since > PATIENCE:
            self.stopped = f"nothing could be sent for {PATIENCE / 60:.0f} minutes ({reason})"


def _got_through(attempts: tuple[Attempt, ...]) -> bool:
    return any(attempt.sent and attempt.status != 429 for attempt in attempts)


class Lanes:
    """Creates lanes when they are first needed, and knows the rates that earlier runs have learnt."""

    def __init__(self, accounts: Accounts, concurrency: int, look_ahead: int, now: float) -> None:
        self.by_label: dict[str, Lane] = {}
        #: The rates in the journal: label → requests a second.
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
        """Return whether another row may be read. `held` rows have no answer; `inserting` of them are being inserted."""
        lanes, known = self.by_label.values(), len(self._accounts.known)
        if held - sum(len(lane.in_flight) for lane in lanes) >= self._look_ahead:
            return False
        if inserting >= max(self._concurrency * known, _GROUP):
            return False
        # An account that has not occurred yet may be further down. If all lanes have stopped, no row waits for one.
        running = [lane for lane in lanes if lane.stopped is None]
        return (
            len(lanes) < known or not running or any(len(lane.queue) < lane.concurrency for lane in running)
        )

    def news(self, now: float, *, is_over: bool) -> Iterator[Learn]:
        """Yield, from time to time, learnt rates that the journal does not have; they then count as written."""
        if now - self._told_at < _NEWS_EVERY and not is_over:
            return
        self._told_at = now
        for label, lane in self.by_label.items():
            learnt = lane.pace.learnt
            if learnt is not None and learnt != self.learnt.get(label):
                self.learnt[label] = learnt
                yield Learn(label, learnt)
