"""People's decisions win over the rules, but not over a safety gate; versions change on purpose."""

from decimal import Decimal

import pytest

from services.triage.domain import grading
from services.triage.domain.adjudication import adjudicated, counted
from services.triage.domain.case import Decided
from shared.events import (
    ComplaintGraded,
    ComplaintMigrated,
)
from shared.policy import load
from shared.problems import Invalid
from tests.kit.complaint import START
from tests.kit.triage import House, money

# people


def test_a_persons_grade_wins_and_is_recorded_with_who_and_why() -> None:
    house = House()
    id = house.complain(loss=money("10"))
    told = house.decide(id, "grade", "severity", "serious")
    assert isinstance(told[0], ComplaintGraded)
    assert told[0].grade == "serious"
    assert "Li" not in told[0].model_dump_json(), "who and why stay at triage"
    record = house.gradings[id].records[-1]
    assert record.decided is not None
    assert (record.decided.by, record.decided.role, record.decided.why) == (
        "Li",
        "service_manager",
        "seen it",
    )
    house.revise(id, loss=money("20"))
    assert house.judged(id).grade == "serious", "later facts do not overrule a person"


def test_a_gate_that_is_passed_later_is_above_what_a_person_decided_before() -> None:
    house = House()
    id = house.complain()
    house.decide(id, "grade", "severity", "minor")
    house.revise(id, facts={"deaths": 1})
    assert (house.judged(id).grade, house.judged(id).gates) == ("critical", ("harm",))


def test_deciding_the_same_again_changes_nothing_and_the_last_answer_counts() -> None:
    house = House("cn-dealer-abc")
    id = house.complain(details={"score": "5.9"})
    house.decide(id, "question", "score_0_6", "a")
    assert house.decide(id, "question", "score_0_6", "a") == []
    house.decide(id, "question", "score_0_6", "b")
    figures = adjudicated(load("cn-dealer-abc", 1), counted(house.gradings[id].answered))
    found = next(each for each in figures if each.question == "score_0_6")
    assert (found.answers, found.share) == ({"a": 0, "b": 1}, Decimal(0))


def test_the_share_of_answers_is_told_beside_its_target() -> None:
    word = {"about": "question", "name": "score_0_6", "role": "service_manager", "by": "Li", "why": "seen"}
    answers = [
        Decided.model_validate(word | {"choice": c, "cycle": 1, "at": START}) for c in "a" * 85 + "b" * 15
    ]
    found = next(iter(adjudicated(load("cn-dealer-abc", 1), counted(answers))))
    assert (found.share, found.target) == (Decimal("0.85"), Decimal("0.9"))
    assert (found.adjudicated, found.reached) == (100, False)
    nothing = next(iter(adjudicated(load("cn-dealer-abc", 1), {})))
    assert (nothing.share, nothing.reached) == (None, None), "no answers, no rate"


@pytest.mark.parametrize(
    ("about", "name", "choice", "role"),
    [
        ("grade", "severity", "awful", "service_manager"),
        ("grade", "mood", "minor", "service_manager"),
        ("class", "", "weather", "service_manager"),
        ("question", "none", "A", "service_manager"),
        ("grade", "severity", "minor", "king"),
    ],
)
def test_a_decision_that_the_pack_does_not_know_is_refused(
    about: str, name: str, choice: str, role: str
) -> None:
    house = House()
    id = house.complain()
    with pytest.raises(Invalid, match="does not know"):
        house.decide(id, about, name, choice, role)


def test_a_question_is_open_until_its_role_answers_it() -> None:
    house = House("cn-dealer-abc")
    id = house.complain(details={"score": "5.9"})
    question = house.judged(id).pending
    assert len(question) == 1
    assert house.judged(id).provisional
    with pytest.raises(Invalid, match="role for this question"):
        house.decide(id, "question", question[0], "a", "recorder")
    house.decide(id, "question", question[0], "a")
    assert house.judged(id).pending == ()


# versions


def test_a_complaint_goes_over_to_another_version_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    id = house.complain()
    with pytest.raises(Exception, match="no policy pack base of version 7"):
        house.change(id, grading.migrate, 7)
    assert house.change(id, grading.migrate, 1) == [], "it is on that version"
    assert not [fact for _, fact in house.said if isinstance(fact, ComplaintMigrated)]
