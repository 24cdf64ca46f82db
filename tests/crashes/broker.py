"""A broker as its libraries show it: quorum queues after the real bindings, confirms, redelivery.

A message goes to one queue after the other, so that a publisher who hears nothing may have reached some of
them. `disorder` is the chance that a message overtakes others, or comes twice.
"""

import asyncio
import json
import random
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import aio_pika
from aio_pika.exceptions import ChannelInvalidStateError
from faststream import AckPolicy
from faststream.rabbit import RabbitBroker
from faststream.rabbit.subscriber import RabbitSubscriber

from shared.bus import EVENTS, PARKED, PRIVATE
from tests.crashes.gate import PROCESS, Gate, Process

DEFINITIONS = Path("deploy/broker/definitions.json")
PREFETCH = 32
RETRY_S = {"5s": 5, "30s": 30, "5m": 300, "30m": 1_800}
AGAIN_S = 0.5
Consume = Callable[["Delivery"], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Message:
    """What was published where, and by whom."""

    exchange: str
    body: bytes
    type: str
    id: str
    user: str
    headers: dict[str, Any]


@dataclass(eq=False, slots=True)
class Consumer:
    """A process that takes messages of a queue, and what it has not acknowledged."""

    process: Process
    context: Context
    consume: Consume
    no_ack: bool
    unacked: "dict[Delivery, asyncio.Task[Any]]" = field(default_factory=dict)


class Delivery:
    """What a consumer takes for its `IncomingMessage`."""

    locked = False
    routing_key = content_type = correlation_id = reply_to = None

    def __init__(self, broker: "Broker", queue: str, consumer: Consumer, message: Message) -> None:
        self._broker, self._queue, self._consumer, self.message = broker, queue, consumer, message
        self.body, self.headers, self.type = message.body, message.headers, message.type
        self.message_id, self.user_id = message.id, message.user

    async def ack(self, multiple: bool = False) -> None:
        self.locked = True
        try:
            await self._broker.gate.request(f"{self._queue}: ack", [self._settle], ChannelInvalidStateError)
        except ChannelInvalidStateError:
            self._broker.cut_off(self._queue, self._consumer, besides=self)
            raise

    async def reject(self, requeue: bool = False) -> None:
        self._settle()
        self._broker.queues.setdefault(f"{self._queue.partition('.')[0]}.parked", deque()).append(
            self.message
        )

    def _settle(self) -> None:
        self._consumer.unacked.pop(self, None)


class Broker:
    """The exchanges and queues, and who consumes what."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gate: Gate, seed: int, disorder: float) -> None:
        self.gate, self.disorder = gate, disorder
        self._loop = loop
        self.queues: dict[str, deque[Message]] = {}
        self.published: dict[tuple[str, bytes], Message] = {}
        self.delayed = 0
        self._consumers: dict[str, list[Consumer]] = {}
        self._chance = random.Random(seed)

    # publishing

    async def connect(self, url: str, **named: Any) -> "_Connection":
        return _Connection(self)

    async def publish(self, exchange: str, message: aio_pika.Message, key: str) -> None:
        assert message.type is not None
        assert message.message_id is not None
        assert message.user_id is not None
        sent = Message(
            exchange, message.body, message.type, message.message_id, message.user_id, dict(message.headers)
        )
        effects = [partial(self._arrive, queue, sent) for queue in self._routed(exchange, key)]
        assert effects, f"nobody takes {key} from {exchange}"
        await self.gate.request(f"{exchange}: publish {key}", effects, ChannelInvalidStateError)

    def publish_again(self, message: Message) -> None:
        """Deliver what was published before to every service that takes it."""
        for queue in self._routed(message.exchange, message.type):
            if queue.endswith(".inbox"):
                self.put(queue, message)

    def _routed(self, exchange: str, key: str) -> list[str]:
        if exchange.startswith("redress.retry."):
            return [f"{exchange}/{key}"]
        if exchange == PARKED:
            return [f"{key}.parked"]
        return [
            queue for source, pattern, queue in bindings() if source == exchange and pattern.fullmatch(key)
        ]

    def _arrive(self, queue: str, message: Message) -> None:
        if message.exchange in (EVENTS, PRIVATE):
            self.published.setdefault((message.id, message.body), message)
        if queue.startswith("redress.retry."):
            exchange, _, home = queue.partition("/")
            self.delayed += 1
            self._loop.call_later(RETRY_S[exchange.rpartition(".")[2]], self._come_back, home, message)
        elif not queue.startswith("redress."):
            self.put(queue, message)

    def _come_back(self, queue: str, message: Message) -> None:
        self.delayed -= 1
        self.put(queue, message)

    def put(self, queue: str, message: Message) -> None:
        """A message into a queue: at its end, or somewhere else and more than once."""
        waiting = self.queues.setdefault(queue, deque())
        for _ in range(1 + (self._chance.random() < self.disorder)):
            early = self._chance.random() < self.disorder
            waiting.insert(self._chance.randrange(len(waiting) + 1) if early else len(waiting), message)
        self._deliver_soon(queue)

    # consuming

    def consume(self, queue: str, consume: Consume, *, no_ack: bool) -> None:
        """From now on this process takes messages of the queue; with `no_ack` they are its at once."""
        consumer = Consumer(PROCESS.get(), copy_context(), consume, no_ack)
        self._consumers.setdefault(queue, []).append(consumer)
        self._deliver_soon(queue)

    def leave(self, process: Process) -> None:
        """A process has gone: what it had not acknowledged comes again."""
        for queue, consumers in self._consumers.items():
            for consumer in [each for each in consumers if each.process is process]:
                consumers.remove(consumer)
                self._return(queue, consumer)

    def cut_off(self, queue: str, consumer: Consumer, besides: Delivery | None = None) -> None:
        """A consumer's connection breaks: its handlers are cancelled, and it comes back after a while."""
        if consumer not in self._consumers[queue]:
            return
        self._consumers[queue].remove(consumer)
        tasks = [task for delivery, task in consumer.unacked.items() if delivery is not besides]
        for task in tasks:
            task.cancel()
        self._return(queue, consumer)
        again = partial(self.consume, queue, consumer.consume, no_ack=consumer.no_ack)
        self._loop.call_later(AGAIN_S, self._again, consumer, again)

    def _again(self, consumer: Consumer, again: Callable[[], None]) -> None:
        if consumer.process.alive:
            consumer.context.run(again)

    def _return(self, queue: str, consumer: Consumer) -> None:
        back, consumer.unacked = [each.message for each in consumer.unacked], {}
        self.queues.setdefault(queue, deque()).extendleft(reversed(back))
        self._deliver_soon(queue)

    def _deliver_soon(self, queue: str) -> None:
        self._loop.call_soon(self._deliver, queue)

    def _deliver(self, queue: str) -> None:
        waiting, consumers = self.queues.get(queue, deque()), self._consumers.get(queue, [])
        while waiting and (free := [each for each in consumers if len(each.unacked) < PREFETCH]):
            consumer = min(free, key=lambda each: len(each.unacked))
            delivery = Delivery(self, queue, consumer, waiting.popleft())
            work: Any = consumer.consume(delivery)
            task = self._loop.create_task(work, context=consumer.context.copy())
            if not consumer.no_ack:
                consumer.unacked[delivery] = task
            task.add_done_callback(lambda done: self._deliver_soon(queue))

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        unacked = any(each.unacked for some in self._consumers.values() for each in some)
        return (
            unacked or bool(self.delayed) or any(self.queues[name] for name in self.queues if "inbox" in name)
        )


class InMemory(RabbitBroker):
    """FastStream's broker, acknowledgements and all, on the queues of a broker in memory."""

    def __init__(self, queues: Broker, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._queues = queues

    async def start(self) -> None:
        self._setup_logger()
        for subscriber in self.subscribers:
            assert isinstance(subscriber, RabbitSubscriber)
            subscriber._build_fastdepends_model()
            subscriber._post_start()
            no_ack = subscriber.ack_policy is AckPolicy.ACK_FIRST
            consume: Any = subscriber.consume
            self._queues.consume(subscriber.queue.name, consume, no_ack=no_ack)


class _Connection:
    """What a publisher takes for its connection, channel and exchange."""

    is_closed = False

    def __init__(self, broker: Broker, exchange: str = "") -> None:
        self._broker, self._exchange = broker, exchange

    async def channel(self, **options: Any) -> "_Connection":
        return self

    async def get_exchange(self, name: str, *, ensure: bool) -> "_Connection":
        return _Connection(self._broker, name)

    async def publish(self, message: aio_pika.Message, key: str, *, mandatory: bool) -> None:
        await self._broker.publish(self._exchange, message, key)

    async def close(self) -> None:
        self.is_closed = True


@cache
def bindings() -> list[tuple[str, "re.Pattern[str]", str]]:
    """Which queue takes what from which exchange, as the real broker is told."""
    found = json.loads(DEFINITIONS.read_text())["bindings"]
    return [(each["source"], _pattern(each["routing_key"]), each["destination"]) for each in found]


def _pattern(key: str) -> "re.Pattern[str]":
    words = {"*": r"[^.]+", "#": ".*"}
    return re.compile(r"\.".join(words.get(word) or re.escape(word) for word in key.split(".")))
