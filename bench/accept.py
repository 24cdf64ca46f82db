"""How many complaints are taken in a second: intake alone, beside a bare route with one durable insert.

Both run on the same servers and take turns, one after the other, several times; the load keeps so many
connections open and hands in on each as soon as it has its answer.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvloop

from bench.counters import until_nothing_owed
from bench.ground import Ground, Wanted, ground
from bench.load import Door, Refused, receipt
from deploy.local.endpoints import Endpoints
from deploy.local.install import Failed, install
from deploy.local.ports import free_ports
from deploy.local.system import NotReady, System

CONNECTIONS = (1, 16, 64)
WARM_UP, FEWEST = 500, 200


@dataclass(frozen=True)
class Run:
    """So many a second, and how long an answer took, in ms."""

    rate: float
    p50: float
    p99: float


async def run(door: Door, count: int, connections: int) -> Run:
    """Hand in `count` complaints. Raises Refused."""
    left, took = iter(range(count)), list[float]()
    began = perf_counter()
    await asyncio.gather(*(_post(door, left, took) for _ in range(connections)))
    cuts = quantiles(took, n=100)
    return Run(count / (perf_counter() - began), median(took) * 1_000, cuts[98] * 1_000)


async def _post(door: Door, left: Iterator[int], took: list[float]) -> None:
    target = urlsplit(door.url)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    for _ in left:
        asked, began = door.request(), perf_counter()
        writer.write(asked)
        await receipt(reader)
        took.append(perf_counter() - began)
    writer.close()


async def compare(here: Ground, count: int, connections: Sequence[int], repeats: int) -> str:
    """Bare route and intake in turn at so many connections each, fewer requests at few; the line to quote."""
    system = System(here.servers, here.folder / "services")
    port = free_ports("bare")["bare"]
    bare = _launch(port, here.servers)
    try:
        system.launch("intake")
        await system.ready(["intake"])
        await _until_open(port)
        doors = {"bare": Door(f"http://127.0.0.1:{port}", "none")}
        doors["intake"] = Door(system.url("intake"), system.key)
        for door in doors.values():
            await run(door, WARM_UP, max(connections))
        shares = {each: max(FEWEST, count * each // max(connections)) for each in connections}
        ratios = [await _beside(here, doors, share, each, repeats) for each, share in shares.items()]
    finally:
        bare.terminate()
        await system.stop()
    told = [f"{each}: {ratio:.2f}" for each, ratio in zip(connections, ratios, strict=True)]
    return f"intake/bare at connections {', '.join(told)}"


async def _beside(
    here: Ground, doors: Mapping[str, Door], count: int, connections: int, repeats: int
) -> float:
    """The ratio of the median rates."""
    runs: dict[str, list[Run]] = {name: [] for name in doors}
    for _ in range(repeats):
        for name, door in doors.items():
            runs[name].append(await run(door, count, connections))
            await until_nothing_owed(here.mongo)  # or the next one would run beside what is left of this one
    told = {name: Run(*map(median, zip(*map(_row, each), strict=True))) for name, each in runs.items()}
    for name, each in told.items():
        times = f"p50 {each.p50:6.1f} ms  p99 {each.p99:6.1f} ms"
        print(f"connections={connections:<3} {name:8} {each.rate:6.0f}/s  {times}", flush=True)
    return told["intake"].rate / told["bare"].rate


async def part(here: Ground, wanted: Wanted) -> str:
    """The part of the whole bench."""
    return await compare(here, 3 * wanted.n, CONNECTIONS, wanted.repeats)


def _launch(port: int, servers: Endpoints) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"BARE_MONGO_URL": servers.admin_mongo_url, "BARE_PORT": str(port)}
    return subprocess.Popen([sys.executable, "-m", "bench.bare"], env=environment, stdin=subprocess.DEVNULL)


def _row(done: Run) -> tuple[float, float, float]:
    return done.rate, done.p50, done.p99


async def _until_open(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def measure(folder: Path, count: int, connections: Sequence[int], repeats: int) -> None:
    async with ground(folder) as here:
        print(await compare(here, count, connections, repeats))


def main(
    n: Annotated[int, typer.Option("--n", help="Complaints a run.", min=FEWEST)] = 5_000,
    connections: Annotated[list[int], typer.Option(help="Connections kept open.", min=1)] = [64],  # noqa: B006
    repeats: Annotated[int, typer.Option(help="Runs of each.", min=1)] = 3,
) -> None:
    """Measure how fast complaints are taken in."""
    try:
        install()
        with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
            uvloop.run(measure(Path(folder), n, connections, repeats))
    except (Failed, NotReady, Refused) as reason:
        sys.exit(f"bench: {reason}")


if __name__ == "__main__":
    typer.run(main)
