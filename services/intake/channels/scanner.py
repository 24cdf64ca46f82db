"""The virus scanner: ClamAV's clamd reads along over TCP while a file flows into storage.

The protocol is clamd's INSTREAM (man clamd(8)): chunks, each after its length in four bytes, and a zero
length at the end; then one answer. The content crosses the network as it is: keep clamd close.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog

from shared.problems import Infected, Unavailable

T = TypeVar("T")

PATIENCE_S = 30.0
_CLEAN, _PREFIX, _FOUND = "stream: OK", "stream: ", " FOUND"

_log = structlog.get_logger()


async def scanned(chunks: AsyncIterator[bytes], url: str | None) -> AsyncGenerator[bytes, None]:
    """The same chunks, passed on while the scanner at `url` (tcp://host:port) reads them; its verdict last.

    Whoever stores them must not count them as stored before the end. Without a `url` nothing is scanned.
    Raises Infected, and Unavailable if the scanner is away, fails or is silent for 30 s.
    """
    if url is None:
        async for chunk in chunks:
            yield chunk
        return
    reader, writer = await _open(url)
    try:
        async for chunk in chunks:
            if chunk:
                await _send(writer, len(chunk).to_bytes(4, "big") + chunk)
                yield chunk
        await _send(writer, bytes(4))
        _judge(await _patiently(reader.readuntil(b"\0")))
    finally:
        writer.transport.abort()


async def _open(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(url)
    reader, writer = await _patiently(asyncio.open_connection(address.hostname, address.port))
    writer.write(b"zINSTREAM\0")
    return reader, writer


async def _send(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await _patiently(writer.drain())


async def _patiently(step: Coroutine[Any, Any, T]) -> T:
    """What the scanner does, or Unavailable."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await step
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        raise _away(type(error).__name__) from None


def _judge(answer: bytes) -> None:
    said = answer.rstrip(b"\0").decode("ascii", "replace")
    if said.startswith(_PREFIX) and said.endswith(_FOUND):
        raise Infected(f"The scanner found {said[len(_PREFIX) : -len(_FOUND)]}; the file was not kept")
    if said != _CLEAN:
        raise _away(said)


def _away(why: str) -> Unavailable:
    _log.warning("file not scanned", why=why)
    return Unavailable("The virus scanner is away; send the file again later", (), 30)
