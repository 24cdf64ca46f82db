"""`python -m tests.openapi`: Schemathesis on the whole system; says what it came to, fails on any fault."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("REDRESS_AMQP_URL", "amqp://nobody@127.0.0.1:1/redress")
os.environ.setdefault("REDRESS_MONGO_URL", "mongodb://127.0.0.1:1/")

from deploy.local.stage import stage
from tests.kit.servers import servers_for_tests
from tests.openapi.runs import RUNS, report, run, told

SPEED = 3600


async def explored(examples: int, seed: int) -> bool:
    """Every run, printed as it ends; whether all was well."""
    calls = server_errors = violations = 0
    with tempfile.TemporaryDirectory() as servers, tempfile.TemporaryDirectory() as services:
        async with (
            servers_for_tests(Path(servers)) as found,
            stage(found, Path(services), speed=SPEED) as played,
        ):
            about = await told(played)
            for service, caller in RUNS:
                tally = await run(played, service, caller, about, examples, seed)
                sys.stdout.write("\n".join(report(service, caller, tally)) + "\n")
                sys.stdout.flush()
                calls += tally.calls
                server_errors += tally.server_errors
                violations += len(tally.violations) + len(tally.errors)
    sys.stdout.write(f"calls={calls} server_errors={server_errors} violations={violations} seed={seed}\n")
    return not server_errors and not violations


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.openapi", description=__doc__)
    parser.add_argument("--n", type=int, default=100, help="examples of each operation")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    return 0 if asyncio.run(explored(wanted.n, wanted.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
