"""Stage rules read off the regulations: what each asks for, and what must wait until it is there."""

import json
from datetime import timedelta
from typing import Any

import pytest

from services.intake.domain.facts import lacking
from services.intake.domain.handling import AddEvidence, allowed
from services.intake.domain.roles import Actor
from shared.policy import draft_from, publish
from shared.problems import Conflict, Forbidden, Invalid
from tests.kit.complaint import START
from tests.kit.intake import (
    Record,
    actor,
    at_dispatched,
    at_proposed,
    evidence,
)

# screening: P10 (in scope), P16 (within after-sales), P21 (refusal with reasons), samr art. 14


def test_a_regulation_with_screening_waits_for_it_before_it_is_graded_onwards() -> None:
    record = Record("cn-samr").graded()
    assert record.stage == "registered"
    assert "screen" in allowed(record.state)
    assert record.do("screen").stage == "graded"
    assert record.said[-1] == "complaint.screened"


def test_a_regulation_without_screening_does_not_know_the_step() -> None:
    record = Record("base")
    with pytest.raises(Conflict):
        record.do("screen")
    assert record.graded().stage == "graded"


@pytest.mark.parametrize("decision", ["refused", "transferred", "referred"])
def test_whoever_is_not_taken_in_hears_why_and_it_ends_there(decision: str) -> None:
    record = Record("cn-petition")
    with pytest.raises(Invalid, match="with reasons"):
        record.do("screen", decision=decision)
    record.do("screen", decision=decision, reason="This is for the court.")
    assert record.stage == "answered"
    assert record.said[-3:] == ["complaint.screened", "complaint.answered", "reply.recorded"]
    record.told()
    assert record.stage == "closed"
    assert record.state.outcome == decision


# departments: P01, P10 (lead), P26 (a lead that need not be the guilty one)


def test_departments_beside_the_lead_accept_for_themselves() -> None:
    record = Record().graded().dispatched("quality", "production", "research")
    record.do("accept", department="production")
    assert record.stage == "dispatched"
    record.do("accept")
    assert record.stage == "accepted"
    with pytest.raises(Invalid, match="use one of quality, production, research"):
        record.do("accept", department="sales")


def test_people_of_a_department_take_its_steps_only() -> None:
    record = at_dispatched()
    stranger = Actor("s", frozenset({"handler"}), frozenset({"sales"}))
    own = Actor("q", frozenset({"handler"}), frozenset({"quality"}))
    with pytest.raises(Forbidden, match="people of quality"):
        record.do("accept", stranger)
    assert record.do("accept", own).stage == "accepted"


def test_a_cause_is_one_of_its_class() -> None:
    record = at_dispatched().do("accept").do("investigate", cause=None)
    assert record.stage == "investigating"
    with pytest.raises(Invalid, match="material, process, design"):
        record.do("investigate", cause="witchcraft")
    assert record.do("investigate").stage == "investigated"


# not ours: P29, the marketing manager confirms again and explains to the customer


def test_not_ours_takes_two_people_and_an_explanation() -> None:
    record = at_dispatched("cn-kpi-95", details={"sheet_reviewed": True}).do("disown")
    assert record.stage == "disowned"
    with pytest.raises(Forbidden, match="second person"):
        record.do("disown")
    with pytest.raises(Forbidden, match="marketing_manager"):
        record.do("disown", actor("third", "handler"))
    record.do("disown", actor("mia", "marketing_manager"))
    assert record.stage == "not_ours"
    record.do("answer").told().scored(9)
    assert record.stage == "surveyed"
    assert record.do("close").stage == "closed"
    assert record.state.outcome == "not_ours"


def test_one_confirmation_closes_nothing() -> None:
    record = at_dispatched("cn-kpi-95", details={"sheet_reviewed": True}).do("disown")
    with pytest.raises(Conflict):
        record.do("close")
    with pytest.raises(Conflict):
        record.do("answer")
    assert record.do("own").stage == "dispatched"
    assert record.state.disowned == []


# solutions: P01 (department, person, time), P26 (interim and permanent), P16 (misuse)


WORDS = {"zh-CN": "试", "en": "Bound for a test"}


def bound(name: str, **parameters: object) -> str:
    """The pack with its open parameters bound, as a pack of its own."""
    pack = f"{name}-bound"
    values = {each: {"title": WORDS, "value": value} for each, value in parameters.items()}
    content = {"pack": pack, "version": 1, "extends": f"{name}/1", "parameters": values}
    publish(draft_from(json.dumps(content), pack).content)
    return pack


def test_a_solution_names_department_person_and_time_before_it_is_offered() -> None:
    pack = bound(
        "cn-product-general",
        ordinary_proposal_days=5,
        ordinary_completion_days=10,
        urgent_opinion_hours=24,
        urgent_completion_days=3,
    )
    record = at_proposed(pack, product={"name": "kettle"})
    with pytest.raises(Conflict, match="completion, department, owner"):
        record.do("offer")
    other = at_dispatched(pack, product={"name": "kettle"}).through("accept", "investigate")
    other.do("propose", owner="Li", due=START + timedelta(days=3)).do("offer")
    other.through("agree", "implement")
    with pytest.raises(Conflict):
        other.do("answer")
    assert other.do("audit").do("answer").stage == "answered"


def test_misuse_without_an_estimate_is_not_repaired() -> None:
    pack = bound("cn-after-sales-24h", repair_days=10, warranty_days=90)
    record = at_proposed(pack, channel="hotline", details={"finding": "misuse"}).through("offer", "agree")
    with pytest.raises(Conflict, match=r"cost_estimate, estimate_accepted \[维修方案和费用预估\]"):
        record.do("implement")
    record.revise(details={"cost_estimate": 200, "estimate_accepted": True})
    assert record.do("implement").stage == "implemented"


def test_both_measures_are_there_before_a_vehicle_case_is_closed() -> None:
    record = at_dispatched("cn-vehicle-1wd", **VEHICLE).do("accept")
    record.do("investigate").do("propose", measure="fit a shim").through(
        "offer", "agree", "implement", "audit"
    )
    record.do("answer").told().scored(9)
    assert record.stage == "surveyed"
    with pytest.raises(Conflict, match="permanent_measure"):
        record.do("close")
    record.revise(details={"permanent_measure": "new part", "execution_audited": True})
    assert record.do("close").stage == "closed"


VEHICLE: dict[str, Any] = {
    "product": {"name": "car", "model": "M1"},
    "details": {
        "place": "Wuhan", "production_date": "2025-01-01", "sale_date": "2025-02-01", "vin": "LSV1",
        "mileage": 100, "fault_count": 2, "lead_department": "quality",
    },
}  # fmt: skip


def test_an_unclear_description_needs_pictures_before_a_department_takes_it() -> None:
    details = VEHICLE["details"] | {"description_clear": False}
    record = at_dispatched("cn-vehicle-1wd", **VEHICLE | {"details": details})
    assert lacking(record.state) == ["evidence"]
    with pytest.raises(Conflict, match=r"evidence \[required\]"):
        record.do("accept")
    record.ask(AddEvidence(evidence(), {}))
    assert record.do("accept").stage == "accepted"


# the customer's word: P03 (confirmed before execution), P10 (no agreement, other remedies)


def test_nothing_is_carried_out_before_the_customer_agrees() -> None:
    record = at_proposed().do("offer")
    with pytest.raises(Conflict):
        record.do("implement")
    assert record.do("agree").do("implement").stage == "implemented"


def test_no_agreement_ends_with_reasons_and_other_remedies_named() -> None:
    record = at_proposed().do("offer")
    with pytest.raises(ValueError, match="remedies"):
        record.do("disagree", remedies="")
    record.do("disagree")
    assert record.stage == "disagreed"
    record.do("answer").told().scored(1)
    assert (record.stage, record.state.outcome, record.state.cycle) == ("closed", "disagreed", 1)


# audit: P01 (the service desk checks before the customer is told)


def test_what_was_not_audited_is_not_told() -> None:
    record = at_proposed().through("offer", "agree", "implement")
    with pytest.raises(Conflict):
        record.do("answer")
    assert record.do("audit", passed=False).stage == "agreed"
    with pytest.raises(Forbidden):
        record.do("implement").do("audit", actor("l", "handler"))
    assert record.do("audit").do("answer").stage == "answered"


def test_proof_is_evidence_that_is_there() -> None:
    record = at_proposed().through("offer", "agree")
    with pytest.raises(Invalid, match="no evidence 1"):
        record.do("implement", proof=[1])
    record.ask(AddEvidence(evidence(purpose="proof"), {}))
    assert record.do("implement", proof=[1]).state.proof == [1]
