"""OpenTelemetry's SDK in memory, behind our hook."""

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span

from countermand.integrations.opentelemetry import OpenTelemetryHook


class Recorder:
    """A hook, and what it recorded."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider(metric_readers=[self._reader])
        self.hook = OpenTelemetryHook(self.tracers, self.meters)

    @property
    def spans(self) -> list[Any]:
        """The spans that ended, in their order."""
        return list(self._spans.get_finished_spans())

    def points(self, name: str) -> list[Any]:
        """Return the data points of a metric."""
        data: Any = self._reader.get_metrics_data()
        metrics = [
            metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    def told(self) -> str:
        """Return everything that was recorded, as text."""
        data: Any = self._reader.get_metrics_data()
        return f"{''.join(span.to_json() for span in self.spans)}{data.to_json()}"

    def tracer(self, name: str) -> Any:
        """Return a tracer of the caller's own."""
        return self.tracers.get_tracer(name)

    @staticmethod
    def current() -> Any:
        """Return the span that is the current one here, or None."""
        span = get_current_span()
        return span if span.get_span_context().is_valid else None
