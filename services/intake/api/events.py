"""Public events over HTTP, for teams that do not speak AMQP: pages of the history, in its order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import to_json

from shared.events import Instant
from shared.history import History
from shared.http import place_token, read_place_token, subscriber
from shared.paging import Page, page
from shared.places import Start
from shared.problems import Unavailable
from shared.settings import settings
from shared.wanted import Wanted

AT_ONCE, WAITING = 16, 12
"""How many read at once, and how many of them may wait for news."""
router = APIRouter(prefix="/v1/events", tags=["events"])
_reading, _waiting = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(WAITING)


@cache
def history() -> History:
    """The one of this process."""
    return History(settings().amqp_url.get_secret_value())


async def close() -> None:
    """Let go of the broker."""
    if history.cache_info().currsize:
        await history().close()


class Listing(BaseModel):
    """Which events, and after which place."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[str, Field(max_length=300)] | None = Field(
        None, description="`after` of the page before; without it, all that is left of the history"
    )
    since: Instant | None = Field(None, description="Only what happened at or after it")
    type: Annotated[str, Field(max_length=1_000)] | None = Field(
        None, description="Only such types, by commas; `*` is any text: `complaint.*.v1`"
    )
    complaint: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="Only of this complaint, by its id or its receipt number"
    )
    page_size: int = Field(100, ge=1, le=500)
    wait: int = Field(
        0,
        ge=0,
        le=20,
        description="How many seconds to wait where there is nothing new; a busy house does not",
    )

    @property
    def place(self) -> Start:
        """Where to begin. Raises Invalid for a token that is none."""
        if self.after is not None:
            return read_place_token(self.after)
        return self.since or "first"

    @property
    def wanted(self) -> Wanted:
        """Raises Invalid for a type that there is not."""
        types = [each.strip() for each in (self.type or "").split(",") if each.strip()]
        return Wanted(tuple(types), self.complaint, self.since)


class Event(BaseModel):
    """An event as it is on the broker: CloudEvents 1.0 in JSON; `dataschema` tells what `data` is."""

    specversion: Literal["1.0"]
    id: UUID = Field(description="With `source` it tells a repeat")
    source: str
    type: str
    subject: str = Field(description="The complaint's receipt number")
    time: AwareDatetime
    datacontenttype: Literal["application/json"]
    dataschema: str
    correlationid: UUID = Field(description="The complaint's id")
    causationid: UUID
    sequence: str = Field(description="The order of one source's events about one complaint")
    traceparent: str | None = None
    data: dict[str, Any]


class Events(BaseModel):
    """Events in the order of the stream. A page may hold few, or none, and more be there: ask on after it."""

    events: list[Event]
    after: str = Field(
        description="Send it as `after` for what follows, now or later; good as long as history is"
    )
    more: bool = Field(description="Whether there was more when this was read")


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """A turn at the broker, over before the answer goes out. Raises Unavailable if too many have one."""
    if _reading.locked():
        raise Unavailable("Too many read events at this moment", retry_after=1)
    async with _reading:
        yield


@router.get("", response_model=Events, dependencies=[Depends(subscriber)])
async def find(given: Annotated[Listing, Query()]) -> Response:
    """Public events, from the oldest that is left, or after a place; for teams with the role `subscriber`.

    The order is that of the broker's stream. Nothing is left out, and a repeat is possible: `source` and `id`
    tell it. 410 is for a place that the history no longer has; its detail says from where there is some.
    """
    may_wait = given.wait > 0 and not _waiting.locked()
    async with turn(), _waiting if may_wait else nullcontext():
        wait = given.wait if may_wait else 0
        found = await page(history(), given.place, given.wanted, given.page_size, wait)
    return Response(_written(found), media_type="application/json")


def _written(found: Page) -> bytes:
    """Events are handed on byte for byte."""
    rest = to_json({"after": place_token(found.place), "more": found.more})
    return b'{"events":[' + b",".join(found.events) + b"]," + rest[1:]
