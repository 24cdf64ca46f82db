"""How many complaints a second: the whole automatic part of the chain, beside a hand-written floor.

Both take a complaint over HTTP, grade and dispatch it, set its four clocks, mail the acknowledgement and two
assignments, stop the first clock, and note all of it in intake's record. They take turns on the same servers.
The chain folds assignments into digests once a department has had its mails for the hour.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Annotated
from uuid import UUID

import typer
import uvloop

from bench.contenders import Contender, Floor, Product
from bench.load import MAILS, Refused, post
from bench.measure import Client, Meters
from bench.sink import Sink
from deploy.local.install import Failed, install
from deploy.local.servers import Servers
from deploy.local.system import NotReady

NOTED = 14
"""Entries in intake's journal in the end: the command; registered, contact, statement; graded, dispatched;
four clocks set and one met; three notices sent or folded."""
WARM_UP = 64
PATIENCE_S = 300


class Unfinished(Exception):
    """A run whose complaints did not all come to their end."""


@dataclass(frozen=True)
class Run:
    """One run: complaints, seconds until all were accepted and done, and what each complaint cost."""

    count: int
    accepted: float
    done: float
    cost: dict[str, float]

    @property
    def per_second(self) -> float:
        return self.count / self.done

    @property
    def others(self) -> float:
        """The share of the machine that had nothing to do with this run."""
        ours = self.cpu + self.cost["bench"]
        return (self.cost["busy"] - ours) / (self.cost["busy"] + self.cost["idle"])

    @property
    def cpu(self) -> float:
        """Seconds of processor time a complaint took in services and servers."""
        return self.cost["services"] + self.cost["broker"] + self.cost["database"]


async def run(contender: Contender, count: int, meters: Meters, sink: Sink) -> Run:
    """Start, warm up, measure, stop."""
    try:
        await contender.start()
        await _carry(contender, WARM_UP)
        return await _measured(contender, count, meters, sink)
    finally:
        await contender.stop()


async def _measured(contender: Contender, count: int, meters: Meters, sink: Sink) -> Run:
    mails, traffic, cpu = sink.taken, await meters.traffic(), meters.cpu(contender.pids)
    accepted, done = await _carry(contender, count)
    used = meters.cpu(contender.pids).since(cpu) | (await meters.traffic()).since(traffic)
    if not count * contender.fewest_mails <= sink.taken - mails <= count * MAILS:
        raise Unfinished(f"{sink.taken - mails} mails for {count} complaints, not {MAILS} each")
    return Run(count, accepted, done, {name: value / count for name, value in used.items()})


async def _carry(contender: Contender, count: int) -> tuple[float, float]:
    """Hand in and wait for the last one: seconds until all were accepted, and until all were done."""
    began = monotonic()
    ids = await post(contender.door, count)
    accepted = monotonic() - began
    await _until_done(contender, min(ids))
    done = monotonic() - began
    found = await contender.complaints.count_documents(
        {"_id": {"$in": ids}, "state.stage": "dispatched", "journal": {"$size": NOTED}}
    )
    if found != count:
        raise Unfinished(f"{found} of {count} complaints of the {contender.name} are done as they should be")
    return accepted, done


async def _until_done(contender: Contender, first: UUID) -> None:
    """The newest come last, so looking from that end costs next to nothing while one is open."""
    there = {"$exists": True}
    unfinished = {"_id": {"$gte": first}, "journal.0": there, f"journal.{NOTED - 1}": {"$exists": False}}
    ended = monotonic() + PATIENCE_S
    while await contender.complaints.find_one(unfinished, {"_id": 1}, sort=[("_id", -1)]):
        if monotonic() > ended:
            raise Unfinished(f"complaints of the {contender.name} are still open after {PATIENCE_S} s")
        await asyncio.sleep(0.02)


ROWS = {
    "services": ("CPU ms a complaint, services", 1_000, 1),
    "broker": ("CPU ms a complaint, RabbitMQ", 1_000, 1),
    "database": ("CPU ms a complaint, MongoDB", 1_000, 1),
    "bench": ("CPU ms a complaint, load and mail sink", 1_000, 1),
    "published": ("messages published a complaint", 1, 2),
    "delivered": ("messages delivered a complaint", 1, 2),
    "commands": ("MongoDB commands a complaint", 1, 2),
    "writes": ("documents written a complaint", 1, 2),
}


def table(floors: Sequence[Run], chains: Sequence[Run]) -> None:
    """Medians, and the range of the rates."""
    print(f"\n{'':42}{'floor':>22}{'chain':>22}")
    print(_line("complaints/s", [_spread([each.per_second for each in runs]) for runs in (floors, chains)]))
    accepts = [_spread([each.count / each.accepted for each in runs]) for runs in (floors, chains)]
    print(_line("accepted/s meanwhile", accepts))
    for name, (title, factor, digits) in ROWS.items():
        costs = [median(each.cost[name] for each in runs) * factor for runs in (floors, chains)]
        print(_line(title, [f"{cost:.{digits}f}" for cost in costs]))
    base, chain = (median(each.cpu for each in runs) for runs in (floors, chains))
    print(f"\nCPU ratio, which suffers less from others on the machine: {base / chain:.1f}")


def _line(title: str, cells: Sequence[str]) -> str:
    return f"{title:42}" + "".join(f"{cell:>22}" for cell in cells)


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


async def compare(folder: Path, count: int, floor_count: int, repeats: int) -> None:
    """Floor and product in turn, then the table and the one line to quote."""
    sink, servers = Sink(), await Servers.start(folder / "servers")
    await sink.start()
    try:
        async with Client(servers.admin_mongo_url, uuidRepresentation="standard") as mongo:
            meters = Meters(servers, mongo)
            print("\n".join(await meters.machine()))
            floor = Floor(servers, mongo, folder / "floor", sink.url)
            product = Product(servers, mongo, folder / "services", sink.url)
            floors, chains = [], []
            for turn in range(repeats):
                floors.append(await _told(turn, floor, floor_count, meters, sink))
                chains.append(await _told(turn, product, count, meters, sink))
            table(floors, chains)
    finally:
        await servers.stop()
        await sink.stop()
    chain, base = (median(each.per_second for each in runs) for runs in (chains, floors))
    print(f"chain={chain:.0f}/s floor={base:.0f}/s ratio={chain / base:.1f}")


async def _told(turn: int, contender: Contender, count: int, meters: Meters, sink: Sink) -> Run:
    done = await run(contender, count, meters, sink)
    print(
        f"{turn + 1}. {contender.name}: {count} complaints in {done.done:.2f} s, {done.per_second:.0f}/s; "
        f"others took {done.others:.0%} of the machine",
        flush=True,
    )
    return done


def main(
    n: Annotated[int, typer.Option("--n", help="Complaints a run of the product.", min=1)] = 1_000,
    floor_n: Annotated[int, typer.Option("--floor-n", help="Complaints a run of the floor.", min=1)] = 200,
    repeats: Annotated[int, typer.Option(help="Runs of each.", min=1)] = 3,
) -> None:
    """Measure the chain's throughput beside the floor's."""
    try:
        install()
        with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
            uvloop.run(compare(Path(folder), n, floor_n, repeats))
    except (Failed, NotReady, Refused, Unfinished) as reason:
        sys.exit(f"bench: {reason}")


if __name__ == "__main__":
    typer.run(main)
