"""Pages of the history: the next events that are wanted, and the place after them."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from shared.history import Batch, History
from shared.places import Place, Start
from shared.wanted import Wanted

PAGE_PREFETCH, LOOKED, LOOKED_S = 40, 2_000, 3.0


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, and the place after them. `more` says that there was more when the page was read."""

    events: list[bytes]
    place: Place
    more: bool


async def page(history: History, start: Start, wanted: Wanted, size: int, wait: float = 0) -> Page:
    """The next events that are wanted, up to `size`; fewer, or none, once so much was looked at for them.

    Waits that many seconds where nothing is there yet. Raises Gone and Unavailable as a reading does.
    """
    began, looked, found = monotonic(), 0, list[bytes]()
    async with history.reading(start, PAGE_PREFETCH) as reading:
        last = reading.last
        if reading.first is None and wait:
            await reading.grown(wait)
        async for batch in reading:
            looked += 1
            await asyncio.sleep(0)  # a buffer full of batches does not hold up other requests
            picked = _unread(start, batch, wanted)
            room = size - len(found)
            found += [line for _, line in picked[:room]]
            if len(picked) > room:
                return Page(found, Place(batch.offset, picked[room][0], batch.mark), True)
            last = batch.mark if (over := batch.offset + 1) == reading.end else last
            if len(found) == size or looked == LOOKED or monotonic() - began - wait > LOOKED_S:
                return Page(found, Place(over, 0, batch.mark), over < reading.end)
        return Page(found, Place(reading.end, 0, last), False)


def _unread(start: Start, batch: Batch, wanted: Wanted) -> list[tuple[int, bytes]]:
    """What is wanted of a batch, without what was read of the first one before."""
    skipped = start.position if isinstance(start, Place) and start.offset == batch.offset else 0
    return [each for each in wanted.picked(batch.type, batch.message.body) if each[0] >= skipped]
