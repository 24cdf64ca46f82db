"""How long a complaint takes: from the post to its grading and to the acknowledgement's arrival by mail.

Idle, each complaint waits until the one before has come to its end; at half load they come at random
instants, half as many a second as the chain carries. Times count from the instant at which a post was due.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pydantic_core import from_json

from bench import chain
from bench.contenders import ByHand, Contender, Product
from bench.ground import Ground, Wanted
from bench.load import CONNECTIONS, Door, Unfinished, receipt

IDLE, LOADED_S, SEED = 40, 10.0, 1
PATIENCE_S = 120.0
GRADED = "complaint.graded.v1"
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Posted:
    """A complaint handed in: its id, its customer, and when that was due (`perf_counter`)."""

    id: UUID
    customer: str
    at: float


@dataclass
class Heard:
    """When gradings were heard of."""

    graded_at: dict[UUID, float] = field(default_factory=dict)

    async def take(self, message: AbstractIncomingMessage) -> None:
        now, told = perf_counter(), from_json(message.body)
        for event in told if isinstance(told, list) else [told]:
            self.graded_at.setdefault(UUID(event["correlationid"]), now)


@dataclass(frozen=True)
class Times:
    """Seconds, one of each kind for every complaint."""

    graded: Sequence[float]
    mailed: Sequence[float]


@asynccontextmanager
async def hearing(amqp_url: str, exchange: str) -> AsyncIterator[Heard]:
    """Hear of gradings as another team would."""
    heard = Heard()
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1_000)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, GRADED)
        await queue.consume(heard.take, no_ack=True)
        yield heard


@asynccontextmanager
async def lines(door: Door, count: int) -> AsyncIterator["asyncio.Queue[Line]"]:
    """Open connections, to be taken and put back."""
    target, free = urlsplit(door.url), asyncio.Queue[Line]()
    opened = [await asyncio.open_connection(target.hostname, target.port) for _ in range(count)]
    for each in opened:
        free.put_nowait(each)
    try:
        yield free
    finally:
        for _, writer in opened:
            writer.close()


async def _post(door: Door, free: "asyncio.Queue[Line]", at: float) -> Posted:
    await asyncio.sleep(at - perf_counter())
    customer = f"{uuid4().hex}@example.com"
    line = await free.get()
    line[1].write(door.request(customer))
    id = await receipt(line[0])
    free.put_nowait(line)
    return Posted(id, customer, at)


async def _until_told(here: Ground, heard: Heard, posted: Sequence[Posted]) -> None:
    ended = perf_counter() + PATIENCE_S
    open_ = list(posted)
    while open_ := [
        each for each in open_ if each.id not in heard.graded_at or each.customer not in here.sink.taken_at
    ]:
        if perf_counter() > ended:
            raise Unfinished(f"{len(open_)} complaints were not graded or acknowledged in {PATIENCE_S:.0f} s")
        await asyncio.sleep(0.002)


def _times(here: Ground, heard: Heard, posted: Sequence[Posted]) -> Times:
    graded = [heard.graded_at[each.id] - each.at for each in posted]
    return Times(graded, [here.sink.taken_at[each.customer] - each.at for each in posted])


async def one_by_one(here: Ground, contender: Contender, heard: Heard, count: int) -> Times:
    posted = []
    async with lines(contender.door, 1) as free:
        for _ in range(count):
            posted.append(await _post(contender.door, free, perf_counter()))
            await _until_told(here, heard, posted[-1:])
            await chain.until_done(contender, posted[-1].id)
    return _times(here, heard, posted)


async def at_random(here: Ground, contender: Contender, heard: Heard, rate: float, seconds: float) -> Times:
    """Complaints at the instants of a Poisson process of this rate."""
    chance, at, instants = random.Random(SEED), perf_counter(), list[float]()
    ended = at + seconds
    while (at := at + chance.expovariate(rate)) < ended or not instants:
        instants.append(at)
    async with lines(contender.door, CONNECTIONS) as free:
        posted = await asyncio.gather(*(_post(contender.door, free, each) for each in instants))
    await _until_told(here, heard, posted)
    return _times(here, heard, posted)


def percentile(times: Sequence[float], share: float) -> float:
    """The smallest time that this share of them does not exceed, in ms."""
    ranked = sorted(times)
    return ranked[max(0, ceil(share * len(ranked)) - 1)] * 1_000


def row(title: str, times: Times) -> str:
    cells = [
        f"{percentile(some, 0.5):8.0f}{percentile(some, 0.99):8.0f}" for some in (times.graded, times.mailed)
    ]
    return f"{title:34}{len(times.graded):8}{''.join(cells)}"


HEADING = f"{'ms':34}{'count':>8}{'graded':>8}{'p99':>8}{'mailed':>8}{'p99':>8}"


async def measure(here: Ground, contender: Contender, wanted: Wanted, count: int) -> list[Times]:
    """Idle, then at half of what the contender carries; (idle, loaded)."""
    try:
        await contender.start()
        await chain.carry(contender, chain.WARM_UP)
        async with hearing(here.servers.admin_amqp_url, contender.exchange) as heard:
            idle = await one_by_one(here, contender, heard, min(IDLE, wanted.n))
            _, done = await chain.carry(contender, count)
            rate = count / done / 2
            loaded = await at_random(here, contender, heard, rate, LOADED_S)
    finally:
        await contender.stop()
    print(row(f"{contender.name}, idle", idle))
    print(row(f"{contender.name}, {rate:.0f}/s (half load)", loaded), flush=True)
    return [idle, loaded]


async def part(here: Ground, wanted: Wanted) -> str:
    """All contenders; the line to quote is the product's."""
    print(HEADING)
    await measure(here, ByHand(here, "floor"), wanted, wanted.floor_n)
    await measure(here, ByHand(here, "ceiling"), wanted, wanted.n)
    idle, loaded = await measure(here, Product(here), wanted, wanted.n)
    told = [
        f"{name} graded p50/p99 {median(some.graded) * 1_000:.0f}/{percentile(some.graded, 0.99):.0f} ms, "
        f"mailed {median(some.mailed) * 1_000:.0f}/{percentile(some.mailed, 0.99):.0f} ms"
        for name, some in (("idle", idle), ("half load", loaded))
    ]
    return "; ".join(told)
