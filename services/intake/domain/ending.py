"""Endings: a complaint is closed, filed or begun anew; and all the ways beside the usual one."""

from typing import Any
from uuid import UUID

from services.intake.domain.approval import Effect
from services.intake.domain.complaint import AdverseEvent, Complaint, Emergency
from services.intake.domain.facts import pack_of, waits_for
from services.intake.domain.roles import HEADS, Actor
from services.intake.domain.stages import ENDED, Stage
from services.intake.domain.steps import (
    DeclareEmergency,
    Disown,
    Merge,
    RecordAdverseEvent,
    Relate,
    Screen,
)
from shared.envelope import Cause
from shared.events import (
    AdverseEventRecorded,
    ComplaintAnswered,
    ComplaintArchived,
    ComplaintClosed,
    ComplaintDisowned,
    ComplaintMerged,
    ComplaintRelated,
    ComplaintReopened,
    ComplaintScreened,
    ComplaintWithdrawn,
    EmergencyDeclared,
    Fact,
    HandlerNamed,
    Outcome,
    ReplyRecorded,
)
from shared.problems import Conflict, Fault, Forbidden, Invalid

TOP = ("general_manager", "department_head", "spokesperson", "emergency_team")
"""Who is told of an emergency at once (P10), of the roles that the pack has."""
ASKED = ("resolved", "disagreed")
"""Outcomes after which the customer is asked how content they are."""
MOST_RELATED = 100


def check_speaks(state: Complaint, by: Actor) -> None:
    """Raises Forbidden for all but the spokesperson of an emergency plan."""
    if state.emergency is not None and not by.is_one_of([state.emergency.spokesperson]):
        raise Forbidden("Under the emergency plan only its spokesperson speaks to the customer")


def screen(state: Complaint, step: Screen, by: Actor, words: dict[str, str]) -> Effect:
    """Ours to handle, or an end with reasons that the customer reads. Raises Invalid without reasons."""
    told: list[Fact] = [ComplaintScreened(cycle=state.cycle, decision=step.decision)]
    if step.decision == "in_scope":
        return step.decision, {"screened": step.decision}, told
    if step.reason is None:
        fault = Fault(detail="say why, and where the customer may turn", pointer="#/reason")
        raise Invalid(f"A complaint is {step.decision} with reasons only", [fault])
    check_speaks(state, by)
    changes = {"screened": step.decision, "outcome": step.decision, "reply": words["reason"]}
    told += [ComplaintAnswered(cycle=state.cycle), ReplyRecorded(cycle=state.cycle, text=step.reason)]
    return step.decision, changes, told


def disown(state: Complaint, step: Disown, by: Actor) -> Effect:
    """The first finding that it is not ours, or the second person's. Raises Forbidden for the same person."""
    confirmations = [*state.disowned, by.name]
    if state.stage is Stage.DISOWNED and not may_confirm(state, by):
        heads = ", ".join(sorted(HEADS))
        raise Forbidden(f"A second person must find that it is not ours, in one of the roles {heads}")
    changes: dict[str, Any] = {"disowned": confirmations}
    if len(confirmations) > 1:
        changes["outcome"] = "not_ours"
    told = ComplaintDisowned(cycle=state.cycle, confirmations=len(confirmations))
    return "again" if len(confirmations) > 1 else "", changes, [told]


OURS: dict[str, Any] = {"disowned": [], "outcome": "resolved", "passed": None}
"""What is found when the matter is ours after all."""


def may_confirm(state: Complaint, by: Actor) -> bool:
    """Whether the second finding that it is not ours can be this person's."""
    return by.name not in state.disowned and bool(by.roles & HEADS)


def withdraw(state: Complaint, cause: Cause[Any]) -> Effect:
    ended, facts = _ended(state, cause, "withdrawn")
    return "", ended, [ComplaintWithdrawn(cycle=state.cycle), *facts]


def merge(state: Complaint, step: Merge, cause: Cause[Any]) -> Effect:
    if step.into == cause.complaint:
        fault = Fault(detail="name another complaint", pointer="#/into")
        raise Invalid("A complaint is not merged into itself", [fault])
    if step.into in state.absorbs and cause.complaint < step.into:
        raise Conflict("The other complaint is being merged into this one: only one of the two can end")
    ended, facts = _ended(state, cause, "merged")
    return (
        "",
        ended | {"merged_into": step.into},
        [ComplaintMerged(cycle=state.cycle, into=step.into), *facts],
    )


def _ended(state: Complaint, cause: Cause[Any], outcome: Outcome) -> tuple[dict[str, Any], list[Fact]]:
    closed = ComplaintClosed(cycle=state.cycle, outcome=outcome)
    return {"outcome": outcome, "closed_at": cause.time}, [closed]


def absorb(state: Complaint | None, cause: Cause[UUID]) -> tuple[Complaint | None, list[Fact]]:
    """The complaint goes on for another one, too. Raises Conflict if it has ended itself."""
    if state is None or cause.data in state.absorbs:
        return state, []
    if state.stage in ENDED:
        raise Conflict("The other complaint has ended; merge this one into an open one, or link the two")
    return state.model_copy(update={"absorbs": [*state.absorbs, cause.data][-MOST_RELATED:]}), []


def relate(state: Complaint, step: Relate, cause: Cause[Any]) -> Effect:
    if step.to == cause.complaint:
        fault = Fault(detail="name another complaint", pointer="#/to")
        raise Invalid("A complaint has nothing to do with itself", [fault])
    if step.to in state.related:
        return "", {}, []
    if len(state.related) >= MOST_RELATED:
        raise Conflict(f"A complaint is linked with at most {MOST_RELATED} others")
    return "", {"related": [*state.related, step.to]}, [ComplaintRelated(to=step.to)]


def is_gravest(state: Complaint) -> bool:
    """Whether it has the gravest grade of the scheme that clocks go by, or passed a safety gate."""
    graded = state.grade
    if graded is None:
        return False
    return bool(graded.gates) or graded.grade == next(iter(pack_of(state).scheme.grades))


def declare_emergency(state: Complaint, step: DeclareEmergency, cause: Cause[Any]) -> Effect:
    """Raises Conflict for a complaint that is not of the gravest; declared again, the plan is replaced."""
    if not is_gravest(state):
        raise Conflict("The emergency plan is for complaints of the gravest grade")
    before = state.emergency
    if before and (before.team, before.spokesperson) == (step.team, step.spokesperson):
        return "", {}, []
    roles = tuple(role for role in TOP if role in pack_of(state).roles)
    plan = Emergency(roles=roles, team=step.team, spokesperson=step.spokesperson, at=cause.time)
    return "", {"emergency": plan}, [EmergencyDeclared(cycle=state.cycle, roles=roles)]


def record_adverse_event(state: Complaint, step: RecordAdverseEvent) -> Effect:
    found = AdverseEvent(occurred=step.occurred, assessed=step.assessed)
    told = AdverseEventRecorded(cycle=state.cycle, occurred=step.occurred, assessed=step.assessed)
    return "", {"adverse_event": found}, [told]


# the end of a cycle


def close(state: Complaint, cause: Cause[Any], words: dict[str, str]) -> Effect:
    """A person closes, with a summary."""
    return "", {"summary": words["summary"], "closed_at": cause.time}, [_closed(state)]


def _closed(state: Complaint) -> Fact:
    return ComplaintClosed(cycle=state.cycle, score=state.scores.get(state.cycle), outcome=state.outcome)


def archive(state: Complaint) -> Effect:
    return "", {}, [ComplaintArchived(cycle=state.cycle)]


def reopen(state: Complaint) -> Effect:
    """Another round. Raises Conflict for what another complaint goes on for."""
    if state.outcome == "merged":
        raise Conflict("It goes on in the complaint that it was merged into")
    return "", again(state), begun_anew(state)


ANEW: dict[str, Any] = {
    "proposals": 0,
    "root_cause": None,
    "solution": None,
    "approvals": [],
    "agreed": False,
    "spent": None,
    "proof": [],
    "passed": None,
    "reply": None,
    "disowned": [],
    "emergency": None,
    "outcome": "resolved",
    "summary": None,
    "fed_back_at": None,
    "closed_at": None,
}
"""What a new round begins with; how the one before went stays among the actions and events."""


def again(state: Complaint) -> dict[str, Any]:
    """What changes in a complaint as its next round begins."""
    screened = state.screened if state.screened == "in_scope" else None
    return ANEW | {"cycle": state.cycle + 1, "screened": screened}


def begun_anew(state: Complaint, score: int | None = None) -> list[Fact]:
    """What is told as the next round begins; whoever handled the last one handles this one, too."""
    told: list[Fact] = [ComplaintReopened(cycle=state.cycle + 1, score=score)]
    handler = state.handler
    return told if handler is None else [*told, HandlerNamed(cycle=state.cycle + 1, handler=handler)]


def conclude(state: Complaint, cause: Cause[Any]) -> tuple[Complaint, list[Fact]]:
    """What follows from the survey: another round on a low score, closing where the pack closes by itself."""
    score, pack = state.scores.get(state.cycle), pack_of(state)
    if score is not None and score < pack.survey.reopen_below and state.outcome == "resolved":
        after = state.model_copy(update=again(state) | {"stage": Stage.REOPENED})
        return after, begun_anew(state, score)
    if "close" not in pack.without or waits_for(state, "close"):
        return state, []
    return state.model_copy(update={"stage": Stage.CLOSED, "closed_at": cause.time}), [_closed(state)]
