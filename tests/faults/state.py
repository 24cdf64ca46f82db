"""The state of the system from outside: documents of all five databases, lengths of all queues."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from math import inf
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
Counts = dict[str, int]
QUEUES = [f"{service}.inbox" for service in SERVICES] + [
    f"redress.retry.{tier}" for tier in ("5s", "30s", "5m", "30m")
]
DUE_NOTICES = [f"{how}_{route}" for how in ("due", "urgent") for route in ("email", "message", "chat")]
CALM, BACKLOG, LATE_MS, UNKNOWN = 3, 200, 5_000, 10**9


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


async def depths(servers: Servers, names: list[str]) -> Counts:
    """How many messages are ready in these queues."""
    async with await aio_pika.connect(servers.admin_amqp_url) as connection:
        channel = await connection.channel()
        found = {}
        for name in names:
            queue = await channel.declare_queue(name, passive=True)
            found[name] = queue.declaration_result.message_count or 0
        return found


class _Patience:
    """Whoever waits goes on while less and less is left to do, and so long once it stops getting less."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._began, self._least = seconds, monotonic(), inf
        self._since = self._began

    @property
    def waited(self) -> float:
        return monotonic() - self._began

    def is_over(self, left: Counts) -> bool:
        if (now := sum(left.values())) < self._least:
            self._least, self._since = now, monotonic()
        return monotonic() - self._since > self._seconds


async def settle(servers: Servers, patience: float, *, closed: bool = True, but: str = "") -> Rest:
    """Wait until nothing moves: every complaint closed, or each where it is left if not `closed`.

    What waits for the service `but`, which was stopped, is not counted.
    """
    waiting, calm, before = _Patience(patience), 0, -1
    while True:
        left, written = await _looked(servers, lambda client: _moving(client, closed), but)
        calm = calm + 1 if not left and written == before else 0
        before = written
        if calm >= CALM:
            return Rest(waiting.waited, "")
        if waiting.is_over(left):
            return Rest(waiting.waited, _told(left) or "documents still change")
        await asyncio.sleep(0.5)


async def keep_up(servers: Servers, patience: float) -> Rest:
    """Wait until only what time brings is left to do, and that is being done as it comes."""
    waiting = _Patience(patience)
    while True:
        await asyncio.sleep(0.5)
        left, _ = await _looked(servers, _behind, "", backlog=BACKLOG)
        if not left or waiting.is_over(left):
            return Rest(waiting.waited, _told(left))


def _told(left: Counts) -> str:
    return ", ".join(f"{name}: {count}" for name, count in left.items())


async def _looked(
    servers: Servers,
    counts: Callable[["AsyncMongoClient[Document]"], Awaitable[Counts]],
    but: str,
    backlog: int = 0,
) -> tuple[Counts, int]:
    """What is not at rest, and how many documents were ever written."""
    queues = [queue for queue in QUEUES if queue != f"{but}.inbox"]
    try:
        left = {name: count for name, count in (await depths(servers, queues)).items() if count > backlog}
        async with database(servers) as client:
            left |= {name: count for name, count in (await counts(client)).items() if count}
            told = await client.admin.command("serverStatus")
    except (aio_pika.exceptions.AMQPError, OSError, PyMongoError) as error:
        return {f"no answer, {type(error).__name__}": UNKNOWN}, 0
    written = sum(told["metrics"]["document"][what] for what in ("inserted", "updated", "deleted"))
    return left, written


async def _moving(client: "AsyncMongoClient[Document]", closed: bool) -> Counts:
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


async def _behind(client: "AsyncMongoClient[Document]") -> Counts:
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
