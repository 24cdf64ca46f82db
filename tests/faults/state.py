"""The state of the system from outside: documents of all five databases, lengths of all queues."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from time import monotonic
from typing import Any

import aio_pika
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from deploy.local.servers import Servers
from deploy.provision import COLLECTIONS, SERVICES

Document = dict[str, Any]
QUEUES = [f"{service}.inbox" for service in SERVICES] + [
    f"redress.retry.{tier}" for tier in ("5s", "30s", "5m", "30m")
]
CALM = 3


@asynccontextmanager
async def database(servers: Servers) -> AsyncIterator["AsyncMongoClient[Document]"]:
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        servers.admin_mongo_url, tz_aware=True, tzinfo=UTC, uuidRepresentation="standard"
    )
    async with client:
        yield client


async def documents(servers: Servers) -> dict[str, dict[str, Document]]:
    """All documents of all services, by complaint."""
    async with database(servers) as client:
        return {
            service: {
                str(found["_id"]): found
                async for found in client[service]
                .get_collection(name, codec_options=_options())
                .find({} if service != "intake" else {"number": {"$exists": True}})
            }
            for service, name in COLLECTIONS.items()
        }


def _options() -> "CodecOptions[Document]":
    return CodecOptions(tz_aware=True, tzinfo=UTC, uuid_representation=4)


def hashes(whole: dict[str, dict[str, Document]]) -> dict[str, str]:
    """One hash for each collection, over every field of every document."""
    return {
        service: hashlib.sha256(json.dumps(found, default=str, sort_keys=True).encode()).hexdigest()[:16]
        for service, found in whole.items()
    }


async def depths(servers: Servers, names: list[str]) -> dict[str, int]:
    """How many messages are ready in these queues."""
    async with await aio_pika.connect(servers.admin_amqp_url) as connection:
        channel = await connection.channel()
        found = {}
        for name in names:
            queue = await channel.declare_queue(name, passive=True)
            found[name] = queue.declaration_result.message_count or 0
        return found


async def settle(servers: Servers, patience: float, *, closed: bool = True) -> tuple[float, str]:
    """Wait until nothing moves. Returns the seconds it took, and what still moved when they ran out."""
    began, calm, before, restless = monotonic(), 0, "", "nothing looked at"
    while monotonic() - began < patience:
        restless, version = await _restless(servers, closed)
        calm = calm + 1 if not restless and version == before else 0
        before = version
        if calm >= CALM:
            return monotonic() - began, ""
        await asyncio.sleep(0.5)
    return monotonic() - began, restless or "documents still change"


async def _restless(servers: Servers, closed: bool) -> tuple[str, str]:
    """What is not at rest, in words, and a sum that any write changes."""
    try:
        full = {name: count for name, count in (await depths(servers, QUEUES)).items() if count}
        async with database(servers) as client:
            moving, version = await _moving(client, closed)
    except (aio_pika.exceptions.AMQPError, OSError, PyMongoError) as error:
        return f"not reachable: {type(error).__name__}", ""
    return ", ".join(f"{name}: {count}" for name, count in (full | moving).items() if count), version


async def _moving(client: "AsyncMongoClient[Document]", closed: bool) -> tuple[dict[str, int], str]:
    found, versions = {}, []
    for service, name in COLLECTIONS.items():
        owing = {"outbox.0": {"$exists": True}}
        found[f"{service} outboxes"] = await client[service][name].count_documents(owing)
        total = [{"$group": {"_id": None, "sum": {"$sum": "$version"}}}]
        async for each in await client[service][name].aggregate(total):
            versions.append(str(each["sum"]))
    due = ("due_email", "due_message", "due_chat")
    open_ = {"$or": [{name: {"$exists": True}} for name in due]}
    found["open notices"] = await client["notify"]["notices"].count_documents(open_)
    if closed:
        not_closed = {"stage": {"$exists": True, "$ne": "closed"}}
        found["open complaints"] = await client["intake"]["complaints"].count_documents(not_closed)
        running = {"state.clocks.outcome": None, "state.clocks.0": {"$exists": True}}
        found["running clocks"] = await client["sla"]["deadlines"].count_documents(running)
    return found, " ".join(versions)
