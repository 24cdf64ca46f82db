"""What a service does about very many messages that wait: triage, after it has been away.

Each message holds one event, as it would have come from an idle intake, so that none of the work is shared.
"""

import asyncio
from collections.abc import Iterator, Sequence
from time import perf_counter
from uuid import uuid4

import aio_pika
import uuid_utils
from aio_pika.abc import AbstractIncomingMessage

from bench import latency
from bench.contenders import Product
from bench.ground import Ground, Wanted
from bench.load import Unfinished, post
from bench.memory import resident
from deploy.provision import SERVICES
from shared.bus import EVENTS, OPERATOR, PRIVATE
from shared.envelope import BATCH, from_cloudevent, open_batch
from shared.events import ComplaintRegistered, StatementRecorded

SIZES, IN_FULL = (2, 20), (10, 100)
"""Messages that wait, in runs of the chain."""
INBOX, AT_ONCE, PATIENCE_S = "triage.inbox", 500, 1_800.0
WAITED_FOR = {EVENTS: ComplaintRegistered.type, PRIVATE: StatementRecorded.type}
"""What triage grades by, and where it is published."""


async def overheard(amqp_url: str, product: Product) -> list[bytes]:
    """What triage is told of one complaint, as it goes over the wire."""
    told: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(message: AbstractIncomingMessage) -> None:
        told.put_nowait(message.body)

    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for exchange, type in WAITED_FOR.items():
            await queue.bind(exchange, type)
        await queue.consume(take, no_ack=True)
        await post(product.door, 1)
        return [await told.get() for _ in WAITED_FOR]


def copies(models: Sequence[bytes], count: int) -> Iterator[aio_pika.Message]:
    """The same of so many complaints, each with ids, a number and a customer of its own."""
    known = [from_cloudevent(open_batch(body)[0]) for body in models]
    statements = [each.data for each in known if isinstance(each.data, StatementRecorded)]
    ways = [way for each in statements for way in each.fingerprints]
    for number in range(count):
        complaint, subject = str(uuid_utils.uuid7()), f"RC-{number:010d}"
        others = {way: uuid4().hex for way in ways}
        for body, event in zip(models, known, strict=True):
            for old, new in {
                str(event.id): str(uuid4()),
                str(event.complaint): complaint,
                event.subject: subject,
                **others,
            }.items():
                body = body.replace(old.encode(), new.encode())
            durably = aio_pika.DeliveryMode.PERSISTENT
            yield aio_pika.Message(
                body, content_type=BATCH, delivery_mode=durably, type=event.type, user_id=OPERATOR
            )


async def flood(here: Ground, models: Sequence[bytes], messages: int) -> None:
    """Have so many messages wait for triage."""
    async with await aio_pika.connect(here.servers.operator_amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        waiting = list(copies(models, messages // len(WAITED_FOR)))
        for begin in range(0, len(waiting), AT_ONCE):
            some = waiting[begin : begin + AT_ONCE]
            await asyncio.gather(*(channel.default_exchange.publish(each, INBOX) for each in some))


async def drained(here: Ground, product: Product, messages: int) -> tuple[float, float]:
    """Messages a second from the first grading to the last, and the memory of the process in MiB then."""
    async with latency.hearing(here.servers.admin_amqp_url, product.exchange) as heard:
        product.system.launch("triage")
        ended = perf_counter() + PATIENCE_S
        while len(heard.graded_at) < messages // len(WAITED_FOR):
            if perf_counter() > ended:
                raise Unfinished(f"{len(heard.graded_at)} complaints were graded in {PATIENCE_S:.0f} s")
            await asyncio.sleep(0.05)
        held = resident({"triage": product.system.pid("triage")})["triage"]
    await product.system.end("triage")
    at = heard.graded_at.values()
    return messages / (max(at) - min(at)), held


async def part(here: Ground, wanted: Wanted) -> str:
    """Small and large backlogs, the other services away."""
    product = Product(here)
    try:
        await product.start()
        models = await overheard(here.servers.admin_amqp_url, product)
        for service in SERVICES:
            await product.system.end(service)
        found = []
        for messages in (runs * wanted.n for runs in (IN_FULL if wanted.full else SIZES)):
            await flood(here, models, messages)
            found.append(await drained(here, product, messages))
            print(
                f"{messages:8} waited: {found[-1][0]:6.0f}/s, triage holds {found[-1][1]:.0f} MiB", flush=True
            )
    finally:
        await product.stop()
    (few, small), (many, large) = found
    changes = f"rate {many / few - 1:+.0%}, memory {large / small - 1:+.0%}"
    return f"with ten times as many messages waiting, {changes}"
