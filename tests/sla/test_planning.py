"""Clocks follow from what is known: regrades, facts, waits, migrations and calendars move them."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.sla.domain.calculation import explained
from services.sla.domain.deadlines import plan
from shared import policy
from shared.events import (
    ComplaintAccepted,
    ComplaintAnswered,
    ComplaintClosed,
    ComplaintMigrated,
    ComplaintPaused,
    ComplaintResumed,
    FactsRevised,
    SolutionImplemented,
    SolutionProposed,
)
from tests.kit.clocks import Case, dispatched, graded
from tests.kit.complaint import START, registered

SHANGHAI = ZoneInfo("Asia/Shanghai")
WAIT = ComplaintPaused(cycle=1, number=1, waits_for="customer")
GO_ON = ComplaintResumed(cycle=1, number=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def ordinary(**given: Any) -> Case:
    """Registered on Friday 18 September 2026 at 17:59 in Shanghai, graded ordinary, sent to quality."""
    case = Case()
    case.hears(registered(**given))
    case.hears(graded("ordinary"))
    case.hears(dispatched("quality", "production"), hours=1)
    return case


def test_a_graver_grade_moves_the_clocks_that_still_run() -> None:
    case = ordinary()
    assert case.clock("resolve").due == at("2026-10-10T00:00") - timedelta(days=0)
    case.hears(ComplaintAccepted(cycle=1, department="quality"), hours=2)
    assert case.hears(graded("critical", revision=2), hours=3) == ["set propose", "set resolve"]
    assert case.clock("resolve").due == at("2026-09-23T00:00")
    assert case.clock("accept").outcome == "met"
    assert case.clock("accept").grade == "ordinary"


def test_a_wait_stops_the_clocks_that_allow_for_it_and_survives_a_regrade() -> None:
    case = ordinary()
    assert case.hears(WAIT, hours=24) == ["paused propose", "paused resolve"]
    assert case.clock("propose").status == "paused"
    assert {line.split()[1] for line in case.passes(hours=24 * 60)} == {"accept", "acknowledge"}
    assert "set propose" not in case.hears(graded("critical", revision=2), hours=25)
    assert case.clock("propose").status == "paused"
    assert case.hears(GO_ON, hours=34) == ["resumed propose", "resumed resolve"]
    assert case.clock("propose").due == START + timedelta(hours=1 + 24 + 10)


def test_what_ends_during_a_wait_is_in_time() -> None:
    case = ordinary()
    case.hears(WAIT, hours=24)
    assert case.hears(SolutionProposed(cycle=1, measure="repair", department="quality"), hours=2400) == [
        "met propose"
    ]


def test_a_wait_after_the_due_time_changes_nothing_and_the_ladder_goes_on() -> None:
    case = ordinary()
    case.hears(graded("critical", revision=2), hours=1)
    assert case.passes(hours=3.01) == ["breached accept", "escalated accept department_head"]
    case.hears(WAIT, hours=4)
    assert case.passes(hours=8) == ["escalated accept service_manager"]


def test_a_step_that_moves_later_is_said_again_and_an_earlier_one_is_not() -> None:
    case = ordinary()
    case.hears(graded("critical", revision=2), hours=1)
    assert case.passes(hours=2.7) == ["warned accept"]
    case.hears(graded("ordinary", revision=3), hours=2.8)
    assert case.passes(hours=2.9) == []
    assert case.passes(hours=21) == ["warned accept"]
    case.hears(graded("critical", revision=4), hours=21)
    assert case.passes(hours=21)[:2] == [
        "breached accept",
        "escalated accept department_head service_manager",
    ]


def test_a_clock_born_overdue_says_so_once_without_a_storm() -> None:
    case = Case()
    case.hears(registered(pack="cn-field-24-48-5", received_at=START - timedelta(days=30)))
    case.hears(graded("ordinary"))
    said = case.passes(hours=0.1)
    assert said == [
        "breached accept",
        "escalated accept department_head sales_director",
        "breached resolve",
        "escalated resolve department_head sales_director",
    ]
    assert case.passes(hours=500) == []


def test_the_customers_deadline_moves_that_clock_alone() -> None:
    """P20: a later change of the customer's deadline recalculates `resolve` only; one in the past is told."""
    case = Case()
    case.hears(registered(pack="cn-field-24-48-5"))
    case.hears(graded("ordinary"))
    assert case.clock("resolve").due == at("2026-09-25T00:00")
    named = FactsRevised(revision=1, customer_deadline=at("2026-09-21T12:00"))
    assert case.hears(named, hours=1) == ["set resolve"]
    assert case.clock("resolve").due == at("2026-09-21T12:00")
    earlier = FactsRevised(revision=2, customer_deadline=START - timedelta(days=1))
    assert case.hears(earlier, hours=2) == ["set resolve"]
    assert case.passes(hours=2) == ["breached resolve", "escalated resolve department_head sales_director"]


def test_a_visit_found_necessary_late_is_counted_from_the_receipt() -> None:
    """P20: `onsite` opens when somebody says so, and is overdue if that is after 48 hours."""
    case = Case()
    case.hears(registered(pack="cn-field-24-48-5"))
    case.hears(graded("ordinary"))
    assert {each.name for each in case.state.clocks} == {"accept", "resolve"}
    assert case.hears(FactsRevised(revision=1, details={"onsite_required": True}), hours=60) == ["set onsite"]
    assert case.clock("onsite").due == at("2026-09-20T17:59")
    assert "breached onsite" in case.passes(hours=60)
    arrived = {"onsite_required": True, "onsite_arrived_at": "2026-09-20T15:00:00+08:00"}
    assert case.hears(FactsRevised(revision=2, details=arrived), hours=61) == ["met onsite"]


def test_a_clock_that_is_none_any_more_is_cancelled_and_may_come_back() -> None:
    case = Case()
    case.hears(registered(pack="cn-field-24-48-5", details={"onsite_required": True}))
    case.hears(graded("ordinary"))
    assert case.hears(FactsRevised(revision=1, details={"onsite_required": False}), hours=1) == [
        "cancelled onsite"
    ]
    assert case.hears(FactsRevised(revision=2, details={"onsite_required": True}), hours=2) == ["set onsite"]


def test_the_vehicle_pack_counts_from_the_description_and_from_another_departments_receipt() -> None:
    """P26: described on Friday 18 September at 17:00, due at the end of Sunday the 20th, a make-up day."""
    case = Case()
    case.hears(
        registered(
            pack="cn-vehicle-1wd", received_at=at("2026-09-16T09:00"), details={"description_clear": False}
        )
    )
    case.hears(graded("normal"))
    assert case.state.clocks == []
    clear = FactsRevised(revision=1, details={"description_clear": True})
    case.hears(clear, hours=(at("2026-09-18T17:00") - START) / timedelta(hours=1))
    assert case.clock("report").due == at("2026-09-21T00:00")
    case.hears(dispatched("quality"), hours=1)
    case.hears(ComplaintAccepted(cycle=1, department="quality"), hours=2)
    assert case.clock("name_lead").due == at("2026-09-21T00:00")
    named = {"description_clear": True, "lead_department": "research"}
    assert case.hears(FactsRevised(revision=2, details=named), hours=3) == ["met name_lead"]


def test_an_answer_ends_a_clock_though_the_news_of_a_graver_grade_comes_after_it() -> None:
    case = ordinary()
    case.hears(SolutionImplemented(cycle=1), hours=30)
    case.hears(SolutionProposed(cycle=1, measure="repair", department="quality"), hours=30)
    assert case.clock("propose").outcome == "met"
    assert "missed propose" not in case.hears(graded("critical", revision=2), hours=40)
    assert case.clock("propose").outcome == "met"


def test_a_migration_moves_what_runs_and_ends_what_the_pack_does_not_know() -> None:
    case = ordinary()
    case.hears(ComplaintAccepted(cycle=1, department="quality"), hours=2)
    moved = ComplaintMigrated(migration=1, pack="cn-field-24-48-5", pack_version=1, from_version=1)
    assert case.hears(moved, hours=3) == ["cancelled acknowledge", "cancelled propose", "set resolve"]
    assert case.clock("accept").outcome == "met"
    assert case.clock("accept").due == START + timedelta(hours=25)
    assert case.clock("resolve").due == at("2026-09-25T00:00")


def test_a_clock_for_each_department(monkeypatch: pytest.MonkeyPatch) -> None:
    each = policy.load("base", 1).clocks["accept"].model_copy(update={"each_department": True})
    pack = policy.load("base", 1).model_copy(update={"clocks": {"accept": each}})
    monkeypatch.setattr("services.sla.domain.reckoning.load", lambda *_: pack)
    case = ordinary()
    assert [clock.department for clock in case.state.clocks] == ["production", "quality"]
    case.hears(ComplaintAccepted(cycle=1, department="quality"), hours=2)
    assert case.clock("accept", department="quality").outcome == "met"
    assert case.clock("accept", department="production").outcome is None
    assert case.hears(dispatched("quality", "support", revision=2), hours=3) == [
        "cancelled accept production",
        "set accept support",
    ]
    assert case.clock("accept", department="support").started == START + timedelta(hours=3)


def test_a_calendar_that_comes_late_makes_what_was_provisional_right(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case()
    case.hears(registered(received_at=at("2026-12-30T10:00")))
    case.hears(graded("critical"))
    assert case.clock("resolve").provisional
    assert not case.clock("acknowledge").provisional  # natural hours ask no calendar
    before = policy.load_calendar("cn-mainland")
    off = {date(2027, 1, day): "元旦" for day in (1, 2, 3)}
    notice = before.model_copy(
        update={"version": 2, "years": (*before.years, 2027), "days_off": before.days_off | off}
    )
    monkeypatch.setattr("services.sla.domain.deadlines.load_calendar", lambda name: notice)
    monkeypatch.setattr("services.sla.domain.reckoning.load_calendar", lambda name: notice)
    state, told = plan(case.state, START)
    assert [fact.type for fact in told] == ["deadline.set.v1"]
    resolve = next(each for each in state.clocks if each.name == "resolve")
    assert resolve.due == at("2027-01-06T00:00")
    assert not resolve.provisional
    assert state.calendar_version == 2


def test_what_counted_adds_up_to_the_budget() -> None:
    case = ordinary()
    case.hears(WAIT, hours=24)
    case.hears(GO_ON, hours=100)
    for clock in case.state.clocks:
        told = explained(case.state, clock)
        assert told is not None
        assert told.total == told.budget
        assert told.intervals[0].since == clock.started
        assert told.intervals[-1].until == clock.due


def test_a_closed_complaint_says_nothing_more() -> None:
    case = ordinary()
    case.hears(ComplaintAnswered(cycle=1), hours=2)
    case.hears(ComplaintClosed(cycle=1), hours=3)
    assert set(case.passes(hours=5000)) == {
        "cancelled accept",
        "cancelled acknowledge",
        "cancelled propose",
        "cancelled resolve",
    }
    assert case.passes(hours=6000) == []
