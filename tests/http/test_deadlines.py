"""When a request may still be written: what has no deadline has not missed it."""

import httpcore
import pytest

from countermand.engine.wire import Call
from countermand.transport.streams import Deadline, left_to_send


def until(instant: float) -> Deadline:
    """Return the deadline of a call that ends at an instant of the monotonic clock."""
    deadline = Deadline(1.0)
    deadline.call = Call("POST", "http://localhost", "/", deadline=instant)
    return deadline


@pytest.mark.parametrize("timeout", [None, until(float("inf"))], ids=["none", "infinite"])
def test_without_a_deadline_a_request_may_be_written(timeout: float | None) -> None:
    """A missing deadline is not a passed one."""
    assert left_to_send(timeout) in {None, float("inf")}


def test_after_the_deadline_nothing_is_written() -> None:
    """The error is that of a connection that never was: nothing was sent."""
    with pytest.raises(httpcore.ConnectTimeout):
        left_to_send(until(0.0))
