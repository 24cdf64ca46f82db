"""Files of a service: kept in pieces beside its documents, each piece sealed, any size in little memory.

The layout is that of GridFS (`<collection>.files`, `<collection>.chunks`), so that its tools can list and
move the files. The driver's own bucket is not used: it holds up to 48 MB of an upload and 16 MB of a
download in memory, and dates files by this machine's clock.

A file's entry comes first and goes last, and has a `length` once the file is whole: whatever breaks off an
upload or a deletion, `leftovers` still names what is left.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from bson.int64 import Int64
from pydantic import BaseModel
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from shared.driver import Taken, told
from shared.mongo import Store
from shared.problems import NotFound, TooLarge, Unavailable
from shared.sealing import Unsealable, seal, unseal

T = TypeVar("T")

PIECE = 255 * 1024
_AT_ONCE = 4
_BY_AGE = IndexModel([("uploadDate", 1)])
_IN_ORDER = IndexModel([("files_id", 1), ("n", 1)], unique=True)


class Kept(BaseModel, frozen=True):
    """What was kept: the plain content's bytes and its SHA-256 (FIPS 180-4) in hex."""

    size: int
    sha256: str


class Files:
    """The files of one service. Declared at import, usable while its store is open."""

    def __init__(self, store: Store[Any]) -> None:
        self._store = store
        self._indexed = False

    @property
    def _entries(self) -> AsyncCollection[dict[str, Any]]:
        return self._store.part("files")

    @property
    def _chunks(self) -> AsyncCollection[dict[str, Any]]:
        return self._store.part("chunks")

    # writing

    async def put(self, id: UUID, chunks: AsyncIterator[bytes], key: bytes, most: int) -> Kept:
        """Keep what `chunks` yields, sealed with `key`, as file `id`: whole, or not at all.

        Raises TooLarge beyond `most` bytes, Taken if there is a file of this id or one is being written,
        Unavailable, and what `chunks` raises; ends only when nothing is left behind. What the database,
        if it is away, cannot be rid of is left to `leftovers`.
        """
        try:
            await _to_its_end(self._begin(id))
        except asyncio.CancelledError:
            await self._undo(id)
            raise
        try:
            return await self._fill(id, chunks, key, most)
        except BaseException:
            await self._undo(id)
            raise

    async def _begin(self, id: UUID) -> None:
        with told():
            if not self._indexed:
                await self._chunks.create_indexes([_IN_ORDER])
                await self._entries.create_indexes([_BY_AGE])
                self._indexed = True
            entry = {"$set": {"chunkSize": PIECE + 16}, "$currentDate": {"uploadDate": True}}
            try:
                await self._entries.update_one(
                    {"_id": id, "uploadDate": {"$exists": False}}, entry, upsert=True
                )
            except DuplicateKeyError:
                raise Taken("_id") from None

    async def _fill(self, id: UUID, chunks: AsyncIterator[bytes], key: bytes, most: int) -> Kept:
        size, stored, number, digest, held = 0, 0, 0, hashlib.sha256(), bytearray()
        async for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise TooLarge(f"A file may have up to {most} bytes")
            digest.update(chunk)
            held += chunk
            while len(held) > PIECE:
                piece = seal(bytes(held[:PIECE]), key, _about(id, number, last=False))
                await _to_its_end(self._add(id, number, piece))
                del held[:PIECE]
                stored, number = stored + len(piece), number + 1
        piece = seal(bytes(held), key, _about(id, number, last=True))
        await _to_its_end(self._add(id, number, piece))
        await _to_its_end(self._finish(id, stored + len(piece)))
        return Kept(size=size, sha256=digest.hexdigest())

    async def _add(self, id: UUID, number: int, piece: bytes) -> None:
        with told():
            await self._chunks.insert_one({"files_id": id, "n": number, "data": piece})

    async def _finish(self, id: UUID, length: int) -> None:
        with told():
            found = await self._entries.update_one({"_id": id}, {"$set": {"length": Int64(length)}})
        if not found.matched_count:
            raise Unavailable("The file was swept away before it was whole; send it again", (), 1)

    async def _undo(self, id: UUID) -> None:
        with suppress(Unavailable):
            await _to_its_end(self.delete([id]))

    async def delete(self, ids: Iterable[UUID]) -> None:
        """Remove files; one that is not there is as good as removed. Raises Unavailable."""
        if not (gone := list(ids)):
            return
        with told():
            await self._chunks.delete_many({"files_id": {"$in": gone}})
            await self._entries.delete_many({"_id": {"$in": gone}})

    # reading

    async def read(self, id: UUID, key: bytes) -> AsyncGenerator[bytes, None]:
        """The plain content, piece by piece; each piece is whole and in its place when it is yielded.

        Raises NotFound before the first piece, and Unsealable at any piece: cut off, changed, in another
        order, of another file, or sealed with another key. Only the end says that nothing is missing.
        """
        number, ahead = 0, None
        async with aclosing(self._stored(id)) as pieces:
            async for piece in pieces:
                if ahead is not None:
                    yield unseal(ahead, key, _about(id, number, last=False))
                    number += 1
                ahead = piece
        if ahead is None:
            raise Unsealable(f"no piece is left: {_about(id, 0, last=True)}")
        yield unseal(ahead, key, _about(id, number, last=True))

    async def _stored(self, id: UUID) -> AsyncGenerator[bytes, None]:
        with told():
            if await self._entries.find_one({"_id": id, "length": {"$exists": True}}, {"_id": 1}) is None:
                raise NotFound("There is no file with this id")
            wanted = self._chunks.find({"files_id": id}, {"data": 1}, sort=[("n", 1)], batch_size=_AT_ONCE)
            async with wanted as found:
                async for chunk in found:
                    if not isinstance(data := chunk.get("data"), bytes):
                        raise Unsealable(f"a piece holds no bytes: file {id}")
                    yield data

    async def leftovers(self, older: timedelta, younger: timedelta) -> list[UUID]:
        """The ids of all files whose upload began so long ago, and no longer, by the database's clock.

        Whole or not: which of them no record names, only the caller can tell. Raises Unavailable.
        """
        since, until = (
            {"$subtract": ["$$NOW", age // timedelta(milliseconds=1)]} for age in (younger, older)
        )
        begun = [{"$lt": ["$uploadDate", until]}, {"$gt": ["$uploadDate", since]}]
        with told():
            found = self._entries.find({"$expr": {"$and": begun}}, {"_id": 1})
            return [entry["_id"] async for entry in found]


def _about(id: UUID, number: int, *, last: bool) -> str:
    return f"file {id} piece {number}{' and last' if last else ''}"


async def _to_its_end(step: Coroutine[Any, Any, T]) -> T:
    """A write that is not cancelled: a cancel counts once it is known whether the write took place.

    Otherwise the database could still carry it out after the upload has been undone.
    """
    task = asyncio.create_task(step)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    result = task.result()
    if cancelled:
        raise asyncio.CancelledError
    return result
