"""Whoever lets teams in, at the command line, with the rights of the real administrator and no more."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from typer.testing import CliRunner, Result

from deploy.cli import program
from deploy.local.endpoints import Endpoints
from deploy.management import Broker
from deploy.provision import ADMIN, DEFINITIONS, VHOST, password_hash

GATE, PASSWORD = "gate", "the password of a gate in tests"


@dataclass(frozen=True)
class Gate:
    """The commands, against one broker."""

    servers: Endpoints
    url: str

    @classmethod
    def at(cls, servers: Endpoints) -> "Gate":
        """Tests' own administrator may do anything; the gate's has the rights of the definitions."""
        broker = Broker(servers.management_url)
        rights = next(each for each in _definitions()["permissions"] if each["user"] == ADMIN)
        broker.put("users", GATE, password_hash=password_hash(PASSWORD), tags="administrator")
        broker.put(
            "permissions", VHOST, GATE, **{verb: rights[verb] for verb in ("configure", "write", "read")}
        )
        quoted = PASSWORD.replace(" ", "%20")
        return cls(servers, f"http://{GATE}:{quoted}@{servers.management}")

    @property
    def broker(self) -> Broker:
        return Broker(self.url)

    @property
    def root(self) -> Broker:
        """The broker as tests' own administrator."""
        return Broker(self.servers.management_url)

    def typed(self, *words: object) -> Result:
        environment = {"REDRESS_MANAGEMENT_URL": self.url, "REDRESS_TEAM_HOST": self.servers.broker}
        return CliRunner().invoke(program(), ["subscribers", *map(str, words)], env=environment)

    def said(self, *words: object) -> str:
        """What a command that goes well prints."""
        result = self.typed(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *words: object) -> str:
        """What a command that is refused says."""
        result = self.typed(*words)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        return result.stderr

    def add(self, team: str, *topics: str, **limits: int) -> str:
        """A team's connection string."""
        named = [word for topic in topics or ("#",) for word in ("--topics", topic)]
        numbers = [word for name, value in limits.items() for word in (f"--{name}".replace("_", "-"), value)]
        return self.said("add", team, *named, *numbers).strip()

    def rows(self) -> dict[str, dict[str, str]]:
        """What `list` shows, by team and by its heads."""
        head, *lines = self.said("list").splitlines()
        starts = [head.index(word) for word in head.split()]
        cells = [
            [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for line in lines
        ]
        return {each[0]: dict(zip(head.split(), each, strict=True)) for each in cells}


def _definitions() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = json.loads(DEFINITIONS.read_text("utf-8"))
    return found


@asynccontextmanager
async def logged_in(url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel(publisher_confirms=True)


async def taken(url: str, queue: str | None = None) -> list[AbstractIncomingMessage]:
    """Everything that waits in a queue (a team's own), acknowledged."""
    found = []
    async with logged_in(url) as channel:
        ours = await channel.get_queue(queue or urlsplit(url).username or "", ensure=False)
        while (message := await ours.get(fail=False)) is not None:
            await message.ack()
            found.append(message)
    return found


async def until(true: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.2)
