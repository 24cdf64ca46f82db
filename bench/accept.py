"""How many complaints are taken in a second: intake alone, beside a bare route with one durable insert.

Both run on the same servers and take turns, one after the other, several times; the load keeps so many
connections open and hands in on each as soon as it has its answer.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvloop

from bench.load import Door, Refused, receipt
from deploy.local.install import Failed, install
from deploy.local.ports import free_ports
from deploy.local.servers import Servers
from deploy.local.system import NotReady, System

WARM_UP = 500


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


async def compare(folder: Path, count: int, connections: int, repeats: int) -> None:
    """Bare route and intake in turn, then the one line to quote."""
    servers = await Servers.start(folder / "servers")
    system = System(servers, folder / "services")
    port = free_ports("bare")["bare"]
    bare = _launch(port, servers)
    try:
        system.launch("intake")
        await system.ready(["intake"])
        await _until_open(port)
        doors = {"bare": Door(f"http://127.0.0.1:{port}", "none")}
        doors["intake"] = Door(system.url("intake"), system.key)
        runs: dict[str, list[Run]] = {name: [] for name in doors}
        for door in doors.values():
            await run(door, WARM_UP, connections)
        for turn in range(repeats):
            for name, door in doors.items():
                done = await run(door, count, connections)
                runs[name].append(done)
                print(
                    f"{turn + 1}. {name}: {done.rate:.0f}/s, p50 {done.p50:.0f} ms, p99 {done.p99:.0f} ms",
                    flush=True,
                )
    finally:
        bare.terminate()
        await system.stop()
        await servers.stop()
    told = {
        name: Run(*(median(column) for column in zip(*map(_row, each), strict=True)))
        for name, each in runs.items()
    }
    own, floor = told["intake"], told["bare"]
    print(f"connections={connections} intake={own.rate:.0f}/s bare={floor.rate:.0f}/s", end=" ")
    print(f"ratio={own.rate / floor.rate:.2f} p99_ms={own.p99:.0f} bare_p99_ms={floor.p99:.0f}", end=" ")
    print(f"p99_ratio={own.p99 / floor.p99:.2f}")


def _launch(port: int, servers: Servers) -> "subprocess.Popen[bytes]":
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


def main(
    n: Annotated[int, typer.Option("--n", help="Complaints a run.", min=200)] = 5_000,
    connections: Annotated[int, typer.Option(help="Connections kept open.", min=1)] = 64,
    repeats: Annotated[int, typer.Option(help="Runs of each.", min=1)] = 3,
) -> None:
    """Measure how fast complaints are taken in."""
    try:
        install()
        with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
            uvloop.run(compare(Path(folder), n, connections, repeats))
    except (Failed, NotReady, Refused) as reason:
        sys.exit(f"bench: {reason}")


if __name__ == "__main__":
    typer.run(main)
