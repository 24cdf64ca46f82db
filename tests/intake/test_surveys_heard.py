"""What intake makes of a survey that nobody answered: it waits no longer, and has no score."""

import pytest

from shared.events import Fact, SurveyDeclined, SurveyExpired, SurveySkipped
from tests.kit.intake import Record, at_proposed

WITHOUT_SCORE: dict[str, Fact] = {
    "declined": SurveyDeclined(cycle=1),
    "skipped": SurveySkipped(cycle=1, reason="not_sampled"),
    "expired": SurveyExpired(cycle=1),
}


def answered() -> Record:
    return at_proposed().through("offer", "agree", "implement", "audit", "answer")


@pytest.mark.parametrize("name", WITHOUT_SCORE)
def test_it_goes_on_without_a_score(name: str) -> None:
    record = answered().told()
    assert record.stage == "fed_back"
    assert record.hear(WITHOUT_SCORE[name]).stage == "closed"
    assert record.state.scores == {1: None}
    assert "complaint.reopened" not in record.said


@pytest.mark.parametrize("name", WITHOUT_SCORE)
def test_news_of_the_survey_may_come_before_that_of_the_answer(name: str) -> None:
    assert answered().hear(WITHOUT_SCORE[name]).told().stage == "closed"


def test_where_nobody_is_asked_there_is_no_score_and_the_stage_stays() -> None:
    record = at_proposed().hear(SurveySkipped(cycle=1, reason="outcome"))
    assert (record.state.scores, record.state.stage) == ({1: None}, at_proposed().state.stage)
