"""The spot checks: drawn by lot from what a filter takes, and what was found."""

from collections.abc import Mapping
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID, uuid4, uuid5

from services.intake.domain.complaint import check_same
from services.intake.domain.handling import departments_of
from services.intake.domain.spot_checks import Drawn, Finding, Lot, SpotCheck, find, put
from services.intake.store.complaints import complaints
from shared import clock, telemetry
from shared.driver import index
from shared.envelope import Cause
from shared.problems import NotFound

CHECKS = UUID("6f3c1d0a-52b7-5a0e-8e0c-0c3a4f3e7b21")
checks = complaints.beside(
    SpotCheck, lift=lambda check: {"drawn_at": check.at}, indexes=[index("-drawn_at", "-_id")]
)


async def asked_before(digest: str, by: str, key: str | None) -> tuple[UUID, SpotCheck | None]:
    """The id of a check under this key, and the check if it was drawn. Raises Invalid for another payload."""
    if key is None:
        return uuid4(), None
    id = uuid5(CHECKS, f"{by}|{key}")
    found = await checks.get(id)
    if found is not None and found.state is not None:
        check_same(found.state.digest, digest)
    return id, found.state if found else None


async def draw(query: Mapping[str, Any], seed: str, size: int) -> tuple[Lot, list[Drawn]]:
    """Complaints by lot from all that match; no more than a batch of them is in memory at a time."""
    lot = Lot(seed, size)
    async for some in complaints.lifted(query, ["_id"], sort="-registered_at,-_id"):
        lot.pass_by(each["_id"] for each in some)
    found = {each.id: each.state for each in await complaints.find({"_id": {"$in": lot.drawn}}, limit=size)}
    known = [(id, state) for id in lot.drawn if (state := found.get(id)) is not None]
    drawn = [
        Drawn(complaint=id, number=state.number, departments=departments_of(state)) for id, state in known
    ]
    return lot, drawn


async def keep(id: UUID, check: SpotCheck) -> SpotCheck:
    """Record a draw. Raises Conflict for an empty one, Invalid if its key was used for another."""
    saved = await checks.update_soon(id, put, _cause(id, check.by, check))
    assert saved.state is not None
    return saved.state


async def found_in(id: UUID, findings: dict[UUID, Finding], by: str) -> SpotCheck:
    """Record findings. Raises NotFound, Invalid, Conflict."""
    saved = await checks.update_soon(id, find, _cause(id, by, findings))
    assert saved.state is not None
    return saved.state


def _cause(id: UUID, by: str, data: Any) -> Cause[Any]:
    trace = telemetry.traceparent()
    return Cause(uuid4(), id, f"spot-checks/{id}", clock.now(), by, data, traceparent=trace)


async def one(id: UUID) -> SpotCheck:
    """Raises NotFound."""
    found = await checks.find({"_id": id, "drawn_at": {"$exists": True}}, limit=1)
    if not found or found[0].state is None:
        raise NotFound("There is no spot check with this id")
    return found[0].state


async def between(since: datetime | None, until: datetime | None, limit: int) -> list[tuple[UUID, SpotCheck]]:
    """The newest checks that were drawn between two instants."""
    span = {"$gte": since} if since else {"$exists": True}
    query = {"drawn_at": span | ({"$lt": until} if until else {})}
    found = await checks.find(query, sort="-drawn_at,-_id", limit=limit)
    return [(each.id, each.state) for each in found if each.state]


async def departments_concerned(id: UUID) -> set[str]:
    """The departments whose complaints were drawn. Raises NotFound."""
    return set(chain.from_iterable(each.departments for each in (await one(id)).drawn))
