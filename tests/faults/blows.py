"""The blows: what the adversary can do to a running system, and how each of them ends."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from deploy.local.servers import Name, Servers
from deploy.local.system import System
from deploy.provision import SERVICES
from tests.faults import storm
from tests.faults.ledger import Ledger
from tests.faults.links import Linked
from tests.faults.poison import Poison, brew
from tests.faults.witness import Witness, surely

SERVERS = ("broker", "database")
ECHOED = 200
ALARMS = {
    "vm_memory_monitor:set_vm_memory_high_watermark": ("0.00001", "0.6"),
    "rabbit_disk_monitor:set_disk_free_limit": ("900000000000000", "50000000"),
}
"""What rings the memory's and the disk's alarm, and what ends it."""


@dataclass
class Blows:
    """Each takes a victim and returns when its harm is over; what it was is in the ledger by then."""

    system: System
    servers: Servers
    linked: Linked
    ledger: Ledger
    witness: Witness
    chance: random.Random
    relaunch: Callable[[str], None]
    poisons: list[Poison] = field(default_factory=list)
    own_deaths: list[str] = field(default_factory=list)
    _turns: dict[str, asyncio.Lock] = field(
        default_factory=lambda: {name: asyncio.Lock() for name in SERVERS}
    )

    @property
    def kinds(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {
            "kill": self.kill,
            "pause": self.pause,
            "cut": self.cut,
            "silence": self.silence,
            "slow": self.slow,
            "alarm": self.alarm,
            "full": self.full,
            "poison": self.poison,
            "echo": self.echo,
        }

    def victims(self, kind: str) -> list[str]:
        """Whom a kind of blow can meet."""
        match kind:
            case "kill" | "pause":
                return self.system.names
            case "cut" | "silence" | "slow":
                return list(self.linked.links)
            case "poison":
                return list(SERVICES)
            case "full":
                return ["database"]
            case _:
                return ["broker"]

    async def kill(self, victim: str) -> None:
        """SIGKILL; a service is started again at once, a server after some seconds."""
        if victim in SERVERS:
            name = cast(Name, victim)
            async with self._turns[name]:
                await asyncio.to_thread(self.servers.kill, name)
                await asyncio.sleep(self.chance.uniform(1, 3))
                await self.servers.restart(name)
        else:
            self.system.kill(victim)  # no await before the relaunch: the watch would start a second one
            self.relaunch(victim)

    async def pause(self, victim: str) -> None:
        """A process that gets no time, as on a machine that swaps."""
        pid = self.system.pid(victim)
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(self.chance.uniform(3, 9))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def cut(self, victim: str) -> None:
        await self.linked.links[victim].cut(self.chance.uniform(1, 4))

    async def silence(self, victim: str) -> None:
        await self.linked.links[victim].hush(self.chance.uniform(4, 12))

    async def slow(self, victim: str) -> None:
        await self.linked.links[victim].slow(self.chance.uniform(4, 8))

    async def alarm(self, victim: str) -> None:
        """The broker takes nothing from those who publish; one that is killed meanwhile forgets of it."""
        pause = f"timer:sleep({self.chance.randint(3_000, 6_000)})"
        limit, (low, high) = self.chance.choice([*ALARMS.items()])
        await self.servers.control("eval", f"{limit}({low}), {pause}, {limit}({high}).")

    async def full(self, victim: str) -> None:
        """The database finds no room on its disk and ends itself; it is started again when there is some."""
        async with self._turns["database"]:
            await self.servers.fill_disk()
            await asyncio.sleep(self.chance.uniform(1, 3))
            await self.servers.restart("database")

    async def poison(self, victim: str) -> None:
        """One of each kind into an inbox."""
        types = {type for type, inboxes in storm.listeners().items() if f"{victim}.inbox" in inboxes}
        known = next((each for each in self.witness.sample(200, self.chance) if each.type in types), None)
        for each in brew(victim, known, self.chance):
            self.poisons.append(each)
            await surely(lambda each=each: each.put(self.servers))  # type: ignore[misc]

    async def echo(self, victim: str) -> None:
        """Some of what was said, once more and in any order, to all who listen."""
        told = self.witness.sample(ECHOED, self.chance)
        await surely(lambda: storm.rage(self.servers, told, self.chance))
