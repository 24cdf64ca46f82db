"""Under every regulation in the box every way comes to its end, given what the regulation asks for."""

from typing import Any

import pytest

from services.intake.domain.approval import outstanding
from services.intake.domain.doing import class_of
from services.intake.domain.facts import facts_of, pack_of
from services.intake.domain.handling import AddEvidence, allowed
from shared.policy import FactRule, Pack, in_box, in_use, load
from shared.problems import Conflict, Invalid
from tests.kit.complaint import START
from tests.kit.intake import OTHER, Record, actor, approve_all, evidence, money

USABLE = sorted({pack for pack, _, trouble in in_use() if not trouble and (pack, 1) in in_box()})
WHO = {"name": "Ann", "email": "a@example.com", "phone": "13900000000", "address": "1 Long Road"}
FORM = {
    "product": {"name": "pan", "model": "P", "batch": "B"}, "demand": {"type": "refund"}, "place": "at home",
}  # fmt: skip
VALUES: dict[str, Any] = {
    "integer": 2, "decimal": 1, "money": 1, "boolean": True, "text": "said", "instant": START.isoformat(),
}  # fmt: skip


def value(rule: FactRule) -> Any:
    """Something that is known of such a fact."""
    options = list(rule.options)
    return VALUES.get(rule.type) or (options if rule.type == "choices" else options[0])


def registered(name: str) -> Record:
    pack = load(name, 1)
    body: dict[str, Any] = {"channel": pack.channels[0], "complainant": WHO} | FORM
    try:
        return Record(name, **body)
    except Invalid as refused:
        asked = [fault.pointer.removeprefix("#/details/") for fault in refused.errors]
        return Record(name, **body, details={each: value(pack.facts[each]) for each in asked})


def at_departments(name: str) -> Record:
    record = registered(name).graded(list(load(name, 1).scheme.grades)[-1])
    record.ask(AddEvidence(evidence(), {}))
    if "screen" in allowed(record.state):
        record.do("screen")
    return record.dispatched(next(iter(load(name, 1).departments)))


def insist(record: Record, step: str, **more: Any) -> None:
    """Take a step, telling on the way whatever rules of the pack want to know."""
    for _ in range(5):
        try:
            record.do(step, **more)
            return
        except Conflict:
            pack = pack_of(record.state)
            needs = {
                name for rule in pack.held_back(step, facts_of(record.state)) for name in rule.needs.names()
            }
            if not (wanted := needs & set(pack.facts)) and "verified" not in needs:
                raise
            record.revise(details={each: value(pack.facts[each]) for each in wanted}, verified=True)
    raise AssertionError(f"{step} waits for ever")


def propose(record: Record) -> None:
    insist(record, "accept")
    class_ = class_of(record.state)
    insist(record, "investigate", cause=class_.causes[0] if class_ and class_.causes else "found")
    pack, kinds = pack_of(record.state), class_.solutions if class_ else ()
    plan = {
        "department": next(iter(pack.departments)),
        "permanent": "p",
        "owner": "o",
        "due": START.isoformat(),
    }
    insist(record, "propose", **plan, cost=money("10"), kind=kinds[0] if kinds else None)
    while outstanding(record.state):
        approve_all(record)
    insist(record, "offer")


def solve(record: Record) -> None:
    propose(record)
    insist(record, "agree")
    insist(record, "implement", spent=money("10"))
    insist(record, "audit")
    tell(record)


def tell(record: Record) -> None:
    insist(record, "answer")
    end(record)


def end(record: Record) -> None:
    record.told()
    if record.stage == "fed_back":
        record.scored(9)
    if record.stage == "surveyed":
        insist(record, "close")
    assert record.stage == "closed"


@pytest.mark.parametrize("name", USABLE)
def test_a_complaint_is_solved(name: str) -> None:
    record = at_departments(name)
    solve(record)
    assert record.state.outcome == "resolved"


@pytest.mark.parametrize("name", USABLE)
def test_there_is_no_agreement(name: str) -> None:
    record = at_departments(name)
    propose(record)
    insist(record, "disagree")
    insist(record, "audit")
    tell(record)
    assert record.state.outcome == "disagreed"


@pytest.mark.parametrize("name", USABLE)
def test_it_is_not_ours(name: str) -> None:
    record = at_departments(name).do("disown").do("disown", OTHER)
    insist(record, "audit")
    tell(record)
    assert record.state.outcome == "not_ours"


def screening(pack: Pack) -> bool:
    return "screen" not in pack.without


@pytest.mark.parametrize("decision", ["refused", "transferred", "referred"])
@pytest.mark.parametrize("name", [name for name in USABLE if screening(load(name, 1))])
def test_it_is_not_taken_in_and_taken_in_after_all(name: str, decision: str) -> None:
    record = registered(name)
    record.do("screen", decision=decision, reason="It is for the court.")
    end(record)
    assert record.state.outcome == decision
    record.do("reopen").graded(list(load(name, 1).scheme.grades)[-1])
    assert record.stage == "reopened"
    assert "screen" in allowed(record.state)
    record.do("screen").dispatched(next(iter(load(name, 1).departments)))
    if not record.state.evidence:
        record.ask(AddEvidence(evidence(), {}))
    solve(record)


@pytest.mark.parametrize("name", USABLE)
def test_it_is_withdrawn_at_once_and_begun_anew(name: str) -> None:
    record = registered(name).do("withdraw").do("reopen").graded(list(load(name, 1).scheme.grades)[-1])
    if screening(load(name, 1)):
        record.do("screen")
    record.ask(AddEvidence(evidence(), {})).dispatched(next(iter(load(name, 1).departments)))
    solve(record)


def test_the_way_round_is_not_shorter() -> None:
    """What was approved counts for what was known then; sums are compared, all of them, or refused."""
    record = at_departments("base")
    insist(record, "accept")
    insist(record, "investigate", cause="material")
    strange = {"value": 1, "currency": "XXX"}
    with pytest.raises(Invalid):
        record.do("propose", cost=strange)
    with pytest.raises(Invalid):
        record.do("propose", compensation=strange)
    record.do("propose", compensation=money("60000"))
    assert outstanding(record.state) == ["department_head", "general_manager"]
    approve_all(record)
    record.do("offer").revise(facts={"injured": 1})
    assert outstanding(record.state) == ["general_manager"]
    with pytest.raises(Conflict):
        record.do("agree")
    record.do("approve", actor("approver 1", "general_manager")).do("agree")
    with pytest.raises(Invalid, match="say what was spent"):
        record.do("implement")
    record.do("implement", spent=money("50000")).do("audit", passed=False)
    with pytest.raises(Invalid, match="at most 60000"):
        record.do("implement", spent=money("10000.01"))
    record.do("implement", spent=money("10000"))
    assert record.state.spent is not None
    assert record.state.spent.value == 60_000
