"""A service made for tests: triage's database and broker user, but a state that only counts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pydantic import BaseModel
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection

from shared import clock
from shared.driver import index
from shared.envelope import Cause, from_cloudevent, open_batch
from shared.events import ComplaintGraded, Fact
from shared.mongo import Store
from tests.kit.servers import AnyServers


class Count(BaseModel):
    """How often a document was changed, and by whom."""

    count: int = 0
    names: list[str] = []
    due: datetime | None = None
    unique: str | None = None


def graded(count: int) -> ComplaintGraded:
    """An event of triage that can be told from others by its cycle."""
    return ComplaintGraded(cycle=count, class_="other", suggested=False, grade="minor", matches=())


def add(state: Count | None, cause: Cause[str]) -> tuple[Count, Sequence[Fact]]:
    """Count one more and owe one event."""
    known = state or Count()
    after = known.model_copy(update={"count": known.count + 1, "names": [*known.names, cause.data]})
    return after, [graded(after.count)]


def cause(complaint: UUID, name: str = "", id: UUID | None = None) -> Cause[Any]:
    return Cause(id or uuid4(), complaint, "RC-TESTTESTAA", clock.now(), "test", name)


@asynccontextmanager
async def toy_store(servers: AnyServers) -> AsyncIterator[Store[Count]]:
    """A store over triage's collection, one of any number of replicas."""
    store = Store(
        "triage",
        "gradings",
        Count,
        lift=lambda state: {"next_due": state.due, "number": state.unique},
        indexes=[index("next_due"), index("number", unique=True)],
    )
    store.open(servers.mongo_url("triage"))
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def admin_of(servers: AnyServers) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    """The database as its administrator sees it."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        servers.admin_mongo_url, uuidRepresentation="standard"
    )
    async with client:
        yield client


async def documents_read(found: AsyncCollection[dict[str, Any]], pipeline: Any) -> int:
    """How many documents the database reads, besides indexes, for this pipeline."""
    command = {"aggregate": found.name, "pipeline": pipeline, "cursor": {}}
    told = await found.database.command({"explain": command, "verbosity": "executionStats"})
    whole = told if "executionStats" in told else told["stages"][0]["$cursor"]
    return int(whole["executionStats"]["totalDocsExamined"])


@asynccontextmanager
async def channel_of(url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    connection = await aio_pika.connect(url)
    async with connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def take_all(servers: AnyServers, queue: str, wait: float = 1.0) -> list[AbstractIncomingMessage]:
    """Everything in a queue, taken out; ends when nothing has come for `wait` seconds."""
    found = []
    async with channel_of(servers.admin_amqp_url) as channel:
        source = await channel.get_queue(queue, ensure=False)
        try:
            async with source.iterator(timeout=wait) as messages:
                async for message in messages:
                    await message.ack()
                    found.append(message)
        except TimeoutError:
            pass
    return found


async def history(servers: AnyServers) -> list[AbstractIncomingMessage]:
    """Everything that went to everybody, from the first message on."""
    found = []
    async with channel_of(servers.operator_amqp_url) as channel:
        await channel.set_qos(prefetch_count=500)
        stream = await channel.get_queue("redress.history", ensure=False)
        try:
            async with stream.iterator(timeout=2, arguments={"x-stream-offset": "first"}) as messages:
                async for message in messages:
                    found.append(message)
                    await message.ack()
        except TimeoutError:
            pass
    return found


def events_in(messages: Sequence[AbstractIncomingMessage]) -> list[Cause[Fact]]:
    return [from_cloudevent(member) for message in messages for member in open_batch(message.body)]
