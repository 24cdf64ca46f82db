"""`python -m tests.faults.crashes`: the same work, crashed before and after every input and output.

The real committer, relay and inbox of two services stand on a database and a broker in memory. A crash leaves
a process waiting for ever at that point; then it is gone, and another one starts with what was written by
then. Afterwards everything must have had its effect exactly once.
"""

import argparse
import asyncio
import logging
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid5

import structlog

from shared import sealing
from shared.bus import PARKED, Parcel, Publisher
from shared.commit import Committer
from shared.documents import Draft, Owed
from shared.envelope import Cause, from_cloudevent, open_batch
from shared.events import ComplaintGraded, ComplaintRegistered, Fact
from shared.inbox import Inbox
from shared.mongo import Store
from shared.outbox import Relay
from shared.tasks import end
from tests.kit.complaint import registered
from tests.kit.toy import Count, cause, graded

COMPLAINTS, POISON = 2, b"{nonsense"
SERVICES: dict[str, type[Fact]] = {"intake": ComplaintGraded, "triage": ComplaintRegistered}
"""Who hears what: intake is told of a complaint and tells triage, triage tells intake."""
NAMES = UUID("00000000-0000-4000-8000-000000000001")


@dataclass
class Kept:
    """What a database keeps of one document."""

    version: int = 0
    sequence: int = 0
    state: Count | None = None
    handled: set[UUID] = field(default_factory=set)
    outbox: list[Owed] = field(default_factory=list)


@dataclass
class World:
    """What outlives every crash, and the count of inputs and outputs by which a crash finds its point."""

    crash_at: int = -1
    chance: random.Random | None = None
    points: int = 0
    databases: dict[str, dict[UUID, Kept]] = field(
        default_factory=lambda: {name: defaultdict(Kept) for name in SERVICES}
    )
    queues: dict[str, list[tuple[bytes, str]]] = field(
        default_factory=lambda: {name: [] for name in SERVICES}
    )
    parked: list[bytes] = field(default_factory=list)
    told: list[Cause[Fact]] = field(default_factory=list)
    crashed: asyncio.Event = field(default_factory=asyncio.Event)

    async def passing(self) -> None:
        """A point at which a process may crash; others get their turn there."""
        self.points += 1
        if self.points - 1 == self.crash_at:
            self.crashed.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    def at_rest(self) -> bool:
        owing = any(kept.outbox for database in self.databases.values() for kept in database.values())
        return not owing and not any(self.queues.values())


@dataclass
class Database:
    """What `Store` is to the committer and the relay: each write is one step, as MongoDB's are."""

    world: World
    service: str

    @property
    def _kept(self) -> dict[UUID, Kept]:
        return self.world.databases[self.service]

    async def load(self, ids: set[UUID]) -> dict[UUID, Draft[Count]]:
        await self.world.passing()
        return {id: self._draft(id, self._kept[id]) for id in sorted(ids)}

    def _draft(self, id: UUID, kept: Kept) -> Draft[Count]:
        return Draft(id, kept.version, kept.sequence, state=kept.state, handled=set(kept.handled))

    async def write(self, drafts: list[Draft[Count]]) -> tuple[set[UUID], dict[UUID, Exception]]:
        await self.world.passing()
        lost = {draft.id for draft in drafts if self._kept[draft.id].version != draft.version}
        for draft in drafts:
            if draft.id not in lost:
                kept = self._kept[draft.id]
                owed = kept.outbox + draft.owed
                new = Kept(draft.next_version, draft.sequence, draft.state, {*draft.handled}, owed)
                self._kept[draft.id] = new
        await self.world.passing()
        return lost, {}

    async def lease_owed(self, limit: int) -> list[Owed]:
        await self.world.passing()
        return [owed for kept in self._kept.values() for owed in kept.outbox][:limit]

    async def strike_out(self, owed: Sequence[Owed]) -> None:
        await self.world.passing()
        ids = {each.id for each in owed}
        for kept in self._kept.values():
            kept.outbox = [each for each in kept.outbox if each.id not in ids]
        await self.world.passing()


@dataclass
class Broker:
    """What `Publisher` is: whoever listens to a type gets it; now and then twice, or out of turn."""

    world: World
    service: str

    async def publish(self, parcels: Sequence[Parcel]) -> list[bool]:
        await self.world.passing()
        for parcel in parcels:
            self._take(parcel)
        await self.world.passing()
        return [True] * len(parcels)

    def _take(self, parcel: Parcel) -> None:
        if parcel.exchange == PARKED:
            self.world.parked.append(parcel.body)
            return
        self.world.told += [from_cloudevent(member) for member in open_batch(parcel.body)]
        for name, kind in SERVICES.items():
            if kind.type == parcel.type:
                self.world.queues[name].append((parcel.body, self.service))

    async def greet(self) -> None:
        """It is always there."""


@dataclass
class Process:
    """One life of a service, until it is killed."""

    world: World
    service: str

    def __post_init__(self) -> None:
        database, broker = Database(self.world, self.service), Broker(self.world, self.service)
        self.committer: Committer[Count] = Committer(database, self.service, "documents", journal=None)
        self.relay = Relay(cast(Store[Any], database), cast(Publisher, broker))
        self.committer.on_owed = self.relay.owe
        self.inbox = Inbox(self.service)
        self.inbox._publisher = cast(Publisher, broker)
        self.inbox.on(SERVICES[self.service])(self._hear)

    async def _hear(self, event: Cause[Any]) -> None:
        await self.committer.update(event.complaint, ANSWERS[self.service], event)

    async def deliver(self) -> None:
        """One message, acknowledged once it is dealt with."""
        queue = self.world.queues[self.service]
        chance = self.world.chance
        message = chance.choice(queue) if chance else queue[0]
        raw = SimpleNamespace(
            body=message[0], user_id=message[1], headers={}, type="", message_id="", redelivered=False
        )
        await self.inbox._receive(cast(Any, SimpleNamespace(raw_message=raw)))
        await self.world.passing()
        if not (chance and chance.random() < 0.2):  # else it comes again
            queue.remove(message)

    async def relaying(self) -> None:
        """One round: what is fresh, else what an earlier life left behind."""
        owed, self.relay._fresh = self.relay._fresh, []
        owed = owed or await self.relay._store.lease_owed(100)
        if owed:
            await self.relay._publish(owed)
        if self.relay._striking is not None:
            await self.relay._striking


def first(state: Count | None, why: Cause[Any]) -> tuple[Count, Sequence[Fact]]:
    known = state or Count()
    return counted(known, why), [registered()]


def grade(state: Count | None, why: Cause[Any]) -> tuple[Count, Sequence[Fact]]:
    known = state or Count()
    return counted(known, why), [graded(known.count + 1)]


def note(state: Count | None, why: Cause[Any]) -> tuple[Count, Sequence[Fact]]:
    return counted(state or Count(), why), []


def counted(known: Count, why: Cause[Any]) -> Count:
    return known.model_copy(update={"count": known.count + 1, "names": [*known.names, str(why.id)]})


ANSWERS: dict[str, Callable[..., tuple[Count, Sequence[Fact]]]] = {"intake": note, "triage": grade}


async def lived(world: World) -> None:
    """Both services until all is at rest, or until the crash."""
    processes = [Process(world, name) for name in SERVICES]
    work = asyncio.create_task(_work(world, processes))
    committing = [asyncio.create_task(each.committer.run(_nothing)) for each in processes]
    crash = asyncio.create_task(world.crashed.wait())
    await asyncio.wait([work, crash], return_when=asyncio.FIRST_COMPLETED)
    striking = [each.relay._striking for each in processes if each.relay._striking is not None]
    await end(work, crash, *committing, *striking)
    if work.done() and not work.cancelled():
        work.result()


async def _work(world: World, processes: list[Process]) -> None:
    intake = processes[0]
    for number in range(COMPLAINTS):  # callers repeat what was not answered, with the same key
        id = uuid5(NAMES, f"complaint {number}")
        command = replace(cause(id), id=uuid5(id, "handed in"))
        await intake.committer.update(id, first, command)
    while not world.at_rest():
        for each in processes:
            await each.relaying()
            if world.queues[each.service]:
                await each.deliver()


async def _nothing() -> None:
    """The database is there."""


def wrong(world: World) -> list[str]:
    """What was lost, done twice, out of order or never caused."""
    found = []
    ids = [uuid5(NAMES, f"complaint {number}") for number in range(COMPLAINTS)]
    for service, wanted in (("intake", 2), ("triage", 1)):
        database = world.databases[service]
        if strangers := database.keys() - {*ids}:
            found.append(f"{service} has documents of {len(strangers)} complaints that nobody handed in")
        for id in ids:
            state = database[id].state or Count()
            if (state.count, len({*state.names})) != (wanted, wanted):
                found.append(f"{service}: {state.count} effects, {len({*state.names})} causes, not {wanted}")
    by_number: dict[tuple[str, UUID, int], set[UUID]] = defaultdict(set)
    for event in world.told:
        by_number[event.by, event.complaint, event.sequence].add(event.id)
    found += [
        f"{key} stands for {len(events)} events" for key, events in by_number.items() if len(events) > 1
    ]
    if {*by_number} != {(service, id, 1) for service in SERVICES for id in ids}:
        found.append(f"told were {sorted((by, number) for by, _, number in by_number)}")
    if {*world.parked} != {POISON}:
        found.append(f"{len(world.parked)} messages are parked")
    return found


async def _run(crash_at: int, chance: random.Random | None = None) -> World:
    world = World(crash_at, chance)
    world.queues["triage"].append((POISON, "intake"))
    await lived(world)
    if world.crashed.is_set():
        world.crashed, world.crash_at = asyncio.Event(), -1
        await lived(world)
    return world


async def enumerated() -> tuple[int, list[str]]:
    """How many points there are, and what is wrong after a crash at any of them."""
    points = (await _run(-1)).points
    return points, [f"crash at {at}: {each}" for at in range(-1, points) for each in wrong(await _run(at))]


async def sequences(count: int, seed: int) -> list[str]:
    """What is wrong after random sequences, with repeats, disorder and a crash somewhere."""
    found = []
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        points = (await _run(-1, random.Random(f"{seed} {number}"))).points
        world = await _run(chance.randrange(points), chance)
        found += [f"sequence {number} of seed {seed}: {each}" for each in wrong(world)]
    return found


async def main(count: int, seed: int) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sealing.use_house_key(b"the key of a house where nobody lives")
    points, found = await enumerated()
    found += await sequences(count, seed)
    sys.stdout.writelines(f"{each}\n" for each in found)
    sys.stdout.write(
        f"crash points 100% ({points}), sequences {count}, violations {len(found)} seed={seed}\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.crashes", description=__doc__)
    parser.add_argument("--n", type=int, default=1_000, help="random sequences")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.exit(asyncio.run(main(asked.n, asked.seed)))
