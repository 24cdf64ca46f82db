"""Metrics: what every service measures, by the names that Prometheus keeps; docs/operations.md explains each.

Labels take few values, none of which a caller can make up, and none that points to a complaint or a person.
Source: OpenTelemetry semantic conventions for HTTP metrics; Prometheus naming practices (base units).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from math import nan

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

_MS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_AGES = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

BUILD = Gauge("redress_build_info", "Always 1; which version runs", ["service", "version"])

REQUESTS = Histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP requests; 499 is a caller who left before the answer",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
ACTIVE = Gauge("http_server_active_requests", "HTTP requests in work")

OUTCOMES = ("handled", "delayed", "parked")
EVENTS = Counter("redress_events_total", "Events received, by what became of them", ["type", "outcome"])
PROCESSING = Histogram(
    "redress_event_processing_seconds", "From an event in hand to its answer written", ["type"], buckets=_MS
)
EVENT_AGE = Histogram(
    "redress_event_age_seconds", "From an event's time until it was handled here", ["type"], buckets=_AGES
)
DELAYED = Counter("redress_delayed_events_total", "Events to be tried again, by the pause", ["tier"])
PER_MESSAGE = Histogram(
    "redress_events_per_message",
    "Events in one message, by direction",
    ["direction"],
    buckets=_COUNTS,
)
GROUPS = Histogram("redress_group_size", "Changes decided and written together", buckets=_COUNTS)


@cache
def of_type(type: str) -> tuple[Counter, Histogram, Histogram]:
    """EVENTS handled, PROCESSING and EVENT_AGE of one type that is known here."""
    return EVENTS.labels(type, "handled"), PROCESSING.labels(type), EVENT_AGE.labels(type)


PUBLISHED = Counter("redress_published_total", "Events confirmed by the broker", ["type"])
CONFIRMING = Histogram(
    "redress_publish_confirm_seconds", "From publishing some messages until all are confirmed", buckets=_MS
)
UNCONFIRMED = Counter("redress_publish_failures_total", "Rounds of publishing in which the broker took less")
OUTBOX = Gauge("redress_outbox_documents", "Documents that owe events (counted up to 10000)")
OUTBOX_AGE = Gauge("redress_outbox_oldest_seconds", "How long the oldest event owed has been owed; 0 without")

READY = Gauge("redress_ready", "1 if this replica should get traffic")
BROKER = Gauge("redress_broker_up", "1 while the inbox is consumed")
DATABASE = Gauge("redress_database_up", "1 while the database answers")
RELAY = Gauge("redress_relay_up", "1 while what is owed can be published")
MEASURED = Gauge("redress_measured_timestamp_seconds", "When all values that are looked up were last found")
QUEUE = Gauge("redress_queue_messages", "Messages that wait in this service's queues", ["queue"])
POLICY = Gauge("redress_policy_version", "The newest version of each policy pack known here", ["pack"])

LATENESS = Histogram(
    "redress_timer_lateness_seconds", "From the instant something was due until it was done", ["timer"],
    buckets=_AGES,
)  # fmt: skip
OVERDUE = Gauge(
    "redress_timer_overdue_seconds", "How long the first of what is due and not done is overdue", ["timer"]
)


@contextmanager
def looked_up(*gauges: Gauge) -> Iterator[None]:
    """These, with any labels, have no value (NaN) once what is inside has failed, until it succeeds again."""
    try:
        yield
    except Exception:
        for gauge in gauges:
            for sample in [sample for family in gauge.collect() for sample in family.samples]:
                (gauge.labels(**sample.labels) if sample.labels else gauge).set(nan)
        raise
