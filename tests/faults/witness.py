"""The witness: everything that was said on the bus, kept in a file of its own, with the instant it was heard.

It listens at a quorum queue of its own, bound to both exchanges, because RabbitMQ 3.10 confirms messages to a
stream that a kill -9 then takes away: the stream `redress.history` is held against it. The instants are the
machine's, whatever the clocks of the services say.
"""

import asyncio
import json
import random
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pydantic_core import from_json

from shared.bus import EVENTS, PRIVATE
from shared.clock import machine_now

HISTORY, TAP = "redress.history", "faults.tap"
PATIENCE_S = 180
GROUP, PREFETCH = 200, 500
TABLES = """
create table told (id text, type text, source text, complaint text, sequence int, heard real, member text);
create index of_complaint on told (complaint);
create index of_id on told (id);
create table streamed (id text primary key) without rowid;
"""
COLUMNS = (
    "select member, heard, exists (select 1 from streamed where streamed.id = told.id), source, sequence "
    "from told"
)


@dataclass(frozen=True)
class Told:
    """One event as it was on the wire, repeats included, when it was heard, and whether the stream has it."""

    id: str
    type: str
    source: str
    complaint: str
    sequence: int
    time: datetime
    heard: datetime
    streamed: bool
    data: dict[str, Any]
    member: dict[str, Any]


class Witness:
    """Everything that was told; `listen` runs as long as the services do."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.executescript("pragma journal_mode = off; pragma synchronous = off;" + TABLES)
        self._marks: set[str] = set()

    def close(self) -> None:
        self._db.close()

    # listening

    async def listen(self, url: str) -> None:
        """Until cancelled, whatever becomes of the broker."""
        while True:
            try:
                await self._consume(url, TAP, self._keep, lambda: False)
            except (aio_pika.exceptions.AMQPError, OSError, RuntimeError, TimeoutError):
                await asyncio.sleep(0.5)

    async def complete(self, url: str) -> None:
        """Wait until all that was said so far was heard. Raises TimeoutError."""
        mark = await _mark(url, TAP)
        async with asyncio.timeout(PATIENCE_S):
            while mark not in self._marks:
                await asyncio.sleep(0.1)

    async def read_stream(self, url: str) -> None:
        """Note what the stream has, from its first event on to what is its last one now."""
        mark = await _mark(url, HISTORY)
        async with asyncio.timeout(PATIENCE_S):
            await self._consume(url, HISTORY, self._note, lambda: mark in self._marks)

    async def _consume(
        self,
        url: str,
        name: str,
        keep: Callable[[Sequence[AbstractIncomingMessage]], None],
        over: Callable[[], bool],
    ) -> None:
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        connection = await aio_pika.connect(url)
        try:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=PREFETCH)
            queue = await channel.get_queue(name, ensure=False)
            await queue.consume(arrived.put, arguments=STREAMING if name == HISTORY else None)
            while not over():
                if messages := await _some(arrived):
                    keep(messages)
                    await messages[-1].ack(multiple=True)
                elif channel.is_closed:
                    raise ConnectionError("the broker has gone")
        finally:
            await asyncio.wait([asyncio.ensure_future(connection.close())], timeout=2)

    def _keep(self, messages: Sequence[AbstractIncomingMessage]) -> None:
        heard = machine_now()
        with self._db:
            for message in messages:
                members = from_json(message.body)
                if not members:
                    self._marks.add(str(message.message_id))
                if message.redelivered:  # kept before an acknowledgement that was lost
                    members = [member for member in members if not self._has(member["id"])]
                self.keep(members, heard)

    def keep(self, members: Iterable[dict[str, Any]], heard: datetime) -> None:
        """Events of one message, as they are on the wire."""
        rows = (_row(member, heard.timestamp()) for member in members)
        self._db.executemany("insert into told values (?, ?, ?, ?, ?, ?, ?)", rows)

    def _note(self, messages: Sequence[AbstractIncomingMessage]) -> None:
        with self._db:
            for message in messages:
                ids = [member["id"] for member in from_json(message.body)]
                if not ids:
                    self._marks.add(str(message.message_id))
                self.note(ids)

    def note(self, ids: Iterable[str]) -> None:
        """The stream has these events."""
        self._db.executemany("insert or ignore into streamed values (?)", ((id,) for id in ids))

    def _has(self, id: str) -> bool:
        return self._one("select count(*) from told where id = ?", id) > 0

    # telling

    def of(self, complaints: Iterable[str]) -> list[Told]:
        """All about these complaints, in the order in which it was heard."""
        wanted = list(complaints)
        holes = ",".join("?" * len(wanted))
        found = self._db.execute(f"{COLUMNS} where complaint in ({holes}) order by rowid", wanted)
        return [_told(*row) for row in found]

    def sample(self, count: int, chance: random.Random) -> list[Told]:
        """Some of what was heard so far."""
        last = self._one("select coalesce(max(rowid), 0) from told")
        rows = chance.sample(range(1, last + 1), min(count, last))
        return [_told(*row) for at in rows for row in self._db.execute(f"{COLUMNS} where rowid = ?", (at,))]

    def complaints(self) -> Iterator[str]:
        """Whatever any event was about."""
        yield from (id for (id,) in self._db.execute("select distinct complaint from told"))

    @property
    def repeats(self) -> int:
        """How many came again."""
        return self._one("select count(*) - count(distinct id) from told")

    def _one(self, query: str, *values: Any) -> int:
        (found,) = self._db.execute(query, values).fetchone()
        return int(found)


STREAMING: dict[str, Any] = {"x-stream-offset": "first"}


async def tap(url: str) -> None:
    """Keep every event, private ones too; call before the services start."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(TAP, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(EVENTS, "#")
        await queue.bind(PRIVATE, "#")


async def _mark(url: str, queue: str) -> str:
    """Put a message without events behind all others; its id."""
    last = aio_pika.Message(b"[]", message_id=str(uuid4()), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(last, queue)
    return str(last.message_id)


async def _some(arrived: "asyncio.Queue[AbstractIncomingMessage]") -> list[AbstractIncomingMessage]:
    """What has arrived, or nothing after a second."""
    try:
        found = [await asyncio.wait_for(arrived.get(), 1)]
    except TimeoutError:
        return []
    while len(found) < GROUP and not arrived.empty():
        found.append(arrived.get_nowait())
    return found


def _row(member: dict[str, Any], heard: float) -> tuple[Any, ...]:
    about = (member["id"], member["type"], member["source"].rpartition("/")[2], member["correlationid"])
    return (*about, int(member["sequence"]), heard, json.dumps(member, ensure_ascii=False))


def _told(text: str, heard: float, streamed: int, source: str, sequence: int) -> Told:
    member = json.loads(text)
    return Told(
        id=member["id"],
        type=member["type"],
        source=source,
        complaint=member["correlationid"],
        sequence=sequence,
        time=datetime.fromisoformat(member["time"]),
        heard=datetime.fromtimestamp(heard, UTC),
        streamed=bool(streamed),
        data=member["data"],
        member=member,
    )


def unique(told: Iterable[Told]) -> list[Told]:
    """Each event once, in the order of its first coming."""
    return list({each.id: each for each in reversed(list(told))}.values())[::-1]


Work = Callable[[], Awaitable[Any]]


async def surely(work: Work, patience: float = 90) -> bool:
    """Do it again until the broker has been there for it; false if it never was."""
    ended = asyncio.get_running_loop().time() + patience
    while asyncio.get_running_loop().time() < ended:
        try:
            async with asyncio.timeout(30):
                await work()
        except (aio_pika.exceptions.AMQPError, OSError, RuntimeError, TimeoutError):
            await asyncio.sleep(0.5)
        else:
            return True
    return False
