"""What sla does when time passes: it warns, tells of breaches and calls superiors."""

from services.sla.domain.deadlines import fire
from services.sla.store import deadlines, reckon_by_newest
from shared.timers import fire_due


async def tick() -> bool:
    """Fire what is due by the database's clock; true if there may be more."""
    return await fire_due(deadlines, fire, "fire deadlines")


async def follow_calendars() -> bool:
    """Reckon anew what an official notice has changed; true if there may be more."""
    return await reckon_by_newest()
