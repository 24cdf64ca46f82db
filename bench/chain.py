"""How many complaints a second: the automatic part of the chain, beside a hand-written floor and ceiling.

All take a complaint over HTTP, grade and dispatch it, set its four clocks, mail the acknowledgement and two
assignments, stop the first clock, and note all of it in intake's record. They take turns on the same servers.
Assignments are noted for a digest once a department has had its mails for the hour.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import monotonic
from uuid import UUID

from bench.contenders import ByHand, Contender, Product
from bench.ground import Ground, Wanted
from bench.load import MAILS, Unfinished, post
from bench.measure import Meters
from bench.sink import Sink

NOTED = 14
"""Entries in intake's journal in the end: the command; registered, contact, statement; graded, dispatched;
four clocks set and one met; three notices sent or folded."""
WARM_UP = 64
PATIENCE_S = 300


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
        await carry(contender, WARM_UP)
        return await measured(contender, count, meters, sink)
    finally:
        await contender.stop()


async def measured(contender: Contender, count: int, meters: Meters, sink: Sink) -> Run:
    """One run of a contender that is up. Raises Unfinished."""
    mails, traffic, cpu = sink.taken, await meters.traffic(), meters.cpu(contender.pids)
    accepted, done = await carry(contender, count)
    used = meters.cpu(contender.pids).since(cpu) | (await meters.traffic()).since(traffic)
    if not count <= sink.taken - mails <= count * MAILS:
        raise Unfinished(f"{sink.taken - mails} mails for {count} complaints, not one to {MAILS} each")
    return Run(count, accepted, done, {name: value / count for name, value in used.items()})


async def carry(contender: Contender, count: int) -> tuple[float, float]:
    """Hand in and wait for the last one: seconds until all were accepted, and until all were done."""
    began = monotonic()
    ids = await post(contender.door, count)
    accepted = monotonic() - began
    await until_done(contender, min(ids))
    done = monotonic() - began
    found = await contender.complaints.count_documents(
        {"_id": {"$in": ids}, "state.stage": "dispatched", "journal": {"$size": NOTED}}
    )
    if found != count:
        raise Unfinished(f"{found} of {count} complaints of the {contender.name} are done as they should be")
    return accepted, done


async def until_done(contender: Contender, first: UUID) -> None:
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


def table(runs: Mapping[str, Sequence[Run]]) -> None:
    """Medians, and the range of the rates."""
    print(_line("", list(runs)))
    print(_line("complaints/s", [_spread([run.per_second for run in some]) for some in runs.values()]))
    accepted = [_spread([run.count / run.accepted for run in some]) for some in runs.values()]
    print(_line("accepted/s meanwhile", accepted))
    for name, (title, factor, digits) in ROWS.items():
        costs = [median(run.cost[name] for run in some) * factor for some in runs.values()]
        print(_line(title, [f"{cost:.{digits}f}" for cost in costs]))
    all_in_all = [f"{median(run.cpu for run in some) * 1_000:.1f}" for some in runs.values()]
    print(_line("CPU ms a complaint, services and servers", all_in_all))


def _line(title: str, cells: Sequence[str]) -> str:
    return f"{title:42}" + "".join(f"{cell:>22}" for cell in cells)


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


async def part(ground: Ground, wanted: Wanted) -> str:
    """Floor, ceiling and product in turn, then the table; the line to quote."""
    contenders: dict[Contender, int] = {
        ByHand(ground, "floor"): wanted.floor_n,
        ByHand(ground, "ceiling"): wanted.n,
        Product(ground): wanted.n,
    }
    runs: dict[str, list[Run]] = {each.name: [] for each in contenders}
    for turn in range(wanted.repeats):
        for contender, count in contenders.items():
            runs[contender.name].append(await _told(turn, contender, count, ground.meters, ground.sink))
    table(runs)
    floor, ceiling, chain = (median(each.per_second for each in some) for some in runs.values())
    return (
        f"chain={chain:.0f}/s floor={floor:.0f}/s ceiling={ceiling:.0f}/s "
        f"chain/floor={chain / floor:.1f} chain/ceiling={chain / ceiling:.2f}"
    )


async def _told(turn: int, contender: Contender, count: int, meters: Meters, sink: Sink) -> Run:
    done = await run(contender, count, meters, sink)
    print(
        f"{turn + 1}. {contender.name}: {count} complaints in {done.done:.2f} s, {done.per_second:.0f}/s; "
        f"others took {done.others:.0%} of the machine",
        flush=True,
    )
    return done
