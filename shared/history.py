"""The history: the stream of all public events, read from any place to the end that it had at the start.

Source: RabbitMQ's streams over AMQP 0.9.1. Each message brings its offset; a consumer starts at an offset, at
the first message there is, or at the chunk that was written at an instant. How many messages there are nobody
says reliably: the queue's count is up to five seconds old. So the end is asked of the stream itself, by a
second consumer that starts in the last chunk: a chunk goes out in one go, and the answer to the next command
on the channel comes after it. Offsets rise, but not one by one: a segment of the stream begins with one that
no message has. Where more are missing, retention took messages that were not read yet.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from pydantic_core import from_json

from shared import clock
from shared.envelope import lines
from shared.places import Place, Start, mark
from shared.problems import Fault, Gone, Unavailable

HISTORY = "redress.history"
OFFSET = "x-stream-offset"
PREFETCH, LARGEST_CHUNK = 200, 10_000
OPEN_S, EMPTY_S, PATIENCE_S = 5.0, 1.0, 30.0
SKEW = timedelta(minutes=1)
"""By how much the clocks of services and broker may differ."""
OTHER = "the stream is not the one it was"
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Batch:
    """A message of the stream: events of one type, and where it stands."""

    offset: int
    message: AbstractIncomingMessage

    @property
    def type(self) -> str:
        return self.message.type or ""

    @property
    def mark(self) -> str:
        return mark(self.message.message_id, self.message.body)

    def lines(self) -> bytes:
        """Its events, one a line, byte for byte. Raises Malformed."""
        return lines(self.message.body)


class Reading:
    """A consumer of the stream. `first` is the offset of what it will get first, `end` where it ends.

    Both are None and 0 for a stream in which nothing is. Iterating gives every batch before `end`, in order,
    and raises Gone if retention was faster. `last` is the mark of the message before `end`, as it was found.
    """

    def __init__(self, channel: AbstractChannel, prefetch: int) -> None:
        self.first: int | None = None
        self.end = 0
        self.last = ""
        self._channel = channel
        self._every = max(1, prefetch // 4)
        self._prefetch = prefetch
        self._arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._next: AbstractIncomingMessage | None = None

    async def begin(self, stream: str, start: Start) -> None:
        """Consume from there, and find out where the end is. Raises Gone for a place that is not there."""
        self._channel.close_callbacks.add(lambda *_: self._arrived.put_nowait(None))
        self._queue = await self._channel.get_queue(stream, ensure=False)
        await self._channel.set_qos(prefetch_count=self._prefetch)
        await self._queue.consume(self._take, arguments={OFFSET: _place(start)})
        self.end = await self._find_end()
        offset = start.offset if isinstance(start, Place) else start
        if isinstance(offset, int) and offset > self.end:
            raise _gone(offset, f"the next will be {self.end}: {OTHER}")
        if isinstance(start, Place) and start.mark:
            await self._recognize(start)
        if offset == self.end or self.end == 0:
            return
        some = await self._look(EMPTY_S if isinstance(start, datetime) else PATIENCE_S)
        if not some and not isinstance(start, datetime):
            raise Unavailable("The broker does not send what is there", retry_after=5)
        if isinstance(offset, int) and self.first is not None and self.first > offset:
            await self._check_left(offset)

    async def _recognize(self, start: Place) -> None:
        """Go on behind the message that was read last. Raises Gone if another one has its offset now."""
        if not await self._look(PATIENCE_S) or self._next is None:
            raise Unavailable("The broker does not send what is there", retry_after=5)
        if (found := _offset(self._next)) > start.seen:
            await self._check_left(start.seen)
        if (found, mark(self._next.message_id, self._next.body)) != (start.seen, start.mark):
            raise _gone(start.offset, f"another message is before it: {OTHER}")
        if not start.position:
            self.first = self._next = None

    async def _check_left(self, start: int) -> None:
        """Raises Gone if retention took the offset; at a segment's start there is one that no message has."""
        oldest: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await self._channel.set_qos(prefetch_count=1)
        tag = await self._queue.consume(oldest.put, arguments={OFFSET: "first"})
        async with asyncio.timeout(PATIENCE_S):
            found = await oldest.get()
        await self._queue.cancel(tag)
        if (left := _offset(found)) > start:
            raise _gone(start, f"the first that is left is {left}{_from_when(found)}")

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._arrived.put_nowait(message)

    async def _find_end(self) -> int:
        """The offset after the last one that is there now."""
        seen: AbstractIncomingMessage | None = None
        some, queue = asyncio.Event(), self._queue

        async def see(message: AbstractIncomingMessage) -> None:
            nonlocal seen
            seen = message
            some.set()

        await self._channel.set_qos(prefetch_count=LARGEST_CHUNK)
        tag = await queue.consume(see, arguments={OFFSET: "last"})
        count = (await self._channel.declare_queue(queue.name, passive=True)).declaration_result.message_count
        try:
            async with asyncio.timeout(PATIENCE_S if count else EMPTY_S):
                await some.wait()
        except TimeoutError:
            if count:
                raise
        await self._channel.declare_queue(queue.name, passive=True)
        await queue.cancel(tag)
        if seen is None:
            return 0
        self.last = mark(seen.message_id, seen.body)
        return _offset(seen) + 1

    async def _look(self, seconds: float) -> bool:
        """Whether there is a next message, or will be within that time. Raises Unavailable."""
        if self._next is None:
            try:
                if self._arrived.empty():
                    async with asyncio.timeout(seconds):
                        self._next = await self._arrived.get()
                else:
                    self._next = self._arrived.get_nowait()
            except TimeoutError:
                return False
            if self._next is None:
                raise Unavailable("The connection to the broker was lost", retry_after=5)
            if self.first is None:
                self.first = _offset(self._next)
        return True

    async def grown(self, seconds: float) -> None:
        """Wait that long for something new; `end` is then after it."""
        if await self._look(seconds) and self._next is not None:
            self.end = max(self.end, _offset(self._next) + 1)

    async def __aiter__(self) -> AsyncIterator[Batch]:
        count, begun, last = 0, self.first is not None, None
        while begun:
            if not await self._look(PATIENCE_S):
                raise Unavailable(f"The broker has sent nothing for {PATIENCE_S:.0f} s", retry_after=5)
            message, self._next = self._next, None
            assert message is not None
            offset = _offset(message)
            if last is not None and offset > last + 2:
                with _away():
                    await self._check_left(last + 1)
            if offset < self.end:
                yield Batch(offset, message)
            count, begun, last = count + 1, offset < self.end - 1, offset
            if count % self._every == 0 and begun:
                with _away():
                    await message.ack(multiple=True)


class History:
    """Reads the stream over one connection, which is opened once it is needed, by any number at a time."""

    def __init__(self, url: str, stream: str = HISTORY) -> None:
        self._url, self._stream = url, stream
        self._connection: AbstractConnection | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def reading(self, start: Start, prefetch: int = PREFETCH) -> AsyncIterator[Reading]:
        """Read from there on. Raises Gone for an offset that is not there, Unavailable without a broker."""
        with _away():
            async with asyncio.timeout(OPEN_S):
                channel = await self._open()
        try:
            found = Reading(channel, prefetch)
            with _away():
                await found.begin(self._stream, start)
            yield found
        finally:
            await _closed(channel)

    async def _open(self) -> AbstractChannel:
        async with self._opening:
            if self._connection is not None:
                with suppress(OSError, RuntimeError, aio_pika.exceptions.AMQPError):
                    return await self._connection.channel(publisher_confirms=False)
                await self.close()
            self._connection = await aio_pika.connect(self._url)
            return await self._connection.channel(publisher_confirms=False)

    async def close(self) -> None:
        """Drop the connection; the next reading opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await _closed(connection)


def _place(start: Start) -> str | int | datetime:
    """As the broker wants it. What happened at an instant was not written before it."""
    if isinstance(start, Place):
        return start.seen if start.mark else start.offset
    if not isinstance(start, datetime):
        return start
    written = clock.wake_at(start) - SKEW
    return written if written > _LONG_AGO else "first"


def _offset(message: AbstractIncomingMessage) -> int:
    return int(str(message.headers[OFFSET]))


def _gone(asked: int, left: str) -> Gone:
    told = Fault(detail="start without it for all that is left", pointer="#/after")
    return Gone(f"The history has no offset {asked} any more: {left}", [told])


def _from_when(message: AbstractIncomingMessage) -> str:
    """From when its events are, in words."""
    try:
        return f", of {from_json(message.body)[0]['time']}"
    except (ValueError, LookupError, TypeError):
        return ""


@contextmanager
def _away() -> Iterator[None]:
    """Whatever the broker's library raises inside, as Unavailable."""
    try:
        yield
    except (OSError, TimeoutError, RuntimeError, aio_pika.exceptions.AMQPError) as error:
        raise Unavailable(f"The history cannot be read ({type(error).__name__})", retry_after=5) from None
    except asyncio.CancelledError:
        # A broker that froze ends a command like this, though nobody cancelled it.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Unavailable("The history cannot be read (connection lost)", retry_after=5) from None


async def _closed(part: AbstractChannel | AbstractConnection) -> None:
    """Close it, for a second at most; one that is gone already is closed."""
    closing = asyncio.gather(part.close(), return_exceptions=True)
    await asyncio.wait([closing], timeout=1)
