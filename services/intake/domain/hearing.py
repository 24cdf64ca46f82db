"""Hearing: what the other services report is noted, and the complaint advances as far as the notes allow.

Events may come in any order: each is noted first, then the complaint goes on.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.intake.domain.complaint import ClockOutcome, Complaint, Due, came_to
from services.intake.domain.ending import ASKED, conclude
from services.intake.domain.facts import pack_of
from services.intake.domain.holding import held
from services.intake.domain.stages import Stage
from services.intake.domain.surveys import surveyed
from shared.envelope import Cause
from shared.events import (
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintMigrated,
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineFact,
    DeadlineMet,
    DeadlineMissed,
    DeadlineResumed,
    DeadlineSet,
    Fact,
    NoticeSent,
    QuotaExceeded,
    SurveyAnswered,
    SurveyDeclined,
    SurveyExpired,
    SurveyOpened,
    SurveySkipped,
)
from shared.policy import load

Handled = tuple[Complaint, list[Fact]]
RUNS = (DeadlineSet, DeadlineResumed)
STILL_RUNS = ("deadline.warned.v1", "deadline.escalated.v1", "deadline.acknowledged.v1")
OUTCOMES: Mapping[type[DeadlineFact], ClockOutcome] = {
    DeadlineMet: "met", DeadlineMissed: "missed", DeadlineCancelled: "cancelled",
}  # fmt: skip


def hear(state: Complaint | None, cause: Cause[Fact]) -> tuple[Complaint | None, list[Fact]]:
    """Note what another service reports, then advance."""
    if state is None:
        return None, []
    news = noted(state, cause)
    after, facts = advance(state, state.model_copy(update=news), [], cause)
    if news.keys() - {"deadlines"} or after.stage is not state.stage:
        after = after.model_copy(update={"edition": state.edition + 1})
    return after, facts


def noted(state: Complaint, cause: Cause[Fact]) -> dict[str, Any]:
    """What an event changes in the notes."""
    match cause.data:
        case ComplaintGraded(cycle=cycle) as graded if is_newer(graded, state.graded.get(cycle)):
            return {"graded": state.graded | {cycle: graded}}
        case ComplaintDispatched(cycle=cycle) as routed if is_newer(routed, state.dispatched.get(cycle)):
            return {"dispatched": state.dispatched | {cycle: routed}}
        case ComplaintMigrated() as migrated:
            newest = migrated.or_later(state.migrated)
            load(newest.pack, newest.pack_version)  # it must have come here before anything is judged by it
            return {"pack": newest.pack, "pack_version": newest.pack_version, "migrated": newest}
        case NoticeSent(kind="result", cycle=cycle):
            return {"told": sorted({*state.told, cycle})}
        case NoticeSent(kind="acknowledgement"):
            return {"acknowledged_at": min(cause.time, state.acknowledged_at or cause.time)}
        case SurveyOpened() | SurveyAnswered() | SurveyDeclined() | SurveyExpired() | SurveySkipped() as told:
            return surveyed(state, told, cause.time)
        case QuotaExceeded():
            return {"exceeds": True}
        case DeadlineFact() as told if told.type not in STILL_RUNS:
            return {"deadlines": clocks(state, told, cause.sequence)}
    return {}


def clocks(state: Complaint, told: DeadlineFact, sequence: int) -> dict[str, Due]:
    """How each clock was last reported: the highest number of sla's events counts, in whatever order."""
    key = f"{told.cycle}:{told.clock}:{told.department or ''}"
    known = state.deadlines.get(key) or Due(sequence=-1, due=None)
    if isinstance(told, DeadlineBreached):
        return state.deadlines | {key: known.model_copy(update={"breached": True})}
    if known.sequence >= sequence:
        return state.deadlines
    due = told.due if isinstance(told, RUNS) and not told.target else None
    now = Due(sequence=sequence, due=due, outcome=OUTCOMES.get(type(told)), breached=known.breached)
    return state.deadlines | {key: now}


def is_newer(
    news: ComplaintGraded | ComplaintDispatched, known: ComplaintGraded | ComplaintDispatched | None
) -> bool:
    return known is None or news.revision > known.revision


def advance(before: Complaint, state: Complaint, owed: list[Fact], cause: Cause[Any]) -> Handled:
    """Go on as long as what is noted allows the next stage; `before` is the record as the cause found it."""
    after, facts = onwards(state, cause)
    owed = [*owed, *facts]
    if after.stage is state.stage:
        return held(before, after, cause.time), owed
    return advance(before, moved(state, after, cause.time), owed, cause)


def onwards(state: Complaint, cause: Cause[Any]) -> Handled:
    """One move that follows by itself, if there is one."""
    cycle, asked = state.cycle, state.outcome in ASKED and state.erased is None
    match state.stage:
        case Stage.REGISTERED | Stage.REOPENED | Stage.SCREENED if cycle in state.graded and is_ours(state):
            return at(state, Stage.GRADED), []
        case Stage.GRADED if cycle in state.dispatched:
            return at(state, Stage.DISPATCHED), []
        case Stage.ANSWERED if cycle in state.told or state.erased is not None:
            told = state.model_copy(update={"stage": Stage.FED_BACK, "fed_back_at": cause.time})
            return told, [ComplaintFedBack(cycle=cycle, outcome=state.outcome)]
        case Stage.FED_BACK if cycle in state.scores or not asked:
            return at(state, Stage.SURVEYED), []
        case Stage.SURVEYED:
            return conclude(state, cause)
    return state, []


def moved(before: Complaint, after: Complaint, at: datetime) -> Complaint:
    """The record as it is now, and, if it came to another stage, since when."""
    return after if after.stage is before.stage else came_to(before, after, at)


def is_ours(state: Complaint) -> bool:
    """Whether it was screened as ours, or its pack screens nothing."""
    return state.screened == "in_scope" or "screen" in pack_of(state).without


def at(state: Complaint, stage: Stage) -> Complaint:
    return state.model_copy(update={"stage": stage})
