"""Passing time: the customer is reminded of an open survey, and in the end it expires."""

from datetime import datetime

from services.survey.domain.questionnaire import Asked, Link
from services.survey.domain.record import Survey, Surveys
from shared import clock
from shared.envelope import Cause
from shared.events import Fact, SurveyExpired, SurveyReminded


def elapse(state: Surveys | None, cause: Cause[datetime], link: Link) -> Asked:
    """Remind of what is due by the machine instant `cause.data`, and end the surveys whose time is over."""
    assert state is not None
    owed: list[Fact] = []
    for survey in state.surveys:
        if survey.state == "open" and survey.expires is not None:
            after, told = _elapsed(survey, survey.expires, cause.data, link)
            state, owed = state.replaced(after), [*owed, *told]
    return state, owed


def _elapsed(survey: Survey, expires: datetime, now: datetime, link: Link) -> tuple[Survey, list[Fact]]:
    """One open survey; of several reminders that are due at once only the last goes out."""
    if clock.wake_at(expires) <= now:
        over = survey.model_copy(update={"state": "expired", "ended": expires})
        return over, [SurveyExpired(cycle=survey.cycle)]
    number = sum(clock.wake_at(each) <= now for each in survey.reminders)
    if number <= survey.reminded:
        return survey, []
    told = SurveyReminded(cycle=survey.cycle, number=number, link=link(survey.id, expires), expires=expires)
    return survey.model_copy(update={"reminded": number}), [told]
