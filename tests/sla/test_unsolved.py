"""Answered without a solution: clocks that wait for one end there, and the others go on."""

from datetime import timedelta
from itertools import permutations
from typing import Any, get_args

import pytest

from shared.events import (
    ComplaintAccepted,
    ComplaintAnswered,
    ComplaintClosed,
    ComplaintFedBack,
    ComplaintScreened,
    Fact,
    FactsRevised,
    Outcome,
    SolutionProposed,
)
from tests.kit.clocks import Case, dispatched, graded
from tests.kit.complaint import START, registered

WITHOUT = [each for each in get_args(Outcome) if each != "resolved"]


def of(pack: str = "base", **given: Any) -> Case:
    """A complaint whose proposal is due 49 hours after its start, one hour after it was dispatched."""
    case = Case()
    case.hears(registered(pack=pack, **given))
    case.hears(graded("ordinary"))
    case.hears(dispatched("quality"), hours=1)
    return case


def answered(case: Case, outcome: Any, hours: float = 3) -> list[str]:
    case.hears(ComplaintAnswered(cycle=1), hours=hours)
    return case.hears(ComplaintFedBack(cycle=1, outcome=outcome), hours=hours)


@pytest.mark.parametrize("outcome", WITHOUT)
def test_a_clock_that_waits_for_a_solution_ends_with_an_answer_that_is_none(outcome: str) -> None:
    case = of()
    assert answered(case, outcome) == ["met resolve"]
    assert case.clock("propose").ended == START + timedelta(hours=3)
    assert set(case.passes(hours=5000)) == {
        "cancelled acknowledge",
        "cancelled accept",
        "cancelled propose",
    }


def test_after_a_solution_the_clocks_run_as_long_as_the_cycle() -> None:
    case = of()
    answered(case, "resolved")
    assert case.clock("propose").ended is None
    assert "breached propose" in case.passes(hours=5000)


def test_what_was_overdue_by_then_was_missed() -> None:
    case = of()
    case.hears(ComplaintAccepted(cycle=1, department="quality"), hours=2)
    answered(case, "disagreed", hours=500)
    assert [line for line in case.passes(hours=500) if "propose" in line] == [
        "breached propose",
        "missed propose",
    ]


def test_news_that_stopped_a_clock_in_time_still_counts_when_it_comes_late() -> None:
    case = of()
    answered(case, "refused", hours=5)
    proposed = SolutionProposed(cycle=1, measure="repair", department="quality")
    assert case.hears(proposed, hours=4) == ["met propose"]


def test_a_clock_that_facts_stop_runs_on_for_they_may_still_be_told() -> None:
    """A duty to report does not end with an answer to the customer."""
    case = of("cn-field-24-48-5", details={"onsite_required": True})
    answered(case, "not_ours")
    assert case.clock("resolve").ended == START + timedelta(hours=3)
    assert case.clock("onsite").ended is None
    arrived = {"onsite_required": True, "onsite_arrived_at": "2026-09-19T15:00:00+08:00"}
    assert case.hears(FactsRevised(revision=1, details=arrived), hours=30) == ["met onsite"]


def test_the_order_of_the_end_does_not_matter() -> None:
    news: list[tuple[Fact, float]] = [
        (ComplaintScreened(cycle=1, decision="refused"), 2),
        (ComplaintAnswered(cycle=1), 3),
        (ComplaintFedBack(cycle=1, outcome="refused"), 4),
        (ComplaintClosed(cycle=1, outcome="refused"), 900),
    ]
    ends = []
    for order in permutations(news):
        case = of()
        for fact, hours in order:
            case.hears(fact, hours)
        case.passes(hours=5000)
        ends.append([(each.name, each.outcome, each.ended) for each in case.state.clocks])
    assert all(each == ends[0] for each in ends)


def test_an_end_that_is_heard_of_late_takes_a_breach_back() -> None:
    """The closing came first, and by it the proposal was late; it was not, by the answer."""
    case = of()
    case.hears(ComplaintClosed(cycle=1, outcome="refused"), hours=900)
    assert "missed propose" in case.passes(hours=901)
    assert "set propose" in answered(case, "refused", hours=4)
    assert "cancelled propose" in case.passes(hours=902)
    assert case.clock("propose").outcome == "cancelled"
