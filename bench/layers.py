"""What each layer costs: FastStream, validation, tracing, durability; each measured with it and without.

Processor time where a layer works, waiting where it waits.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.annotations import RabbitMessage
from pydantic_core import from_json
from pymongo import WriteConcern

from bench import chain
from bench.backlog import INBOX, copies, flood, overheard
from bench.contenders import Product
from bench.ground import Ground, Wanted
from shared.bus import OPERATOR
from shared.envelope import from_cloudevent, open_batch
from shared.inbox import PREFETCH

ROUNDS = 5
INSERTS, GROUP = 50, 100
SAMPLERS = {"off": "always_off", "one in ten": "parentbased_traceidratio", "all": "always_on"}


def line(title: str, without: float, cost: float, unit: str) -> None:
    print(f"{title:52}{without:10.2f}{cost:10.2f} {unit}", flush=True)


# validation


def validation(models: Sequence[bytes], count: int) -> tuple[float, float]:
    """Microseconds of processor time an event: read as JSON only; read, and checked to be what it says."""
    bodies = [copy.body for copy in copies(models, count)]
    read, checked = [], []
    for _ in range(ROUNDS):
        read.append(_cost(lambda: [from_json(body) for body in bodies]))
        checked.append(_cost(lambda: [from_cloudevent(open_batch(body)[0]) for body in bodies]))
    return tuple(median(some) / len(bodies) * 1e6 for some in (read, checked))  # type: ignore[return-value]


def _cost(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


# FastStream


@dataclass
class Countdown:
    """Set when so many have come."""

    left: int
    done: asyncio.Event

    def came(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.done.set()


async def consumed_raw(url: str, count: int) -> float:
    """Seconds of processor time to take and acknowledge so many messages by aio-pika alone."""
    counting = Countdown(count, asyncio.Event())

    async def take(message: AbstractIncomingMessage) -> None:
        await message.ack()
        counting.came()

    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        began = process_time()
        await (await channel.get_queue(INBOX, ensure=False)).consume(take)
        await counting.done.wait()
    return process_time() - began


async def consumed_by_faststream(url: str, count: int) -> float:
    """The same with FastStream, as the inbox is set up."""
    counting = Countdown(count, asyncio.Event())

    async def whole(message: RabbitMessage) -> RabbitMessage:
        return message

    async def take(message: RabbitMessage) -> None:
        counting.came()

    default = Channel(prefetch_count=PREFETCH)
    broker = RabbitBroker(url, default_channel=default, apply_types=False, decoder=whole, logger=None)
    queue = RabbitQueue(INBOX, declare=False)
    broker.subscriber(queue, no_reply=True, ack_policy=AckPolicy.REJECT_ON_ERROR)(take)
    began = process_time()
    await broker.start()
    await counting.done.wait()
    took = process_time() - began
    await broker.stop()
    return took


async def consuming(here: Ground, models: Sequence[bytes], messages: int) -> tuple[float, float]:
    """Microseconds of processor time a message: by aio-pika, by FastStream."""
    url, raw, framed = here.servers.admin_amqp_url, list[float](), list[float]()
    for _ in range(ROUNDS):
        await flood(here, models, messages)
        raw.append(await consumed_raw(url, messages))
        await flood(here, models, messages)
        framed.append(await consumed_by_faststream(url, messages))
    return median(raw) / messages * 1e6, median(framed) / messages * 1e6


# durability


async def inserting(here: Ground, concern: WriteConcern, size: int) -> float:
    """Milliseconds to insert so many documents at once, in turn."""
    documents = here.mongo["layers"].get_collection("documents", write_concern=concern)
    took = []
    for _ in range(INSERTS):
        began = perf_counter()
        await documents.insert_many(
            [{"_id": uuid4(), "text": "x" * 1_000} for _ in range(size)], ordered=False
        )
        took.append(perf_counter() - began)
    return median(took) * 1_000


async def publishing(here: Ground, confirms: bool) -> float:
    """Milliseconds to publish a persistent message to a quorum queue, confirmed or only sent."""
    async with await aio_pika.connect(here.servers.operator_amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=confirms)
        message = aio_pika.Message(b"[]", delivery_mode=aio_pika.DeliveryMode.PERSISTENT, user_id=OPERATOR)
        took = []
        for _ in range(INSERTS):
            began = perf_counter()
            await channel.default_exchange.publish(message, INBOX)
            took.append(perf_counter() - began)
    return median(took) * 1_000


# tracing


async def tracing(here: Ground, wanted: Wanted) -> dict[str, float]:
    """Milliseconds of the services' processor time a complaint, by how many traces are recorded."""
    contenders = {}
    for name, sampler in SAMPLERS.items():
        spans = str(here.folder / f"{name}.spans")
        environment = {"OTEL_TRACES_SAMPLER": sampler, "REDRESS_TRACE_FILE": spans}
        contenders[name] = Product(here, f"traces {name}", environment)
    costs: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(wanted.repeats):
        for name, product in contenders.items():
            run = await chain.run(product, wanted.n, here.meters, here.sink)
            costs[name].append(run.cost["services"] * 1_000)
    return {name: median(some) for name, some in costs.items()}


async def part(here: Ground, wanted: Wanted) -> str:
    product = Product(here)
    try:
        await product.start()
        models = await overheard(here.servers.admin_amqp_url, product)
    finally:
        await product.stop()
    print(f"{'':52}{'without':>10}{'with':>10}")
    bare, checked = validation(models, wanted.n)
    line("validation of an event, CPU", bare, checked, "us")
    raw, framed = await consuming(here, models, 2 * wanted.n)
    line("FastStream around a message, CPU", raw, framed, "us")
    light, durable = WriteConcern(1, j=False), WriteConcern("majority", j=True)
    for size in (1, GROUP):
        waits = [await inserting(here, concern, size) for concern in (light, durable)]
        line(f"journal and majority, insert of {size}", waits[0], waits[1], "ms")
    line("confirm of a message", await publishing(here, False), await publishing(here, True), "ms")
    traced = await tracing(here, wanted)
    for name in ("one in ten", "all"):
        line(f"traces of {name}, CPU of all services a complaint", traced["off"], traced[name], "ms")
    return (
        f"an event's validation {checked - bare:.0f} us, FastStream {framed - raw:.0f} us a message, "
        f"tracing {traced['one in ten'] - traced['off']:.2f} ms a complaint by default"
    )
