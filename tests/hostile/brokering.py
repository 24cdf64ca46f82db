"""The broker: a team that misbehaves with the user it was given, and a service that was broken into.

The house publishes and listens all the while: everything is confirmed and heard, what is wrong is parked with
its reason, and the team keeps to its own queue.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPException

from shared.bus import EVENTS, REASON, Parcel, Publisher
from shared.envelope import BATCH, Cause, batch
from shared.events import ComplaintRegistered
from shared.inbox import Inbox
from tests.hostile.tally import Tally
from tests.kit.complaint import registered
from tests.kit.history import event
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of, take_all
from tests.subscribers.gate import Gate, logged_in, until
from tests.subscribers.test_rights import OWN, actions, allowed

TYPE, LISTENER, INTRUDER = "complaint.registered.v1", "triage", "survey"
MAY = {f"{verb} {OWN}" for verb in ("consume", "get", "purge")}
REFUSED = (AMQPException, ConnectionError, RuntimeError, asyncio.TimeoutError)
PATIENCE_S = 120
CHANNELS, MOST_CHANNELS = 20, 8
"""Tried on each connection; allowed to a team of two connections."""


async def rights(gate: Gate) -> Tally:
    """Everything that one can try at a broker, as the user of a team."""
    url = gate.add("crm", "complaint.*.v1")
    gate.add("bi", "#")
    tally = Tally("acts of a team's user at the broker")
    for name, act in actions().items():
        tally.inputs += 1
        if await allowed(url, act) != (name in MAY):
            tally.wrong(name)
    return tally


async def crowding(gate: Gate, many: int) -> Tally:
    """So many connections of a team that may have two, then twenty channels on each that was let in."""
    url = gate.add("crowd", connections=2)
    tally, opened = Tally("connections and channels of one team"), []
    async with AsyncExitStack() as stack:
        for _ in range(many):
            tally.inputs += 1
            with suppress(*REFUSED):
                opened.append(await stack.enter_async_context(await aio_pika.connect(url, timeout=20)))
        async with channel_of(gate.servers.amqp_url("intake")):
            pass  # others are let in
        most = 0
        for connection in opened:
            channels = 0  # at one too many the broker ends the connection, and with it the others
            with suppress(*REFUSED):
                for _ in range(CHANNELS):
                    tally.inputs += 1
                    await (await connection.channel()).set_qos(prefetch_count=1)
                    channels += 1
            most = max(most, channels)
    if len(opened) > 2 or most > MOST_CHANNELS:
        tally.wrong("more connections or channels than a team has", (len(opened), most))
    return tally


@asynccontextmanager
async def listening(servers: AnyServers) -> AsyncIterator[set[UUID]]:
    """A service's inbox at work, and the complaints that it has heard of."""
    heard: set[UUID] = set()
    inbox, publisher = Inbox(LISTENER), Publisher(servers.amqp_url(LISTENER), LISTENER)

    @inbox.on(ComplaintRegistered)
    async def on_registered(given: Cause[Any]) -> None:
        heard.add(given.complaint)

    await inbox.start(servers.amqp_url(LISTENER), publisher)
    try:
        yield heard
    finally:
        await inbox.stop()
        await publisher.close()


async def _published(servers: AnyServers, ids: list[UUID]) -> bool:
    """Whether the broker confirms all of these, from intake."""
    publisher = Publisher(servers.amqp_url("intake"), "intake")
    parcels = [Parcel(EVENTS, TYPE, TYPE, batch([event(registered(), 1, id)])) for id in ids]
    taken: list[bool] = []
    try:
        for at in range(0, len(ids), 50):
            taken += await publisher.publish(parcels[at : at + 50])
    finally:
        await publisher.close()
    return all(taken)


async def _for_ever(message: AbstractIncomingMessage) -> None:
    await message.nack(requeue=True)


async def _never(message: AbstractIncomingMessage) -> None:
    """Neither acknowledged nor sent back."""


async def hoarding(gate: Gate, many: int) -> Tally:
    """Teams that never acknowledge, and that send everything back for ever, while so much is published."""
    tally, ids = (
        Tally("events published while teams never ack or requeue", many),
        [uuid4() for _ in range(many)],
    )
    teams = {gate.add("hoard", "#", megabytes=1): _never, gate.add("loop", "#", megabytes=1): _for_ever}
    async with AsyncExitStack() as stack:
        for url, answer in teams.items():
            channel = await stack.enter_async_context(logged_in(url))
            name = "team.hoard" if answer is _never else "team.loop"
            await (await channel.get_queue(name, ensure=False)).consume(answer)
        heard = await stack.enter_async_context(listening(gate.servers))
        if not await _published(gate.servers, ids):
            tally.wrong("the broker did not confirm everything")
        try:
            await until(lambda: heard.issuperset(ids), PATIENCE_S)
        except TimeoutError:
            tally.wrong("not all were heard", len(set(ids) - heard))
    for row in gate.rows().values():
        if int(row["size"]) > int(row["limit"]):
            tally.wrong("a queue is over its limit", row)
    return tally


def _intrusions(many: int) -> list[bytes]:
    """What a service that was broken into may send under a type of its own."""
    ours = json.loads(event(registered(), 1))
    kinds: list[bytes] = [
        batch([json.dumps(ours).encode()]),
        batch([json.dumps(ours | {"source": "/redress/survey"}).encode()]),
        batch([json.dumps(ours | {"time": "9999-12-31T23:59:59Z"}).encode()]),
        batch([json.dumps(ours | {"sequence": "9" * 19}).encode()]),
        batch([json.dumps(ours | {"data": {}}).encode()]),
        b"[" * 100_000, b"\xff\xfe", b"", b"{}", b"[null]", b"[" + b"1," * 2_000 + b"1]", b"x" * 5_000_000,
    ]  # fmt: skip
    return [kinds[at % len(kinds)] for at in range(many)]


async def intruding(servers: AnyServers, many: int) -> Tally:
    """So many bad messages from a service that was broken into; each is parked, and the others are heard."""
    tally, ids = Tally("messages of a service that was broken into", many), [uuid4() for _ in range(20)]
    bodies = _intrusions(many)
    async with listening(servers) as heard, channel_of(servers.amqp_url(INTRUDER)) as channel:
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        for body in bodies:
            message = aio_pika.Message(body, user_id=INTRUDER, content_type=BATCH, delivery_mode=2)
            message.headers = {"redress-attempt": 4}  # whoever forges messages forges their headers
            await exchange.publish(message, "survey.answered.v1")
        well = await _published(servers, ids)
        try:
            await until(lambda: heard.issuperset(ids), PATIENCE_S)
        except TimeoutError:
            well = False
        if not well:
            tally.wrong("the house did not go on")
        if heard - set(ids):
            tally.wrong("a forged event was believed")
    parked = await take_all(servers, f"{LISTENER}.parked", 3)
    if lost := len(bodies) - len([each for each in parked if each.headers.get(REASON)]):
        tally.wrong("members that were not parked with a reason", lost)
    return tally
