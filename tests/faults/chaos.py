"""One run: start everything, carry complaints while the adversary strikes, let it settle, storm, audit."""

import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from deploy.local.install import install
from deploy.provision import SERVICES
from shared.clock import Clock, machine_now
from tests.faults import state, storm, witness
from tests.faults.adversary import Adversary
from tests.faults.audit import Audit, Audited
from tests.faults.blows import Blows
from tests.faults.driver import HANDS, POLL_S, Driver
from tests.faults.ground import Ground, ground
from tests.faults.ledger import Ledger, plan
from tests.faults.post import Post
from tests.faults.state import Rest
from tests.faults.witness import Witness

BUSINESS, SPEED = datetime(2026, 6, 1, 1, tzinfo=UTC), 1200.0
CARRIED, SPEED_OF_MANY, POLL_OF_MANY_S, HANDS_OF_MANY = 2_000, 240.0, 12.0, 96
"""Of more complaints only so many are carried to their end, and at a slower pace."""
STORMED = 400
SKEWED, SKEW_S = "sla-skewed", 600.0
"""A replica whose clock is ten minutes fast, by even seeds slow, which at our speed is days."""


@dataclass(frozen=True)
class Wanted:
    """What a run is asked for."""

    n: int = 300
    kills: int = 20
    seed: int = 1
    carried: int = CARRIED
    replicas: int = 1
    mutant: str = ""
    speed: float = 0.0
    patience: float = 1_200.0
    settle: float = 300.0
    quiet: bool = False

    @property
    def many(self) -> bool:
        return self.n > self.carried


@dataclass
class Outcome:
    """What a run found."""

    wanted: Wanted
    audited: Audited
    ledger: Ledger
    settled: Rest
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
    def unseen(self) -> list[str]:
        """What was put before the audit and not seen by it."""
        return [name for name, seen in self.audited.tampered.items() if not seen]

    @property
    def passed(self) -> bool:
        wrong = not self.audited.findings.all_well or self.own_deaths or self.unready or self.unseen
        return not (wrong or self.changed or self.settled.restless) and bool(self.audited.tampered)


@dataclass
class Run:
    """The parts of a run while it lasts."""

    wanted: Wanted
    ground: Ground
    client: httpx.AsyncClient
    post: Post
    ledger: Ledger
    clock: Clock
    witness: Witness
    chance: random.Random = field(init=False)
    driver: Driver = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.wanted.seed)
        self.servers, self.system = self.ground.servers, self.ground.system

    def say(self, line: str) -> None:
        if not self.wanted.quiet:
            done = f"{len(self.ledger.accepted):5} accepted  {self.ledger.closed:4} closed"
            sys.stdout.write(f"{self.ledger.now():6.1f} s  {done}  {line}\n")
            sys.stdout.flush()

    def launch(self, name: str) -> None:
        service = name.partition("-")[0]
        command = [sys.executable, "-m"]
        if name == SKEWED:
            command += ["tests.faults.skewed", str(SKEW_S if self.wanted.seed % 2 else -SKEW_S), service]
        elif self.wanted.mutant:
            command += ["tests.faults.mutant", self.wanted.mutant, service]
        self.system.launch(service, name, command if command[2:] else ())

    async def start(self) -> None:
        await witness.tap(self.servers.admin_amqp_url)
        for name in names(self.wanted):
            self.launch(name)
        await self.system.ready()

    async def suffer(self) -> Blows:
        """The work, and the blows while it is done."""
        self.ledger.started = asyncio.get_running_loop().time()
        draws = [random.Random(f"{self.wanted.seed} {name}") for name in ("driver", "adversary", "blows")]
        gateway = self.ground.gateway
        poll, hands = (POLL_OF_MANY_S, HANDS_OF_MANY) if self.wanted.many else (POLL_S, HANDS)
        patience = self.wanted.patience
        self.driver = Driver(
            self.system,
            self.client,
            self.post,
            gateway,
            self.ledger,
            draws[0],
            patience,
            poll,
            asyncio.Semaphore(hands),
        )
        blows = Blows(
            self.system, self.servers, self.ground.linked, self.ledger, self.witness, draws[2], self.launch
        )
        adversary = Adversary(blows, self.ledger, draws[1], self.wanted.kills, self.say)
        watch = asyncio.create_task(adversary.watch())
        await asyncio.gather(self.driver.carry_all(), adversary.run())
        watch.cancel()
        return blows

    async def audited(self) -> Outcome:
        listening = asyncio.create_task(self.witness.listen(self.servers.admin_amqp_url))
        blows = await self.suffer()
        self.say("all handed in and carried")
        settled = await self._finished(self._settled)
        hashes, redelivered, settled = await self._stormed(settled)
        unready, stopped = await self._unready(), None
        if self.wanted.many:
            stopped, settled = await self._stop_the_clock(settled)
        for name in self.system.names:
            await self.system.end(name)
        self.say("the audit begins")
        audit = Audit(
            self.ledger, self.witness, self.servers, self.clock, self.system.public_key,
            self.post.arrivals, blows.poisons, stopped,
        )  # fmt: skip
        audited = await audit.run()
        listening.cancel()
        return Outcome(
            self.wanted, audited, self.ledger, settled, blows.own_deaths, redelivered, hashes, unready,
            self.ledger.now(),
        )  # fmt: skip

    async def _settled(self) -> Rest:
        if self.wanted.many:
            rest = await state.keep_up(self.servers, self.wanted.settle)
        else:
            rest = await state.settle(self.servers, self.wanted.settle)
        self.say(rest.restless or "settled")
        return rest

    async def _finished(self, settled: Callable[[], Awaitable[Rest]]) -> Rest:
        """At rest also after people have seen to what came up for them since they went."""
        rest = await settled()
        await self.driver.do_what_is_left()
        after = await settled()
        return Rest(rest.seconds + after.seconds, rest.restless or after.restless)

    async def _stormed(self, settled: Rest) -> tuple[tuple[dict[str, str], dict[str, str]], int, Rest]:
        """The hashes before and after the storm, how many events it brought once more, and the rest."""
        closed = [entry.id for entry in self.ledger.entries if entry.closed][:STORMED]
        some = closed if self.wanted.many else None
        before = await self._still(some)
        told = self.witness.of(closed if self.wanted.many else [entry.id for entry in self.ledger.accepted])
        redelivered = await storm.rage(self.servers, told, self.chance)
        noise = await self._settled()
        self.say(noise.restless or "the storm is over")
        settled = Rest(settled.seconds, settled.restless or noise.restless)
        return (before, await self._hashes(some)), redelivered, settled

    async def _still(self, some: list[str] | None) -> dict[str, str]:
        """The hashes once they stay: in a run of many the last work may still be under way."""
        found: dict[str, str] = {}
        while found != (found := await self._hashes(some)):
            await asyncio.sleep(2)
        return found

    async def _hashes(self, some: list[str] | None) -> dict[str, str]:
        post = {} if some else {"post": f"{len(self.post.arrivals)} arrivals"}
        return await state.hashes(self.servers, some) | post

    async def _stop_the_clock(self, kept_up: Rest) -> tuple[datetime, Rest]:
        """From when on nothing became due, and how long it took in all until everything was at rest."""
        for name in [name for name in self.system.names if name.startswith("sla")]:
            await self.system.end(name)
        stopped = machine_now()
        rest = await self._finished(self._settled_without_sla)
        return stopped, Rest(kept_up.seconds + rest.seconds, kept_up.restless or rest.restless)

    async def _settled_without_sla(self) -> Rest:
        rest = await state.settle(self.servers, self.wanted.settle, closed=False, but="sla")
        self.say(rest.restless or "settled without sla")
        return rest

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


def names(wanted: Wanted) -> list[str]:
    """All processes: each service, its further replicas, and the one with the wrong clock."""
    more = [f"{service}-{number}" for number in range(2, wanted.replicas + 1) for service in SERVICES]
    return [*SERVICES, *more, SKEWED]


async def chaos(wanted: Wanted) -> Outcome:
    """Run it all on servers of its own."""
    install()
    with tempfile.TemporaryDirectory(prefix="redress-faults-", ignore_cleanup_errors=True) as folder:
        async with _run(wanted, Path(folder)) as run:
            return await run.audited()


@asynccontextmanager
async def _run(wanted: Wanted, folder: Path) -> AsyncIterator[Run]:
    ledger = plan(wanted.n, random.Random(f"{wanted.seed} plan"), wanted.carried)
    speed = wanted.speed or (SPEED_OF_MANY if wanted.many else SPEED)
    post, clock = Post(ledger.now), Clock(machine_now(), BUSINESS, speed)
    async with ground(folder, post, clock, names(wanted)) as on, on.system.client() as client:
        run = Run(wanted, on, client, post, ledger, clock, Witness(folder / "witness.db"))
        await run.start()
        yield run
