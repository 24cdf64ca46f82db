"""`python -m tests.hostile`: hostile input of every kind; says what it came to, fails on any failure."""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

os.environ.setdefault("REDRESS_AMQP_URL", "amqp://nobody@127.0.0.1:1/redress")
os.environ.setdefault("REDRESS_MONGO_URL", "mongodb://127.0.0.1:1/")

import pytest
import structlog

from deploy.local.system import System
from shared.settings import Settings
from tests.hostile import brokering, events, forgeries, wire
from tests.hostile.fuzzing import fuzzed, unled
from tests.hostile.tally import HEAD, Tally
from tests.hostile.targets import TARGETS
from tests.kit.servers import AnyServers, servers_for_tests
from tests.subscribers.gate import Gate

SHORT = 50
"""Below so many examples, files go without coverage, and slow callers are only those who are cut soon."""
ATTACKED = "survey"
"""The service that is spoken to by callers who are slow, greedy or many; all five serve alike."""


async def into_files(n: int, chance: int) -> AsyncIterator[Tally]:
    """Readers of files; once it has begun, a run of the fuzzer costs little."""
    for name in TARGETS:
        if n < SHORT:
            yield await asyncio.to_thread(unled, name, n, chance)
        else:
            yield await asyncio.to_thread(fuzzed, name, 10 * n, chance)


async def into_inboxes(servers: AnyServers, n: int, chance: int) -> AsyncIterator[Tally]:
    """Every service's inbox."""
    with pytest.MonkeyPatch.context() as patch:
        async with events.readers(servers, patch) as readers:
            for reader in readers:
                yield await events.read_hostile(reader, n, chance)


async def at_the_broker(servers: AnyServers, n: int) -> AsyncIterator[Tally]:
    """Teams, and a service that was broken into."""
    gate = Gate.at(servers)
    try:
        yield await brokering.rights(gate)
        yield await brokering.crowding(gate, 2 * n)
        yield await brokering.hoarding(gate, 2 * n)
    finally:
        for team in gate.rows():
            gate.said("remove", team)
    yield await brokering.intruding(servers, n)


async def at_the_door(servers: AnyServers, n: int, chance: int) -> AsyncIterator[Tally]:
    """A service process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(servers, Path(folder))
        system.launch(ATTACKED)
        try:
            await system.ready()
            door = wire.Door(system.url(ATTACKED))
            yield await wire.odd(door, n, chance)
            share = Settings.model_fields["max_connections"].default // 2
            yield await wire.crowd(door, share + 50, share)
            yield await wire.slow(door, min(n, 50), wire.SOON if n < SHORT else wire.DRIPS)
        finally:
            await system.stop()


async def attacked(n: int, chance: int) -> AsyncIterator[Tally]:
    """Everything, one after the other."""
    async for tally in into_files(n, chance):
        yield tally
    for tally in await forgeries.forgeries(n, chance):
        yield tally
    with tempfile.TemporaryDirectory() as folder:
        async with servers_for_tests(Path(folder)) as servers:
            for attacks in (
                at_the_broker(servers, n),
                at_the_door(servers, n, chance),
                into_inboxes(servers, n, chance),
            ):
                async for tally in attacks:
                    yield tally


async def told(n: int, chance: int) -> bool:
    """The table, each row as it comes, and its sum; whether all was well."""
    sys.stdout.write(HEAD + "\n")
    inputs = failures = 0
    async for tally in attacked(n, chance):
        sys.stdout.write("\n".join(tally.lines()) + "\n")
        sys.stdout.flush()
        inputs += tally.inputs
        failures += len(tally.failures) + (not tally.inputs)
    sys.stdout.write(f"inputs={inputs} failures={failures} seed={chance}\n")
    return not failures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--n", type=int, default=300, help="examples of each kind; ten times so many files")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for name in ("aio_pika", "aiormq", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return 0 if asyncio.run(told(wanted.n, wanted.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
