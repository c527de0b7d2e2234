"""Spans and metrics for OpenTelemetry. Needs the extra `countermand[otel]`.

    from countermand.integrations.opentelemetry import OpenTelemetryHook

    client = Countermand.from_env(hooks=[OpenTelemetryHook()])

Each call is a span of kind INTERNAL, with its requests and pauses as span events. It is the current span during the
call, so the spans of an instrumented HTTP library (opentelemetry-instrumentation-httpx) become its children; this module
creates no spans for requests. It never records a credential or a query string, and no metric has an order id.
"""

from contextvars import Token
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

from ..engine.events import (
    CallEnded,
    CallEvent,
    CallStarted,
    Event,
    RequestEnd,
    RequestEnded,
    WaitStarted,
)
from ..engine.logging_hook import is_alarming
from ..transport.agent import __version__
from ..transport.extras import needs

with needs("otel", "opentelemetry"):
    from opentelemetry import context, metrics, trace
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider
    from opentelemetry.util.types import AttributeValue

_SCOPE = "countermand"
#: Buckets of the histograms, in seconds: a call takes from milliseconds to minutes.
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0)


class _Open(NamedTuple):
    """The span of a call in progress, and the token that restores the previous span."""

    span: Span
    token: Token[Context]


class OpenTelemetryHook:
    """A hook that records every call as a span, and measures how calls, requests and pauses went.

    `tracer_provider` and `meter_provider` are the global ones unless given. One hook may serve any number of clients
    and threads.

        hook = OpenTelemetryHook(tracer_provider=provider)
        client = Countermand(Pattern(token="…"), hooks=[hook])

    Metrics: the histograms `countermand.call.duration`, `countermand.request.duration` and
    `countermand.wait.duration`, in seconds, and the counter `countermand.call.outcomes`.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)

        def seconds(name: str, what: str) -> metrics.Histogram:
            return meter.create_histogram(name, "s", what, explicit_bucket_boundaries_advisory=_BUCKETS)

        self._calls = seconds("countermand.call.duration", "How long calls took.")
        self._requests = seconds("countermand.request.duration", "How long the requests of calls took.")
        self._waits = seconds("countermand.wait.duration", "How long calls paused, as far as it was known.")
        self._outcomes = meter.create_counter("countermand.call.outcomes", "{call}", "How calls ended.")
        self._open: dict[int, _Open] = {}
        self._lock = Lock()

    def __call__(self, event: Event) -> None:
        """Record one event."""
        if isinstance(event, CallStarted):
            self._begin(event)
        elif isinstance(event, RequestEnded):
            self._request(event)
        elif isinstance(event, WaitStarted):
            self._wait(event)
        elif isinstance(event, CallEnded):
            self._end(event)

    def _begin(self, event: CallStarted) -> None:
        attributes = _labels(event) | {"countermand.order_id": event.order_id}
        span = self._tracer.start_span(
            f"{event.call} {event.marketplace}", kind=SpanKind.INTERNAL, attributes=attributes
        )
        opened = _Open(span, context.attach(trace.set_span_in_context(span)))
        with self._lock:
            self._open[event.call_id] = opened

    def _request(self, event: RequestEnded) -> None:
        server = urlsplit(event.url)
        http: dict[str, AttributeValue] = {
            "http.request.method": event.method,
            "server.address": server.hostname or "",
            "server.port": server.port or (443 if server.scheme == "https" else 80),
        }
        if event.status is not None:
            http["http.response.status_code"] = event.status
        if event.status is not None and event.status >= 400:
            http["error.type"] = str(event.status)
        elif event.ended is not RequestEnd.ANSWERED:
            http["error.type"] = event.ended.value
        self._requests.record(event.seconds, _labels(event) | http | {"countermand.request.what": event.what})
        if (opened := self._open.get(event.call_id)) is not None:
            about: dict[str, AttributeValue] = {
                "url.full": event.url,
                "countermand.request.what": event.what,
                "countermand.request.number": event.number,
                "countermand.request.ended": event.ended.value,
                "countermand.request.duration": event.seconds,
            }
            if event.request_id is not None:
                about["countermand.request.id"] = event.request_id
            opened.span.add_event("request", http | about)

    def _wait(self, event: WaitStarted) -> None:
        why: dict[str, AttributeValue] = {"countermand.wait.reason": event.why.value}
        if event.seconds is not None:
            self._waits.record(event.seconds, _labels(event) | why)
            why["countermand.wait.duration"] = event.seconds
        if (opened := self._open.get(event.call_id)) is not None:
            opened.span.add_event("wait", why)

    def _end(self, event: CallEnded) -> None:
        labels = _labels(event) | {"countermand.call.outcome": event.ended.value}
        failed = event.error if event.error is not None else event.interruption
        if failed is not None:
            labels["error.type"] = type(failed).__name__
        self._calls.record(event.seconds, labels)
        self._outcomes.add(1, labels)
        with self._lock:
            opened = self._open.pop(event.call_id, None)
        if opened is None:
            return
        if not isinstance(event.interruption, GeneratorExit):  # what is thrown away is closed anywhere
            context.detach(opened.token)
        opened.span.set_attributes(labels | {"countermand.call.requests": event.requests})
        if failed is not None or is_alarming(event):
            # The words of an exception that is not ours may be anything.
            said = event.outcome or event.error or type(failed).__name__
            opened.span.set_status(StatusCode.ERROR, str(said))
        opened.span.end()


def _labels(event: CallEvent) -> dict[str, AttributeValue]:
    """Return the attributes of all spans and metrics."""
    return {
        "countermand.marketplace": event.marketplace,
        "countermand.account": event.account,
        "countermand.call": event.call,
    }
