"""Recipients: who is told of what by which pack, and the addresses by which they are reached."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from services.notify.domain.record import Notices, Route, Wish
from shared.events import ContactRecorded, Language
from shared.policy import TELLINGS, NoticeKind, NoticeRule, Pack, pack_of

OF_CLOCK: tuple[NoticeKind, ...] = ("deadline_warned", "deadline_breached")
"""Their event may name the department whose clock it is; that one is then in the `lead`."""
OF_DEPARTMENTS: tuple[NoticeKind, ...] = ("assignment", "corrective_action")
"""Their events name departments, those of all others roles."""


class Recipient(NamedTuple):
    """A department or a role; `title` is None if the pack does not know it (any more)."""

    name: str
    what: str
    title: Mapping[Language, str] | None = None
    email: str | None = None
    chat: str | None = None

    @property
    def ways(self) -> list[tuple[Route, str]]:
        """Every route by which they are told; who has none is called."""
        ways: list[tuple[Route, str]] = []
        if self.email:
            ways.append(("email", self.email))
        if self.chat:
            ways.append(("chat", self.chat))
        return ways or [("call", "")]


def rule_of(pack: Pack, kind: NoticeKind) -> NoticeRule:
    """What the pack says of a kind, if it does."""
    return pack.notices.get(kind) or NoticeRule()


def told_of(pack: Pack, kind: NoticeKind) -> tuple[str, ...]:
    """Who is told: `customer`, roles, `lead`, `departments`, `named`; nobody if the pack has it off."""
    given = rule_of(pack, kind).to
    return TELLINGS[kind].to if given is None else given


def recipients(state: Notices, wanted: Wish) -> list[Recipient] | None:
    """Who of the staff is told, each once; None while it takes a dispatch to know."""
    assert state.registered is not None
    pack = pack_of(state.registered, state.migrated)
    found: dict[tuple[str, str], Recipient] = {}
    for word in told_of(pack, wanted.kind):
        some = _behind(word, state, wanted, pack)
        if some is None:
            return None
        found |= {(each.what, each.name): each for each in some}
    return list(found.values())


def _behind(word: str, state: Notices, wanted: Wish, pack: Pack) -> list[Recipient] | None:
    """Whom a word of the pack stands for. A role that the pack lacks is nobody, unless the event names it."""
    named, route = wanted.to or (), state.routes.get(wanted.cycle)
    match word:
        case "lead" if wanted.kind in OF_CLOCK and named:
            return _named("department", named, pack)
        case "lead":
            return _named("department", [route.lead], pack) if route else None
        case "departments":
            return _named("department", route.departments, pack) if route else None
        case "named" if wanted.kind in OF_DEPARTMENTS:
            return _named("department", named, pack)
        case "named" if wanted.kind == "low_score":
            return _named("role", pack.survey.escalate_to, pack)
        case "named":
            return _named("role", named, pack)
    return _named("role", [word], pack) if word in pack.roles else []


def _named(what: Literal["department", "role"], names: Iterable[str], pack: Pack) -> list[Recipient]:
    known = pack.departments if what == "department" else pack.roles
    return [
        Recipient(name, what, known[name].title, known[name].email, known[name].chat)
        if name in known
        else Recipient(name, what)
        for name in names
    ]


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


def preferred(kind: NoticeKind, own: Route, pack: Pack) -> list[Route]:
    """How the customer would best be told, by the route on which they are answered (`own`)."""
    match kind:
        case "acknowledgement":
            return ["email", own]
        case "survey" | "survey_reminder":
            return [*pack.survey.routes, own]
    return [own]
