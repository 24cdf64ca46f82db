"""The customer's score becomes a fact of its cycle: graded anew, once, in any order of the news (P08)."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.domain import grading
from services.triage.domain.adjudication import counted
from services.triage.domain.case import Decided
from shared.documents import Draft
from shared.envelope import Cause
from shared.events import (
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintReopened,
    ContactErased,
    Fact,
    FactsRevised,
    StatementRecorded,
    SurveyAnswered,
)
from shared.policy import Draft as Written
from shared.policy import build, draft_of
from shared.problems import Conflict
from tests.kit.complaint import COMPLAINT, START, decide, events, registered
from tests.kit.triage import House

PACK = "cn-dealer-abc"
BANDS = {
    **dict.fromkeys(range(6), ("grievance_b", ("score_0_6",))),
    **dict.fromkeys((6, 7), ("grievance_b", ("score_6_8",))),
    8: ("grievance_b", ()),
    9: ("grievance_c", ()),
    10: ("no_complaint", ()),
}
"""Score: the grade meanwhile, and what is asked."""


def scored(score: int, cycle: int = 1) -> SurveyAnswered:
    return SurveyAnswered(cycle=cycle, score=score)


def word(choice: str, name: str = "score_0_6", cycle: int = 1) -> Decided:
    given = {"about": "question", "name": name, "choice": choice, "role": "service_manager", "by": "Li"}
    return Decided.model_validate(given | {"why": "seen it", "cycle": cycle, "at": START})


def waiting(house: House, id: UUID) -> list[tuple[int, str]]:
    return [(each.cycle, each.question) for each in house.gradings[id].asked]


@pytest.mark.parametrize("score", BANDS)
def test_every_score_of_a_survey_comes_to_its_band(score: int) -> None:
    house = House(PACK)
    id = house.complain()
    assert house.judged(id).pending == ("no_score",), "without a score the manager judges"
    told = house.change(id, grading.hear, scored(score))
    assert [type(fact) for fact in told] == [ComplaintGraded], "nobody is sent it again"
    found = house.judged(id)
    assert (found.grade, found.pending) == BANDS[score]
    assert (found.reason, found.revision) == ("score", 2)
    assert waiting(house, id) == [(1, name) for name in found.pending]


def test_a_stated_score_counts_until_the_survey_and_for_the_first_cycle_alone() -> None:
    house = House(PACK)
    id = house.complain(details={"score": "9.5"})
    assert house.judged(id).grade == "grievance_c"
    house.change(id, grading.hear, scored(10))
    assert house.judged(id).grade == "no_complaint"
    house.revise(id, details={"score": "3"})
    assert house.judged(id).grade == "no_complaint", "what the customer said themselves stands"
    house.change(id, grading.hear, ComplaintReopened(cycle=2))
    assert house.judged(id).pending == ("no_score",)
    house.change(id, grading.hear, scored(7, 2))
    assert house.judged(id).pending == ("score_6_8",)


def test_a_score_is_heard_once_and_nothing_to_packs_without_such_a_fact() -> None:
    house = House(PACK)
    id = house.complain()
    house.change(id, grading.hear, scored(5))
    assert house.change(id, grading.hear, scored(5)) == []
    plain = House("base")
    id = plain.complain()
    assert plain.change(id, grading.hear, scored(0)) == []


def test_what_a_person_decided_and_what_was_complained_outside_stand_above_a_score() -> None:
    house = House(PACK)
    id = house.complain(details={"external": True})
    assert house.change(id, grading.hear, scored(0)) == []
    assert (house.judged(id).grade, house.judged(id).pending) == ("complaint_a", ())
    assert waiting(house, id) == [], "a question that cannot change the grade is not asked"
    other = house.complain()
    house.decide(other, "grade", "level", "complaint_b")
    house.change(other, grading.hear, scored(10))
    assert house.judged(other).grade == "complaint_b"


def test_what_is_not_asked_cannot_be_answered() -> None:
    house = House(PACK)
    id = house.complain()
    house.change(id, grading.hear, scored(7))
    with pytest.raises(Conflict, match="score_6_8"):
        house.change(id, grading.decide, word("a"))


def test_an_answer_counts_no_more_once_its_question_is_gone() -> None:
    house = House(PACK)
    id = house.complain(details={"score": "5"})
    house.change(id, grading.decide, word("a"))
    assert counted(house.gradings[id].answered) == {("score_0_6", "a"): 1}
    house.change(id, grading.hear, scored(9))
    assert counted(house.gradings[id].answered) == {}


def test_a_question_waits_since_it_was_first_asked() -> None:
    house = House(PACK)
    id = house.complain(details={"score": "5"})
    later = START + timedelta(days=3)
    house.change(id, grading.hear, FactsRevised(revision=1, details={"score": "4"}), later)
    assert [each.since for each in house.gradings[id].asked] == [START]
    house.change(id, grading.hear, FactsRevised(revision=2, details={"score": "7"}), later)
    assert [(each.question, each.since) for each in house.gradings[id].asked] == [("score_6_8", later)]


# any order


NEWS = events(
    [
        registered(pack=PACK),
        StatementRecorded(pack=PACK, pack_version=1, text="-"),
        scored(5),
        ComplaintReopened(cycle=2),
        scored(9, 2),
        ComplaintReopened(cycle=3),
        ContactErased(reason="requested"),
    ]
)


def after(order: list[Cause[Fact]]) -> dict[str, Any]:
    """What it comes to: of each cycle the last judgement and route, and what waits for people."""
    draft: Draft[Any] = Draft(COMPLAINT)
    for event in order:
        decide(draft, grading.hear, event, "triage")
    state = draft.state
    assert state is not None
    unsaid = {"revision", "reason"}
    return {
        "graded": {cycle: state.latest(cycle).model_dump(exclude=unsaid) for cycle in (1, 2, 3)},
        "routes": {cycle: state.routes[cycle].model_dump() for cycle in (1, 2, 3)},
        "asked": [(each.cycle, each.question, each.role) for each in state.asked],
    }


@settings(deadline=None)
@given(st.lists(st.sampled_from(NEWS), max_size=5).flatmap(lambda more: st.permutations(NEWS + more)))
def test_the_order_of_news_does_not_matter(order: list[Cause[Fact]]) -> None:
    found = after(order)
    assert found == after(NEWS)
    assert found["asked"] == [(1, "score_0_6", "service_manager"), (3, "no_score", "service_manager")]
    assert found["graded"][2]["grade"] == "grievance_c"


def test_the_order_of_answer_reopening_and_decision_does_not_matter() -> None:
    """A decision comes after the score that it is about; the next round may begin at any time."""
    heard = {"score": scored(5), "again": ComplaintReopened(cycle=2), "score 2": scored(7, 2)}
    ends = set()
    for order in permutations([*heard, "word"]):
        if order.index("word") < order.index("score"):
            continue
        house = House(PACK)
        id = house.complain()
        for name in order:
            how = (grading.decide, word("a")) if name == "word" else (grading.hear, heard[name])
            house.change(id, *how)
        first, second = (house.gradings[id].latest(cycle) for cycle in (1, 2))
        assert first is not None
        assert second is not None
        ends.add((first.grade, first.pending, second.grade, second.pending, *waiting(house, id)))
    assert ends == {("grievance_a", (), "grievance_b", ("score_6_8",), (2, "score_6_8"))}


def test_where_it_goes_does_not_follow_from_the_score() -> None:
    """Whether the score comes before the complaint's own words or after, the same departments have it."""
    written = draft_of("cn-dealer-abc", 1)
    content = written.content | {
        "routing": [{"when": {"score": {"below": 6}}, "lead": "quality", "departments": ["quality"]}]
    }
    pack = build(Written(content, {}), "cn-dealer-abc", {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "load", lambda name, version: pack)
        news = [
            registered(pack=PACK),
            StatementRecorded(pack=PACK, pack_version=1, text="-"),
            scored(2),
        ]
        routes = set()
        for order in permutations(news):
            house, id = House(PACK), uuid4()
            for fact in order:
                house.change(id, grading.hear, fact)
            sent = [fact for _, fact in house.said if isinstance(fact, ComplaintDispatched)]
            assert house.judged(id).pending == ("score_0_6",)
            assert len(sent) == 1
            routes.add(sent[0].lead)
    assert len(routes) == 1
    assert routes != {"quality"}
