"""What more replicas bring: of triage on this machine, and by simulation on machines with more cores.

Five services, a broker and a database share this machine's cores, so that replicas cannot add any here; they
can only show what they cost. The simulation gives every process a core of its own.
"""

import os
from statistics import median

from bench import chain
from bench.contenders import Product
from bench.ground import Ground, Wanted
from bench.latency import percentile
from bench.queueing import Station, capacity, sojourns
from deploy.provision import SERVICES

REPLICAS = (1, 2, 4)
BROKER, DATABASE = "broker", "database"
SIMULATED, BUSY = 20_000, 0.8


def stations(seconds: dict[str, float], replicas: int, cores: int) -> list[Station]:
    """So many replicas of every service, a core each; broker and database on so many cores."""
    return [
        Station(cores if name in (BROKER, DATABASE) else replicas, each) for name, each in seconds.items()
    ]


def tell_simulated(seconds: dict[str, float]) -> float:
    """What more processes would carry, and how long a complaint would take at 80 % of that."""
    print("\nsimulated: a core a replica    complaints/s    p50 ms    p99 ms   at 80 %")
    carried = 0.0
    for replicas, cores in ((1, 1), (1, 2), (2, 4), (4, 8), (8, 16)):
        found = stations(seconds, replicas, cores)
        carried = capacity(found)
        times = sojourns(found, BUSY * carried, SIMULATED)
        title = f"{replicas} of each, {cores} for each server"
        print(f"{title:30}{carried:13.0f}{percentile(times, 0.5):10.0f}{percentile(times, 0.99):10.0f}")
    return carried


async def part(here: Ground, wanted: Wanted) -> str:
    contenders = {count: Product(here, f"triage-{count}", replicas={"triage": count}) for count in REPLICAS}
    runs: dict[int, list[chain.Run]] = {count: [] for count in REPLICAS}
    for _ in range(wanted.repeats):
        for count, product in contenders.items():
            runs[count].append(await chain.run(product, wanted.n, here.meters, here.sink))
    print(f"{'replicas of triage':30}{'complaints/s':>13}{'CPU ms each':>13}")
    for count, some in runs.items():
        rate, cpu = median(run.per_second for run in some), median(run.cpu for run in some)
        print(f"{count:<30}{rate:13.0f}{cpu * 1_000:13.1f}", flush=True)
    alone = runs[1]
    seconds = {name: median(run.cost[name] for run in alone) for name in (*SERVICES, BROKER, DATABASE)}
    costs = ", ".join(f"{name} {each * 1_000:.2f}" for name, each in seconds.items())
    print(f"\nCPU ms a complaint: {costs}")
    carried = tell_simulated(seconds)
    rates = "/".join(f"{median(run.per_second for run in some):.0f}" for some in runs.values())
    told = "/".join(map(str, REPLICAS))
    here_and_there = f"on {os.cpu_count()} cores; simulated with 8 of each: {carried:.0f}"
    return f"{rates} complaints/s with {told} of triage {here_and_there}"
