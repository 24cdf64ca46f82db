"""A full house: who has waited longest for a request makes room, not who has been there longest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router

from shared.serving import Connection, Server
from tests.kit.doors import settled

MOST = 4
Caller = tuple[asyncio.StreamReader, asyncio.StreamWriter]


Connect = Callable[[int], Awaitable[Caller]]


@asynccontextmanager
async def served(patch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """How to come from an address to a server that takes so many connections, of one address half."""
    callers: list[Caller] = []
    app = Router([Route("/", lambda request: PlainTextResponse("well"))])
    config = uvicorn.Config(app, port=0, http=Connection, log_config=None, lifespan="off")
    with settled(patch, max_connections=str(MOST)):
        server = Server(config, lambda: 0.0)
        running = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]

        async def connect(address: int) -> Caller:
            here = (f"127.0.0.{address}", 0)
            callers.append(await asyncio.open_connection("127.0.0.1", port, local_addr=here))
            return callers[-1]

        yield connect
        for _, writer in callers:
            writer.transport.abort()
        server.should_exit = server.force_exit = True
        await running


async def answered(caller: Caller) -> bool:
    reader, writer = caller
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    return b"well" in await asyncio.wait_for(reader.readuntil(b"well"), 30)


async def gone(caller: Caller) -> bool:
    try:
        return await asyncio.wait_for(caller[0].read(1), 30) == b""
    except ConnectionError:
        return True


async def test_whoever_asks_now_and_then_outlasts_the_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(monkeypatch) as connect:
        busy = await connect(2)
        silent = [await connect(3), await connect(3)]
        assert await answered(busy)
        last = await connect(4)
        one_too_many = await connect(5)
        assert await gone(silent[0])
        for caller in (busy, last, one_too_many):
            assert await answered(caller)


async def test_one_address_has_half_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(monkeypatch) as connect:
        first, second, third = [await connect(2) for _ in range(3)]
        assert await gone(third)
        assert [await answered(each) for each in (first, second, await connect(3))] == [True] * 3
