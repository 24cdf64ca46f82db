"""Policies: what there is, what a change would do, and how a new version comes into use."""

import asyncio
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Path, Response
from pydantic import BaseModel
from pydantic_core import from_json, to_json

from services.triage import store
from services.triage.domain.grading import Plan
from services.triage.domain.publishing import Proposal, Proposing, approve, propose
from services.triage.domain.rehearsal import Rehearsal, Rehearsed
from shared import clock, policy, telemetry
from shared.copies import CONTENT_BYTES
from shared.envelope import Cause
from shared.http import BodyText, Caller, caller, carries, takes
from shared.policy import Draft, Pack
from shared.problems import Conflict, Fault, Invalid, NotFound, PreconditionRequired

router = APIRouter(prefix="/v1/policies", tags=["policies"], dependencies=[Depends(caller)])


class Shelved(BaseModel):
    """A version of a pack, and what keeps it from use (empty: nothing)."""

    pack: str
    version: int
    refused: str


class Migration(Plan):
    """Complaints to go over from one version to another; with `preview` nothing happens yet."""

    preview: bool = False


class Migrated(BaseModel):
    """How many went over (or would), and what changes thereby."""

    complaints: int
    refused: int
    preview: bool
    rehearsal: Rehearsed


Number = Annotated[int, Path(ge=1, le=1_000_000)]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of the version that you have read")
]
PACK = takes("application/yaml")


@router.get("")
async def shelf() -> list[Shelved]:
    """Every version of every pack, usable or not, and those that wait for approval."""
    known = await asyncio.to_thread(list, policy.in_use())
    waiting = [
        each.state for each in await store.proposals.find({"proposed": {"$exists": True}}) if each.state
    ]
    known += [(each.pack, each.version, "waits for somebody else's approval") for each in waiting]
    return [Shelved(pack=pack, version=version, refused=why) for pack, version, why in known]


@router.get("/{pack}/versions/{version}")
async def show(pack: str, version: Number, response: Response) -> dict[str, Any]:
    """A version whole, proposed ones too; its ETag is what an approval must name."""
    proposed = await store.proposals.get(policy.pack_id(pack, version))
    if proposed is not None and proposed.state is not None:
        response.headers["ETag"] = f'"{proposed.state.digest}"'
        return proposed.state.content
    if (pack, version) not in policy.available():
        raise NotFound("There is no such version of this pack")
    return policy.draft_of(pack, version).content


@router.post("/{pack}/simulations", openapi_extra=PACK)
async def simulate(pack: str, given: BodyText) -> Rehearsed:
    """Replay all gradings on record under a pack with the changed one in the body; nothing is changed."""
    changed = policy.activate(policy.draft_from(given, "the body"), "the body")
    if changed.pack != pack:
        fault = Fault(detail=f"the body is {changed.pack}", pointer="#/pack")
        raise Invalid(f"The body is no version of {pack}", [fault])
    return (await store.rehearse(Rehearsal(changed), pack)).told


@router.put(
    "/{pack}/versions/{version}",
    status_code=202,
    openapi_extra=PACK,
    responses={202: carries("Location", "ETag")},
)
async def put(pack: str, version: Number, given: BodyText, by: Caller, response: Response) -> dict[str, Any]:
    """Propose a version, which another must approve. Refused unless it can be used as it is."""
    draft = _fit(policy.draft_from(given, "the body"), pack, version)
    id = policy.pack_id(pack, version)
    data = Proposing(pack=pack, version=version, content=whole(draft))
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), id, f"{pack}/{version}", clock.now(), by, data, traceparent=trace)
    saved = await store.proposals.update_soon(id, propose, cause)
    assert saved.state is not None
    response.headers["Location"] = f"/v1/policies/{pack}/versions/{version}"
    response.headers["ETag"] = f'"{saved.state.digest}"'
    return _short(saved.state)


@router.post("/{pack}/versions/{version}/approval")
async def approval(pack: str, version: Number, by: Caller, match: IfMatch = None) -> dict[str, Any]:
    """Approve the very text that somebody else proposed, named by its ETag: every service gets it."""
    if match is None:
        fault = Fault(detail="name the ETag of the version that you have read", pointer="#/If-Match")
        raise PreconditionRequired("An approval says what it approves", [fault])
    id = policy.pack_id(pack, version)
    trace = telemetry.traceparent()
    data = match.strip().strip('"')
    cause = Cause(uuid4(), id, f"{pack}/{version}", clock.now(), by, data, traceparent=trace)
    saved = await store.proposals.update_soon(id, approve, cause)
    assert saved.state is not None
    return _short(saved.state)


@router.post("/{pack}/migrations")
async def migrate(pack: str, given: Migration, by: Caller) -> Migrated:
    """Take the complaints on one version over to another, or say what that would change.

    The way back is the same with the versions exchanged and `back`, which takes only those that came so.
    """
    for field in ("from_version", "to_version"):
        _check_here(pack, getattr(given, field), f"#/{field}")
    target = policy.load(pack, given.to_version)
    _check_known(policy.load(pack, given.from_version), target)
    rehearsal = await store.rehearse(Rehearsal(target), pack, given)
    count, refused = rehearsal.told.gradings, 0
    if not given.preview:
        count, refused = await store.migrate(pack, given, by)
    return Migrated(complaints=count, refused=refused, preview=given.preview, rehearsal=rehearsal.told)


def _check_here(pack: str, version: int, pointer: str) -> None:
    """Raises Invalid for a version that is nowhere on the shelf."""
    if (pack, version) not in policy.available():
        told = f"the newest is {policy.latest(pack)}"
        raise Invalid(f"There is no such version of {pack}", [Fault(detail=told, pointer=pointer)])


def _check_known(old: Pack, new: Pack) -> None:
    """Raises Conflict if complaints may stand on something that the new version does not have."""
    parts: dict[str, set[str]] = {
        "classes": {*old.classes} - {*new.classes},
        "departments": {*old.departments} - {*new.departments},
        "channels": {str(each) for each in old.channels if each not in new.channels},
        "facts": {*old.facts} - {*new.facts},
    }
    for what, missing in parts.items():
        if gone := sorted(missing):
            told = f"version {new.version} has no {', '.join(gone)} among its {what}"
            raise Conflict(f"Complaints cannot go over: {told}; keep them in the new version")


def _fit(draft: Draft, pack: str, version: int) -> Draft:
    """What may be proposed under this name. Raises Invalid or Conflict."""
    found = policy.activate(draft, "the body")
    if (found.pack, found.version) != (pack, version):
        fault = Fault(detail=f"the body is {found.pack}/{found.version}", pointer="#/version")
        raise Invalid(f"The body is not version {version} of {pack}", [fault])
    if (pack, version) in policy.in_box():
        raise Conflict(f"{pack}/{version} came with the system and never changes; take the next version")
    if len(to_json(whole(draft))) > CONTENT_BYTES:
        raise Invalid(f"The pack is longer than {CONTENT_BYTES} bytes with all that it extends")
    return draft


def whole(draft: Draft) -> dict[str, Any]:
    """A pack with all that it extends, as JSON has it: what is approved is what everybody gets."""
    content = {key: value for key, value in draft.content.items() if key not in ("extends", "abstract")}
    found: dict[str, Any] = from_json(to_json(content))
    return found


def _short(proposal: Proposal) -> dict[str, Any]:
    return proposal.model_dump(mode="json", exclude={"content"})
