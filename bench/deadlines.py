"""What the clock costs: a calculation, a claim among very many open deadlines, and a minute full of due ones.

The minute runs three replicas of sla, of which two are killed half way; every breach must be told once.
"""

import asyncio
import random
import resource
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Annotated, Any
from uuid import UUID, uuid4

import aio_pika
import typer
from pymongo import AsyncMongoClient

from deploy.local.endpoints import Endpoints
from deploy.local.install import Failed, install
from deploy.local.servers import Servers
from deploy.local.system import System
from services.sla import store
from services.sla.domain.record import Clock, Deadlines, Step, just_after
from services.sla.ticker import tick
from shared import clock
from shared.driver import passed
from shared.envelope import Cause, from_cloudevent, open_batch
from shared.events import DeadlineBreached
from shared.policy import Duration, load_calendar, timetable

REPLICAS = ("sla", "sla-2", "sla-3")
LOADED_AT_ONCE = 5_000
CHINA = load_calendar("cn-mainland")


# a calculation


def tell_costs(rounds: int) -> None:
    """Microseconds for one due time, from a budget of one day to one of 400."""
    table, zone = timetable(CHINA), CHINA.zone
    starts = [datetime(2026, 1, 5, 10, tzinfo=zone) + timedelta(hours=7 * number) for number in range(rounds)]
    kinds: dict[str, Callable[[int], Duration]] = {
        "working hours": lambda days: Duration(working_hours=Decimal(9 * days)),
        "working days": lambda days: Duration(working_days=days),
    }
    for name, kind in kinds.items():
        costs = {days: _cost(kind(days), starts, table) for days in (1, 5, 30, 100, 400)}
        told = ", ".join(f"{days} d {cost:.1f}" for days, cost in costs.items())
        print(f"one due time in {name}, us: {told}; 400 d costs {costs[400] / costs[1]:.2f} times 1 d")


def _cost(budget: Duration, starts: list[datetime], table: Any) -> float:
    budget.end(starts[0], table)
    times = []
    for start in starts:
        began = perf_counter()
        budget.end(start, table)
        times.append(perf_counter() - began)
    return median(times) * 1e6


# a claim


def waiting(due: datetime) -> Deadlines:
    """A complaint with one clock, which is due then."""
    steps = [Step(at=just_after(due), kind="breach")]
    began = due - timedelta(days=5)
    about = {"cycle": 1, "name": "resolve", "responsible": "quality", "grade": "minor", "started": began}
    running = Clock.model_validate(about | {"due": due, "steps": steps})
    return Deadlines(number="RC-BENCH", clocks=[running], calendar="cn-mainland", calendar_version=1)


def document(due: datetime) -> dict[str, Any]:
    state = waiting(due)
    lifted = {name: value for name, value in store.lift(state).items() if value is not None}
    return {
        "_id": uuid4(),
        "version": 1,
        "sequence": 1,
        "handled": [],
        "outbox": [],
        "state": state.model_dump(mode="json", by_alias=True),
        **lifted,
    }


async def load(admin: AsyncMongoClient[dict[str, Any]], dues: Iterator[datetime], count: int) -> list[UUID]:
    """Put so many deadlines into sla's collection as it stores them itself."""
    documents, ids = admin["sla"]["deadlines"], list[UUID]()
    for begin in range(0, count, LOADED_AT_ONCE):
        batch = [document(next(dues)) for _ in range(min(LOADED_AT_ONCE, count - begin))]
        await documents.insert_many(batch, ordered=False)
        ids += [each["_id"] for each in batch]
    return ids


def far_off(seed: int) -> Iterator[datetime]:
    """Due times within the next year, none of them soon."""
    chance, now = random.Random(seed), clock.now()
    while True:
        yield now + timedelta(days=1, seconds=chance.randrange(365 * 86_400))


def memory() -> float:
    """The most that this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def tell_claims(servers: Endpoints, count: int, seed: int) -> None:
    """How the claim finds what is due among `count` open deadlines, and how long a hundred take."""
    async with administrator(servers) as admin, opened(servers):
        began = perf_counter()
        await load(admin, far_off(seed), count)
        print(f"{count} open deadlines loaded in {perf_counter() - began:.0f} s")
        past = iter(lambda: clock.now() - timedelta(hours=1), None)
        plan = await admin["sla"]["deadlines"].find(passed("next_due")).sort("next_due").limit(100).explain()
        print(f"  plan of the claim: {stages(plan['queryPlanner']['winningPlan'])}")
        claims, fires, before = list[float](), list[float](), memory()
        for _ in range(30):
            await load(admin, past, 100)
            began = perf_counter()
            assert len(await store.deadlines.due(100)) == 100
            claims.append(perf_counter() - began)
            began = perf_counter()
            await tick()
            fires.append(perf_counter() - began)
        told = f"{median(claims) * 1e3:.1f} ms (worst {max(claims) * 1e3:.1f})"
        print(f"  claim of 100 due: median {told}; fired and written: median {median(fires) * 1e3:.1f} ms;")
        print(f"  memory grew by {memory() - before:.1f} MiB")
        await admin["sla"]["deadlines"].delete_many({})


def stages(plan: dict[str, Any]) -> str:
    """A query plan's stages, from the result inwards."""
    index = f" {plan['indexName']}" if "indexName" in plan else ""
    inner = plan.get("inputStage")
    return f"{plan['stage']}{index}" + (f" < {stages(inner)}" if inner else "")


@asynccontextmanager
async def administrator(servers: Endpoints) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](
        servers.admin_mongo_url, uuidRepresentation="standard"
    ) as admin:
        yield admin


@asynccontextmanager
async def opened(servers: Endpoints) -> AsyncIterator[None]:
    store.deadlines.open(servers.mongo_url("sla"))
    try:
        while store.deadlines.away:
            await asyncio.sleep(0.05)
        yield
    finally:
        await store.deadlines.close()


# a minute full of due ones


@dataclass
class Heard:
    """The breaches that came out, by complaint: the events' ids; and how late each was."""

    ids: dict[UUID, set[UUID]] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    early: int = 0
    repeated: int = 0
    at: list[float] = field(default_factory=list)

    def take(self, event: Cause[DeadlineBreached], now: datetime) -> None:
        known = self.ids.setdefault(event.complaint, set())
        self.repeated += event.id in known
        if event.id not in known:
            late = (now - event.data.due).total_seconds()
            self.late.append(late)
            self.at.append(perf_counter())
            self.early += event.time < event.data.due
        known.add(event.id)


async def listen(servers: Endpoints, heard: Heard, ready: asyncio.Event) -> None:
    """Hear every breach as another team would."""
    async with await aio_pika.connect(servers.admin_amqp_url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1_000)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind("redress.events", DeadlineBreached.type)
        ready.set()
        async with queue.iterator(no_ack=True) as messages:
            async for message in messages:
                now = clock.now()
                for member in open_batch(message.body):
                    heard.take(from_cloudevent(member), now)  # type: ignore[arg-type]


async def drain(servers: Endpoints, folder: Path, count: int, seconds: float, seed: int) -> bool:
    """Let `count` deadlines fall due within so many seconds; true if each was told once and none early."""
    chance, heard, ready = random.Random(seed), Heard(), asyncio.Event()
    system = System(servers, folder)
    for name in REPLICAS:
        system.launch("sla", name)
    await system.ready(REPLICAS)
    listening = asyncio.create_task(listen(servers, heard, ready))
    await ready.wait()
    try:
        async with administrator(servers) as admin:
            lead = 2 + count / 4_000
            first = clock.now() + timedelta(seconds=lead)
            dues = iter(lambda: first + timedelta(seconds=chance.random() * seconds), None)
            ids = await load(admin, dues, count)
        await asyncio.sleep((first - clock.now()).total_seconds() + seconds / 2)
        for name in REPLICAS[1:]:
            system.kill(name)
        killed = perf_counter()
        await _until(lambda: len(heard.ids) >= count, seconds / 2 + 120)
        await asyncio.sleep(2)
    finally:
        listening.cancel()
        await system.stop()
    return tell_drain(heard, ids, count, seconds, killed)


async def _until(there: Callable[[], bool], seconds: float) -> None:
    began = perf_counter()
    while not there() and perf_counter() - began < seconds:
        await asyncio.sleep(0.2)


def tell_drain(heard: Heard, ids: list[UUID], count: int, seconds: float, killed: float) -> bool:
    lost = len(set(ids) - heard.ids.keys())
    double = sum(len(found) > 1 for found in heard.ids.values())
    cuts = quantiles(heard.late, n=100) if len(heard.late) > 1 else [0.0] * 99
    rates = Counter(int(at) for at in heard.at)
    print(f"{count} due within {seconds:g} s, three replicas, two killed -9 half way:")
    print(f"  lost={lost} fired_twice={double} early={heard.early} wire_duplicates={heard.repeated}")
    print(f"  late at a subscriber, s: p50 {cuts[49]:.2f}, p99 {cuts[98]:.2f}, max {max(heard.late):.2f};")
    print(f"  most in a second: {max(rates.values())}")
    return lost == double == heard.early == 0


async def backlog(servers: Endpoints, folder: Path, count: int) -> None:
    """How fast one replica works off what fell due while none was there."""
    heard, ready, system = Heard(), asyncio.Event(), System(servers, folder)
    listening = asyncio.create_task(listen(servers, heard, ready))
    await ready.wait()
    async with administrator(servers) as admin:
        past = iter(lambda: clock.now() - timedelta(hours=1), None)
        await load(admin, past, count)
    system.launch("sla")
    try:
        await _until(lambda: len(heard.ids) >= count, 300)
    finally:
        listening.cancel()
        await system.stop()
    rate = (len(heard.at) - 1) / (heard.at[-1] - heard.at[0])
    print(f"backlog of {count} with one replica: {rate:.0f} a second")


async def measure(rounds: int, claims: int, due: int, seconds: float, seed: int) -> bool:
    tell_costs(rounds)
    with tempfile.TemporaryDirectory() as folder:
        servers = await Servers.start(Path(folder) / "servers")
        try:
            return await measure_on(servers, Path(folder), claims, due, seconds, seed)
        finally:
            await servers.stop()


async def measure_on(
    servers: Endpoints, folder: Path, claims: int, due: int, seconds: float, seed: int
) -> bool:
    """All but what calculations cost; true if each deadline of the minute was told once and none early."""
    await tell_claims(servers, claims, seed)
    await backlog(servers, folder / "one", due)
    return await drain(servers, folder / "three", due, seconds, seed)


def main(
    rounds: Annotated[int, typer.Option(help="Calculations of each kind")] = 500,
    claims: Annotated[int, typer.Option(help="Open deadlines among which some are due")] = 1_000_000,
    due: Annotated[int, typer.Option(help="Deadlines due within the minute")] = 20_000,
    seconds: Annotated[float, typer.Option(help="How long that minute is")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed, the same due times")] = 1,
) -> None:
    """What the clock costs."""
    try:
        install()
        well = asyncio.run(measure(rounds, claims, due, seconds, seed))
    except Failed as error:
        raise SystemExit(str(error)) from None
    raise SystemExit(0 if well else 1)


if __name__ == "__main__":
    typer.run(main)
