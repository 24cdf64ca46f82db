"""The links do what they say, or what the adversary does with them would prove nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import ClassVar, cast

import pytest

from tests.faults import links
from tests.faults.links import Link

GENEROUS_S = 20


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    """To a server that says everything back."""

    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    found = Link("test", f"{host}:{port}")
    await found.open()
    yield found
    found.close()
    server.close()
    while Caller.open:
        writer = Caller.open.pop()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


class Caller:
    """Somebody on the near side."""

    open: ClassVar[list[asyncio.StreamWriter]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.open.append(writer)

    @classmethod
    async def to(cls, link: Link) -> "Caller":
        host, _, port = link.address.partition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def says(self, text: bytes) -> bytes:
        self.writer.write(text)
        async with asyncio.timeout(GENEROUS_S):
            return await self.reader.readexactly(len(text))


async def ended(caller: Caller) -> bool:
    """Whether the connection was ended from the other side, in whatever way."""
    async with asyncio.timeout(GENEROUS_S):
        try:
            return await caller.reader.read(1) == b""
        except ConnectionError:
            return True


async def test_what_is_said_arrives_whole(link: Link) -> None:
    caller = await Caller.to(link)
    large = b"0123456789" * 300_000
    assert await caller.says(large) == large


async def test_a_cut_link_resets_what_is_open_and_refuses_what_comes_until_its_end(link: Link) -> None:
    before = await Caller.to(link)
    await before.says(b"hello")
    cutting = asyncio.create_task(link.cut(0.3))
    assert await ended(before)
    assert await ended(await Caller.to(link))
    await cutting
    assert await (await Caller.to(link)).says(b"again") == b"again"


async def test_a_silent_link_swallows_everything_and_resets_at_its_end(link: Link) -> None:
    before = await Caller.to(link)
    await before.says(b"hello")
    hushing = asyncio.create_task(link.hush(0.3))
    await asyncio.sleep(0)
    meanwhile = await Caller.to(link)
    for caller in (before, meanwhile):
        caller.writer.write(b"nobody hears this")
        assert await ended(caller), "it heard an answer"
    await hushing
    assert await (await Caller.to(link)).says(b"again") == b"again"


async def test_a_slow_link_keeps_the_order_also_when_it_is_quick_again(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "LAG_S", 0.4)
    caller = await Caller.to(link)
    await caller.says(b"hello")
    slowing = asyncio.create_task(link.slow(0.2))
    words = [b"%04d" % number for number in range(200)]
    for word in words:
        caller.writer.write(word)
        await asyncio.sleep(0.002)
    await slowing
    async with asyncio.timeout(GENEROUS_S):
        assert await caller.reader.readexactly(800) == b"".join(words)
