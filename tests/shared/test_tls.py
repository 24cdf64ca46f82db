"""Over TLS alone: the whole chain runs, and nobody is let in who does not look at certificates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aio_pika
import httpx
import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy import management
from deploy.local.install import install
from deploy.local.play import Case, Players
from deploy.local.servers import HERE, Servers
from deploy.local.stage import stage
from deploy.provision import Passwords, amqp_url, certificates, management_url, mongo_url
from tests.journeys.test_chain import BODY

QUICKLY = "&serverSelectionTimeoutMS=1500"


@pytest.fixture(scope="module")
async def sealed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    install()
    found = await Servers.start(tmp_path_factory.mktemp("tls") / "servers", tls=True)
    yield found
    await found.stop()


@pytest.fixture(scope="module")
def another_authority(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("another")
    certificates.keep(folder, HERE)
    return str(folder / "ca.pem")


def urls(servers: Servers, ca: str | None, host: str = "127.0.0.1") -> tuple[str, str, str]:
    """The broker's, the database's and the management's, with good passwords."""
    words: Passwords = servers.passwords
    broker, database, api = (f"{host}:{servers.ports[name]}" for name in ("broker", "database", "management"))
    return (
        amqp_url("triage", words, broker, ca),
        mongo_url("triage", words, database, ca).replace("replicaSet=redress", "directConnection=true"),
        management_url(words, api, ca),
    )


async def test_a_complaint_goes_its_way(sealed: Servers, tmp_path: Path) -> None:
    async with stage(sealed, tmp_path / "services") as set_up, set_up.system.client() as client:
        players = Players(set_up.system, client, set_up.mailbox, set_up.gateway)
        case = Case(body=BODY, play={})
        await players.hand_in(case)
        await players.until(case, "dispatched", 1)


async def test_with_the_house_authority_all_three_answer(sealed: Servers) -> None:
    broker, database, api = urls(sealed, sealed.ca)
    async with await aio_pika.connect(broker):
        pass
    ping(database + QUICKLY)
    look(api)


async def refusals(broker: str, database: str, api: str) -> list[str]:
    """Why each of the three connections did not come about."""
    with pytest.raises((OSError, aio_pika.exceptions.AMQPError)) as amqp:
        await aio_pika.connect(broker)
    with pytest.raises(PyMongoError) as mongo:
        await asyncio.to_thread(ping, database + QUICKLY)
    with pytest.raises(httpx.TransportError) as http:
        await asyncio.to_thread(look, api)
    return [str(amqp.value), str(mongo.value), str(http.value)]


def ping(url: str) -> None:
    with MongoClient[dict[str, object]](url) as client:
        client.admin.command("ping")


def look(url: str) -> None:
    with management.client(url) as client:
        client.get("/api/overview").raise_for_status()


async def test_plain_connections_are_refused(sealed: Servers) -> None:
    assert len(await refusals(*urls(sealed, None))) == 3


async def test_another_authority_is_not_believed(sealed: Servers, another_authority: str) -> None:
    told = await refusals(*urls(sealed, another_authority))
    assert all("certificate verify failed" in each for each in told), told


async def test_a_server_under_another_name_is_not_believed(sealed: Servers) -> None:
    """The same servers with the same certificates, which do not name 127.0.0.2."""
    async with AsyncExitStack() as stack:
        names = ("broker", "database", "management")
        doors = {name: await stack.enter_async_context(door_to(sealed.ports[name])) for name in names}
        elsewhere = [
            url.replace(f"127.0.0.1:{sealed.ports[name]}", f"127.0.0.2:{doors[name]}")
            for name, url in zip(names, urls(sealed, sealed.ca), strict=True)
        ]
        told = await refusals(*elsewhere)
    assert all("IP address mismatch" in each for each in told), told


@asynccontextmanager
async def door_to(port: int) -> AsyncIterator[int]:
    """A port of 127.0.0.2 that leads to this one."""

    async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while some := await source.read(65_536):
                target.write(some)
                await target.drain()
        target.close()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    server = await asyncio.start_server(lead, "127.0.0.2", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
