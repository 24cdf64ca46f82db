"""What sla does when time passes: it fires, and the claim is the fire.

One guarded write marks the timer and owes its event, so no replica fires it again.
"""

import asyncio
import random
from uuid import uuid5

from services.sla.domain.deadlines import Deadlines, fire
from services.sla.store import deadlines
from shared import clock, telemetry
from shared.documents import Due
from shared.envelope import Cause


async def tick() -> bool:
    """Fire what is due by the database's clock; true if there may be more."""
    due = await deadlines.due()
    random.shuffle(due)  # replicas that look at the same moment then collide less
    fired = await asyncio.gather(*(fire_one(each) for each in due))
    return any(fired)


async def fire_one(due: Due[Deadlines]) -> bool:
    """Fire one complaint's timers, unless another replica was first."""
    id = uuid5(due.id, f"timer of version {due.version}")
    cause = Cause(id, due.id, due.state.number, clock.now(), "sla", due.now)
    with telemetry.following("fire deadlines", cause, due.state.traceparent, soon=False) as traced:
        saved = await deadlines.update(due.id, fire, traced)
    return saved.changed
