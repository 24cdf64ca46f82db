"""The bus: its names, and events out with confirms; `inbox` is the way in.

Out and in go over two connections, because a broker under a memory alarm blocks every connection that
publishes, acknowledgements included. Exchanges and queues are declared by nobody here: the broker loads
`deploy/broker/definitions.json` before any service starts.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection

from shared.envelope import BATCH
from shared.problems import Unavailable

EVENTS = "redress.events"
PRIVATE = "redress.private"
PARKED = "redress.parked"
TIERS = ("5s", "30s", "5m", "30m")
ATTEMPT = "redress-attempt"
REASON = "redress-reason"
FOREIGN = "came from broker user"
"""What the reason says when somebody published in another's name."""
OPERATOR = "operator"
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

    async def greet(self) -> None:
        """Be connected. Raises Unavailable if the broker is away."""
        await self._open()

    async def waiting(self, queue: str) -> int:
        """How many messages wait in a queue. Raises Unavailable if the broker does not say."""
        await self.greet()
        asking = asyncio.create_task(self._count(queue))  # a frozen broker may end it as if it were cancelled
        await asyncio.wait([asking], timeout=CONFIRM_S)
        if asking.cancel() or asking.cancelled() or asking.exception() is not None:
            raise Unavailable(f"The broker does not tell of {queue}")
        return asking.result()

    async def _count(self, queue: str) -> int:
        assert self._connection is not None
        async with self._connection.channel() as channel:
            found = await channel.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0

    async def close(self) -> None:
        """Drop the connection; the next publish opens a new one."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and not connection.is_closed:
            await asyncio.wait([asyncio.ensure_future(connection.close())], timeout=1)
