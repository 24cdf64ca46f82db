"""Survey links that cannot be forged, and a survey that is answered once or expires."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.survey.domain import links
from services.survey.domain.questionnaire import Answer, Surveys, answer, expire, hear
from shared import clock
from shared.envelope import Cause
from shared.events import ComplaintFedBack
from shared.problems import Conflict, NotFound
from tests.kit.complaint import COMPLAINT, NUMBER, START, registered

KEY = b"k" * 32
SURVEY = uuid4()
EXPIRES = START + timedelta(days=14)


def test_a_link_opens_its_survey_until_it_expires() -> None:
    token = links.sign(SURVEY, EXPIRES, KEY)
    assert links.verify(token, KEY, EXPIRES - timedelta(seconds=1)) == SURVEY
    with pytest.raises(NotFound):
        links.verify(token, KEY, EXPIRES)
    with pytest.raises(NotFound):
        links.verify(token, b"x" * 32, START)


@given(st.text(max_size=100))
def test_no_text_is_a_link(text: str) -> None:
    with pytest.raises(NotFound):
        links.verify(text, KEY, START)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_an_altered_link_opens_nothing(at: int, letter: str) -> None:
    token = links.sign(SURVEY, EXPIRES, KEY)
    at %= len(token)
    altered = token[:at] + letter + token[at + 1 :]
    if altered != token:
        with pytest.raises(NotFound):
            links.verify(altered, KEY, START)


def cause(data: Any, at: Any = START) -> Cause[Any]:
    return Cause(uuid4(), COMPLAINT, NUMBER, at, "test", data)


def link(survey: UUID, expires: Any) -> str:
    return f"https://survey.invalid/s/{survey}"


def opened() -> Surveys:
    state, _ = hear(None, cause(registered()), COMPLAINT, link)
    state, said = hear(state, cause(ComplaintFedBack(cycle=1)), COMPLAINT, link)
    assert [fact.type for fact in said] == ["survey.opened.v1", "survey.invited.v1"]
    return state


def test_the_first_answer_counts() -> None:
    state = opened()
    given = (state.surveys[0].id, Answer(score=7))
    state, said = answer(state, cause(given))
    assert [fact.model_dump() for fact in said] == [{"cycle": 1, "score": 7}]
    with pytest.raises(Conflict):
        answer(state, cause((state.surveys[0].id, Answer(score=1))))


def test_nobody_answers_after_the_end_and_it_expires_once() -> None:
    state = opened()
    with pytest.raises(Conflict):
        answer(state, cause((state.surveys[0].id, Answer(score=7)), EXPIRES))
    early = cause(clock.wake_at(EXPIRES) - timedelta(seconds=1))
    assert expire(state, early)[1] == []
    state, said = expire(state, cause(clock.wake_at(EXPIRES)))
    assert [fact.type for fact in said] == ["survey.expired.v1"]
    assert expire(state, cause(clock.wake_at(EXPIRES)))[1] == []
    assert state.next_due is None
