"""What survey does when time passes: unanswered surveys expire."""

import asyncio
from uuid import uuid5

from services.survey.domain.questionnaire import Surveys, expire
from services.survey.store import surveys
from shared import clock, telemetry
from shared.documents import Due
from shared.envelope import Cause


async def tick() -> bool:
    """End what has expired by the database's clock; true if there may be more."""
    ended = await asyncio.gather(*(expire_one(each) for each in await surveys.due()))
    return any(ended)


async def expire_one(due: Due[Surveys]) -> bool:
    """End one complaint's expired surveys, unless another replica was first."""
    id = uuid5(due.id, f"timer of version {due.version}")
    cause = Cause(id, due.id, due.state.number, clock.now(), "survey", due.now)
    with telemetry.following("expire surveys", cause, due.state.traceparent, soon=False) as traced:
        saved = await surveys.update(due.id, expire, traced)
    return saved.changed
