"""Digests: what was held back from an address of the staff, and told as one message."""

from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.notify.api.paging import after
from services.notify.api.tasks import Desk
from services.notify.domain.posting import Box, Digest, finish_digest
from services.notify.domain.record import Attempt, Route, State
from services.notify.store import boxes as store
from services.notify.store.boxes import boxes
from shared import clock
from shared.envelope import Cause
from shared.http import PageToken, caller, page_token
from shared.policy import NoticeKind
from shared.problems import NotFound

router = APIRouter(prefix="/v1/notices/digests", tags=["notices"], dependencies=[Depends(caller)])


class Collected(BaseModel):
    """A digest of one box: `open` while it collects, then as a notice is.

    `numbers` are of complaints by kind; of one that was sent long ago only `counts` are kept.
    """

    box: UUID
    id: UUID
    route: Route
    to: list[str] = Field(description="Roles or departments with this address")
    state: State
    at: AwareDatetime = Field(description="When its first notice was folded into it")
    counts: dict[NoticeKind, int]
    numbers: dict[NoticeKind, list[str]]
    attempts: int
    next_at: AwareDatetime | None
    reason: str | None
    log: list[Attempt]

    @classmethod
    def of(cls, box: UUID, route: Route, each: Digest) -> "Collected":
        known = each.model_dump(include={"id", "to", "state", "at", "attempts", "next_at", "reason"})
        numbers = {kind: sorted(found.values()) for kind, found in each.items.items()}
        return cls(**known, box=box, route=route, counts=each.counts, numbers=numbers, log=each.log)


class Page(BaseModel):
    """Digests by box, those of the box with the newest one first."""

    digests: list[Collected]
    next_page_token: str | None = None


@router.get("")
async def digests(
    state: State | None = None,
    page_size: Annotated[int, Query(ge=1, le=100, description="Boxes, each with its digests")] = 20,
    token: PageToken = None,
) -> Page:
    """What was folded together, for whom, and how its delivery went; no address is shown."""
    found, more = await store.page(after(token), page_size)
    shown = [
        Collected.of(saved.id, saved.state.route, each)
        for saved in found
        if saved.state
        for each in reversed(saved.state.digests)
        if state in (None, each.state)
    ]
    last = found[-1] if more else None
    newest = max(each.at for each in last.state.digests) if last and last.state else None
    return Page(digests=shown, next_page_token=page_token(newest, last.id) if last else None)


@router.post("/{box}/{digest}/done", status_code=204)
async def done(box: UUID, digest: UUID, by: Desk) -> None:
    """Somebody has told what no machine could deliver."""
    saved = await boxes.get(box)
    if saved is None or not isinstance(saved.state, Box) or not saved.state.digests:
        raise NotFound("There is no such digest")
    cause = Cause(uuid5(digest, "done"), box, str(box), clock.machine_now(), by, digest)
    await boxes.update_soon(box, finish_digest, cause)
