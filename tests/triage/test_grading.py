"""Grading: what is known becomes a judgement with every reason, and a new one when it changes."""

from typing import Any
from uuid import uuid4

import pytest

from services.triage.domain import grading
from shared.events import (
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintGraded,
    ComplaintInvestigated,
    StatementRecorded,
)
from shared.problems import Conflict, Invalid
from tests.kit.complaint import registered
from tests.kit.triage import House, money

# grading


def test_a_complaint_is_graded_once_both_its_particulars_and_its_text_are_there() -> None:
    house, id = House(), uuid4()
    assert house.change(id, grading.hear, StatementRecorded(pack="base", pack_version=1, text="x")) == []
    told = house.change(id, grading.hear, registered(loss=money("6000")))
    assert [type(fact) for fact in told] == [ComplaintGraded, ComplaintDispatched]
    assert house.judged(id).grade == "serious"
    assert house.judged(id).provisional


def test_every_matching_row_is_kept_with_its_comparison() -> None:
    house = House()
    id = house.complain(channel="regulator", loss=money("6000"), facts={"fire": True})
    found = house.judged(id)
    assert found.grade == "critical"
    assert {match.rule for match in found.matches} == {
        "safety gate fire",
        "large sum",
        "authority or association",
        "noticeable sum",
    }
    assert ("loss", "6000", ">= 5000") in {(m.fact, m.value, m.comparison) for m in found.matches}


def test_facts_that_change_make_a_new_judgement_and_the_old_one_stays_in_the_history() -> None:
    house = House()
    id = house.complain(loss=money("10"))
    assert house.judged(id).grade == "minor"
    told = house.revise(id, loss=money("60000"))
    assert [type(fact) for fact in told] == [ComplaintGraded]
    assert (house.judged(id).grade, house.judged(id).revision, house.judged(id).reason) == (
        "critical",
        2,
        "facts",
    )
    assert [record.graded.grade for record in house.gradings[id].records] == ["minor", "critical"]
    assert house.revise(id, 1, loss=money("1")) == [], "an older revision changes nothing"


def test_verified_facts_end_what_is_provisional() -> None:
    house = House()
    id = house.complain()
    assert house.judged(id).provisional
    house.revise(id, verified=True)
    assert not house.judged(id).provisional


def test_another_class_goes_to_other_departments() -> None:
    house = House()
    id = house.complain(class_="service")
    told = house.revise(id, class_="product_quality")
    routes = [fact for fact in told if isinstance(fact, ComplaintDispatched)]
    assert [(route.lead, route.revision) for route in routes] == [("quality", 2)]


def test_a_cause_found_is_a_fact() -> None:
    house = House("cn-after-sales-24h")
    with pytest.raises(Invalid, match="cannot be used yet"):
        house.complain()
    house = House()
    id = house.complain()
    assert house.change(id, grading.hear, ComplaintInvestigated(cycle=1, cause="material")) == []
    assert house.gradings[id].causes == {1: "material"}


# safety


@pytest.mark.parametrize("facts", [{"injured": 1}, {"deaths": 1}, {"fire": True}, {"food_safety": True}])
def test_the_safety_gate_gives_the_gravest_grade_and_escalates_once(facts: dict[str, Any]) -> None:
    house = House()
    id = house.complain(facts=facts)
    assert house.judged(id).grade == "critical"
    told = [fact for _, fact in house.said if isinstance(fact, ComplaintEscalated)]
    assert [fact.roles for fact in told] == [("general_manager", "emergency_team")]
    house.revise(id, facts=facts, loss=money("1"))
    assert len([fact for _, fact in house.said if isinstance(fact, ComplaintEscalated)]) == 1


def test_words_escalate_until_the_facts_are_verified_and_say_otherwise() -> None:
    house = House()
    id = house.complain(text="The battery caught fire")
    assert house.judged(id).gates == ("fire",)
    house.revise(id, facts={"fire": False})
    assert house.judged(id).grade == "critical", "not verified yet"
    house.revise(id, 2, facts={"fire": False}, verified=True)
    assert (house.judged(id).grade, house.judged(id).gates) == ("minor", ())


def test_nobody_decides_below_a_safety_gate() -> None:
    house = House()
    id = house.complain(facts={"injured": 1})
    with pytest.raises(Conflict, match="safety gate harm"):
        house.decide(id, "grade", "severity", "minor")
