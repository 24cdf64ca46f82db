"""What notify does when time passes: it claims what is due, delivers it, and records how that ended."""

import asyncio
from dataclasses import dataclass
from time import time_ns
from uuid import UUID, uuid4

from services.notify.channels import delivery
from services.notify.domain.notices import HOLD, Notice, Notices, Outcomes, Report, claim, deliver
from services.notify.store import notices
from shared import clock, telemetry
from shared.documents import Due
from shared.envelope import Cause

CONNECTIONS = 4
PATIENCE_NS = int((HOLD.total_seconds() - delivery.ATTEMPT_S) * 1e9)


@dataclass(frozen=True, slots=True)
class Claim:
    """The notices of one complaint that this replica attempts."""

    id: UUID
    due: Due[Notices]
    state: Notices
    mine: list[Notice]
    started: int


async def tick() -> bool:
    """Deliver what is due by the database's clock; true if there may be more."""
    taken = await asyncio.gather(*(take(each) for each in await notices.due()))
    claims = [each for each in taken if each is not None]
    shares = [claims[start::CONNECTIONS] for start in range(CONNECTIONS)]
    await asyncio.gather(*(attempt(share) for share in shares if share))
    return bool(claims)


async def take(due: Due[Notices]) -> Claim | None:
    """Claim one complaint's notices; None if another replica was first."""
    started, id = time_ns(), uuid4()
    cause = Cause(id, due.id, due.state.number, clock.machine_now(), "notify", due.now)
    saved = await notices.update(due.id, claim, cause)
    if time_ns() - started > PATIENCE_NS:  # the claim may run out before the attempt is over
        return None
    mine = [each for each in saved.state.notices if each.claim == id] if saved.state else []
    return Claim(id, due, saved.state, mine, started) if saved.state and mine else None


async def attempt(share: list[Claim]) -> None:
    """Deliver a share of the claims over one connection, then write down how that ended."""
    ended = await delivery.deliver([(each.state, notice) for each in share for notice in each.mine])
    await asyncio.gather(*(record(each, ended) for each in share))


async def record(claimed: Claim, ended: Outcomes) -> None:
    """Write down how the attempts for one complaint ended."""
    due, mine = claimed.due, claimed.mine
    outcomes = {each.id: ended[each.id] for each in mine if each.id in ended}
    report = Report(claim=claimed.id, ended=outcomes)
    cause = Cause(uuid4(), due.id, due.state.number, clock.machine_now(), "notify", report)
    first = all(each.attempts == 1 for each in mine)
    with telemetry.following(
        "deliver notices", cause, mine[0].traceparent, soon=first, started=claimed.started
    ) as traced:
        await notices.update(due.id, deliver, traced)
