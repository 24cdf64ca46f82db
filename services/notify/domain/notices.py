"""Notices: who is told what on which channel: customers, departments, and roles that must know.

What is to be told is wished for by events; a wish becomes notices as soon as all that it takes is known
(pack, contact, answer, lead department), in whatever order the news arrives.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from services.notify.domain.erasing import forgotten
from services.notify.domain.promises import kept, promised, with_due
from services.notify.domain.recipients import Recipient, preferred, reach, recipients, rule_of, told_of
from services.notify.domain.record import Graded, Notice, Notices, Route, Told, Wish, said
from services.notify.domain.wishes import wished
from shared.envelope import Cause
from shared.events import (
    AdverseEventRecorded,
    ComplaintAnswered,
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintGraded,
    ComplaintInvestigated,
    ComplaintMigrated,
    ComplaintRegistered,
    ContactErased,
    ContactRecorded,
    DeadlineBreached,
    DeadlineEscalated,
    DeadlineSet,
    DeadlineWarned,
    EmergencyDeclared,
    InformationRequested,
    OfferRecorded,
    ReplyRecorded,
    SolutionProposed,
    SurveyAnswered,
    SurveyInvited,
    SurveyReminded,
)
from shared.policy import TELLINGS, NoticeKind, pack_of

Heard = Cause[
    ComplaintRegistered
    | ContactRecorded
    | ContactErased
    | ComplaintGraded
    | ComplaintDispatched
    | ComplaintMigrated
    | ComplaintInvestigated
    | SolutionProposed
    | InformationRequested
    | OfferRecorded
    | ComplaintAnswered
    | ReplyRecorded
    | SurveyInvited
    | SurveyReminded
    | SurveyAnswered
    | DeadlineSet
    | DeadlineWarned
    | DeadlineBreached
    | DeadlineEscalated
    | ComplaintEscalated
    | EmergencyDeclared
    | AdverseEventRecorded
]
WITH_PAGE: tuple[NoticeKind, ...] = ("acknowledgement", "progress", "information_request", "offer", "result")
"""What names the page of the receipt; a survey has a link of its own."""


def hear(state: Notices | None, cause: Heard, now: datetime) -> Told:
    """Take in what happened, then make notices of all wishes that can be told now (`now`: machine time)."""
    before = state or Notices()
    after = wanted_only(kept(note(wished(before, cause), cause)))
    after = superseded(prepare(forgotten(after), now))
    return after, said(state, after)


def note(state: Notices, cause: Heard) -> Notices:
    """The state with what this event tells."""
    match cause.data:
        case ComplaintRegistered() as complaint:
            return state.model_copy(update={"number": cause.subject, "registered": complaint})
        case ContactRecorded() as contact:
            return state.model_copy(update={"contact": contact, "handed_in_by": contact.partner or ""})
        case ContactErased():
            return state.model_copy(update={"erased": True})
        case ComplaintGraded(cycle=cycle) as grade:
            return graded(state, cycle, grade)
        case ComplaintDispatched(cycle=cycle) as route:
            old = state.routes.get(cycle)
            newest = route if old is None or route.revision > old.revision else old
            return state.model_copy(update={"routes": state.routes | {cycle: newest}})
        case ComplaintMigrated() as migrated:
            return state.model_copy(update={"migrated": migrated.or_later(state.migrated)})
        case ComplaintInvestigated(cycle=cycle, cause=found):
            return state.model_copy(update={"causes": state.causes | {cycle: found}})
        case DeadlineSet() as clock:
            return with_due(state, clock, cause.sequence)
        case ComplaintAnswered(cycle=cycle):
            return state.model_copy(update={"answered": sorted({*state.answered, cycle})})
        case ReplyRecorded(cycle=cycle, text=text):
            return state.model_copy(update={"replies": state.replies | {cycle: text}})
    return state


def graded(state: Notices, cycle: int, news: ComplaintGraded) -> Notices:
    """The state with class and grade, unless a later grading is known."""
    old = state.grades.get(cycle)
    if old is not None and old.revision >= news.revision:
        return state
    found = Graded(class_=news.class_, grade=news.grade, revision=news.revision)
    return state.model_copy(update={"grades": state.grades | {cycle: found}})


def wanted_only(state: Notices) -> Notices:
    """The state without wishes that this pack has off, or whose time does not come."""
    if state.registered is None or not state.wishes:
        return state
    pack = pack_of(state.registered, state.migrated)

    def counts(each: Wish) -> bool:
        low = each.kind != "low_score" or int(each.details["score"]) < pack.survey.escalate_below
        return low and bool(told_of(pack, each.kind))

    return state.model_copy(update={"wishes": [each for each in state.wishes if counts(each)]})


def prepare(state: Notices, now: datetime) -> Notices:
    """Turn into notices all wishes for which everything is known; the others go on waiting."""
    if state.registered is None or not state.wishes:
        return state
    made = {each.id: notices_for(state, each, now) for each in state.wishes}
    known = {each.id for each in state.notices}
    new = [each for some in made.values() for each in some or () if each.id not in known]
    return state.model_copy(
        update={
            "wishes": [each for each in state.wishes if made[each.id] is None],
            "notices": [*state.notices, *new],
        }
    )


def notices_for(state: Notices, wanted: Wish, now: datetime) -> list[Notice] | None:
    """The notices that fulfil a wish, or None while something is missing."""
    if wanted.to is None:
        told = to_customer(state, wanted)
        return None if told is None else [notice(state, wanted, now, wanted.id, *told)]
    staff = recipients(state, wanted)
    return None if staff is None else [made for each in staff for made in to_staff(state, wanted, now, each)]


def to_staff(state: Notices, wanted: Wish, now: datetime, to: Recipient) -> Iterable[Notice]:
    """One notice for each way by which a role or department is told."""
    assert state.registered is not None
    words = {"recipient": to.title[state.registered.language] if to.title else to.name}
    for route, address in to.ways:
        id = uuid5(wanted.id, " ".join([to.what, to.name, *(["chat"] if route == "chat" else [])]))
        yield notice(state, wanted, now, id, route, address, words).model_copy(update={"to": to.name})


def notice(
    state: Notices,
    wanted: Wish,
    now: datetime,
    id: UUID,
    route: Route,
    address: str,
    words: dict[str, str],
) -> Notice:
    """A notice that waits for its delivery, or for somebody who calls or posts it."""
    assert state.registered is not None
    urgent = rule_of(pack_of(state.registered, state.migrated), wanted.kind).urgent
    work = route in ("call", "letter")
    return Notice(
        id=id,
        kind=wanted.kind,
        cycle=wanted.cycle,
        urgent=TELLINGS[wanted.kind].urgent if urgent is None else urgent,
        route=route,
        address=address,
        details=wanted.details | words,
        traceparent=wanted.traceparent,
        at=now,
        state="task" if work else "queued",
        next_at=None if work else now,
    )


def to_customer(state: Notices, wanted: Wish) -> tuple[Route, str, dict[str, str]] | None:
    """Route, address and words for the customer: the channel the complaint came by, else one that reaches."""
    if state.registered is None or state.contact is None:
        return None
    if wanted.kind == "result" and wanted.cycle not in state.replies:
        return None
    if wanted.kind == "progress":
        known = wanted.cycle in state.routes and promised(state, wanted.cycle) is not None
        if not known or wanted.cycle in state.answered:
            return None
    pack = pack_of(state.registered, state.migrated)
    own = pack.feedback[state.registered.channel]
    route, address = reach(state.contact, *preferred(wanted.kind, own, pack))
    words = {"name": state.contact.name}
    if wanted.kind == "result":
        words["reply"] = state.replies[wanted.cycle]
    if wanted.kind in WITH_PAGE and state.contact.receipt_url:
        words["receipt_url"] = state.contact.receipt_url
    return route, address, words


# too late


def superseded(state: Notices) -> Notices:
    """The state in which nobody is told of progress after the answer."""
    if not state.answered or state.registered is None:
        return state
    late = [each for each in state.wishes if each.kind == "progress" and each.cycle in state.answered]
    never = [not_sent(_unsent(each)) for each in late]
    notices = [not_sent(each) if _is_late(state, each) else each for each in state.notices]
    waiting = [each for each in state.wishes if each not in late]
    return state.model_copy(update={"wishes": waiting, "notices": [*notices, *never]})


def _is_late(state: Notices, each: Notice) -> bool:
    return is_answered(state, each) and each.state in ("queued", "task")


def is_answered(state: Notices, each: Notice) -> bool:
    """Whether it tells of progress and the answer was given meanwhile."""
    return each.kind == "progress" and each.cycle in state.answered


def _unsent(wanted: Wish) -> Notice:
    common: dict[str, Any] = wanted.model_dump(include={"id", "kind", "cycle", "traceparent"})
    return Notice(**common, route=None, address="", details={}, state="suppressed")


def not_sent(each: Notice) -> Notice:
    """One that says nothing new any more. Nothing of the customer stays in what will never be sent."""
    gone: dict[str, Any] = {"address": "", "details": {}, "next_at": None, "claim": None, "attempts": 0}
    return each.model_copy(update=gone | {"state": "suppressed", "reason": "superseded"})
