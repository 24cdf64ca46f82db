"""Clocks: which of them run for a complaint, as sla last reported."""

from pydantic import AwareDatetime, BaseModel

from services.intake.domain.complaint import Complaint
from services.intake.domain.roles import Actor
from services.intake.domain.stages import ENDED


class Clock(BaseModel):
    """A clock that runs for a complaint, or ran out and runs on; of a department, if it is one's own."""

    clock: str
    cycle: int
    department: str | None
    due: AwareDatetime


def clocks(state: Complaint, reader: Actor) -> list[Clock]:
    """The clocks that run, what is due first at the top. Partners see none."""
    if reader.is_partner or state.stage in ENDED:
        return []
    named = ((key.split(":", 2), each.due) for key, each in state.deadlines.items() if each.due)
    found = [
        Clock(clock=clock, cycle=int(cycle), department=department or None, due=due)
        for (cycle, clock, department), due in named
    ]
    return sorted(found, key=lambda each: each.due)
