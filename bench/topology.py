"""The exchanges and queues of the hand-written chains, as durable as the product's."""

import asyncio

import aio_pika
from aio_pika.abc import AbstractChannel, ExchangeType
from aiormq.abc import FieldTable

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
    return "private" if type in PRIVATE else "events"


async def declare(amqp_url: str, chain: str) -> None:
    """Exchanges, inboxes and the history of one chain, as the product has them."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for name in ("events", "private"):
            await channel.declare_exchange(f"{chain}.{name}", ExchangeType.TOPIC, durable=True)
        stream: FieldTable = {"x-queue-type": "stream"}
        history = await channel.declare_queue(f"{chain}.history", durable=True, arguments=stream)
        await history.bind(f"{chain}.events", "#")
        for service in LISTENS:
            await _declare_inbox(channel, chain, service)


async def _declare_inbox(channel: AbstractChannel, chain: str, service: str) -> None:
    arguments = INBOX | {"x-dead-letter-routing-key": service}
    inbox = await channel.declare_queue(f"{chain}.{service}", durable=True, arguments=arguments)
    for type in LISTENS[service]:
        await inbox.bind(f"{chain}.{exchange(type)}", type)


async def until_consumed(amqp_url: str, chain: str) -> None:
    """Return when every inbox has its consumer."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        while not all([await _consumed(channel, f"{chain}.{service}") for service in LISTENS]):
            await asyncio.sleep(0.05)


async def _consumed(channel: AbstractChannel, inbox: str) -> bool:
    found = await channel.declare_queue(inbox, passive=True)
    return bool(found.declaration_result.consumer_count)
