"""The progress of a run: its results, the state of each account, and the calls in progress."""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ..engine.wire import Clock
from ..errors import CountermandError
from ..outcomes import Outcome, Unknown, evidence_of
from .backlog import Backlog
from .lane import Lane, Ticket
from .records import kind_of
from .results import BulkResult, InFlight, LaneProgress, LaneState, Progress

#: Results from whose times the recent rate is computed.
_LATELY = 512


class Tally:
    """What a run has read and yielded so far."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.read = 0
        self.input_ended = False
        self.done: int = 0
        self.replayed: int = 0
        self.duplicates: int = 0
        self.kinds: Counter[str] = Counter()
        self._times: deque[float] = deque(maxlen=_LATELY)

    def given(self, result: BulkResult, now: float) -> None:
        """Count a result."""
        self.done += 1
        self.replayed += result.replayed
        self.duplicates += result.duplicate_of is not None
        self.kinds[kind_of(result.ended)] += 1
        if not result.replayed:
            self._times.append(now)

    def rate(self, now: float) -> float:
        """Return the recent rate, in results a second."""
        if len(self._times) < 2 or now <= self._times[0]:
            return 0.0
        return len(self._times) / (now - self._times[0])


def progress(tally: Tally, lanes: dict[str, Lane], backlog: Backlog, clock: Clock) -> Progress:
    """Return the current progress of a run."""
    now, wall = clock.monotonic(), datetime.fromtimestamp(clock.wall(), UTC)
    shown = tuple(_lane(lane, backlog.of(lane), now, wall) for lane in lanes.values())
    return Progress(
        read=tally.read,
        input_ended=tally.input_ended,
        done=tally.done,
        kinds=dict(tally.kinds),
        replayed=tally.replayed,
        duplicates=tally.duplicates,
        in_flight=sum(lane.in_flight for lane in shown),
        elapsed=now - tally.began,
        rate=tally.rate(now),
        lanes=shown,
    )


def _lane(lane: Lane, stored: int, now: float, wall: datetime) -> LaneProgress:
    state: LaneState
    until: datetime | None = None
    reason: str | None = None
    closed_until = lane.closed_until(now)
    if lane.stopped is not None:
        state, reason = "stopped", lane.stopped
    elif lane.paused is not None:
        state, reason, until = "paused", lane.paused, wall + timedelta(seconds=max(0.0, lane.probe_at - now))
    elif closed_until is not None and lane.queue:
        state, reason = "waiting", "too many requests (429)"
        until = wall + timedelta(seconds=closed_until - now)
    else:
        state = "running" if lane.queue or lane.in_flight else "idle"
    return LaneProgress(
        account=lane.label,
        marketplace=lane.marketplace,
        state=state,
        until=until,
        reason=reason,
        rate=lane.pace.known or lane.pace.rate,
        learnt=lane.pace.learnt is not None,
        rate_limited=lane.pace.refusals,
        done=lane.done,
        in_flight=len(lane.in_flight),
        queued=len(lane.queue) + stored,
    )


def under_way(lanes: Iterable[Lane]) -> list[InFlight]:
    """Return the calls in progress."""
    return [
        InFlight(ticket.request, ticket.row, lane.label, ticket.began_at)
        for lane in lanes
        for ticket in lane.in_flight.values()
        if ticket.began_at is not None
    ]


def cut_off(ticket: Ticket) -> InFlight:
    """Return a call whose result the consumer of a stopped run did not receive, with what is known of it."""
    began = ticket.began_at or datetime.now(UTC)
    ended = ticket.ended
    error = ended if isinstance(ended, CountermandError) and ticket.outcome is None else None
    account: str = ticket.client.account if ticket.client else getattr(ended, "account", None) or ""
    known: Any = evidence_of(ended) if isinstance(ended, BaseException) else ended or _not_waited_for(ticket)
    known = None if error else known or ticket.outcome
    return InFlight(ticket.request, ticket.row, account, began, known, error)


def _not_waited_for(ticket: Ticket) -> Outcome[Any]:
    if ticket.outcome is not None:
        return ticket.outcome
    rules = ticket.client.rules
    order_id = str(rules.order_of(ticket.request))
    why = "the run was stopped, and its answer was not waited for"
    return Unknown(marketplace=rules.name, order_id=order_id, account=rules.label, reason=why)
