"""What has ended stays judged, and what was told is put right where late news shows that it was wrong."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings

from services.sla.domain.calculation import explained
from services.sla.domain.deadlines import Acknowledging, acknowledge, hear, plan
from services.sla.domain.record import Deadlines
from shared import policy
from shared.documents import Draft
from shared.envelope import Cause
from shared.events import (
    ComplaintAccepted,
    ComplaintClosed,
    ComplaintFedBack,
    ComplaintPaused,
    ComplaintReopened,
    Fact,
    FactsRevised,
    SolutionProposed,
)
from shared.problems import Conflict, NotFound
from tests.kit.clocks import Case, dispatched, graded
from tests.kit.complaint import COMPLAINT, NUMBER, START, decide, registered
from tests.sla.test_laws import ways
from tests.sla.test_planning import WAIT, at, ordinary


def test_a_breach_is_not_wiped_out_by_closing_the_complaint_or_by_taking_a_fact_back() -> None:
    case = Case()
    case.hears(registered(pack="cn-field-24-48-5", details={"onsite_required": True}))
    case.hears(graded("ordinary"))
    case.passes(hours=49)
    case.hears(FactsRevised(revision=1, details={"onsite_required": False}), hours=50)
    assert case.clock("onsite").outcome == "missed"
    case.hears(ComplaintClosed(cycle=1), hours=51)
    assert case.passes(hours=51.1) == ["missed accept"]
    assert "cancelled resolve" in case.passes(hours=24 * 30)


def test_a_reopened_complaint_that_was_closed_has_clocks_that_speak() -> None:
    case = ordinary()
    case.hears(ComplaintClosed(cycle=1), hours=2)
    case.hears(ComplaintReopened(cycle=2, score=1), hours=3)
    case.hears(graded("critical", cycle=2), hours=3)
    case.hears(dispatched("quality", cycle=2), hours=3)
    assert "breached accept" in case.passes(hours=6)


def test_a_clock_that_waits_when_its_complaint_ends_is_cancelled() -> None:
    case = ordinary()
    case.hears(WAIT, hours=2)
    case.hears(ComplaintClosed(cycle=1), hours=3)
    assert {"cancelled propose", "cancelled resolve"} <= {*case.passes(hours=3.1)}


def test_a_calendar_does_not_judge_anew_what_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    case = ordinary()
    case.hears(graded("serious", revision=2), hours=1)
    proposed = SolutionProposed(cycle=1, measure="repair", department="quality")
    case.hears(proposed, hours=(at("2026-09-21T10:00") - START) / timedelta(hours=1))
    before = case.clock("propose")
    assert before.outcome == "met"
    china = policy.load_calendar("cn-mainland")
    worked = china.days_worked | {date(2026, 9, 19): "test"}
    newer = china.model_copy(update={"version": 2, "days_worked": worked})
    monkeypatch.setattr("services.sla.domain.deadlines.load_calendar", lambda name: newer)
    monkeypatch.setattr("services.sla.domain.reckoning.load_calendar", lambda name: newer)
    state, facts = plan(case.state, START + timedelta(days=10))
    assert {fact.model_dump()["clock"] for fact in facts} == {"resolve"}
    kept = next(each for each in state.clocks if each.name == "propose")
    assert kept == before
    monkeypatch.undo()
    told = explained(state, kept)  # by the version of the calendar that it ended under
    assert told is not None
    assert (told.calendar, told.total) == ("cn-mainland/1", told.budget)


def test_a_due_time_that_comes_back_is_not_told_a_second_time() -> None:
    case = ordinary()
    case.hears(graded("critical", revision=2), hours=1)
    assert "breached accept" in case.passes(hours=3.1)
    case.hears(graded("ordinary", revision=3), hours=4)
    case.hears(graded("critical", revision=4), hours=5)
    assert case.passes(hours=5) == ["escalated accept service_manager"] or case.passes(hours=5) == []
    assert case.said.count("breached accept") == 1


def test_taking_note_stops_the_ladder_for_good() -> None:
    case = ordinary()
    case.hears(graded("critical", revision=2), hours=1)
    note = Cause(uuid4(), COMPLAINT, NUMBER, START, "boss", Acknowledging(clock="accept"))
    with pytest.raises(Conflict, match="not breached"):
        acknowledge(case.state, note)
    with pytest.raises(NotFound, match="accept"):
        acknowledge(case.state, Cause(uuid4(), COMPLAINT, NUMBER, START, "boss", Acknowledging(clock="x")))
    case.passes(hours=3.1)
    case.draft.state, facts = acknowledge(case.state, note)
    assert [fact.type for fact in facts] == ["deadline.acknowledged.v1"]
    assert "boss" not in facts[0].model_dump_json()
    case.hears(ComplaintPaused(cycle=1, number=1, waits_for="customer"), hours=4)
    assert [line for line in case.passes(hours=9) if "accept" in line] == []
    assert case.clock("accept").acknowledged is not None


def test_news_that_comes_after_the_end_puts_it_right() -> None:
    case = ordinary()
    case.hears(ComplaintClosed(cycle=1), hours=100)
    assert "missed accept" in case.passes(hours=101)
    assert case.hears(ComplaintAccepted(cycle=1, department="quality"), hours=2) == ["met accept"]


LAST = {
    "set": None,
    "resumed": None,
    "warned": None,
    "breached": None,
    "escalated": None,
    "acknowledged": None,
}


@settings(max_examples=300, deadline=None)
@given(ways())
def test_the_last_word_on_a_clock_says_how_it_stands(way: list[Cause[Fact]]) -> None:
    draft: Draft[Any] = Draft(COMPLAINT)
    last: dict[Any, str] = {}

    def heard(state: Any, cause: Any) -> Any:
        after, facts = hear(state, cause)
        for fact in facts:
            last[fact.cycle, fact.clock] = fact.type.split(".")[1]  # type: ignore[attr-defined]
        return after, facts

    for news in sorted(way, key=lambda each: each.time):
        decide(draft, heard, news, "sla")
    assert isinstance(draft.state, Deadlines)
    for clock in draft.state.clocks:
        word = last[clock.cycle, clock.name]
        stands = clock.outcome or ("paused" if clock.paused else None)
        assert LAST.get(word, word) == stands, (clock.name, word)


def test_the_lead_and_the_others_accept_each_for_themselves() -> None:
    case = ordinary()
    case.hears(ComplaintAccepted(cycle=1, department="production"), hours=2)
    assert case.clock("accept").outcome is None
    case.hears(ComplaintAccepted(cycle=1, department="quality"), hours=3)
    assert case.clock("accept").outcome == "met"


def test_a_cycle_ends_with_the_first_word_of_the_next() -> None:
    case = ordinary()
    case.hears(ComplaintFedBack(cycle=1), hours=2)
    case.hears(ComplaintReopened(cycle=2, score=1), hours=3)
    assert case.clock("accept").ended == START + timedelta(hours=3)
    assert isinstance(case.clock("accept").next, datetime)
