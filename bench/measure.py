"""Meters: what a run cost in processor time, messages and database commands, and on what machine it ran."""

import asyncio
import os
import re
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

from pymongo import AsyncMongoClient

from deploy.local.install import Failed
from deploy.local.servers import Servers

TICKS = os.sysconf("SC_CLK_TCK")
COMMANDS = ("find", "getMore", "aggregate", "insert", "update", "delete", "findAndModify", "bulkWrite")
ASKED = 3
RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
Client = AsyncMongoClient[dict[str, Any]]


@dataclass(frozen=True)
class Reading:
    """Counters that only grow; the difference of two readings is what lay between."""

    values: Mapping[str, float] = field(default_factory=dict)

    def since(self, before: "Reading") -> dict[str, float]:
        return {name: value - before.values[name] for name, value in self.values.items()}


class Meters:
    """The counters of this machine and its two servers."""

    def __init__(self, servers: Servers, mongo: Client) -> None:
        self._servers = servers
        self._mongo = mongo

    def cpu(self, services: Mapping[str, int]) -> Reading:
        """Seconds of processor time, by who used them; of each service by its name, too."""
        pids, each = self._servers.pids, {name: _cpu_of(pid) for name, pid in services.items()}
        return Reading(
            {
                **each,
                "services": sum(each.values()),
                "broker": _cpu_of(pids["broker"]),
                "database": _cpu_of(pids["database"]),
                "bench": sum(os.times()[:2]),
                **_machine(),
            }
        )

    async def traffic(self) -> Reading:
        """Messages the broker took on and passed on, commands and writes the database was given."""
        status = await self._mongo.admin.command("serverStatus")
        commands = status["metrics"]["commands"]
        messages = await self._messages()
        return Reading(
            {
                "published": messages["messages_received_confirm_total"],
                "delivered": messages["messages_delivered_total"],
                "commands": sum(commands[name]["total"] for name in COMMANDS if name in commands),
                "writes": status["opcounters"]["insert"] + status["opcounters"]["update"],
            }
        )

    async def _messages(self) -> dict[str, int]:
        """The broker's own counts, summed over protocols and kinds of queue. Raises Failed."""
        for _ in range(ASKED):
            said, complaint = await self._ask_broker("rabbit_global_counters:overview().")
            if counts := re.findall(r"(messages_\w+) => (\d+)", said):
                break
            await asyncio.sleep(1)
        else:
            raise Failed(f"the broker does not tell its counters:\n{said}{complaint}")
        summed: Counter[str] = Counter()
        for name, count in counts:
            summed[name] += int(count)
        return summed

    async def _ask_broker(self, what: str) -> tuple[str, str]:
        """The command takes processor time of its own, so ask outside the run."""
        command = [RABBITMQCTL, "--quiet", "-n", "redress@localhost", "eval", what]
        environment = self._servers._erlang_environment()
        ask = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
        said, complaint = await ask.communicate()
        return said.decode(), complaint.decode()

    async def machine(self) -> list[str]:
        """Processor and versions."""
        build = await self._mongo.admin.command("buildInfo")
        return [
            f"{os.cpu_count()} cores, {_cpu_model()}, Linux {os.uname().release}",
            f"Python {python_version()}, MongoDB {build['version']}, "
            + ", ".join(
                f"{name} {version(name)}" for name in ("aio-pika", "pymongo", "faststream", "pydantic")
            ),
        ]


def _machine() -> dict[str, float]:
    """Seconds that all cores together have worked (or were taken away by the host), and have been idle."""
    fields = [int(each) / TICKS for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return {"busy": sum(fields) - idle, "idle": idle}


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _cpu_model() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else os.uname().machine
