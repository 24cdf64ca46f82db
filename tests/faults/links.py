"""The network between services and servers: a link for each, which can be cut, hushed or slowed.

Each service has a link of its own to the broker and one to the database. A cut link resets what is open and
refuses what comes. On a silent one bytes vanish, new connections are taken and never answered, and at its end
all are reset, as by a router that forgot them. A slow one delivers everything late, in order.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

from deploy import provision
from deploy.local.endpoints import Endpoints
from deploy.local.servers import Servers
from deploy.provision import SERVICES

LAG_S = 2.0
RESET = struct.pack("ii", 1, 0)
TICK = 1e-6


class _End(asyncio.Protocol):
    """One side of a connection; what it receives goes to the other side."""

    def __init__(self, link: "Link", other: "_End | None" = None) -> None:
        self.link, self.other = link, other
        self._free_at = 0.0
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.link.ends.add(self)
        if self.other is None:
            self.link.arrived(self)

    def data_received(self, data: bytes) -> None:
        if self.link.silent:
            return
        if self.other is None:
            self._early.append(data)
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = max(now + self.link.lag_s, self._free_at)
        if at <= now:
            self.other.send(data)
        else:  # a later chunk never overtakes an earlier one
            self._free_at = at + TICK
            loop.call_at(at, self.other.send, data)

    def joined(self, other: "_End") -> None:
        """From now on there is an other side; what was said before goes to it."""
        self.other = other
        for data in self._early:
            self.data_received(data)

    def send(self, data: bytes) -> None:
        if not self.transport.is_closing() and not self.link.silent:
            self.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, _: Exception | None) -> None:
        self.link.ends.discard(self)
        if self.other is not None and not self.link.silent:  # over a silent link nobody learns of it
            self.other.transport.close()

    def reset(self) -> None:
        with suppress(OSError, ValueError):  # closed already
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()


class Link:
    """A door of its own to one server, for one service."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.ends: set[_End] = set()
        self.silent = self.refusing = False
        self.lag_s = 0.0
        self._host, _, self._port = address.partition(":")
        self._turn = asyncio.Lock()
        self._connecting: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _End(self), "127.0.0.1", 0)

    def close(self) -> None:
        self._server.close()
        self._reset()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def arrived(self, near: _End) -> None:
        if self.refusing:
            near.reset()
        elif not self.silent:
            task = asyncio.create_task(self._connect(near))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, near: _End) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, far = await loop.create_connection(lambda: _End(self, near), self._host, int(self._port))
        except OSError:
            near.reset()
            return
        near.joined(far)
        if near.transport.is_closing():
            far.transport.close()

    def _reset(self) -> None:
        for end in list(self.ends):
            end.reset()

    async def cut(self, seconds: float) -> None:
        async with self._turn:
            self.refusing = True
            self._reset()
            await asyncio.sleep(seconds)
            self.refusing = False

    async def hush(self, seconds: float) -> None:
        async with self._turn:
            self.silent = True
            await asyncio.sleep(seconds)
            self._reset()
            self.silent = False

    async def slow(self, seconds: float) -> None:
        async with self._turn:
            self.lag_s = LAG_S
            await asyncio.sleep(seconds)
            self.lag_s = 0.0


class Linked(Endpoints):
    """The servers as the services see them: each over links of its own."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers.passwords, servers.broker, servers.database, servers.management)
        doors = {"broker": servers.broker, "database": servers.database}
        self.links = {
            f"{service}-{door}": Link(f"{service}-{door}", address)
            for service in SERVICES
            for door, address in doors.items()
        }

    def environment(self, service: str) -> dict[str, str]:
        broker, database = (self.links[f"{service}-{door}"].address for door in ("broker", "database"))
        mongo = provision.mongo_url(service, self.passwords, database)
        return {
            "REDRESS_AMQP_URL": provision.amqp_url(service, self.passwords, broker),
            # Else the driver asks the replica set for its own addresses, and goes there past the link.
            "REDRESS_MONGO_URL": f"{mongo}&directConnection=true",
        }


@asynccontextmanager
async def linked(servers: Servers) -> AsyncIterator[Linked]:
    """The links, open."""
    found = Linked(servers)
    for link in found.links.values():
        await link.open()
    try:
        yield found
    finally:
        for link in found.links.values():
            link.close()
