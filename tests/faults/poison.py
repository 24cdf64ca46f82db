"""Poison: messages that no service can take, and in which parked queue each must end, for which reason."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from deploy.local.servers import Servers
from deploy.provision import ADMIN, SERVICES
from shared.bus import ATTEMPT, OPERATOR, REASON, TIERS
from shared.inbox import LARGEST_BATCH
from tests.faults.witness import Told, surely

PADDING = "x" * 1_000


@dataclass(frozen=True)
class Poison:
    """A message for the inbox of a service, known again by its token; `reason` is why it must be parked."""

    token: str
    service: str
    body: bytes
    reason: str
    user: str = OPERATOR

    async def put(self, servers: Servers) -> None:
        """Put it into the inbox; now and then it gets there twice. Raises when the broker is away."""
        message = aio_pika.Message(
            self.body,
            user_id=self.user,
            headers={ATTEMPT: len(TIERS)},  # what may be of a newer version is parked at once, not in an hour
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        async with await aio_pika.connect(servers.amqp_url(self.user)) as connection:
            channel = await connection.channel()
            await channel.default_exchange.publish(message, f"{self.service}.inbox")


def brew(service: str, known: Told | None, chance: random.Random) -> Iterator[Poison]:
    """One of each kind; `known` is a true event that somebody else sends again as if it were a new one."""

    def token() -> str:
        return f"poison-{chance.getrandbits(64):016x}"

    def event(token: str, **changed: Any) -> bytes:
        return json.dumps([_event(token, chance) | changed]).encode()

    name = token()
    yield Poison(name, service, f'{{"{name}'.encode(), "The body is not JSON")
    name = token()
    yield Poison(name, service, f'["{name}'.encode() + b'\xff"]', "The body is not JSON")
    name = token()
    yield Poison(name, service, event(name, id=None), "This is not a CloudEvent")
    name = token()
    yield Poison(name, service, event(name, type="complaint.sung.v1"), "No event of type")
    name = token()
    yield Poison(name, service, event(name, data={"nothing": 1}), "The data does not fit")
    name = token()
    huge = json.dumps([name, *(PADDING for _ in range(LARGEST_BATCH))]).encode()
    yield Poison(name, service, huge, "The batch holds")
    if known is not None:
        name = token()
        forged = json.dumps([known.member | {"id": str(_uuid(chance)), "subject": name}]).encode()
        yield Poison(name, service, forged, "came from broker user", ADMIN)


def _event(token: str, chance: random.Random) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(_uuid(chance)),
        "source": "/redress/intake",
        "type": "complaint.registered.v1",
        "subject": token,
        "time": "2026-06-01T00:00:00Z",
        "correlationid": str(_uuid(chance)),
        "sequence": "0000000001",
        "data": {},
    }


def _uuid(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128), version=4)


@dataclass(frozen=True)
class Parked:
    """A message in a parked queue."""

    service: str
    reason: str
    body: bytes


async def parked(servers: Servers) -> list[Parked]:
    """All that is parked; it stays there. Raises TimeoutError if the broker does not tell."""
    found: list[Parked] = []

    async def look() -> None:
        async with await aio_pika.connect(servers.admin_amqp_url) as connection:
            channel = await connection.channel()
            found[:] = [each for service in SERVICES for each in await _in(channel, service)]

    if not await surely(look):
        raise TimeoutError("the broker does not tell what is parked")
    return found


async def _in(channel: aio_pika.abc.AbstractChannel, service: str) -> list[Parked]:
    queue = await channel.get_queue(f"{service}.parked", ensure=False)
    messages: list[AbstractIncomingMessage] = []
    while (message := await queue.get(fail=False)) is not None:
        messages.append(message)
    return [Parked(service, str(each.headers.get(REASON)), each.body) for each in messages]


def judged(poisons: Sequence[Poison], found: Sequence[Parked]) -> tuple[list[str], Counter[str]]:
    """What is parked and should not be, or should be and is not; and what else there is to tell."""
    wrong, notes, seen = [], Counter[str](), Counter[str]()
    for each in found:
        poison = next((one for one in poisons if one.token.encode() in each.body), None)
        if poison is None:
            wrong.append(f"{each.service}.parked holds what nobody poisoned: {each.reason}")
        elif poison.service != each.service or poison.reason not in each.reason:
            wrong.append(f"{each.service}.parked holds poison for {poison.service}: {each.reason}")
        else:
            seen[poison.token] += 1
    for poison in poisons:
        if not seen[poison.token]:
            wrong.append(f"{poison.service}.parked lacks a message that should be there: {poison.reason}")
    notes["poisonous messages parked"] = len(seen)
    notes["of them parked again after a blow"] = sum(seen.values()) - len(seen)
    return wrong, notes
