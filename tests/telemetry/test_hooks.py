"""What hooks are told of a call, in which order, and what a hook cannot do to it."""

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from countermand import (
    AsyncCountermand,
    CallEnd,
    CallEnded,
    CallEvent,
    CallStarted,
    Cancelled,
    Crux,
    Event,
    InvalidRequestError,
    NotSentError,
    OrderNotFoundError,
    Requested,
    RequestEnd,
    RequestEnded,
    RequestStarted,
    RetryPolicy,
    Unknown,
    WaitReason,
    WaitStarted,
    evidence_of,
)
from countermand.engine.telemetry import Telemetry
from countermand.engine.wire import Call
from tests.support.doors import Door, Kind, OnStage
from tests.support.markets import CRUX, PATTERN, VTEX, Market
from tests.support.stage import WALL, After, Stage, lost, reply, unsent
from tests.support.tables import table

RATE_LIMITED = reply(429, {"message": "slow down"}, retry_after="7")
TOKEN = reply(200, {"auth_token": "t-one-and-only"})


def only(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def names(events: Sequence[Event]) -> list[str]:
    """Return what kinds the events are of, in their order."""
    return [type(event).__name__ for event in events]


def test_a_plain_call(market: Market, on_stage: OnStage) -> None:
    """It begins, asks once and ends; every event says of which call it is, and how long things took."""
    told: list[Any] = []
    stage = Stage(cancel=[After(2.5, market.accepted)])
    outcome = market.cancel(on_stage(stage, market, hooks=[told.append]), timeout=20)
    begun, asked, answered, ended = told
    about: dict[str, Any] = {
        "call_id": begun.call_id,
        "call": "cancel",
        "marketplace": market.name,
        "account": outcome.account,
        "order_id": str(market.order_id),
    }
    url = market.cancel_url.partition("?")[0]
    request: dict[str, Any] = {"what": "cancel", "number": 1, "method": market.method, "url": url}
    assert begun == CallStarted(**about, timeout=20.0)
    assert asked == RequestStarted(**about, **request)
    how: dict[str, Any] = {"status": market.accepted.status, "seconds": 2.5, "ended": RequestEnd.ANSWERED}
    assert answered == RequestEnded(**about, **request, **how, sent=True, request_id=None)
    assert ended == CallEnded(**about, ended=CallEnd.REQUESTED, seconds=2.5, requests=1, outcome=outcome)


def test_a_call_that_takes_its_time(market: Market, on_stage: OnStage) -> None:
    """A gate, a lost answer and a settling read, each with its reason."""
    told: list[Any] = []
    reads = [reply(500), market.cancelled]
    stage = Stage(cancel=[RATE_LIMITED, lost()], read=reads)
    door = on_stage(stage, market, hooks=[told.append], retry=RetryPolicy(first_pause=0))
    assert isinstance(market.cancel(door), Cancelled)
    waits = only(told, WaitStarted)
    assert [wait.why for wait in waits] == [WaitReason.RETRY, WaitReason.RATE_LIMIT, WaitReason.SETTLING]
    gate = waits[1]
    assert gate.until == datetime.fromtimestamp(WALL + gate.seconds, UTC)
    assert gate.seconds == pytest.approx(7.0)
    ends = [(end.number, end.what, end.ended, end.status) for end in only(told, RequestEnded)]
    assert ends == [
        (1, "cancel", RequestEnd.ANSWERED, 429),
        (2, "cancel", RequestEnd.LOST, None),
        (3, "read", RequestEnd.ANSWERED, 500),
        (4, "read", RequestEnd.ANSWERED, 200),
    ]
    assert told[-1].requests == 4
    assert len({event.call_id for event in told}) == 1


def test_how_a_request_ends(on_stage: OnStage) -> None:
    """A body that is cut short is unreadable, a connection that never came is not sent."""
    told: list[Any] = []
    cut = VTEX.cancelled._replace(flaw="its body is not whole")
    stage = Stage(read=[unsent(), cut, VTEX.cancelled])
    VTEX.read(on_stage(stage, VTEX, hooks=[told.append]))
    ends = [(end.ended, end.sent) for end in only(told, RequestEnded)]
    assert ends == [(RequestEnd.NOT_SENT, False), (RequestEnd.UNREADABLE, True), (RequestEnd.ANSWERED, True)]
    assert [wait.why for wait in only(told, WaitStarted)] == [WaitReason.RETRY] * 2
    assert (told[-1].call, told[-1].ended, told[-1].outcome) == ("read", CallEnd.READ, None)


def test_waiting_for_an_outcome(market: Market, on_stage: OnStage) -> None:
    """What `wait_until_settled` sleeps is polling; `check` is a call of its own."""
    told: list[Any] = []
    stage = Stage(read=[market.still_open, market.still_open, market.cancelled])
    door = on_stage(stage, market, hooks=[told.append])
    asked: Requested[Any] = Requested(marketplace=market.name, order_id=str(market.order_id))
    settled = door.do(market.name, "check", asked)
    settled = door.do(market.name, "wait_until_settled", settled)
    assert [event.call for event in only(told, CallEnded)] == ["check", "wait_until_settled"]
    assert [wait.why for wait in only(told, WaitStarted)] == [WaitReason.POLLING]
    assert told[-1].outcome is settled


def test_a_login_is_a_request_too(on_stage: OnStage) -> None:
    """It is told as one, and its body is in no event."""
    told: list[Any] = []
    stage = Stage(login=[TOKEN], cancel=[CRUX.accepted])
    market = attrs.evolve(CRUX, access=Crux(username="shop", password="p4ssword-of-shop"))
    market.cancel(on_stage(stage, market, hooks=[told.append]))
    assert [(event.what, event.number) for event in only(told, RequestStarted)] == [
        ("login", 1),
        ("cancel", 2),
    ]
    assert "p4ssword" not in repr(told)
    assert "t-one" not in repr(told)


def test_the_token_that_another_call_fetches() -> None:
    """The call beside it waits once, and nobody knows for how long."""
    told: list[Any] = []
    stage = Stage(login=[After(0.5, TOKEN)], cancel=[CRUX.accepted] * 2)
    access = Crux(username="shop", password="p4ssword-of-shop")
    with Door("async", crux=access, http_client=stage.async_driver, hooks=[told.append]) as door:
        door.together(*[lambda: door.client.crux.cancel_order(CRUX.order_id)] * 2)
    waits = only(told, WaitStarted)
    assert [(wait.why, wait.seconds, wait.until) for wait in waits] == [(WaitReason.TOKEN, None, None)]
    assert {event.call_id for event in waits} < {event.call_id for event in only(told, CallEnded)}


def test_looking_for_a_token_again_and_again_is_one_pause() -> None:
    """Until a request is made."""
    told: list[Any] = []
    stage = Stage()
    telemetry = Telemetry([told.append], "crux", "crux", "1", stage.clock, "cancel", 0.0, 0, is_logged=False)
    for _ in range(3):
        telemetry.wait_started(WaitReason.TOKEN, 0.02)
    telemetry.request_started("cancel", Call("PATCH", "https://a", "/b"))
    telemetry.wait_started(WaitReason.TOKEN, 0.02)
    assert names(told) == ["WaitStarted", "RequestStarted", "WaitStarted"]


@pytest.mark.parametrize(
    "answer, error", [(unsent(), NotSentError), (reply(404, {"message": "no"}), OrderNotFoundError)], ids=str
)
def test_an_error_ends_a_call(answer: Any, error: Any, on_stage: OnStage) -> None:
    """It is the error that is raised, with its attempts."""
    told: list[Any] = []
    stage = Stage(cancel=[answer], read=[answer])
    door = on_stage(stage, PATTERN, hooks=[told.append], retry=RetryPolicy.never())
    with pytest.raises(error) as caught:
        PATTERN.cancel(door)
    ended = told[-1]
    assert isinstance(ended, CallEnded)
    assert (ended.ended, ended.outcome, ended.interruption) == (CallEnd.ERROR, None, None)
    assert caught.value.attempts
    assert ended.error is caught.value


def test_an_interruption_ends_a_call(market: Market, on_stage: OnStage) -> None:
    """The request that was under way is told as interrupted, and the exception is there with its evidence."""
    told: list[Any] = []
    stage = Stage(cancel=[KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt) as caught:
        market.cancel(on_stage(stage, market, hooks=[told.append]))
    asked, ended = told[-2:]
    assert isinstance(asked, RequestEnded)
    assert isinstance(ended, CallEnded)
    assert (asked.ended, asked.sent) == (RequestEnd.INTERRUPTED, True)
    assert (ended.ended, ended.interruption) == (CallEnd.INTERRUPTED, caught.value)
    assert evidence_of(ended.interruption) is not None


def test_a_call_that_is_thrown_away_ends() -> None:
    """A coroutine that nobody awaits to its end is closed: its request and itself are told as interrupted."""
    told: list[Any] = []
    stage = Stage(cancel=[VTEX.accepted])
    client = AsyncCountermand(VTEX.access, http_client=stage.async_driver, hooks=[told.append])
    call: Any = client.vtex.cancel_order(str(VTEX.order_id))
    call.send(None)  # as far as its first turn of the event loop
    call.close()
    gc.collect()
    assert names(told) == ["CallStarted", "RequestStarted", "RequestEnded", "CallEnded"]
    assert [event.ended for event in told[2:]] == [RequestEnd.INTERRUPTED, CallEnd.INTERRUPTED]


def test_a_call_that_never_begins_is_no_event(market: Market, on_stage: OnStage) -> None:
    """An id that can name no order, an option that makes no sense, a client that is closed."""
    told: list[Any] = []
    door = on_stage(Stage(), market, hooks=[told.append])
    with pytest.raises(InvalidRequestError):
        door.do(market.name, market.reads, "")
    with pytest.raises(InvalidRequestError):
        market.cancel(door, timeout=-1)
    assert told == []


def test_calls_side_by_side_are_told_apart() -> None:
    """Each has a number of its own."""
    told: list[Any] = []
    stage = Stage(cancel=[VTEX.accepted] * 3)
    with Door("async", http_client=stage.async_driver, hooks=[told.append], **VTEX.settings) as door:
        door.together(*[lambda: door.client.vtex.cancel_order(VTEX.order_id)] * 3)
    by_call: dict[int, list[Event]] = {}
    for event in told:
        by_call.setdefault(event.call_id, []).append(event)
    assert [names(events) for events in by_call.values()] == [
        ["CallStarted", "RequestStarted", "RequestEnded", "CallEnded"]
    ] * 3


def test_a_hook_that_raises_changes_nothing(
    market: Market, on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged by its name, and the hooks after it are told all the same."""
    told: list[Any] = []

    def broken(event: Event) -> None:
        raise Exception(type(event).__name__)  # any at all

    stage = Stage(cancel=[market.accepted])
    outcome = market.cancel(on_stage(stage, market, hooks=[broken, told.append]))
    assert isinstance(outcome, Requested)
    assert len(told) == 4
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(failures) == 4
    assert all("broken" in record.getMessage() and record.exc_info for record in failures)


@table("at", [CallStarted, RequestStarted, RequestEnded, CallEnded])
def test_what_is_no_exception_passes_through_a_hook(at: type[Any], on_stage: OnStage) -> None:
    """Ctrl-C while a hook runs is not swallowed; after the request it carries what was known by then."""

    def hook(event: Event) -> None:
        if isinstance(event, at):
            raise KeyboardInterrupt

    stage = Stage(cancel=[VTEX.accepted])
    with pytest.raises(KeyboardInterrupt) as caught:
        VTEX.cancel(on_stage(stage, VTEX, hooks=[hook]))
    evidence = evidence_of(caught.value)
    if at in (CallStarted, RequestStarted):
        assert stage.calls == []
        assert evidence is None
    else:
        assert isinstance(evidence, Unknown)
        assert [attempt.status for attempt in evidence.attempts] == [200]


@table("at", [CallStarted, RequestStarted, RequestEnded, CallEnded])
def test_every_beginning_has_its_end_for_the_other_hooks(at: type[Any], on_stage: OnStage) -> None:
    """Even if a hook before or after them is interrupted: a span that is open stays open for ever."""

    def hook(event: Event) -> None:
        if isinstance(event, at):
            raise KeyboardInterrupt

    first: list[Event] = []
    last: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        VTEX.cancel(on_stage(Stage(cancel=[VTEX.accepted]), VTEX, hooks=[first.append, hook, last.append]))
    requests = [] if at is CallStarted else ["RequestStarted", "RequestEnded"]
    assert names(first) == names(last) == ["CallStarted", *requests, "CallEnded"]


def test_an_interruption_after_a_clean_refusal_has_no_evidence(on_stage: OnStage) -> None:
    """What the marketplace rejected was not applied."""

    def hook(event: Event) -> None:
        if isinstance(event, RequestEnded):
            raise KeyboardInterrupt

    stage = Stage(cancel=[reply(404, {"error": {"message": "Order Not Found"}})])
    with pytest.raises(KeyboardInterrupt) as caught:
        VTEX.cancel(on_stage(stage, VTEX, hooks=[hook]))
    assert evidence_of(caught.value) is None


def test_a_hook_runs_where_the_call_was_made() -> None:
    """In the task that made it, so that context variables which it sets hold for the request."""
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable", default="unset")
    seen: list[str] = []

    def hook(event: Event) -> None:
        if isinstance(event, CallStarted):
            variable.set(event.order_id)

    class Driver:
        def __init__(self, stage: Stage) -> None:
            self._inner = stage.async_driver
            self.clock = stage.clock

        async def run(self, flow: Any) -> Any:
            next(flow)
            try:
                while True:
                    await asyncio.sleep(0)
                    seen.append(variable.get())
                    flow.send(VTEX.accepted)
            except StopIteration as end:
                return end.value

        async def aclose(self) -> None: ...

    with Door("async", http_client=Driver(Stage()), hooks=[hook], **VTEX.settings) as door:
        VTEX.cancel(door)
    assert seen == [VTEX.order_id]
    assert variable.get() == "unset"


@table("hooks", [[1], "ab", 5, [None]], ids=repr)
def test_what_is_no_hook(hooks: Any, kind: Kind) -> None:
    """It is refused when the client is built."""
    with pytest.raises(InvalidRequestError, match="hook"):
        Door(kind, hooks=hooks)


def test_a_hook_is_no_coroutine_function(kind: Kind) -> None:
    """Nobody would await it."""

    async def hook(event: Event) -> None: ...

    class Hook:
        async def __call__(self, event: Event) -> None: ...

    for wrong in (hook, Hook()):
        with pytest.raises(InvalidRequestError, match="plain function"):
            Door(kind, hooks=[wrong])


def test_events_are_frozen_and_hold_plain_values(on_stage: OnStage) -> None:
    """Their fields are texts, numbers, times and enums, but for what was returned or raised."""
    told: list[Any] = []
    stage = Stage(cancel=[RATE_LIMITED, VTEX.accepted])
    VTEX.cancel(on_stage(stage, VTEX, hooks=[told.append]))
    assert {*names(told)} == {"CallStarted", "RequestStarted", "RequestEnded", "WaitStarted", "CallEnded"}
    for event in told:
        assert isinstance(event, CallEvent)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            event.order_id = "2"  # type: ignore[misc]
        values = attrs.asdict(event, recurse=False)
        for name in ("outcome", "error", "interruption"):
            values.pop(name, None)
        assert all(isinstance(value, str | int | float | datetime | None) for value in values.values())


# --- what it costs -----------------------------------------------------------------------------------------------------


def python_calls(run: Callable[[], Any]) -> int:
    """Return how many Python functions are called."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    run()  # warm
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


OURS = ("telemetry.py", "events.py", "logs.py", "logging/__init__.py")


def calls_for_telemetry(run: Callable[[], Any]) -> int:
    """Return how many functions of telemetry and of logging are called."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.endswith(OURS)

    run()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def test_without_hooks_a_call_pays_next_to_nothing() -> None:
    """At most two Python calls; with one hook, at most six for each event."""
    stage = Stage(cancel=[VTEX.accepted] * 8, read=[VTEX.still_open] * 8)
    told: list[Any] = []

    def hook(event: Event) -> None:
        told.append(event)

    logging.getLogger("countermand").setLevel(logging.WARNING)
    try:
        with Door("sync", http_client=stage.driver, **VTEX.settings) as door:
            plain, hooked = door.client, door.client.with_options(hooks=[hook])
            assert calls_for_telemetry(lambda: plain.vtex.cancel_order(VTEX.order_id)) <= 2
            without = python_calls(lambda: plain.vtex.cancel_order(VTEX.order_id))
            within = python_calls(lambda: hooked.vtex.cancel_order(VTEX.order_id))
    finally:
        logging.getLogger("countermand").setLevel(logging.NOTSET)
    events = len(told) // 2
    assert events == 4
    assert (within - without) / events <= 6
