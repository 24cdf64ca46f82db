"""Who is measured: the product's five services, and the floor's five processes, on the same two servers."""

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from pymongo.asynchronous.collection import AsyncCollection

from bench import floor, floor_topology
from bench.load import MAILS, Door
from bench.measure import Client
from deploy.local.ports import free_ports
from deploy.local.servers import Servers
from deploy.local.system import System
from deploy.provision import SERVICES

Complaints = AsyncCollection[dict[str, Any]]
START_S = 60


class Contender(Protocol):
    """A chain that runs between `start` and `stop`; `complaints` is where its intake keeps the record.

    Of a complaint it sends so many mails at least.
    """

    name: str
    fewest_mails: int
    complaints: Complaints

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    @property
    def door(self) -> Door: ...

    @property
    def pids(self) -> list[int]: ...


class Product:
    """The five services as anybody would start them, with their default settings."""

    name = "chain"
    fewest_mails = 1

    def __init__(self, servers: Servers, mongo: Client, folder: Path, smtp_url: str) -> None:
        self._system = System(servers, folder, {"REDRESS_SMTP_URL": smtp_url})
        self.complaints: Complaints = mongo["intake"]["complaints"]

    async def start(self) -> None:
        await self._system.start()

    async def stop(self) -> None:
        await self._system.stop()

    @property
    def door(self) -> Door:
        return Door(self._system.url("intake"), self._system.key)

    @property
    def pids(self) -> list[int]:
        return [self._system.pid(name) for name in self._system.names]


class Floor:
    """The hand-written processes of `bench.floor`."""

    name = "floor"
    fewest_mails = MAILS

    def __init__(self, servers: Servers, mongo: Client, folder: Path, smtp_url: str) -> None:
        self._amqp_url = servers.admin_amqp_url
        self._log = folder / "floor.log"
        self._port = free_ports("floor")["floor"]
        self._environment = {
            "FLOOR_AMQP_URL": servers.admin_amqp_url,
            "FLOOR_MONGO_URL": servers.admin_mongo_url,
            "FLOOR_SMTP_URL": smtp_url,
            "FLOOR_PORT": str(self._port),
        }
        self._processes: list[subprocess.Popen[bytes]] = []
        self.complaints: Complaints = mongo[floor.DATABASE]["intake"]

    async def start(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        await floor_topology.declare(self._amqp_url)
        for service in SERVICES:
            self._launch(service)
        async with asyncio.timeout(START_S):
            await floor_topology.until_consumed(self._amqp_url)
            await self._until_open()

    def _launch(self, service: str) -> None:
        with self._log.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "bench.floor", service],
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes.append(started)

    async def _until_open(self) -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.close()
                return
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            await asyncio.to_thread(process.wait, 20)
        self._processes.clear()

    @property
    def door(self) -> Door:
        return Door(f"http://127.0.0.1:{self._port}", "none")

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]
