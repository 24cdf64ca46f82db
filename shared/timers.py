"""Timers: what is due by the database's clock is decided once, whichever replica comes first.

The claim is the fire: one guarded write marks the timer and owes its event. Its id comes from the document's
version, so that whoever loses the race finds it done.
"""

import asyncio
import random
from datetime import datetime
from typing import Any
from uuid import uuid5

from shared import clock, metrics, telemetry
from shared.documents import Change, Due
from shared.envelope import Cause
from shared.mongo import Store


async def fire_due(
    store: Store[Any], change: Change[Any, datetime], name: str, field: str = "next_due"
) -> bool:
    """Apply `change` to every document of which the instant `field` has passed; true if anything changed.

    The cause's data is the database's instant; a state names its complaint by `number` and `traceparent`.
    """
    due = await store.due(field=field)
    random.shuffle(due)  # replicas that look at the same moment then collide less
    fired = await asyncio.gather(*(_fire(store, change, name, each) for each in due))
    return any(fired)


async def _fire(store: Store[Any], change: Change[Any, datetime], name: str, due: Due[Any]) -> bool:
    id = uuid5(due.id, f"timer of version {due.version}")
    cause = Cause(id, due.id, due.state.number, clock.now(), store.service, due.now)
    with telemetry.following(name, cause, due.state.traceparent, soon=False) as traced:
        saved = await store.update(due.id, change, traced)
    if saved.changed:
        metrics.LATENESS.labels(name).observe((due.now - due.at).total_seconds())
    return saved.changed
