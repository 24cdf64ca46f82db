"""The storm: every event that was ever told, once more and in any order, into every inbox that listens."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator

import aio_pika

from deploy.local.servers import Servers
from deploy.provision import DEFINITIONS
from shared.bus import OPERATOR
from shared.envelope import BATCH
from tests.faults.witness import Told, unique

GROUP = 25


def listeners() -> dict[str, list[str]]:
    """Event type -> the inboxes bound to it."""
    found: dict[str, list[str]] = defaultdict(list)
    for binding in json.loads(DEFINITIONS.read_text())["bindings"]:
        if binding["destination"].endswith(".inbox"):
            found[binding["routing_key"]].append(binding["destination"])
    return found


async def rage(servers: Servers, told: list[Told], chance: random.Random) -> int:
    """Send all of it as the operator may; returns how many events were redelivered."""
    letters = [
        (inbox, type, group) for type, inboxes in listeners().items() for inbox in inboxes
        for group in _groups([each for each in unique(told) if each.type == type], chance)
    ]  # fmt: skip
    chance.shuffle(letters)
    async with await aio_pika.connect(servers.operator_amqp_url) as connection:
        channel = await connection.channel()
        for inbox, type, group in letters:
            await channel.default_exchange.publish(_message(type, group), inbox)
    return sum(len(group) for _, _, group in letters)


def _groups(told: list[Told], chance: random.Random) -> Iterator[list[Told]]:
    shuffled = chance.sample(told, len(told))
    yield from (shuffled[at : at + GROUP] for at in range(0, len(shuffled), GROUP))


def _message(type: str, group: list[Told]) -> aio_pika.Message:
    return aio_pika.Message(
        json.dumps([each.member for each in group], ensure_ascii=False).encode(),
        content_type=BATCH,
        type=type,
        user_id=OPERATOR,
        message_id=group[0].id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
