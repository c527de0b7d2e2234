"""Rows that wait in the journal alone: a slow account takes neither memory nor the others' work."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from countermand import AnyRequest, CancelCruxOrder, Countermand, Crux, NotSentError, Requested
from countermand.bulk import backlog, run
from countermand.bulk.records import Committed, Insert, Opened, Row, request_text
from countermand.bulk.steps import Read, Store, Wait

from .faulty import NAMES
from .outage import WorldDriver, played, world_of
from .stages import KINDS, Kind, cancel, vtex_requests, vtex_sandbox
from .test_run import CRUX, Driver, Time


@pytest.fixture(autouse=True)
def few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane keeps 16 requests, and a run holds 64 in memory."""
    monkeypatch.setattr(backlog, "KEPT", 16)
    monkeypatch.setattr(run, "LOOK_AHEAD", 64)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return the path of a journal."""
    return tmp_path / "run.db"


def test_a_long_stretch_of_one_account_does_not_keep_the_others_idle(journal: Path) -> None:
    """Far more orders than are held, of an account under 429, come first: the others are done before it."""
    orders = 1200
    numbers = sorted(range(orders), key=lambda number: (NAMES[number % 4] != "vtex", number % 4))
    world = world_of(orders)
    world.vtex.reject_until(300)
    ran = asyncio.run(played(WorldDriver(world), numbers, journal=journal))
    assert sorted(result.row for result in ran.results) == list(range(orders))
    assert ran.last["vtex"] > 300
    for name in ("pattern", "crux", "kibo"):
        assert ran.last[name] < 100


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_told_once_over_two_runs(kind: Kind, journal: Path) -> None:
    """Stopped in the middle and resumed, with orders that come again far behind."""
    requests: list[AnyRequest] = [*vtex_requests(200), *vtex_requests(40), *vtex_requests(100)]
    with vtex_sandbox(200) as sandbox:
        sandbox.world.vtex.reject_until(30)
        told: list[int] = []

        def enough(_: Any) -> bool:
            told.append(0)
            return len(told) == 50

        cancel(kind, sandbox, requests, journal=journal, concurrency=4, until=enough)
        results, ended = cancel(kind, sandbox, requests, journal=journal, concurrency=4)
        assert sum(each.method == "POST" for each in sandbox.requests) >= 200
        assert all(order.cancels == 1 for order in sandbox.world.vtex.orders.values() if order.cancels)
    assert sorted(result.row for result in results) == list(range(340))
    assert all(isinstance(result.outcome, Requested) for result in results)
    assert {result.row: result.duplicate_of for result in results if result.row >= 200} == {
        row: (row - 200) % 40 if row < 240 else row - 240 for row in range(200, 340)
    }
    assert ended.progress.lanes[0].queued == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_lane_that_stops_tells_its_backlog(kind: Kind, journal: Path) -> None:
    """What waits in the journal is told unsent too, and the next run sends it."""
    with vtex_sandbox(200) as sandbox:
        good = sandbox.world.vtex.app_token
        client = sandbox.client() if kind == "blocking" else sandbox.async_client()
        sandbox.world.vtex.app_token = "another"
        results, _ = cancel(kind, sandbox, vtex_requests(200), journal=journal, client=client)
        assert sorted(result.row for result in results) == list(range(200))
        assert sum(isinstance(result.error, NotSentError) for result in results) >= 190
        sandbox.world.vtex.app_token = good
        results, _ = cancel(kind, sandbox, vtex_requests(200), journal=journal)
    assert sorted(result.row for result in results) == list(range(200))
    assert all(isinstance(result.outcome, Requested) for result in results)


def test_orders_that_come_again_hold_the_input_back() -> None:
    """Rows that wait for an order that is under way are held like any others."""
    time = Time()
    client = Countermand(Crux(token="a-token"), http_client=Driver(time.clock))
    course = run.Run(client._for_bulk(), time.clock, 8, journaled=True)
    course.journal_told(Opened(0, {}))
    first = Row(0, "crux", request_text(CancelCruxOrder(CRUX)), 0.0, None, None, None)
    read = 0
    while not (isinstance(step := course.step(), Wait) and step.until is None):
        if isinstance(step, Read):
            course.read(CancelCruxOrder(CRUX))
            read += 1
            assert read < 1000
        elif isinstance(step, Store):
            again = {op.row: first for op in step.ops if isinstance(op, Insert) and op.row > 0}
            course.journal_told(Committed(list(step.ops), again))  # type: ignore[arg-type]
    assert 64 <= read < 80
