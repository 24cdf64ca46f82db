"""What is due when, how that was counted, and who took note of a breach."""

import asyncio
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.sla import store
from services.sla.domain.calculation import Calculated, Calculation, Explanation, calculate, explained
from services.sla.domain.deadlines import Acknowledging, acknowledge
from services.sla.domain.record import ENDED, Acknowledged, Clock, Deadlines, Status
from shared import clock, telemetry
from shared.documents import Saved
from shared.envelope import Cause
from shared.events import Instant
from shared.http import Caller, PageToken, caller, page_token, read_page_token
from shared.policy import available, latest, load
from shared.problems import Fault, Invalid, NotFound

router = APIRouter(prefix="/v1", tags=["deadlines"], dependencies=[Depends(caller)])

Month = Annotated[str, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Short = Annotated[str, Query(max_length=100)]


class ClockView(BaseModel):
    """A clock as lists show it; `responsible` is the department that is asked about it."""

    name: str
    cycle: int
    status: Status
    department: str | None
    responsible: str | None
    grade: str
    started: AwareDatetime
    due: AwareDatetime
    provisional: bool
    target: bool
    internal: bool
    paused: AwareDatetime | None
    breached: bool
    acknowledged: Acknowledged | None
    stopped: AwareDatetime | None
    outcome: str | None

    @classmethod
    def of(cls, found: Clock, **more: Any) -> "ClockView":
        shown = found.model_dump(exclude={"steps", "ended", "basis", "spoken", "calendar_version"})
        return cls.model_validate(shown | {"breached": found.breached} | more)


class Explained(ClockView):
    """A clock, and how its due time was counted; None for one that does not count any more."""

    explanation: Explanation | None


class ComplaintClocks(BaseModel):
    """The clocks of one complaint that were asked for."""

    complaint: UUID
    number: str
    clocks: list[ClockView]


class Page(BaseModel):
    """Complaints, those whose clock is due first before the others; `next_page_token` gets the next ones."""

    items: list[ComplaintClocks]
    next_page_token: str | None = None


class Whole(BaseModel):
    """What sla knows of a complaint: when what happened, and every clock with its explanation."""

    number: str
    marks: dict[str, AwareDatetime]
    clocks: list[Explained]


@router.get("/deadlines")
async def find(
    state: Annotated[
        Status | None, Query(description="Default: any, if a month is given; else any open")
    ] = None,
    department: Short | None = None,
    clock_name: Annotated[str | None, Query(alias="clock", max_length=100)] = None,
    grade: Short | None = None,
    pack: Short | None = None,
    due_before: Instant | None = None,
    month: Annotated[
        Month | None, Query(description="In which it is due; needed for clocks that ended")
    ] = None,
    page_size: Annotated[int, Query(ge=1, le=500)] = 50,
    begin: PageToken = None,
) -> Page:
    """Clocks like that by complaint: open ones by their earliest due time, those of a month in no order."""
    if state in ENDED and month is None:
        told = "clocks that ended are found by the month in which they were due"
        raise Invalid("This would look through everything", [Fault(detail=told, pointer="#/month")])
    given = {"status": state, "department": department, "clock": clock_name, "grade": grade, "month": month}
    wanted: dict[str, Any] = {key: each for key, each in (given | {"pack": pack}).items() if each is not None}
    if due_before is not None:
        wanted["due"] = {"$lt": due_before}
    if state is None and month is None:
        wanted["status"] = {"$nin": ENDED}
    after = read_page_token(begin, dated=month is None) if begin is not None else None
    found, more = await store.listed(wanted, month, after, page_size)
    items = [_item(each, wanted) for each in found]
    token = _token(found[-1], by_due=month is None) if more and found else None
    return Page(items=items, next_page_token=token)


def _item(found: Saved[Deadlines], wanted: dict[str, Any]) -> ComplaintClocks:
    assert found.state is not None
    clocks = [each for each in found.state.clocks if store.fits(each, found.state, wanted)]
    views = [ClockView.of(each) for each in sorted(clocks, key=lambda each: each.due)]
    return ComplaintClocks(complaint=found.id, number=found.state.number, clocks=views)


def _token(last: Saved[Deadlines], *, by_due: bool) -> str:
    assert last.state is not None
    return page_token(store.lift(last.state)["earliest"] if by_due else None, last.id)


@router.get("/deadlines/{complaint}")
async def show(complaint: UUID) -> Whole:
    """All clocks of this complaint with every interval counted and skipped, and the marks behind them."""
    state = await _known(complaint)
    clocks = [
        Explained.model_validate(ClockView.of(each).model_dump() | {"explanation": explained(state, each)})
        for each in state.clocks
    ]
    return Whole(number=state.number, marks=state.marks, clocks=clocks)


async def _known(complaint: UUID) -> Deadlines:
    found = await store.deadlines.get(complaint)
    if found is None or found.state is None or not found.state.marks:
        raise NotFound("No deadlines are known for this complaint id")
    return found.state


@router.post("/deadlines/{complaint}/acknowledgements")
async def take_note(complaint: UUID, given: Acknowledging, by: Caller) -> ComplaintClocks:
    """A supervisor takes note of a breach: the ladder goes no higher. Twice is the same as once."""
    state = await _known(complaint)
    telemetry.concerns(complaint, state.traceparent)
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), complaint, state.number, clock.now(), by, given, traceparent=trace)
    saved = await store.deadlines.update_soon(complaint, acknowledge, cause)
    assert saved.state is not None
    views = [ClockView.of(each) for each in saved.state.clocks if each.name == given.clock]
    return ComplaintClocks(complaint=complaint, number=state.number, clocks=views)


class Answer(BaseModel):
    """What would be due when."""

    pack: str | None = Field(None, description="With its version")
    clocks: list[Calculated]


@router.post("/deadlines:calculate")
async def work_out(given: Calculation) -> Answer:
    """What would be due when, for a pack's clocks or one duration; nothing is stored."""
    if given.pack is None:
        return Answer(clocks=await asyncio.to_thread(calculate, given, None, clock.now()))
    version = given.version or latest(given.pack)
    if (given.pack, version) not in available():
        told = f"the newest is {latest(given.pack)}"
        raise Invalid(f"There is no such version of {given.pack}", [Fault(detail=told, pointer="#/version")])
    pack = load(given.pack, version)
    clocks = await asyncio.to_thread(calculate, given, pack, clock.now())
    return Answer(pack=f"{pack.pack}/{pack.version}", clocks=clocks)
