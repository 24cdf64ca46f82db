"""The gravest cases, and how complaints end, read off the regulations."""

from typing import Any
from uuid import UUID

import pytest

from services.intake.domain.facts import held_back
from services.intake.domain.handling import AddEvidence, allowed
from services.intake.domain.steps import WriteNote
from shared.problems import Conflict, Forbidden
from tests.kit.intake import (
    OTHER,
    PARTNER,
    RETAIL,
    Record,
    actor,
    approve_all,
    at_dispatched,
    at_proposed,
    evidence,
    retail_investigated,
)

# the gravest: P10 (top management at once, special team, one spokesperson), P23 (adverse event)


def test_the_emergency_plan_is_for_the_gravest_and_one_person_speaks() -> None:
    record = at_dispatched()
    with pytest.raises(Conflict):
        record.do("emergency")
    record = Record().graded("critical").dispatched().do("emergency")
    assert "general_manager" in record.facts[-1].model_dump()["roles"]
    record.do("emergency", spokesperson="zhao").do("emergency")
    record.through("accept", "investigate", "propose")
    approve_all(record)
    record.through("offer", "agree", "implement", "audit")
    with pytest.raises(Forbidden, match="spokesperson"):
        record.do("answer")
    assert record.do("answer", actor("Zhao", "spokesperson")).stage == "answered"


def test_a_grave_retail_case_has_team_plan_and_people_before_it_is_investigated() -> None:
    record = Record("cn-retail-4level", **RETAIL | {"details": {"object": "goods", "media": True}})
    record.graded("critical").do("screen").dispatched().ask(AddEvidence(evidence(), {})).do("accept")
    with pytest.raises(Conflict, match="team_named"):
        record.do("investigate")
    record.do("emergency").revise(details={"people_looked_after": True})
    assert record.do("investigate").stage == "investigated"


def test_every_customer_is_asked_for_an_adverse_event_and_a_yes_is_assessed_at_once() -> None:
    record = at_dispatched("iso13485-feedback", **DEVICE).do("accept")
    record.do("adverse_event", occurred=True, answer="My father died.")
    with pytest.raises(Conflict, match="adverse_event_assessed"):
        record.do("investigate")
    record.do("adverse_event", occurred=True, assessed=True)
    assert record.do("investigate").stage == "investigated"


DEVICE: dict[str, Any] = {
    "channel": "letter",
    "complainant": {"name": "Ann", "email": "a@example.com", "phone": "13900000000", "address": "1 Long Rd"},
    "product": {"name": "pump", "model": "P", "batch": "B1"},
    "details": {
        "source_form": "written", "code": "C", "ship_date": "2026-01-01", "adverse_event": False,
        "adverse_event_answer": "no",
    },
}  # fmt: skip


# the end: P10 (summary and archive), banks art. 15 (withdrawal), P22 (second tier)


def test_a_retail_case_is_closed_with_a_summary() -> None:
    record = retail_investigated().do("propose").through("offer", "agree", "implement", "audit", "answer")
    record.told().scored(9)
    assert record.stage == "surveyed"
    assert record.do("close").do("archive").stage == "archived"
    assert record.state.summary in record.state.personal


def test_withdrawal_ends_it_the_moment_it_arrives() -> None:
    record = at_dispatched().do("pause").do("withdraw")
    assert (record.stage, record.state.outcome) == ("closed", "withdrawn")
    assert record.said[-3:] == ["complaint.resumed", "complaint.withdrawn", "complaint.closed"]
    assert allowed(record.state) == ["archive", "reopen", "relate"]


def test_a_merged_complaint_goes_on_elsewhere() -> None:
    record = at_dispatched().do("merge")
    assert record.state.merged_into == UUID(int=7)
    with pytest.raises(Conflict):
        record.do("reopen")


def test_a_closed_complaint_can_be_reopened_with_a_reason() -> None:
    record = at_dispatched().do("withdraw").do("reopen")
    assert (record.stage, record.state.cycle, record.state.outcome) == ("reopened", 2, "resolved")


# people: P08 (whom it is about), partners


def test_whom_a_complaint_is_about_takes_no_part_in_it() -> None:
    record = at_dispatched().revise(respondents=["other"])
    with pytest.raises(Forbidden, match="is about"):
        record.do("accept", OTHER)


def test_a_partner_passes_on_the_customers_word_and_no_more() -> None:
    record = at_proposed().do("offer")
    with pytest.raises(Forbidden):
        record.do("pause", PARTNER)
    assert record.do("agree", PARTNER).stage == "agreed"


def test_a_special_cleaning_case_without_a_deadline_waits() -> None:
    record = Record("cn-cleaning-1h", details={"special": True}).graded()
    assert held_back(record.state) == ["customer_deadline [限定时间]"]


def test_a_record_that_is_full_takes_no_more_notes_but_can_be_ended() -> None:
    record = at_dispatched()
    many = record.state.actions * 1_000
    record.state = record.state.model_copy(update={"actions": many})
    with pytest.raises(Conflict, match="as far as it may"):
        record.ask(WriteNote(text="one more"))
    assert record.do("withdraw").stage == "closed"
