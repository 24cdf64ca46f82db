"""What notify does when time passes: it claims what is due, delivers it, and records how that ended."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4, uuid5

from services.notify.channels import delivery
from services.notify.domain.notices import Notices, claim, deliver, divert
from services.notify.store import notices
from shared import clock, telemetry
from shared.envelope import Cause
from shared.mongo import Due

AT_ONCE = 8


async def tick() -> bool:
    """Deliver what is due by the database's clock; true if there may be more."""
    due = await notices.due(limit=100)
    slots = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(tell(each, slots) for each in due))
    return bool(due)


async def tell(due: Due[Notices], slots: asyncio.Semaphore) -> None:
    """Claim one complaint's notices and deliver them, unless another replica was first."""
    wanted = [each for each in due.state.notices if each.next_at is not None and each.next_at <= due.since]
    cause = about(due, f"claim {due.since.isoformat()}", due.since)
    first = all(each.attempts == 0 for each in wanted)
    async with slots:
        with telemetry.following("deliver notices", cause, wanted[0].traceparent, soon=first) as traced:
            saved = await notices.update(due.id, claim, traced)
            if saved.changed and saved.state is not None:
                await attempt(due, saved.state, {each.id for each in wanted}, traced)


async def attempt(due: Due[Notices], state: Notices, wanted: set[UUID], claimed: Cause[Any]) -> None:
    """Deliver, then write down how that ended; what no channel takes becomes a person's task."""
    ended = await delivery.deliver(state, wanted)
    outcome = replace(claimed, id=uuid4(), time=clock.machine_now(), data=ended)
    await notices.update(due.id, deliver, outcome)
    for id in wanted - set(ended):
        await notices.update(due.id, divert, about(due, f"divert {id}", id))


def about(due: Due[Notices], name: str, data: Any) -> Cause[Any]:
    """A cause of our own making for this complaint."""
    return Cause(uuid5(due.id, name), due.id, due.state.number, clock.machine_now(), "notify", data)
