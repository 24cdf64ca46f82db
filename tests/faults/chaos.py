"""One run: start everything, carry complaints while the adversary kills, let it settle, storm, audit."""

import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from deploy.local.install import install
from deploy.local.outside import Gateway
from deploy.local.servers import Servers
from deploy.local.system import System
from deploy.provision import SERVICES
from shared.clock import Clock, machine_now
from tests.faults import history, state, storm
from tests.faults.adversary import Adversary
from tests.faults.audit import Audit
from tests.faults.driver import Driver, Post
from tests.faults.ground import ground
from tests.faults.ledger import Ledger, plan

BUSINESS, SPEED = datetime(2026, 6, 1, 1, tzinfo=UTC), 1200.0


@dataclass(frozen=True)
class Wanted:
    """What a run is asked for."""

    n: int = 300
    kills: int = 20
    seed: int = 1
    replicas: int = 1
    mutant: str = ""
    patience: float = 150.0
    settle: float = 120.0
    quiet: bool = False


@dataclass
class Outcome:
    """What a run found."""

    wanted: Wanted
    audit: Audit
    ledger: Ledger
    settle_s: float
    restless: str
    own_deaths: list[str]
    redelivered: int
    hashes: tuple[dict[str, str], dict[str, str]]
    unready: list[str]
    seconds: float

    @property
    def changed(self) -> list[str]:
        """The collections that the storm changed, and the mailbox if it did."""
        before, after = self.hashes
        return [service for service in before if before[service] != after[service]]

    @property
    def passed(self) -> bool:
        wrong = any(self.audit.faults.values()) or self.own_deaths or self.unready
        return not (wrong or self.changed or self.restless)


@dataclass
class Run:
    """The parts of a run while it lasts."""

    wanted: Wanted
    servers: Servers
    system: System
    client: httpx.AsyncClient
    post: Post
    gateway: Gateway
    ledger: Ledger
    clock: Clock
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.wanted.seed)

    def say(self, line: str) -> None:
        if not self.wanted.quiet:
            done = sum(entry.closed for entry in self.ledger.entries)
            sys.stdout.write(f"{self.ledger.now():6.1f} s  {done:4} closed  {line}\n")
            sys.stdout.flush()

    def launch(self, name: str) -> None:
        service = name.partition("-")[0]
        mutated = [sys.executable, "-m", "tests.faults.mutant", self.wanted.mutant, service]
        self.system.launch(service, name, mutated if self.wanted.mutant else ())

    async def start(self) -> None:
        await history.tap(self.servers.admin_amqp_url)
        for number in range(1, self.wanted.replicas + 1):
            for service in SERVICES:
                self.launch(service if number == 1 else f"{service}-{number}")
        await self.system.ready()

    async def suffer(self) -> Adversary:
        """The work, and the kills while it is done."""
        self.ledger.started = asyncio.get_running_loop().time()
        draws = [random.Random(f"{self.wanted.seed} {name}") for name in ("driver", "adversary")]
        driver = Driver(
            self.system, self.client, self.post, self.gateway, self.ledger, draws[0], self.wanted.patience
        )
        adversary = Adversary(
            self.system, self.servers, self.ledger, draws[1], self.wanted.kills, self.launch, self.say
        )
        watch = asyncio.create_task(adversary.watch())
        await asyncio.gather(driver.carry_all(), adversary.run())
        watch.cancel()
        return adversary

    async def audited(self) -> Outcome:
        adversary = await self.suffer()
        self.say("all carried")
        settle_s, restless = await state.settle(self.servers, self.wanted.settle)
        self.say(restless or "settled")
        told = await history.witnessed(self.servers.admin_amqp_url)
        streamed = await history.streamed(self.servers.admin_amqp_url)
        documents = await state.documents(self.servers)
        mails = list(self.post.arrivals)
        redelivered = await storm.rage(self.servers, told, self.chance)
        _, noise = await state.settle(self.servers, 60, closed=not restless)
        after = await state.documents(self.servers)
        self.say(noise or "the storm is over")
        parked = await state.depths(self.servers, [f"{service}.parked" for service in SERVICES])
        audit = Audit(self.ledger, told, documents, parked, mails, streamed, self.clock).run()
        hashes = (
            state.hashes(documents) | {"mailbox": f"{len(mails)} mails"},
            state.hashes(after) | {"mailbox": f"{len(self.post.arrivals)} mails"},
        )
        unready = await self._unready()
        return Outcome(
            self.wanted, audit, self.ledger, settle_s, restless, adversary.own_deaths, redelivered, hashes,
            unready, self.ledger.now(),
        )  # fmt: skip

    async def _unready(self) -> list[str]:
        found = []
        for name in self.system.names:
            try:
                answer = await self.client.get(self.system.url(name) + "/health/ready")
                said = "" if answer.is_success else answer.text
            except httpx.HTTPError as error:
                said = type(error).__name__
            found += [f"{name}: {said}"] if said else []
        return found


async def chaos(wanted: Wanted) -> Outcome:
    """Run it all on servers of its own."""
    install()
    with tempfile.TemporaryDirectory(prefix="redress-faults-", ignore_cleanup_errors=True) as folder:
        async with _run(wanted, Path(folder)) as run:
            return await run.audited()


@asynccontextmanager
async def _run(wanted: Wanted, folder: Path) -> AsyncIterator[Run]:
    ledger = plan(wanted.n, random.Random(f"{wanted.seed} plan"))
    post, clock = Post(ledger.now), Clock(machine_now(), BUSINESS, SPEED)
    async with ground(folder, post, clock, SERVICES) as (servers, gateway, system), system.client() as client:
        run = Run(wanted, servers, system, client, post, gateway, ledger, clock)
        await run.start()
        yield run
