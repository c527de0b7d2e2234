"""Spans and metrics, with OpenTelemetry's own SDK and beside its instrumentation of httpx."""

import contextvars
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from countermand import AsyncCountermand, NotSentError, RetryPolicy, Unknown
from countermand.sandbox import LoseReply, Sandbox
from tests.support.doors import Door, Kind, OnStage
from tests.support.markets import PATTERN, VTEX, Market
from tests.support.stage import Stage, lost, reply, unsent

if TYPE_CHECKING:
    from .recording import Recorder

recording: Any = pytest.importorskip("tests.telemetry.recording", reason="OpenTelemetry's SDK is not there")


@pytest.fixture
def recorder() -> "Iterator[Recorder]":
    """Return a recorder; nothing is the current span afterwards."""
    made: Recorder = recording.Recorder()
    yield made
    assert made.current() is None


def test_a_call_is_one_span(recorder: "Recorder", market: Market, on_stage: OnStage) -> None:
    """Of the kind INTERNAL, with who was asked and what became of it; its requests and pauses are events."""
    stage = Stage(cancel=[reply(429, retry_after="2"), market.accepted])
    door = on_stage(stage, market, hooks=[recorder.hook], retry=RetryPolicy(first_pause=0))
    outcome = market.cancel(door)
    (span,) = recorder.spans
    assert (span.name, span.kind.name) == (f"cancel {market.name}", "INTERNAL")
    assert span.attributes == {
        "countermand.marketplace": market.name,
        "countermand.account": outcome.account,
        "countermand.call": "cancel",
        "countermand.order_id": str(market.order_id),
        "countermand.call.outcome": "requested",
        "countermand.call.requests": 2,
    }
    assert span.status.status_code.name == "UNSET"
    assert [event.name for event in span.events] == ["request", "wait", "wait", "request"]
    first, _, wait, last = [dict(event.attributes) for event in span.events]
    server = market.cancel_url.split("/")[2]
    common = {"http.request.method": market.method, "server.address": server, "server.port": 443}
    assert first.items() >= (common | {"http.response.status_code": 429, "error.type": "429"}).items()
    assert last.items() >= (common | {"http.response.status_code": market.accepted.status}).items()
    assert "error.type" not in last
    assert wait == {"countermand.wait.reason": "rate_limit", "countermand.wait.duration": 2.0}


def test_a_query_is_in_no_attribute(recorder: "Recorder", on_stage: OnStage) -> None:
    """Pattern's names the order."""
    PATTERN.cancel(on_stage(Stage(cancel=[PATTERN.accepted]), PATTERN, hooks=[recorder.hook]))
    (span,) = recorder.spans
    assert span.events[0].attributes["url.full"] == "https://api.pattern.com/hub/v1/orders/cancel_order"
    assert "market_order_id" not in recorder.told()


def test_what_went_wrong(recorder: "Recorder", on_stage: OnStage) -> None:
    """An error, an interruption and an `Unknown` are errors of the span."""
    stage = Stage(cancel=[unsent(), KeyboardInterrupt("secret"), lost()], read=[reply(403)])
    door = on_stage(stage, VTEX, hooks=[recorder.hook], retry=RetryPolicy.never())
    with pytest.raises(NotSentError):
        VTEX.cancel(door)
    with pytest.raises(KeyboardInterrupt):
        VTEX.cancel(door)
    assert isinstance(VTEX.cancel(door), Unknown)
    assert all(span.status.status_code.name == "ERROR" for span in recorder.spans)
    types = [span.attributes.get("error.type") for span in recorder.spans]
    assert types == ["NotSentError", "KeyboardInterrupt", None]
    requests = [event.attributes["error.type"] for span in recorder.spans for event in span.events]
    assert requests == ["not_sent", "interrupted", "lost", "403"]
    assert "secret" not in recorder.told()


def test_looking_at_an_open_order_is_no_error(
    recorder: "Recorder", market: Market, on_stage: OnStage
) -> None:
    """Nobody is known to have cancelled it."""
    door = on_stage(Stage(read=[market.still_open]), market, hooks=[recorder.hook])
    assert isinstance(door.do(market.name, "look", market.order_id), Unknown)
    (span,) = recorder.spans
    assert span.status.status_code.name == "UNSET"
    assert span.attributes["countermand.call.outcome"] == "unknown"


def test_metrics(recorder: "Recorder", market: Market, on_stage: OnStage) -> None:
    """Durations, outcomes and pauses, by marketplace and account; no order's id is a label."""
    stage = Stage(cancel=[reply(429, retry_after="2"), market.accepted])
    door = on_stage(stage, market, hooks=[recorder.hook], retry=RetryPolicy(first_pause=0))
    market.cancel(door)
    (outcomes,) = recorder.points("countermand.call.outcomes")
    assert outcomes.value == 1
    assert outcomes.attributes["countermand.call.outcome"] == "requested"
    (duration,) = recorder.points("countermand.call.duration")
    assert (duration.count, duration.sum) == (1, 2.0)
    assert [point.count for point in recorder.points("countermand.request.duration")] == [1, 1]
    waits = {
        point.attributes["countermand.wait.reason"]: point.sum
        for point in recorder.points("countermand.wait.duration")
    }
    assert waits == {"retry": 0.0, "rate_limit": 2.0}
    names = ("call.outcomes", "call.duration", "request.duration", "wait.duration")
    labels = [point.attributes for name in names for point in recorder.points(f"countermand.{name}")]
    assert all(str(market.order_id) not in str(dict(each)) for each in labels)


def test_a_span_of_the_callers_is_its_parent(recorder: "Recorder", on_stage: OnStage) -> None:
    """And the current one again when the call is over."""
    door = on_stage(Stage(cancel=[VTEX.accepted]), VTEX, hooks=[recorder.hook])
    with recorder.tracer("shop").start_as_current_span("checkout") as checkout:
        VTEX.cancel(door)
        assert recorder.current() is checkout
    ours, _ = recorder.spans
    assert ours.parent.span_id == checkout.get_span_context().span_id


@pytest.fixture
def instrumented(recorder: "Recorder") -> Iterator[None]:
    """Instrument httpx."""
    module: Any = pytest.importorskip("opentelemetry.instrumentation.httpx")
    instrumentor = module.HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=recorder.tracers, meter_provider=recorder.meters)
    yield
    instrumentor.uninstrument()


@pytest.mark.usefixtures("instrumented")
def test_spans_of_requests_are_its_children(recorder: "Recorder", kind: Kind) -> None:
    """The instrumentation of httpx makes them, side by side with this hook, and hands the trace to the server."""
    with Sandbox(http=True) as sandbox:
        sandbox.mishap("vtex", LoseReply())
        opened = sandbox.client if kind == "sync" else sandbox.async_client
        with Door.to(kind, opened(hooks=[recorder.hook])) as door:
            calls: list[Callable[[], Any]] = [
                lambda: door.client.vtex.cancel_order("1172452900789-01"),
                lambda: door.client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00"),
            ]
            if kind == "sync":
                for call in calls:
                    call()
            else:
                door.together(*calls)
        trace_ids = [request.headers.get("traceparent") for request in sandbox.requests]
    ours = {span.context.span_id: span for span in recorder.spans if span.kind.name == "INTERNAL"}
    theirs = [span for span in recorder.spans if span.kind.name == "CLIENT"]
    assert {span.name for span in ours.values()} == {"cancel vtex", "cancel crux"}
    assert len(theirs) == 3
    parents = [ours[span.parent.span_id].name for span in theirs]
    assert sorted(parents) == ["cancel crux", "cancel vtex", "cancel vtex"]
    assert all(trace_ids)


@pytest.mark.usefixtures("instrumented")
def test_calls_at_once_have_each_their_own(recorder: "Recorder") -> None:
    """Twenty tasks side by side: every request is the child of its own call."""
    with Sandbox(http=True) as sandbox:
        ids = [f"2000000000{number:03}-01" for number in range(20)]
        for order_id in ids:
            sandbox.world.vtex.add_order(order_id, status="handling")
        with Door.to("async", sandbox.async_client(hooks=[recorder.hook])) as door:
            door.together(*[lambda one=one: door.client.vtex.cancel_order(one) for one in ids])
    ours = {
        span.context.span_id: span.attributes["countermand.order_id"]
        for span in recorder.spans
        if span.kind.name == "INTERNAL"
    }
    theirs = [span for span in recorder.spans if span.kind.name == "CLIENT"]
    assert len(ours) == len(theirs) == 20
    for span in theirs:
        url = span.attributes.get("http.url") or span.attributes["url.full"]
        assert ours[span.parent.span_id] in url


def test_a_call_that_is_thrown_away_ends_its_span(
    recorder: "Recorder", caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever it is closed; OpenTelemetry has nothing to complain of."""
    stage = Stage(cancel=[VTEX.accepted])
    client = AsyncCountermand(VTEX.access, http_client=stage.async_driver, hooks=[recorder.hook])
    call: Any = client.vtex.cancel_order(str(VTEX.order_id))
    contextvars.copy_context().run(call.send, None)
    call.close()
    assert [span.name for span in recorder.spans] == ["cancel vtex"]
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


def test_no_credential_is_recorded(recorder: "Recorder", market: Market, on_stage: OnStage) -> None:
    """A gateway that repeats what it was sent changes nothing."""
    echo = reply(401, {"message": " ".join(market.credentials.values())}, via=" ".join(market.secrets))
    door = on_stage(Stage(cancel=[echo] * 2, read=[echo] * 2), market, hooks=[recorder.hook])
    with pytest.raises(Exception, match="redacted"):
        market.cancel(door)
    assert not [secret for secret in market.secrets if secret in recorder.told()]
