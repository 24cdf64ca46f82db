"""Delegations: who acts for whom in which role, from when until when."""

from datetime import datetime
from uuid import UUID, uuid4, uuid5

from services.intake.domain.approval import Delegation
from services.intake.domain.roles import Actor
from services.intake.store.complaints import complaints
from shared import clock
from shared.documents import Saved
from shared.driver import index
from shared.envelope import Cause
from shared.events import Fact
from shared.problems import Conflict, Fault, Invalid, NotFound

GIVEN = UUID("0d1b6c0e-7f5f-5b8e-9d0a-6a8a8f0f6c11")
MOST = 100
"""Delegations of one person that run or are to run."""
delegations = complaints.beside(
    Delegation,
    lift=lambda given: {"delegate": given.to, "giver": given.by, "until": given.until},
    indexes=[index("delegate", "until"), index("giver", "-until")],
)


def put(state: Delegation | None, cause: Cause[Delegation]) -> tuple[Delegation, list[Fact]]:
    return state or cause.data, []


def end(state: Delegation | None, cause: Cause[str]) -> tuple[Delegation, list[Fact]]:
    """It ends now, on the word of whoever gave it. Raises NotFound for anybody else."""
    if state is None or state.by != cause.data:
        raise NotFound("You gave no such delegation")
    return state.model_copy(update={"until": min(state.until, cause.time)}), []


async def give(given: Delegation, key: str | None) -> tuple[UUID, Delegation]:
    """Once for this key. Raises Invalid for another delegation under it, Conflict for one too many."""
    query = {"giver": given.by, "until": {"$gt": clock.now()}}
    if len(await delegations.find(query, limit=MOST)) == MOST:
        raise Conflict(f"Nobody hands on roles more than {MOST} times at once; end some first")
    id = uuid5(GIVEN, f"{given.by}|{key}") if key else uuid4()
    saved = await delegations.update_soon(id, put, Cause(uuid4(), id, "", clock.now(), given.by, given))
    assert saved.state is not None
    if saved.state.model_copy(update={"until": given.until}) != given:
        fault = Fault(detail="take a new key for a new request", pointer="#/Idempotency-Key")
        raise Invalid("This Idempotency-Key was used for another payload", [fault])
    return id, saved.state


async def take_back(id: UUID, by: str) -> None:
    """Raises NotFound."""
    await delegations.update_soon(id, end, Cause(uuid4(), id, "", clock.now(), by, by))


async def instead(who: Actor, now: datetime) -> dict[str, tuple[str, ...]]:
    """For which roles this person stands in now, and for whom."""
    found = await delegations.find({"delegate": {"$in": who.names}, "until": {"$gt": now}}, limit=500)
    roles: dict[str, tuple[str, ...]] = {}
    for each in found:
        if each.state is not None and each.state.since <= now:
            roles[each.state.role] = (*roles.get(each.state.role, ()), each.state.by)
    return roles


async def given_to_or_by(name: str) -> list[Saved[Delegation]]:
    """The last to end of those that this person gave, then of those they were given."""
    lists = [await delegations.find({side: name}, sort="-until", limit=200) for side in ("giver", "delegate")]
    found = {each.id: each for each in (*lists[0], *lists[1]) if each.state is not None}
    return sorted(
        found.values(), key=lambda each: each.state.until if each.state else clock.now(), reverse=True
    )
