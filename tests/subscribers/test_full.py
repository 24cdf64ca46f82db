"""A team that does not read fills its own queue alone: we publish on, everybody else gets everything."""

import asyncio
import json
from uuid import uuid4

import aio_pika
import pytest

from deploy.provision import VHOST
from shared.bus import EVENTS, OPERATOR, Parcel, Publisher
from tests.kit.toy import history
from tests.subscribers.gate import Gate, logged_in, taken, until

TYPE = "complaint.closed.v1"
COUNT, BYTES = 400, 20_000
"""Eight times what a queue of one megabyte holds."""


def parcels(count: int, size: int = BYTES) -> list[Parcel]:
    return [Parcel(EVENTS, TYPE, TYPE, json.dumps(["x" * size]).encode(), id=uuid4()) for _ in range(count)]


async def test_a_full_queue_stops_nobody_and_what_it_lost_is_told(gate: Gate) -> None:
    idle, reader = gate.add("idle", "complaint.*.v1", megabytes=1), gate.add("reader", "complaint.*.v1")
    before = len(await history(gate.servers))
    sent = parcels(COUNT)
    publisher = Publisher(gate.servers.amqp_url("intake"), "intake")
    try:
        confirmed = [
            well for at in range(0, COUNT, 50) for well in await publisher.publish(sent[at : at + 50])
        ]
    finally:
        await publisher.close()
    assert confirmed == [True] * COUNT
    await until(lambda: "nearly full" in gate.rows()["idle"]["look"])
    row = gate.rows()["idle"]
    assert int(row["size"]) <= int(row["limit"]) == 1_000_000
    assert gate.typed("list", "--check").exit_code == 1
    ids = [str(parcel.id) for parcel in sent]
    assert [message.message_id for message in await taken(reader)] == ids
    assert len(await history(gate.servers)) == before + COUNT
    kept = [message.message_id for message in await taken(idle)]
    assert 40 <= len(kept) <= 50
    assert kept == ids[-len(kept) :], "the newest are kept"
    told = "it lost messages: replay them from the history"
    settled = {"waiting": "0", "lost": str(COUNT - len(kept)), "look": told}
    await until(lambda: gate.rows()["idle"] | settled == gate.rows()["idle"])
    await until(lambda: gate.rows()["reader"]["waiting"] == "0")
    assert gate.rows()["reader"] | {"lost": "0", "look": ""} == gate.rows()["reader"]
    assert gate.typed("list", "--check").exit_code == 1
    gone = await taken(gate.servers.admin_amqp_url, "team.idle.lost")
    assert [message.message_id for message in gone] == ids[: -len(kept)], "for whoever asks what it was"
    assert {message.headers["x-first-death-reason"] for message in gone} == {"maxlen"}
    await until(lambda: gate.typed("list", "--check").exit_code == 0)


async def test_what_a_replay_sends_arrives_in_the_teams_queue_alone(gate: Gate) -> None:
    url, other = gate.add("crm", "complaint.closed.v1"), gate.add("bi", "#")
    async with logged_in(gate.servers.operator_amqp_url) as channel:
        await channel.default_exchange.publish(
            aio_pika.Message(b"[]", user_id=OPERATOR), "team.crm", mandatory=True
        )
    assert [message.user_id for message in await taken(url)] == [OPERATOR]
    assert await taken(other) == []


async def test_limits_are_those_that_were_asked_for(gate: Gate) -> None:
    gate.add("crm", megabytes=7, keep_days=3, expire_days=20, connections=4)
    queue = gate.root.get("queues", VHOST, "team.crm")
    assert (queue["type"], queue["durable"]) == ("quorum", True)
    assert queue["arguments"] == {
        "x-dead-letter-exchange": "team.lost",
        "x-dead-letter-routing-key": "team.crm",
        "x-queue-type": "quorum",
        "x-overflow": "drop-head",
        "x-max-length-bytes": 7_000_000,
        "x-message-ttl": 3 * 86_400_000,
        "x-expires": 20 * 86_400_000,
        "x-delivery-limit": 20,
    }
    [limits] = gate.root.get("user-limits", "team.crm")
    assert limits["value"] == {"max-connections": 4, "max-channels": 16}


@pytest.mark.parametrize(
    "words",
    [
        ("--megabytes", 0),
        ("--keep-days", 50),
        ("--expire-days", 50),
        ("--connections", 0),
        ("--keep-days", "x"),
    ],
)
def test_limits_beyond_the_brokers_are_refused(gate: Gate, words: tuple[object, ...]) -> None:
    assert gate.typed("add", "crm", "--topics", "#", *words).exit_code == 2
    assert gate.said("list") == "no team subscribes\n"


def test_the_longest_times_are_taken_by_the_broker(gate: Gate) -> None:
    gate.add("crm", keep_days=49, expire_days=49)


async def test_an_event_that_kills_its_reader_is_given_up_in_the_end(gate: Gate) -> None:
    url = gate.add("crm")
    publisher = Publisher(gate.servers.amqp_url("intake"), "intake")
    assert await publisher.publish(parcels(1, 10)) == [True]
    await publisher.close()
    deaths = 0
    async with asyncio.timeout(180):
        while await dies_over_one(url):
            deaths += 1
    assert deaths == 21
    await until(lambda: gate.rows()["crm"]["lost"] == "1")


async def dies_over_one(url: str) -> bool:
    """Whether there was a message to die over."""
    async with logged_in(url) as channel:
        queue = await channel.get_queue("team.crm", ensure=False)
        return await queue.get(fail=False) is not None
