"""The inbox: what is handled, what is parked with which reason, what is tried again."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import pytest

from deploy.local.servers import Servers
from deploy.parked import messages as parking
from shared.bus import ATTEMPT, REASON, Parcel, Publisher
from shared.envelope import Cause, batch, to_cloudevent, write
from shared.events import ComplaintRegistered, Fact
from shared.inbox import Inbox
from shared.problems import Conflict
from tests.kit.complaint import registered
from tests.kit.servers import AnyServers
from tests.kit.toy import cause, channel_of, take_all

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
async def clean(servers: AnyServers) -> None:
    for queue in (
        "redress.retry.5s",
        "triage.inbox",
        "triage.parked",
        "intake.inbox",
        "sla.inbox",
        "notify.inbox",
        "survey.inbox",
    ):
        await take_all(servers, queue, 0.1)


def event(fact: Fact | None = None, id: UUID | None = None) -> bytes:
    """One event of intake in the JSON event format."""
    why = cause(id or uuid4())
    made = write(fact or registered(), service="intake", position=0, sequence=1, now=why.time, cause=why)
    return to_cloudevent(made, why.id)


def changed(**attributes: Any) -> bytes:
    return json.dumps(json.loads(event()) | attributes).encode()


class Ear:
    """A listener that remembers, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.heard: list[UUID] = []
        self.fail: Callable[[Cause[Any]], Exception | None] = lambda event: None

    async def __call__(self, event: Cause[Any]) -> None:
        if error := self.fail(event):
            raise error
        self.heard.append(event.complaint)

    async def until(self, count: int, seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while len(self.heard) < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(servers: AnyServers) -> AsyncIterator[tuple[Ear, Inbox]]:
    ear, inbox = Ear(), Inbox("triage")
    inbox.on(ComplaintRegistered)(ear)
    publisher = Publisher(servers.amqp_url("triage"), "triage")
    await inbox.start(servers.amqp_url("triage"), publisher)
    try:
        yield ear, inbox
    finally:
        await inbox.stop()
        await publisher.close()


async def send(servers: AnyServers, body: bytes, **headers: Any) -> None:
    """Put a message into triage's inbox as one of the services would."""
    async with channel_of(servers.amqp_url("intake")) as channel:
        exchange = await channel.get_exchange("redress.events", ensure=False)
        message = aio_pika.Message(
            body, user_id="intake", headers=headers, message_id=str(uuid4()), delivery_mode=2
        )
        await exchange.publish(message, "complaint.registered.v1")


async def test_a_batch_is_handled_event_by_event(servers: AnyServers) -> None:
    ids = [uuid4() for _ in range(50)]
    async with listening(servers) as (ear, inbox):
        assert inbox.ready
        await send(servers, batch([event(id=id) for id in ids]))
        await ear.until(50)
    assert sorted(ear.heard) == sorted(ids)
    assert await take_all(servers, "triage.inbox", 0.3) == []


POISON: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{nonsense", "not JSON"),
    "no UTF-8": (b'["\xff"]', "not JSON"),
    "no array": (b"{}", "not a JSON array"),
    "no event": (b"[1]", "not a CloudEvent"),
    "no id": (batch([changed(id=None)]), "#/id"),
    "another version": (batch([changed(specversion="0.3")]), "#/specversion"),
    "another source": (batch([changed(source="/redress/sla")]), "published by intake alone"),
}


@pytest.mark.parametrize("name", POISON)
async def test_poison_is_parked_with_its_reason_and_the_queue_goes_on(servers: AnyServers, name: str) -> None:
    body, reason = POISON[name]
    async with listening(servers) as (ear, _):
        await send(servers, body)
        await send(servers, batch([event()]))
        await ear.until(1)
    (found,) = await take_all(servers, "triage.parked")
    assert reason in str(found.headers[REASON])
    assert await take_all(servers, "triage.inbox", 0.3) == []


async def test_one_bad_event_does_not_hold_up_its_batch(servers: AnyServers) -> None:
    async with listening(servers) as (ear, _):
        await send(servers, batch([event(), changed(source="/redress/sla"), event()]))
        await ear.until(2)
    (found,) = await take_all(servers, "triage.parked")
    assert len(json.loads(found.body)) == 1


async def test_an_event_of_one_service_from_another_services_user_is_parked(servers: AnyServers) -> None:
    async with listening(servers) as (ear, _), channel_of(servers.amqp_url("survey")) as channel:
        exchange = await channel.get_exchange("redress.events", ensure=False)
        await exchange.publish(aio_pika.Message(batch([event()]), user_id="survey"), "survey.answered.v1")
        async with asyncio.timeout(90):
            while not (found := await take_all(servers, "triage.parked", 0.5)):
                await asyncio.sleep(0.2)
    assert "came from broker user 'survey'" in str(found[0].headers[REASON])
    assert ear.heard == []


async def test_the_broker_refuses_a_foreign_event_and_a_borrowed_name(servers: AnyServers) -> None:
    for user, key, name in (("sla", "complaint.graded.v1", "sla"), ("sla", "deadline.set.v1", "triage")):
        async with channel_of(servers.amqp_url(user)) as channel:
            exchange = await channel.get_exchange("redress.events", ensure=False)
            with pytest.raises(Exception, match=r"ACCESS_REFUSED|PRECONDITION_FAILED"):
                await exchange.publish(aio_pika.Message(b"[]", user_id=name), key)


async def test_what_a_rule_refuses_is_parked_at_once(servers: AnyServers) -> None:
    async with listening(servers) as (ear, _):
        ear.fail = lambda event: Conflict("this cannot be")
        await send(servers, batch([event()]))
        async with asyncio.timeout(90):
            while not (found := await take_all(servers, "triage.parked", 0.3)):
                pass
    assert found[0].headers[REASON] == "this cannot be"


async def test_a_passing_fault_is_tried_again_after_a_delay_under_the_same_id(servers: AnyServers) -> None:
    good, bad = uuid4(), uuid4()
    tries: list[UUID] = []

    def fail_once(event: Cause[Any]) -> Exception | None:
        if event.complaint == bad:
            tries.append(event.id)
        return RuntimeError("13800000001 is away") if event.complaint == bad and len(tries) == 1 else None

    async with listening(servers) as (ear, _):
        ear.fail = fail_once
        await send(servers, batch([event(id=bad), event(id=good)]))
        await ear.until(1)
        assert ear.heard == [good]
        await ear.until(2, 20)
    assert ear.heard == [good, bad]
    assert tries[0] == tries[1]
    assert await take_all(servers, "triage.parked", 0.3) == []


async def test_after_the_last_delay_it_is_parked_without_the_errors_words(servers: AnyServers) -> None:
    async with listening(servers) as (ear, _):
        ear.fail = lambda event: RuntimeError("13800000001 is away")
        await send(servers, batch([event()]), **{ATTEMPT: 4})
        async with asyncio.timeout(90):
            while not (found := await take_all(servers, "triage.parked", 0.3)):
                pass
    reason = str(found[0].headers[REASON])
    assert "RuntimeError" in reason
    assert "13800000001" not in reason


async def test_a_parked_event_is_listed_and_sent_back_with_the_same_id(servers: AnyServers) -> None:
    id = uuid4()
    async with listening(servers) as (ear, _):
        ear.fail = lambda event: Conflict("not yet")
        await send(servers, batch([event(id=id)]))
        async with asyncio.timeout(90):
            while (await parking.parked(servers.operator_amqp_url))["triage"] == 0:
                await asyncio.sleep(0.1)
        (listed,) = await parking.listed(servers.operator_amqp_url, "triage")
        assert listed.reason == "not yet"
        assert (await parking.parked(servers.operator_amqp_url))["triage"] == 1
        ear.fail = lambda event: None
        assert (await parking.retried(servers.operator_amqp_url, "triage", listed.id)).sent == 1
        await ear.until(1)
    assert ear.heard == [id]
    assert await take_all(servers, "triage.parked", 0.3) == []


async def test_one_of_several_parked_events_is_sent_back_alone(servers: AnyServers) -> None:
    ids = [uuid4() for _ in range(3)]
    async with listening(servers) as (ear, _):
        ear.fail = lambda event: Conflict("not yet")
        for id in ids:
            await send(servers, batch([event(id=id)]))
        async with asyncio.timeout(90):
            while len(await parking.listed(servers.operator_amqp_url, "triage")) < 3:
                await asyncio.sleep(0.1)
        last = (await parking.listed(servers.operator_amqp_url, "triage"))[-1]
        ear.fail = lambda event: None
        assert (await parking.retried(servers.operator_amqp_url, "triage", last.id)).sent == 1
        await ear.until(1)
    assert len(ear.heard) == 1
    assert len(await take_all(servers, "triage.parked", 0.5)) == 2


async def test_a_sender_cannot_make_the_service_answer(servers: AnyServers) -> None:
    async with listening(servers) as (ear, _), channel_of(servers.admin_amqp_url) as channel:
        mine = await channel.declare_queue("asked", durable=True, auto_delete=True)
        exchange = await channel.get_exchange("redress.events", ensure=False)
        asking = aio_pika.Message(batch([event()]), reply_to="asked", user_id="admin")
        await exchange.publish(asking, "complaint.registered.v1")
        await send(servers, batch([event()]))
        await ear.until(1)
        await asyncio.sleep(0.3)
        assert await mine.get(fail=False) is None
        await mine.delete(if_empty=False, if_unused=False)
    await take_all(servers, "triage.parked", 0.3)


async def test_stopping_swallows_nothing(servers: AnyServers) -> None:
    """Consumers are cancelled first: what is begun is finished, the rest goes back untouched."""
    begun = asyncio.Event()
    heard: list[UUID] = []

    async def slow(event: Cause[Any]) -> None:
        begun.set()
        await asyncio.sleep(0.5)
        heard.append(event.complaint)

    inbox = Inbox("triage")
    inbox.on(ComplaintRegistered)(slow)
    publisher = Publisher(servers.amqp_url("triage"), "triage")
    for _ in range(80):  # all of them wait before it begins: more than it takes at once
        await send(servers, batch([event()]))
    await inbox.start(servers.amqp_url("triage"), publisher)
    await begun.wait()
    await inbox.stop()
    await publisher.close()
    rest = await take_all(servers, "triage.inbox")
    assert len(heard) + len(rest) == 80
    assert all(message.headers.get("x-delivery-count", 0) == 0 for message in rest)


async def test_a_broker_that_is_killed_is_found_again(breakable: Servers) -> None:
    async with listening(breakable) as (ear, inbox):
        await send(breakable, batch([event()]))
        await ear.until(1)
        breakable.kill("broker")
        async with asyncio.timeout(90):
            while inbox.ready:
                await asyncio.sleep(0.05)
        await breakable.restart("broker")
        async with asyncio.timeout(90):
            while not inbox.ready:
                await asyncio.sleep(0.05)
        await send(breakable, batch([event()]))
        await ear.until(2, 30)


async def test_parcels_survive_a_broker_that_comes_back(breakable: Servers) -> None:
    publisher = Publisher(breakable.amqp_url("triage"), "triage")
    parcel = Parcel("redress.events", "complaint.graded.v1", "complaint.graded.v1", b"[]")
    assert await publisher.publish([parcel]) == [True]
    breakable.kill("broker")
    await breakable.restart("broker")
    taken: list[bool] = []
    async with asyncio.timeout(90):
        while taken != [True]:
            try:
                taken = await publisher.publish([parcel])
            except Exception:
                await asyncio.sleep(0.1)
    await publisher.close()
