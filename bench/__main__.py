"""Everything that is measured, part by part: tables, and in the end a line to quote for each part."""

import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from bench import accept, backlog, chain, counters, growth, latency, layers, memory, profiles, scaling
from bench.ground import Ground, Wanted, ground
from bench.load import Refused, Unfinished
from deploy.local.install import Failed, install
from deploy.local.system import NotReady

Part = Callable[[Ground, Wanted], Awaitable[str]]
PARTS: dict[str, Part] = {
    "chain": chain.part,
    "accept": accept.part,
    "latency": latency.part,
    "counters": counters.part,
    "growth": growth.part,
    "backlog": backlog.part,
    "memory": memory.part,
    "scaling": scaling.part,
    "layers": layers.part,
    "profiles": profiles.part,
}
"""Each on servers of its own; prints its tables and returns its line."""


async def measure(folder: Path, parts: Sequence[str], wanted: Wanted) -> None:
    """The parts in turn, each in a folder of its own, then all lines together."""
    lines: list[str] = []
    for name in parts:
        async with ground(Path(tempfile.mkdtemp(prefix=name, dir=folder))) as here:
            if not lines:
                print("\n".join(await here.meters.machine()))
            print(f"\n# {name}", flush=True)
            lines.append(f"{name}: {await PARTS[name](here, wanted)}")
    print("\n" + "\n".join(lines))


def _known(given: str) -> list[str]:
    parts = given.split(",")
    if unknown := set(parts) - PARTS.keys():
        raise typer.BadParameter(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return parts


def main(
    parts: Annotated[str, typer.Option(help="Which, by commas.")] = ",".join(PARTS),
    n: Annotated[int, typer.Option("--n", help="Complaints a run of the product.", min=1)] = 1_000,
    floor_n: Annotated[int, typer.Option("--floor-n", help="Complaints a run of the floor.", min=1)] = 200,
    repeats: Annotated[int, typer.Option(help="Runs of each.", min=1)] = 3,
    full: Annotated[bool, typer.Option("--full", help="Growth up to a million, memory for an hour.")] = False,
) -> None:
    """Measure; all sizes follow from --n."""
    try:
        install()
        with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
            uvloop.run(measure(Path(folder), _known(parts), Wanted(n, floor_n, repeats, full)))
    except (Failed, NotReady, Refused, Unfinished) as reason:
        sys.exit(f"bench: {reason}")


if __name__ == "__main__":
    typer.run(main)
