"""How many events a second a replay gives, whether a second one is identical, beside bare reading.

A stream of its own is filled through the broker with batches as the relay writes them. The floor is bare
consumption of the same messages, which looks into none of them.
"""

import asyncio
import hashlib
import itertools
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated
from uuid import uuid4

import aio_pika
import typer
import uvloop

from deploy.events.replaying import Replay, replayed
from deploy.local.install import Failed, install
from deploy.local.servers import Servers
from shared.clock import machine_now
from shared.envelope import BATCH, Cause, batch, to_cloudevent
from shared.events import CATALOGUE, ComplaintGraded, Fact
from shared.history import OFFSET, PREFETCH, Batch, History
from shared.wanted import Wanted

STREAM = "bench.history"
SIZES = (1, 2, 5, 10, 20, 50, 100)
"""Events in a message: one when the house is idle, at most a hundred when it is not."""
TYPE = "complaint.graded.v1"
AT_ONCE = 100


class Wrong(Exception):
    """A replay that was not what it had to be."""


@dataclass
class Sink:
    """Counts and hashes what comes, and keeps nothing."""

    events: int = 0
    size: int = 0
    empty: bool = True

    def __post_init__(self) -> None:
        self._hash = hashlib.blake2b()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:16]

    async def take(self, each: Batch, text: bytes, whole: bool) -> bool:
        self.events += text.count(b"\n") + 1
        self.size += len(text)
        self._hash.update(text)
        self._hash.update(b"\n")
        return True

    async def flush(self) -> None:
        """Nothing is on its way."""


def facts() -> list[Fact]:
    """What most events are."""
    graded = ComplaintGraded(cycle=1, class_="quality", suggested=False, grade="major", matches=())
    closed = CATALOGUE["complaint.closed.v1"].model_validate({"cycle": 1, "outcome": "resolved"})
    accepted = CATALOGUE["complaint.accepted.v1"].model_validate({"cycle": 1, "department": "quality"})
    return [graded, closed, accepted]


def messages(count: int) -> Iterator[aio_pika.Message]:
    """So many events in batches, a type each, every one with ids of its own."""
    made, kinds = 0, itertools.cycle(facts())
    for size in itertools.cycle(SIZES):
        if made >= count:
            return
        fact, some = next(kinds), min(size, count - made)
        made += some
        yield aio_pika.Message(
            batch([_event(fact, made - at) for at in range(some)]),
            content_type=BATCH,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=str(uuid4()),
            type=fact.type,
            app_id=fact.owner,
        )


def _event(fact: Fact, at: int) -> bytes:
    made: Cause[Fact] = Cause(
        id=uuid4(),
        complaint=uuid4(),
        subject=f"RC-{at:010d}",
        time=machine_now(),
        by=fact.owner,
        data=fact,
        sequence=at % 20,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        type=fact.type,
    )
    return to_cloudevent(made, uuid4())


async def fill(url: str, count: int) -> int:
    """Publish with confirms; how many messages that was."""
    sent = 0
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.declare_queue(STREAM, durable=True, arguments={"x-queue-type": "stream"})
        made = messages(count)
        while some := list(itertools.islice(made, AT_ONCE)):
            await asyncio.gather(*(channel.default_exchange.publish(each, STREAM) for each in some))
            sent += len(some)
    return sent


async def bare(url: str, count: int) -> float:
    """Seconds to consume so many messages without a look at them."""
    left, done = count, asyncio.Event()

    async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        nonlocal left
        left -= 1
        if left % (PREFETCH // 4) == 0:
            await message.ack(multiple=True)
        if left == 0:
            done.set()

    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        began = perf_counter()
        await (await channel.get_queue(STREAM, ensure=False)).consume(take, arguments={OFFSET: "first"})
        await done.wait()
        return perf_counter() - began


async def timed(url: str, wanted: Wanted) -> tuple[Sink, float]:
    """One replay, and its seconds."""
    sink, began = Sink(), perf_counter()
    await replayed(History(url, STREAM), "first", None, wanted, sink, Replay(began=began))
    return sink, perf_counter() - began


async def measure(folder: Path, count: int) -> None:
    """Raises Wrong if a replay lost something or differs from the one before."""
    servers = await Servers.start(folder)
    try:
        url, began = servers.admin_amqp_url, perf_counter()
        sent = await fill(url, count)
        print(f"{count} events in {sent} messages, written in {perf_counter() - began:.0f} s", flush=True)
        floor = await bare(url, sent)
        print(f"floor (bare consumption)   {count / floor:>9,.0f} events/s  {floor:6.2f} s", flush=True)
        first = await _told(url, "replay", Wanted(), floor)
        second = await _told(url, "second replay", Wanted(), floor)
        again = await bare(url, sent)
        print(f"floor, once more           {count / again:>9,.0f} events/s  {again:6.2f} s", flush=True)
        graded = await _told(url, f"--type {TYPE}", Wanted((TYPE,)), floor)
        since = Wanted(since=machine_now().replace(year=2000))
        dated = await _told(url, "--from a date", since, floor)
    finally:
        await servers.stop()
    print(f"identical={first.digest == second.digest} digest={first.digest} bytes={first.size}")
    if not first.events == second.events == dated.events == count:
        raise Wrong(f"{count} events were written, {first.events} and {second.events} came back")
    if not first.digest == second.digest == dated.digest or not 0 < graded.events < count:
        raise Wrong("the second replay is another one")


async def _told(url: str, name: str, wanted: Wanted, floor: float) -> Sink:
    sink, seconds = await timed(url, wanted)
    rate = f"{sink.events / seconds:>9,.0f} events/s  {seconds:6.2f} s"
    print(f"{name:<26} {rate}  {seconds / floor:.2f} x the floor  ({sink.events} events)", flush=True)
    return sink


def main(n: Annotated[int, typer.Option(help="Events")] = 1_000_000) -> None:
    try:
        install()
        with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
            uvloop.run(measure(Path(folder), n))
    except (Failed, Wrong) as reason:
        sys.exit(f"bench: {reason}")


if __name__ == "__main__":
    typer.run(main)
