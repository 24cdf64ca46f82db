"""Complaints over HTTP: handle one step by step, see where it stands."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from services.intake.api.calling import By, Receipt, ValidateOnly, Version, ask, receipt, short
from services.intake.domain import replaying
from services.intake.domain.approval import outstanding
from services.intake.domain.clocks import Clock, clocks
from services.intake.domain.complaint import Complaint
from services.intake.domain.ending import absorb
from services.intake.domain.facts import held_back, lacking, pack_of
from services.intake.domain.handling import asked_before
from services.intake.domain.particulars import Revision
from services.intake.domain.roles import Actor
from services.intake.domain.steps import Communicate, Merge, Relate, Step, WriteNote
from services.intake.domain.timeline import Line, timeline
from services.intake.domain.views import view
from services.intake.store.complaints import complaints, joined_to, one, with_history
from services.intake.store.delegations import instead
from services.intake.store.people import texts
from services.intake.store.readings import log
from shared import clock
from shared.envelope import Cause
from shared.events import ComplaintGraded, Instant, Language
from shared.http import Key, carries
from shared.policy import Pack, explained, load

router = APIRouter(prefix="/v1/complaints", tags=["complaints"])
Personal = Annotated[
    bool, Query(description="Open what the customer wrote and how to reach them; the read is logged")
]

AsOf = Annotated[Instant | None, Query(description="Show it as it stood then: what had been noted by then")]


ETAG = {"description": "The version of what was read; none with `as_of`", "schema": {"type": "string"}}


class View(Receipt):
    """A complaint as its reader may see it."""

    explanation: dict[int, dict[Language, list[str]]] = Field(description="Why it has its grade, by cycle")
    held_back: list[str] = Field(description="Facts that the dispatch waits for")
    asked: dict[str, list[str]] = Field(
        description="What rules of the pack want before each possible step; the step may say some of it"
    )
    lacking: list[str] = Field(description="Required fields that cannot be given with the form")
    clocks: list[Clock] = Field(description="The clocks that run; what is due first at the top")
    joined: list[UUID] = Field(description="Complaints that were merged into this one, or linked with it")
    complaint: dict[str, Any]
    as_of: AwareDatetime | None = Field(None, description="The instant of which this is, if it is not now")


@router.get("/{id}", responses={200: {"headers": {"ETag": ETAG}}})
async def show(id: UUID, by: By, response: Response, personal: Personal = False, as_of: AsOf = None) -> View:
    """A complaint whole; what points to the customer only on demand. The past comes without an ETag."""
    if as_of is not None:
        return await _stood(id, by, as_of, personal=personal)
    state = await one(id, by)
    if outstanding(state):
        by = replace(by, instead=await instead(by, clock.now()))
    words: dict[str, str] = {}
    if personal:
        await log(by.name, id, "complaint")
        words = await texts(id, state)
    response.headers["ETag"] = f'"{state.edition}{"p" if personal else ""}"'
    return View(
        **short(id, state, by).model_dump(),
        explanation=_explanation(state),
        held_back=held_back(state),
        asked=asked_before(state, by),
        lacking=lacking(state),
        clocks=clocks(state, by),
        joined=[] if by.is_partner else await joined_to(id),
        complaint=view(state, words, by),
    )


async def _stood(id: UUID, by: Actor, at: datetime, *, personal: bool) -> View:
    """The complaint as it stood: nothing can be done there, and of what is joined only what it absorbed."""
    record, journal = await with_history(id, by)
    state = replaying.as_of(record, id, journal, at, clock.now())
    words: dict[str, str] = {}
    if personal:
        await log(by.name, id, "complaint")
        words = await texts(id, state)
    return View(
        **short(id, state, by).model_dump(exclude={"possible"}),
        possible=[],
        explanation=_explanation(state),
        held_back=held_back(state),
        asked={},
        lacking=lacking(state),
        clocks=clocks(state, by),
        joined=[] if by.is_partner else state.absorbs,
        complaint=view(state, words, by, record),
        as_of=at,
    )


def _explanation(state: Complaint) -> dict[int, dict[Language, list[str]]]:
    return {cycle: explained(told, _pack(told, state)) for cycle, told in state.graded.items()}


def _pack(told: ComplaintGraded, state: Complaint) -> Pack:
    """The pack that a grading was made by."""
    return load(told.pack or state.pack, told.pack_version or state.pack_version)


@router.get("/{id}/timeline")
async def show_timeline(id: UUID, by: By, language: Language | None = None) -> list[Line]:
    """Every event of a complaint's way through all services, in plain words, with the time each took."""
    state = await one(id, by)
    told = language or state.given.language
    return timeline(await complaints.journal(id), pack_of(state), told, for_partner=by.is_partner)


@router.post("/{id}/steps", responses={200: carries("ETag")})
async def step(
    id: UUID,
    step: Step,
    by: By,
    key: Key,
    version: Version,
    response: Response,
    validate_only: ValidateOnly = False,
) -> Receipt:
    """Take a step of the handling; 409 names what is possible now, if this one is not."""
    if isinstance(step, Merge | Relate):
        await _tell_other(id, step, by, key, version)
    return receipt(await ask(id, step, by, key, version, only_check=validate_only), by, response)


async def _tell_other(
    id: UUID, step: Merge | Relate, by: Actor, key: str | None, version: int | None
) -> None:
    """Raises NotFound for a complaint that is not there. One that goes on for this one hears of it first.

    So that of two that are merged into each other at once one goes on.
    """
    other = step.into if isinstance(step, Merge) else step.to
    found = await one(other, by)
    if isinstance(step, Merge) and other != id:
        await ask(id, step, by, key, version, only_check=True)
        cause = Cause(uuid4(), other, found.number, clock.now(), by.name, id)
        await complaints.update_soon(other, absorb, cause)


@router.post("/{id}/facts", responses={200: carries("ETag")})
async def revise(
    id: UUID,
    given: Revision,
    by: By,
    key: Key,
    version: Version,
    response: Response,
    validate_only: ValidateOnly = False,
) -> Receipt:
    """Tell what has turned out to be otherwise; the complaint is graded anew. What is left out stays."""
    return receipt(await ask(id, given, by, key, version, only_check=validate_only), by, response)


@router.post("/{id}/notes", status_code=201, responses={201: carries("ETag")})
async def write_note(
    id: UUID, given: WriteNote, by: By, key: Key, version: Version, response: Response
) -> Receipt:
    """Write a note: for the staff only, or for the partner to see too."""
    return receipt(await ask(id, given, by, key, version), by, response)


@router.post("/{id}/communications", status_code=201, responses={201: carries("ETag")})
async def communicate(
    id: UUID, given: Communicate, by: By, key: Key, version: Version, response: Response
) -> Receipt:
    """Record a word exchanged with the customer, or with somebody else outside."""
    return receipt(await ask(id, given, by, key, version), by, response)
