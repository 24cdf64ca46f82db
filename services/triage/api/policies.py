"""Policies: what there is, what a change would do, and how a new version comes into use."""

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from services.triage import store
from services.triage.domain.publishing import Proposal, Proposing, approve, propose
from services.triage.domain.rehearsal import Rehearsal, Rehearsed
from shared import clock, policy, telemetry
from shared.envelope import Cause
from shared.http import Caller, caller
from shared.policy import Draft
from shared.problems import Conflict, Fault, Invalid, NotFound

router = APIRouter(prefix="/v1/policies", tags=["policies"], dependencies=[Depends(caller)])

LARGEST = 60_000
"""Bytes of content that fit into an event."""


class Shelved(BaseModel):
    """A version of a pack, and what keeps it from use (empty: nothing)."""

    pack: str
    version: int
    refused: str


class Migration(BaseModel):
    """Complaints to go over from one version to another; with `preview` nothing happens yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_version: int = Field(ge=1)
    to_version: int = Field(ge=1)
    preview: bool = False


class Migrated(BaseModel):
    """How many went over (or would), and what changes thereby."""

    complaints: int
    preview: bool
    rehearsal: Rehearsed


async def text(request: Request) -> str:
    """The body as a text. Raises Invalid unless it is UTF-8."""
    body = await request.body()
    told = body.decode("utf-8", "replace")
    if "\ufffd" in told:
        raise Invalid("Send the pack as YAML or JSON in UTF-8")
    return told


Text = Annotated[str, Depends(text)]


@router.get("")
async def shelf() -> list[Shelved]:
    """Every version of every pack, usable or not."""
    return [Shelved(pack=pack, version=version, refused=why) for pack, version, why in policy.in_use()]


@router.get("/{pack}/versions/{version}")
async def show(pack: str, version: int) -> dict[str, Any]:
    """A version whole, whatever it extends included."""
    if (pack, version) not in policy.available():
        raise NotFound("There is no such version of this pack")
    return policy.draft_of(pack, version).content


@router.post("/{pack}/simulations")
async def simulate(pack: str, given: Text) -> Rehearsed:
    """Replay all gradings on record under a pack with the changed one in the body; nothing is changed."""
    changed = policy.draft_from(given, "the body")
    return (await store.rehearse(Rehearsal(policy.activate(changed, "the body")), pack)).told


@router.put("/{pack}/versions/{version}", status_code=202)
async def put(pack: str, version: int, given: Text, by: Caller, response: Response) -> dict[str, Any]:
    """Propose a version, which another must approve. Refused unless it can be used as it is."""
    draft = _fit(policy.draft_from(given, "the body"), pack, version)
    id = policy.pack_id(pack, version)
    data = Proposing(pack=pack, version=version, content=draft.content)
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), id, f"{pack}/{version}", clock.now(), by, data, traceparent=trace)
    saved = await store.proposals.update_soon(id, propose, cause)
    assert saved.state is not None
    response.headers["Location"] = f"/v1/policies/{pack}/versions/{version}"
    return _short(saved.state)


@router.post("/{pack}/versions/{version}/approval")
async def approval(pack: str, version: int, by: Caller) -> dict[str, Any]:
    """Approve a version that somebody else proposed: from now on every service has it."""
    id = policy.pack_id(pack, version)
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), id, f"{pack}/{version}", clock.now(), by, None, traceparent=trace)
    saved = await store.proposals.update_soon(id, approve, cause)
    assert saved.state is not None
    return _short(saved.state)


@router.post("/{pack}/migrations")
async def migrate(pack: str, given: Migration, by: Caller) -> Migrated:
    """Take the complaints on one version over to another, or say what that would change.

    The way back is the same, with the versions exchanged.
    """
    target = policy.load(pack, given.to_version)
    rehearsal = await store.rehearse(Rehearsal(target), pack, given.from_version)
    count = rehearsal.told.gradings
    if not given.preview:
        count = await store.migrate(pack, given.from_version, given.to_version, by)
    return Migrated(complaints=count, preview=given.preview, rehearsal=rehearsal.told)


def _fit(draft: Draft, pack: str, version: int) -> Draft:
    """What may be proposed under this name. Raises Invalid or Conflict."""
    found = policy.activate(draft, "the body")
    if (found.pack, found.version) != (pack, version):
        fault = Fault(detail=f"the body is {found.pack}/{found.version}", pointer="#/version")
        raise Invalid(f"The body is not version {version} of {pack}", [fault])
    if (pack, version) in policy.in_box():
        raise Conflict(f"{pack}/{version} came with the system and never changes; take the next version")
    if len(to_json(draft.content)) > LARGEST:
        raise Invalid(f"The pack is longer than {LARGEST} bytes with all that it extends")
    return draft


def _short(proposal: Proposal) -> dict[str, Any]:
    return proposal.model_dump(mode="json", exclude={"content"})
