"""The state of the system from outside: documents of all five databases, lengths of all queues."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from time import monotonic
from typing import Any, cast
from uuid import UUID

import aio_pika
from bson import decode_iter
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from deploy.journals import RAW
from deploy.local.servers import Servers
from deploy.provision import COLLECTIONS, SERVICES
from shared.driver import OPTIONS

Document = dict[str, Any]
QUEUES = [f"{service}.inbox" for service in SERVICES] + [
    f"redress.retry.{tier}" for tier in ("5s", "30s", "5m", "30m")
]
DUE_NOTICES = [f"{how}_{route}" for how in ("due", "urgent") for route in ("email", "message", "chat")]
CALM, BACKLOG, LATE_MS = 3, 200, 5_000


@dataclass(frozen=True)
class Rest:
    """How long it took until all was at rest, and what still moved when the time was over."""

    seconds: float
    restless: str


@asynccontextmanager
async def database(servers: Servers) -> AsyncIterator["AsyncMongoClient[Document]"]:
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        servers.admin_mongo_url, tz_aware=True, tzinfo=UTC, uuidRepresentation="standard"
    )
    async with client:
        yield client


async def documents(servers: Servers, complaints: Sequence[str]) -> dict[str, dict[str, Document]]:
    """The documents of these complaints in all services; of the journal only who said which event."""
    ids = [UUID(id) for id in complaints]
    async with database(servers) as client:
        return {
            service: {
                str(found["_id"]): found
                async for found in _collection(client, service).find(
                    {"_id": {"$in": ids}}, {"journal.data": 0}
                )
            }
            for service in COLLECTIONS
        }


async def others(servers: Servers, known: Set[str]) -> dict[str, dict[str, Document]]:
    """What lies there besides these complaints, with the entries of digests."""
    wanted = {"sequence": 1, "outbox": 1, "state.digests": 1, "state.entries": 1}
    async with database(servers) as client:
        return {
            service: {
                str(found["_id"]): found
                async for found in _collection(client, service).find(_about_complaints(service), wanted)
                if str(found["_id"]) not in known
            }
            for service in COLLECTIONS
        }


async def hashes(servers: Servers, complaints: Sequence[str] | None) -> dict[str, str]:
    """One hash for each service, over every byte of its documents; of these complaints only, if given."""
    some = {} if complaints is None else {"_id": {"$in": [UUID(id) for id in complaints]}}
    async with database(servers) as client:
        return {
            service: await _hash(_collection(client, service), _about_complaints(service) | some)
            for service in COLLECTIONS
        }


async def _hash(collection: "AsyncCollection[Document]", query: Document) -> str:
    found = hashlib.sha256()
    async for batch in cast(AsyncIterator[bytes], collection.find_raw_batches(query, sort=[("_id", 1)])):
        for document in decode_iter(batch, RAW):
            found.update(document.raw)
    return found.hexdigest()[:16]


def _about_complaints(service: str) -> Document:
    """intake keeps packs, books and boards beside its complaints."""
    return {"number": {"$exists": True}} if service == "intake" else {}


def _collection(client: "AsyncMongoClient[Document]", service: str) -> "AsyncCollection[Document]":
    return client[service].get_collection(COLLECTIONS[service], codec_options=OPTIONS)


async def depths(servers: Servers, names: list[str]) -> dict[str, int]:
    """How many messages are ready in these queues."""
    async with await aio_pika.connect(servers.admin_amqp_url) as connection:
        channel = await connection.channel()
        found = {}
        for name in names:
            queue = await channel.declare_queue(name, passive=True)
            found[name] = queue.declaration_result.message_count or 0
        return found


async def settle(servers: Servers, patience: float, *, closed: bool = True, but: str = "") -> Rest:
    """Wait until nothing moves: every complaint closed, or each where it is left if not `closed`.

    What waits for the service `but`, which was stopped, is not counted.
    """
    began, calm, before, restless = monotonic(), 0, -1, "nothing looked at"
    while monotonic() - began < patience:
        restless, written = await _looked(servers, lambda client: _moving(client, closed), but)
        calm = calm + 1 if not restless and written == before else 0
        before = written
        if calm >= CALM:
            return Rest(monotonic() - began, "")
        await asyncio.sleep(0.5)
    return Rest(monotonic() - began, restless or "documents still change")


async def keep_up(servers: Servers, patience: float) -> Rest:
    """Wait until only what time brings is left to do, and that is being done as it comes."""
    began, restless = monotonic(), "nothing looked at"
    while restless and monotonic() - began < patience:
        await asyncio.sleep(0.5)
        restless, _ = await _looked(servers, _behind, "", backlog=BACKLOG)
    return Rest(monotonic() - began, restless)


async def _looked(
    servers: Servers,
    counts: Callable[["AsyncMongoClient[Document]"], Awaitable[dict[str, int]]],
    but: str,
    backlog: int = 0,
) -> tuple[str, int]:
    """What is not at rest, in words, and how many documents were ever written."""
    queues = [queue for queue in QUEUES if queue != f"{but}.inbox"]
    try:
        moving = {name: count for name, count in (await depths(servers, queues)).items() if count > backlog}
        async with database(servers) as client:
            moving |= {name: count for name, count in (await counts(client)).items() if count}
            told = await client.admin.command("serverStatus")
    except (aio_pika.exceptions.AMQPError, OSError, PyMongoError) as error:
        return f"not reachable: {type(error).__name__}", 0
    written = sum(told["metrics"]["document"][what] for what in ("inserted", "updated", "deleted"))
    return ", ".join(f"{name}: {count}" for name, count in moving.items()), written


async def _moving(client: "AsyncMongoClient[Document]", closed: bool) -> dict[str, int]:
    found = {
        f"{service} outboxes": await client[service][name].count_documents({"owed_at": {"$exists": True}})
        for service, name in COLLECTIONS.items()
    }
    open_ = {"$or": [{name: {"$exists": True}} for name in DUE_NOTICES]}
    found["open notices"] = await client["notify"]["notices"].count_documents(open_)
    if closed:
        not_closed = {"stage": {"$exists": True, "$ne": "closed"}}
        found["open complaints"] = await client["intake"]["complaints"].count_documents(not_closed)
        running = {"state.clocks.outcome": None, "state.clocks.0": {"$exists": True}}
        found["running clocks"] = await client["sla"]["deadlines"].count_documents(running)
    return found


async def _behind(client: "AsyncMongoClient[Document]") -> dict[str, int]:
    """Debts, notices and deadlines that should have been seen to some seconds ago."""
    late = [{"$subtract": ["$$NOW", LATE_MS]}]
    found = {
        f"{service} outboxes": await client[service][name].count_documents(
            {"owed_at": {"$exists": True}, "$expr": {"$lt": ["$owed_at", *late]}}
        )
        for service, name in COLLECTIONS.items()
    }
    waiting = [{name: {"$exists": True}, "$expr": {"$lt": [f"${name}", *late]}} for name in DUE_NOTICES]
    found["overdue notices"] = await client["notify"]["notices"].count_documents({"$or": waiting})
    overdue = {"next_due": {"$exists": True}, "$expr": {"$lt": ["$next_due", *late]}}
    found["overdue deadlines"] = await client["sla"]["deadlines"].count_documents(overdue)
    return found
