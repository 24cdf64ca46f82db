"""Which events are wanted: told from their envelopes, without reading what they hold."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ValidationError

from shared.envelope import lines
from shared.events import CATALOGUE
from shared.problems import Fault, Invalid, Malformed

STARS = 8
"""As many `*` a pattern may have."""
PUBLIC = frozenset(type for type, kind in CATALOGUE.items() if not kind.private)
_ENVELOPE = re.compile(
    rb'{"specversion":"1.0","id":"WORD","source":"WORD","type":"(WORD)","subject":"(WORD)","time":"(WORD)",'
    rb'"datacontenttype":"WORD","dataschema":"WORD","correlationid":"(WORD)"'.replace(b"WORD", rb'[^"\\]*')
)
"""An event as services of this house write it: what must be known of it stands before its data."""


def _dated(text: str) -> str:
    """An instant as it was written. Raises ValueError."""
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("no offset")
    return text


class _Envelope(BaseModel):
    """What every event has, whoever wrote it."""

    id: UUID
    source: str
    type: str
    subject: str
    time: Annotated[str, AfterValidator(_dated)]
    correlationid: UUID


@dataclass(frozen=True)
class Wanted:
    """Which events: of types that match a pattern (`*` is any text), of a complaint by its id or number.

    `since` and `until` are when they happened, the second not included.
    """

    types: Sequence[str] = ()
    complaint: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    _known: frozenset[str] = field(init=False, default=PUBLIC)

    def __post_init__(self) -> None:
        """Raises Invalid for a pattern that means no event there is, or has too many `*`."""
        meant = [frozenset(type for type in PUBLIC if fits(each, type)) for each in map(_bounded, self.types)]
        for given, found in zip(self.types, meant, strict=True):
            if not found:
                raise _meaningless(
                    given, "give a type, or a pattern such as complaint.*.v1; docs/schemas has them all"
                )
        if meant:
            object.__setattr__(self, "_known", frozenset().union(*meant))
        if self.complaint is not None:
            object.__setattr__(self, "complaint", _plain(self.complaint))

    @property
    def everything(self) -> bool:
        return not self.types and (self.complaint, self.since, self.until) == (None, None, None)

    def picked(self, kind: str, body: bytes) -> Iterator[tuple[int, bytes]]:
        """The events of a batch that are wanted, each with its position there; what is no event is left out.

        `kind` is the one type of all of them, as the message says; empty, they are asked themselves.
        """
        if kind and not self._is_meant(kind):
            return
        if self.complaint is not None and self.complaint.encode() not in body:
            return
        try:
            members = lines(body).split(b"\n")
        except Malformed:
            return
        for at, line in enumerate(members):
            if self._takes(kind, line):
                yield at, line

    def _is_meant(self, type: str) -> bool:
        """Whether a pattern means it; one of a newer sender, which is not known here, is looked at itself."""
        if not self.types or type in self._known:
            return True
        return type not in CATALOGUE and any(fits(each, type) for each in self.types)

    def _takes(self, kind: str, line: bytes) -> bool:
        if self.complaint is not None and self.complaint.encode() not in line:
            return False
        if (head := _ENVELOPE.match(line)) is not None:
            if (self.complaint, self.since, self.until) == (None, None, None) and (kind or not self.types):
                return True
            return self._is_wanted(*(str(each, "utf-8") for each in head.groups()))
        try:
            event = _Envelope.model_validate_json(line)
        except ValidationError:
            return False
        return self._is_wanted(event.type, event.subject, event.time, str(event.correlationid))

    def _is_wanted(self, type: str, subject: str, time: str, complaint: str) -> bool:
        if not self._is_meant(type):
            return False
        if self.complaint not in (None, complaint, subject):
            return False
        at = datetime.fromisoformat(time)
        return (self.since or at) <= at and (self.until is None or at < self.until)


def fits(pattern: str, type: str) -> bool:
    """Whether a type is what a pattern means: `*` is any text. One pass, however many stars there are."""
    first, *rest = pattern.split("*")
    if not rest:
        return type == pattern
    *middle, last = rest
    if len(type) < len(first) + len(last) or not (type.startswith(first) and type.endswith(last)):
        return False
    at, end = len(first), len(type) - len(last)
    for each in middle:
        if (found := type.find(each, at, end)) < 0:
            return False
        at = found + len(each)
    return True


def _bounded(pattern: str) -> str:
    if pattern.count("*") > STARS:
        raise _meaningless(pattern, f"use * at most {STARS} times")
    return pattern


def _meaningless(pattern: str, told: str) -> Invalid:
    return Invalid(f"No public event is a {pattern[:80]!r}", [Fault(detail=told, pointer="#/type")])


def _plain(complaint: str) -> str:
    """An id as events write it, or a receipt number."""
    try:
        return str(UUID(complaint))
    except ValueError:
        return complaint.strip().upper()
