"""`python -m tests.hostile`: hostile input of every kind; says what it came to, fails on any failure."""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("REDRESS_AMQP_URL", "amqp://nobody@127.0.0.1:1/redress")
os.environ.setdefault("REDRESS_MONGO_URL", "mongodb://127.0.0.1:1/")

import pytest
import structlog

from tests.hostile import events
from tests.hostile.tally import HEAD, Tally
from tests.kit.servers import servers_for_tests


def say(tally: Tally) -> Tally:
    sys.stdout.write("\n".join(tally.lines()) + "\n")
    sys.stdout.flush()
    return tally


async def attacked(n: int, chance: int) -> list[Tally]:
    """Everything, one after the other, printed as it ends."""
    sys.stdout.write(HEAD + "\n")
    tallies: list[Tally] = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        async with servers_for_tests(Path(folder)) as found:
            async with events.readers(found, patch) as readers:
                for reader in readers:
                    tallies.append(say(await events.read_hostile(reader, n, chance)))
    return tallies


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--n", type=int, default=300, help="examples of each kind that is drawn")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    tallies = asyncio.run(attacked(wanted.n, wanted.seed))
    inputs, failures = sum(each.inputs for each in tallies), sum(len(each.failures) for each in tallies)
    sys.stdout.write(f"inputs={inputs} failures={failures} seed={wanted.seed}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
