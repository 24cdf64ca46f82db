"""Laws: whatever the order of news, each cycle is opened or skipped once, and ends once."""

from collections import Counter
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.survey.domain.answering import Interview, Interviewer, Reply, answer, answer_if_open, interview
from services.survey.domain.passing import elapse
from services.survey.domain.questionnaire import hear
from services.survey.domain.record import Surveys
from shared import clock
from shared.documents import Draft
from shared.envelope import Cause, from_cloudevent, open_batch
from shared.events import (
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintReopened,
    ContactErased,
    Fact,
    FactsRevised,
    HandlerNamed,
    NoticeSent,
    Product,
)
from shared.problems import Conflict, Forbidden, NotFound
from tests.kit.complaint import COMPLAINT, START, decide, events, plain, registered, said
from tests.survey.kit import cause, heard, link, opened

ENDS = ("survey.answered.v1", "survey.declined.v1", "survey.expired.v1")
WAY: list[Fact] = [
    registered(),
    ComplaintDispatched(cycle=1, lead="quality", departments=("quality", "production")),
    ComplaintDispatched(cycle=1, lead="production", departments=("production",), revision=2),
    HandlerNamed(cycle=1, handler="staff:1f2e"),
    HandlerNamed(cycle=1, handler="staff:77ab"),
    HandlerNamed(cycle=1, handler="Wu", duty="respondent"),
    FactsRevised(revision=2, product=Product(name="kettle")),
    FactsRevised(revision=1),
    NoticeSent(notice="1", kind="survey", channel="call", cycle=1),
    ComplaintFedBack(cycle=1),
    ComplaintFedBack(cycle=2, outcome="disagreed"),
    ComplaintFedBack(cycle=3, outcome="withdrawn"),
]
LATE: list[Fact] = [
    ComplaintReopened(cycle=2),
    ComplaintReopened(cycle=3),
    ContactErased(reason="retention"),
]
"""News that keeps from asking, or closes what was asked, according to when it comes."""
NEWS = events([*WAY, *LATE])


def take(state: Surveys | None, cause: Cause[Any]) -> tuple[Surveys, list[Fact]]:
    return hear(state, cause, COMPLAINT, link)


def after(order: list[Cause[Fact]]) -> Draft[Surveys]:
    draft: Draft[Surveys] = Draft(COMPLAINT)
    for event in order:
        decide(draft, take, event, "survey")
    return draft


def types(draft: Draft[Surveys]) -> Counter[tuple[str, int]]:
    """How often what was said of which cycle."""
    found = (from_cloudevent(open_batch(b"[" + owed.body + b"]")[0]) for owed in draft.owed)
    return Counter((event.type, event.data.model_dump()["cycle"]) for event in found)


def any_order(some: list[Cause[Fact]]) -> st.SearchStrategy[list[Cause[Fact]]]:
    return st.lists(st.sampled_from(some), max_size=6).flatmap(lambda more: st.permutations(some + more))


@given(any_order(NEWS[: len(WAY)]))
def test_the_order_of_news_does_not_matter(order: list[Cause[Fact]]) -> None:
    found, expected = after(order), after(NEWS[: len(WAY)])
    assert plain(found.state) == plain(expected.state)
    assert said(found) == said(expected)


@given(any_order(NEWS))
def test_every_cycle_is_opened_or_skipped_once_and_what_is_over_is_not_open(order: list[Cause[Fact]]) -> None:
    draft = after(order)
    counts = types(draft)
    for cycle in (1, 2, 3):
        asked, left_out = counts["survey.opened.v1", cycle], counts["survey.skipped.v1", cycle]
        assert asked + left_out == 1
        assert counts["survey.invited.v1", cycle] == asked
        assert sum(counts[end, cycle] for end in ENDS) == asked
    assert draft.state is not None
    assert {each.cycle: each.state for each in draft.state.surveys}.keys() == {1, 2, 3}
    assert all(each.state in ("skipped", "closed") for each in draft.state.surveys)
    assert draft.state.next_due is None


Deed = tuple[str, int]
DEEDS: list[Deed] = [
    ("answer", 3), ("answer", 9), ("decline", 0), ("interview", 7), ("late", 0), ("reopened", 0),
    ("erased", 0), ("expired", 0),
]  # fmt: skip


def done(state: Surveys, deed: Deed) -> tuple[Surveys, list[Fact]]:
    """One deed upon the survey of the first cycle."""
    what, score = deed
    id = state.surveys[0].id
    match what:
        case "answer":
            return answer_if_open(state, cause((id, Reply(score=score))))
        case "decline":
            return answer_if_open(state, cause((id, Reply(declined=True))))
        case "late":
            return answer_if_open(state, cause((id, Reply(score=1)), START + timedelta(days=15)))
        case "reopened":
            return heard(state, ComplaintReopened(cycle=2))
        case "erased":
            return heard(state, ContactErased(reason="requested"))
        case "expired":
            return elapse(state, cause(clock.wake_at(START + timedelta(days=14))), link)
    try:
        return interview(state, cause(Interview(Reply(score=score), Interviewer("staff:desk"), 1)))
    except Conflict:
        return state, []


def test_a_survey_ends_once_whatever_is_done_to_it() -> None:
    for deeds in permutations(DEEDS, 3):
        state, ends = opened(), []
        for deed in deeds:
            state, facts = done(state, deed)
            ends += [fact.type for fact in facts if fact.type in ENDS]
        over = [deed for deed in deeds if deed[0] != "late"]
        assert len(ends) == min(1, len(over)), deeds
        assert (ends[0] == "survey.answered.v1") == (over[0][0] in ("answer", "interview")), deeds


# erasure


def test_words_go_and_scores_stay() -> None:
    state = opened()
    given = (state.surveys[0].id, Reply(score=7, comment="call me on 1380000"))
    state, _ = answer(state, cause(given))
    done, said = heard(state, ContactErased(reason="requested"))
    assert said == []
    first = done.surveys[0].answer
    assert first is not None
    assert (first.score, first.comment, done.surveys[0].state) == (7, "", "answered")


def test_nobody_answers_for_whoever_was_erased() -> None:
    state, _ = heard(opened(), ContactErased(reason="requested"))
    with pytest.raises(Conflict, match="no longer open"):
        answer(state, cause((state.surveys[0].id, Reply(score=7))))


# no self-rating


HANDLED = (
    ComplaintDispatched(cycle=1, lead="quality", departments=("quality", "production")),
    HandlerNamed(cycle=1, handler="staff:1f2e"),
)


@pytest.mark.parametrize(
    "by",
    [
        Interviewer("staff:1f2e"),
        Interviewer("1f2e"),
        Interviewer("staff:aaaa", frozenset({"production"})),
        Interviewer("staff:aaaa", frozenset({"quality", "sales"})),
    ],
)
def test_nobody_rates_their_own_work(by: Interviewer) -> None:
    state, _ = heard(opened(), *HANDLED)
    with pytest.raises(Forbidden, match="own"):
        interview(state, cause(Interview(Reply(score=10), by)))


def test_whoever_handled_an_earlier_round_does_not_rate_the_next() -> None:
    state, _ = heard(opened(), *HANDLED, ComplaintReopened(cycle=2), ComplaintFedBack(cycle=2))
    with pytest.raises(Forbidden, match="own"):
        interview(state, cause(Interview(Reply(score=10), Interviewer("staff:1f2e"))))


def test_others_record_what_they_heard() -> None:
    state, _ = heard(opened(), *HANDLED)
    by = Interviewer("staff:aaaa", frozenset({"service_desk"}))
    after, said = interview(state, cause(Interview(Reply(score=6, comment="so so"), by)))
    assert said[0].model_dump() == {"cycle": 1, "score": 6, "answers": {}, "by": "interviewer"}
    assert after.surveys[0].interviewer == "staff:aaaa"
    with pytest.raises(Conflict, match="No survey"):
        interview(after, cause(Interview(Reply(score=6), by)))
    with pytest.raises(Conflict, match="answered already"):
        interview(after, cause(Interview(Reply(score=6), by, cycle=1)))
    with pytest.raises(NotFound):
        interview(after, cause(Interview(Reply(score=6), by, cycle=2)))
