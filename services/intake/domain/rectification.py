"""Rectification orders: a department puts its work in order by a deadline; the table is the law.

    ordered ─▶ reported ─▶ verified         the department says that it is done, a supervisor looks
       ▲           │
       └─ sent back┘                        or finds that it is not

Source: P01 (通报批评 and 限期整改 by the supervising group); separation of duties after ISO 10002, 5.3.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.intake.domain.complaint import MILLISECOND, check_same
from services.intake.domain.forms import Given
from services.intake.domain.roles import Actor, check_may
from services.intake.domain.steps import Reason
from shared import clock
from shared.envelope import Cause
from shared.events import (
    Fact,
    Instant,
    Name,
    RectificationBreached,
    RectificationOrdered,
    RectificationVerified,
    RectificationWithdrawn,
)
from shared.problems import Conflict, Fault, Forbidden, Invalid, NotFound
from shared.sealing import at_rest


class Stand(StrEnum):
    ORDERED = "ordered"
    REPORTED = "reported"
    VERIFIED = "verified"
    WITHDRAWN = "withdrawn"


class Arrow(NamedTuple):
    """A step leads from any of `sources` to `target`."""

    step: str
    sources: tuple[Stand, ...]
    target: Stand


TABLE: tuple[Arrow, ...] = (
    Arrow("report", (Stand.ORDERED,), Stand.REPORTED),
    Arrow("verify", (Stand.REPORTED,), Stand.VERIFIED),
    Arrow("send_back", (Stand.REPORTED,), Stand.ORDERED),
    Arrow("withdraw", (Stand.ORDERED, Stand.REPORTED), Stand.WITHDRAWN),
)
ROLE = {"report": "report", "verify": "verify", "send_back": "send_back", "withdraw": "revoke"}
"""Step -> what the table of roles calls it."""


class Because(Given):
    """What gave rise to it."""

    kind: Literal["complaint", "spot_check", "trend"]
    id: UUID


class NewOrder(Given):
    """What a department must put in order, by when."""

    department: Name
    due: Instant
    what: Reason
    because: Because
    criticised: bool = Field(False, description="Whether the department is criticised before the house")


class OrderStep(Given):
    """A step: `words` say what was done, or why it is sent back or withdrawn."""

    step: Literal["report", "verify", "send_back", "withdraw"]
    words: Reason | None = None


class Taken(BaseModel):
    """A step that was taken, under which key, with the digest of what was sent."""

    step: str
    by: str
    at: AwareDatetime
    words: Annotated[str | None, *at_rest("words")] = None
    request: str | None = None
    digest: str = ""


class Order(BaseModel):
    """An order and how it stands. `number` names it in events; `breached_at` when its deadline passed."""

    number: str
    traceparent: str | None
    digest: str
    department: str
    due: AwareDatetime
    what: Annotated[str, *at_rest("what")]
    because: Because
    criticised: bool
    by: str
    at: AwareDatetime
    state: Stand = Stand.ORDERED
    steps: list[Taken] = []
    breached_at: AwareDatetime | None = None

    @property
    def wakes_at(self) -> datetime | None:
        """The machine's instant at which its deadline passes, unless it was told of that, or need not be."""
        waits = self.state is Stand.ORDERED and self.breached_at is None
        return clock.wake_at(self.due + MILLISECOND) if waits else None

    def is_overdue(self, now: datetime) -> bool:
        """Whether the department still owes it after its deadline."""
        return self.state is Stand.ORDERED and self.due < now


class Wish(NamedTuple):
    """A step that somebody wants to take, under which key."""

    step: OrderStep
    by: Actor
    request: str | None
    digest: str


Ruled = tuple[Order, list[Fact]]


class Giving(NamedTuple):
    """An order to be given, to one of the departments that are known."""

    order: Order
    departments: set[str]


def give(state: Order | None, cause: Cause[Giving]) -> Ruled:
    """Give an order, once for its key.

    Raises Invalid for another one under it, a deadline that has passed, and a department that is not known.
    """
    new, departments = cause.data
    if state is not None:
        check_same(state.digest, new.digest)
        return state, []
    if new.due <= cause.time:
        raise Invalid("A deadline lies ahead", [Fault(detail="give an instant after now", pointer="#/due")])
    if new.department not in departments:
        fault = Fault(detail=f"use one of {', '.join(sorted(departments))}", pointer="#/department")
        raise Invalid("There is no such department here", [fault])
    told = RectificationOrdered(
        department=new.department,
        due=new.due,
        because=new.because.kind,
        about=new.because.id,
        criticised=new.criticised,
    )
    return new, [told]


def possible(state: Stand) -> list[str]:
    """The steps that the table has from here."""
    return [each.step for each in TABLE if state in each.sources]


def possible_for(order: Order, by: Actor) -> list[str]:
    """Those of them that this person may take."""
    return [step for step in possible(order.state) if _may(order, step, by)]


def _may(order: Order, step: str, by: Actor) -> bool:
    try:
        check_may_take(order, step, by)
    except Forbidden:
        return False
    return True


def check_may_take(order: Order, step: str, by: Actor) -> None:
    """Raises Forbidden: the department reports, and whoever reported does not judge it."""
    check_may(by, ROLE[step], [order.department], ())
    reported = [each.by for each in order.steps if each.step == "report"][-1:]
    if step in ("verify", "send_back") and by.is_one_of(reported):
        raise Forbidden("Whoever reported that it is done does not judge that; another supervisor must")


def take(order: Order | None, cause: Cause[Wish]) -> Ruled:
    """Take a step, once for its key.

    Raises NotFound; Conflict, naming what is possible now; Forbidden; Invalid where words are missing.
    """
    if order is None:
        raise NotFound("There is no order with this id")
    wish = cause.data
    for each in order.steps:
        if wish.request is not None and each.request == wish.request:
            check_same(each.digest, wish.digest)
            return order, []
    step = wish.step.step
    check_may_take(order, step, wish.by)
    if step not in possible(order.state):
        now = ", ".join(possible(order.state)) or "nothing: it has come to its end"
        raise Conflict(f"'{step}' is not possible on an order that is {order.state}; possible now: {now}")
    if wish.step.words is None and step != "verify":
        fault = Fault(detail="say what was done, or why", pointer="#/words")
        raise Invalid(f"'{step}' takes words", [fault])
    taken = Taken(
        step=step,
        by=wish.by.name,
        at=cause.time,
        words=wish.step.words,
        request=wish.request,
        digest=wish.digest,
    )
    target = next(each.target for each in TABLE if each.step == step)
    late, told = breached(order, cause.time) if step == "report" else (order, [])
    after = late.model_copy(update={"state": target, "steps": [*order.steps, taken]})
    return after, [*told, *_told(after, step)]


def _told(order: Order, step: str) -> list[Fact]:
    match step:
        case "verify":
            reported = max(each.at for each in order.steps if each.step == "report")
            in_time = reported <= order.due
            return [RectificationVerified(department=order.department, due=order.due, in_time=in_time)]
        case "withdraw":
            return [RectificationWithdrawn(department=order.department)]
    return []


def breached(order: Order, at: datetime) -> Ruled:
    """The order, with what is to be told if its deadline passed before `at` and nobody was told of it."""
    if not order.is_overdue(at) or order.breached_at is not None:
        return order, []
    told = RectificationBreached(department=order.department, due=order.due, criticised=order.criticised)
    return order.model_copy(update={"breached_at": at}), [told]


def wake(order: Order | None, cause: Cause[datetime]) -> tuple[Order | None, list[Fact]]:
    """The deadline has passed by the database's clock (`cause.data`); it is told of once."""
    if order is None or order.wakes_at is None or order.wakes_at > cause.data:
        return order, []
    return breached(order, max(cause.time, order.due + MILLISECOND))
