"""A queueing simulation: what more processes on more cores would carry than this machine has.

Complaints pass stations one after the other; each station has so many servers that share one queue, first
come first served. Arrivals are a Poisson process, service times exponential around the measured means.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace


@dataclass(frozen=True)
class Station:
    """So many servers, each of which serves a complaint in `seconds` on average."""

    servers: int
    seconds: float

    @property
    def capacity(self) -> float:
        """Complaints a second at which it is just not overrun."""
        return self.servers / self.seconds


def passed(arrivals: Sequence[float], station: Station, chance: random.Random) -> list[float]:
    """When each that arrives (in order) leaves; the list is in order of leaving."""
    free = [0.0] * station.servers
    heapify(free)
    left = []
    for at in arrivals:
        done = max(at, free[0]) + chance.expovariate(1 / station.seconds)
        heapreplace(free, done)
        left.append(done)
    return left


def sojourns(stations: Sequence[Station], rate: float, count: int, seed: int = 1) -> list[float]:
    """Seconds from arrival to leaving the last station, of so many complaints at `rate` a second.

    The first tenth, while the queues fill, is left out.
    """
    chance, at = random.Random(seed), 0.0
    began = [at := at + chance.expovariate(rate) for _ in range(count)]
    known = list(range(count))
    times = began
    for station in stations:
        left = passed(times, station, chance)
        order = sorted(range(count), key=left.__getitem__)
        times, known = [left[each] for each in order], [known[each] for each in order]
    ends = zip(times, known, strict=True)
    return [time - began[number] for time, number in ends if number >= count // 10]


def capacity(stations: Sequence[Station]) -> float:
    """Complaints a second that all of them together carry: as many as the narrowest."""
    return min(station.capacity for station in stations)
