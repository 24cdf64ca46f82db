"""Whether processes keep what they need no more: their memory over an hour's complaints, handed in at once.

An hour at ten a second is 36,000; a shorter run is the same in small.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from bench import chain
from bench.contenders import Product
from bench.ground import Ground, Wanted

ROUNDS, HOUR = 12, 36_000
_RESIDENT = re.compile(r"VmRSS:\s*(\d+) kB")


def resident(pids: Mapping[str, int]) -> dict[str, float]:
    """What each process holds in memory, in MiB."""
    told = {name: Path(f"/proc/{pid}/status").read_text() for name, pid in pids.items()}
    found = {name: _RESIDENT.search(text) for name, text in told.items()}
    return {name: int(match[1]) / 1_024 for name, match in found.items() if match}


async def part(here: Ground, wanted: Wanted) -> str:
    product = Product(here)
    each = HOUR // ROUNDS if wanted.full else wanted.n // 2 + 1
    held = []
    try:
        await product.start()
        pids = {name: product.system.pid(name) for name in product.system.names}
        print(f"{'MiB after complaints':>22}" + "".join(f"{name:>10}" for name in pids))
        for round in range(1, ROUNDS + 1):
            await chain.carry(product, each)
            held.append(resident(pids))
            cells = "".join(f"{held[-1][name]:10.0f}" for name in pids)
            print(f"{round * each:22}{cells}", flush=True)
    finally:
        await product.stop()
    half = held[ROUNDS // 2 - 1]
    grown = {name: held[-1][name] - half[name] for name in pids}
    told = ", ".join(f"{name} {mib:+.1f}" for name, mib in grown.items())
    return f"MiB in the last {ROUNDS // 2 * each} of {ROUNDS * each} complaints: {told}"
