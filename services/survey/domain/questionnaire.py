"""The questionnaire: one for each resolution cycle, answered once or expired."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, Field

from shared import clock
from shared.envelope import Cause
from shared.events import (
    ComplaintFedBack,
    ComplaintMigrated,
    ComplaintRegistered,
    Fact,
    Language,
    SurveyAnswered,
    SurveyExpired,
    SurveyInvited,
    SurveyOpened,
)
from shared.policy import pack_of
from shared.problems import Conflict, NotFound


class Answer(BaseModel):
    """What the customer said: a score from 0 (not content at all) to 10, and words if they like."""

    score: int = Field(ge=0, le=10)
    comment: str = Field("", max_length=2_000)


class Survey(BaseModel):
    """One asking; `id` says nothing about the complaint."""

    id: UUID
    cycle: int
    expires: AwareDatetime
    state: Literal["open", "answered", "expired"] = "open"
    answer: Answer | None = None


class Surveys(BaseModel):
    """All askings about one complaint. `fed_back` holds when each cycle's answer reached the customer."""

    number: str = ""
    traceparent: str | None = None
    registered: ComplaintRegistered | None = None
    migrated: ComplaintMigrated | None = None
    fed_back: dict[int, AwareDatetime] = {}
    surveys: list[Survey] = []

    @property
    def language(self) -> Language:
        return self.registered.language if self.registered else "en"

    @property
    def next_due(self) -> datetime | None:
        """The machine's instant at which the earliest open survey expires."""
        return min(
            (clock.wake_at(each.expires) for each in self.surveys if each.state == "open"), default=None
        )


Asked = tuple[Surveys, list[Fact]]
Heard = Cause[ComplaintRegistered | ComplaintFedBack | ComplaintMigrated]
Link = Callable[[UUID, datetime], str]
"""Makes the signed link of a survey id that expires at an instant."""


def hear(state: Surveys | None, cause: Heard, complaint: UUID, link: Link) -> Asked:
    """Take in what happened, then open every survey that can be opened."""
    known = state or Surveys()
    match cause.data:
        case ComplaintRegistered() as registered:
            news = {"number": cause.subject, "traceparent": cause.traceparent, "registered": registered}
            return open_all(known.model_copy(update=news), complaint, link)
        case ComplaintFedBack(cycle=cycle):
            times = {cycle: cause.time} | known.fed_back
            return open_all(known.model_copy(update={"fed_back": times}), complaint, link)
        case ComplaintMigrated() as migrated:
            return known.model_copy(update={"migrated": migrated.or_later(known.migrated)}), []


def open_all(state: Surveys, complaint: UUID, link: Link) -> Asked:
    """Open a survey for every cycle that was fed back and has none."""
    if state.registered is None:
        return state, []
    rule = pack_of(state.registered, state.migrated).survey
    asked = {each.cycle for each in state.surveys}
    new = [
        Survey(
            id=uuid5(complaint, f"survey {cycle}"),
            cycle=cycle,
            expires=at + timedelta(days=rule.expires_days),
        )
        for cycle, at in sorted(state.fed_back.items())
        if cycle not in asked
    ]
    owed: list[Fact] = []
    for each in new:
        owed.append(SurveyOpened(cycle=each.cycle, expires=each.expires))
        owed.append(SurveyInvited(cycle=each.cycle, expires=each.expires, link=link(each.id, each.expires)))
    return state.model_copy(update={"surveys": [*state.surveys, *new]}), owed


def answer(state: Surveys | None, cause: Cause[tuple[UUID, Answer]]) -> Asked:
    """Record an answer. Raises NotFound, or Conflict if the survey was answered or has expired."""
    id, given = cause.data
    survey = next((each for each in state.surveys if each.id == id), None) if state else None
    if state is None or survey is None:
        raise NotFound("There is no such survey")
    if survey.state != "open" or cause.time >= survey.expires:
        raise Conflict(f"This survey is {'answered' if survey.state == 'answered' else 'expired'} already")
    done = survey.model_copy(update={"state": "answered", "answer": given})
    return replaced(state, done), [SurveyAnswered(cycle=survey.cycle, score=given.score)]


def expire(state: Surveys | None, cause: Cause[datetime]) -> Asked:
    """End the surveys whose time is over at the machine instant `cause.data`."""
    assert state is not None
    owed: list[Fact] = []
    for survey in state.surveys:
        if survey.state == "open" and clock.wake_at(survey.expires) <= cause.data:
            state = replaced(state, survey.model_copy(update={"state": "expired"}))
            owed.append(SurveyExpired(cycle=survey.cycle))
    return state, owed


def replaced(state: Surveys, survey: Survey) -> Surveys:
    return state.model_copy(
        update={"surveys": [survey if each.id == survey.id else each for each in state.surveys]}
    )
