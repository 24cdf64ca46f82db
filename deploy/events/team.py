"""A replay into a team's queue: no more at a time than may wait there, and never past what it drops."""

import asyncio
from collections import deque
from contextlib import suppress
from time import monotonic

import aio_pika
import typer
from aio_pika.abc import AbstractChannel, AbstractConnection

from deploy.events.replaying import TELL_S, Lost
from shared.bus import OPERATOR
from shared.envelope import batch
from shared.history import OFFSET, Batch
from shared.problems import Problem, Unavailable

WINDOW, WINDOW_BYTES = 200, 2**20
"""How many messages, and how much of them, are on their way before the queue has confirmed any."""
UNREAD, UNREAD_BYTES = 1_000, 16 * 2**20
"""How many of its messages, and how much of them, may wait in the queue before more is sent."""
CONFIRM_S, SETTLE_S, PATIENCE_S = 30.0, 1.0, 60.0
"""Waiting for a confirm; for the count of what was dropped; for a team that does not read."""


class Team:
    """A team's queue: messages go to it in order, many at a time, and are there once it confirmed them.

    A queue that is full drops its oldest messages into `<name>.lost`. Before each window what was lost is
    counted, and the team is waited for while too much of what was sent is unread: the newest messages of
    the queue are the replay's, unless others came meanwhile, which makes it wait a little longer.
    """

    def __init__(self, channel: AbstractChannel, looking: "Looking", unread: int = UNREAD) -> None:
        self._channel, self._looking, self._unread = channel, looking, unread
        self._window = min(WINDOW, unread)
        self._sent: list[asyncio.Task[object]] = []
        self._bytes = 0
        self._recent: deque[tuple[int, int]] = deque(maxlen=unread + self._window)
        self._lost_before: int | None = None

    @classmethod
    async def of(cls, connection: AbstractConnection, name: str, unread: int = UNREAD) -> "Team":
        """Raises Problem for a queue that there is not."""
        looking = Looking(connection, name)
        if await looking.unread() is None:
            raise Problem(f"There is no queue {name}; let the team in first")
        found = cls(await connection.channel(publisher_confirms=True, on_return_raises=True), looking, unread)
        found._lost_before = await looking.lost()
        if found._lost_before is None:
            typer.echo(f"{looking.name}.lost is not there: what {looking.name} drops is not seen", err=True)
        return found

    @property
    def empty(self) -> bool:
        return not self._sent

    async def take(self, each: Batch, text: bytes, whole: bool) -> bool:
        """The batch as it was, or what is wanted of it, under its own id."""
        if self.empty:
            await self._has_room()
        body = each.message.body if whole else batch(text.split(b"\n"))
        exchange = self._channel.default_exchange
        sending = exchange.publish(_again(each, body), self._looking.name, mandatory=True, timeout=CONFIRM_S)
        self._sent.append(asyncio.ensure_future(sending))
        self._recent.append((each.offset, len(body)))
        self._bytes += len(body)
        if len(self._sent) < self._window and self._bytes < WINDOW_BYTES:
            return False
        await self._confirmed()
        return True

    async def flush(self) -> None:
        """Wait until the queue has all of it. Raises Problem if it does not take it, or dropped some."""
        await self._confirmed()
        if self._recent:
            await asyncio.sleep(SETTLE_S)
            await self._none_lost()

    async def _confirmed(self) -> None:
        sent, self._sent, self._bytes = self._sent, [], 0
        results = await asyncio.gather(*sent, return_exceptions=True)
        failed = next((each for each in results if isinstance(each, BaseException)), None)
        if isinstance(failed, aio_pika.exceptions.PublishError):
            raise Problem(f"There is no queue {self._looking.name} any more")
        if failed is not None:
            raise Unavailable(f"{self._looking.name} does not take what it is sent ({type(failed).__name__})")
        await self._none_lost()

    async def _none_lost(self) -> None:
        """Raises Lost. Whatever changes the count is taken for a loss: what is kept of it is bounded, too."""
        now = await self._looking.lost()
        if self._lost_before is not None and now != self._lost_before and self._recent:
            name = self._looking.name
            told = f"{name} dropped messages: {name}.lost has {now}, it had {self._lost_before}"
            raise Lost(
                f"{told}; let the team read, then go on, for a small queue with less --unread",
                self._recent[0][0],
            )

    async def _has_room(self) -> None:
        """Wait while too much of ours is unread. Raises Problem if nobody reads it."""
        least, since, told = None, monotonic(), monotonic() + TELL_S
        while (unread := await self._looking.unread() or 0) and not self._fits(unread):
            if least is None or unread < least:
                least, since = unread, monotonic()
            if monotonic() - since > PATIENCE_S:
                raise Unavailable(f"{unread} messages wait in {self._looking.name}, and nobody reads them")
            if monotonic() > told:
                typer.echo(f"waiting: {unread} messages are unread in {self._looking.name}", err=True)
                told = monotonic() + TELL_S
            await asyncio.sleep(0.1)

    def _fits(self, unread: int) -> bool:
        ours = [size for _, size in self._recent][-unread:]
        return len(ours) <= self._unread and sum(ours) <= UNREAD_BYTES


class Looking:
    """How a team's queue stands, by passive declarations; each that fails ends its channel."""

    def __init__(self, connection: AbstractConnection, name: str) -> None:
        self._connection, self.name = connection, name
        self._channel: AbstractChannel | None = None

    async def unread(self) -> int | None:
        """Messages that nobody has in hand; None without a queue."""
        return await self._count(self.name)

    async def lost(self) -> int | None:
        """How many there are that left it unread, as far as they are kept; None if nobody keeps them."""
        return await self._count(f"{self.name}.lost")

    async def _count(self, queue: str) -> int | None:
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._connection.channel()
        try:
            found = await self._channel.declare_queue(queue, passive=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return None
        except (OSError, aio_pika.exceptions.AMQPError) as error:
            raise Unavailable(f"The broker does not tell of {queue} ({type(error).__name__})") from None
        return found.declaration_result.message_count or 0


def _again(each: Batch, body: bytes) -> aio_pika.Message:
    """The message as it was; only its user is who sends it now, for the broker vouches for that."""
    was = each.message
    return aio_pika.Message(
        body,
        content_type=was.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=was.message_id,
        type=was.type,
        app_id=was.app_id,
        timestamp=was.timestamp,
        user_id=OPERATOR,
        headers={name: value for name, value in was.headers.items() if name != OFFSET},
    )


async def connected(url: str) -> AbstractConnection:
    with suppress(OSError, aio_pika.exceptions.AMQPError):
        return await aio_pika.connect(url)
    raise Unavailable("The broker cannot be reached; is the system running?")
