"""Doing: what each step on the way through the house changes, and what it makes known."""

from typing import Any

from services.intake.domain import approval, ending
from services.intake.domain.approval import Effect, outstanding
from services.intake.domain.complaint import Complaint, Solution
from services.intake.domain.facts import pack_of
from services.intake.domain.particulars import check_department, check_known
from services.intake.domain.roles import Actor
from services.intake.domain.spending import added, check_sum
from services.intake.domain.stages import Stage
from services.intake.domain.steps import (
    Accept,
    Agree,
    Answer,
    Approve,
    Archive,
    Assign,
    Audit,
    Close,
    DeclareEmergency,
    Disagree,
    Disown,
    Implement,
    Investigate,
    Merge,
    Negotiate,
    Offer,
    Own,
    Pause,
    Propose,
    RecordAdverseEvent,
    Reject,
    Relate,
    Reopen,
    Resume,
    Screen,
    Start,
    Withdraw,
)
from shared.envelope import Cause
from shared.events import (
    AgreementFailed,
    ComplaintAccepted,
    ComplaintAnswered,
    ComplaintAssigned,
    ComplaintInvestigated,
    ComplaintOwned,
    ComplaintPaused,
    ComplaintResumed,
    Fact,
    HandlerNamed,
    ImplementationStarted,
    InformationRequested,
    InvestigationStarted,
    OfferRecorded,
    ReplyRecorded,
    SolutionAgreed,
    SolutionAudited,
    SolutionDisagreed,
    SolutionImplemented,
    SolutionOffered,
    SolutionProposed,
)
from shared.policy import Class
from shared.problems import Fault, Invalid

HANDLING = ("accept", "investigate", "propose", "implement", "answer")
"""The steps by which somebody has handled a complaint, whoever was assigned."""


def handled(state: Complaint, step: str, by: Actor) -> list[Fact]:
    """Who takes such a step, once in a round, for those only who must know it."""
    done = (each.by for each in state.actions if each.cycle == state.cycle and each.what in HANDLING)
    if step not in HANDLING or by.name in (state.handler, *done):
        return []
    return [HandlerNamed(cycle=state.cycle, handler=by.name)]


def effect(state: Complaint, step: Any, by: Actor, words: dict[str, str], cause: Cause[Any]) -> Effect:
    """What a step does. `words` are the names under which its free texts are kept."""
    cycle = state.cycle
    match step:
        case Screen():
            return ending.screen(state, step, by, words)
        case Accept():
            return accept(state, step)
        case Assign():
            return assign(state, step)
        case Investigate(cause=found) if found is not None:
            check_cause(state, found)
            return "cause found", {"root_cause": found}, [ComplaintInvestigated(cycle=cycle, cause=found)]
        case Investigate():
            return "", {}, [InvestigationStarted(cycle=cycle)]
        case Disown():
            return ending.disown(state, step, by)
        case Own():
            return "", ending.OURS, [ComplaintOwned(cycle=cycle)]
        case Propose():
            return propose(state, step, by)
        case Approve():
            return approval.approve(state, step, by, cause.time)
        case Reject():
            return approval.reject(state, step, by)
        case Offer() | Agree() | Negotiate() | Disagree():
            return answer_of_customer(state, step, by)
        case Pause():
            return pause(state, step, by)
        case Start():
            return "", {}, [ImplementationStarted(cycle=cycle)]
        case Implement():
            return implement(state, step)
        case Audit():
            return audit(state, step)
        case Answer():
            return answer(state, step, by, words)
    return beside(state, step, words, cause)


def beside(state: Complaint, step: Any, words: dict[str, str], cause: Cause[Any]) -> Effect:
    """The ends of the way, and the side ways."""
    match step:
        case Close():
            return ending.close(state, cause, words)
        case Archive():
            return ending.archive(state)
        case Reopen():
            return ending.reopen(state)
        case Withdraw():
            return ending.withdraw(state, cause)
        case Merge():
            return ending.merge(state, step, cause)
        case Relate():
            return ending.relate(state, step, cause)
        case DeclareEmergency():
            return ending.declare_emergency(state, step, cause)
        case RecordAdverseEvent():
            return ending.record_adverse_event(state, step)
        case Resume():
            return "", {"waits_for": None}, [ComplaintResumed(cycle=state.cycle, number=state.waits)]
    raise AssertionError(step)


def assign(state: Complaint, step: Assign) -> Effect:
    """Who handles it; their name goes to those only who must know it."""
    check_department(step.department, pack_of(state))
    told = ComplaintAssigned(cycle=state.cycle, department=step.department)
    named = HandlerNamed(cycle=state.cycle, handler=step.handler)
    return "", {"handler": step.handler}, [told, named]


def accept(state: Complaint, step: Accept) -> Effect:
    """The lead takes it on, or a department beside it its part. Raises Invalid for any other."""
    routed, told = state.dispatched.get(state.cycle), state.accepted.get(state.cycle, [])
    known, lead = (routed.departments, routed.lead) if routed else ((), "")
    department = step.department or lead
    if department not in known:
        fault = Fault(detail=f"use one of {', '.join(known) or 'none yet'}", pointer="#/department")
        raise Invalid("This department does not have to answer", [fault])
    first = department == lead and state.stage is Stage.DISPATCHED
    if department in told and not first:
        return "beside the lead", {}, []
    accepted = state.accepted | {state.cycle: sorted({*told, department})}
    event = ComplaintAccepted(cycle=state.cycle, department=department)
    return "" if first else "beside the lead", {"accepted": accepted}, [event]


def class_of(state: Complaint) -> Class | None:
    """The class by which it was graded, if the pack has it still."""
    return pack_of(state).classes.get(state.grade.class_) if state.grade else None


def check_cause(state: Complaint, cause: str) -> None:
    """Raises Invalid for a cause that the class's catalogue, if it has one, does not hold."""
    class_ = class_of(state)
    known = class_.causes if class_ else ()
    if known and cause not in known:
        raise Invalid(
            "The cause catalogue of this class does not hold this cause",
            [Fault(detail=f"use one of {', '.join(known)}", pointer="#/cause")],
        )


def propose(state: Complaint, step: Propose, by: Actor) -> Effect:
    """A solution, with a fresh round of approvals."""
    check_department(step.department, pack_of(state))
    if (class_ := class_of(state)) and class_.solutions:
        check_known("kind", step.kind, class_.solutions)
    cost = step.cost or step.compensation
    check_sum("cost", cost, cost, state)
    check_sum("compensation", step.compensation, cost, state)
    number = state.proposals + 1
    solution = Solution(**step.model_dump(exclude={"step", "cost"}), cost=cost, number=number, by=by.name)
    changes = FRESH | {"solution": solution, "proposals": number}
    roles = outstanding(state.model_copy(update=changes))
    told = solution.model_dump(include={"measure", "department", "due", "cost", "kind", "number"})
    return "", changes, [SolutionProposed(cycle=state.cycle, approvers=tuple(roles), **told)]


FRESH: dict[str, Any] = {
    "approvals": [],
    "outcome": "resolved",
    "agreed": False,
    "passed": None,
    "spent": None,
    "proof": [],
}
"""What a new proposal begins with."""


def answer_of_customer(state: Complaint, step: Any, by: Actor) -> Effect:
    """The offer, and what the customer says to it."""
    cycle = state.cycle
    match step:
        case Offer():
            return "", {}, [SolutionOffered(cycle=cycle), *offered(state, step, by)]
        case Agree():
            return "", {"agreed": True}, [SolutionAgreed(cycle=cycle)]
        case Negotiate():
            return "", {}, [SolutionDisagreed(cycle=cycle)]
    return "", {"outcome": "disagreed"}, [AgreementFailed(cycle=cycle)]


def offered(state: Complaint, step: Offer, by: Actor) -> list[Fact]:
    """The words for the customer; own ones only from whom an emergency plan lets speak."""
    if step.text is not None:
        ending.check_speaks(state, by)
    solution = state.solution
    text = step.text or (solution.measure if solution else "")
    if not text or state.erased is not None:
        return []
    number = solution.number if solution else 1
    return [OfferRecorded(cycle=state.cycle, number=number, text=text)]


def pause(state: Complaint, step: Pause, by: Actor) -> Effect:
    """Raises Invalid for a question to anybody but the customer; Forbidden as for an answer."""
    number = state.waits + 1
    told: list[Fact] = [ComplaintPaused(cycle=state.cycle, number=number, waits_for=step.waits_for)]
    if step.question is not None:
        if step.waits_for != "customer":
            fault = Fault(detail="leave it out, or wait for the customer", pointer="#/question")
            raise Invalid("Only the customer is asked by us", [fault])
        ending.check_speaks(state, by)
        if state.erased is None:
            told.append(InformationRequested(cycle=state.cycle, number=number, text=step.question))
    return "", {"waits": number, "waits_for": step.waits_for}, told


def implement(state: Complaint, step: Implement) -> Effect:
    """Raises Invalid for proof that is not there, and for more than was approved."""
    there = {each.number for each in state.evidence}
    if missing := [number for number in step.proof if number not in there]:
        fault = Fault(detail=f"there is no evidence {', '.join(map(str, missing))}", pointer="#/proof")
        raise Invalid("Add the proof as evidence first, then name its numbers", [fault])
    cost = state.solution.cost if state.solution else None
    if cost is not None and step.spent is None:
        fault = Fault(detail="say what was spent, be it 0", pointer="#/spent")
        raise Invalid("The solution has a cost", [fault])
    total = added(state.spent, step.spent)
    check_sum("spent", total, cost, state)
    told = SolutionImplemented(cycle=state.cycle, spent=step.spent)
    return "", {"spent": total, "proof": sorted({*state.proof, *step.proof})}, [told]


def audit(state: Complaint, step: Audit) -> Effect:
    """The result is checked before the customer is told; or, without a solution, what they will be told."""
    told = SolutionAudited(cycle=state.cycle, passed=step.passed)
    if state.stage in (Stage.DISAGREED, Stage.NOT_OURS):
        return "without a solution", {"passed": step.passed}, [told]
    return "passed" if step.passed else "failed", {"passed": step.passed}, [told]


def answer(state: Complaint, step: Answer, by: Actor, words: dict[str, str]) -> Effect:
    """The words for the customer. Raises Forbidden for all but the spokesperson of an emergency plan."""
    ending.check_speaks(state, by)
    told: list[Fact] = [
        ComplaintAnswered(cycle=state.cycle),
        ReplyRecorded(cycle=state.cycle, text=step.text),
    ]
    return "", {"reply": words["text"]}, told
