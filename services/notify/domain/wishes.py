"""Wishes: what is to be told because of an event, whoever the pack then says is to know."""

from uuid import uuid5

from services.notify.domain.record import Notices, Wish
from shared.envelope import Cause
from shared.events import (
    AdverseEventRecorded,
    ComplaintAnswered,
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintRegistered,
    DeadlineBreached,
    DeadlineEscalated,
    DeadlineFact,
    DeadlineWarned,
    EmergencyDeclared,
    Fact,
    InformationRequested,
    OfferRecorded,
    SolutionProposed,
    SurveyAnswered,
    SurveyInvited,
    SurveyReminded,
)
from shared.policy import NoticeKind


def wished(state: Notices, cause: Cause[Fact]) -> Notices:
    """The state with the wishes that an event makes; `state` is as before the event."""
    match cause.data:
        case ComplaintRegistered():
            state = wish(state, cause, "acknowledgement", 1)
            return wish(state, cause, "information_slip", 1, (), complaint=str(cause.complaint))
        case ComplaintDispatched() as route:
            return _dispatched(state, cause, route)
        case SolutionProposed(cycle=cycle) as proposed:
            return _proposed(state, cause, cycle, proposed)
        case InformationRequested(cycle=cycle, text=text):
            return wish(state, cause, "information_request", cycle, question=text)
        case OfferRecorded(cycle=cycle, text=text):
            return wish(state, cause, "offer", cycle, offer=text)
        case ComplaintAnswered(cycle=cycle):
            return wish(state, cause, "result", cycle)
        case SurveyInvited(cycle=cycle, link=link, expires=expires):
            return wish(state, cause, "survey", cycle, link=link, expires=str(expires))
        case SurveyReminded(cycle=cycle, link=link, expires=expires):
            return wish(state, cause, "survey_reminder", cycle, link=link, expires=str(expires))
    return _urgent(state, cause)


def _urgent(state: Notices, cause: Cause[Fact]) -> Notices:
    """What calls for somebody of the staff."""
    match cause.data:
        case SurveyAnswered(cycle=cycle, score=score):
            return wish(state, cause, "low_score", cycle, (), score=str(score))
        case DeadlineWarned(cycle=cycle) as late:
            return wish(state, cause, "deadline_warned", cycle, _own(late), **_when(late))
        case DeadlineBreached(cycle=cycle) as late:
            return wish(state, cause, "deadline_breached", cycle, _own(late), **_when(late))
        case DeadlineEscalated(cycle=cycle, roles=roles, rung=rung) as late:
            return wish(state, cause, "deadline_escalated", cycle, roles, rung=str(rung), **_when(late))
        case ComplaintEscalated(cycle=cycle, gate=gate, roles=roles):
            return wish(state, cause, "escalation", cycle, roles, gate=gate)
        case EmergencyDeclared(cycle=cycle, roles=roles):
            return wish(state, cause, "emergency", cycle, roles)
        case AdverseEventRecorded(cycle=cycle, occurred=True, assessed=False):
            return wish(state, cause, "adverse_event", cycle, ())
    return state


def _dispatched(state: Notices, cause: Cause[Fact], route: ComplaintDispatched) -> Notices:
    """Departments that were not told yet, by a route in force; and the customer, once a cycle."""
    old = state.routes.get(route.cycle)
    new = tuple(each for each in route.departments if old is None or each not in old.departments)
    if new and (old is None or old.revision < route.revision):
        state = wish(state, cause, "assignment", route.cycle, new)
    wanted = Wish(
        id=uuid5(cause.complaint, f"progress {route.cycle}"),
        kind="progress",
        cycle=route.cycle,
        traceparent=cause.traceparent,
    )
    return with_wish(state, wanted)


def _proposed(state: Notices, cause: Cause[Fact], cycle: int, proposed: SolutionProposed) -> Notices:
    details = {"measure": proposed.measure, "complaint": str(cause.complaint)}
    if proposed.due:
        details["due"] = str(proposed.due)
    if proposed.cost:
        details["cost"] = f"{proposed.cost.value} {proposed.cost.currency}"
    return wish(state, cause, "corrective_action", cycle, (proposed.department,), **details)


def _own(late: DeadlineFact) -> tuple[str, ...]:
    return (late.department,) if late.department else ()


def _when(late: DeadlineFact) -> dict[str, str]:
    return {"clock": late.clock, "due": str(late.due)}


def wish(
    state: Notices,
    cause: Cause[Fact],
    kind: NoticeKind,
    cycle: int,
    to: tuple[str, ...] | None = None,
    **details: str,
) -> Notices:
    """The state with one more wish, once for the event; `to` as in `Wish`."""
    wanted = Wish(
        id=uuid5(cause.id, kind),
        kind=kind,
        cycle=cycle,
        to=to,
        details=details,
        traceparent=cause.traceparent,
    )
    return with_wish(state, wanted)


def with_wish(state: Notices, wanted: Wish) -> Notices:
    if wanted.id in {*(each.id for each in state.wishes), *(each.id for each in state.notices)}:
        return state
    return state.model_copy(update={"wishes": [*state.wishes, wanted]})
