"""The course of a run, alone: what it has its runner do, step by step."""

from typing import Any

from countermand import CancelCruxOrder, Countermand, Crux, RateLimitedError, Requested
from countermand.bulk.records import Answer, Committed, Declare, Insert, Learn, Opened, Withdraw
from countermand.bulk.run import Run
from countermand.bulk.steps import End, Give, Read, Send, Store, Wait
from countermand.engine.wire import Clock
from countermand.outcomes import Attempt

CRUX = "521a91e5-058d-4474-aeee-f0c148594a00"


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clock = Clock(lambda: self.now, lambda: 1_772_442_000.0 + self.now)


def _limited() -> RateLimitedError:
    attempt: Any = Attempt("cancel", None, 0.0, 429, "answered 429")  # type: ignore[arg-type]
    return RateLimitedError("429", retry_after=30.0, retry_after_from="marketplace", attempts=(attempt,))


def test_a_request_from_the_input_to_its_result() -> None:
    """Row, intent, call, a 429 that withdraws the intent, intent and call again, answer, result: in this order."""
    time = Time()
    client = Countermand(Crux(token="a-token"), http_client=Driver(time.clock))
    run = Run(client._for_bulk(), time.clock, 8, journaled=True)

    def store(*kinds: type[Any]) -> list[Any]:
        step = run.step()
        assert isinstance(step, Store)
        ops: list[Any] = list(step.ops)
        assert [type(op) for op in ops if not isinstance(op, Learn)] == list(kinds)
        run.journal_told(Committed(ops, {}))
        return ops

    assert run.step() == Wait(None)
    run.journal_told(Opened(0, {}))
    assert run.step() == Read()
    run.read(CancelCruxOrder(CRUX))
    store(Insert)
    assert store(Declare)[0].row == 0
    step = run.step()
    assert isinstance(step, Send)
    assert run.step() == Read()
    run.end_input()
    assert run.step() == Wait(None)
    run.came_back(step.ticket, _limited())
    store(Withdraw)
    assert run.step() == Wait(30.0)
    time.now = 30.0
    store(Declare)
    step = run.step()
    assert isinstance(step, Send)
    outcome = Requested[Any](marketplace="crux", order_id=CRUX, account="crux")
    run.came_back(step.ticket, outcome)
    assert store(Answer)[0].kind == "requested"
    given = run.step()
    assert isinstance(given, Give)
    assert given.result.outcome == outcome
    while isinstance(step := run.step(), Store):  # what was learnt
        run.journal_told(Committed(list(step.ops), {}))  # type: ignore[arg-type]
    assert step == End()


class Driver:
    """A driver that nobody runs."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def run(self, flow: Any) -> Any:
        """Fail."""
        raise AssertionError("nothing is sent here")

    def close(self) -> None:
        """There is nothing to close."""
