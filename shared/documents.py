"""A document in hand: what one complaint's record looks like, and how a cause changes it, all in memory.

_id        the complaint's id
version    counts the writes; a write names the version it was decided on
state      the service's own state
handled    ids of the causes already answered, the newest HANDLED of them
sequence   counts the events this service has published about the complaint
outbox     events owed: decided and kept, not yet confirmed by the broker, each since when (the machine's
           clock); private ones are sealed
owed_at    present while the outbox holds something: when a relay last took it on, by the database's clock (of
           a new document by the machine's, for an insert cannot ask; it costs a quarter of an upsert)
journal    every cause and every event, where the service keeps one: each cause before the events it caused,
           and each with the hash that chains it to the one before (`shared.chain`)
head       how long that chain is and how it ends, signed
commit     marks who wrote last
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from shared import clock
from shared.chain import Head
from shared.envelope import Cause, to_cloudevent, write
from shared.events import Fact
from shared.preserving import preserved, says_more
from shared.sealing import house_key, seal, unseal

S = TypeVar("S", bound=BaseModel)
C = TypeVar("C")
Change = Callable[[S | None, Cause[C]], tuple[S | None, Sequence[Fact]]]
"""A pure decision: the state and a cause in, the new state and the facts to publish out."""

Keep = Callable[[S | None, S, Cause[Any]], Mapping[str, Any]]
"""What a journal keeps of a command, by the state before and after it; nothing that must ever be erased."""

HANDLED = 256
PARTS = {"version": 1, "sequence": 1, "state": 1, "handled": 1, "head": 1, "now": "$$NOW"}
"""What a draft is made of."""


@dataclass(frozen=True, slots=True)
class Owed:
    """An event that a document owes: what the relay publishes, then strikes out."""

    document: UUID
    id: UUID
    type: str
    private: bool
    body: bytes
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Saved(Generic[S]):
    """A document as saved; `changed` is false when the cause changed nothing, or had been handled before."""

    id: UUID
    state: S | None
    version: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Due(Generic[S]):
    """A document whose instant `at` had passed when the database's clock showed `now`."""

    id: UUID
    version: int
    now: datetime
    state: S
    at: datetime


@dataclass(slots=True)
class Draft(Generic[S]):
    """One document as loaded (version 0: there is none yet), and what has been decided on it since.

    `read_at` is what the database's clock showed then; `broken` is why its state could not be read, and then
    nothing can be decided on it. One that is `remembered` (`shared.recent`) may be of yesterday: what was
    decided on it holds only once it is written.
    """

    id: UUID
    version: int = 0
    sequence: int = 0
    stored: Mapping[str, Any] = field(default_factory=dict)
    state: S | None = None
    handled: dict[UUID, None] = field(default_factory=dict)
    causes: list[UUID] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)
    read_at: datetime | None = None
    head: Head | None = None
    broken: Exception | None = None
    remembered: bool = False

    @classmethod
    def of(cls, found: Mapping[str, Any], state: type[S], *, remembered: bool) -> "Draft[S]":
        """A document in its PARTS."""
        draft = cls(found["_id"], found["version"], found["sequence"], found["state"])
        draft.handled, draft.read_at = dict.fromkeys(found["handled"]), found["now"]
        draft.head, draft.remembered = Head.read(found.get("head")), remembered
        try:
            draft.state = state.model_validate(found["state"], context=draft.id)
        except ValidationError as error:
            draft.broken = error
        return draft

    @property
    def next_version(self) -> int:
        return self.version + 1 if self.causes else self.version

    def saved(self, *, changed: bool) -> Saved[S]:
        return Saved(self.id, self.state, self.next_version, changed)

    def decide(
        self,
        change: Change[S, Any],
        cause: Cause[Any],
        service: str,
        *,
        journal: Keep[S] | None,
    ) -> bool:
        """Apply a change once for its cause; False if nothing changed by it. Raises what it raises."""
        if self.broken is not None:
            raise self.broken
        if cause.id in self.handled:
            return False
        state, facts = change(self.state, cause)
        if state is None or not (state != self.state or facts or journal):
            return False
        now = clock.now()
        # A journal tells when things were, so that a state made of it has the same instants.
        at = cause.time if journal and not cause.type else now
        events = [self._event(fact, number, cause, service, at) for number, fact in enumerate(facts)]
        if journal and (cause.type or events or state != self.state):
            kept = None if cause.type else journal(self.state, state, cause)
            self.journal.append(entry(cause, cause.causation, now, kept))
        self.state = state
        self.handled[cause.id] = None
        self.causes.append(cause.id)
        self.sequence += len(events)
        # What is done in the course of answering an event was caused by that event.
        origin = cause.causation if cause.causation and not cause.type else cause.id
        self.owed += [_owed(self.id, event, origin) for event in events]
        if journal:
            self.journal += [entry(event, origin, now) for event in events]
        return True

    def _event(self, fact: Fact, position: int, cause: Cause[Any], service: str, at: datetime) -> Cause[Fact]:
        sequence = self.sequence + position + 1
        return write(fact, service=service, position=position, sequence=sequence, now=at, cause=cause)

    def document(
        self, lifted: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], token: UUID
    ) -> dict[str, Any]:
        """A new document whole; `entries` are those of its journal, with their hashes."""
        assert self.state is not None
        self.stored = self._dumped(self.state)
        found = {"_id": self.id, "state": self.stored}
        found |= {key: value for key, value in lifted.items() if value is not None}
        found |= {"version": self.next_version, "sequence": self.sequence, "commit": token}
        found["handled"] = self.causes[-HANDLED:]
        if self.owed:
            found |= {"outbox": [_stored(owed) for owed in self.owed], "owed_at": clock.machine_now()}
        return found | ({"journal": entries} if entries else {})

    def update(
        self, lifted: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], token: UUID
    ) -> dict[str, Any]:
        """The database's update that makes the document as loaded the one as decided, with these entries."""
        rewritten = self._rewritten()
        self.stored = {**self.stored, **rewritten}
        values = {f"state.{key}": value for key, value in rewritten.items()}
        values |= {key: value for key, value in lifted.items() if value is not None}
        update: dict[str, Any] = {
            "$set": values | {"version": self.next_version, "sequence": self.sequence, "commit": token},
            "$push": {"handled": {"$each": self.causes, "$slice": -HANDLED}},
        }
        if absent := [key for key, value in lifted.items() if value is None]:
            update["$unset"] = dict.fromkeys(absent, "")
        if entries:
            update["$push"]["journal"] = {"$each": entries}
        if self.owed:
            update["$push"]["outbox"] = {"$each": [_stored(owed) for owed in self.owed]}
            # An older debt keeps its date, and one that is being struck out must leave none behind.
            update |= (
                {"$min": {"owed_at": self.read_at}} if self.read_at else {"$currentDate": {"owed_at": True}}
            )
        return update

    def written(self) -> dict[str, Any]:
        """The PARTS of the document that its update leaves behind, all but what the clock shows."""
        return {
            "_id": self.id,
            "version": self.next_version,
            "sequence": self.sequence,
            "state": self.stored,
            "handled": [*self.handled][-HANDLED:],
            "head": self.head.stored if self.head else None,
        }

    def _rewritten(self) -> dict[str, Any]:
        """The state's values that changed, with whatever a newer version had written into them."""
        assert self.state is not None
        new = self._dumped(self.state)
        changed = {key: value for key, value in new.items() if self.stored.get(key, ...) != value}
        if not any(says_more(self.stored.get(key), value) for key, value in changed.items()):
            return changed
        known = self._dumped(type(self.state).model_validate(self.stored, context=self.id))
        whole = {key: preserved(value, self.stored.get(key), known[key]) for key, value in changed.items()}
        return {key: value for key, value in whole.items() if self.stored.get(key, ...) != value}

    def _dumped(self, state: S) -> dict[str, Any]:
        return state.model_dump(mode="json", by_alias=True, context=self.id)

    @property
    def goes_on_from(self) -> Head | None:
        """The head that its journal goes on from; of one that has lost its own, a head that nobody signed."""
        return self.head or (Head(0, b"") if self.version else None)


def entry(
    cause: Cause[Any], causation: UUID | None, now: datetime, kept: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An event as a journal keeps it, a private one without its data; or what is `kept` of a command.

    `time` is when it was, `noted` when the record knew.
    """
    return {
        "id": cause.id,
        "type": cause.type,
        "by": cause.by,
        "time": cause.time,
        "noted": now,
        "sequence": cause.sequence,
        "cause": causation,
        "data": _data(cause.data) if kept is None else kept,
    }


def _data(fact: Fact) -> dict[str, Any]:
    return {} if fact.private else fact.model_dump(mode="json", by_alias=True)


def _owed(document: UUID, event: Cause[Fact], causation: UUID) -> Owed:
    body = to_cloudevent(event, causation)
    return Owed(document, event.id, event.type, event.data.private, body, event.traceparent)


def _stored(owed: Owed) -> dict[str, Any]:
    return {
        "id": owed.id,
        "type": owed.type,
        "private": owed.private,
        "body": seal(owed.body, house_key("outbox"), str(owed.id)) if owed.private else owed.body,
        "traceparent": owed.traceparent,
        "at": clock.machine_now(),
    }


def owed_by(document: Mapping[str, Any]) -> list[Owed]:
    """What a stored document owes, in order."""
    return [
        Owed(document["_id"], e["id"], e["type"], e["private"], _body(e), e["traceparent"])
        for e in document["outbox"]
    ]


def _body(stored: Mapping[str, Any]) -> bytes:
    body: bytes = stored["body"]
    return unseal(body, house_key("outbox"), str(stored["id"])) if stored["private"] else body
