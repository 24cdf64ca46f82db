"""Who holds a complaint: whose move it is now, and since when."""

from datetime import datetime
from typing import Literal, NamedTuple

from services.intake.domain.complaint import Complaint
from services.intake.domain.stages import ENDED, Stage

Holding = Literal["handler", "department", "desk", "customer"]
OF_THE_DESK = frozenset(
    {
        Stage.REGISTERED, Stage.SCREENED, Stage.REOPENED, Stage.GRADED, Stage.IMPLEMENTED, Stage.AUDITED,
        Stage.NOT_OURS, Stage.ANSWERED, Stage.SURVEYED,
    }
)  # fmt: skip
"""Before the dispatch, and once what was to be done is done: the desk audits, answers and closes."""
OF_THE_CUSTOMER = frozenset({Stage.OFFERED, Stage.FED_BACK})


class Holder(NamedTuple):
    """Who it is: `name` is the handler's or the department's, empty for all others."""

    kind: Holding | Literal["nobody"]
    name: str = ""


def holder(state: Complaint) -> Holder:
    """Nobody holds what has ended. Else the customer, where their word is waited for; the desk; the handler
    of the departments' part, if one was named, or else the department that leads (POLICIES 1.2 P01)."""
    if state.stage in ENDED:
        return Holder("nobody")
    if state.stage in OF_THE_CUSTOMER or state.waits_for == "customer":
        return Holder("customer")
    if state.stage in OF_THE_DESK or state.route is None:
        return Holder("desk")
    return Holder("handler", state.handler) if state.handler else Holder("department", state.route.lead)


def held(before: Complaint, after: Complaint, at: datetime) -> Complaint:
    """The record as it is now, and, if somebody else holds it, since when."""
    if holder(before) == holder(after):
        return after
    return after.model_copy(update={"held_since": max(at, before.held_since)})


def held_since(state: Complaint) -> datetime | None:
    """Since when that is so; None for what nobody holds."""
    return state.held_since if state.stage not in ENDED else None
