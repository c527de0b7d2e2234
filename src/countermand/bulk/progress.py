"""How a run stands, as a snapshot for people."""

from datetime import UTC, datetime, timedelta

from ..engine.wire import Clock
from .backlog import Backlog
from .lane import Lane
from .results import LaneProgress, LaneState, Progress
from .tally import Tally


def progress(tally: Tally, lanes: dict[str, Lane], backlog: Backlog, clock: Clock) -> Progress:
    """Return how a run stands now."""
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
        rate=lane.pace.rate,
        learnt=lane.pace.learnt is not None,
        rate_limited=lane.pace.refusals,
        done=lane.done,
        in_flight=len(lane.in_flight),
        queued=len(lane.queue) + stored,
    )
