"""What survey does when time passes: unanswered surveys expire."""

import asyncio
from uuid import uuid5

from services.survey.domain.questionnaire import Surveys, expire
from services.survey.store import surveys
from shared import clock, telemetry
from shared.envelope import Cause
from shared.mongo import Due


async def tick() -> bool:
    """End what has expired by the database's clock; true if there may be more."""
    due = await surveys.due()
    await asyncio.gather(*(expire_one(each) for each in due))
    return bool(due)


async def expire_one(due: Due[Surveys]) -> None:
    id = uuid5(due.id, f"timer {due.since.isoformat()}")
    cause = Cause(id, due.id, due.state.number, clock.now(), "survey", due.since)
    with telemetry.following("expire surveys", cause, due.state.traceparent, soon=False) as traced:
        await surveys.update(due.id, expire, traced)
