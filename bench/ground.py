"""Where a part of the bench runs: servers of its own, a mail server that counts, and meters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Client, Meters
from bench.sink import Sink
from deploy.local.endpoints import Endpoints
from deploy.local.servers import Servers


@dataclass(frozen=True)
class Wanted:
    """What is asked for: complaints of a run of the chain and of the floor, how often, whether in full."""

    n: int = 1_000
    floor_n: int = 200
    repeats: int = 3
    full: bool = False


@dataclass(frozen=True)
class Place:
    """Two servers, whosever they are, and a mail server."""

    servers: Endpoints
    mongo: Client
    sink: Sink
    folder: Path


@dataclass(frozen=True)
class Ground(Place):
    """The same on this machine, where it can be seen what they use."""

    meters: Meters


@asynccontextmanager
async def ground(folder: Path) -> AsyncIterator[Ground]:
    """Servers of its own, cleared away afterwards."""
    sink, servers = Sink(), await Servers.start(folder / "servers")
    await sink.start()
    try:
        async with Client(servers.admin_mongo_url, uuidRepresentation="standard") as mongo:
            yield Ground(servers, mongo, sink, folder, Meters(servers, mongo))
    finally:
        await servers.stop()
        await sink.stop()
