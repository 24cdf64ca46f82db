"""The files of complaints: kept beside the records, sealed under the key of the person they are about."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from services.intake.domain.complaint import Complaint
from services.intake.store.complaints import complaints
from shared.documents import Saved
from shared.files import Files, Kept
from shared.problems import Problem, Unavailable
from shared.sealing import Unsealable

files = Files(complaints)
SWEEP_S = 1_800
_swept = [0.0]
Record = Callable[[Kept], Awaitable[Saved[Complaint]]]
"""Enters a file that is kept in its complaint's record."""


async def keep(
    id: UUID, chunks: AsyncIterator[bytes], key: bytes, most: int, record: Record
) -> Saved[Complaint]:
    """Keep a file and enter it in the record; one that the record does not take is not kept.

    Raises TooLarge beyond `most` bytes, and whatever the record or whoever looks at the bytes raises. What a
    call that was broken off has kept is left to `sweep`.
    """
    kept = await files.put(id, chunks, key, most)
    try:
        saved = await record(kept)
    except Unavailable:  # the record may name the file, though nobody could say so in time
        raise
    except Problem:
        await files.delete([id])
        raise
    if saved.state is None or id not in {each.id for each in saved.state.evidence}:
        await files.delete([id])  # the same request had been answered before
    return saved


async def sweep() -> bool:
    """Remove files that were kept some time ago and that no record names; a tick."""
    if monotonic() - _swept[0] >= SWEEP_S:
        _swept[0] = monotonic()
        kept = await files.leftovers(timedelta(hours=1), timedelta(days=2))
        named: list[dict[str, Any]] = [{"$match": {"files": {"$in": kept}}}, {"$project": {"files": 1}}]
        known = {id for each in await complaints.aggregate(named) for id in each["files"]}
        await files.delete(id for id in kept if id not in known)
    return False


async def pieces(id: UUID, key: bytes) -> AsyncGenerator[bytes, None]:
    """The plain content of a file, piece by piece.

    Raises NotFound before the first one, and Unavailable at any that was changed or is missing.
    """
    async with aclosing(files.read(id, key)) as found:
        try:
            async for piece in found:
                yield piece
        except Unsealable:
            raise Unavailable("This file cannot be opened: an operator must look at it") from None
