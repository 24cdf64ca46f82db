"""A stream of a test's own, filled with events as the relay writes them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import cycle
from typing import Any
from uuid import UUID, uuid4

import aio_pika
from aio_pika.abc import AbstractChannel

from shared import clock
from shared.envelope import BATCH, Cause, batch, to_cloudevent
from shared.events import ComplaintAccepted, ComplaintClosed, ComplaintGraded, Fact
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of

SIZES = (1, 1, 5, 20, 50, 100, 3)
FACTS: Sequence[Fact] = (
    ComplaintGraded(cycle=1, class_="quality", suggested=False, grade="minor", matches=()),
    ComplaintAccepted(cycle=1, department="quality"),
    ComplaintClosed(cycle=1, outcome="resolved"),
)


def event(fact: Fact, at: int = 0, complaint: UUID | None = None, back: timedelta = timedelta()) -> bytes:
    """One event in the JSON event format, that happened so long ago."""
    made: Cause[Fact] = Cause(
        id=uuid4(),
        complaint=complaint or uuid4(),
        subject=f"RC-{at:010d}",
        time=clock.now() - back,
        by=fact.owner,
        data=fact,
        sequence=at,
        type=fact.type,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    return to_cloudevent(made, uuid4())


def batches(count: int) -> Iterator[tuple[str, list[bytes]]]:
    """So many events, a type a batch, in batches of the sizes that a more or less busy relay makes."""
    made = 0
    for size, fact in zip(cycle(SIZES), cycle(FACTS), strict=False):
        if made == count:
            return
        some = [event(fact, at) for at in range(made, min(made + size, count))]
        made += len(some)
        yield fact.type, some


def message(type: str, events: Sequence[bytes], user: str | None = None) -> aio_pika.Message:
    """A batch as the publisher of a service sends it."""
    return aio_pika.Message(
        batch(list(events)),
        content_type=BATCH,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=str(uuid4()),
        type=type,
        app_id="intake",
        user_id=user,
    )


@asynccontextmanager
async def stream(servers: AnyServers, **arguments: Any) -> AsyncIterator[tuple[str, AbstractChannel]]:
    """A stream of its own, and a channel that may do anything; the stream is gone in the end."""
    name = f"test.history.{uuid4()}"
    async with channel_of(servers.admin_amqp_url) as channel:
        await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "stream"} | arguments)
        yield name, channel
        async with channel_of(servers.admin_amqp_url) as other:
            await other.queue_delete(name)
