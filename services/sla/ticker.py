"""What sla does when time passes: it warns, tells of breaches and calls superiors."""

from services.sla.domain.deadlines import fire
from services.sla.store import Sweep, deadlines
from shared.timers import fire_due

NAME = "fire deadlines"


async def tick() -> bool:
    """Fire what is due by the database's clock; true if there may be more."""
    return await fire_due(deadlines, fire, NAME)


follow_calendars = Sweep().tick
"""Reckons anew what an official notice has changed."""
