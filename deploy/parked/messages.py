"""Parked events: seen with their reasons, sent back with the same ids, or given up with a record of it.

Whoever looks holds all messages of a queue at once and gives them back, in their order, by closing the
channel. What is taken away is first where it goes: in the inbox, or as a record in `redress.operations`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from pydantic_core import from_json, to_json

from deploy.provision import SERVICES
from shared import clock
from shared.bus import ATTEMPT, FOREIGN, OPERATOR, REASON
from shared.envelope import BATCH
from shared.events import CATALOGUE
from shared.problems import NotFound, Unavailable

OPERATIONS = "redress.operations"
PATIENCE_S = 10.0
HANDFUL = 60_000
"""Messages that one consumer may hold; without a limit that is said, a quorum queue gives it 2,000."""
UNTOLD = "gave the service no rest: delivered too often"
MASKED = "masked: may be personal"
ENVELOPE = (
    "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema",
    "correlationid", "causationid", "sequence", "traceparent",
)  # fmt: skip
LONGEST = 200
What = Literal["discarded", "shown"]


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that its service could not take, without its content."""

    service: str
    id: str
    type: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Opened:
    """The same with its headers and events; data that may be personal is masked unless it was asked for."""

    parked: Parked
    headers: dict[str, Any]
    events: list[Any]


@dataclass(frozen=True, slots=True)
class Deed:
    """What an operator does with parked messages: who, and why."""

    what: What
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Retried:
    """How many messages were sent back, and how many stay because nobody vouches for who sent them."""

    sent: int
    forged: int


@dataclass(slots=True)
class _Held:
    """All that is parked for a service, in hand."""

    service: str
    channel: AbstractChannel
    messages: list[AbstractIncomingMessage] = field(default_factory=list)

    def wanted(self, id: str | None) -> list[AbstractIncomingMessage]:
        """One by its id, or all. Raises NotFound."""
        found = [each for each in self.messages if id in (None, each.message_id)]
        if id is not None and not found:
            raise NotFound(f"Nothing with the id {id} is parked for {self.service}")
        return found


async def parked(url: str) -> dict[str, int]:
    """How many messages are parked for each service."""
    async with _connected(url) as channel:
        queues = {service: await _queue(channel, f"{service}.parked") for service in SERVICES}
        return {service: queue.declaration_result.message_count or 0 for service, queue in queues.items()}


async def listed(url: str, service: str) -> list[Parked]:
    """Everything that is parked for a service; it stays where it is."""
    async with _holding(url, service, f"{service}.parked") as held:
        return [_parked(service, message) for message in held.messages]


async def shown(url: str, service: str, id: str, deed: Deed | None = None) -> list[Opened]:
    """What is parked under an id, in full for a `deed` that is on record before anybody sees it.

    Raises NotFound.
    """
    async with _holding(url, service, f"{service}.parked") as held:
        found = held.wanted(id)
        if deed is not None:
            await _record(held.channel, deed, [(service, each) for each in found])
        return [
            Opened(_parked(service, each), _plain(each.headers), opened(each.body, personal=deed is not None))
            for each in found
        ]


async def retried(
    url: str, service: str, id: str | None = None, *, only_look: bool = False, forged: bool = False
) -> Retried:
    """Send parked messages back to their service's inbox (one, or all): confirmed first, then taken away.

    What comes back bears the operator's name and is believed. So what somebody published in another's name
    stays where it is, unless it is named by its id and `forged` says that it is known to be that.
    Raises NotFound.
    """
    async with _holding(url, service, f"{service}.parked") as held:
        found = held.wanted(id)
        good = [each for each in found if (forged and id is not None) or is_vouched_for(service, each)]
        for message in [] if only_look else good:
            await held.channel.default_exchange.publish(_again(message), f"{service}.inbox", mandatory=True)
            await message.ack()
        return Retried(len(good), len(found) - len(good))


async def discarded(url: str, service: str, deed: Deed, id: str | None = None) -> int:
    """Give up parked messages (one, or all): on record first, then taken away. Raises NotFound."""
    async with _holding(url, service, f"{service}.parked") as held:
        found = held.wanted(id)
        for message in found:
            await _record(held.channel, deed, [(service, message)])
            await message.ack()
        return len(found)


async def records(url: str) -> list[dict[str, Any]]:
    """All that operators have given up or read in full, the oldest first."""
    async with _holding(url, "", OPERATIONS) as held:
        return [_plain(each.headers) | from_json(each.body) for each in held.messages]


# what is seen


def opened(body: bytes, *, personal: bool = False) -> list[Any]:
    """The events of a message, whose data is masked unless their type is known to hold nothing personal."""
    try:
        members = from_json(body)
    except ValueError:
        members = None
    if not isinstance(members, list):
        unread = body.decode("utf-8", "replace") if personal else MASKED
        return [{"unreadable": unread, "bytes": len(body), "sha256": sha256(body).hexdigest()}]
    return members if personal else [_masked(each) for each in members]


def _masked(member: Any) -> Any:
    kind = CATALOGUE.get(str(member.get("type"))) if isinstance(member, dict) else None
    if not isinstance(member, dict):
        return MASKED
    envelope = {name: str(member[name])[:LONGEST] for name in ENVELOPE if name in member}
    return envelope | {"data": member.get("data") if kind is not None and not kind.private else MASKED}


def _parked(service: str, message: AbstractIncomingMessage) -> Parked:
    attempts = message.headers.get(ATTEMPT, 0)
    known = attempts if isinstance(attempts, int) else 0
    reason = str(message.headers.get(REASON, UNTOLD))
    return Parked(service, message.message_id or "", message.type or "", reason, known)


def _plain(headers: Any) -> dict[str, Any]:
    """Headers as they can be written down."""
    found: dict[str, Any] = from_json(to_json(dict(headers), fallback=str))
    return found


# what is done


async def _record(
    channel: AbstractChannel, deed: Deed, messages: Sequence[tuple[str, AbstractIncomingMessage]]
) -> None:
    """Keep who did what, when and why, with the envelope, and with the data where it is not personal."""
    for service, message in messages:
        told = {"what": deed.what, "by": deed.by, "why": deed.why, "at": clock.machine_now().isoformat()}
        about = {"service": service, "id": message.message_id or "", "type": message.type or ""}
        body = to_json({REASON: _parked(service, message).reason, "events": opened(message.body)})
        record = aio_pika.Message(
            body,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            user_id=OPERATOR,
            headers={**told, **about},
        )
        await channel.default_exchange.publish(record, OPERATIONS, mandatory=True)


def is_vouched_for(service: str, message: AbstractIncomingMessage) -> bool:
    """Whether the events are of the broker's user that published them, as their service or the broker saw.

    The service vouches for what it parked itself. What the broker parked, delivered too often, is as it was
    published: the service has not looked at it, or not to an end.
    """
    if message.user_id == service:
        return FOREIGN not in str(message.headers.get(REASON, ""))
    return message.user_id == OPERATOR or _sources(message.body) == {f"/redress/{message.user_id}"}


def _sources(body: bytes) -> set[str]:
    """Who the events of a message say that they are of; nobody where it cannot be read."""
    try:
        members = from_json(body)
    except ValueError:
        return set()
    read = members if isinstance(members, list) else []
    return {str(each.get("source")) if isinstance(each, dict) else "" for each in read}


def _again(message: AbstractIncomingMessage) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        content_type=message.content_type or BATCH,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        type=message.type,
        user_id=OPERATOR,
    )


@asynccontextmanager
async def _holding(url: str, service: str, name: str) -> AsyncIterator[_Held]:
    """All messages of a queue; those that were not acknowledged are back, in their order, when it ends."""
    async with _connected(url) as channel:
        held, looking = _Held(service, channel), await channel.get_queue(name, ensure=False)
        count = (await _queue(channel, name)).declaration_result.message_count or 0
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await channel.set_qos(prefetch_count=HANDFUL)
        tags = [await looking.consume(arrived.put) for _ in range(count // HANDFUL + 1)]
        try:
            while len(held.messages) < count:
                async with asyncio.timeout(PATIENCE_S):
                    held.messages.append(await arrived.get())
        except TimeoutError:
            raise Unavailable(f"{name} does not give what it has; does somebody else look?") from None
        for tag in tags:
            await looking.cancel(tag)
        yield held
    rest = sum(not each.processed for each in held.messages)
    await _until_back(url, name, rest)


async def _until_back(url: str, name: str, count: int) -> None:
    """Whoever looks next finds them: nobody confirms what a closed channel gives back."""
    async with _connected(url) as channel:
        for _ in range(int(PATIENCE_S / 0.05)):
            if ((await _queue(channel, name)).declaration_result.message_count or 0) >= count:
                return
            await asyncio.sleep(0.05)


async def _queue(channel: AbstractChannel, name: str) -> AbstractQueue:
    return await channel.declare_queue(name, passive=True)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(url)
    async with connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)
