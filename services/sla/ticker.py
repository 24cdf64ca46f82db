"""What sla does when time passes: it warns, and tells of breaches."""

from services.sla.domain.deadlines import fire
from services.sla.store import deadlines
from shared.timers import fire_due


async def tick() -> bool:
    """Fire what is due by the database's clock; true if there may be more."""
    return await fire_due(deadlines, fire, "fire deadlines")
