"""The relay: every debt is published, once in the ordinary way, and never lost in any other."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from deploy.local.servers import Servers
from shared.bus import Parcel, Publisher
from shared.driver import STALE
from shared.mongo import Store
from shared.outbox import Relay
from shared.tasks import end
from tests.kit.servers import AnyServers
from tests.kit.toy import Count, add, admin_of, cause, events_in, take_all, toy_store


@asynccontextmanager
async def relay(servers: AnyServers, store: Store[Count]) -> AsyncIterator[Relay]:
    publisher = Publisher(servers.amqp_url("triage"), "triage")
    carrying = Relay(store, publisher)
    store._committer.on_owed = carrying.owe
    task = asyncio.create_task(carrying.run())
    try:
        yield carrying
    finally:
        await end(task)
        await carrying.stop()
        await publisher.close()


async def owing(servers: AnyServers) -> int:
    """How many documents owe something."""
    async with admin_of(servers) as client:
        return await client["triage"]["gradings"].count_documents({"outbox.0": {"$exists": True}})


async def until_paid(servers: AnyServers, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while await owing(servers):
            await asyncio.sleep(0.05)


async def age(servers: AnyServers, id: UUID, ms: int = 60_000) -> None:
    """Make a debt look as old as a crash would leave it."""
    async with admin_of(servers) as client:
        documents = client["triage"]["gradings"]
        await documents.update_one({"_id": id}, [{"$set": {"owed_at": {"$subtract": ["$$NOW", ms]}}}])


@pytest.fixture
async def empty(servers: AnyServers) -> AnyServers:
    """The servers without anything that earlier tests left owed or published."""
    async with admin_of(servers) as client:
        await client["triage"]["gradings"].delete_many({})
    for service in ("intake", "triage", "sla"):
        await take_all(servers, f"{service}.inbox", 0.2)
        await take_all(servers, f"{service}.parked", 0.2)
    return servers


async def test_debts_are_published_in_batches_and_struck_out(empty: AnyServers) -> None:
    async with toy_store(empty) as store, relay(empty, store):
        ids = [uuid4() for _ in range(300)]
        await asyncio.gather(*(store.update(id, add, cause(id)) for id in ids))
        await until_paid(empty)
        messages = await take_all(empty, "sla.inbox")
    assert sorted(str(event.complaint) for event in events_in(messages)) == sorted(map(str, ids))
    assert len(messages) < 30


async def test_one_documents_events_come_in_order(empty: AnyServers) -> None:
    async with toy_store(empty) as store, relay(empty, store):
        id = uuid4()
        for number in range(30):
            await store.update(id, add, cause(id, str(number)))
        await until_paid(empty)
        events = events_in(await take_all(empty, "sla.inbox"))
    assert [event.sequence for event in events] == list(range(1, 31))


async def test_what_a_crash_left_behind_is_swept_up(empty: AnyServers) -> None:
    async with toy_store(empty) as crashed:
        id = uuid4()
        await crashed.update(id, add, cause(id))
    await age(empty, id)
    async with toy_store(empty) as store, relay(empty, store):
        await until_paid(empty)
        events = events_in(await take_all(empty, "sla.inbox"))
    assert [event.complaint for event in events] == [id]


async def test_a_crash_between_confirm_and_strike_out_repeats_the_same_id(empty: AnyServers) -> None:
    async with toy_store(empty) as crashed:
        id = uuid4()
        await crashed.update(id, add, cause(id))
        await age(empty, id)
        owed = await crashed.lease_owed(10)
        publisher = Publisher(empty.amqp_url("triage"), "triage")
        body = b"[" + owed[0].body + b"]"
        assert await publisher.publish([Parcel("redress.events", owed[0].type, owed[0].type, body)]) == [True]
        await publisher.close()
    await age(empty, id)
    async with toy_store(empty) as store, relay(empty, store):
        await until_paid(empty)
        events = events_in(await take_all(empty, "sla.inbox"))
    assert len(events) == 2
    assert len({event.id for event in events}) == 1


async def test_what_a_machine_with_a_fast_clock_owed_is_not_waited_for(empty: AnyServers) -> None:
    async with toy_store(empty) as one, toy_store(empty) as other:
        ids = [uuid4() for _ in range(3)]
        for id, ms in zip(ids, (-600_000, -2_000, 600_000), strict=True):
            await one.update(id, add, cause(id))
            await age(empty, id, ms)
        assert {each.document for each in await other.lease_owed(10)} == {ids[0], ids[2]}
        plan = await other._documents.find(STALE, {"_id": 1}).sort("owed_at").limit(10).explain()
    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
    assert plan["executionStats"]["totalDocsExamined"] <= 4


async def test_a_lease_keeps_other_replicas_away(empty: AnyServers) -> None:
    async with toy_store(empty) as one, toy_store(empty) as other:
        id = uuid4()
        await one.update(id, add, cause(id))
        assert await other.lease_owed(10) == []
        await age(empty, id)
        first, second = await asyncio.gather(one.lease_owed(10), other.lease_owed(10))
        assert len(first) + len(second) == 1
        await one.release_owed(first or second)
        assert len(await other.lease_owed(10)) == 1


async def test_a_broker_that_is_away_is_waited_for(breakable: Servers) -> None:
    async with toy_store(breakable) as store, relay(breakable, store) as carrying:
        before, meanwhile = uuid4(), uuid4()
        await store.update(before, add, cause(before))
        await until_paid(breakable)
        breakable.kill("broker")
        await store.update(meanwhile, add, cause(meanwhile))  # taken in all the same
        async with asyncio.timeout(90):
            while not carrying.away:
                await asyncio.sleep(0.05)
        assert await owing(breakable) == 1
        await breakable.restart("broker")
        await until_paid(breakable, 40)
        events = events_in(await take_all(breakable, "sla.inbox", 2))
    assert {event.complaint for event in events} == {before, meanwhile}


async def test_a_broker_that_freezes_does_not_take_the_relay_with_it(breakable: Servers) -> None:
    """A publish to a frozen broker may end with CancelledError though nobody cancelled it."""
    async with toy_store(breakable) as store, relay(breakable, store) as carrying:
        first, second = uuid4(), uuid4()
        await store.update(first, add, cause(first))
        await until_paid(breakable)
        os.kill(breakable.pids["broker"], signal.SIGSTOP)
        await store.update(second, add, cause(second))
        async with asyncio.timeout(90):
            while not carrying.away:
                await asyncio.sleep(0.1)
        os.kill(breakable.pids["broker"], signal.SIGCONT)
        await until_paid(breakable, 40)
        events = events_in(await take_all(breakable, "sla.inbox", 2))
    assert {event.complaint for event in events} == {first, second}


async def test_what_cannot_be_routed_is_kept(empty: AnyServers) -> None:
    """A type that its owner may publish, and that no queue is bound to."""
    publisher = Publisher(empty.amqp_url("intake"), "intake")
    lost = Parcel("redress.private", "contact.recorded.v9", "contact.recorded.v9", b"[]")
    kept = Parcel("redress.events", "complaint.closed.v1", "complaint.closed.v1", b"[]")
    assert await publisher.publish([lost]) == [False]
    assert await publisher.publish([kept]) == [True]
    await publisher.close()


async def test_messages_are_persistent_and_signed_by_their_user(empty: AnyServers) -> None:
    async with toy_store(empty) as store, relay(empty, store):
        id = uuid4()
        await store.update(id, add, cause(id))
        await until_paid(empty)
        (message,) = await take_all(empty, "sla.inbox")
    assert message.delivery_mode == 2
    assert (message.user_id, message.app_id, message.type) == ("triage", "triage", "complaint.graded.v1")
    assert message.content_type == "application/cloudevents-batch+json"
    assert message.message_id
