"""Becoming: what an event of intake made of a complaint, read off the event alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.intake.domain.complaint import AdverseEvent, Complaint, Solution
from services.intake.domain.doing import FRESH
from services.intake.domain.ending import OURS, again
from services.intake.domain.person import stripped
from services.intake.domain.spending import added
from services.intake.domain.stages import SOLVING, Stage
from shared.events import (
    AdverseEventRecorded,
    AgreementFailed,
    ComplaintAccepted,
    ComplaintAnswered,
    ComplaintArchived,
    ComplaintClosed,
    ComplaintDisowned,
    ComplaintInvestigated,
    ComplaintMerged,
    ComplaintOwned,
    ComplaintPaused,
    ComplaintRelated,
    ComplaintReopened,
    ComplaintResumed,
    ComplaintScreened,
    ContactErased,
    EvidenceAdded,
    Fact,
    FactsRevised,
    ImplementationStarted,
    InvestigationStarted,
    SolutionAgreed,
    SolutionApproved,
    SolutionAudited,
    SolutionDisagreed,
    SolutionImplemented,
    SolutionOffered,
    SolutionProposed,
    SolutionRejected,
)


def became(state: Complaint, fact: Fact, record: Complaint, at: datetime) -> Complaint:
    """What an event made of the complaint."""
    if isinstance(fact, ContactErased):
        return stripped(state, at)
    changes = {"stage": target(state, fact)} | _found(state, fact) | _settled(state, fact, record, at)
    return state.model_copy(update=changes)


TARGETS: Mapping[type[Fact], Stage] = {
    ComplaintOwned: Stage.DISPATCHED,
    InvestigationStarted: Stage.INVESTIGATING,
    ComplaintInvestigated: Stage.INVESTIGATED,
    SolutionProposed: Stage.PROPOSED,
    SolutionRejected: Stage.INVESTIGATED,
    SolutionOffered: Stage.OFFERED,
    SolutionAgreed: Stage.AGREED,
    SolutionDisagreed: Stage.INVESTIGATED,
    AgreementFailed: Stage.DISAGREED,
    ImplementationStarted: Stage.IMPLEMENTING,
    SolutionImplemented: Stage.IMPLEMENTED,
    ComplaintAnswered: Stage.ANSWERED,
    ComplaintClosed: Stage.CLOSED,
    ComplaintReopened: Stage.REOPENED,
    ComplaintArchived: Stage.ARCHIVED,
}
"""Event -> the stage that it leads to, from wherever the table allows it."""


def target(state: Complaint, fact: Fact) -> Stage:
    """The stage that an event leads to."""
    match fact:
        case ComplaintScreened(decision="in_scope"):
            return Stage.SCREENED
        case ComplaintAccepted(department=department) if state.stage is Stage.DISPATCHED:
            routed = state.dispatched.get(state.cycle)
            return Stage.ACCEPTED if routed and department == routed.lead else state.stage
        case ComplaintDisowned(confirmations=confirmations):
            return Stage.NOT_OURS if confirmations > 1 else Stage.DISOWNED
        case SolutionApproved(left=left) if state.stage not in SOLVING:
            return Stage.PROPOSED if left else Stage.APPROVED
        case SolutionAudited(passed=passed) if state.stage not in (Stage.DISAGREED, Stage.NOT_OURS):
            return Stage.AUDITED if passed else Stage.AGREED
    return TARGETS.get(type(fact), state.stage)


def _found(state: Complaint, fact: Fact) -> dict[str, Any]:
    """What events on the way to a solution changed beside the stage."""
    match fact:
        case FactsRevised():
            return {"revised": fact, "details": fact.details}
        case ComplaintScreened(decision=decision):
            return {"screened": decision} | ({} if decision == "in_scope" else {"outcome": decision})
        case ComplaintAccepted(cycle=cycle, department=department):
            accepted = sorted({*state.accepted.get(cycle, []), department})
            return {"accepted": state.accepted | {cycle: accepted}}
        case ComplaintInvestigated(cause=cause):
            return {"root_cause": cause}
        case ComplaintDisowned(confirmations=confirmations):
            return {"outcome": "not_ours"} if confirmations > 1 else {}
        case ComplaintOwned():
            return OURS
        case SolutionProposed(number=number):
            told = fact.model_dump(include={"measure", "department", "number", "kind", "due", "cost"})
            return FRESH | {"solution": Solution(**told), "proposals": number}
        case SolutionRejected():
            return {"approvals": []}
        case SolutionAgreed():
            return {"agreed": True}
        case AgreementFailed():
            return {"outcome": "disagreed"}
        case SolutionImplemented(spent=spent):
            return {"spent": added(state.spent, spent)}
        case SolutionAudited(passed=passed):
            return {"passed": passed}
    return {}


def _settled(state: Complaint, fact: Fact, record: Complaint, at: datetime) -> dict[str, Any]:
    """What events at the end of the way and beside it changed beside the stage."""
    match fact:
        case EvidenceAdded(number=number):
            return {"evidence": [*state.evidence, *record.evidence[number - 1 : number]]}
        case ComplaintPaused(number=number, waits_for=party):
            return {"waits": number, "waits_for": party}
        case ComplaintResumed():
            return {"waits_for": None}
        case ComplaintClosed(outcome=outcome):
            return {"outcome": outcome, "closed_at": at}
        case ComplaintReopened():
            return again(state)
        case ComplaintMerged(into=into):
            return {"merged_into": into}
        case ComplaintRelated(to=other):
            return {"related": [*state.related, other]}
        case AdverseEventRecorded(occurred=occurred, assessed=assessed):
            return {"adverse_event": AdverseEvent(occurred=occurred, assessed=assessed)}
    return {}
