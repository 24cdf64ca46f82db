"""The floor's exchanges and queues: the same durability as the product's, declared by hand."""

import asyncio

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractQueue, ExchangeType
from aiormq.abc import FieldTable

HISTORY = "floor.history"
PRIVATE = ("contact.recorded.v1", "statement.recorded.v1")
LISTENS = {
    "intake": ["complaint.graded.v1", "complaint.dispatched.v1", "notice.sent.v1",
               "deadline.set.v1", "deadline.met.v1"],
    "triage": ["complaint.registered.v1", "statement.recorded.v1"],
    "sla": ["complaint.registered.v1", "complaint.graded.v1", "complaint.dispatched.v1", "notice.sent.v1"],
    "notify": ["complaint.registered.v1", "contact.recorded.v1", "complaint.dispatched.v1"],
    "survey": ["complaint.registered.v1"],
}  # fmt: skip
INBOX: FieldTable = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-delivery-limit": 20,
    "x-dead-letter-exchange": "redress.parked",
}


def exchange(type: str) -> str:
    return "floor.private" if type in PRIVATE else "floor.events"


async def declare(amqp_url: str) -> None:
    """Exchanges, inboxes and the history, as the product has them."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for name in ("floor.events", "floor.private"):
            await channel.declare_exchange(name, ExchangeType.TOPIC, durable=True)
        history = await channel.declare_queue(HISTORY, durable=True, arguments={"x-queue-type": "stream"})
        await history.bind("floor.events", "#")
        for service in LISTENS:
            await _declare_inbox(channel, service)


async def _declare_inbox(channel: AbstractChannel, service: str) -> AbstractQueue:
    arguments = INBOX | {"x-dead-letter-routing-key": service}
    inbox = await channel.declare_queue(f"floor.{service}", durable=True, arguments=arguments)
    for type in LISTENS[service]:
        await inbox.bind(exchange(type), type)
    return inbox


async def until_consumed(amqp_url: str) -> None:
    """Return when every inbox has its consumer."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        while not all([await _consumed(channel, service) for service in LISTENS]):
            await asyncio.sleep(0.05)


async def _consumed(channel: AbstractChannel, service: str) -> bool:
    inbox = await channel.declare_queue(f"floor.{service}", passive=True)
    return bool(inbox.declaration_result.consumer_count)
