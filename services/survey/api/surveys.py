"""What customers said, for the house: one complaint's surveys, those to work on, and answers by phone."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.survey import store
from services.survey.domain.answering import (
    INTERVIEWERS,
    READERS,
    Interview,
    Interviewer,
    Reply,
    interview,
    rated,
)
from services.survey.domain.finding import Wanted
from services.survey.domain.record import Reason, Said, State, Survey, Surveys, line
from shared import clock, telemetry
from shared.documents import Saved
from shared.envelope import Cause
from shared.events import Instant
from shared.http import PageToken, Who, caller, page_token, read_page_token
from shared.policy import Route
from shared.principals import Principal
from shared.problems import Fault, Forbidden, Invalid, NotFound

router = APIRouter(prefix="/v1", tags=["surveys"], dependencies=[Depends(caller)])
Tenth = Annotated[int, Query(ge=0, le=10)]


class AnswerView(BaseModel):
    """What a customer said; `comment` and `texts` are for the desk, and null for others."""

    score: int
    comment: str | None
    answers: dict[str, Said]
    texts: dict[str, str] | None
    consent: bool


class SurveyView(BaseModel):
    """One asking: how it stands, and why if it was skipped or closed.

    `interviewer` is for the desk, and null for others and for those whose work is rated.
    """

    cycle: int
    state: State
    reason: Reason | None
    route: Route
    asked: AwareDatetime
    expires: AwareDatetime | None
    ended: AwareDatetime | None
    reminded: int
    interviewer: str | None
    answer: AnswerView | None

    @classmethod
    def of(cls, found: Survey, state: Surveys, by: Principal) -> "SurveyView":
        reads = by.holds(*READERS)
        shown = found.model_dump(exclude={"answer"})
        if not reads or rated(state, found.cycle, Interviewer(by.name, by.departments)):
            shown["interviewer"] = None
        if found.answer is None:
            return cls.model_validate(shown | {"answer": None})
        hidden = {} if reads else {"comment": None, "texts": None}
        return cls.model_validate(shown | {"answer": found.answer.model_dump() | hidden})


class ComplaintSurveys(BaseModel):
    """The surveys about one complaint that were asked for."""

    complaint: UUID
    number: str
    surveys: list[SurveyView]


class Page(BaseModel):
    """Complaints, those with the latest news of a survey first; `next_page_token` gets the next ones."""

    items: list[ComplaintSurveys]
    next_page_token: str | None = None


class Conversation(Reply):
    """What a customer said on the phone."""

    cycle: int | None = Field(None, ge=1, le=10**6, description="Default: that of the open survey")


@router.get("/surveys")
async def find(
    by: Who,
    state: Annotated[State | None, Query(description="Default: any")] = None,
    score_from: Tenth | None = None,
    score_to: Tenth | None = None,
    since: Annotated[
        Instant | None, Query(description="Answered, expired, opened ... at or after then")
    ] = None,
    page_size: Annotated[int, Query(ge=1, le=500)] = 50,
    begin: PageToken = None,
) -> Page:
    """Surveys like that by complaint: `score_to=5` are those that somebody should work on."""
    wanted = Wanted(state, score_from, score_to, since)
    if wanted.scores is not None and not wanted.scores:
        raise Invalid("No score is both", [Fault(detail="give score_from <= score_to", pointer="#/score_to")])
    found, more = await store.listed(wanted, _after(begin), page_size)
    token = _token(found[-1]) if more and found else None
    return Page(items=[_item(each, wanted, by) for each in found], next_page_token=token)


def _after(begin: str | None) -> tuple[datetime, UUID] | None:
    at, id = read_page_token(begin, dated=True) if begin is not None else (None, None)
    return (at, id) if at is not None and id is not None else None


def _token(last: Saved[Surveys]) -> str:
    assert last.state is not None
    return page_token(store.lift(last.state)["latest"], last.id)


def _item(found: Saved[Surveys], wanted: Wanted, by: Principal) -> ComplaintSurveys:
    state = found.state
    assert state is not None
    fitting = [each for each in state.surveys if wanted.fits(line(state, each))]
    return _shown(found.id, state, fitting, by)


def _shown(id: UUID, state: Surveys, some: list[Survey], by: Principal) -> ComplaintSurveys:
    views = [SurveyView.of(each, state, by) for each in sorted(some, key=lambda each: each.cycle)]
    return ComplaintSurveys(complaint=id, number=state.number, surveys=views)


@router.get("/surveys/{complaint}")
async def of_complaint(complaint: UUID, by: Who) -> ComplaintSurveys:
    """Every asking about this complaint: how it stands and, if nobody was asked, why."""
    state = await _known(complaint)
    return _shown(complaint, state, state.surveys, by)


async def _known(complaint: UUID) -> Surveys:
    found = await store.surveys.get(complaint)
    if found is None or found.state is None or found.state.registered is None:
        raise NotFound("No surveys are known for this complaint id")
    return found.state


@router.post("/surveys/{complaint}/answers", status_code=201)
async def record(complaint: UUID, given: Conversation, by: Who) -> ComplaintSurveys:
    """What the customer said on the phone; nobody records it about their own or their department's work."""
    if not by.holds(*INTERVIEWERS):
        raise Forbidden(f"Customers are asked by one of the roles {', '.join(INTERVIEWERS)}")
    state = await _known(complaint)
    telemetry.concerns(complaint, state.traceparent)
    reply = Reply.model_validate(given.model_dump(exclude={"cycle"}))
    said = Interview(reply, Interviewer(by.name, by.departments), given.cycle)
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), complaint, state.number, clock.now(), by.name, said, traceparent=trace)
    saved = await store.surveys.update_soon(complaint, interview, cause)
    assert saved.state is not None
    return _shown(complaint, saved.state, saved.state.surveys, by)
