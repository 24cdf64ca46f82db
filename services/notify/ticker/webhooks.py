"""Webhooks that are due: each endpoint has a lane of its own, so that one that hangs holds up no other.

A round never waits for an attempt that is under way, save for the first of them to end. Endpoints whose
lane is full, or whose circuit is open, are left out of the question what is due.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, time_ns
from uuid import UUID

import structlog

from services.notify.channels.webhooks import ATTEMPT_S, WAITING, sender
from services.notify.domain.deliveries import HOLD, Delivery, Report
from services.notify.domain.endpoints import Endpoint, Health
from services.notify.store.deliveries import count_waiting, due, give_back, hasten_some, keep, take
from services.notify.store.endpoints import all_due, directory, note, probe
from shared import clock, telemetry
from shared.documents import Due
from shared.metrics import looked_up

LANE = 5
"""Attempts at one endpoint at a time, in one replica."""
AT_ONCE = 100
PAUSE_S, COUNT_S = 0.2, 5.0
PATIENCE_NS = int((HOLD.total_seconds() - ATTEMPT_S) * 5e8)
_log = structlog.get_logger()


@dataclass(slots=True)
class Lanes:
    """What is under way, by endpoint; whose backlog is longer than its lane; when those were last counted."""

    running: dict[UUID, set["asyncio.Task[None]"]] = field(default_factory=dict)
    crowded: set[UUID] = field(default_factory=set)
    counted: float = 0.0

    def room(self, id: UUID, endpoint: Endpoint, now: datetime) -> int:
        """How many more attempts may begin: one alone after the pause of an open circuit."""
        there = len(self.running.get(id, ()))
        if endpoint.shut_until is None:
            return LANE - there
        return 1 if endpoint.shut_until <= now and not there else 0

    def begin(self, id: UUID, task: "asyncio.Task[None]") -> None:
        self.running.setdefault(id, set()).add(task)
        task.add_done_callback(lambda done: self._end(id, done))

    def _end(self, id: UUID, done: "asyncio.Task[None]") -> None:
        self.running[id].discard(done)
        if not self.running[id]:
            del self.running[id]
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.warning("webhook attempt failed", endpoint=str(id), reason=telemetry.where(error))

    @property
    def tasks(self) -> list["asyncio.Task[None]"]:
        return [task for lane in self.running.values() for task in lane]


lanes = Lanes()


async def tick() -> bool:
    """Begin what can be begun; true if there may be more."""
    await directory.refresh()
    await _count()
    now = clock.machine_now()
    serving = dict(directory.serving())
    await asyncio.gather(*(_hasten(id, each.enabled_at) for id, each in serving.items() if each.held))
    rooms = {id: room for id, each in serving.items() if (room := lanes.room(id, each, now)) > 0}
    found = await _found(rooms, serving)
    begun = await asyncio.gather(*(_begin(each, serving) for each in found))
    if any(begun):
        return True
    running = lanes.tasks
    if not running:
        return False
    ended, _ = await asyncio.wait(running, timeout=PAUSE_S, return_when=asyncio.FIRST_COMPLETED)
    return bool(ended)


async def _hasten(id: UUID, since: datetime) -> None:
    """Make due what waited until the endpoint was enabled, and what was under way then if that comes back."""
    if not await hasten_some(id, since, AT_ONCE) and clock.machine_now() > since + HOLD:
        await all_due(id, since)


async def _found(rooms: dict[UUID, int], serving: dict[UUID, Endpoint]) -> list[Due[Delivery]]:
    """What is due, as much of each endpoint as its lane has room for.

    Endpoints that have more than that, or are to be probed, are asked for one by one: what waits for them is
    old, and would stand before all that is due for the others.
    """
    alone = [id for id in rooms if id in lanes.crowded or serving[id].shut_until is not None]
    together = [id for id in rooms if id not in set(alone)]
    ours = await due(together, AT_ONCE) if together else []
    theirs = await asyncio.gather(*(due([id], rooms[id]) for id in alone))
    lanes.crowded -= {id for id, some in zip(alone, theirs, strict=True) if len(some) < rooms[id]}
    return [*_chosen(ours, rooms), *(each for some in theirs for each in some)]


def _chosen(found: Sequence[Due[Delivery]], rooms: dict[UUID, int]) -> list[Due[Delivery]]:
    """As many of each endpoint as its lane has room for; one that has more is crowded."""
    chosen = []
    for each in found:
        if rooms[each.state.endpoint] > 0:
            rooms[each.state.endpoint] -= 1
            chosen.append(each)
        else:
            lanes.crowded.add(each.state.endpoint)
    return chosen


async def _begin(found: Due[Delivery], serving: dict[UUID, Endpoint]) -> bool:
    """Claim a delivery and begin its attempt; false if another replica was first."""
    started, id = time_ns(), found.state.endpoint
    endpoint, claimed = serving[id], await take(found)
    if claimed is None:
        return False
    if endpoint.shut_until is not None and not await probe(id, clock.machine_now()):
        await give_back(found.id, id, claimed)
        return False
    if time_ns() - started > PATIENCE_NS:  # the claim may run out before the attempt ends
        return False
    work = attempt(found.id, found.state, endpoint, claimed)
    lanes.begin(id, asyncio.create_task(work, name="webhook"))
    return True


async def attempt(id: UUID, delivery: Delivery, endpoint: Endpoint, claimed: UUID) -> None:
    """Send one event to one endpoint, and write down how that ended."""
    started, chance = time_ns(), random.random()  # noqa: S311
    secrets = endpoint.signs_with(clock.machine_now())
    outcome = await sender().attempt(id, delivery, endpoint.url, secrets)
    if outcome is None:
        await give_back(id, delivery.endpoint, claimed)
        return
    report = Report(claim=claimed, outcome=outcome, chance=chance, enabled_at=endpoint.enabled_at)
    await keep(id, delivery, report, started)
    if not outcome.delivered or directory.is_failing(delivery.endpoint):
        ended = outcome.model_dump(include={"delivered", "gone", "wait"})
        await note(delivery.endpoint, Health(**ended, edition=endpoint.edition, chance=chance))


async def rest() -> None:
    """Wait until all attempts have ended, then hang up."""
    if running := lanes.tasks:
        await asyncio.wait(running)
    await sender().close()


async def _count() -> None:
    if monotonic() - lanes.counted >= COUNT_S:
        lanes.counted = monotonic()
        with looked_up(WAITING):
            WAITING.set(await count_waiting([id for id, _ in directory.serving()]))
