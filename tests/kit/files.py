"""Files made for tests: intake's bucket, and what the database has of a file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from shared.files import Files
from shared.mongo import Store
from shared.sealing import new_key
from tests.kit.servers import AnyServers
from tests.kit.toy import Count, admin_of

KEY = new_key()
PLENTY = 2**30


@asynccontextmanager
async def filed(servers: AnyServers) -> AsyncIterator[Files]:
    store = Store("intake", "complaints", Count)
    files = Files(store)
    store.open(servers.mongo_url("intake"))
    try:
        yield files
    finally:
        await store.close()


async def in_parts(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def kept(files: Files, content: bytes, key: bytes = KEY) -> UUID:
    id = uuid4()
    await files.put(id, in_parts(content), key, PLENTY)
    return id


async def all_of(files: Files, id: UUID, key: bytes = KEY) -> bytes:
    return b"".join([piece async for piece in files.read(id, key)])


async def pour(pieces: AsyncIterator[bytes], got: list[bytes]) -> None:
    async for piece in pieces:
        got.append(piece)


async def left(servers: AnyServers, id: UUID) -> int:
    """How many documents the database has of this file."""
    async with admin_of(servers) as client:
        chunks = await client["intake"]["complaints.chunks"].count_documents({"files_id": id})
        return chunks + await client["intake"]["complaints.files"].count_documents({"_id": id})
