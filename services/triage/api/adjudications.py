"""The queue of adjudications: which questions wait for whom, and how people answer them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage import store
from services.triage.domain.adjudication import Adjudicated, Asked, label, period
from services.triage.domain.record import Grading
from shared import clock
from shared.documents import Saved
from shared.events import Instant
from shared.http import PageToken, caller, page_token, read_page_token
from shared.policy import explained, latest, load, load_calendar

router = APIRouter(prefix="/v1", tags=["gradings"], dependencies=[Depends(caller)])
Called = Annotated[str | None, Query(min_length=1, max_length=60)]


class Waiting(BaseModel):
    """A question about one cycle of a complaint, and what there is to judge it by."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    cycle: int
    question: str
    title: dict[str, str]
    role: str = Field(description="Who answers it, with `POST /v1/gradings/{complaint}/decisions`")
    since: AwareDatetime
    options: dict[str, str] = Field(description="Option: the grade that it gives")
    class_: str = Field(alias="class")
    grade: str = Field(description="Meanwhile")
    score: int | None = Field(description="The customer's after this cycle, 0 to 10")
    explanation: dict[str, list[str]] = Field(description="Why it has this grade meanwhile, in words")


class Case(BaseModel):
    """A complaint with questions that wait for people."""

    complaint: UUID
    number: str
    pack: str
    cycle: int
    questions: list[Waiting]


class Queue(BaseModel):
    """Complaints, those of which something was asked first before the others."""

    adjudications: list[Case]
    next_page_token: str | None = None


@router.get("/adjudications")
async def queue(
    role: Annotated[Called, Query(description="Who answers")] = None,
    question: Called = None,
    pack: Called = None,
    page_size: Annotated[int, Query(ge=1, le=200)] = 50,
    token: PageToken = None,
) -> Queue:
    """The complaints of which a pack asks something that waits for people, the oldest question first."""
    after = None
    if token is not None:
        at, id = read_page_token(token, dated=True)
        assert at is not None
        after = at, id
    found, more = await store.waiting(label(pack, role, question), page_size, after)
    cases = [_case(each, role, question) for each in found]
    last = found[-1] if more and found else None
    since = min(each.since for each in last.state.asked) if last and last.state else None
    return Queue(adjudications=cases, next_page_token=page_token(since, last.id) if last else None)


@router.get("/adjudications:report")
async def report(
    pack: Annotated[str, Query(min_length=1, max_length=60)],
    since: Annotated[
        Instant | None,
        Query(alias="from", description="Default: the month in which it ends, where the pack's calendar is"),
    ] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Until before then; default: now")] = None,
) -> list[Adjudicated]:
    """How people answered the questions of a pack, beside the share that the regulation wants."""
    calendar = load_calendar(load(pack, latest(pack)).calendar)
    return await store.adjudications(pack, *period(since, until, clock.now(), calendar.zone))


def _case(found: Saved[Grading], role: str | None, question: str | None) -> Case:
    """The questions of one complaint, of those that were asked for."""
    state = found.state
    assert state is not None
    assert state.pack_name is not None
    wanted = [each for each in state.asked if role in (None, each.role) and question in (None, each.question)]
    return Case(
        complaint=found.id,
        number=state.number,
        pack=state.pack_name,
        cycle=state.cycle,
        questions=[_waiting(each, state) for each in wanted],
    )


def _waiting(asked: Asked, state: Grading) -> Waiting:
    graded = state.latest(asked.cycle)
    assert graded is not None
    pack = load(graded.pack, graded.pack_version)
    decision = pack.decisions[asked.question]
    return Waiting(
        **asked.model_dump(),
        title=dict(decision.title),
        options=dict(decision.options),
        class_=graded.class_,
        grade=graded.grade,
        score=state.scores.get(asked.cycle),
        explanation=dict(explained(graded, pack)),
    )
