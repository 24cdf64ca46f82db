"""The adversary: strikes a running system on a plan that follows from the seed."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.clock import machine_now
from tests.faults.blows import SERVERS, Blows
from tests.faults.ledger import Ledger

MILESTONES = 13
GAP_S = 0.7
SERVERS_EVERY = 25
"""Of so many kills two are of broker and database."""
KILLS_EVERY = 3
"""One other blow for so many kills."""
STANDSTILL_S = 15


@dataclass
class Adversary:
    """Kills each process, broker and database once, then `kills` more; strikes each other blow once too."""

    blows: Blows
    ledger: Ledger
    chance: random.Random
    kills: int
    say: Callable[[str], None]

    def plan(self) -> list[tuple[float, str, str]]:
        """At which share of the work which blow meets whom."""
        names = self.blows.system.names
        rounds = 1 + self.kills // SERVERS_EVERY
        killed = [*names, *SERVERS * rounds]
        killed += self.chance.choices(names, k=max(0, self.kills - len(SERVERS) * (rounds - 1)))
        others = [kind for kind in self.blows.kinds if kind != "kill"]
        kinds = [*others, *self.chance.choices(others, k=self.kills // KILLS_EVERY)]
        struck = [("kill", name) for name in killed]
        struck += [(kind, self.chance.choice(self.blows.victims(kind))) for kind in kinds]
        shares = sorted(self.chance.uniform(0.02, 0.92) for _ in struck)
        self.chance.shuffle(struck)
        return [(share, *blow) for share, blow in zip(shares, struck, strict=True)]

    async def run(self) -> None:
        total = sum(entry.cycles * MILESTONES or 1 for entry in self.ledger.entries)
        async with asyncio.TaskGroup() as struck:
            for share, kind, victim in self.plan():
                await self._until_work(share * total)
                struck.create_task(self._strike(kind, victim))
                await asyncio.sleep(GAP_S * (0.5 + self.chance.random()))

    async def _until_work(self, milestones: float) -> None:
        """When the work stands still, the next blow comes anyway: so it would in life."""
        seen, since = -1, self.ledger.now()
        while self.ledger.milestones < milestones and self.ledger.now() - since < STANDSTILL_S:
            if self.ledger.milestones != seen:
                seen, since = self.ledger.milestones, self.ledger.now()
            await asyncio.sleep(0.05)

    async def _strike(self, kind: str, victim: str) -> None:
        self.say(f"{kind} {victim}")
        noted = self.ledger.note(kind, victim)
        await self.blows.kinds[kind](victim)
        noted.ended = machine_now()
        if victim in SERVERS and kind == "kill":
            self.say(f"{victim} is back")

    async def watch(self) -> None:
        """Notice services that die by themselves, and start them again."""
        system, deaths = self.blows.system, self.blows.own_deaths
        while True:
            for name in system.names:
                if _is_dead(system.pid(name)):
                    deaths.append(f"{name} died by itself: {system.log(name)[-800:]}")
                    self.say(deaths[-1])
                    self.blows.relaunch(name)
            await asyncio.sleep(0.5)


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
