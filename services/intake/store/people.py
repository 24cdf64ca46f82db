"""The people who complain: each with a key that seals what points to them, and how both are erased."""

import base64
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import count
from typing import TypeVar
from uuid import UUID, uuid4

import structlog

from services.intake.domain.complaint import Complaint
from services.intake.domain.person import (
    Erasure,
    Person,
    Why,
    erase,
    forget,
    leave,
    meet,
    person_id,
    stay,
    sweep,
)
from services.intake.store.complaints import complaints
from services.intake.store.evidence import files
from shared import clock
from shared.documents import Saved
from shared.driver import index
from shared.envelope import Cause
from shared.problems import Unavailable
from shared.sealing import Unsealable, house_key, new_key, seal, seal_text, unseal, unseal_text

_log = structlog.get_logger()
LATER = timedelta(minutes=1)
"""After an erasure whatever came in at the same moment is erased, too."""
D = TypeVar("D")

people = complaints.beside(
    Person,
    lift=lambda person: {
        "fingerprints": person.fingerprints or None,
        "erasing_due": clock.wake_at(person.erasing_due) + LATER if person.erasing_due else None,
    },
    indexes=[index("fingerprints"), index("erasing_due")],
)


# keys


async def met(fingerprints: tuple[str, ...], complaint: UUID) -> tuple[UUID, bytes]:
    """Whoever complains, and their key: known again, or met for the first time."""
    for generation in count():
        id = person_id(fingerprints, complaint, generation)
        fresh = Person(fingerprints=list(fingerprints), key=_wrapped(id, new_key()))
        saved = await people.update_soon(id, meet, _cause(id, fresh))
        if saved.state is not None and saved.state.takes_new:
            return id, _unwrapped(id, saved.state.key or "")
    raise AssertionError


async def keys(of: Iterable[UUID]) -> dict[UUID, bytes]:
    """The keys of these people; of whoever was erased there is none. Raises Unavailable if one is bad."""
    return {id: _unwrapped(id, key) for id, key in (await locks(of)).items()}


async def locks(of: Iterable[UUID]) -> dict[UUID, str]:
    """The same keys as they are kept, sealed."""
    wanted = sorted(set(of))
    found = await people.find({"_id": {"$in": wanted}}, limit=len(wanted) or 1)
    return {
        each.id: each.state.key for each in found if each.state is not None and each.state.key is not None
    }


def _wrapped(id: UUID, key: bytes) -> str:
    return base64.b64encode(seal(key, house_key("people"), str(id))).decode()


def _unwrapped(id: UUID, key: str) -> bytes:
    try:
        return unseal(base64.b64decode(key), house_key("people"), str(id))
    except ValueError:
        raise Unavailable("The key of this person cannot be opened: an operator must look at it") from None


def _cause(id: UUID, data: D) -> Cause[D]:
    return Cause(uuid4(), id, "", clock.now(), "intake", data)


# texts


def sealed(complaint: UUID, texts: Mapping[str, str], key: bytes) -> dict[str, str]:
    """Texts of a complaint as the record keeps them."""
    return {name: seal_text(text, key, f"{complaint}/{name}") for name, text in texts.items()}


def opened(complaint: UUID, state: Complaint, key: bytes | None) -> dict[str, str]:
    """The texts of a record in plain words; none of whoever was erased. Raises Unavailable if one is bad."""
    if key is None:
        return {}
    try:
        return {name: unseal_text(text, key, f"{complaint}/{name}") for name, text in state.personal.items()}
    except Unsealable:
        raise Unavailable("The texts of this record cannot be opened: an operator must look at it") from None


def legible(complaint: UUID, state: Complaint, locked: Mapping[UUID, str]) -> dict[str, str]:
    """The same of one record among many: one that cannot be opened has no texts, and hides no other."""
    if (lock := locked.get(state.person)) is None:
        return {}
    try:
        return opened(complaint, state, _unwrapped(state.person, lock))
    except Unavailable:
        _log.error("texts cannot be opened", complaint=str(complaint))
        return {}


async def texts(complaint: UUID, state: Complaint) -> dict[str, str]:
    """The same of one record, its key looked up."""
    return opened(complaint, state, (await keys([state.person])).get(state.person))


async def sealed_remark(check: UUID, complaint: UUID, state: Complaint, remark: str) -> str | None:
    """What a spot check remarks on a complaint, sealed as its own texts are; None of whoever was erased."""
    key = (await keys([state.person])).get(state.person)
    return seal_text(remark, key, f"{complaint}/spot check {check}") if key is not None else None


async def legible_remarks(check: UUID, remarks: Mapping[UUID, str]) -> dict[UUID, str]:
    """Such remarks by complaint, in plain words, but for those that nobody can read any more."""
    found = await complaints.find({"_id": {"$in": sorted(remarks)}}, limit=len(remarks) or 1)
    whose = {each.id: each.state.person for each in found if each.state}
    own = await keys(whose.values())
    try:
        return {
            id: unseal_text(remarks[id], own[person], f"{id}/spot check {check}")
            for id, person in whose.items()
            if person in own
        }
    except Unsealable:
        raise Unavailable("The remarks of this check cannot be opened: an operator must look at it") from None


# erasing


async def known_by(fingerprints: Iterable[str]) -> list[UUID]:
    """Everybody who can be reached in one of these ways."""
    wanted = {"fingerprints": {"$in": sorted(set(fingerprints))}}
    return sorted([each.id async for each in people.scan(wanted)])


async def linked_with(persons: Iterable[UUID]) -> list[UUID]:
    """These, and everybody who shares a way to be reached with one of them, and so on.

    They may be others: a family's telephone, a firm's hotline, somebody's number in a stranger's complaint.
    """
    seen, edge = set[UUID](), set(persons)
    while edge:
        seen |= edge
        found = people.scan({"_id": {"$in": sorted(edge)}})
        ways = {way async for each in found if each.state for way in each.state.fingerprints}
        edge = set(await known_by(ways)) - seen
    return sorted(seen)


async def complaints_of(persons: Iterable[UUID]) -> list[Saved[Complaint]]:
    """Every complaint of these people that was not erased, in the order in which they came."""
    whose = {"person": {"$in": sorted(persons)}}
    return [each async for each in complaints.scan(whose, sort="registered_at")]


async def erase_people(persons: Iterable[UUID], why: Why = "requested") -> int:
    """Destroy the keys, then all that they sealed; how many complaints that was.

    The first write names everybody, so that whatever breaks off is finished for all of them.
    """
    everybody = list(persons)
    for id in everybody:
        others = everybody[1:] if id == everybody[0] else []
        await people.update_soon(id, forget, _cause(id, others))
    return await _sweep(everybody, why)


async def _sweep(persons: Iterable[UUID], why: Why = "requested") -> int:
    found = await complaints_of(persons)
    for each in found:
        await _bare(each, why)
    return len(found)


async def _bare(each: Saved[Complaint], why: Why) -> None:
    """Strip a record; its files first, so that one whose files remain is stripped again.

    Once more afterwards: a file may have come in between.
    """
    assert each.state is not None
    await files.delete(file.id for file in each.state.evidence)
    cause = Cause(uuid4(), each.id, each.state.number, clock.now(), "intake", Erasure(why=why))
    saved = await complaints.update_soon(each.id, erase, cause)
    if saved.state is not None and saved.state.erased is not None:
        await files.delete(file.id for file in saved.state.evidence)


async def finish_erasures() -> bool:
    """What a crash left of an erasure is done, and keys without a record go; a tick."""
    due = await people.due(limit=20, field="erasing_due")
    for each in due:
        if each.state.key is None:
            await erase_people([each.id, *each.state.along])
            await people.update(each.id, sweep, _cause(each.id, None))
        elif await complaints_of([each.id]):
            await people.update(each.id, stay, _cause(each.id, None))
        else:
            await erase_people([each.id], "retention")
    return bool(due)


async def end_retention() -> bool:
    """Records whose time is over lose what points to a person; a tick.

    Their key goes later, if no other record is left: one may be coming in at this moment.
    """
    due = await complaints.due(limit=20, field="retain_until")
    for each in due:
        await people.update(each.state.person, leave, _cause(each.state.person, None))
        await _bare(Saved(each.id, each.state, each.version, False), "retention")
    return bool(due)
