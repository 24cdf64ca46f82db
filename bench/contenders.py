"""Who is measured: the product's five services, and the five processes of a hand-written chain."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from pymongo.asynchronous.collection import AsyncCollection

from bench import topology
from bench.ground import Place
from bench.load import Door
from deploy.local.ports import free_ports
from deploy.local.system import System
from deploy.provision import SERVICES

Complaints = AsyncCollection[dict[str, Any]]
START_S = 60


class Contender(Protocol):
    """A chain that runs between `start` and `stop`; `complaints` is where its intake keeps the record.

    It publishes to `exchange`.
    """

    name: str
    exchange: str
    complaints: Complaints

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    @property
    def door(self) -> Door: ...

    @property
    def pids(self) -> dict[str, int]:
        """Its processes by name."""
        ...


class Product:
    """The five services as anybody would start them, with their default settings but for `environment`.

    Of some there may be more `replicas` than one.
    """

    exchange = "redress.events"

    def __init__(
        self,
        place: Place,
        name: str = "chain",
        environment: Mapping[str, str] | None = None,
        replicas: Mapping[str, int] | None = None,
    ) -> None:
        self.name = name
        self._more = [
            (of, f"{of}-{each}") for of, many in (replicas or {}).items() for each in range(2, many + 1)
        ]
        settings = {"REDRESS_SMTP_URL": place.sink.url, **(environment or {})}
        # One folder for all: what was sealed by the keys in one, nobody with other keys can read.
        self.system = System(place.servers, place.folder / "product", settings)
        self.complaints: Complaints = place.mongo["intake"]["complaints"]

    async def start(self) -> None:
        for service, name in (*((each, each) for each in SERVICES), *self._more):
            self.system.launch(service, name)
        await self.system.ready()

    async def stop(self) -> None:
        await self.system.stop()

    @property
    def door(self) -> Door:
        return Door(self.system.url("intake"), self.system.key)

    @property
    def pids(self) -> dict[str, int]:
        return {name: self.system.pid(name) for name in self.system.names}


class ByHand:
    """The processes of `bench.floor` or `bench.ceiling`."""

    def __init__(self, place: Place, name: str) -> None:
        self.name = name
        self.exchange = f"{name}.events"
        self._amqp_url = place.servers.admin_amqp_url
        self._log = place.folder / f"{name}.log"
        self._port = free_ports(name)[name]
        self._environment = {
            "CHAIN_AMQP_URL": place.servers.admin_amqp_url,
            "CHAIN_MONGO_URL": place.servers.admin_mongo_url,
            "CHAIN_SMTP_URL": place.sink.url,
            "CHAIN_PORT": str(self._port),
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.complaints: Complaints = place.mongo[name]["intake"]

    async def start(self) -> None:
        await topology.declare(self._amqp_url, self.name)
        for service in SERVICES:
            self._launch(service)
        async with asyncio.timeout(START_S):
            await topology.until_consumed(self._amqp_url, self.name)
            await self._until_open()

    def _launch(self, service: str) -> None:
        with self._log.open("ab") as log:
            self._processes[service] = subprocess.Popen(
                [sys.executable, "-m", f"bench.{self.name}", service],
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def _until_open(self) -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.close()
                return
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            await asyncio.to_thread(process.wait, 20)
        self._processes.clear()

    @property
    def door(self) -> Door:
        return Door(f"http://127.0.0.1:{self._port}", "none")

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}
