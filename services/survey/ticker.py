"""What survey does when time passes: it reminds of open surveys, and ends those whose time is over."""

from functools import partial

from services.survey.channels.links import link
from services.survey.domain.passing import elapse
from services.survey.store import surveys
from shared.timers import fire_due

NAME = "surveys in time"


async def tick() -> bool:
    """Remind of and end what is due by the database's clock; true if there may be more."""
    return await fire_due(surveys, partial(elapse, link=link), NAME)
