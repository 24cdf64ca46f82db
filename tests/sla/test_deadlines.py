"""Clocks: when they start, what stops them, and that each says a thing once."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from services.sla.domain.deadlines import fire, hear
from services.sla.domain.record import Clock, Deadlines
from shared import clock
from shared.envelope import Cause
from shared.events import ComplaintAccepted, ComplaintDispatched, ComplaintGraded, ComplaintReopened
from tests.kit.complaint import COMPLAINT, NUMBER, START, registered

GRADED = ComplaintGraded(cycle=1, class_="usage", suggested=False, grade="critical", matches=())
DISPATCHED = ComplaintDispatched(cycle=1, lead="support", departments=("support",))
ACCEPTED = ComplaintAccepted(cycle=1, department="support")


def told(*facts: Any, minutes: int = 0) -> Deadlines:
    """The deadlines after these facts, so many minutes apart."""
    state: Deadlines | None = None
    for number, fact in enumerate(facts):
        at = START + timedelta(minutes=minutes * number)
        state, _ = hear(state, Cause(uuid4(), COMPLAINT, NUMBER, at, fact.owner, fact))
    assert state is not None
    return state


def fired(state: Deadlines, hours: float) -> tuple[Deadlines, list[str]]:
    until = clock.wake_at(START + timedelta(hours=hours))
    after, facts = fire(state, Cause(uuid4(), COMPLAINT, NUMBER, START, "sla", until))
    return after, [f"{fact.type} {fact.model_dump()['clock']}" for fact in facts]


def named(state: Deadlines, name: str) -> Clock:
    return next(each for each in state.clocks if each.name == name)


def test_clocks_start_when_grade_and_start_mark_are_known() -> None:
    assert told(registered()).clocks == []
    assert {each.name for each in told(registered(), GRADED).clocks} == {"acknowledge", "resolve"}
    assert len(told(registered(), GRADED, DISPATCHED).clocks) == 4


def test_hours_are_natural_and_working_days_end_at_midnight() -> None:
    state = told(registered(), GRADED, DISPATCHED)
    assert named(state, "accept").due == START + timedelta(hours=2)
    assert named(state, "resolve").due.isoformat() == "2026-09-23T00:00:00+08:00"  # 20, 21, 22 are worked


def test_a_mark_at_the_due_time_is_in_time_and_later_is_not() -> None:
    assert named(told(registered(), GRADED, DISPATCHED, ACCEPTED, minutes=60), "accept").outcome == "met"
    late = told(registered(), GRADED, DISPATCHED, ACCEPTED, minutes=121)
    assert named(late, "accept").outcome == "missed"
    assert named(late, "accept").breached


def test_a_warning_then_a_breach_and_each_once() -> None:
    state = told(registered(), GRADED, DISPATCHED)
    state, said = fired(state, 1.5)
    assert said == []
    state, said = fired(state, 1.6)
    assert said == ["deadline.warned.v1 accept"]
    state, said = fired(state, 1.7)
    assert said == []
    state, said = fired(state, 2.001)
    assert said == ["deadline.breached.v1 accept", "deadline.escalated.v1 accept"]
    state, said = fired(state, 3)
    assert said == []
    state, said = fired(state, 6.1)
    assert said == ["deadline.escalated.v1 accept"]
    state, said = fired(state, 15)
    assert said == []


def test_a_clock_born_overdue_says_so_once_without_a_warning() -> None:
    old: Any = registered(received_at=START - timedelta(days=60))
    state = told(old, GRADED)
    _, said = fired(state, 0)
    assert said == ["deadline.breached.v1 resolve", "deadline.escalated.v1 resolve"]


def test_a_stopped_clock_is_silent() -> None:
    state = told(registered(), GRADED, DISPATCHED, ACCEPTED)
    _, said = fired(state, 3)
    assert said == []


def test_a_clock_of_a_cycle_that_is_over_is_cancelled_at_its_time() -> None:
    state = told(registered(), GRADED, DISPATCHED, ComplaintReopened(cycle=2, score=1))
    _, said = fired(state, 2.001)
    assert said == ["deadline.cancelled.v1 accept"]


def test_the_next_instant_is_the_earliest_of_all_open_clocks() -> None:
    state = told(registered(), GRADED, DISPATCHED)
    assert state.next_due == clock.wake_at(START + timedelta(hours=1.6))
    assert told(registered()).next_due is None
