"""The API of front ends and partners: hand in a complaint, handle it step by step, see where it stands."""

import hashlib
import secrets
from typing import Annotated, Any
from uuid import UUID, uuid4

import uuid_utils
from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, Field

from services.intake.domain.complaint import IDEMPOTENCY_KEY, Complaint, NewComplaint, Registration
from services.intake.domain.fingerprints import fingerprints
from services.intake.domain.handling import Request, Step, take
from services.intake.domain.particulars import Revision, held_back
from services.intake.domain.stages import Stage, possible
from services.intake.domain.timeline import Line, timeline
from services.intake.store import add, complaints, copies, one
from shared import clock, telemetry
from shared.envelope import Cause
from shared.events import ComplaintGraded, Language
from shared.http import Caller, caller
from shared.policy import Pack, explained, load
from shared.problems import Fault, Malformed
from shared.settings import settings

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

router = APIRouter(prefix="/v1/complaints", tags=["complaints"], dependencies=[Depends(caller)])


async def idempotency_key(given: Annotated[str | None, Header(alias="Idempotency-Key")] = None) -> str | None:
    """The caller's key for this request. Raises Malformed unless it is 1-255 visible ASCII characters."""
    if given is not None and not IDEMPOTENCY_KEY.fullmatch(given):
        fault = Fault(detail="use 1 to 255 visible ASCII characters", pointer="#/Idempotency-Key")
        raise Malformed("The header Idempotency-Key is malformed", [fault])
    return given


Key = Annotated[str | None, Depends(idempotency_key)]


def digest_of(payload: BaseModel) -> str:
    """What tells one payload from another; fields that only a newer version knows do not count."""
    return hashlib.sha256(payload.model_dump_json(exclude_unset=True).encode()).hexdigest()


class Receipt(BaseModel):
    """Where a complaint stands."""

    id: UUID
    number: str
    stage: Stage
    cycle: int
    possible: list[str] = Field(description="The steps that can be taken now")


class View(Receipt):
    """A complaint whole, for those who handle it."""

    explanation: dict[int, dict[Language, list[str]]] = Field(description="Why it has its grade, by cycle")
    held_back: list[str] = Field(description="Facts that the dispatch waits for")
    complaint: dict[str, Any]


@router.post("", status_code=201)
async def register(given: NewComplaint, by: Caller, key: Key, response: Response) -> Receipt:
    """Hand in a complaint. The same Idempotency-Key with the same body gets the same receipt again."""
    id = UUID(bytes=uuid_utils.uuid7().bytes)
    pack, digest = given.pack or settings().pack, digest_of(given)
    asked = Registration(
        given=given,
        caller=by,
        request=f"{by}|{key}" if key else f"{by}|={digest}",
        keyed=key is not None,
        digest=digest,
        pack=pack,
        pack_version=copies.latest(pack),
        fingerprints=fingerprints(given.complainant, settings().customers_key),
    )
    number = "RC-" + "".join(secrets.choice(ALPHABET) for _ in range(10))
    telemetry.concerns(id, None)
    saved = await add(Cause(id, id, number, clock.now(), by, asked, traceparent=telemetry.traceparent()))
    assert saved.state is not None
    response.headers["Location"] = f"/v1/complaints/{saved.id}"
    return _receipt(saved.id, saved.state, saved.version, response)


@router.post("/{id}/steps")
async def step(id: UUID, step: Step, by: Caller, key: Key, response: Response) -> Receipt:
    """Take a step of the handling; 409 names what is possible now, if this one is not."""
    return await _take(id, step, by, key, response)


@router.post("/{id}/facts")
async def revise(id: UUID, given: Revision, by: Caller, key: Key, response: Response) -> Receipt:
    """Tell what has turned out to be otherwise; the complaint is graded anew. What is left out stays."""
    return await _take(id, given, by, key, response)


async def _take(id: UUID, asked: BaseModel, by: str, key: str | None, response: Response) -> Receipt:
    state, _ = await one(id)
    telemetry.concerns(id, state.traceparent)
    cause = Cause(
        id=uuid4(),
        complaint=id,
        subject=state.number,
        time=clock.now(),
        by=by,
        data=Request(asked, f"{by}|{key}" if key else None, digest_of(asked)),
        traceparent=telemetry.traceparent(),
    )
    saved = await complaints.update_soon(id, take, cause)
    assert saved.state is not None
    return _receipt(id, saved.state, saved.version, response)


@router.get("")
async def find(
    stage: Stage | None = None,
    number: str | None = None,
    page_size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Receipt]:
    """Complaints at a stage, newest first, or the one with this receipt number."""
    query = {"stage": stage, "number": number}
    given: dict[str, Any] = {name: value for name, value in query.items() if value is not None}
    given |= {"registered_at": {"$exists": True}}  # the index holds no others
    found = await complaints.find(given, sort="-registered_at", limit=page_size)
    return [_short(each.id, each.state) for each in found if each.state is not None]


@router.get("/{id}")
async def show(id: UUID, response: Response) -> View:
    """A complaint whole."""
    state, version = await one(id)
    response.headers["ETag"] = f'"{version}"'
    hidden = {"caller", "request", "digest", "traceparent", "requests"}
    return View(
        **_short(id, state).model_dump(),
        explanation={cycle: explained(told, _pack(told, state)) for cycle, told in state.graded.items()},
        held_back=held_back(state),
        complaint=state.model_dump(mode="json", by_alias=True, exclude=hidden),
    )


@router.get("/{id}/timeline")
async def show_timeline(id: UUID, language: Language | None = None) -> list[Line]:
    """Every event of a complaint's way through all services, in plain words, with the time each took."""
    state, _ = await one(id)
    pack = load(state.pack, state.pack_version)
    return timeline(await complaints.journal(id), pack, language or state.given.language)


def _pack(told: ComplaintGraded, state: Complaint) -> Pack:
    """The pack that a grading was made by."""
    return load(told.pack or state.pack, told.pack_version or state.pack_version)


def _short(id: UUID, state: Complaint) -> Receipt:
    return Receipt(
        id=id,
        number=state.number,
        stage=state.stage,
        cycle=state.cycle,
        possible=possible(state.stage, waits=state.waits_for is not None),
    )


def _receipt(id: UUID, state: Complaint, version: int, response: Response) -> Receipt:
    response.headers["ETag"] = f'"{version}"'
    return _short(id, state)
