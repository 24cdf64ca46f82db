"""What survey does when time passes: unanswered surveys expire."""

from services.survey.domain.questionnaire import expire
from services.survey.store import surveys
from shared.timers import fire_due


async def tick() -> bool:
    """End what has expired by the database's clock; true if there may be more."""
    return await fire_due(surveys, expire, "expire surveys")
