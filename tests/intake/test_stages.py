"""The stage machine: random legal walks end in legal stages, illegal steps are refused without effect."""

from dataclasses import replace
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.facts import pack_of
from services.intake.domain.handling import Request, allowed, take
from services.intake.domain.roles import DEPARTMENT, DESK, HEADS, MAY, Actor
from services.intake.domain.stages import ENDED, TABLE, Stage, steps_from
from services.intake.domain.steps import Step
from shared.events import ComplaintAccepted, HandlerNamed
from shared.problems import Conflict, Forbidden, Invalid
from tests.kit.intake import FORMS, OTHER, STAFF, STEP, Record, at_dispatched, at_proposed, cause

STEPS = sorted({each.step for each in TABLE})
EVENTS = ("graded", "dispatched", "told", "scored low", "scored high")
PACKS = ("base", "cn-retail-4level", "cn-kpi-95", "cn-packaging-abcd", "cn-samr")
BOSS = Actor("boss", DESK | DEPARTMENT | HEADS | {"reviewer", "management_representative"})
CHIEF = Actor("chief", DESK | DEPARTMENT | HEADS | {"approver", "general_manager"})
PEOPLE = (STAFF, OTHER, BOSS, CHIEF)


def heard(record: Record, event: str) -> None:
    match event:
        case "graded":
            record.graded(class_=class_of(record))
        case "dispatched":
            record.dispatched(lead="quality")
        case "told":
            record.told()
        case "scored low":
            record.scored(1)
        case _:
            record.scored(10)


def class_of(record: Record) -> str:
    return next(iter(pack_of(record.state).classes))


def form(record: Record, step: str) -> dict[str, Any]:
    pack, class_ = (
        pack_of(record.state),
        record.state.grade.class_ if record.state.grade else class_of(record),
    )
    match step:
        case "investigate":
            causes = pack.classes[class_].causes
            return {"cause": causes[0]} if causes else {"cause": None}
        case "propose":
            kinds = pack.classes[class_].solutions
            return {"department": next(iter(pack.departments)), "kind": kinds[0] if kinds else None}
        case "relate" | "merge":
            return {"to" if step == "relate" else "into": str(uuid4())}
    return {}


def snapshot(record: Record) -> tuple[Any, int]:
    return record.state.model_dump(), len(record.facts)


@settings(max_examples=1_000, deadline=None)
@given(st.sampled_from(PACKS), st.data())
def test_random_walks_stay_legal_and_illegal_steps_change_nothing(pack: str, data: st.DataObject) -> None:
    record = Record(pack, **REQUIRED.get(pack, {}))
    for _ in range(data.draw(st.integers(1, 18))):
        possible, before = allowed(record.state), record.stage
        illegal = data.draw(st.sampled_from([step for step in STEPS if step not in (*possible, "accept")]))
        untouched = snapshot(record)
        with pytest.raises((Conflict, Forbidden, Invalid)):
            record.do(illegal, data.draw(st.sampled_from(PEOPLE)), **form(record, illegal))
        assert snapshot(record) == untouched
        move = data.draw(st.sampled_from([*possible, *EVENTS]))
        if move in EVENTS:
            heard(record, move)
        else:
            walk(record, move, data.draw(st.sampled_from(PEOPLE)), before)
        assert record.state.stage in Stage


def walk(record: Record, step: str, by: Actor, before: str) -> None:
    """A step that the stage allows: it goes where the table says, or a rule, a role or a form refuses it."""
    untouched = snapshot(record)
    try:
        record.do(step, by, **form(record, step))
    except (Conflict, Forbidden, Invalid):
        assert snapshot(record) == untouched
        return
    ways = [each for each in TABLE if each.step == step and before in each.sources]
    goes = {(each.target or Stage(before)).value for each in ways}
    assert record.stage in goes | follows(goes)


def follows(stages: set[str]) -> set[str]:
    """Where a record goes on to by itself, on news that came before."""
    on = {"screened": {"graded", "dispatched"}, "reopened": {"graded", "dispatched"}}
    on |= {"answered": {"fed_back", "surveyed", "closed", "reopened", "graded", "dispatched"}}
    return {later for stage in stages for later in on.get(stage, set())}


REQUIRED: dict[str, dict[str, Any]] = {
    "cn-retail-4level": {"details": {"object": "goods"}, "demand": {"type": "refund"}},
    "cn-packaging-abcd": {"details": {"phenomena": ["late_delivery"]}},
}


def test_the_table_is_whole() -> None:
    union = get_args(get_args(Step)[0])
    forms = {get_args(form.model_fields["step"].annotation)[0] for form in union}
    assert forms == set(STEPS)
    assert set(STEPS) <= set(MAY)
    reached = {each.target for each in TABLE} | {Stage.REGISTERED, Stage.GRADED, Stage.DISPATCHED}
    assert reached | {Stage.FED_BACK, Stage.SURVEYED, None} == {*Stage, None}
    for stage in Stage:
        assert steps_from(stage) or stage in {Stage.ANSWERED, Stage.FED_BACK, Stage.ARCHIVED} | {*Stage}


def test_from_every_stage_there_is_a_way_to_the_end() -> None:
    moves = {
        stage: {each.target for each in TABLE if stage in each.sources and each.target} for stage in Stage
    }
    by_themselves = {
        Stage.REGISTERED: {Stage.GRADED}, Stage.SCREENED: {Stage.GRADED}, Stage.REOPENED: {Stage.GRADED},
        Stage.GRADED: {Stage.DISPATCHED}, Stage.ANSWERED: {Stage.FED_BACK}, Stage.FED_BACK: {Stage.SURVEYED},
    }  # fmt: skip
    for stage in Stage:
        seen, edge = {stage}, {stage}
        while edge:
            edge = {to for each in edge for to in moves[each] | by_themselves.get(each, set())} - seen
            seen |= edge
        assert seen & ENDED, stage


def test_a_refusal_names_what_is_possible() -> None:
    record = at_dispatched()
    with pytest.raises(Conflict, match="possible now: accept, disown"):
        record.do("offer")


def test_the_whole_way() -> None:
    record = at_proposed()
    for step, stage in (
        ("offer", "offered"), ("agree", "agreed"), ("start", "implementing"), ("implement", "implemented"),
        ("audit", "audited"), ("answer", "answered"),
    ):  # fmt: skip
        assert record.do(step).stage == stage
    assert record.told().stage == "fed_back"
    assert record.scored(9).stage == "closed"
    assert record.do("archive").stage == "archived"
    assert record.said.count("complaint.closed") == 1
    assert allowed(record.state) == []


def test_the_same_key_takes_a_step_once_and_no_other_step() -> None:
    asked = Request(STEP.validate_python({"step": "accept"}), STAFF, "key", "digest")
    state, said = take(at_dispatched().state, cause(asked))
    assert [type(fact) for fact in said] == [ComplaintAccepted, HandlerNamed]
    again, said = take(state, cause(asked))
    assert (again, said) == (state, [])
    with pytest.raises(Invalid):
        take(state, cause(replace(asked, digest="another")))


def test_a_low_score_begins_a_new_round_and_forgets_the_old_solution() -> None:
    record = at_proposed().through("offer", "agree", "implement", "audit", "answer").told().scored(1)
    assert (record.stage, record.state.cycle) == ("reopened", 2)
    assert record.state.solution is None
    assert record.state.passed is None


def test_a_second_proposal_of_a_round_says_its_number() -> None:
    record = at_proposed().through("offer", "negotiate", "propose")
    proposed = [fact.model_dump()["number"] for fact in record.facts if "solution_proposed" in fact.type]
    assert proposed == [1, 2]


def test_forms_of_steps_hold_what_they_must_say() -> None:
    assert {"answer", "close", "reject", "reopen", "disagree", "disown"} <= set(FORMS)
