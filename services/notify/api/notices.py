"""The delivery log: what has been told, to whom in which role, by which route, and how that went."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.notify.api.paging import after
from services.notify.domain.record import Attempt, Notice, Notices, Route, State
from services.notify.store import notices as store
from services.notify.store.notices import Sought, notices
from shared.events import Instant
from shared.http import PageToken, caller, page_token
from shared.policy import NoticeKind
from shared.problems import NotFound

router = APIRouter(prefix="/v1/notices", tags=["notices"], dependencies=[Depends(caller)])


class Told(BaseModel):
    """A notice and how far it has come; `to` is a role or department, or `customer`.

    `reason` is why it failed or waits, or why it was suppressed or folded, then into the digest `into`.
    """

    id: UUID
    kind: NoticeKind
    cycle: int
    to: str
    route: Route | None
    state: State
    urgent: bool
    at: AwareDatetime | None = Field(description="When it was made")
    attempts: int
    next_at: AwareDatetime | None
    reason: str | None
    into: UUID | None
    log: list[Attempt] = Field(description="The newest attempts: how they ended, and who made them")

    @classmethod
    def of(cls, each: Notice) -> "Told":
        known = each.model_dump(include=set(cls.model_fields) - {"to", "log"})
        return cls(**known, to=each.to or "customer", log=each.log)


class Line(Told):
    """The same of any complaint."""

    complaint: UUID
    number: str


class OfComplaint(BaseModel):
    """What was told about one complaint."""

    number: str
    notices: list[Told]


class Listing(BaseModel):
    """Which notices; `from` and `to` are about when they were made, `recipient` a role, department or
    `customer`.
    """

    state: State | None = None
    kind: NoticeKind | None = None
    route: Route | None = None
    recipient: Annotated[str, Field(max_length=100)] | None = None
    since: Instant | None = Field(None, alias="from")
    until: Instant | None = Field(None, alias="to")
    page_size: int = Field(50, ge=1, le=500, description="Complaints on a page, each with its notices")
    page_token: PageToken = None


class Page(BaseModel):
    """Notices by complaint, those of the complaint with the newest notice first."""

    notices: list[Line]
    next_page_token: str | None = None


@router.get("")
async def find(given: Annotated[Listing, Query()]) -> Page:
    """Everything that was told, tried, or not told, of all complaints; no address and no word is shown."""
    sought = Sought(
        to=given.recipient, **given.model_dump(include={"state", "kind", "route", "since", "until"})
    )
    found, more = await store.page(sought, after(given.page_token), given.page_size)
    lines = [line for each in found if each.state for line in _lines(each.id, each.state, sought)]
    last = found[-1] if more else None
    newest = store.lift(last.state)["log_at"] if last and last.state else None
    return Page(notices=lines, next_page_token=page_token(newest, last.id) if last else None)


def _lines(complaint: UUID, state: Notices, sought: Sought) -> list[Line]:
    wanted = reversed([each for each in state.notices if sought.finds(each)])
    return [Line(**dict(Told.of(each)), complaint=complaint, number=state.number) for each in wanted]


@router.get("/{complaint}")
async def of_complaint(complaint: UUID) -> OfComplaint:
    """Every notice of this complaint and how far it has come."""
    found = await notices.get(complaint)
    if found is None or found.state is None or found.state.registered is None:
        raise NotFound("No notices are known for this complaint id")
    return OfComplaint(number=found.state.number, notices=[Told.of(each) for each in found.state.notices])
