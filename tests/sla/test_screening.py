"""The mark `screened`: left by the decision, whatever it was, unless the pack says what leaves it."""

import json
from typing import Any, get_args

import pytest

from services.triage.api.policies import whole
from shared import policy
from shared.events import ComplaintScreened, FactsRevised, Screening
from shared.policy import draft_from
from tests.kit.clocks import Case, graded
from tests.kit.complaint import registered

MINE = """
pack: screened-in-a-day
version: 1
extends: base/1
clocks:
  screen: {title: {zh-CN: 审查, en: Screening}, start: received, stop: screened, due: {default: {hours: 24}}}
  mediate: {title: {zh-CN: 调解, en: Mediation}, start: screened, stop: answered, due: {default: {days: 3}}}
vectors: [{name: an injury, facts: {injured: 1}, expect: {grade: critical}}]
"""


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> str:
    """A pack whose clocks go by the mark without saying what leaves it."""
    monkeypatch.setattr("shared.policy.shelf._published", {})
    return policy.publish(json.loads(json.dumps(whole(draft_from(MINE, "mine"))))).pack


def of(pack: str) -> Case:
    case = Case()
    case.hears(registered(pack=pack))
    case.hears(graded("minor"))
    return case


@pytest.mark.parametrize("decision", get_args(Screening))
def test_the_decision_leaves_the_mark_whatever_it_is(mine: str, decision: Any) -> None:
    case = of(mine)
    told = case.hears(ComplaintScreened(cycle=1, decision=decision), hours=5)
    assert {*told} == {"met screen", "set mediate"}
    assert case.clock("mediate").started == case.clock("screen").stopped


def test_of_two_decisions_the_first_counts_in_whatever_order_they_come(mine: str) -> None:
    case = of(mine)
    case.hears(ComplaintScreened(cycle=1, decision="in_scope"), hours=30)
    assert case.clock("screen").outcome == "missed"
    case.hears(ComplaintScreened(cycle=1, decision="refused"), hours=20)
    assert case.clock("screen").outcome == "met"


def test_where_the_pack_says_what_leaves_the_mark_the_decision_does_not() -> None:
    case = of("cn-samr")
    case.hears(ComplaintScreened(cycle=1, decision="in_scope"), hours=5)
    assert case.clock("admit").outcome is None
    case.hears(FactsRevised(revision=1, details={"admission_told": True}), hours=6)
    assert case.clock("admit").outcome == "met"
