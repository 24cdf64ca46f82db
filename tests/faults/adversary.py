"""The adversary: kills services, broker and database without warning, on a seeded plan."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from deploy.local.servers import Name, Servers
from deploy.local.system import System
from tests.faults.ledger import Ledger

MILESTONES = 13
GAP_S = 0.7


@dataclass
class Adversary:
    """Each service at least once, broker and database once each, and `kills` more, spread over the work."""

    system: System
    servers: Servers
    ledger: Ledger
    chance: random.Random
    kills: int
    relaunch: Callable[[str], None]
    say: Callable[[str], None]
    own_deaths: list[str] = field(default_factory=list)

    def plan(self) -> list[tuple[float, str]]:
        """Who dies at which share of the work."""
        names = self.system.names
        victims = [*names, "broker", "database", *self.chance.choices(names, k=self.kills)]
        shares = sorted(self.chance.uniform(0.02, 0.92) for _ in victims)
        self.chance.shuffle(victims)
        return list(zip(shares, victims, strict=True))

    async def run(self) -> None:
        total = sum(entry.cycles for entry in self.ledger.entries) * MILESTONES
        async with asyncio.TaskGroup() as restarts:
            for share, victim in self.plan():
                await self._until_work(share * total)
                await self._strike(victim, restarts)
                await asyncio.sleep(GAP_S * (0.5 + self.chance.random()))

    async def _until_work(self, milestones: float) -> None:
        """When the work stands still, the next blow comes anyway: so it would in life."""
        seen, since = -1, self.ledger.now()
        while self.ledger.milestones < milestones and self.ledger.now() - since < 15:
            if self.ledger.milestones != seen:
                seen, since = self.ledger.milestones, self.ledger.now()
            await asyncio.sleep(0.05)

    async def _strike(self, victim: str, restarts: asyncio.TaskGroup) -> None:
        self.ledger.kills.append(self.ledger.note(victim))
        self.say(f"kill -9 {victim}")
        if victim in ("broker", "database"):
            name = cast(Name, victim)
            await asyncio.to_thread(self.servers.kill, name)
            restarts.create_task(self._restart(name, self.chance.uniform(1, 3)))
        else:
            self.system.kill(victim)  # no await before the relaunch: the watch would start a second one
            self.relaunch(victim)

    async def _restart(self, name: Name, pause: float) -> None:
        await asyncio.sleep(pause)
        await self.servers.restart(name)
        self.ledger.returns.append(self.ledger.note(name))
        self.say(f"{name} is back")

    async def watch(self) -> None:
        """Notice services that die by themselves, and start them again."""
        while True:
            for name in self.system.names:
                if _is_dead(self.system.pid(name)):
                    self.own_deaths.append(f"{name} died by itself: {self.system.log(name)[-800:]}")
                    self.say(f"{name} died by itself")
                    self.relaunch(name)
            await asyncio.sleep(0.5)


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
