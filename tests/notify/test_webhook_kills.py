"""Killed while it delivers: no event is missing, and what comes again has the same webhook-id."""

import asyncio
import json
import random
from collections import defaultdict
from pathlib import Path
from uuid import uuid4

from bench.measure import Client
from bench.webhooks import happened, keys, name_of
from deploy.local.servers import Servers
from deploy.local.system import System
from services.notify.ticker.webhooks import LANE
from shared.bus import EVENTS, PRIVATE, Parcel, Publisher
from shared.envelope import Cause, batch, to_cloudevent
from shared.events import ContactRecorded, EvidenceAdded, Fact
from tests.kit.webhooks import LOCAL, OK, Message, Receiver, receiver

EVENTS_SENT, KILLS, SEED = 80, 3, 1


async def publish(publisher: Publisher, exchange: str, told: Cause[Fact]) -> None:
    body = batch([to_cloudevent(told, told.id)])
    assert await publisher.publish([Parcel(exchange, told.type, told.type, body)]) == [True]


async def registered(system: System, url: str) -> None:
    async with system.client(name_of(0)) as client:
        body = {"url": url, "types": ["complaint.*"]}
        answer = await client.post(f"{system.url('notify')}/v1/webhooks", json=body)
        answer.raise_for_status()


async def until_all_ended(servers: Servers, count: int) -> None:
    async with Client(servers.admin_mongo_url, uuidRepresentation="standard") as database:
        documents = database["notify"]["notices"]
        async with asyncio.timeout(200):
            while await documents.count_documents({"webhook_state": "delivered"}) < count:
                await asyncio.sleep(0.5)


async def killed_often(system: System, there: Receiver) -> None:
    """Each time in the midst of attempts, after a number of arrivals that the seed tells."""
    chance = random.Random(SEED)
    for _ in range(KILLS):
        await there.until(len(there.received) + chance.randrange(3, 15), seconds=200)
        await asyncio.sleep(chance.random() * 0.03)
        system.kill("notify")
        system.launch("notify")
    await system.ready(["notify"])


async def test_no_event_is_missing_after_kills(breakable: Servers, tmp_path: Path) -> None:
    async def slow(message: Message, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(OK)

    environment = {"REDRESS_API_KEYS": keys(1), "REDRESS_WEBHOOK_NETWORKS": LOCAL}
    system, complaint = System(breakable, tmp_path / "system", environment), uuid4()
    publisher = Publisher(breakable.amqp_url("intake"), "intake")
    events = [EvidenceAdded(number=n, media_type="text/plain", size=1) for n in range(EVENTS_SENT)]
    told = [happened(complaint, each) for each in events]
    async with receiver(behave=slow) as there:
        try:
            system.launch("notify")
            await system.ready(["notify"])
            await registered(system, there.url)
            contact = ContactRecorded(name="Ann Example", partner=name_of(0))
            await publish(publisher, PRIVATE, happened(complaint, contact))
            killing = asyncio.create_task(killed_often(system, there))
            for each in told:
                await publish(publisher, EVENTS, each)
            await killing
            await until_all_ended(breakable, EVENTS_SENT)
        finally:
            await publisher.close()
            await system.stop()
    messages = defaultdict[str, set[str]](set)
    for message in there.received:
        messages[json.loads(message.body)["id"]].add(message.id)
    assert set(messages) == {str(each.id) for each in told}
    assert {len(ids) for ids in messages.values()} == {1}
    assert len(set.union(*messages.values())) == EVENTS_SENT
    assert 0 < len(there.received) - EVENTS_SENT <= KILLS * LANE
