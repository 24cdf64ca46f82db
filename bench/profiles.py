"""Where the time of each process goes at full load: every service under the profiler.

The profiler slows Python down and leaves the rest as it is: shares of small functions are told too high.
"""

import os
import pstats
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

from bench import chain
from bench.contenders import Product
from bench.ground import Ground, Wanted
from deploy.local.system import ROOT
from deploy.provision import SERVICES

KEPT = ROOT / ".local" / "profiles"
GROUPS, DEAREST = 12, 8


def group(path: str, function: str) -> str:
    """Whose code it is: our package, a library, or Python itself."""
    file = Path(path)
    if "site-packages" in file.parts:
        return file.parts[file.parts.index("site-packages") + 1].removesuffix(".py")
    if path.startswith(str(ROOT)):
        return ".".join(file.relative_to(ROOT).with_suffix("").parts[:2])
    return "built in " + function.strip("<>") if path == "~" else "Python's library"


def tell(name: str, file: Path) -> str:
    """The shares of a process's own time by whose code it is, then its dearest functions; the first group."""
    entries = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in entries.values())
    shares: Counter[str] = Counter()
    for (path, _, function), (_, _, own, _, _) in entries.items():
        shares[group(path, function)] += own / whole
    print(f"\n{name}: {whole:.1f} s of processor time")
    print("  " + ", ".join(f"{who} {share:.0%}" for who, share in shares.most_common(GROUPS)))
    dearest = sorted(entries.items(), key=lambda each: -each[1][2])[:DEAREST]
    for (path, line, function), (_, calls, own, all_in_all, _) in dearest:
        place = f"{Path(path).name}:{line} {function}" if line else function
        print(f"  {own / whole:5.1%} own, {all_in_all / whole:5.1%} in all, {calls:8} calls  {place}")
    return f"{shares.most_common(1)[0][0]} {shares.most_common(1)[0][1]:.0%}"


async def part(here: Ground, wanted: Wanted) -> str:
    product = Product(here)
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    try:
        for service in SERVICES:
            profiled = ["bench.profiled", f"services.{service}.app", f"{KEPT / service}.prof"]
            product.system.launch(service, command=[sys.executable, "-m", *profiled])
        await product.system.ready()
        await chain.carry(product, chain.WARM_UP)
        for pid in product.pids.values():
            os.kill(pid, signal.SIGUSR1)
        await chain.carry(product, wanted.n)
    finally:
        await product.stop()
    dearest = [f"{name}: {tell(name, KEPT / f'{name}.prof')}" for name in SERVICES]
    return "dearest by process " + ", ".join(dearest)
