"""Notices: who is told what on which channel, and how far each telling has come.

What is to be told is wished for by events; a wish becomes a notice as soon as all that it takes is known
(contact, answer, lead department), in whatever order the news arrives.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel

from shared.envelope import Cause
from shared.events import (
    ComplaintAnswered,
    ComplaintDispatched,
    ComplaintMigrated,
    ComplaintRegistered,
    ContactRecorded,
    DeadlineBreached,
    DeadlineWarned,
    Fact,
    NoticeFailed,
    NoticeSent,
    ReplyRecorded,
    SurveyInvited,
)
from shared.policy import Department, pack_of
from shared.problems import Conflict, NotFound

Route = Literal["email", "call", "letter", "message"]
Kind = Literal["acknowledgement", "result", "survey", "assignment", "deadline_warned", "deadline_breached"]
PAUSES = (5, 30, 120, 600, 3600, 14400)
"""Seconds of machine time between attempts."""
HOLD = timedelta(seconds=60)
"""How long an attempt is waited for before it is made anew; attempts take less."""


class Outcome(BaseModel):
    """How an attempt ended: delivered, or why not; `nobody` if no channel takes such notices here."""

    delivered: bool = False
    nobody: bool = False
    reason: str = ""


Outcomes = dict[UUID, Outcome]
"""By notice; one that the time did not suffice for is absent."""


class Report(BaseModel):
    """What a claim came to."""

    claim: UUID
    ended: Outcomes


class Wish(BaseModel):
    """Something to be told because of event `id`; `to` is a department's name, or None for the customer."""

    id: UUID
    kind: Kind
    cycle: int
    to: str | None = None
    details: dict[str, str] = {}
    traceparent: str | None = None


class Notice(BaseModel):
    """One telling, for ever one for (event, recipient). A `task` is a person's: a call, a letter to post,
    or what no machine could deliver. `claim` is who attempts it.
    """

    id: UUID
    kind: Kind
    cycle: int
    route: Route
    address: str
    details: dict[str, str]
    traceparent: str | None = None
    state: Literal["queued", "sending", "task", "sent"]
    claim: UUID | None = None
    attempts: int = 0
    next_at: AwareDatetime | None = None
    reason: str | None = None


class Notices(BaseModel):
    """What must be told about one complaint, and what has been."""

    number: str = ""
    registered: ComplaintRegistered | None = None
    migrated: ComplaintMigrated | None = None
    contact: ContactRecorded | None = None
    replies: dict[int, str] = {}
    routes: dict[int, ComplaintDispatched] = {}
    wishes: list[Wish] = []
    notices: list[Notice] = []

    @property
    def next_due(self) -> datetime | None:
        """The machine's instant of the next attempt."""
        return min((each.next_at for each in self.notices if each.next_at is not None), default=None)


Told = tuple[Notices, list[Fact]]
Heard = Cause[
    ComplaintRegistered
    | ContactRecorded
    | ComplaintDispatched
    | ComplaintMigrated
    | ComplaintAnswered
    | ReplyRecorded
    | SurveyInvited
    | DeadlineWarned
    | DeadlineBreached
]


def hear(state: Notices | None, cause: Heard, now: datetime) -> Told:
    """Take in what happened, then make notices of all wishes that can be told now (`now`: machine time)."""
    return prepare(note(state or Notices(), cause), now), []


def note(state: Notices, cause: Heard) -> Notices:
    """The state with what this event tells, and with the wishes it makes."""
    match cause.data:
        case ComplaintRegistered() as complaint:
            known = {"number": cause.subject, "registered": complaint}
            return wish(state, cause, "acknowledgement", 1).model_copy(update=known)
        case ContactRecorded() as contact:
            return state.model_copy(update={"contact": contact})
        case ComplaintDispatched(cycle=cycle) as route:
            old = state.routes.get(cycle)
            newest = route if old is None or route.revision > old.revision else old
            told = old.departments if old else ()
            for department in [each for each in route.departments if each not in told]:
                state = wish(state, cause, "assignment", cycle, to=department)
            return state.model_copy(update={"routes": state.routes | {cycle: newest}})
        case ComplaintMigrated() as migrated:
            return state.model_copy(update={"migrated": migrated.or_later(state.migrated)})
        case ComplaintAnswered(cycle=cycle):
            return wish(state, cause, "result", cycle)
        case ReplyRecorded(cycle=cycle, text=text):
            return state.model_copy(update={"replies": state.replies | {cycle: text}})
        case SurveyInvited(cycle=cycle, link=link):
            return wish(state, cause, "survey", cycle, link=link)
        case DeadlineWarned() as late:
            return wish(
                state, cause, "deadline_warned", late.cycle, to="lead", clock=late.clock, due=str(late.due)
            )
        case DeadlineBreached() as late:
            return wish(
                state, cause, "deadline_breached", late.cycle, to="lead", clock=late.clock, due=str(late.due)
            )


def wish(
    state: Notices, cause: Heard, kind: Kind, cycle: int, to: str | None = None, **details: str
) -> Notices:
    id = uuid5(cause.id, to or "customer")
    if id in {*(each.id for each in state.wishes), *(each.id for each in state.notices)}:
        return state
    wanted = Wish(
        id=id,
        kind=kind,
        cycle=cycle,
        to=to,
        details=details,
        traceparent=cause.traceparent,
    )
    return state.model_copy(update={"wishes": [*state.wishes, wanted]})


def prepare(state: Notices, now: datetime) -> Notices:
    """Turn into notices all wishes for which everything is known; the others go on waiting."""
    made = {each.id: notice(state, each, now) for each in state.wishes}
    return state.model_copy(
        update={
            "wishes": [each for each in state.wishes if made[each.id] is None],
            "notices": [*state.notices, *(each for each in made.values() if each is not None)],
        }
    )


def notice(state: Notices, wanted: Wish, now: datetime) -> Notice | None:
    """The notice that fulfils a wish, or None while something is missing."""
    found = to_customer(state, wanted) if wanted.to is None else to_department(state, wanted, wanted.to)
    if found is None:
        return None
    route, address, details = found
    work = route in ("call", "letter")
    return Notice(
        id=wanted.id,
        kind=wanted.kind,
        cycle=wanted.cycle,
        route=route,
        address=address,
        details=wanted.details | details,
        traceparent=wanted.traceparent,
        state="task" if work else "queued",
        next_at=None if work else now,
    )


def to_customer(state: Notices, wanted: Wish) -> tuple[Route, str, dict[str, str]] | None:
    """Route, address and words for the customer: the channel the complaint came by, else one that reaches."""
    if state.registered is None or state.contact is None:
        return None
    if wanted.kind == "result" and wanted.cycle not in state.replies:
        return None
    pack = pack_of(state.registered, state.migrated)
    own = pack.feedback[state.registered.channel]
    route, address = reach(state.contact, "email" if wanted.kind == "acknowledgement" else own, own)
    words = {"reply": state.replies[wanted.cycle]} if wanted.kind == "result" else {}
    return route, address, {"name": state.contact.name} | words


def reach(contact: ContactRecorded, *preferred: Route) -> tuple[Route, str]:
    """The first route that the contact has an address for."""
    known: dict[Route, str | None] = {
        "email": contact.email,
        "message": contact.phone,
        "call": contact.phone,
        "letter": contact.address,
    }
    orders: list[Route] = [*preferred, "email", "call", "letter"]
    return next(((route, address) for route in orders if (address := known[route])), ("call", ""))


def to_department(state: Notices, wanted: Wish, to: str) -> tuple[Route, str, dict[str, str]] | None:
    """Route, address and words for a department; `lead` is the one that leads in that cycle."""
    if state.registered is None or (to == "lead" and wanted.cycle not in state.routes):
        return None
    pack = pack_of(state.registered, state.migrated)
    name = state.routes[wanted.cycle].lead if to == "lead" else to
    department: Department = pack.departments[name]
    return "email", department.email, {"department": department.title[state.registered.language]}


# delivering


def claim(state: Notices | None, cause: Cause[datetime]) -> Told:
    """Take on every notice that was due when the database's clock showed `cause.data`, for a while."""
    assert state is not None
    held = {"state": "sending", "claim": cause.id, "next_at": cause.data + HOLD}

    def take(each: Notice) -> Notice:
        if each.next_at is None or each.next_at > cause.data:
            return each
        return each.model_copy(update=held | {"attempts": each.attempts + 1})

    return change(state, take), []


def deliver(state: Notices | None, cause: Cause[Report]) -> Told:
    """Record how the attempts of a claim ended; what it did not come to is due again at once."""
    assert state is not None
    ended, owed = cause.data.ended, list[Fact]()

    def record(each: Notice) -> Notice:
        if each.claim != cause.data.claim or each.state != "sending":
            return each
        if each.id not in ended:
            untried = {"state": "queued", "attempts": each.attempts - 1, "next_at": cause.time}
            return each.model_copy(update=untried)
        after, facts = conclude(each, ended[each.id], cause.time)
        owed.extend(facts)
        return after

    return change(state, record), owed


def conclude(each: Notice, outcome: Outcome, now: datetime) -> tuple[Notice, list[Fact]]:
    """One notice after an attempt that ended at machine time `now`; after the last pause it is a person's."""
    about = {"notice": str(each.id), "kind": each.kind, "channel": each.route, "cycle": each.cycle}
    if outcome.delivered:
        sent = {"state": "sent", "next_at": None, "reason": None}
        return each.model_copy(update=sent), [NoticeSent(**about)]
    if outcome.nobody:
        return each.model_copy(update={"state": "task", "route": "call", "next_at": None}), []
    if each.attempts > len(PAUSES):
        given_up = each.model_copy(update={"state": "task", "next_at": None, "reason": outcome.reason})
        return given_up, [NoticeFailed(**about, reason=outcome.reason)]
    again = now + timedelta(seconds=PAUSES[each.attempts - 1])
    return each.model_copy(update={"state": "queued", "next_at": again, "reason": outcome.reason}), []


def finish(state: Notices | None, cause: Cause[UUID]) -> Told:
    """A person has called, or posted the letter. Raises NotFound, or Conflict if it is no open task."""
    task = next((each for each in state.notices if each.id == cause.data), None) if state else None
    if state is None or task is None:
        raise NotFound("This complaint has no such notice")
    if task.state != "task":
        raise Conflict(f"This notice is no open task; it is {task.state}")
    done, owed = conclude(task, Outcome(delivered=True), cause.time)
    return change(state, lambda each: done if each.id == done.id else each), owed


def change(state: Notices, how: Callable[[Notice], Notice]) -> Notices:
    return state.model_copy(update={"notices": [how(each) for each in state.notices]})
