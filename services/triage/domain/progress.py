"""Progress: how far the handling of a complaint has come, for rehearsals and the questions that wait."""

from datetime import datetime

from services.triage.domain.record import Grading
from shared.envelope import Cause
from shared.events import ComplaintAccepted, ComplaintClosed, ComplaintFedBack, Fact, SolutionProposed

Reached = Cause[ComplaintAccepted | SolutionProposed | ComplaintFedBack | ComplaintClosed]


def reach(state: Grading | None, cause: Reached) -> tuple[Grading, list[Fact]]:
    """Note which clocks no longer run, and that nothing is asked of what was withdrawn or merged."""
    known = state or Grading()
    match cause.data:
        case ComplaintAccepted(cycle=cycle):
            name = "accepted"
        case SolutionProposed(cycle=cycle):
            name = "proposed"
        case ComplaintFedBack(cycle=cycle):
            name = "fed_back"
        case ComplaintClosed(cycle=cycle, outcome=outcome):
            name = "closed"
            if outcome in ("withdrawn", "merged"):
                known = unasked(known.model_copy(update={"dropped": max(known.dropped, cycle)}))
    return mark(known, cycle, name, cause.time), []


def mark(state: Grading, cycle: int, name: str, at: datetime) -> Grading:
    """Note when something happened first."""
    key = f"{cycle}:{name}"
    return state.model_copy(update={"marks": state.marks | {key: min(at, state.marks.get(key, at))}})


def unasked(state: Grading) -> Grading:
    """The record without questions about cycles that were dropped."""
    return state.model_copy(update={"asked": [each for each in state.asked if each.cycle > state.dropped]})
