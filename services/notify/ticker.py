"""What notify does when time passes: it claims what is due, delivers it, and records how that ended."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4, uuid5

from services.notify.channels import email, gateway
from services.notify.channels.wording import Words, words
from services.notify.domain.notices import Notices, Route, claim, deliver, divert
from services.notify.store import notices
from shared import clock, telemetry
from shared.envelope import Cause
from shared.mongo import Due
from shared.settings import settings

CONNECTIONS = 4
Telling = tuple[UUID, str, str, Words]


async def tick() -> bool:
    """Deliver what is due by the database's clock; true if there may be more."""
    due = await notices.due(limit=100)
    claimed = [each for each in await asyncio.gather(*(take(each) for each in due)) if each is not None]
    await asyncio.gather(*(send_some(claimed[start::CONNECTIONS]) for start in range(CONNECTIONS)))
    return bool(due)


async def take(due: Due[Notices]) -> tuple[UUID, Notices, set[UUID]] | None:
    """Claim the notices of one complaint that are due; None if another replica was first."""
    saved = await notices.update(due.id, claim, about(due.id, due.state, f"claim {due.since}", due.since))
    wanted = {each.id for each in due.state.notices if each.next_at is not None and each.next_at <= due.since}
    return (due.id, saved.state, wanted) if saved.changed and saved.state is not None else None


def about(complaint: UUID, state: Notices, name: str, data: Any) -> Cause[Any]:
    """A cause of our own making for this complaint."""
    return Cause(uuid5(complaint, name), complaint, state.number, clock.machine_now(), "notify", data)


async def send_some(claimed: list[tuple[UUID, Notices, set[UUID]]]) -> None:
    """Deliver some complaints' notices, those of one channel over one connection."""
    letters: dict[Route, list[Telling]] = {"email": [], "message": []}
    for _, state, wanted in claimed:
        for each in state.notices:
            if each.id in wanted:
                letters[each.route].append((each.id, state.number, each.address, words(state, each)))
    ended: dict[UUID, str | None] = {}
    if letters["email"]:
        ended |= await email.send(letters["email"])
    if letters["message"] and settings().gateway_url:
        ended |= await gateway.send(str(settings().gateway_url), letters["message"])
    await asyncio.gather(*(record(complaint, state, wanted, ended) for complaint, state, wanted in claimed))


async def record(
    complaint: UUID, state: Notices, wanted: set[UUID], ended: Mapping[UUID, str | None]
) -> None:
    """Write down how the attempts for one complaint ended; what no channel took becomes a person's task."""
    mine = {id: ended[id] for id in wanted if id in ended}
    cause = about(complaint, state, f"deliver {uuid4()}", mine)
    with telemetry.linked("deliver notices", cause, state.traceparent) as linked:
        await notices.update(complaint, deliver, linked)
    for id in wanted - set(ended):
        await notices.update(complaint, divert, about(complaint, state, f"divert {id}", id))
