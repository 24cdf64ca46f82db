"""Replaying: a complaint made of its journal, as it stood at any time.

What other services reported goes through the very function that it went through at first. Of what people did,
the events say what became of it; the entry of the command before them says what no event carries, such as
names. Texts and files are the record's own, as far as they were there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.domain.becoming import became
from services.intake.domain.complaint import (
    Action,
    Approved,
    Complaint,
    Emergency,
    Note,
    Solution,
    Told,
)
from services.intake.domain.hearing import advance, hear, moved
from shared.envelope import Cause
from shared.events import (
    CATALOGUE,
    ComplaintClosed,
    ComplaintFedBack,
    ComplaintRegistered,
    ComplaintReopened,
    Fact,
)
from shared.problems import Fault, Invalid, NotFound

Entry = Mapping[str, Any]
REGISTERED = ("number", "caller", "recorder", "request", "digest", "traceparent", "person", "has")
"""What stands from the beginning, and in no event."""


LENT = {*REGISTERED, "requests"}
"""What the journal does not give, or only as the record has it."""


class Unsaid(BaseModel):
    """What a command changed of the fields that no event carries whole."""

    handler: str | None = None
    respondents: list[str] = Field(default_factory=list)
    withheld: list[str] = Field(default_factory=list)
    solution: Solution | None = None
    approvals: list[Approved] = Field(default_factory=list)
    proof: list[int] = Field(default_factory=list)
    disowned: list[str] = Field(default_factory=list)
    emergency: Emergency | None = None
    reply: str | None = None
    summary: str | None = None
    absorbs: list[UUID] = Field(default_factory=list)


_NOTHING_YET = Unsaid()


class Deed(BaseModel):
    """A command as the journal keeps it; `wrote` names the texts that it wrote, which the record seals."""

    action: Action | None = None
    note: Note | None = None
    wrote: list[str] = Field(default_factory=list)
    unsaid: Unsaid = Unsaid()


# writing


def kept(before: Complaint | None, after: Complaint, cause: Cause[Any]) -> dict[str, Any]:
    """What the journal keeps of a command: no text of anybody's, so that nothing of it is ever erased."""
    told: dict[str, Any] = {"unsaid": _unsaid(before, after)}
    if len(after.actions) > (len(before.actions) if before else 0):
        told["action"] = after.actions[-1]
    if len(after.notes) > (len(before.notes) if before else 0):
        told["note"] = after.notes[-1]
    texts = before.personal if before else {}
    if wrote := sorted(name for name, text in after.personal.items() if texts.get(name) != text):
        told["wrote"] = wrote
    return Deed(**told).model_dump(mode="json", by_alias=True, exclude_unset=True)


def _unsaid(before: Complaint | None, after: Complaint) -> Unsaid:
    known = before or _NOTHING_YET
    values = {name: getattr(after, name) for name in Unsaid.model_fields}
    return Unsaid(**{name: value for name, value in values.items() if value != getattr(known, name)})


# as it stood


def as_of(record: Complaint, id: UUID, journal: Sequence[Entry], at: datetime, now: datetime) -> Complaint:
    """The complaint as its readers saw it at an instant; whoever was erased since stays so.

    A private detail that was written anew since is left out: what it was is not known any more. Raises
    Invalid for an instant in the future, NotFound for one before it was registered.
    """
    if at > now:
        fault = Fault(detail=f"give an instant not later than {now.isoformat()}", pointer="#/as_of")
        raise Invalid("Nobody knows how it will stand", [fault])
    if at < record.registered_at:
        raise NotFound(f"It was not there yet: it was registered at {record.registered_at.isoformat()}")
    until = max(at, journal[0]["noted"])
    known = list(takewhile(lambda entry: entry["noted"] <= until, journal))
    state = replay(record, id, known)
    later = {name for entry in journal[len(known) :] if not entry["type"] for name in _deed(entry).wrote}
    personal = {name: text for name, text in state.personal.items() if name not in later}
    return state.model_copy(update={"personal": personal, "person": record.person, "erased": record.erased})


def replay(record: Complaint, id: UUID, journal: Iterable[Entry]) -> Complaint:
    """The complaint after these entries of its journal, from the first on.

    `record` lends what is in no event: whose it is, its texts and its files.
    """
    state: Complaint | None = None
    for cause, *events in decisions(journal):
        if cause["type"]:
            state, _ = hear(state, _event(cause, id, record.number))
        else:
            state = done(state, cause, [_fact(each) for each in events], record, id)
    assert state is not None
    return state


def decisions(journal: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Each cause with the events that intake made of it."""
    together: list[Entry] = []
    for entry in journal:
        if together and (not entry["type"] or entry["by"] != "intake"):
            yield together
            together = []
        together.append(entry)
    yield together


def _event(entry: Entry, id: UUID, number: str) -> Cause[Fact]:
    return Cause(
        entry["id"],
        id,
        number,
        entry["time"],
        entry["by"],
        _fact(entry),
        sequence=entry["sequence"],
        type=entry["type"],
        causation=entry["cause"],
    )


def _fact(entry: Entry) -> Fact:
    """The event; a private one without what it said."""
    kind = CATALOGUE[entry["type"]]
    return kind.model_construct() if kind.private else kind.model_validate(entry["data"])


def _deed(entry: Entry) -> Deed:
    return Deed.model_validate(entry["data"])


# what people did


def done(
    state: Complaint | None, entry: Entry, facts: Sequence[Fact], record: Complaint, id: UUID
) -> Complaint:
    """The complaint after a command and its events; what followed by itself follows again."""
    deed, at, before = _deed(entry), entry["time"], state
    what = deed.action.what if deed.action else ""
    for fact in facts:
        if isinstance(fact, ComplaintRegistered):
            state = begun(fact, record, at)
        assert state is not None
        if not follows(fact, what):
            state = moved(state, became(state, fact, record, at), at)
    assert state is not None
    cause = Cause(entry["id"], id, record.number, at, entry["by"], None)
    changed = state.model_copy(update=_changes(state, deed, record))
    return advance(before or state, changed, [], cause)[0]


def _changes(state: Complaint, deed: Deed, record: Complaint) -> dict[str, Any]:
    """What the command itself says."""
    changes: dict[str, Any] = {name: getattr(deed.unsaid, name) for name in deed.unsaid.model_fields_set}
    if deed.action:
        changes["actions"] = [*state.actions, deed.action]
        changes["edition"] = state.edition + (deed.action.what != "register")
    if deed.note:
        changes["notes"] = [*state.notes, deed.note]
    texts = {name: record.personal[name] for name in deed.wrote if name in record.personal}
    return changes | {"personal": state.personal | texts}


def begun(fact: ComplaintRegistered, record: Complaint, at: datetime) -> Complaint:
    """A complaint as it was registered."""
    told = {name: getattr(fact, name) for name in Told.model_fields if name != "occurred_at"}
    return Complaint(
        **{name: getattr(record, name) for name in REGISTERED},
        pack=fact.pack,
        pack_version=fact.pack_version,
        given=Told(**told, occurred_at=record.given.occurred_at),
        details=fact.details,
        received_at=fact.received_at,
        registered_at=at,
        since=at,
        held_since=at,
    )


def follows(fact: Fact, what: str) -> bool:
    """Whether an event of a command followed by itself, from what had been noted before."""
    match fact:
        case ComplaintFedBack():
            return True
        case ComplaintClosed():
            return what not in ("close", "withdraw", "merge")
        case ComplaintReopened():
            return what != "reopen"
    return False


# comparing


def differing(record: Complaint, id: UUID, journal: Iterable[Entry]) -> list[str]:
    """The fields in which a record is not what its journal makes of it; of what it lends, nobody can say."""
    made = replay(record, id, journal).model_dump(mode="json", exclude=LENT)
    return [
        name for name, value in record.model_dump(mode="json", exclude=LENT).items() if made[name] != value
    ]
