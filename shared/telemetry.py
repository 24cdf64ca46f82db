"""Telemetry: traces, logs and metrics, set up once; no personal data in any of them.

A span costs 50 to 100 us, so spans are few: one for a request, one for an event processed, and, recorded
afterwards with the times of the group they went in, one for the write and one for each event published.
Source: OpenTelemetry semantic conventions for messaging, databases and HTTP.
"""

import logging
import os
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bind_contextvars, bound_contextvars

from shared.envelope import Cause
from shared.settings import Settings

C = TypeVar("C")

_tracer = trace.get_tracer("redress")
_wire = TraceContextTextMapPropagator()


def set_up(service: str, settings: Settings) -> None:
    """Start tracing (OTLP if its endpoint is set, a file if one is named) and structured logging."""
    _set_up_logs(service, settings.log_level)
    os.environ.setdefault("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    os.environ.setdefault("OTEL_TRACES_SAMPLER_ARG", "0.1")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service, SERVICE_NAMESPACE: "redress"}))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    if settings.trace_file is not None:
        lines = settings.trace_file.open("a", encoding="utf-8")
        exporter = ConsoleSpanExporter(out=lines, formatter=lambda span: span.to_json(indent=None) + "\n")
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)


def flush() -> None:
    """Send what has been recorded; called when a process ends."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def _set_up_logs(service: str, level: str) -> None:
    shared_steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda logger, name, event: {"service": service, **event, **_ids()},
        _place_of_error,
    ]
    structlog.configure(
        processors=[*shared_steps, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=shared_steps,
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for noisy in ("aio_pika", "aiormq"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


def _place_of_error(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its class and place, because its message may repeat a payload."""
    found = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = where(error)
    return event


def where(error: BaseException) -> str:
    """An error as its class and place: its message might repeat personal data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    return (
        f"{type(error).__name__} in {code.co_name}, {Path(code.co_filename).name}"
        if code
        else type(error).__name__
    )


def _ids() -> dict[str, str]:
    context = trace.get_current_span().get_span_context()
    return {"trace_id": f"{context.trace_id:032x}"} if context.is_valid else {}


def traceparent() -> str | None:
    """The current span's context as a W3C `traceparent`, to travel in an envelope."""
    carrier: dict[str, str] = {}
    _wire.inject(carrier)
    return carrier.get("traceparent")


def trace_id() -> str | None:
    """The current trace's id in hex."""
    return _ids().get("trace_id")


@lru_cache(1_024)  # all events of a complaint whose trace is not sampled have the same
def _context(traceparent: str | None) -> Context:
    return _wire.extract({"traceparent": traceparent} if traceparent else {})


@contextmanager
def _span(
    name: str,
    parent: Context,
    kind: SpanKind,
    attributes: dict[str, str],
    links: Sequence[Link] = (),
    started: int | None = None,
) -> Iterator[Span]:
    """A current span that tells a failure by class and place: an error's words may repeat a payload."""
    silent = {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(
        name, parent, kind, attributes, links=links, start_time=started, **silent
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(StatusCode.ERROR, where(error))
            raise


def _is_unsampled(context: Context) -> bool:
    """Whether this is a trace that nobody records: its spans are not made at all."""
    found = trace.get_current_span(context).get_span_context()
    return found.is_valid and not found.trace_flags.sampled


@contextmanager
def _in(context: Context) -> Iterator[None]:
    """This context is the current one, so that logs name its trace."""
    token = attach(context)
    try:
        yield
    finally:
        detach(token)


@contextmanager
def request(name: str, traceparent: str | None) -> Iterator[Span]:
    """The span of one HTTP request."""
    with _span(name, _context(traceparent), SpanKind.SERVER, {}) as span:
        yield span


@contextmanager
def about(complaint: object, traceparent: object) -> Iterator[None]:
    """Logs inside name this complaint and this trace, as far as they are an id and a trace."""
    context = _context(traceparent if isinstance(traceparent, str) else None)
    with _in(context), bound_contextvars(**_complaint(complaint)):
        yield


def _complaint(id: object) -> dict[str, str]:
    try:
        return {"complaint": str(UUID(str(id)))}
    except ValueError:
        return {}


def names(complaint: object) -> None:
    """Logs of this request name the complaint from now on, if that is an id."""
    bind_contextvars(**_complaint(complaint))


@contextmanager
def processing(event: Cause[C]) -> Iterator[Cause[C]]:
    """The span of one event in work, a child of the one that created it; yields the event as part of it."""
    parent = _context(event.traceparent)
    if _is_unsampled(parent):
        with bound_contextvars(complaint=str(event.complaint)), _in(parent):
            yield event
        return
    attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "redress.complaint.id": str(event.complaint),
    }
    with (
        bound_contextvars(complaint=str(event.complaint)),
        _span(f"process {event.type}", parent, SpanKind.CONSUMER, attributes),
    ):
        yield replace(event, traceparent=traceparent())


@contextmanager
def following(
    name: str, cause: Cause[C], origin: str | None, *, soon: bool, started: int | None = None
) -> Iterator[Cause[C]]:
    """Work that follows from an earlier span; yields the cause as part of it.

    It began at `started` (ns), or begins now. `soon` after that span, it is its child; days later, it is a
    new trace linked to it, because stores and samplers have closed the old one by then.
    """
    context = _context(origin)
    if soon and _is_unsampled(context):
        with bound_contextvars(complaint=str(cause.complaint)), _in(context):
            yield replace(cause, traceparent=origin)
        return
    link = trace.get_current_span(context).get_span_context()
    links = [Link(link)] if link.is_valid and not soon else []
    attributes = {"redress.complaint.id": str(cause.complaint)}
    parent = context if soon else Context()
    with (
        bound_contextvars(complaint=str(cause.complaint)),
        _span(name, parent, SpanKind.INTERNAL, attributes, links, started),
    ):
        yield replace(cause, traceparent=traceparent())


def concerns(complaint: UUID, origin: str | None) -> None:
    """Tell of the current span which complaint it is about, and link it to where that began."""
    span = trace.get_current_span()
    span.set_attribute("redress.complaint.id", str(complaint))
    names(complaint)
    first = trace.get_current_span(_context(origin)).get_span_context()
    if first.is_valid and first.trace_id != span.get_span_context().trace_id:
        span.add_link(first)


def record_write(service: str, collection: str, started: int, ended: int) -> None:
    """Record, under the current span, the database write that this change went in (times in ns)."""
    if trace.get_current_span().is_recording():
        attributes = {
            "db.system.name": "mongodb",
            "db.namespace": service,
            "db.collection.name": collection,
            "db.operation.name": "bulkWrite",
        }
        span = _tracer.start_span(
            f"bulkWrite {collection}", kind=SpanKind.CLIENT, attributes=attributes, start_time=started
        )
        span.end(ended)


def record_send(
    traceparent: str | None, exchange: str, type: str, size: int, started: int, ended: int
) -> None:
    """Record, under the span that created an event, its publication in a batch of `size` events."""
    if traceparent is None or not int(traceparent[-2:], 16) & TraceFlags.SAMPLED:
        return
    attributes: dict[str, str | int] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "send",
        "messaging.operation.name": "publish",
        "messaging.destination.name": exchange,
        "messaging.rabbitmq.destination.routing_key": type,
        "messaging.batch.message_count": size,
    }
    _tracer.start_span(
        f"send {type}", _context(traceparent), SpanKind.PRODUCER, attributes, start_time=started
    ).end(ended)
