"""Every user of the real broker: what each may do, and that all else is refused."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPError, DeliveryError
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed

from deploy.parked.messages import OPERATIONS
from deploy.provision import ADMIN, DEFINITIONS, SERVICES
from shared.bus import EVENTS, OPERATOR, PARKED, PRIVATE, TIERS
from shared.events import CATALOGUE
from shared.history import HISTORY
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of

FILE: dict[str, list[dict[str, Any]]] = json.loads(DEFINITIONS.read_text("utf-8"))
QUEUES = [each["name"] for each in FILE["queues"]]
EXCHANGES = [each["name"] for each in FILE["exchanges"]]
USERS = [*SERVICES, OPERATOR]

Act = Callable[[AbstractChannel], Awaitable[Any]]


@pytest.fixture(autouse=True)
async def swept(servers: AnyServers) -> AsyncIterator[None]:
    """What was delayed for an inbox by right leads there: it must not lie in another test's way."""
    yield
    async with channel_of(servers.admin_amqp_url) as channel:
        for queue in QUEUES:
            if queue != HISTORY:
                await (await channel.get_queue(queue, ensure=False)).purge()


# the broker


class Session:
    """One user's connection; a refusal closes a channel, and the next act opens another."""

    def __init__(self, connection: aio_pika.abc.AbstractConnection) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None

    async def may(self, act: Act) -> bool:
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            async with asyncio.timeout(90):
                await act(self._channel)
        except ChannelAccessRefused:
            return False
        except DeliveryError:
            return True  # it was let through, and no queue wanted it
        return True


@asynccontextmanager
async def signed_in(servers: AnyServers, user: str) -> AsyncIterator[Session]:
    connection = await aio_pika.connect(servers.amqp_url(user))
    async with connection:
        yield Session(connection)


def publishing(exchange: str, key: str, user_id: str | None = None) -> Act:
    async def act(channel: AbstractChannel) -> None:
        message = aio_pika.Message(b"[]", user_id=user_id, expiration=0.001)
        at = channel.default_exchange if not exchange else await channel.get_exchange(exchange, ensure=False)
        await at.publish(message, key, mandatory=True)

    return act


async def put_back(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    await message.nack(requeue=True)


def consuming(queue: str) -> Act:
    async def act(channel: AbstractChannel) -> None:
        await channel.set_qos(1)
        found = await channel.get_queue(queue, ensure=False)
        tag = await found.consume(put_back)
        await found.cancel(tag)
        await channel.close()

    return act


def declaring_queue(name: str) -> Act:
    return lambda channel: channel.declare_queue(name, durable=True)


def declaring_exchange(name: str) -> Act:
    return lambda channel: channel.declare_exchange(name)


def binding(queue: str, exchange: str) -> Act:
    async def act(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).bind(exchange, "#.never")

    return act


def purging(queue: str) -> Act:
    async def act(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).purge()

    return act


def deleting(queue: str) -> Act:
    return lambda channel: channel.queue_delete(queue)


def deleting_exchange(name: str) -> Act:
    return lambda channel: channel.exchange_delete(name)


def home(type: str) -> str:
    return PRIVATE if CATALOGUE[type].private else EVENTS


def broker_acts(user: str) -> Iterator[tuple[str, Act, bool]]:
    """Every act that there is, and whether this user may do it."""
    operator = user == OPERATOR
    for exchange, type in product((EVENTS, PRIVATE), CATALOGUE):
        own = CATALOGUE[type].owner == user and home(type) == exchange
        yield f"publish {type} at {exchange}", publishing(exchange, type), own
    for exchange in (EVENTS, PRIVATE):
        yield f"publish an unknown type at {exchange}", publishing(exchange, "complaint.invented.v1"), False
    for other in SERVICES:
        yield f"park for {other}", publishing(PARKED, other), other == user
    for tier, queue in product(TIERS, [*QUEUES, "team.crm"]):
        own = queue == f"{user}.inbox"
        yield f"delay {tier} for {queue}", publishing(f"redress.retry.{tier}", queue), own
    for exchange in ("amq.topic", "amq.fanout"):
        yield f"publish at {exchange}", publishing(exchange, "x"), False
    yield "publish straight to a queue", publishing("", "nobody.inbox"), operator
    for queue in QUEUES:
        mine = readable(user)
        yield f"consume {queue}", consuming(queue), queue in mine
        yield f"delete {queue}", deleting(queue), False
        for exchange in (EVENTS, PRIVATE):
            yield f"bind {queue} to {exchange}", binding(queue, exchange), False
        if queue not in mine:
            yield f"purge {queue}", purging(queue), False
    yield "declare a queue", declaring_queue("theirs"), False
    yield "declare a queue of a team", declaring_queue("team.theirs"), False
    yield "declare an exchange", declaring_exchange("theirs"), False
    for exchange in EXCHANGES:
        yield f"delete {exchange}", deleting_exchange(exchange), False


def readable(user: str) -> set[str]:
    """The queues that somebody reads."""
    if user == OPERATOR:
        return {HISTORY, OPERATIONS, *(f"{each}.parked" for each in SERVICES)}
    return {f"{user}.inbox"} | ({"redress.history"} if user == "intake" else set())


@pytest.mark.parametrize("user", USERS)
async def test_a_broker_user_may_do_what_it_must_and_nothing_else(servers: AnyServers, user: str) -> None:
    async with signed_in(servers, user) as session:
        wrong = [
            f"{name}: {'refused' if wanted else 'allowed'}"
            for name, act, wanted in broker_acts(user)
            if await session.may(act) is not wanted
        ]
    assert wrong == []


@pytest.mark.parametrize(("user", "other"), [(a, b) for a, b in product(USERS, USERS) if a != b])
async def test_nobody_may_publish_in_the_name_of_another(servers: AnyServers, user: str, other: str) -> None:
    types = [type for type, kind in CATALOGUE.items() if kind.owner == user]
    act = publishing(home(types[0]), types[0], other) if types else publishing("", "nobody.inbox", other)
    async with signed_in(servers, user) as session:
        with pytest.raises(ChannelPreconditionFailed):
            await session.may(act)


@pytest.mark.parametrize("user", USERS)
async def test_a_password_is_good_for_its_own_user_and_the_one_virtual_host(
    servers: AnyServers, user: str
) -> None:
    url = urlsplit(servers.amqp_url(user))
    for bad in (
        url._replace(netloc=f"{user}:wrong@{servers.broker}"),
        url._replace(netloc=f"{ADMIN}:{url.password}@{servers.broker}"),
        url._replace(netloc=f"guest:guest@{servers.broker}"),
        url._replace(path="/%2F"),
    ):
        with pytest.raises((AMQPError, ConnectionError)):
            await aio_pika.connect(bad.geturl())


@pytest.mark.parametrize("user", USERS)
async def test_services_have_no_business_with_the_management(servers: AnyServers, user: str) -> None:
    url = f"http://{servers.management}/api"
    login = (user, servers.passwords.broker[user])
    async with httpx.AsyncClient(auth=login, trust_env=False, timeout=20) as client:
        looked = (await client.get(f"{url}/overview")).status_code
        users = (await client.get(f"{url}/users")).status_code
        made = (await client.put(f"{url}/users/mine", json={"password": "x", "tags": ""})).status_code
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        raised = (await client.put(f"{url}/permissions/redress/{user}", json=rights)).status_code
        told = (await client.post(f"{url}/definitions", json={"users": []})).status_code
    assert looked == (200 if user == OPERATOR else 401)
    assert {users, made, raised, told} == {401}
