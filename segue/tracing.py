"""Traces of OpenTelemetry, from a player's request to the written document.

They are off unless the settings name a collector. Then the packages of the extra `tracing` are needed, which
are imported here only. While they are off, :func:`span` and :func:`headers` do nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from segue.errors import SegueError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

HEADER = "traceparent"
"""The header of a Kafka record and of an HTTP request, as the W3C recommendation Trace Context defines it."""
Kind = Literal["server", "producer", "consumer", "client", "internal"]
Attributes = Mapping[str, str | int | float | bool]


@dataclass(frozen=True)
class Finished:
    """A span that has ended, to be reported afterwards."""

    name: str
    start: datetime
    end: datetime
    attributes: Attributes
    parent: str | None = None
    """The traceparent of the span above it; None begins a trace."""
    links: Sequence[str] = ()
    """The traceparents of related spans."""
    kind: Kind = "internal"


class Tracing:
    """The traces of this process, sent to a collector in the background."""

    def __init__(self, service: str, *, share: float, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        # A visitor's header must not make the collector take more than the share.
        by_share = TraceIdRatioBased(share)
        sampler = ParentBased(by_share, remote_parent_sampled=by_share)
        self._provider = TracerProvider(sampler=sampler, resource=Resource.create({"service.name": service}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("segue")
        # The spans of a micro-batch continue traces that were sampled when they began.
        self._followed = TracerProvider(resource=self._provider.resource)
        self._followed.add_span_processor(BatchSpanProcessor(exporter))

    @contextlib.contextmanager
    def span(
        self, name: str, *, kind: Kind, attributes: Attributes | None = None, parent: str | None = None
    ) -> Iterator[Any]:
        """A span while the block runs; an exception in it is recorded."""
        with self._tracer.start_as_current_span(
            name, context=_context(parent), kind=_kind(kind), attributes=dict(attributes or {})
        ) as current:
            yield current

    def report(self, finished: Finished) -> str:
        """Report a span that has ended; returns its traceparent."""
        from opentelemetry.trace import Link

        tracer = self._followed.get_tracer("segue")
        span = tracer.start_span(
            finished.name,
            context=_context(finished.parent),
            kind=_kind(finished.kind),
            attributes=dict(finished.attributes),
            links=[Link(_span_context(link)) for link in finished.links],
            start_time=_nanoseconds(finished.start),
        )
        span.end(end_time=_nanoseconds(finished.end))
        return _traceparent(span.get_span_context())

    def flush(self) -> None:
        """Send the spans that have ended."""
        self._provider.force_flush()
        self._followed.force_flush()

    def close(self) -> None:
        """Send the remaining spans, and end."""
        self._provider.shutdown()
        self._followed.shutdown()


_active: Tracing | None = None
"""The traces of this process. Libraries of OpenTelemetry keep theirs in the same way."""


def active() -> Tracing | None:
    """The traces of this process, None while they are off."""
    return _active


@contextlib.contextmanager
def traced(service: str, *, endpoint: str, share: float) -> Iterator[None]:
    """Send traces to the collector at `endpoint` while the block runs; nothing without one.

    Raises
    ------
    SegueError
        The packages are not installed.
    """
    if not endpoint:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise SegueError(
            "tracing.endpoint is set, but the packages for traces are not installed: "
            "./run.sh setup tracing, or pip install 'segue[tracing]'"
        ) from None
    with traced_to(OTLPSpanExporter(endpoint=endpoint), service=service, share=share):
        yield


@contextlib.contextmanager
def traced_to(exporter: SpanExporter, *, service: str, share: float) -> Iterator[None]:
    """Send traces to an exporter while the block runs."""
    global _active  # noqa: PLW0603
    _active = tracing = Tracing(service, share=share, exporter=exporter)
    try:
        yield
    finally:
        _active = None
        tracing.close()


@contextlib.contextmanager
def span(
    name: str, *, kind: Kind = "internal", attributes: Attributes | None = None, parent: str | None = None
) -> Iterator[Any]:
    """A span of the active traces while the block runs; None while they are off."""
    if _active is None:
        yield None
        return
    with _active.span(name, kind=kind, attributes=attributes, parent=parent) as current:
        yield current


def headers() -> list[tuple[str, bytes]]:
    """The headers of a Kafka record that carry the present span on; none if it is not sampled."""
    if _active is None:
        return []
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return [(HEADER, _traceparent(context).encode())] if context.trace_flags.sampled else []


def _context(traceparent: str | None) -> Any:
    if traceparent is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({HEADER: traceparent})


def _span_context(traceparent: str) -> Any:
    from opentelemetry import trace

    return trace.get_current_span(_context(traceparent)).get_span_context()


def _traceparent(context: Any) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _kind(kind: Kind) -> Any:
    from opentelemetry.trace import SpanKind

    return SpanKind[kind.upper()]


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
