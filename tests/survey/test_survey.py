"""The survey of a cycle: opened or skipped once, answered once, reminded of, or over."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.survey.domain import links
from services.survey.domain.answering import Reply, answer, answer_if_open
from services.survey.domain.passing import elapse
from services.survey.domain.questionnaire import ASKED_AFTER, is_sampled
from shared import clock
from shared.events import ComplaintFedBack, ComplaintReopened, ContactErased, Outcome, SurveyReminded
from shared.problems import Conflict
from tests.kit.complaint import START, registered
from tests.survey.kit import cause, heard, link, opened, piloted, told

KEY = b"k" * 32
SURVEY = uuid4()
EXPIRES = START + timedelta(days=14)


def test_a_link_opens_its_survey_and_no_other_key_does() -> None:
    token = links.sign(SURVEY, EXPIRES, KEY)
    assert links.opens(token, KEY) == SURVEY
    assert links.opens(token, b"x" * 32) is None
    assert links.opens(links.sign(uuid4(), EXPIRES, KEY), KEY) != SURVEY


@given(st.text(st.characters(exclude_categories=()), max_size=100))
def test_no_text_is_a_link(text: str) -> None:
    assert links.opens(text, KEY) is None


@given(st.integers(min_value=0), st.characters(exclude_categories=()))
def test_an_altered_link_opens_nothing(at: int, letter: str) -> None:
    token = links.sign(SURVEY, EXPIRES, KEY)
    at %= len(token)
    altered = token[:at] + letter + token[at + 1 :]
    assert altered == token or links.opens(altered, KEY) is None


@given(st.uuids(), st.datetimes(), st.binary(min_size=32, max_size=32))
def test_nobody_makes_a_link_without_the_key(survey: UUID, expires: Any, key: bytes) -> None:
    assert key == KEY or links.opens(links.sign(survey, expires, key), KEY) is None


# whom to ask


def test_the_first_answer_counts() -> None:
    state = opened()
    id = state.surveys[0].id
    state, said = answer(state, cause((id, Reply(score=7))))
    assert told(said) == ["survey.answered.v1"]
    assert said[0].model_dump() == {"cycle": 1, "score": 7, "answers": {}, "by": "customer"}
    with pytest.raises(Conflict, match="answered already"):
        answer(state, cause((id, Reply(score=1))))
    assert answer_if_open(state, cause((id, Reply(score=1)))) == (state, [])


def test_declined_is_an_end_too() -> None:
    state = opened()
    id = state.surveys[0].id
    state, said = answer(state, cause((id, Reply(declined=True))))
    assert told(said) == ["survey.declined.v1"]
    assert (state.surveys[0].state, state.next_due) == ("declined", None)
    with pytest.raises(Conflict, match="declined already"):
        answer(state, cause((id, Reply(score=1))))


def test_nobody_answers_after_the_end_and_it_expires_once() -> None:
    state = opened()
    with pytest.raises(Conflict):
        answer(state, cause((state.surveys[0].id, Reply(score=7)), EXPIRES))
    early = cause(clock.wake_at(EXPIRES) - timedelta(seconds=1))
    assert elapse(state, early, link)[1] == []
    state, said = elapse(state, cause(clock.wake_at(EXPIRES)), link)
    assert told(said) == ["survey.expired.v1"]
    assert elapse(state, cause(clock.wake_at(EXPIRES)), link)[1] == []
    assert state.next_due is None


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_the_customer_is_asked_where_somebody_worked_on_the_matter(outcome: Any) -> None:
    state, said = heard(None, registered(), ComplaintFedBack(cycle=1, outcome=outcome))
    if outcome in ASKED_AFTER:
        assert told(said) == ["survey.opened.v1", "survey.invited.v1"]
    else:
        assert said[0].model_dump() == {"cycle": 1, "reason": "outcome"}
        assert told(said) == ["survey.skipped.v1"]
    assert [each.state for each in state.surveys] == ["open" if outcome in ASKED_AFTER else "skipped"]


def test_who_was_erased_or_is_in_the_next_round_is_not_asked() -> None:
    for first, reason in (
        (ContactErased(reason="requested"), "erased"),
        (ComplaintReopened(cycle=2), "reopened"),
    ):
        state, said = heard(None, registered(), first, ComplaintFedBack(cycle=1))
        assert [fact.model_dump() for fact in said] == [{"cycle": 1, "reason": reason}]
        assert state.next_due is None


def test_reopening_closes_the_open_survey_and_a_new_cycle_has_its_own() -> None:
    state = opened()
    state, said = heard(state, ComplaintReopened(cycle=2))
    assert [fact.model_dump() for fact in said] == [{"cycle": 1, "because": "reopened"}]
    assert (state.surveys[0].state, state.surveys[0].reason) == ("closed", "reopened")
    with pytest.raises(Conflict, match="no longer open"):
        answer(state, cause((state.surveys[0].id, Reply(score=7))))
    state, said = heard(state, ComplaintFedBack(cycle=2))
    assert told(said) == ["survey.opened.v1", "survey.invited.v1"]
    assert state.surveys[0].id != state.surveys[1].id
    state, said = answer(state, cause((state.surveys[1].id, Reply(score=9))))
    assert said[0].model_dump()["cycle"] == 2


def test_reopening_leaves_an_answered_survey_as_it_is() -> None:
    state = opened()
    state, _ = answer(state, cause((state.surveys[0].id, Reply(score=3))))
    after, said = heard(state, ComplaintReopened(cycle=2))
    assert (after.surveys, said) == (state.surveys, [])


def test_the_pack_says_whom_to_ask() -> None:
    with piloted(when={"channel": ["email"], "outcome": "resolved", "cycle": {"at_most": 1}}) as pack:
        asked = {
            (channel, cycle, outcome): heard(
                None,
                registered(channel, **pack),
                ComplaintFedBack(cycle=cycle, outcome=outcome),
            )[1]
            for channel in ("email", "letter")
            for cycle in (1, 2)
            for outcome in ("resolved", "disagreed")
        }
    opened = [key for key, said in asked.items() if told(said)[0] == "survey.opened.v1"]
    assert opened == [("email", 1, "resolved")]
    reasons = {said[0].model_dump()["reason"] for key, said in asked.items() if key not in opened}
    assert reasons == {"rule"}


def test_the_pack_says_how_to_ask_first() -> None:
    with piloted(routes=("call", "email")) as pack:
        state, _ = heard(None, registered("letter", **pack), ComplaintFedBack(cycle=1))
    assert state.surveys[0].route == "call"
    state, _ = heard(None, registered("letter"), ComplaintFedBack(cycle=1))
    assert state.surveys[0].route == "letter"


# the sample


@given(st.uuids(), st.integers(1, 9))
def test_all_or_nobody(complaint: UUID, cycle: int) -> None:
    assert is_sampled(complaint, cycle, Decimal(1))
    assert not is_sampled(complaint, cycle, Decimal(0))


@given(st.uuids(), st.integers(1, 9), st.decimals(0, 1, places=3), st.decimals(0, 1, places=3))
def test_who_is_in_a_sample_is_in_every_greater_one(
    complaint: UUID, cycle: int, one: Decimal, other: Decimal
) -> None:
    less, more = sorted([one, other])
    assert is_sampled(complaint, cycle, more) or not is_sampled(complaint, cycle, less)


def test_a_sample_is_as_large_as_the_pack_says() -> None:
    ids = [UUID(int=number << 80 | 7 << 76 | number * 7) for number in range(20_000)]
    drawn = sum(is_sampled(id, 1, Decimal("0.2")) for id in ids)
    assert abs(drawn - 4_000) < 300  # five standard deviations


def test_who_is_not_drawn_is_skipped() -> None:
    with piloted(sample=Decimal(0)) as pack:
        _, said = heard(None, registered(**pack), ComplaintFedBack(cycle=1))
    assert said[0].model_dump() == {"cycle": 1, "reason": "not_sampled"}


# reminders


def at(days: float) -> Any:
    return cause(clock.wake_at(START + timedelta(days=days)))


def test_the_customer_is_reminded_once_each_time_while_it_is_open() -> None:
    with piloted(reminders_days=(8, 3), expires_days=10) as pack:
        state, _ = heard(None, registered(**pack), ComplaintFedBack(cycle=1))
        assert state.next_due == clock.wake_at(START + timedelta(days=3))
        assert elapse(state, at(2.9), link)[1] == []
        state, said = elapse(state, at(3), link)
        assert [type(fact) for fact in said] == [SurveyReminded]
        reminder = said[0].model_dump()
        assert (reminder["number"], reminder["link"]) == (1, link(state.surveys[0].id, START))
        assert elapse(state, at(7), link)[1] == []
        assert state.next_due == clock.wake_at(START + timedelta(days=8))
        answered, _ = answer(state, cause((state.surveys[0].id, Reply(score=7))))
        assert elapse(answered, at(9), link) == (answered, [])
        state, said = elapse(state, at(9), link)
        assert [fact.model_dump()["number"] for fact in said] == [2]
        state, said = elapse(state, at(10), link)
        assert told(said) == ["survey.expired.v1"]


def test_after_a_long_silence_one_reminder_goes_out_not_all() -> None:
    with piloted(reminders_days=(3, 5, 8), expires_days=10) as pack:
        state, _ = heard(None, registered(**pack), ComplaintFedBack(cycle=1))
        state, said = elapse(state, at(6), link)
        assert [fact.model_dump()["number"] for fact in said] == [2]
        assert state.next_due == clock.wake_at(START + timedelta(days=8))


def test_nothing_is_due_of_a_survey_that_was_closed() -> None:
    with piloted(reminders_days=(3,)) as pack:
        state, _ = heard(None, registered(**pack), ComplaintFedBack(cycle=1))
        state, said = heard(state, ContactErased(reason="requested"))
    assert [fact.model_dump() for fact in said] == [{"cycle": 1, "because": "erased"}]
    assert (state.next_due, elapse(state, at(99), link)) == (None, (state, []))
