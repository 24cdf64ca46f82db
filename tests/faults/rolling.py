"""`python -m tests.faults.rolling`: every replica of every service is restarted in turn, under constant load.

Complaints come at a constant rate through a balancer, some of them are carried to their end; then all of it
is audited: nothing lost, no request failed, no stage twice.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from time import monotonic

import httpx

from deploy.local.install import install
from deploy.local.servers import Servers
from deploy.local.system import System
from deploy.provision import SERVICES
from shared.clock import Clock, machine_now
from tests.faults import state, witness
from tests.faults.audit import Audit, Audited
from tests.faults.balanced import BalancedDriver, Balancer, redelivered
from tests.faults.chaos import BUSINESS
from tests.faults.checks import CATEGORIES
from tests.faults.driver import Stuck
from tests.faults.ground import ground
from tests.faults.ledger import Entry, Ledger, plan
from tests.faults.post import Post
from tests.faults.witness import Witness

SPEED = 240.0
"""So that digests, which wait for the hour to end, are sent while one waits, and hardly a clock is late."""
PATIENCE_S, SETTLE_S, LEAD_S = 180.0, 240.0, 3.0
TROUBLE = ("not ended in order", "a part of the service died", "request failed", "Traceback")


@dataclass(frozen=True)
class Wanted:
    """What a run is asked for: complaints a second, and every which of them is carried to its end."""

    rate: float = 50.0
    carried: int = 60
    drain: float = 5.0
    only: str = ""
    seed: int = 1
    quiet: bool = False


@dataclass
class Outcome:
    """What a run found."""

    wanted: Wanted
    audited: Audited
    ledger: Ledger
    failed: list[str]
    took: list[float]
    loaded_s: float
    rolled_s: float
    restarts: int
    redelivered: int
    restless: str
    trouble: list[str]

    @property
    def passed(self) -> bool:
        faults = any(self.audited.findings.faults[category] for category in CATEGORIES)
        return not (faults or self.failed or self.restless or self.trouble)


@dataclass
class Rolling:
    """The parts of a run while it lasts."""

    wanted: Wanted
    servers: Servers
    system: System
    post: Post
    balancer: Balancer
    driver: BalancedDriver
    ledger: Ledger
    chance: random.Random
    witness: Witness
    over: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = 0
    work: list["asyncio.Task[None]"] = field(default_factory=list)

    def say(self, line: str) -> None:
        if not self.wanted.quiet:
            sys.stdout.write(f"{self.ledger.now():6.1f} s  {len(self.ledger.entries):5} handed in  {line}\n")
            sys.stdout.flush()

    async def load(self) -> float:
        """Hand in at the constant rate until it is over, whoever waits; the seconds it took."""
        began, plans, number = monotonic(), iter(plan(2_000, self.chance, 2_000).entries), 0
        while not self.over.is_set():
            carried = number % self.wanted.carried == 0
            entry = self._carried(next(plans)) if carried else self._unattended(number)
            self.ledger.entries.append(entry)
            self.work.append(asyncio.create_task(self._serve(entry)))
            number += 1
            await asyncio.sleep(max(0, began + number / self.wanted.rate - monotonic()))
        return monotonic() - began

    def _carried(self, entry: Entry) -> Entry:
        entry.slow = False
        return entry

    def _unattended(self, number: int) -> Entry:
        body = {
            "channel": "website",
            "class": "service",
            "language": "en",
            "complainant": {"name": "Ann Example", "email": f"customer-{number}@example.com"},
            "description": f"Nobody has written back since. ({number})",
        }
        return Entry(f"rolling-{number}-{self.chance.getrandbits(48):012x}", body, (), slow=False)

    async def _serve(self, entry: Entry) -> None:
        try:
            if entry.scores:
                await self.driver.carry(entry)
            else:
                await self.driver.hand_in(entry)
                await asyncio.sleep(self.chance.uniform(0.5, 3))
                await self.driver.look(entry)
        except Stuck as stuck:
            entry.stuck = str(stuck)

    async def roll(self) -> float:
        """Each replica in turn: told to stop, gone, started again, ready. The seconds all of it took."""
        await asyncio.sleep(LEAD_S)
        began = monotonic()
        for name in [name for name in self.system.names if name.startswith(self.wanted.only)]:
            at = monotonic()
            await self.system.end(name)
            ended = monotonic()
            self.system.launch(name.partition("-")[0], name)
            await self.system.ready([name])
            await self.balancer.seen(name)
            self.restarts += 1
            self.say(
                f"{name} restarted: {ended - at:.1f} s until it ended, {monotonic() - ended:.1f} s to serve"
            )
        took = monotonic() - began
        await asyncio.sleep(LEAD_S)
        self.over.set()
        return took

    async def audited(self, clock: Clock) -> Outcome:
        self.ledger.started = monotonic()
        loaded, rolled = await asyncio.gather(self.load(), self.roll())
        await asyncio.gather(*self.work)
        self.say("all done")
        kept_up = await state.keep_up(self.servers, SETTLE_S)
        logs = {name: self.system.log(name) for name in self.system.names}
        stopped = await self._stop_the_clock()
        await state.settle(self.servers, SETTLE_S, closed=False, but="sla")
        await self.driver.do_what_is_left()
        rest = await state.settle(self.servers, SETTLE_S, closed=False, but="sla")
        self.say(kept_up.restless or rest.restless or "settled")
        for name in self.system.names:
            await self.system.end(name)
        key, arrivals = self.system.public_key, self.post.arrivals
        audit = Audit(self.ledger, self.witness, self.servers, clock, key, arrivals, [], stopped)
        return Outcome(
            self.wanted,
            await audit.run(),
            self.ledger,
            self.driver.failed,
            self.driver.took,
            loaded,
            rolled,
            self.restarts,
            await redelivered(self.servers.management_url),
            kept_up.restless or rest.restless,
            [f"{name}: {word}" for name, log in logs.items() for word in TROUBLE if word in log],
        )

    async def _stop_the_clock(self) -> datetime:
        """From when on nothing became due."""
        for name in [name for name in self.system.names if name.startswith("sla")]:
            await self.system.end(name)
        return machine_now()


async def rolling(wanted: Wanted) -> Outcome:
    """Run it all on servers of its own, two replicas of each service that is restarted."""
    install()
    with tempfile.TemporaryDirectory(prefix="redress-rolling-", ignore_cleanup_errors=True) as folder:
        ledger = Ledger([])
        post, clock = Post(ledger.now), Clock(machine_now(), BUSINESS, SPEED)
        pairs = (wanted.only,) if wanted.only else SERVICES
        names = [f"{service}-1" for service in SERVICES] + [f"{service}-2" for service in pairs]
        drain = {"REDRESS_DRAIN_S": str(wanted.drain)}
        async with ground(Path(folder), post, clock, names, **drain) as on:
            servers, gateway, system = on.servers, on.gateway, on.system
            await witness.tap(servers.admin_amqp_url)
            heard = Witness(Path(folder) / "witness.db")
            listening = asyncio.create_task(heard.listen(servers.admin_amqp_url))
            for name in names:
                system.launch(name.partition("-")[0], name)
            await system.ready()
            async with httpx.AsyncClient(
                headers={"Authorization": f"Bearer {system.key}"},
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
                timeout=15,
                trust_env=False,
            ) as client:
                balancer = Balancer(system, client)
                draws = [random.Random(f"{wanted.seed} {name}") for name in ("driver", "load")]
                driver = BalancedDriver(system, client, post, gateway, ledger, draws[0], PATIENCE_S)
                driver.balancer = balancer
                run = Rolling(wanted, servers, system, post, balancer, driver, ledger, draws[1], heard)
                async with balancer:
                    outcome = await run.audited(clock)
                listening.cancel()
                return outcome


def report(outcome: Outcome) -> Iterator[str]:
    for category in CATEGORIES:
        kinds = Counter(fault.partition(": ")[2] for fault in outcome.audited.findings.faults[category])
        yield from (f"{category}: {count} x {kind}" for kind, count in kinds.most_common(12))
    yield from (f"failed: {each}" for each in outcome.failed[:8])
    yield from (f"trouble: {each}" for each in outcome.trouble)
    if outcome.restless:
        yield f"not settled: {outcome.restless}"
    yield from (f"{what}: {count}" for what, count in outcome.audited.findings.notes.items() if count)
    cuts = quantiles(outcome.took, n=100)
    accepted = outcome.ledger.accepted
    yield (
        f"accepted={len(accepted)} carried={sum(entry.closed for entry in accepted)} "
        f"rate={len(accepted) / outcome.loaded_s:.1f}/s requests={len(outcome.took)} "
        f"p50_ms={cuts[49] * 1_000:.0f} p99_ms={cuts[98] * 1_000:.0f} notices={outcome.audited.arrived}"
    )
    counts = {category: len(outcome.audited.findings.faults[category]) for category in CATEGORIES}
    yield (
        f"restarts={outcome.restarts} rolled_s={outcome.rolled_s:.0f} failed_requests={len(outcome.failed)} "
        + " ".join(f"{category}={count}" for category, count in counts.items())
        + f" wire_duplicates={outcome.audited.wire_duplicates} redelivered={outcome.redelivered}"
        + f" seed={outcome.wanted.seed}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rolling", description=__doc__)
    parser.add_argument("--rate", type=float, default=Wanted.rate, help="complaints a second")
    parser.add_argument("--carried", type=int, default=Wanted.carried, help="one in so many goes to its end")
    parser.add_argument("--drain", type=float, default=Wanted.drain, help="REDRESS_DRAIN_S of the services")
    parser.add_argument("--only", default="", choices=["", *SERVICES], help="restart this service alone")
    parser.add_argument("--seed", type=int, default=Wanted.seed)
    parser.add_argument("--quiet", action="store_true")
    outcome = asyncio.run(rolling(Wanted(**vars(parser.parse_args()))))
    sys.stdout.write("\n".join(report(outcome)) + "\n")
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
