"""Spans: made where a trace is sampled, and carried on without any where it is not."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import telemetry
from shared.envelope import Cause
from tests.kit.toy import cause

Work = Callable[..., AbstractContextManager[Cause[str]]]
TRACE = "0af7651916cd43dd8448eb211c80319c"
UNSAMPLED, SAMPLED = (f"00-{TRACE}-b7ad6b7169203331-{flags}" for flags in ("00", "01"))


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    made, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    return made


def processed(traceparent: str | None) -> AbstractContextManager[Cause[str]]:
    return telemetry.processing(
        Cause(uuid4(), uuid4(), "", cause(uuid4()).time, "intake", "", 1, traceparent)
    )


def followed(traceparent: str | None, *, soon: bool = True) -> AbstractContextManager[Cause[str]]:
    return telemetry.following("send", cause(uuid4()), traceparent, soon=soon)


@pytest.mark.parametrize("work", [processed, followed])
def test_an_unsampled_trace_goes_on_without_spans(spans: InMemorySpanExporter, work: Work) -> None:
    with work(UNSAMPLED) as traced:
        telemetry.record_write("triage", "gradings", 1, 2)
        assert traced.traceparent == UNSAMPLED
        assert (telemetry.traceparent(), telemetry.trace_id()) == (UNSAMPLED, TRACE)
    assert telemetry.trace_id() is None
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize("work", [processed, followed])
def test_a_sampled_trace_goes_on_in_a_span(spans: InMemorySpanExporter, work: Work) -> None:
    with work(SAMPLED) as traced:
        assert traced.traceparent is not None
        assert traced.traceparent != SAMPLED
        assert telemetry.trace_id() == TRACE
    assert len(spans.get_finished_spans()) == 1


@pytest.mark.parametrize(
    "work", [partial(processed, None), partial(processed, "none"), partial(followed, UNSAMPLED, soon=False)]
)
def test_what_begins_a_trace_asks_the_sampler(spans: InMemorySpanExporter, work: Work) -> None:
    with work() as traced:
        assert telemetry.trace_id() not in (None, TRACE)
        assert traced.traceparent is not None
    assert len(spans.get_finished_spans()) == 1
