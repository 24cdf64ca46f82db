"""The bus: events out with confirms, batches of events in, and what becomes of an event that fails.

Out and in go over two connections, because a broker under a memory alarm blocks every connection that
publishes, acknowledgements included. Exchanges and queues are declared by nobody here: the broker loads
`deploy/broker/definitions.json` before any service starts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPConnectionError
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.annotations import RabbitMessage
from faststream.rabbit.subscriber import RabbitSubscriber
from pydantic_core import to_json

from shared import telemetry
from shared.envelope import BATCH, Cause, batch, from_cloudevent, open_batch
from shared.events import CATALOGUE, Fact
from shared.problems import Invalid, Malformed, Problem, Unavailable

Handler = Callable[[Cause[Any]], Awaitable[None]]

EVENTS = "redress.events"
PRIVATE = "redress.private"
PARKED = "redress.parked"
TIERS = ("5s", "30s", "5m", "30m")
ATTEMPT = "redress-attempt"
REASON = "redress-reason"
OPERATOR = "operator"
PREFETCH = 32
LARGEST_BATCH = 1_000
CONFIRM_S = 5.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message to be published: a batch of events of one type, or something to delay or park."""

    exchange: str
    key: str
    type: str
    body: bytes
    headers: dict[str, str | int] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid4)


class Publisher:
    """A connection that only publishes: persistent, mandatory, confirmed, under the service's own name."""

    def __init__(self, url: str, service: str) -> None:
        self._url = url
        self._service = service
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()

    async def publish(self, parcels: Sequence[Parcel]) -> list[bool]:
        """Which parcels the broker has taken on. Raises Unavailable if it is away."""
        channel = await self._open()
        sending = [asyncio.create_task(self._send(channel, parcel)) for parcel in parcels]
        try:
            done, late = await asyncio.wait(sending, timeout=CONFIRM_S)
        finally:
            for task in sending:
                task.cancel()
        if late:
            await self.close()
        if len(late) == len(sending):
            raise Unavailable("The broker does not confirm")
        return [
            task in done and self._went_well(task, parcel)
            for task, parcel in zip(sending, parcels, strict=True)
        ]

    async def _send(self, channel: AbstractChannel, parcel: Parcel) -> None:
        message = aio_pika.Message(
            parcel.body,
            content_type=BATCH,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=str(parcel.id),
            type=parcel.type,
            app_id=self._service,
            user_id=self._service,
            headers=dict(parcel.headers),
        )
        exchange = await channel.get_exchange(parcel.exchange, ensure=False)
        await exchange.publish(message, parcel.key, mandatory=True)

    def _went_well(self, task: "asyncio.Task[None]", parcel: Parcel) -> bool:
        # A broker that froze ends a publish with CancelledError though nobody cancelled it; in a task of its
        # own that is a failure like any other.
        error = "connection lost" if task.cancelled() else task.exception()
        if error is not None:
            _log.warning(
                "not published", type=parcel.type, exchange=parcel.exchange, reason=type(error).__name__
            )
        return error is None

    async def _open(self) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                await self.close()
                try:
                    async with asyncio.timeout(CONFIRM_S):
                        self._connection = await aio_pika.connect(self._url)
                        self._channel = await self._connection.channel(
                            publisher_confirms=True, on_return_raises=True
                        )
                except (OSError, TimeoutError, RuntimeError, aio_pika.exceptions.AMQPError) as error:
                    raise Unavailable(f"The broker is away ({type(error).__name__})") from None
            return self._channel

    async def close(self) -> None:
        """Drop the connection; the next publish opens a new one."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and not connection.is_closed:
            await asyncio.wait([asyncio.ensure_future(connection.close())], timeout=1)


class Inbox:
    """The queue `<service>.inbox`, and which listener answers which event.

    An event that a rule refuses or nobody can read is parked with the reason; one that fails otherwise is
    delayed and tried again, then parked. The rest of its batch is not held up.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self._handlers: dict[type[Fact], Handler] = {}

    @property
    def types(self) -> list[str]:
        """The event types that are listened to."""
        return [kind.type for kind in self._handlers]

    def on(self, *kinds: type[Fact]) -> Callable[[Handler], Handler]:
        """Register a listener for events of these kinds."""

        def register(handler: Handler) -> Handler:
            self._handlers |= dict.fromkeys(kinds, handler)
            return handler

        return register

    # life

    async def start(self, url: str, publisher: Publisher) -> None:
        """Consume; waits for ever while the broker is away. Raises what it refuses: no queue, no right."""
        self._publisher = publisher
        while True:
            self._broker, self._subscriber = self._consumer(url)
            try:
                await self._broker.start()
                return
            except (OSError, TimeoutError, RuntimeError, AMQPConnectionError) as error:
                # The library waits for a broker that is down, but not for one that goes in mid-handshake.
                _log.warning("inbox waits", reason=type(error).__name__)
                await self._abandon()

    def _consumer(self, url: str) -> tuple[RabbitBroker, RabbitSubscriber]:
        broker = RabbitBroker(
            url,
            fail_fast=False,
            reconnect_interval=1,
            graceful_timeout=10,
            default_channel=Channel(prefetch_count=PREFETCH),
            apply_types=False,
            decoder=_whole,
            logger=None,
        )
        queue = RabbitQueue(f"{self.service}.inbox", declare=False)
        subscriber = broker.subscriber(queue, no_reply=True, ack_policy=AckPolicy.REJECT_ON_ERROR)
        subscriber(self._receive)
        return broker, subscriber

    async def _abandon(self) -> None:
        with suppress(Exception):
            await self._broker.stop()
        await asyncio.sleep(1)

    @property
    def ready(self) -> bool:
        """Whether the broker is connected and really has this consumer (a ping would not tell)."""
        queue = getattr(getattr(self, "_subscriber", None), "_queue_obj", None)
        underlay = queue.channel._channel if queue is not None else None
        if underlay is None or underlay.channel.is_closed:
            return False
        return self._subscriber._consumer_tag in underlay.channel.consumers

    async def stop(self) -> None:
        """Take nothing new, finish what is in hand."""
        queue = getattr(getattr(self, "_subscriber", None), "_queue_obj", None)
        if queue is None:
            return
        if self._subscriber._consumer_tag is not None and not queue.channel.is_closed:
            # Before the library's own stop, which would wait first and swallow what arrives meanwhile.
            await queue.cancel(self._subscriber._consumer_tag)
            self._subscriber._consumer_tag = None
        await self._broker.stop()

    # receiving

    async def _receive(self, message: RabbitMessage) -> None:
        raw = message.raw_message
        try:
            members = open_batch(raw.body, LARGEST_BATCH)
        except Malformed as problem:
            rest = [self._parked(raw.body, raw.type or "", str(problem), raw)]
        else:
            fates = await asyncio.gather(*(self._fate(member, raw) for member in members))
            rest = [parcel for parcel in fates if parcel is not None]
        if rest:
            await self._surely(rest)

    async def _fate(self, member: Any, raw: AbstractIncomingMessage) -> Parcel | None:
        """Handle one event. Returns nothing if that went well, else where the event must go now."""
        type_ = str(member.get("type", "")) if isinstance(member, dict) else ""
        try:
            event = self._read(member, raw)
            with telemetry.processing(event) as traced:
                await self._handlers[type(event.data)](traced)
        except Unavailable as error:
            return self._delayed(_alone(member), type_, error, raw)
        except Problem as problem:
            return self._parked(_alone(member), type_, str(problem), raw)
        except Exception as error:
            return self._delayed(_alone(member), type_, error, raw)
        telemetry.EVENTS.labels(event.type, "handled").inc()
        return None

    def _read(self, member: Any, raw: AbstractIncomingMessage) -> Cause[Fact]:
        event = from_cloudevent(member)
        if raw.user_id not in (event.by, self.service, OPERATOR):  # the broker vouches for user_id
            raise Invalid(f"{event.type} came from broker user {raw.user_id!r}, not from {event.by!r}")
        if type(event.data) not in self._handlers:
            raise Invalid(f"{self.service} does not listen to {event.type}; remove the binding of its queue")
        return event

    # failing

    def _parked(self, body: bytes, type_: str, reason: str, raw: AbstractIncomingMessage) -> Parcel:
        _log.error("event parked", type=type_[:80], message_id=raw.message_id, reason=reason)
        telemetry.EVENTS.labels(_known(type_), "parked").inc()
        headers: dict[str, str | int] = {REASON: reason[:1_000], ATTEMPT: _attempt(raw)}
        return Parcel(PARKED, self.service, _known(type_), body, headers)

    def _delayed(self, body: bytes, type_: str, error: Exception, raw: AbstractIncomingMessage) -> Parcel:
        reason, attempt = telemetry.where(error), _attempt(raw)
        if attempt >= len(TIERS):
            return self._parked(body, type_, f"failed {attempt + 1} times, the last time with {reason}", raw)
        _log.warning("event delayed", type=type_[:80], attempt=attempt, reason=reason)
        telemetry.EVENTS.labels(_known(type_), "delayed").inc()
        headers: dict[str, str | int] = {ATTEMPT: attempt + 1}
        return Parcel(
            f"redress.retry.{TIERS[attempt]}", f"{self.service}.inbox", _known(type_), body, headers
        )

    async def _surely(self, parcels: list[Parcel]) -> None:
        """Publish before the original is acknowledged, however long the broker takes."""
        pause = 0.1
        while parcels:
            try:
                taken = await self._publisher.publish(parcels)
            except Unavailable:
                taken = [False] * len(parcels)
            parcels = [parcel for parcel, well in zip(parcels, taken, strict=True) if not well]
            if parcels:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)


async def _whole(message: RabbitMessage) -> RabbitMessage:
    return message


def _alone(member: Any) -> bytes:
    return batch([to_json(member)])


def _attempt(raw: AbstractIncomingMessage) -> int:
    count = raw.headers.get(ATTEMPT, 0)
    return max(0, count) if isinstance(count, int) else 0


def _known(type_: str) -> str:
    """The type as a metric label and message property: no sender can multiply or stretch it at will."""
    return type_ if type_ in CATALOGUE else "unknown"
