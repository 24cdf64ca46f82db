"""Old and new versions of events side by side: fewer fields, more fields, types that not everybody knows."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from aio_pika import Message
from pydantic_core import from_json

from shared.bus import ATTEMPT, REASON, TIERS, Publisher
from shared.envelope import batch, from_cloudevent
from shared.events import CATALOGUE, ComplaintFedBack, ComplaintRegistered, Fact
from shared.inbox import Inbox
from tests.house.test_events import published, whole
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of, take_all
from tests.shared.test_bus import Ear, changed, clean, event, listening, send

__all__ = ["clean"]
"""A fixture that lives beside the other tests of inboxes."""

TWO_TIERS_S = 60
UNFAMILIAR: dict[str, tuple[bytes, str]] = {
    "unknown type": (batch([changed(type="complaint.sung.v1")]), "No event of type"),
    "broken data": (batch([changed(data={"pack": "base"})]), "#/pack_version"),
    "not subscribed": (batch([changed(type="complaint.fed_back.v1", data={"cycle": 1})]), "does not listen"),
}


def member(kind: type[Fact]) -> dict[str, Any]:
    (found,) = from_json(published(kind.model_validate(whole(kind))))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("type", CATALOGUE)
def test_an_event_of_an_older_version_is_read_without_the_fields_that_came_later(type: str) -> None:
    kind = CATALOGUE[type]
    required = {each.alias or name for name, each in kind.model_fields.items() if each.is_required()}
    old = member(kind)
    old["data"] = {name: value for name, value in old["data"].items() if name in required}
    assert from_cloudevent(old).type == type


@pytest.mark.parametrize("type", CATALOGUE)
def test_an_event_of_a_newer_version_is_read_without_the_fields_that_are_not_known(type: str) -> None:
    new = member(CATALOGUE[type]) | {"partitionkey": "7", "datacontenttype": "application/json"}
    new["data"]["unheard_of"] = {"deep": [1]}
    assert from_cloudevent(new) == from_cloudevent(member(CATALOGUE[type]))


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("name", UNFAMILIAR)
async def test_what_a_newer_version_may_have_sent_is_tried_again_before_it_is_parked(
    servers: AnyServers, name: str
) -> None:
    body, reason = UNFAMILIAR[name]
    async with listening(servers) as (ear, _):
        await send(servers, body)
        await send(servers, batch([event()]))
        await ear.until(1)
        assert await take_all(servers, "triage.parked", 0.3) == []
        waiting = await take_all(servers, "redress.retry.5s")
        (delayed,) = [each for each in waiting if json.loads(each.body) == json.loads(body)]
        await send(servers, delayed.body, **{ATTEMPT: len(TIERS)})
        await send(servers, batch([event()]))
        await ear.until(2)
    (found,) = await take_all(servers, "triage.parked")
    assert reason in str(found.headers[REASON])
    assert json.loads(found.body) == json.loads(body)


@asynccontextmanager
async def replica(servers: AnyServers, ear: Ear, *kinds: type[Fact]) -> AsyncIterator[None]:
    """One replica of triage: it knows these events."""
    inbox = Inbox("triage")
    inbox.on(*kinds)(ear)
    publisher = Publisher(servers.amqp_url("triage"), "triage")
    await inbox.start(servers.amqp_url("triage"), publisher)
    try:
        yield
    finally:
        await inbox.stop()
        await publisher.close()


def fed_back(id: UUID) -> bytes:
    return event(ComplaintFedBack.model_validate(whole(ComplaintFedBack)), id)


@pytest.mark.usefixtures("clean")
async def test_a_type_that_only_the_newer_replica_knows_reaches_it_in_the_end(servers: AnyServers) -> None:
    """Both are on one inbox in the middle of an upgrade; what the older one got first comes back once."""
    old, new, ids = Ear(), Ear(), [uuid4() for _ in range(20)]
    async with AsyncExitStack() as upgraded:
        async with replica(servers, old, ComplaintRegistered):
            for id in ids[:10]:
                await send(servers, batch([fed_back(id), event(id=id)]))
            await old.until(10)
            await upgraded.enter_async_context(replica(servers, new, ComplaintRegistered, ComplaintFedBack))
            for id in ids[10:]:
                await send(servers, batch([fed_back(id)]))
        await new.until(20, TWO_TIERS_S)
    assert sorted(old.heard) == sorted(ids[:10])
    assert sorted(new.heard) == sorted(ids)
    assert await take_all(servers, "triage.parked", 0.3) == []


@pytest.mark.usefixtures("clean")
async def test_a_second_version_of_a_type_is_heard_beside_the_first_by_whoever_is_bound(
    servers: AnyServers,
) -> None:
    """Published on the way that its name opens; nobody who is not bound to it is troubled."""
    ear = Ear()
    async with replica(servers, ear, ComplaintRegistered), channel_of(servers.admin_amqp_url) as channel:
        team = await channel.declare_queue("team.versions", durable=True)
        for version in ("v1", "v2"):
            await team.bind("redress.events", f"complaint.registered.{version}")
        exchange = await channel.get_exchange("redress.events", ensure=False)
        second = json.loads(event()) | {"type": "complaint.registered.v2"}
        await exchange.publish(Message(json.dumps([second]).encode(), user_id="admin"), second["type"])
        await send(servers, batch([event()]))
        await ear.until(1)
        got = [(await team.get(timeout=5)).routing_key for _ in range(2)]
        await team.delete(if_empty=False, if_unused=False)
    assert got == ["complaint.registered.v2", "complaint.registered.v1"]
    for queue in ("triage.inbox", "triage.parked", "redress.retry.5s"):
        assert [each for each in await take_all(servers, queue, 0.3) if b".v2" in each.body] == []
