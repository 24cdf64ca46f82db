"""News: what each event leaves in the record, in whatever order they come."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.sla.domain.record import UNSOLVED, Deadlines, Grade, Known, Move, Pause, Route
from shared.envelope import Cause
from shared.events import (
    ComplaintAccepted,
    ComplaintAnswered,
    ComplaintClosed,
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintInvestigated,
    ComplaintMigrated,
    ComplaintPaused,
    ComplaintRegistered,
    ComplaintReopened,
    ComplaintResumed,
    ComplaintScreened,
    FactsRevised,
    NoticeSent,
    Particulars,
    SolutionAgreed,
    SolutionAudited,
    SolutionImplemented,
    SolutionOffered,
    SolutionProposed,
)

News = (
    ComplaintRegistered
    | FactsRevised
    | ComplaintGraded
    | ComplaintMigrated
    | ComplaintScreened
    | ComplaintDispatched
    | ComplaintAccepted
    | ComplaintInvestigated
    | SolutionProposed
    | SolutionOffered
    | SolutionAgreed
    | SolutionImplemented
    | SolutionAudited
    | ComplaintAnswered
    | ComplaintFedBack
    | ComplaintPaused
    | ComplaintResumed
    | ComplaintClosed
    | ComplaintReopened
    | NoticeSent
)
"""What is listened to."""
Heard = Cause[News]
REACHED: Mapping[type[Any], str] = {
    ComplaintScreened: "screened",
    ComplaintInvestigated: "investigated",
    SolutionProposed: "proposed",
    SolutionOffered: "offered",
    SolutionAgreed: "agreed",
    SolutionImplemented: "implemented",
    SolutionAudited: "audited",
    ComplaintAnswered: "answered",
    ComplaintFedBack: "fed_back",
}
"""Event -> the mark that it leaves in its cycle, by its time."""


def note(state: Deadlines, cause: Heard) -> Deadlines:
    """The record with what this event tells."""
    at = cause.time
    match cause.data:
        case ComplaintRegistered() as complaint:
            return _registered(state, cause, complaint)
        case FactsRevised(revision=revision) as facts:
            return _knows(state, revision, at, facts)
        case ComplaintGraded(cycle=cycle, revision=revision, grade=grade):
            grades = state.graded.get(cycle, {}) | {revision: Grade(at=at, grade=grade)}
            return state.model_copy(update={"graded": state.graded | {cycle: grades}})
        case ComplaintMigrated(migration=number) as move:
            return state.model_copy(update={"moves": state.moves | {number: Move(at=at, to=move)}})
        case ComplaintDispatched(cycle=cycle) as routed:
            return _dispatched(state, cycle, at, routed)
        case ComplaintAccepted(cycle=cycle, department=department):
            return mark(state, cycle, at, f"accepted:{department}")
        case ComplaintPaused() as wait:
            begun = {"cycle": wait.cycle, "waits_for": wait.waits_for, "since": at}
            return _waits(state, wait.number, begun)
        case ComplaintResumed(number=number):
            return _waits(state, number, {"until": at})
        case NoticeSent(cycle=cycle, kind="acknowledgement"):
            return mark(state, cycle, at, "acknowledged")
        case ComplaintReopened(cycle=cycle):
            return mark(state, cycle, at, "received")
        case ComplaintFedBack(cycle=cycle, outcome=outcome) if outcome != "resolved":
            return mark(state, cycle, at, "fed_back", UNSOLVED)
        case ComplaintClosed(cycle=cycle):
            return mark(state, cycle, at, "closed")
        case NoticeSent() | SolutionAudited(passed=False):
            return state
        case reached:
            return mark(state, reached.cycle, at, REACHED[type(reached)])


def _registered(state: Deadlines, cause: Heard, complaint: ComplaintRegistered) -> Deadlines:
    state = mark(state, 1, complaint.received_at, "received")
    state = _knows(mark(state, 1, cause.time, "registered"), 0, complaint.received_at, complaint)
    known = {"number": cause.subject, "traceparent": cause.traceparent, "registered": complaint}
    return state.model_copy(update=known)


def _knows(state: Deadlines, revision: int, at: datetime, facts: Particulars) -> Deadlines:
    told = Particulars.model_validate(facts.model_dump(include=set(Particulars.model_fields)))
    return state.model_copy(update={"facts": state.facts | {revision: Known(at=at, facts=told)}})


def _dispatched(state: Deadlines, cycle: int, at: datetime, routed: ComplaintDispatched) -> Deadlines:
    route = Route(at=at, lead=routed.lead, departments=routed.departments)
    routes = state.routes.get(cycle, {}) | {routed.revision: route}
    own = (f"dispatched:{department}" for department in routed.departments)
    told = mark(state, cycle, at, "dispatched", *own)
    return told.model_copy(update={"routes": state.routes | {cycle: routes}})


def _waits(state: Deadlines, number: int, news: dict[str, Any]) -> Deadlines:
    wait = state.pauses.get(number, Pause()).model_copy(update=news)
    return state.model_copy(update={"pauses": state.pauses | {number: wait}})


def mark(state: Deadlines, cycle: int, at: datetime, *names: str) -> Deadlines:
    """Set marks of a cycle; should one be told twice, the earliest time wins."""
    keys = [f"{cycle}:{name}" for name in names]
    times = {key: min(at, state.marks.get(key, at)) for key in keys}
    return state.model_copy(update={"marks": state.marks | times})
