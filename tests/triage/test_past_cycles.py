"""Past cycles: judged anew by what is said of them, sent nowhere again, asked only what can be answered."""

from uuid import uuid4

import pytest

from services.triage.domain import grading, progress
from shared.events import (
    ComplaintClosed,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintReopened,
    StatementRecorded,
)
from shared.policy import Draft as Written
from shared.policy import build, draft_of
from shared.problems import Invalid
from tests.kit.complaint import registered
from tests.kit.triage import House
from tests.triage.test_scores import PACK, scored, waiting, word


def test_a_closed_complaint_is_graded_all_the_same_and_goes_nowhere() -> None:
    house = House(PACK)
    id = house.complain()
    for fact in (ComplaintFedBack(cycle=1), ComplaintClosed(cycle=1)):
        house.change(id, progress.reach, fact)
    told = house.change(id, grading.hear, scored(2))
    assert [type(fact) for fact in told] == [ComplaintGraded]
    told = house.change(id, grading.decide, word("a"))
    assert [(type(fact), getattr(fact, "reason", "")) for fact in told] == [(ComplaintGraded, "decision")]
    assert house.judged(id).grade == "grievance_a"


def test_a_question_about_a_past_cycle_can_be_answered_and_touches_no_other() -> None:
    house = House(PACK)
    id = house.complain()
    house.change(id, grading.hear, ComplaintReopened(cycle=2))
    second = house.gradings[id].latest(2)
    told = house.change(id, grading.hear, scored(4))
    assert [getattr(fact, "cycle", 0) for fact in told] == [1]
    assert waiting(house, id) == [(1, "score_0_6"), (2, "no_score")]
    house.change(id, grading.decide, word("a", cycle=1))
    first = house.gradings[id].latest(1)
    assert first is not None
    assert (first.grade, first.pending, first.reason) == ("grievance_a", (), "decision")
    assert house.gradings[id].latest(2) == second
    assert waiting(house, id) == [(2, "no_score")]
    with pytest.raises(Invalid, match="no such cycle"):
        house.change(id, grading.decide, word("a", cycle=3))


def test_a_word_on_a_past_cycle_sends_it_nowhere_anew() -> None:
    house = House()
    id = house.complain(class_="usage")
    house.change(id, grading.hear, ComplaintReopened(cycle=2))
    house.revise(id, class_="logistics")
    sent = house.gradings[id].routes
    assert sent[2].lead != sent[1].lead
    told = house.change(
        id,
        grading.decide,
        word("critical", "severity").model_copy(update={"about": "grade", "cycle": 1}),
    )
    assert [(type(fact), getattr(fact, "cycle", 0)) for fact in told] == [(ComplaintGraded, 1)]
    assert house.gradings[id].routes == sent


def test_a_question_about_a_past_cycle_is_asked_only_while_it_can_be_answered() -> None:
    house = House(PACK)
    id = house.complain()
    house.change(id, grading.hear, ComplaintReopened(cycle=2))
    assert waiting(house, id) == [(1, "no_score"), (2, "no_score")]
    house.revise(id, details={"score": "9"})
    assert waiting(house, id) == [(2, "no_score")]
    house.revise(id, details={"score": "5"})
    assert waiting(house, id) == [(2, "no_score")], "what is past and judged stays so"


def test_a_question_that_a_new_version_dropped_is_asked_of_no_cycle() -> None:
    content = draft_of(PACK, 1).content
    level = content["schemes"]["level"]
    rows = [each for each in level["rows"] if each.get("decision") != "no_score"]
    decisions = {name: each for name, each in content["decisions"].items() if name != "no_score"}
    news = {"schemes": content["schemes"] | {"level": level | {"rows": rows}}, "decisions": decisions}
    pack = build(Written(content | news | {"vectors": []}, {}), PACK, {})
    house = House(PACK)
    id = house.complain()
    house.change(id, grading.hear, ComplaintReopened(cycle=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "load", lambda name, version: pack.model_copy(update={"version": version}))
        house.change(id, grading.migrate, 2)
    assert waiting(house, id) == []


def test_whatever_is_told_of_a_dropped_complaint_nothing_is_asked_until_it_is_reopened() -> None:
    for first in (True, False):
        house = House(PACK)
        id = uuid4()
        closed = ComplaintClosed(cycle=1, outcome="withdrawn")
        if first:
            house.change(id, progress.reach, closed)
        house.change(id, grading.hear, registered(pack=PACK))
        house.change(id, grading.hear, StatementRecorded(pack=PACK, pack_version=1, text="-"))
        if not first:
            house.change(id, progress.reach, closed)
        house.revise(id, details={"score": "5"})
        assert waiting(house, id) == []
        house.change(id, grading.hear, ComplaintReopened(cycle=2))
        assert waiting(house, id) == [(2, "no_score")]


def test_a_decision_is_recorded_with_a_judgement_of_its_own_cycle_alone() -> None:
    house = House(PACK)
    id = house.complain(class_="usage")
    assert house.decide(id, "class", "", "usage") == [], "it is of that class already"
    told = house.change(id, grading.hear, ComplaintReopened(cycle=2))
    assert isinstance(told[0], ComplaintGraded)
    assert (told[0].cycle, house.gradings[id].records[-1].decided) == (2, None)
