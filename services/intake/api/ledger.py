"""The ledger over HTTP: the complaints that a filter takes, page by page, as a file, or as they change."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from services.intake.api.calling import By
from services.intake.domain.complaint import Complaint
from services.intake.domain.ledger import (
    Entry,
    Filters,
    Order,
    Word,
    entry,
    matches,
    next_deadline,
    query,
    shows,
)
from services.intake.domain.roles import Actor
from services.intake.store.complaints import SCANNED, after, changes, page
from services.intake.store.people import legible, locks
from services.intake.store.readings import EVERYBODY, log
from shared import clock
from shared.documents import Saved
from shared.http import PageToken, page_token, read_page_token
from shared.mongo import Changes

router = APIRouter(prefix="/v1/complaints", tags=["ledger"])


class Listing(Filters):
    """A page of the ledger."""

    text: Word | None = Field(
        None, description="Words in what the customer wrote, who they are, or in notes; the reads are logged"
    )
    sort: Order = Field("newest", description="The newest first, or what is due first, of those with a clock")
    page_size: int = Field(50, ge=1, le=500)
    page_token: PageToken = None


class Page(BaseModel):
    """Complaints in their order. A page may hold few and not be the last: it is while there is a token."""

    complaints: list[Entry]
    next_page_token: str | None = None


@router.get("")
async def find(given: Annotated[Listing, Query()], by: By) -> Page:
    """Complaints that match every filter, the newest or the most pressing first."""
    now, wanted = clock.now(), query(given, by, clock.now())
    if given.page_token is not None:
        at, id = read_page_token(given.page_token, dated=True)
        assert at is not None
        wanted = {"$and": [wanted, after(at, id, given.sort)]}
    if given.text is not None:
        return await _search(given.text, wanted, given, by, now)
    found, more = await page(wanted, given.page_size, given.sort)
    return of_ledger(found, found[-1] if more else None, given.sort, by, now)


async def _search(text: str, wanted: dict[str, Any], given: Listing, by: Actor, now: datetime) -> Page:
    """Texts are sealed, so they are opened and looked into, so many on a page at most."""
    await log(by.name, EVERYBODY, "search")
    looked, more = await page(wanted, SCANNED, given.sort)
    locked = await locks(each.state.person for each in looked if each.state)
    found = []
    for each in looked:
        assert each.state is not None
        if matches(text, each.state, legible(each.id, each.state, locked), by):
            found.append(each)
        if len(found) == given.page_size:
            return of_ledger(found, each, given.sort, by, now)
    return of_ledger(found, looked[-1] if more else None, given.sort, by, now)


def of_ledger(
    found: list[Saved[Complaint]], last: Saved[Complaint] | None, order: Order, by: Actor, now: datetime
) -> Page:
    """A page of the ledger, which goes on after `last`."""
    token = None
    if last is not None and last.state is not None:
        at = last.state.registered_at if order == "newest" else next_deadline(last.state)
        token = page_token(at, last.id)
    lines = [entry(each.id, each.state, by, now) for each in found if each.state]
    return Page(complaints=lines, next_page_token=token)


async def opened_stream(
    by: By,
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            pattern="^[0-9A-F]{2,200}$",
            description="The `id` of the last event that came: go on after it",
        ),
    ] = None,
) -> AsyncIterator[Changes[Complaint]]:
    """What changes from now on, or since; open before the answer begins, so that it can be a refusal."""
    async with changes(by, last_event_id) as found:
        yield found


@router.get(":live", response_class=EventSourceResponse)
async def live(
    given: Annotated[Filters, Query()],
    by: By,
    stream: Annotated[Changes[Complaint], Depends(opened_stream)],
) -> AsyncIterator[ServerSentEvent]:
    """Every change to complaints that match, as server-sent events (WHATWG HTML): `event: complaint`.

    `data` is a complaint as the ledger lists it. A board that was cut off goes on where it was, by
    `Last-Event-ID`.
    """
    async for token, saved in stream:
        if saved is None:
            yield ServerSentEvent(comment="begins", id=token)
        elif saved.state is not None and shows(given, saved.state, by, clock.now()):
            line = entry(saved.id, saved.state, by, clock.now())
            yield ServerSentEvent(data=line, event="complaint", id=token)
