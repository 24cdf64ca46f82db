"""What a complaint costs in counts that do not depend on how fast the machine is.

One after the other, each with nothing else under way, is the most that a complaint can cost: no two share a
message or a write. At once, they share. `tests/bench/test_counters.py` holds the first against limits.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pydantic_core import from_json

from bench import chain
from bench.contenders import Contender, Product
from bench.ground import Ground, Place, Wanted
from bench.measure import Client
from deploy.provision import COLLECTIONS, SERVICES

ALONE, AT_ONCE, WARM_UP = 40, 200, 12
WRITES = ("insert", "update", "delete", "findAndModify", "bulkWrite")
LOADS = {"op": "query", "command.filter._id": {"$exists": True}, "command.sort": {"$exists": False}}
"""How a service reads the documents that a batch is about; what it asks by the clock is no complaint's."""
Counts = Mapping[str, float]
NAMES = {
    "messages": "AMQP messages published",
    "events": "events in them",
    "wire": "bytes of their bodies",
    "loads": "MongoDB reads of documents by id",
    "writes": "MongoDB write commands",
    "flushes": "journal flushes",
    "journal": "bytes written to the journal",
    "stored": "bytes of BSON stored",
}


@dataclass
class Tap:
    """What has gone over the two exchanges."""

    messages: int = 0
    events: int = 0
    wire: int = 0

    async def take(self, message: AbstractIncomingMessage) -> None:
        self.messages += 1
        self.events += len(from_json(message.body))
        self.wire += len(message.body)


@asynccontextmanager
async def tapped(amqp_url: str) -> AsyncIterator[Tap]:
    """Hear everything that is published to everybody or to the services."""
    tap = Tap()
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1_000)
        queue = await channel.declare_queue(exclusive=True)
        for exchange in ("redress.events", "redress.private"):
            await queue.bind(exchange, "#")
        await queue.consume(tap.take, no_ack=True)
        yield tap


@asynccontextmanager
async def noted(mongo: Client) -> AsyncIterator[None]:
    """Have the database note the loads meanwhile."""
    for service in SERVICES:
        await mongo[service].command("profile", 1, filter=LOADS)
    try:
        yield
    finally:
        for service in SERVICES:
            await mongo[service].command("profile", 0)
            await mongo[service]["system.profile"].drop()


async def reading(mongo: Client, tap: Tap) -> dict[str, float]:
    """All counters as they are now."""
    status = await mongo.admin.command("serverStatus")
    commands, log = status["metrics"]["commands"], status["wiredTiger"]["log"]
    noted = [await mongo[service]["system.profile"].count_documents({}) for service in SERVICES]
    return {
        "messages": tap.messages,
        "events": tap.events,
        "wire": tap.wire,
        "loads": sum(noted),
        "writes": sum(commands[name]["total"] for name in WRITES if name in commands),
        "flushes": log["log sync operations"],
        "journal": log["log bytes written"],
        "stored": sum([await _stored(mongo, service) for service in SERVICES]),
    }


async def _stored(mongo: Client, service: str) -> int:
    size: list[dict[str, Any]] = [{"$group": {"_id": None, "bytes": {"$sum": {"$bsonSize": "$$ROOT"}}}}]
    names = await mongo[service].list_collection_names(filter={"name": {"$not": {"$regex": "^system"}}})
    found = [await (await mongo[service][name].aggregate(size)).to_list() for name in names]
    return sum(each["bytes"] for some in found for each in some)


async def counted(place: Place, work: Awaitable[int]) -> Counts:
    """What each of the complaints cost that this work carries through and tells the number of."""
    async with tapped(place.servers.admin_amqp_url) as tap, noted(place.mongo):
        before = await reading(place.mongo, tap)
        count = await work
        after = await reading(place.mongo, tap)
    return {name: (after[name] - before[name]) / count for name in NAMES}


async def one_by_one(place: Place, contender: Contender, count: int) -> int:
    for _ in range(count):
        await at_once(place, contender, 1)
    return count


async def at_once(place: Place, contender: Contender, count: int) -> int:
    await chain.carry(contender, count)
    await until_nothing_owed(place.mongo)
    return count


async def until_nothing_owed(mongo: Client) -> None:
    """Whatever the product has to say is said."""
    async with asyncio.timeout(chain.PATIENCE_S):
        while any([await _owes(mongo, service) for service in SERVICES]):
            await asyncio.sleep(0.02)


async def _owes(mongo: Client, service: str) -> bool:
    owed = {"owed_at": {"$exists": True}}
    return await mongo[service][COLLECTIONS[service]].find_one(owed, {"_id": 1}) is not None


async def measure(place: Place, alone: int = ALONE, together: int = AT_ONCE) -> tuple[Counts, Counts]:
    """What a complaint costs alone, and among so many."""
    contender = Product(place)
    try:
        await contender.start()
        await at_once(place, contender, WARM_UP)
        first = await counted(place, one_by_one(place, contender, alone))
        return first, await counted(place, at_once(place, contender, together))
    finally:
        await contender.stop()


async def part(here: Ground, wanted: Wanted) -> str:
    alone, together = await measure(here, min(ALONE, wanted.n), wanted.n)
    print(f"{'a complaint':40}{'alone':>12}{f'of {wanted.n} at once':>18}")
    for name, title in NAMES.items():
        print(f"{title:40}{alone[name]:12.1f}{together[name]:18.1f}")
    return ", ".join(f"{name} {alone[name]:.1f}/{together[name]:.1f}" for name in NAMES) + " alone/at once"
