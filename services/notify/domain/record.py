"""The record: what must be told about one complaint, and what has been; personal data is sealed at rest."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.events import (
    ComplaintDispatched,
    ComplaintMigrated,
    ComplaintRegistered,
    ContactRecorded,
    Fact,
    NoticeFailed,
    NoticeQueued,
    NoticeSent,
    NoticeSuppressed,
)
from shared.policy import TO_CUSTOMER, NoticeKind
from shared.sealing import at_rest

Route = Literal["email", "call", "letter", "message", "chat"]
State = Literal["open", "queued", "sending", "task", "sent", "folded", "suppressed"]
BY_MACHINE: tuple[Route, ...] = ("email", "message", "chat")
MIXED = "*"


class Outcome(BaseModel):
    """How an attempt ended: delivered, or why not.

    `nobody` if no channel takes such notices here; `final` if asking again would change nothing. `away` is of
    the endpoint: it takes nothing for the moment, from nobody. What is `untried` has lost no attempt by it,
    and is not tried again before `again_at` (machine time).
    """

    delivered: bool = False
    nobody: bool = False
    final: bool = False
    away: bool = False
    untried: bool = False
    again_at: AwareDatetime | None = None
    reason: str = ""


Outcomes = dict[UUID, Outcome]
"""By notice; one that was not reached yet is absent."""


class Report(BaseModel):
    """What a claim came to, as far as it has come to anything."""

    claim: UUID
    ended: Outcomes


class Wish(BaseModel):
    """Something to be told because of an event.

    `to` are the departments or roles that the event itself names; None: it is for the customer.
    """

    id: UUID
    kind: NoticeKind
    cycle: int
    to: tuple[str, ...] | None = None
    details: Annotated[dict[str, str], *at_rest("details")] = {}
    traceparent: str | None = None


class Attempt(BaseModel):
    """One try at telling, at an instant of machine time: by a channel, or `by` somebody."""

    at: AwareDatetime
    outcome: Literal["sent", "failed", "not_reached"]
    reason: str | None = None
    by: str | None = None


class Posted(BaseModel):
    """What goes through a channel, and how far it has come: `next_at` is the machine's instant to go on.

    `at` is when it was made, `claim` who attempts it. Of the attempts the newest are kept in `log`;
    `attempts` counts them all.
    """

    id: UUID
    at: AwareDatetime | None = None
    state: State
    claim: UUID | None = None
    attempts: int = 0
    next_at: AwareDatetime | None = None
    reason: str | None = None
    log: list[Attempt] = []


class Notice(Posted):
    """One telling, for ever one for (event, recipient). A `task` is a person's: a call, a letter to post,
    or what no machine could deliver; they try it again from `again_at`. `to` is a role or department, None
    the customer. One that is `folded` is told in the digest `into`; one that is `suppressed` was not sent,
    for its `reason`. Once `admitted`, it counts for its recipient's hour.
    """

    kind: NoticeKind
    cycle: int
    to: str | None = None
    urgent: bool = False
    route: Route | None
    address: Annotated[str, *at_rest("address")]
    details: Annotated[dict[str, str], *at_rest("details")]
    traceparent: str | None = None
    admitted: bool = False
    into: UUID | None = None
    again_at: AwareDatetime | None = None

    @property
    def to_customer(self) -> bool:
        return self.kind in TO_CUSTOMER


class Graded(BaseModel):
    """Class and grade in a cycle; the highest `revision` counts."""

    class_: str
    grade: str
    revision: int


class Promised(BaseModel):
    """When a clock is due; what sla said last counts."""

    due: AwareDatetime
    sequence: int


class Notices(BaseModel):
    """What must be told about one complaint, and what has been. Once `erased`, it knows no customer.

    `promises` are by cycle, clock and department, `causes` and `grades` by cycle; `answered` are cycles.
    `handed_in_by` is the partner that did, "" if it was none, and None until that is known.
    """

    number: str = ""
    handed_in_by: str | None = None
    registered: ComplaintRegistered | None = None
    migrated: ComplaintMigrated | None = None
    contact: Annotated[ContactRecorded | None, *at_rest("contact")] = None
    replies: dict[int, Annotated[str, *at_rest("replies")]] = {}
    routes: dict[int, ComplaintDispatched] = {}
    grades: dict[int, Graded] = {}
    causes: dict[int, str] = {}
    promises: dict[str, Promised] = {}
    answered: list[int] = []
    wishes: list[Wish] = []
    notices: list[Notice] = []
    erased: bool = False

    @property
    def next_due(self) -> datetime | None:
        """The machine's instant of the next attempt."""
        return min((each.next_at for each in self.notices if each.next_at is not None), default=None)

    def waiting(self, route: Route) -> "list[Notice]":
        """Those that go on by this route, whenever that is."""
        return [each for each in self.notices if each.route == route and each.next_at is not None]

    def channel(self, notice: Notice) -> str:
        """Customers are written to on the channel that they came by; a chat's address is its gateway."""
        if notice.route == "chat":
            return notice.address
        return self.registered.channel if self.registered else ""

    def via(self, route: Route) -> str | None:
        """The channel of all that go on by this route; MIXED if they have several."""
        names = {self.channel(each) for each in self.waiting(route)}
        return MIXED if len(names) > 1 else next(iter(names), None)


Told = tuple[Notices, list[Fact]]


def change(state: Notices, how: Callable[[Notice], Notice]) -> Notices:
    return state.model_copy(update={"notices": [how(each) for each in state.notices]})


def said(before: Notices | None, after: Notices) -> list[Fact]:
    """What is said in public of the notices that have come further: queued, sent, failed, suppressed."""
    known = {each.id: each for each in before.notices} if before else {}
    facts = (_said(known.get(each.id), each) for each in after.notices)
    return [fact for fact in facts if fact is not None]


def _said(was: Notice | None, now: Notice) -> Fact | None:
    if was is not None and was.state == now.state:
        return None
    about = {"notice": str(now.id), "kind": now.kind, "channel": now.route or "none", "cycle": now.cycle}
    about |= {"to": now.to or "customer"}
    match now.state:
        case "queued" | "task" if was is None:
            return NoticeQueued.model_validate(about)
        case "sent":
            return NoticeSent.model_validate(about)
        case "task" if now.reason is not None:
            return NoticeFailed.model_validate(about | {"reason": now.reason})
        case "folded":
            return NoticeSuppressed.model_validate(about | {"reason": "folded", "into": str(now.into)})
        case "suppressed":
            return NoticeSuppressed.model_validate(about | {"reason": now.reason or "erased"})
    return None
