"""A signal handler that raises, anywhere in a run: no result is lost without a word, and no thread is left."""

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from countermand import Countermand, Unknown, Vtex
from countermand.bulk.background import Background
from countermand.engine.wire import Call, Clock, Flow, Reply, T

from .stages import vtex_requests

ORDERS = 12


class Alarm(Exception):  # noqa: N818 - what a handler of SIGALRM raises
    """Raised by the signal handler."""


class Instant:
    """A blocking driver that answers at once, and keeps which orders were asked about."""

    clock = Clock(time.monotonic, time.time)

    def __init__(self) -> None:
        self.sent: list[int] = []

    def run(self, flow: Flow[T]) -> T:
        """Answer as VTEX does."""
        step = next(flow)
        assert isinstance(step, Call)
        order = step.target.split("/")[-2 if step.method == "POST" else -1]
        self.sent += [int(order[:13])] * (step.method == "POST")
        said = (
            '"status": "canceled"'
            if step.method == "GET"
            else '"date": "2026-03-02T09:00:00Z", "receipt": null'
        )
        try:
            flow.send(Reply(200, {}, f'{{"orderId": "{order}", {said}}}'.encode()))
        except StopIteration as end:
            result: T = end.value
            return result
        raise AssertionError("it asks again")

    def close(self) -> None:
        """There is nothing to close."""


@contextmanager
def struck(strikes: Callable[[int], bool]) -> Generator[None]:
    """Raise `Alarm` in this thread before those lines of a run that `strikes` holds for, counted from 1."""
    numbers = count(1)

    def line(_: FrameType, event: str, __: Any) -> Any:
        if event == "line" and strikes(next(numbers)):
            raise Alarm
        return line

    def entered(frame: FrameType, _: str, __: Any) -> Any:
        is_run = frame.f_code.co_filename.endswith(("bulk/blocking.py", "bulk/course.py", "bulk/run.py"))
        return line if is_run and frame.f_code.co_name not in ("__del__", "close") else None

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("journaled", [False, True])
def test_no_result_is_lost_wherever_it_strikes(journaled: bool, tmp_path: Path) -> None:
    """Every order that was asked about has its result given, now or later, or is in `in_flight`, with its outcome."""
    threads = set(threading.enumerate())
    number, ended = 1, False
    while not ended:
        driver = Instant()
        client = Countermand(Vtex(account="a", app_key="k", app_token="t"), http_client=driver)
        path = tmp_path / f"{number}.db" if journaled else None
        given: set[int] = set()
        with client.cancel_many(vtex_requests(ORDERS), journal=path) as run:
            try:
                with struck(lambda at, number=number: at == number):  # type: ignore[misc]
                    for result in run:
                        given.add(result.row)
                ended = len(given) == ORDERS
            except Alarm:
                given.update(result.row for result in run)
        known = {one.row: one.outcome for one in run.in_flight}
        assert set(driver.sent) <= given | set(known), number
        assert all(known[row] is not None for row in known if row in driver.sent), number
        assert len(driver.sent) == len(set(driver.sent))
        for thread in set(threading.enumerate()) - threads:  # one that was struck while it waited for them
            thread.join(10)
            assert not thread.is_alive(), number
        if path is not None:
            left = {file.name for file in tmp_path.iterdir() if file.name.startswith(f"{number}.")}
            assert left <= {path.name}, number
            again = {result.row for result in client.cancel_many(vtex_requests(ORDERS), journal=path)}
            assert again == set(range(ORDERS)), number
        number += 61 if journaled else 13
    assert number > 500


def test_a_thread_that_is_struck_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it runs or not, it can be waited for; where it has not begun, it does nothing any more."""
    done: list[str] = []
    start = threading.Thread.start

    def strike_before(_: threading.Thread) -> None:
        raise Alarm

    def strike_after(thread: threading.Thread) -> None:
        start(thread)
        raise Alarm

    def strike_within(_: threading.Thread) -> None:
        try:
            raise Alarm
        except Alarm:
            raise KeyError("of its own records") from None  # as CPython does

    for strike in (strike_before, strike_after, strike_within):
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", strike)
            background = Background("struck", done.append, strike.__name__)
            with pytest.raises(Alarm):
                background.start()
        background.join()
        assert not background.call_off()
    assert done in ([], ["strike_after"])
    background = Background("called off", done.append, "called off")
    assert background.call_off()
    background.start()
    background.join()
    assert "called off" not in done


def test_a_second_strike_does_not_wait_for_calls(tmp_path: Path) -> None:
    """Ctrl-C while the calls under way are waited for: the journal is one file, and the threads end with their calls."""
    threads = set(threading.enumerate())
    driver, go_on = Instant(), threading.Event()
    answer = driver.run

    def hanging(flow: Flow[T]) -> T:
        if driver.sent:
            assert go_on.wait(30)
        return answer(flow)

    driver.run = hanging  # type: ignore[method-assign]
    client = Countermand(Vtex(account="a", app_key="k", app_token="t"), http_client=driver)
    run = client.cancel_many(vtex_requests(ORDERS), journal=tmp_path / "run.db")
    first = next(run)

    def joining(_: Background) -> None:
        raise Alarm

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("countermand.bulk.blocking._Workers.join", joining)
        with pytest.raises(Alarm):
            run.close()
    assert [file.name for file in tmp_path.iterdir()] == ["run.db"]
    assert {type(one.outcome) for one in run.in_flight} >= {Unknown}
    assert all(one.outcome is not None for one in run.in_flight)
    go_on.set()
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
        assert not thread.is_alive()
    assert {one.row for one in run.in_flight} >= set(driver.sent) - {first.row}
    again = list(client.cancel_many(vtex_requests(ORDERS), journal=tmp_path / "run.db"))
    assert len(again) == ORDERS
