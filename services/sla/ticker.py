"""What sla does when time passes: it fires. The claim is the fire, one guarded write."""

import asyncio
import random
from uuid import uuid5

from services.sla.domain.deadlines import Deadlines, fire
from services.sla.store import deadlines
from shared import clock, telemetry
from shared.envelope import Cause
from shared.mongo import Due


async def tick() -> bool:
    """Fire what is due by the database's clock; true if there may be more."""
    due = await deadlines.due()
    random.shuffle(due)  # replicas that look at the same moment then collide less
    await asyncio.gather(*(fire_one(each) for each in due))
    return bool(due)


async def fire_one(due: Due[Deadlines]) -> None:
    cause = Cause(
        id=uuid5(due.id, f"timer {due.since.isoformat()}"),
        complaint=due.id,
        subject=due.state.number,
        time=clock.now(),
        by="sla",
        data=due.since,
    )
    with telemetry.following("fire deadlines", cause, due.state.traceparent, soon=False) as traced:
        await deadlines.update(due.id, fire, traced)
