"""A replay: every batch of the history from one place to another, through a filter into a sink."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import typer

from shared.history import Batch, History
from shared.places import Place, Start, mark
from shared.problems import Malformed, Problem
from shared.wanted import Wanted

TELL_S = 5.0


class Lost(Problem):
    """Events left a queue unread while it was filled; `since` is the offset from which to go on."""

    def __init__(self, detail: str, since: int) -> None:
        super().__init__(detail)
        self.since = since


@dataclass
class Replay:
    """How far it has come: the place at which to go on, and what was seen and told."""

    next: Place | None = None
    end: int = 0
    batches: int = 0
    events: int = 0
    began: float = 0.0

    def __str__(self) -> str:
        seconds = max(monotonic() - self.began, 1e-6)
        return (
            f"next={'first' if self.next is None else self.next} end={self.end} batches={self.batches} "
            f"events={self.events} seconds={seconds:.1f} rate={self.events / seconds:.0f}/s"
        )


class Sink(Protocol):
    """Where events go. `empty` says that nothing is on its way there."""

    @property
    def empty(self) -> bool: ...

    async def take(self, each: Batch, text: bytes, whole: bool) -> bool:
        """Take on a batch, or what is wanted of it, one event a line; true once all so far is there."""

    async def flush(self) -> None:
        """Wait until all is there. Raises Problem if it is not taken."""


async def replayed(
    history: History, start: Start, stop: int | None, wanted: Wanted, sink: Sink, done: Replay
) -> None:
    """Every batch from there on to the end there is now, or to `stop`, through a filter into a sink."""
    told = monotonic() + TELL_S
    try:
        async with history.reading(start) as reading:
            last, latest = Place(reading.end, 0, reading.last), None
            reading.end = done.end = min(reading.end, stop) if stop is not None else reading.end
            done.next = _begin(start, reading.first, last)
            async for each in reading:
                whole = wanted.everything
                text = _whole(each) if whole else b"\n".join(line for _, line in _picked(wanted, each))
                done.batches, done.events = done.batches + 1, done.events + _count(text)
                latest = each
                if await sink.take(each, text, whole) if text else sink.empty:
                    done.next = _after(each)
                if monotonic() > told:
                    typer.echo(str(done), err=True)
                    told = monotonic() + TELL_S
        await sink.flush()
        done.next = _after(latest) if latest is not None else done.next
    except Lost as lost:
        done.next = Place(lost.since)
        raise
    finally:
        await history.close()


def _picked(wanted: Wanted, each: Batch) -> Iterator[tuple[int, bytes]]:
    return wanted.picked(each.type, each.message.body)


def _whole(each: Batch) -> bytes:
    """All events of a batch; what cannot be read is named, and left out."""
    try:
        return each.lines()
    except Malformed as problem:
        typer.echo(f"offset {each.offset} is left out: {problem.detail}", err=True)
        return b""


def _count(text: bytes) -> int:
    return text.count(b"\n") + 1 if text else 0


def _begin(start: Start, first: int | None, end: Place) -> Place:
    """Where it goes on if it does not come to the first message."""
    if isinstance(start, Place):
        return start
    return end if first is None else Place(first)


def _after(each: Batch) -> Place:
    return Place(each.offset + 1, 0, mark(each.message.message_id, each.message.body))


class Output:
    """The standard output: one event a line, out of hand before the next is read."""

    empty = True

    async def take(self, each: Batch, text: bytes, whole: bool) -> bool:
        sys.stdout.buffer.write(text + b"\n")
        sys.stdout.buffer.flush()
        return True

    async def flush(self) -> None:
        """All is there."""
