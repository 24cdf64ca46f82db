"""What notify does when time passes: it claims what is due, delivers it, and records how that ended."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4, uuid5

from services.notify.channels import delivery
from services.notify.domain.notices import Notice, Notices, claim, deliver
from services.notify.store import notices
from shared import clock, telemetry
from shared.documents import Due
from shared.envelope import Cause

AT_ONCE = 8


async def tick() -> bool:
    """Deliver what is due by the database's clock; true if there may be more."""
    due = await notices.due(limit=100)
    slots = asyncio.Semaphore(AT_ONCE)
    told = await asyncio.gather(*(tell(each, slots) for each in due))
    return any(told)


async def tell(due: Due[Notices], slots: asyncio.Semaphore) -> bool:
    """Claim one complaint's notices and deliver them; false if another replica was first."""
    async with slots:
        id = uuid5(due.id, f"claim of version {due.version}")
        cause = Cause(id, due.id, due.state.number, clock.machine_now(), "notify", due.now)
        first = next(
            each for each in due.state.notices if each.next_at is not None and each.next_at <= due.now
        )
        with telemetry.following(
            "deliver notices", cause, first.traceparent, soon=first.attempts == 0
        ) as traced:
            saved = await notices.update(due.id, claim, traced)
            mine = [each for each in saved.state.notices if each.claim == id] if saved.state else []
            if saved.changed and saved.state is not None and mine:
                await attempt(saved.state, mine, traced)
            return bool(mine)


async def attempt(state: Notices, mine: list[Notice], claimed: Cause[Any]) -> None:
    """Deliver, then write down how that ended."""
    ended = await delivery.deliver(state, mine)
    outcome = replace(claimed, id=uuid4(), time=clock.machine_now(), data=ended)
    await notices.update(claimed.complaint, deliver, outcome)
