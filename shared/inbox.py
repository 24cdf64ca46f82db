"""The inbox: batches of events in, and what becomes of an event that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import random
from typing import Any

import structlog
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPConnectionError
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.annotations import RabbitMessage
from faststream.rabbit.subscriber import RabbitSubscriber
from pydantic_core import to_json

from shared import clock, metrics, telemetry
from shared.bus import ATTEMPT, FOREIGN, OPERATOR, PARKED, REASON, TIERS, Parcel, Publisher
from shared.envelope import Cause, batch, from_cloudevent, open_batch
from shared.events import CATALOGUE, Fact
from shared.problems import Invalid, Malformed, Problem, Unavailable, Unfamiliar

Handler = Callable[[Cause[Any]], Awaitable[None]]

PREFETCH = 32
SUSPECT, APART_S = 3, 1.0
"""Delivered again so often, a message may be what ends the process; so long it may wait for its turn."""
LARGEST_BATCH = 1_000
UNKNOWN = "unknown"
FAILED, UNFAMILIAR = "failed {count} times, the last time with {reason}", "{reason}; after {count} attempts"
"""The reason for which an event is parked that was delayed as often as may be."""
_log = structlog.get_logger()


class Inbox:
    """The queue `<service>.inbox`, and which listener answers which event.

    An event that a rule refuses or nobody can read is parked with the reason; one that fails otherwise is
    delayed and tried again, then parked. So is one that this version does not know: while versions change,
    it comes to a newer replica in the end. The rest of its batch is not held up.

    What ends the process takes all that is in hand with it, again and again, until the broker's delivery
    limit parks it. So what came back often is taken apart, event by event, and each at a time of its own:
    whatever is handled before the fatal one is safe.
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
        for type_ in (*self.types, UNKNOWN):
            for outcome in metrics.OUTCOMES:
                metrics.EVENTS.labels(type_, outcome)  # from 0 on: a first burst is growth, too
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
        suspect = _deliveries(raw) >= SUSPECT
        if suspect:
            await asyncio.sleep(APART_S * random())  # noqa: S311
        try:
            members = open_batch(raw.body, LARGEST_BATCH)
        except Malformed as problem:
            rest = [self._parked(raw.body, raw.type or "", str(problem), raw)]
        else:
            metrics.PER_MESSAGE.labels("received").observe(len(members))
            decide = self._apart if suspect and len(members) > 1 else self._fate
            fates = await asyncio.gather(*(decide(member, raw) for member in members))
            rest = [parcel for parcel in fates if parcel is not None]
        if rest:
            await self._surely(rest)

    async def _fate(self, member: Any, raw: AbstractIncomingMessage) -> Parcel | None:
        """Handle one event. Returns nothing if that went well, else where the event must go now."""
        try:
            event = self._read(member, raw)
            handled, duration, ages = metrics.of_type(event.type)
            with duration.time(), telemetry.processing(event) as traced:
                await self._handlers[type(event.data)](traced)
        except Exception as error:
            return self._failed(member, error, raw)
        handled.inc()
        age = clock.machine_now() - clock.wake_at(event.time)
        ages.observe(max(0.0, age.total_seconds()))
        return None

    async def _apart(self, member: Any, raw: AbstractIncomingMessage) -> Parcel | None:
        """To come again as a message of its own, if it is one of ours."""
        try:
            event = self._read(member, raw)
        except Problem as problem:
            return self._failed(member, problem, raw)
        return self._again(TIERS[0], _alone(member), event.type, _attempt(raw))

    def _failed(self, member: Any, error: Exception, raw: AbstractIncomingMessage) -> Parcel:
        said = member if isinstance(member, dict) else {}
        type_ = str(said.get("type", ""))
        with telemetry.about(said.get("correlationid"), said.get("traceparent")):
            match error:
                case Unfamiliar() if self._vouched(raw, str(said.get("source", "")).rpartition("/")[2]):
                    return self._delayed(_alone(member), type_, str(error), raw, UNFAMILIAR)
                case Problem() if not isinstance(error, Unavailable):
                    return self._parked(_alone(member), type_, str(error), raw)
            return self._delayed(_alone(member), type_, telemetry.where(error), raw)

    def _read(self, member: Any, raw: AbstractIncomingMessage) -> Cause[Fact]:
        event = from_cloudevent(member)
        if not self._vouched(raw, event.by):
            raise Invalid(f"{event.type} {FOREIGN} {raw.user_id!r}, not from {event.by!r}")
        if type(event.data) not in self._handlers:
            raise Unfamiliar(f"{self.service} does not listen to {event.type}; remove its queue's binding")
        return event

    def _vouched(self, raw: AbstractIncomingMessage, by: str) -> bool:
        """Whether that service published it, or we, who delayed it: the broker vouches for `user_id`."""
        return raw.user_id in (by, self.service, OPERATOR)

    # failing

    def _parked(self, body: bytes, type_: str, reason: str, raw: AbstractIncomingMessage) -> Parcel:
        _log.error("event parked", type=type_[:80], message_id=raw.message_id, reason=reason)
        metrics.EVENTS.labels(_known(type_), "parked").inc()
        headers: dict[str, str | int] = {REASON: reason[:1_000], ATTEMPT: _attempt(raw)}
        return Parcel(PARKED, self.service, _known(type_), body, headers)

    def _delayed(
        self, body: bytes, type_: str, reason: str, raw: AbstractIncomingMessage, in_the_end: str = FAILED
    ) -> Parcel:
        attempt = _attempt(raw)
        if attempt >= len(TIERS):
            return self._parked(body, type_, in_the_end.format(reason=reason, count=attempt + 1), raw)
        _log.warning("event delayed", type=type_[:80], attempt=attempt, reason=reason)
        metrics.EVENTS.labels(_known(type_), "delayed").inc()
        metrics.DELAYED.labels(TIERS[attempt]).inc()
        return self._again(TIERS[attempt], body, type_, attempt + 1)

    def _again(self, tier: str, body: bytes, type_: str, attempt: int) -> Parcel:
        return Parcel(
            f"redress.retry.{tier}", f"{self.service}.inbox", _known(type_), body, {ATTEMPT: attempt}
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
    return _count(raw, ATTEMPT)


def _deliveries(raw: AbstractIncomingMessage) -> int:
    """How often it came back unanswered: the quorum queue counts."""
    return _count(raw, "x-delivery-count")


def _count(raw: AbstractIncomingMessage, header: str) -> int:
    count = raw.headers.get(header, 0)
    return max(0, count) if isinstance(count, int) else 0


def _known(type_: str) -> str:
    """The type as a metric label and message property: no sender can multiply or stretch it at will."""
    return type_ if type_ in CATALOGUE else UNKNOWN
