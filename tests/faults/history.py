"""What was said on the bus: the stream `redress.history`, and a tap of our own on both exchanges.

The tap is a quorum queue, because RabbitMQ 3.10 confirms messages to a stream that a kill -9 then takes away:
it is the witness, and the stream is held against it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pydantic_core import from_json

from shared.bus import EVENTS, PRIVATE

HISTORY, TAP = "redress.history", "faults.tap"
PATIENCE_S = 60


@dataclass(frozen=True)
class Told:
    """One event as it was on the wire, repeats included."""

    id: str
    type: str
    source: str
    complaint: str
    sequence: int
    time: datetime
    data: dict[str, Any]
    member: dict[str, Any]


async def tap(url: str) -> None:
    """Keep every event, private ones too; call before the services start."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(TAP, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(EVENTS, "#")
        await queue.bind(PRIVATE, "#")


async def witnessed(url: str) -> list[Told]:
    """All events, public and private, repeats included."""
    return await _read(url, TAP, {})


async def streamed(url: str) -> set[str]:
    """The ids of the public events that the stream has, from its first one on."""
    return {each.id for each in await _read(url, HISTORY, {"x-stream-offset": "first"})}


async def _read(url: str, name: str, arguments: dict[str, Any]) -> list[Told]:
    """Everything in a queue up to a mark that is put behind it now."""
    mark = str(uuid4())
    arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with asyncio.timeout(PATIENCE_S), await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=500)
        queue = await channel.get_queue(name, ensure=False)
        last = aio_pika.Message(b"[]", message_id=mark, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(last, name)
        await queue.consume(arrived.put, arguments=arguments)
        bodies = []
        while (message := await arrived.get()).message_id != mark:
            bodies.append(message.body)
            await message.ack()
        await message.ack()
    return [_told(member) for body in bodies for member in from_json(body)]


def _told(member: dict[str, Any]) -> Told:
    return Told(
        id=member["id"],
        type=member["type"],
        source=member["source"].rpartition("/")[2],
        complaint=member["correlationid"],
        sequence=int(member["sequence"]),
        time=datetime.fromisoformat(member["time"]),
        data=member["data"],
        member=member,
    )


def unique(told: list[Told]) -> list[Told]:
    """Each event once, in the order of its first coming."""
    return list({each.id: each for each in reversed(told)}.values())[::-1]
