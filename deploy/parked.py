"""Parked events: seen with their reasons, and sent back to their service with the same ids."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from deploy.provision import SERVICES
from shared.bus import ATTEMPT, OPERATOR, REASON

PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that its service could not take, without its content."""

    service: str
    id: str
    type: str
    reason: str
    attempts: int


async def parked(url: str) -> dict[str, int]:
    """How many messages are parked for each service."""
    async with _connected(url) as channel:
        queues = {service: await _queue(channel, service) for service in SERVICES}
        return {service: queue.declaration_result.message_count or 0 for service, queue in queues.items()}


async def listed(url: str, service: str) -> list[Parked]:
    """Everything that is parked for a service; it stays where it is."""
    async with _connected(url) as channel:
        queue = await _queue(channel, service)
        held = [message async for message in _all(queue)]
        await _put_back(channel, service, held)
        return [_shown(service, message) for message in held]


async def retried(url: str, service: str, id: str | None = None) -> int:
    """Send parked messages back to their service's inbox (one, or all): confirmed first, then taken away."""
    async with _connected(url) as channel:
        queue = await _queue(channel, service)
        held = [message async for message in _all(queue)]
        wanted = [message for message in held if id in (None, message.message_id)]
        for message in wanted:
            await _send_back(channel, service, message)
            await message.ack()
        await _put_back(channel, service, [message for message in held if message not in wanted])
        return len(wanted)


async def _put_back(
    channel: aio_pika.abc.AbstractChannel, service: str, messages: list[AbstractIncomingMessage]
) -> None:
    """Return messages to their queue; whoever looks next finds them, for nobody confirms a nack."""
    for message in messages:
        await message.nack(requeue=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while ((await _queue(channel, service)).declaration_result.message_count or 0) < len(messages):
                await asyncio.sleep(0.05)


async def _send_back(
    channel: aio_pika.abc.AbstractChannel, service: str, message: AbstractIncomingMessage
) -> None:
    again = aio_pika.Message(
        message.body,
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        type=message.type,
        user_id=OPERATOR,
    )
    await channel.default_exchange.publish(again, f"{service}.inbox", mandatory=True)


async def _all(queue: AbstractQueue) -> AsyncIterator[AbstractIncomingMessage]:
    """As many messages as were there at the start, each once."""
    for _ in range(queue.declaration_result.message_count or 0):
        message = await queue.get(fail=False)
        if message is None:
            return
        yield message


def _shown(service: str, message: AbstractIncomingMessage) -> Parked:
    reason = str(message.headers.get(REASON, "gave the service no rest: delivered too often"))
    attempts = message.headers.get(ATTEMPT, 0)
    known = attempts if isinstance(attempts, int) else 0
    return Parked(service, message.message_id or "", message.type or "", reason, known)


async def _queue(channel: aio_pika.abc.AbstractChannel, service: str) -> AbstractQueue:
    return await channel.declare_queue(f"{service}.parked", passive=True)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    connection = await aio_pika.connect(url)
    async with connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)
