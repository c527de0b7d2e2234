"""`cancel_many` on both doors, in virtual time."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest

from countermand import (
    AnyRequest,
    AsyncCountermand,
    AuthenticationError,
    BulkResult,
    CallStarted,
    CancelKiboOrder,
    Cancelled,
    CancelPatternOrder,
    CancelVtexOrder,
    Countermand,
    InvalidRequestError,
    NotConfiguredError,
    NotSentError,
    OrderNotFoundError,
    Requested,
    Unknown,
    Vtex,
)
from countermand.sandbox import LoseReply, RateLimited, Sandbox

from .stages import KINDS, Kind, cancel, order, vtex_requests, vtex_sandbox

pytestmark = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever happens, a run leaves no thread behind."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_every_request_is_told_once(kind: Kind) -> None:
    """With its request, an outcome, its place in the input, and counts for a display."""
    with vtex_sandbox(200) as sandbox:
        results, run = cancel(kind, sandbox, vtex_requests(200))
    assert sorted(result.row for result in results) == list(range(200))
    for result in results:
        assert isinstance(result.outcome, Requested)
        assert result.error is None
        assert result.request == CancelVtexOrder(order(result.row))
        assert result.outcome.order_id == order(result.row)
        assert not result.replayed
    assert run.progress.done == run.progress.read == 200
    assert run.progress.kinds == {"requested": 200}
    assert run.progress.in_flight == 0
    assert run.progress.seconds_left() in (None, 0.0)
    assert run.in_flight == ()


def test_a_run_takes_the_options_of_a_call(kind: Kind) -> None:
    """They hold for each of its calls, and are checked when the run is made; the client keeps its own."""
    told: list[Any] = []
    with vtex_sandbox(3) as sandbox:
        opened: Any = sandbox.client() if kind == "blocking" else sandbox.async_client()
        client = opened.with_options(hooks=[told.append])
        cancel(kind, sandbox, vtex_requests(3), client=client, timeout=7, headers={"X-Trace-Id": "t-1"})
        assert {request.headers["x-trace-id"] for request in sandbox.requests} == {"t-1"}
        assert {event.timeout for event in told if isinstance(event, CallStarted)} == {7.0}
        cancel(kind, sandbox, [CancelVtexOrder(order(0))], client=client)
        assert "x-trace-id" not in sandbox.requests[-1].headers
        for call in (client.cancel_many, client.settle_many):
            with pytest.raises(InvalidRequestError):
                call([], retry=3)
            with pytest.raises(TypeError):
                call([], tiemout=3)


def test_poisoned_requests_leave_the_others_alone(kind: Kind) -> None:
    """One that is no request, one of no account, an unknown order: each has its error, in its place."""
    requests: list[Any] = [
        *vtex_requests(3),
        "an order",
        CancelVtexOrder(order(0), account="elsewhere"),
        CancelVtexOrder("missing-01"),
    ]
    with vtex_sandbox(3) as sandbox:
        results, _ = cancel(kind, sandbox, requests)
    by_row = {result.row: result for result in results}
    assert len(by_row) == len(results) == 6
    assert all(isinstance(by_row[row].outcome, Requested) for row in range(3))
    assert isinstance(by_row[3].error, InvalidRequestError)
    assert isinstance(by_row[4].error, NotConfiguredError)
    assert isinstance(by_row[5].error, OrderNotFoundError)


def test_a_429_is_waited_for_and_sent_again(kind: Kind) -> None:
    """It is no result, the gate is kept, and the display says so."""
    with vtex_sandbox(30) as sandbox:
        sandbox.mishap("vtex", RateLimited(30))
        results, run = cancel(kind, sandbox, vtex_requests(30))
        assert {type(result.outcome) for result in results} == {Requested}
        assert len(results) == 30
        late = [each.at.second for each in sandbox.requests if each.at.second or each.at.minute]
        assert late
        assert min(late) >= 30
    lane = run.progress.lanes[0]
    assert lane.rate_limited == 1
    assert lane.rate is not None
    assert lane.learnt


def test_an_absurd_retry_after_closes_an_account_for_an_hour(kind: Kind) -> None:
    """And not for the ten years that a marketplace has asked for by mistake."""
    with vtex_sandbox(10) as sandbox:
        began = sandbox.world.now
        sandbox.mishap("vtex", RateLimited(10**9))
        results, _ = cancel(kind, sandbox, vtex_requests(10))
        assert all(isinstance(result.outcome, Requested) for result in results)
        assert timedelta(hours=1) <= sandbox.world.now - began < timedelta(hours=1, minutes=1)


def test_an_unclear_one_is_not_sent_again_by_the_lane(kind: Kind) -> None:
    """Its reply is lost, and no read gets through: `Unknown` is its result."""
    with vtex_sandbox(1) as sandbox:
        sandbox.mishap("vtex", *[LoseReply()] * 40)
        results, _ = cancel(kind, sandbox, vtex_requests(1))
        assert [type(result.outcome) for result in results] == [Unknown]
        assert sum(each.method == "POST" for each in sandbox.requests) == 1


def test_a_refused_credential_stops_its_lane(kind: Kind) -> None:
    """Its rest is told unsent; the other accounts go on."""
    requests: list[AnyRequest] = []
    for number in range(40):
        requests += [CancelVtexOrder(order(number), account="revoked"), CancelKiboOrder(number + 1, "other")]
    with Sandbox(time="virtual") as sandbox:
        for number in range(40):
            sandbox.world.kibo.add_order(number + 1)
        bad = Vtex(
            account="a", app_key="k", app_token="t", label="revoked", base_url=sandbox.base_url("vtex")
        )
        results, run = cancel(kind, sandbox, requests, client=_with(kind, sandbox, bad))
        posts = sum(each.marketplace == "vtex" for each in sandbox.requests)
    at_kibo = [result.outcome for result in results if isinstance(result.request, CancelKiboOrder)]
    assert len(results) == 80
    assert len(at_kibo) == 40
    assert all(isinstance(outcome, Cancelled) for outcome in at_kibo)
    errors = Counter(type(result.error) for result in results if result.error is not None)
    assert set(errors) == {AuthenticationError, NotSentError}
    assert errors.total() == 40
    assert posts == errors[AuthenticationError] <= 8
    states = {lane.account: lane.state for lane in run.progress.lanes}
    assert states["revoked"] == "stopped"


@pytest.mark.parametrize("journaled", [False, True])
def test_every_credential_is_refused(kind: Kind, journaled: bool, tmp_path: Path) -> None:
    """No lane is left: the rest of the input is read all the same, each request is told, and the run ends."""
    orders = 500
    journal: dict[str, Any] = {"journal": tmp_path / "run.db"} if journaled else {}
    with Sandbox(time="virtual") as sandbox:
        bad = [
            Vtex(account=label, app_key="k", app_token="t", base_url=sandbox.base_url("vtex"))
            for label in ("ar", "br")
        ]
        client: Any = Countermand(*bad) if kind == "blocking" else AsyncCountermand(*bad)
        client._driver = _with(kind, sandbox)._driver
        requests = [CancelVtexOrder(order(row), account=("ar", "br")[row % 2]) for row in range(orders)]
        results, run = cancel(kind, sandbox, requests, client=client, **journal)
    errors = Counter(type(result.error) for result in results)
    assert set(errors) == {AuthenticationError, NotSentError}
    assert errors.total() == orders
    assert [lane.state for lane in run.progress.lanes] == ["stopped", "stopped"]


def test_a_client_that_is_closed_stops_its_lanes(kind: Kind) -> None:
    """Nothing can be sent by it any more: the rest is told unsent at once, and no lane waits for a network."""
    with vtex_sandbox(60) as sandbox:
        client: Any = sandbox.client() if kind == "blocking" else sandbox.async_client()

        async def one_by_one() -> list[BulkResult]:
            results: list[BulkResult] = []
            async for result in client.cancel_many(vtex_requests(60)):
                results.append(result)
                if len(results) == 5:
                    await client.aclose()
            return results

        results: list[BulkResult] = []
        began = sandbox.world.now
        if kind == "async":
            results = asyncio.run(one_by_one())
        else:
            for result in client.cancel_many(vtex_requests(60)):
                results.append(result)
                if len(results) == 5:
                    client.close()
        assert sandbox.world.now == began
    assert len(results) == 60
    assert isinstance(results[-1].error, NotSentError)
    assert "the client is closed" in str(results[-1].error)


def _with(kind: Kind, sandbox: Sandbox, *more: Any) -> Any:
    given = {"vtex": None}
    client = sandbox.client(**given) if kind == "blocking" else sandbox.async_client(**given)
    for account in more:
        client._add(account)
    return client


def test_a_sorted_input_leaves_no_account_idle(kind: Kind) -> None:
    """The account that comes first is under 429 all the time; the others do not wait for it."""
    requests: list[AnyRequest] = [*vtex_requests(50)]
    requests += [CancelKiboOrder(number + 1, "other") for number in range(50)]
    requests += [CancelPatternOrder(f"114-{number}") for number in range(50)]
    with vtex_sandbox(50) as sandbox:
        for number in range(50):
            sandbox.world.kibo.add_order(number + 1)
            sandbox.world.pattern.add_order(f"114-{number}", {number + 5000: "new"})
        sandbox.world.vtex.reject_until(100)
        results, run = cancel(kind, sandbox, requests)
        others = [each.at for each in sandbox.requests if each.marketplace != "vtex"]
        assert (max(others) - min(others)).total_seconds() < 1
    assert [type(result.request) for result in results[-50:]] == [CancelVtexOrder] * 50
    assert len(results) == 150
    assert run.progress.elapsed >= 100


def test_the_consumer_holds_the_producer_back(kind: Kind) -> None:
    """A client of one account reads no more of its input than its lane can use."""
    read = 0

    def endless() -> Iterator[AnyRequest]:
        nonlocal read
        for request in vtex_requests(100_000):
            read += 1
            yield request

    with vtex_sandbox(100) as sandbox:
        only = dict.fromkeys(("pattern", "crux", "kibo"))
        client = sandbox.client(**only) if kind == "blocking" else sandbox.async_client(**only)
        results, _ = cancel(kind, sandbox, endless(), client=client, until=lambda result: result.row >= 20)
    assert len(results) < 50
    assert read < 60


@pytest.mark.parametrize("error", [RuntimeError("of the consumer"), KeyboardInterrupt()], ids=repr)
def test_stopping_early(kind: Kind, error: BaseException) -> None:
    """An exception in the consumer, or Ctrl-C: it passes, and no task, thread or further request follows."""

    def stop(_: Any) -> bool:
        raise error

    with vtex_sandbox(100) as sandbox:
        with pytest.raises(type(error)):
            cancel(kind, sandbox, vtex_requests(100), until=stop)
        sent = len(sandbox.requests)
        assert sent < 30
        assert len(sandbox.requests) == sent


def test_what_was_under_way_is_told(kind: Kind) -> None:
    """After an early stop, `in_flight` has the calls whose results the consumer did not get."""
    with vtex_sandbox(100) as sandbox:
        results, run = cancel(kind, sandbox, vtex_requests(100), until=lambda _: True)
        assert len(results) == 1
        assert _posts(sandbox) <= {result.row for result in results} | {one.row for one in run.in_flight}
        assert {one.row for one in run.in_flight}.isdisjoint(result.row for result in results)
        for one in run.in_flight:
            assert one.account == "sandbox"
            assert one.error is None
            assert one.outcome is not None or one.row not in _posts(sandbox)


def _posts(sandbox: Sandbox) -> set[int]:
    return {int(each.path.split("/")[-2][:13]) for each in sandbox.requests if each.method == "POST"}


def test_an_exception_that_is_not_ours_passes_through(kind: Kind) -> None:
    """A hook of the caller's client that raises ends the run, and is neither swallowed nor wrapped."""
    with vtex_sandbox(20) as sandbox:
        client = sandbox.client() if kind == "blocking" else sandbox.async_client()

        def broken(*_: Any) -> Any:
            raise ZeroDivisionError

        client.vtex.rules.judge = broken  # type: ignore[method-assign,assignment]
        with pytest.raises(ZeroDivisionError):
            cancel(kind, sandbox, vtex_requests(20), client=client)


def test_an_input_that_raises(kind: Kind) -> None:
    """Its exception passes, and nothing is left behind: what was asked for is given, or in `in_flight`."""
    given: set[int] = set()
    runs: list[Any] = []

    def broken() -> Iterator[AnyRequest]:
        yield from vtex_requests(200)
        raise LookupError("no more rows")

    with vtex_sandbox(200) as sandbox:
        client = sandbox.client() if kind == "blocking" else sandbox.async_client()
        kept = _Kept(client, runs)
        with pytest.raises(LookupError):
            cancel(kind, sandbox, broken(), client=kept, until=lambda result: given.add(result.row))
        sent = _posts(sandbox)
    assert sent
    assert sent <= given | {one.row for one in runs[0].in_flight}


class _Kept:
    """A client whose runs are kept."""

    def __init__(self, client: Any, runs: list[Any]) -> None:
        self._client, self._runs = client, runs

    def cancel_many(self, requests: Any) -> Any:
        """Return the run, which is in `runs` as well."""
        self._runs.append(self._client.cancel_many(requests))
        return self._runs[-1]


def test_results_that_are_followed_are_not_lost(kind: Kind) -> None:
    """`settle_many` that is stopped early: what it has taken and not given is in `in_flight`, as it was last seen."""
    with vtex_sandbox(20, decides_after=1e6) as sandbox:
        results, _ = cancel(kind, sandbox, vtex_requests(20))
        results[7] = _settled(results[7])
        taken: list[int] = []

        def taking() -> Iterator[Any]:
            for result in results:
                taken.append(result.row)
                yield result

        if kind == "blocking":
            with sandbox.client().settle_many(taking(), timeout=80) as run:
                first = next(run)
        else:

            async def follow() -> tuple[Any, Any]:
                async with sandbox.async_client().settle_many(taking(), timeout=80) as run:
                    return await anext(run), run

            first, run = asyncio.run(follow())
        held = {str(one.outcome.order_id) for one in run.in_flight if one.outcome is not None}
    assert held == {order(row) for row in taken} - {order(first.row)}
    assert len(held) > 5


def _settled(result: BulkResult) -> BulkResult:
    assert result.outcome is not None
    outcome = Cancelled[Any](marketplace="vtex", order_id=result.outcome.order_id, account="sandbox")
    return attrs.evolve(result, outcome=outcome)


def test_a_known_rate_is_kept(kind: Kind) -> None:
    """`rate="60/min"` sends one request a second, and no faster at the start."""
    with Sandbox(time="virtual") as sandbox:
        for number in range(20):
            sandbox.world.vtex.add_order(order(number))
        world = sandbox.world.vtex
        slow = Vtex(
            account="slow",
            app_key=world.app_key,
            app_token=world.app_token,
            base_url=sandbox.base_url("vtex"),
            rate="60/min",
        )
        results, run = cancel(kind, sandbox, vtex_requests(20), client=_with(kind, sandbox, slow))
        times = [each.at.timestamp() for each in sandbox.requests]
        gaps = [late - early for early, late in zip(times, islice(times, 1, None), strict=False)]
        assert len(results) == 20
        assert times[-1] - times[0] == pytest.approx(19.2, abs=0.2)
        assert min(gaps) >= 0.97
    assert not run.progress.lanes[0].learnt
    assert run.progress.lanes[0].rate == 1.0  # as it was configured, not what is kept of it


@pytest.mark.parametrize("concurrency", [0, True, "8"])
def test_a_concurrency_that_makes_no_sense(kind: Kind, concurrency: Any) -> None:
    """It is refused before anything is read."""
    with vtex_sandbox(1) as sandbox, pytest.raises(InvalidRequestError):
        cancel(kind, sandbox, vtex_requests(1), concurrency=concurrency)


def test_settle_many_follows_what_is_open(kind: Kind) -> None:
    """Settled results pass as they are; an order that does not settle is told as it stands when its time is over."""
    with vtex_sandbox(0) as sandbox:
        for number in range(30):
            sandbox.world.vtex.add_order(order(number), decides_after=5.0 * number)
        results, _ = cancel(kind, sandbox, [*vtex_requests(30), CancelVtexOrder("missing-01")])
        if kind == "blocking":
            settled = list(sandbox.client().settle_many(results, timeout=80))
        else:

            async def follow() -> list[Any]:
                return [one async for one in sandbox.async_client().settle_many(results, timeout=80)]

            settled = asyncio.run(follow())
    assert Counter(type(one.outcome) for one in settled)[Cancelled] in range(15, 18)
    assert len(settled) == 31
    assert {one.row for one in settled} == set(range(31))
    assert [type(one.error) for one in settled if one.error] == [OrderNotFoundError]
    for one in settled:
        if isinstance(one.outcome, Cancelled):
            assert one.row <= 17
            assert sum(attempt.what == "read" for attempt in one.outcome.attempts) <= 12
    assert sum(one.outcome.settled for one in settled if one.row == 0 and one.outcome) == 1
    first = next(one.outcome for one in settled if one.row == 0)
    assert first is not None
    assert sum(attempt.what == "read" for attempt in first.attempts) == 1  # none after it had settled
