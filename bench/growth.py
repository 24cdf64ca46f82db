"""Whether figures stay as they are while complaints pile up: 10,000, 100,000 and, in full, 1,000,000 of them.

Each has four clocks, three of which still run: they are as many open deadlines, too. What may grow is what
the database looks up in a tree, with the logarithm.
"""

import asyncio
from dataclasses import dataclass
from math import log10
from statistics import median
from time import perf_counter

from bench import chain, latency
from bench.contenders import Product
from bench.fill import fill
from bench.ground import Ground, Wanted

SIZES, IN_FULL = (10, 100), (10, 100, 1_000)
"""Complaints stored, in runs of the chain."""
ALONE = 20


@dataclass(frozen=True)
class Figures:
    """Complaints stored, complaints/s, CPU s a complaint, and what one takes when idle."""

    stored: int
    rate: float
    cpu: float
    times: latency.Times

    def row(self) -> str:
        graded, mailed = (median(some) * 1_000 for some in (self.times.graded, self.times.mailed))
        return f"{self.stored:10}{self.rate:14.0f}{self.cpu * 1_000:16.1f}{graded:13.0f}{mailed:13.0f}"


async def measured(here: Ground, product: Product, stored: int, wanted: Wanted) -> Figures:
    """The median of some runs with so many stored."""
    try:
        await product.start()
        await chain.carry(product, chain.WARM_UP)
        runs = [
            await chain.measured(product, wanted.n, here.meters, here.sink) for _ in range(wanted.repeats)
        ]
        async with latency.hearing(here.servers.admin_amqp_url, product.exchange) as heard:
            times = await latency.one_by_one(here, product, heard, ALONE)
    finally:
        await product.stop()
    rate, cpu = median(run.per_second for run in runs), median(run.cpu for run in runs)
    return Figures(stored, rate, cpu, times)


async def part(here: Ground, wanted: Wanted) -> str:
    product, url = Product(here), here.servers.admin_mongo_url
    print(f"{'stored':>10}{'complaints/s':>14}{'CPU ms each':>16}{'graded, ms':>13}{'mailed, ms':>13}")
    told = [await measured(here, product, 0, wanted)]
    print(told[0].row(), flush=True)
    for size in (runs * wanted.n for runs in (IN_FULL if wanted.full else SIZES)):
        began, before = perf_counter(), told[-1].stored
        await asyncio.to_thread(fill, url, size - before, before)
        print(f"           {size - before} more loaded in {perf_counter() - began:.0f} s", flush=True)
        told.append(await measured(here, product, size, wanted))
        print(told[-1].row(), flush=True)
    first, last = told[1], told[-1]
    tenfolds = log10(last.stored / first.stored)
    grown = (last.cpu / first.cpu - 1) / tenfolds
    mailed = (median(last.times.mailed) / median(first.times.mailed) - 1) / tenfolds
    return f"for ten times as many stored, CPU a complaint {grown:+.0%}, post to mail {mailed:+.0%}"
