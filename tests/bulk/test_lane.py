"""One lane, alone: it has no clock and sends nothing."""

from typing import Any

from countermand import CancelVtexOrder, NotSentError, RateLimitedError, Requested
from countermand.bulk.lane import Lane, Ticket
from countermand.bulk.pace import Pace
from countermand.engine.retry import Throttle
from countermand.outcomes import Attempt

from .stages import order


def _lane(tickets: int, throttle: Throttle | None = None) -> Lane:
    lane = Lane("a", "vtex", 4, Pace(), throttle or Throttle())
    lane.queue.extend(Ticket(row, CancelVtexOrder(order(row)), None) for row in range(tickets))
    return lane


def _attempts(status: int | None) -> tuple[Attempt, ...]:
    made: Any = Attempt("cancel", None, 0.0, status, "…", sent=status is not None)  # type: ignore[arg-type]
    return (made,)


def test_another_call_on_the_account_closes_the_lane() -> None:
    """They share one gate."""
    throttle = Throttle()
    lane = _lane(3, throttle)
    throttle.close(0.0, 30.0, told=True)
    assert lane.take(29.0) is None
    assert lane.ready_at() == 30.0
    assert lane.closed_until(10.0) == 30.0
    assert lane.take(30.0) is not None


def test_a_429_closes_the_gate_for_other_calls_too() -> None:
    """Where the marketplace names no time, the lane's own pause counts."""
    throttle = Throttle()
    lane = _lane(1, throttle)
    ticket = lane.take(0.0)
    assert ticket is not None
    error = RateLimitedError("429", retry_after=0.0, retry_after_from="policy", attempts=_attempts(429))
    assert lane.came_back(ticket, error, 1.0) == "again"
    assert throttle.closed_for(1.0) > 0
    assert list(lane.queue) == [ticket]


def test_one_request_that_never_leaves_is_told_while_others_do() -> None:
    """The third time, if others left in between; alone it is tried again."""
    lane = _lane(0)
    poisoned = Ticket(0, CancelVtexOrder(order(0)), None)
    unsent = NotSentError("not sent", marketplace="vtex", attempts=_attempts(None))
    answered = Requested[Any](marketplace="vtex", order_id=order(1), attempts=_attempts(200))
    now, verdicts = 0.0, list[str]()
    for turn in range(3):
        lane.queue.append(poisoned)
        now += 100
        ticket = lane.take(now)
        assert ticket is poisoned
        verdicts.append(lane.came_back(poisoned, unsent, now))
        if verdicts[-1] == "again":
            lane.queue.clear()
        lane.queue.append(Ticket(turn + 1, CancelVtexOrder(order(turn + 1)), None))
        now += 100
        other = lane.take(now)
        assert other is not None
        assert lane.came_back(other, answered, now) == "done"
    assert verdicts == ["again", "again", "done"]


def test_a_lane_that_cannot_send_makes_one_probe_at_a_time() -> None:
    """After pauses that double."""
    lane = _lane(9)
    first, second = lane.take(0.0), lane.take(0.0)
    assert first is not None
    assert second is not None
    unsent = NotSentError("not sent", marketplace="vtex", attempts=_attempts(None))
    lane.came_back(first, unsent, 0.0)
    lane.came_back(second, unsent, 0.1)  # it had been on its way
    assert lane.ready_at() == 1.0
    probe = lane.take(1.0)
    assert probe is not None
    assert lane.take(1.0) is None
    lane.came_back(probe, unsent, 1.0)
    assert lane.ready_at() == 3.0
    assert lane.paused == "not sent"


def test_the_next_probe_is_made_with_another_request() -> None:
    """One that can never be sent does not keep the lane paused."""
    lane = _lane(3)
    first = lane.take(0.0)
    assert first is not None
    unsent = NotSentError("not sent", marketplace="vtex", attempts=_attempts(None))
    lane.came_back(first, unsent, 0.0)
    probe = lane.take(1.0)
    assert probe is not None
    assert probe is not first
