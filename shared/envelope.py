"""The envelope: CloudEvents 1.0 in JSON, one event or a batch, and the cause that an event becomes.

Source: CloudEvents 1.0.2 and its JSON event format, batch mode; extensions Distributed Tracing and Sequence.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json, to_json

from shared.events import CATALOGUE, Fact, Instant
from shared.problems import Invalid, Malformed, Unfamiliar, fitting

BATCH = "application/cloudevents-batch+json"
_HEAD = b'{"specversion":'
_JOINT = b"}," + _HEAD
LARGEST_BODY = 4 * 2**20
"""Bytes; the relay sends some 256 KiB at most."""
EARLIEST, LATEST, DIGITS, LONGEST = 1900, 2300, 30, 65_536
"""Years of instants in events: due times lie beyond what callers may give. Digits of amounts; characters."""
_INT64 = 2**63
DEEPEST = 100
"""Levels of nesting: MongoDB stores 180, those of our own documents among them."""
_NAMES = UUID("5f2d0a5e-6f0f-5d55-9d0b-2f6e7a1c3b47")

D = TypeVar("D", covariant=True)
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Cause(Generic[D]):
    """Why a document changes: a command of `by`, an event that service `by` published, or a timer.

    `complaint` is the complaint's id and `subject` its receipt number; `sequence` counts the events that
    `by` has published about this complaint (0 for commands and timers); `causation` is what an event itself
    was caused by, or the event in whose course a command is given.
    """

    id: UUID
    complaint: UUID
    subject: str
    time: datetime
    by: str
    data: D
    sequence: int = 0
    traceparent: str | None = None
    type: str = ""
    causation: UUID | None = None


def in_course_of(cause: Cause[Any], complaint: UUID, data: Given, subject: str = "") -> Cause[Given]:
    """A command that follows from a cause, for any document; `subject` is the number of another complaint."""
    return replace(
        cause,
        id=uuid4(),
        complaint=complaint,
        subject=subject or cause.subject,
        data=data,
        sequence=0,
        type="",
        causation=cause.id if cause.type or cause.causation is None else cause.causation,
    )


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore")

    specversion: Literal["1.0"]
    id: UUID
    source: str = Field(pattern="^/redress/[a-z]+$")
    type: str
    subject: str = Field(min_length=1, max_length=200)
    time: Instant
    correlationid: UUID
    causationid: UUID | None = None
    sequence: str = Field(pattern="^[0-9]{1,19}$")
    traceparent: str | None = None
    data: dict[str, Any]


def event_id(service: str, complaint: UUID, cause: UUID, position: int) -> UUID:
    """The id of an event: deciding the same again yields the same id, so that repeats are seen as such."""
    return uuid5(_NAMES, f"{service}|{complaint}|{cause}|{position}")


def write(
    fact: Fact, *, service: str, position: int, sequence: int, now: datetime, cause: Cause[Any]
) -> Cause[Fact]:
    """The event `service` owes because of `cause`: its `position`th fact, its `sequence`th event in all."""
    return Cause(
        id=event_id(service, cause.complaint, cause.id, position),
        complaint=cause.complaint,
        subject=cause.subject,
        time=now,
        by=service,
        data=fact,
        sequence=sequence,
        traceparent=cause.traceparent,
        type=fact.type,
    )


def to_cloudevent(event: Cause[Fact], causation: UUID) -> bytes:
    """One event in the JSON event format."""
    trace = {"traceparent": event.traceparent} if event.traceparent else {}
    return to_json(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": f"/redress/{event.by}",
            "type": event.type,
            "subject": event.subject,
            "time": event.time,
            "datacontenttype": "application/json",
            "dataschema": f"/schemas/{event.type}.json",
            "correlationid": event.complaint,
            "causationid": causation,
            "sequence": f"{event.sequence:010d}",
            **trace,
            "data": event.data,
        },
        exclude_none=True,
        by_alias=True,
    )


def batch(events: list[bytes]) -> bytes:
    """Events already in the JSON event format, as one batch."""
    return b"[" + b",".join(events) + b"]"


def lines(body: bytes) -> bytes:
    """The events of a batch, one a line, byte for byte as `batch` was given them. Raises Malformed.

    What was not put together here is read and written anew.
    """
    joints = body.count(_JOINT)
    ours = body.startswith(b"[" + _HEAD) and body.endswith(b"}]") and b"\n" not in body
    if ours and body.count(_HEAD[1:]) == joints + 1:
        return body[1:-1].replace(_JOINT, b"}\n" + _HEAD)
    return b"\n".join(to_json(member) for member in open_batch(body))


def open_batch(body: bytes, largest: int = 1_000) -> list[Any]:
    """The members of a batch, unread. Raises Malformed for no JSON array, or one of more than `largest`."""
    if len(body) > LARGEST_BODY:
        raise Malformed(f"The batch has {len(body)} bytes; send at most {LARGEST_BODY} in one message")
    try:
        members = from_json(body)
    except ValueError:
        raise Malformed("The body is not JSON in UTF-8; send a CloudEvents JSON batch") from None
    if not isinstance(members, list):
        raise Malformed("The body is not a JSON array; send a CloudEvents JSON batch, even of one event")
    if len(members) > largest:
        raise Malformed(f"The batch holds {len(members)} events; send at most {largest} in one message")
    return members


def from_cloudevent(member: Any) -> Cause[Fact]:
    """Read one member of a batch. Raises Invalid, naming the fields, for all that is no event of ours.

    What a newer version may have published is Unfamiliar: another type, or data of another form.
    """
    with fitting("This is not a CloudEvent of this system"):
        envelope = _Envelope.model_validate(member)
    kind = CATALOGUE.get(envelope.type)
    if kind is None:
        raise Unfamiliar(
            f"No event of type {envelope.type[:80]!r} is known here; deploy the newer version, then retry"
        )
    if envelope.source != f"/redress/{kind.owner}":
        raise Invalid(f"{kind.type} is published by {kind.owner} alone, not by {envelope.source[:80]!r}")
    with fitting(f"The data does not fit {kind.type}", Unfamiliar):
        data = kind.model_validate(envelope.data)
    if not _within_bounds(data) or int(envelope.sequence) >= _INT64:
        raise Invalid(f"The data of this {kind.type} lies beyond what can be reckoned with or stored")
    return Cause(
        id=envelope.id,
        complaint=envelope.correlationid,
        subject=envelope.subject,
        time=envelope.time,
        by=kind.owner,
        data=data,
        sequence=int(envelope.sequence),
        traceparent=envelope.traceparent,
        type=kind.type,
        causation=envelope.causationid,
    )


def _within_bounds(value: Any, levels: int = DEEPEST) -> bool:
    """Whether clocks reach, numbers can be kept and names stand for something, at any depth there may be."""
    if not levels:
        return False
    match value:
        case BaseModel():
            return all(_within_bounds(each, levels - 1) for each in vars(value).values())
        case dict():
            named = not any("\x00" in name for name in value)
            return named and all(_within_bounds(each, levels - 1) for each in value.values())
        case list() | tuple():
            return all(_within_bounds(each, levels - 1) for each in value)
        case str():
            return len(value) <= LONGEST
        case datetime():
            return value.tzinfo is not None and EARLIEST <= value.year <= LATEST
        case int():
            return -_INT64 <= value < _INT64
        case float():
            return isfinite(value)
        case Decimal():
            return value.is_finite() and abs(value.adjusted()) <= DIGITS
    return True
