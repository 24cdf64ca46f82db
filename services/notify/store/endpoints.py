"""The endpoints of webhooks, and the directory of them that every replica has in memory."""

from datetime import datetime
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID, uuid4

from services.notify.domain.deliveries import KEPT
from services.notify.domain.endpoints import (
    Endpoint,
    Health,
    establish,
    make_due,
    matching,
    on_offer,
    take_note,
    take_probe,
)
from services.notify.store.notices import notices
from shared import clock, telemetry
from shared.documents import Change, Saved
from shared.driver import index
from shared.envelope import Cause
from shared.problems import Conflict, NotFound

D = TypeVar("D")
EVERY_S = 1.0
MOST = 50
"""Endpoints of one partner, and of the house ten times as many."""


def lift(state: Endpoint) -> dict[str, Any]:
    gone = clock.machine_now() + KEPT if state.removed else None
    return {"webhook_owner": None if state.removed else state.owner, "webhook_ends": gone}


endpoints = notices.beside(Endpoint, lift=lift, indexes=[index("webhook_owner", "_id")])


class Directory:
    """Every endpoint that there is, as of a second ago at most."""

    def __init__(self) -> None:
        self.loaded = False
        self._known: dict[UUID, tuple[int, Endpoint]] = {}
        self._by_type: dict[str, list[UUID]] = {}
        self._looked = 0.0

    async def refresh(self) -> bool:
        """Learn what other replicas changed; a tick."""
        if monotonic() - self._looked >= EVERY_S:
            self._looked = monotonic()
            await self._look()
        return False

    async def _look(self) -> None:
        there: dict[UUID, int] = {}
        async for some in endpoints.lifted({"webhook_owner": {"$exists": True}}, ["_id", "version"]):
            there |= {each["_id"]: each["version"] for each in some}
        stale = [id for id, version in there.items() if version > self._version(id)]
        found = await endpoints.find({"_id": {"$in": stale}}, limit=len(stale)) if stale else []
        for id in self._known.keys() - there.keys():
            del self._known[id]
        for saved in found:
            self.put(saved)
        self._sort()
        self.loaded = True

    def _version(self, id: UUID) -> int:
        return self._known[id][0] if id in self._known else 0

    def put(self, saved: Saved[Endpoint]) -> None:
        """What was just written here."""
        if saved.state is None or saved.version <= self._version(saved.id):
            return
        before = self._known.get(saved.id)
        self._known[saved.id] = (saved.version, saved.state)
        if before is None or _place(before[1]) != _place(saved.state):
            self._sort()

    def _sort(self) -> None:
        self._by_type = {}
        for id, (_, each) in self._known.items():
            if each.disabled is None:
                for type in matching(each.types, on_offer(each.of_partner)):
                    self._by_type.setdefault(type, []).append(id)

    async def wanting(self, type: str) -> list[tuple[UUID, Endpoint]]:
        """The enabled endpoints that want events of this type."""
        if not self.loaded:
            await self._look()
        return [(id, self._known[id][1]) for id in self._by_type.get(type, ())]

    def is_failing(self, id: UUID) -> bool:
        return id in self._known and self._known[id][1].failures > 0

    def serving(self) -> list[tuple[UUID, Endpoint]]:
        """All that are enabled."""
        return [(id, each) for id, (_, each) in self._known.items() if each.disabled is None]


def _place(each: Endpoint) -> Any:
    return each.types, each.disabled is None


directory = Directory()


async def add(id: UUID, new: Endpoint) -> Endpoint:
    """Register an endpoint. Raises Conflict for one too many, and what the domain refuses."""
    most = MOST if new.of_partner else 10 * MOST
    there = await endpoints.count({"webhook_owner": new.owner})
    if there >= most and await endpoints.get(id) is None:
        raise Conflict(f"You have {most} webhooks already; remove one first")
    return await _changed(id, establish, _cause(id, new.owner, new))


async def one(id: UUID) -> Endpoint:
    """Raises NotFound."""
    found = await endpoints.find({"_id": id, "webhook_owner": {"$exists": True}}, limit=1)
    if not found or found[0].state is None:
        raise NotFound("There is no webhook with this id")
    return found[0].state


async def of(owner: str | None, after: UUID | None, limit: int) -> tuple[list[Saved[Endpoint]], bool]:
    """The endpoints of an owner, or all, by id; and whether there are more."""
    query: dict[str, Any] = {"webhook_owner": owner if owner is not None else {"$exists": True}}
    query |= {"_id": {"$gt": after}} if after else {}
    return await endpoints.page(query, sort="_id", limit=limit)


async def change(id: UUID, how: Change[Endpoint, D], by: str, data: D, cause: UUID | None = None) -> Endpoint:
    """Have a person's change made, once for this cause. Raises what refuses it."""
    return await _changed(id, how, _cause(id, by, data, cause))


async def note(id: UUID, health: Health) -> None:
    """Keep how an attempt at an endpoint ended, if that says anything new of it."""
    directory.put(await endpoints.update(id, take_note, _cause(id, notices.service, health)))


async def all_due(id: UUID, since: datetime) -> None:
    """Note that what waited until the endpoint was enabled is due."""
    directory.put(await endpoints.update(id, make_due, _cause(id, notices.service, since)))


async def probe(id: UUID, now: datetime) -> bool:
    """Whether this replica may send the one event after the pause of an open circuit."""
    cause = _cause(id, notices.service, None, at=now)
    saved = await endpoints.update(id, take_probe, cause)
    directory.put(saved)
    return saved.state is not None and saved.state.probe == cause.id


async def _changed(id: UUID, how: Change[Endpoint, D], cause: Cause[D]) -> Endpoint:
    saved = await endpoints.update_soon(id, how, cause)
    directory.put(saved)
    assert saved.state is not None
    return saved.state


def _cause(id: UUID, by: str, data: D, cause: UUID | None = None, at: datetime | None = None) -> Cause[D]:
    now = at or clock.machine_now()
    return Cause(cause or uuid4(), id, f"webhooks/{id}", now, by, data, traceparent=telemetry.traceparent())
