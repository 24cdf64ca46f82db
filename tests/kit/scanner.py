"""A virus scanner made for tests: it speaks clamd's INSTREAM, finds EICAR, and can fail in every way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The string that every scanner finds; in two parts, so that none finds this file."""


class Manner(Enum):
    """How the scanner behaves once it has been asked."""

    ANSWERS = auto()
    HANGS = auto()
    DIES = auto()
    HANGS_UP = auto()
    ERRS = auto()
    BABBLES = auto()


@dataclass
class Scanner:
    """One that runs: `seen` are the contents it was sent, whole ones only."""

    manner: Manner
    url: str = ""
    seen: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.connections -= 1
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readuntil(b"\0") != b"zINSTREAM\0":
            writer.write(b"UNKNOWN COMMAND\0")
            return await writer.drain()
        content = bytearray()
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(length)
            if self.manner is Manner.DIES:
                return None
        self.seen.append(bytes(content))
        if self.manner is Manner.HANGS:
            await reader.read()
        elif self.manner is not Manner.HANGS_UP:
            writer.write(self._answer(content))
            await writer.drain()
            await reader.read()
        return None

    def _answer(self, content: bytearray) -> bytes:
        if self.manner is Manner.ERRS:
            return b"INSTREAM size limit exceeded. ERROR\0"
        if self.manner is Manner.BABBLES:
            return b"x" * 200_000
        return b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if EICAR in content else b"stream: OK\0"


@asynccontextmanager
async def scanner(manner: Manner = Manner.ANSWERS) -> AsyncIterator[Scanner]:
    """A scanner on a free port of this machine, as long as the context lasts."""
    found = Scanner(manner)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    found.url = f"tcp://{host}:{port}"
    async with server:
        yield found
