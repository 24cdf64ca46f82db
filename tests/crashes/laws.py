"""What must hold of every write, and of everything once all is at rest: no ghost, each effect once."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from deploy.provision import COLLECTIONS
from shared.envelope import Cause, from_cloudevent, open_batch
from shared.events import Fact
from tests.crashes.queries import Document
from tests.crashes.world import World

_VARIES = [
    (re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-]\d\d:\d\d)?)?"), "TIME"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"RC-\w{10}"), "NUMBER"),
]


class Watch:
    """Looks at every write of a document as it happens."""

    def __init__(self) -> None:
        self.violations: list[str] = []

    def __call__(self, collection: str, before: Document, after: Document) -> None:
        told = [] if "version" not in after else list(_wrong(before, after))
        self.violations += [f"{collection}: {each}" for each in told]


def _wrong(before: Document, after: Document) -> Iterator[str]:
    """A decision goes on from what was there; whatever else is written leaves all but the outbox alone."""
    if not before:
        before = {"version": 0, "sequence": 0}
    decided = after["version"] != before["version"] or after.get("commit") != before.get("commit")
    if decided and after["version"] != before["version"] + 1:
        yield f"version {after['version']} was written over version {before['version']}"
    kept = ("handled", "journal")
    for name in kept:
        old, new = before.get(name, []), after.get(name, [])
        if new[: len(old)] != old:
            yield f"{name} was written over"
        if not decided and new != old:
            yield f"{name} was changed by no decision"
        ids = [each["id"] if isinstance(each, dict) else each for each in new]
        if repeated := [id for id, count in Counter(ids).items() if count > 1]:
            yield f"{name} holds {len(repeated)} twice"
    owed = len(
        {each["id"] for each in after.get("outbox", [])} - {each["id"] for each in before.get("outbox", [])}
    )
    if after["sequence"] != before["sequence"] + owed:
        yield f"sequence {after['sequence']} after {before['sequence']} with {owed} more owed"


@dataclass(slots=True)
class Found:
    """How a world stands once it is at rest: what was published of each complaint, and every state."""

    events: dict[UUID, list[Cause[Fact]]] = field(default_factory=lambda: defaultdict(list))
    states: dict[str, dict[UUID, Any]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def effects(self, complaint: UUID) -> tuple[Counter[str], dict[str, Any]]:
        """What was said of a complaint and became of it, without what differs from run to run."""
        said = Counter(event.type for event in self.events[complaint])
        return said, {service: _plain(states.get(complaint)) for service, states in self.states.items()}


def examined(world: World) -> Found:
    """A world at rest, and what is wrong with it."""
    found = Found(violations=list(world.complaints))
    for service, collection in COLLECTIONS.items():
        documents = {each["_id"]: each for each in world.database.documents(f"{service}.{collection}")}
        found.states[service] = {id: each["state"] for id, each in documents.items()}
    _read(world, found)
    found.violations += [*_parked(world), *_ghosts(world, found), *_counted(world, found)]
    return found


def _read(world: World, found: Found) -> None:
    known: dict[UUID, str] = {}
    for message in world.broker.published.values():
        for member in open_batch(message.body):
            event = from_cloudevent(member)
            if event.id not in known:
                found.events[event.complaint].append(event)
            elif known[event.id] != str(member):
                found.violations.append(f"{event.type} was published in two forms")
            known[event.id] = str(member)


def _parked(world: World) -> Iterator[str]:
    for name, waiting in world.broker.queues.items():
        if name.endswith(".parked"):
            yield from (
                f"{name}: {message.type} ({message.headers.get('redress-reason')})" for message in waiting
            )


def _ghosts(world: World, found: Found) -> Iterator[str]:
    """What is about a complaint that nobody was told of, and what is not there of one that was accepted."""
    accepted = set(world.accepted.values())
    documents = world.database.documents("intake.complaints")
    there = {each["_id"] for each in documents if "number" in each}
    yield from (f"lost: complaint {id} was accepted and is not there" for id in accepted - there)
    yield from (f"ghost: complaint {id} is there and nobody was told" for id in there - accepted)
    yield from (f"ghost: events of {id}" for id in found.events.keys() - there)


def _counted(world: World, found: Found) -> Iterator[str]:
    """Events of a source are numbered 1, 2, 3 ... up to what its document says, each once."""
    for service, collection in COLLECTIONS.items():
        for document in world.database.documents(f"{service}.{collection}"):
            events = found.events.get(document["_id"], [])
            numbers = sorted(each.sequence for each in events if each.by == service)
            if numbers != list(range(1, document.get("sequence", 0) + 1)):
                yield f"{service} published {numbers} of {document['sequence']} events"


def _plain(value: Any) -> Any:
    """A value without instants, ids and numbers, and lists in no order."""
    if isinstance(value, dict):
        found = {_text(str(name)): _plain(each) for name, each in value.items() if name not in SEALED}
        return dict(sorted(found.items()))
    if isinstance(value, list | tuple):
        return sorted((_plain(each) for each in value), key=repr)
    plain = to_jsonable_python(value)
    return _text(plain) if isinstance(plain, str) else plain


SEALED = {"sealed", "personal", "traceparent", "request", "key", "basis", "stays", "sequence"}


def _text(text: str) -> str:
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text
