"""Handling: the steps people take, and what follows from the events of the other services.

Events may come in any order: each is noted first, then the complaint advances as far as the notes allow.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from services.intake.domain.complaint import Complaint, Given, Solution, check_same
from services.intake.domain.particulars import Revision, check_department, held_back, revise
from services.intake.domain.stages import AUDIT_FAILED, STEPS, Stage, possible
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
    ComplaintReopened,
    ComplaintResumed,
    Fact,
    Money,
    Name,
    NoticeSent,
    Party,
    ReplyRecorded,
    SolutionAgreed,
    SolutionAudited,
    SolutionDisagreed,
    SolutionImplemented,
    SolutionOffered,
    SolutionProposed,
    SurveyAnswered,
    SurveyExpired,
    Text,
)
from shared.policy import load
from shared.problems import Conflict, Fault, Invalid


class Accept(Given):
    """The lead department takes the complaint on; any other that must answer may say so, too."""

    step: Literal["accept"]
    department: Name | None = Field(None, description="Default: the lead department")


class Investigate(Given):
    """The cause was found; `cause` is one of the class's causes in the policy pack."""

    step: Literal["investigate"]
    cause: Name


class Propose(Given):
    """A way to put it right."""

    step: Literal["propose"]
    measure: Name
    department: Name
    due: AwareDatetime | None = None
    cost: Money | None = None


class Offer(Given):
    """The solution was put to the customer."""

    step: Literal["offer"]


class Agree(Given):
    """The customer agrees."""

    step: Literal["agree"]


class Disagree(Given):
    """The customer does not agree; another solution is needed."""

    step: Literal["disagree"]


class Implement(Given):
    """The solution was carried out."""

    step: Literal["implement"]


class Audit(Given):
    """The service desk checked the implementation; not passed, it must be done again."""

    step: Literal["audit"]
    passed: bool = True


class Pause(Given):
    """The complaint must wait for somebody outside; clocks that allow for it stand still."""

    step: Literal["pause"]
    waits_for: Party


class Resume(Given):
    """The wait is over."""

    step: Literal["resume"]


class Answer(Given):
    """The words in which the customer is told the result."""

    step: Literal["answer"]
    text: Text


Step = Annotated[
    Accept | Investigate | Propose | Offer | Agree | Disagree | Implement | Audit | Answer | Pause | Resume,
    Field(discriminator="step"),
]
Handled = tuple[Complaint, list[Fact]]


@dataclass(frozen=True, slots=True)
class Request:
    """A step or revision as it was asked for: under which key (None: none), and its digest."""

    step: Any
    key: str | None = None
    digest: str = ""


def take(state: Complaint | None, cause: Cause[Request]) -> Handled:
    """Take a person's step or revision, once for its key.

    Raises Conflict, naming what is possible now, if the stage does not allow it; Invalid if the key was used
    for another step.
    """
    assert state is not None
    asked = cause.data
    if asked.key is not None and asked.key in state.requests:
        check_same(state.requests[asked.key], asked.digest)
        return state, []
    keys = {asked.key: asked.digest} if asked.key is not None else {}
    after, facts = revise(state, asked.step) if isinstance(asked.step, Revision) else go(state, asked.step)
    return advance(after.model_copy(update={"requests": state.requests | keys}), facts)


def go(state: Complaint, step: Any) -> Handled:
    """The step itself. Answering ends a wait."""
    if isinstance(step, Accept) and step.department not in (None, lead(state)):
        return accept_too(state, step)
    steps = possible(state.stage, waits=state.waits_for is not None)
    if step.step not in steps:
        waits = (
            f"revise the facts: the dispatch waits for {'; '.join(held)}"
            if (held := held_back(state))
            else ""
        )
        now = ", ".join(steps) or waits or "nothing by hand; the next event comes from elsewhere"
        raise Conflict(f"'{step.step}' is not possible at stage '{state.stage}'; possible now: {now}")
    if step.step in ("pause", "resume"):
        return wait(state, step)
    changes, facts = effect(state, step)
    after = state.model_copy(update={"stage": STEPS[step.step][1]} | changes)
    if step.step != "answer" or state.waits_for is None:
        return after, facts
    after, resumed = wait(after, Resume(step="resume"))
    return after, [*resumed, *facts]


def lead(state: Complaint) -> str | None:
    routed = state.dispatched.get(state.cycle)
    return routed.lead if routed else None


def accept_too(state: Complaint, step: Accept) -> Handled:
    """A department beside the lead takes its part on; the stage stays. Raises Invalid for another."""
    routed = state.dispatched.get(state.cycle)
    known = routed.departments if routed else ()
    if step.department not in known:
        fault = Fault(detail=f"use one of {', '.join(known) or 'none yet'}", pointer="#/department")
        raise Invalid("This department does not have to answer", [fault])
    told = state.accepted.get(state.cycle, [])
    if step.department in told:
        return state, []
    accepted = state.accepted | {state.cycle: [*told, step.department]}
    event = ComplaintAccepted(cycle=state.cycle, department=step.department)
    return state.model_copy(update={"accepted": accepted}), [event]


def wait(state: Complaint, step: Pause | Resume) -> Handled:
    """Begin or end a wait for somebody outside; the stage stays as it is."""
    if isinstance(step, Resume):
        resumed = ComplaintResumed(cycle=state.cycle, number=state.waits)
        return state.model_copy(update={"waits_for": None}), [resumed]
    number = state.waits + 1
    paused = ComplaintPaused(cycle=state.cycle, number=number, waits_for=step.waits_for)
    return state.model_copy(update={"waits": number, "waits_for": step.waits_for}), [paused]


def effect(state: Complaint, step: Any) -> tuple[dict[str, Any], list[Fact]]:
    """What a step changes beside the stage, and what it makes known."""
    cycle = state.cycle
    match step:
        case Accept():
            return {}, [ComplaintAccepted(cycle=cycle, department=state.dispatched[cycle].lead)]
        case Investigate(cause=cause):
            check_cause(state, cause)
            return {"root_cause": cause}, [ComplaintInvestigated(cycle=cycle, cause=cause)]
        case Propose():
            check_department(step.department, load(state.pack, state.pack_version))
            given, number = step.model_dump(exclude={"step"}), state.proposals + 1
            proposed = SolutionProposed(cycle=cycle, number=number, **given)
            return {"solution": Solution(**given), "proposals": number}, [proposed]
        case Offer():
            return {}, [SolutionOffered(cycle=cycle)]
        case Agree():
            return {}, [SolutionAgreed(cycle=cycle)]
        case Disagree():
            return {}, [SolutionDisagreed(cycle=cycle)]
        case Implement():
            return {}, [SolutionImplemented(cycle=cycle)]
        case Audit(passed=passed):
            back = {} if passed else {"stage": AUDIT_FAILED}
            return back, [SolutionAudited(cycle=cycle, passed=passed)]
        case Answer(text=text):
            return {"reply": text}, [ComplaintAnswered(cycle=cycle), ReplyRecorded(cycle=cycle, text=text)]
    raise AssertionError(step)


def check_cause(state: Complaint, cause: str) -> None:
    assert state.grade is not None
    known = load(state.pack, state.pack_version).classes[state.grade.class_].causes
    if cause not in known:
        raise Invalid(
            "The cause catalogue of this class does not hold this cause",
            [Fault(detail=f"use one of {', '.join(known)}", pointer="#/cause")],
        )


def hear(state: Complaint | None, cause: Cause[Fact]) -> tuple[Complaint | None, list[Fact]]:
    """Note what another service reports, then advance."""
    if state is None:
        return None, []
    match cause.data:
        case ComplaintGraded(cycle=cycle) as graded if is_newer(graded, state.graded.get(cycle)):
            state = state.model_copy(update={"graded": state.graded | {cycle: graded}})
        case ComplaintDispatched(cycle=cycle) as routed if is_newer(routed, state.dispatched.get(cycle)):
            state = state.model_copy(update={"dispatched": state.dispatched | {cycle: routed}})
        case ComplaintMigrated() as migrated:
            newest = migrated.or_later(state.migrated)
            pinned = {"pack": newest.pack, "pack_version": newest.pack_version}
            state = state.model_copy(update=pinned | {"migrated": newest})
        case NoticeSent(kind="result", cycle=cycle):
            state = state.model_copy(update={"told": sorted({*state.told, cycle})})
        case SurveyAnswered(cycle=cycle, score=score):
            state = state.model_copy(update={"scores": state.scores | {cycle: score}})
        case SurveyExpired(cycle=cycle):
            state = state.model_copy(update={"scores": state.scores | {cycle: None}})
        case _:
            pass
    return advance(state, [])


def is_newer(
    news: ComplaintGraded | ComplaintDispatched, known: ComplaintGraded | ComplaintDispatched | None
) -> bool:
    return known is None or news.revision > known.revision


def advance(state: Complaint, owed: list[Fact]) -> Handled:
    """Go on as long as what is noted allows the next stage."""
    cycle = state.cycle
    match state.stage:
        case Stage.REGISTERED | Stage.REOPENED if cycle in state.graded:
            return advance(state.model_copy(update={"stage": Stage.GRADED}), owed)
        case Stage.GRADED if cycle in state.dispatched:
            return advance(state.model_copy(update={"stage": Stage.DISPATCHED}), owed)
        case Stage.ANSWERED if cycle in state.told:
            fed_back = state.model_copy(update={"stage": Stage.FED_BACK})
            return advance(fed_back, [*owed, ComplaintFedBack(cycle=cycle)])
        case Stage.FED_BACK if cycle in state.scores:
            return conclude(state, owed)
    return state, owed


def conclude(state: Complaint, owed: list[Fact]) -> Handled:
    """Close, or on a low score begin a new cycle."""
    score = state.scores[state.cycle]
    if score is None or score >= load(state.pack, state.pack_version).survey.reopen_below:
        closed = ComplaintClosed(cycle=state.cycle, score=score)
        return state.model_copy(update={"stage": Stage.CLOSED}), [*owed, closed]
    again = state.model_copy(update={"stage": Stage.REOPENED, "cycle": state.cycle + 1, "proposals": 0})
    return advance(again, [*owed, ComplaintReopened(cycle=again.cycle, score=score)])
