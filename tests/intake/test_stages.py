"""The stage machine: only the table's steps, random walks end in legal stages."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import handling
from services.intake.domain.complaint import Complaint
from services.intake.domain.handling import Request, take
from services.intake.domain.stages import STEPS, Stage, possible
from shared.documents import Draft
from shared.envelope import Cause
from shared.events import ComplaintDispatched, ComplaintGraded, NoticeSent, SurveyAnswered
from shared.problems import Conflict, Invalid
from tests.journeys.test_order import STEPS as GOOD
from tests.journeys.test_order import new_complaint
from tests.kit.complaint import COMPLAINT, NUMBER, START

ALL: dict[str, Any] = GOOD | {"disagree": handling.Disagree(step="disagree")}


def cause(data: Any) -> Cause[Any]:
    return Cause(uuid4(), COMPLAINT, NUMBER, START, "test", data)


def dispatched(cycle: int = 1) -> list[Any]:
    graded = ComplaintGraded(
        cycle=cycle, class_="product_quality", suggested=False, grade="minor", matches=()
    )
    return [graded, ComplaintDispatched(cycle=cycle, lead="quality", departments=("quality",))]


def at_dispatched() -> Complaint:
    draft: Draft[Complaint] = new_complaint()
    state = draft.state
    for fact in dispatched():
        state, _ = handling.hear(state, cause(fact))
    assert state is not None
    return state


@given(st.lists(st.sampled_from([*ALL, "graded", "told", "scored 2", "scored 9"]), max_size=60))
def test_random_walks_stay_on_the_table(walk: list[str]) -> None:
    state = at_dispatched()
    for move in walk:
        before = state
        if move not in ALL:
            state = heard(state, move)
        elif move in possible(before.stage):
            state, _ = take(state, cause(Request(ALL[move])))
            assert STEPS[move][0] is before.stage
        else:
            with pytest.raises(Conflict, match="possible now"):
                take(state, cause(Request(ALL[move])))
    assert state.stage in Stage


def heard(state: Complaint, move: str) -> Complaint:
    cycle = state.cycle
    facts: dict[str, list[Any]] = {
        "graded": dispatched(cycle),
        "told": [NoticeSent(notice="n", kind="result", channel="email", cycle=cycle)],
        "scored 2": [SurveyAnswered(cycle=cycle, score=2)],
        "scored 9": [SurveyAnswered(cycle=cycle, score=9)],
    }
    after: Complaint | None = state
    for fact in facts[move]:
        after, _ = handling.hear(after, cause(fact))
    assert after is not None
    return after


def test_an_audit_that_fails_sends_it_back() -> None:
    state = at_dispatched()
    for step in ("accept", "investigate", "propose", "offer", "agree", "implement"):
        state, _ = take(state, cause(Request(ALL[step])))
    state, _ = take(state, cause(Request(handling.Audit(step="audit", passed=False))))
    assert state.stage is Stage.AGREED


def test_a_second_proposal_of_a_cycle_says_its_number() -> None:
    state = at_dispatched()
    numbers = []
    for step in ("accept", "investigate", "propose", "offer", "disagree", "propose"):
        state, said = take(state, cause(Request(ALL[step])))
        numbers += [fact.model_dump()["number"] for fact in said if "proposed" in fact.type]
    assert numbers == [1, 2]


def test_a_cause_outside_the_catalogue_is_refused_with_what_is_in_it() -> None:
    state, _ = take(at_dispatched(), cause(Request(ALL["accept"])))
    with pytest.raises(Invalid) as refusal:
        take(state, cause(Request(handling.Investigate(step="investigate", cause="witchcraft"))))
    assert "material, process, design" in str(refusal.value)


def test_the_same_key_takes_a_step_once_and_no_other_step() -> None:
    asked = Request(ALL["accept"], "key", "digest")
    state, said = take(at_dispatched(), cause(asked))
    assert len(said) == 1
    again, said = take(state, cause(asked))
    assert (again, said) == (state, [])
    with pytest.raises(Invalid):
        take(state, cause(Request(ALL["investigate"], "key", "another digest")))
