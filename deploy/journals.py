"""Journals: whether a complaint's is the one that was written, checked on its raw bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bson import decode, decode_iter
from bson.binary import UUID_SUBTYPE, Binary
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from services.intake.domain.complaint import Complaint
from services.intake.domain.replaying import differing
from shared import policy
from shared.chain import Head, first, linked, parted, vouches
from shared.driver import OPTIONS
from shared.problems import Problem

RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument, tz_aware=True)
"""UUIDs stay bytes: making them of all that are there would take a quarter of the time."""
MINE = "intake"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one complaint, and with which entry of its journal (from 1), if with one."""

    number: str
    id: str
    what: str
    entry: int | None = None
    event: str = ""

    def __str__(self) -> str:
        where = f" entry {self.entry} ({self.event})" if self.entry else ""
        return f"{self.number} {self.id}{where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Checked:
    """How many complaints and entries were checked, and what is wrong with them."""

    complaints: int = 0
    entries: int = 0
    wrong: tuple[Wrong, ...] = ()

    def __add__(self, other: "Checked") -> "Checked":
        return Checked(
            self.complaints + other.complaints, self.entries + other.entries, self.wrong + other.wrong
        )


def check_all(documents: bytes, public_key: bytes, *, rebuild: bool) -> Checked:
    """Check documents as they came from the database, one after the other.

    With `rebuild` each complaint is made of its journal, too, and compared with its record.
    """
    key, checked = Ed25519PublicKey.from_public_bytes(public_key), Checked()
    for document in decode_iter(documents, RAW):
        if is_complaint(document):
            checked += check(document, key, rebuild=rebuild)
    return checked


def is_complaint(document: Mapping[str, Any]) -> bool:
    """Whether it is one, or was before somebody took something away; others lie beside them."""
    state = document.get("state")
    registered = isinstance(state, Mapping) and "registered_at" in state
    return registered or not {"journal", "head", "number"}.isdisjoint(document)


def shelve(copies: Sequence[Mapping[str, Any]]) -> None:
    """Put what was published on the shelf, calendars first: complaints are made of their journals by it."""
    for copy in sorted(copies, key=lambda copy: bool(copy["pack"])):
        (policy.publish if copy["pack"] else policy.publish_calendar)(copy["content"])


def check(document: RawBSONDocument, key: Ed25519PublicKey, *, rebuild: bool) -> Checked:
    """Check one complaint."""
    id, journal = _id(document), document.get("journal")
    number, entries = str(document.get("number", "-")), journal if isinstance(journal, list) else []
    found = _faults(document, id, key) if isinstance(id, UUID) else [(None, "its id is none")]
    wrong = [Wrong(number, str(id), what, at, _event(entries, at)) for at, what in found]
    if rebuild and not wrong:
        wrong += [Wrong(number, str(id), what) for what in _rebuilt(document)]
    return Checked(1, len(entries), tuple(wrong))


Fault = tuple[int | None, str]
"""The entry, and what is wrong with it; or with the whole."""


def _id(document: RawBSONDocument) -> Any:
    id = document["_id"]
    return id.as_uuid() if isinstance(id, Binary) and id.subtype == UUID_SUBTYPE else id


def _faults(document: RawBSONDocument, id: UUID, key: Ed25519PublicKey) -> Iterable[Fault]:
    journal = document.get("journal")
    if not isinstance(journal, list) or not journal:
        yield None, "it has no journal"
        return
    if strange := [at for at, entry in enumerate(journal, 1) if not isinstance(entry, RawBSONDocument)]:
        yield strange[0], "it is no entry"
        return
    last = first(id)
    for at, entry in enumerate(journal, 1):
        body, stored = parted(entry.raw)
        computed = linked(last, body)
        if computed != stored:
            told = f"stored hash {stored.hex() or 'none'}, computed {computed.hex()}"
            yield at, f"{told}: it was changed, or what stood before it was"
        last = stored or computed
    yield from _head(document, id, Head.read(document.get("head")), (len(journal), last), key)
    yield from _numbers(journal)


def _head(
    document: RawBSONDocument, id: UUID, head: Head | None, found: tuple[int, bytes], key: Ed25519PublicKey
) -> Iterator[Fault]:
    """The head is the last word, and the house's."""
    if head is None:
        yield None, "it has no head"
        return
    entries, last = found
    if head.entries != entries:
        yield None, f"its head counts {head.entries} entries, there are {entries}"
    if head.hash != last:
        yield None, f"its head ends with hash {head.hash.hex()}, its journal with {last.hex()}"
    if not vouches(key, id, head):
        yield None, "its head is not signed by this house"


def _numbers(journal: list[RawBSONDocument]) -> Iterator[Fault]:
    """Each service counts its events: intake's are all here, of another one no number comes twice."""
    seen: dict[tuple[str, int], Any] = {}
    mine = 0
    for at, entry in enumerate(journal, 1):
        by, number, id = entry.get("by"), entry.get("sequence"), entry.get("id")
        if not entry.get("type"):
            continue
        if by == MINE:
            mine += 1
            if number != mine:
                yield at, f"it is {MINE}'s event number {number}, expected {mine}"
        elif seen.setdefault((str(by), number or 0), id) != id:
            yield at, f"another event has {by}'s number {number}, too"


def _rebuilt(document: RawBSONDocument) -> Iterator[str]:
    """The fields of the record that are not as its journal makes them."""
    try:
        whole = decode(document.raw, OPTIONS)
        record = Complaint.model_validate(whole["state"], context=whole["_id"])
        if fields := differing(record, whole["_id"], whole["journal"]):
            yield f"its journal gives other values of {', '.join(fields)}"
    except (BSONError, ValidationError, LookupError, AssertionError, Problem) as error:
        yield f"it cannot be made of its journal ({type(error).__name__})"


def _event(journal: list[Any], at: int | None) -> str:
    """An entry's type and time, for whoever looks for it."""
    entry = journal[at - 1] if at else None
    if not isinstance(entry, RawBSONDocument):
        return ""
    return f"{entry.get('type') or 'command'}, {entry.get('time')}"
