"""Searching the whole house for words, in every form in which they might lie there."""

import base64
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from html import escape
from io import BytesIO
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile, is_zipfile

import aio_pika
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from deploy.provision import SERVICES
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of, history

SHORTEST = 5
UNAUTHORIZED = 13
QUEUES = [f"{service}.{kind}" for service in SERVICES for kind in ("inbox", "parked")] + [
    f"redress.retry.{tier}" for tier in ("5s", "30s", "5m", "30m")
]


class Sought:
    """Words, whole and in pieces; `seen` counts what was looked through, `refused` what could not be."""

    def __init__(self, texts: Iterable[str]) -> None:
        words = {text: [text, *re.split(r"[^\w@.+-]+", text)] for text in texts}
        self.seen: Counter[str] = Counter()
        self.refused: set[str] = set()
        self._forms = {
            form: text
            for text, pieces in words.items()
            for piece in pieces
            if len(piece.encode()) >= SHORTEST
            for form in forms(piece)
        }
        alternatives = b"|".join(re.escape(form) for form in sorted(self._forms, key=len, reverse=True))
        self._pattern = re.compile(alternatives, re.IGNORECASE)

    def found_in(self, kind: str, content: bytes) -> set[str]:
        """The forms that stand there, as they stand."""
        self.seen[kind] += 1
        whole = unpacked(content) if is_zipfile(BytesIO(content)) else content
        return {repr(match[0]) for match in self._pattern.finditer(whole)}


def forms(text: str) -> Iterator[bytes]:
    """A text as UTF-8 and UTF-16, in JSON, in a URL, in HTML, and in base64 wherever it begins."""
    plain = text.encode()
    yield from (plain, text.encode("utf-16-le"), text.encode("utf-16-be"))
    yield from (json.dumps(text)[1:-1].encode(), quote(text).encode(), escape(text).encode())
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(bytes(before) + plain)
        yield whole[skipped : (before + len(plain)) * 8 // 6]


def unpacked(book: bytes) -> bytes:
    """What a workbook holds."""
    with ZipFile(BytesIO(book)) as files:
        return b"".join(files.read(name) for name in files.namelist())


async def in_databases(sought: Sought, servers: AnyServers) -> set[str]:
    """What stands in any document of any collection of any database, the log of all writes among them."""
    found: set[str] = set()
    client: AsyncMongoClient[RawBSONDocument] = AsyncMongoClient(
        servers.admin_mongo_url, document_class=RawBSONDocument
    )
    async with client:
        for database in await client.list_database_names():
            for name in await client[database].list_collection_names(filter={"type": "collection"}):
                found |= await _in_collection(sought, client[database][name])
    return found


async def _in_collection(sought: Sought, collection: AsyncCollection[RawBSONDocument]) -> set[str]:
    """What stands in one collection; one that the administrator may not read is noted in `refused`."""
    found: set[str] = set()
    kind = "log of writes" if collection.name == "oplog.rs" else "documents"
    try:
        async for each in collection.find({}):
            found |= {f"{collection.full_name}: {hit}" for hit in sought.found_in(kind, bytes(each.raw))}
    except OperationFailure as refused:
        if refused.code != UNAUTHORIZED:
            raise
        sought.refused.add(collection.full_name)
    else:
        sought.seen["collections"] += 1
    return found


async def in_broker(sought: Sought, servers: AnyServers) -> set[str]:
    """What stands in any message that is left in a queue, and in the history of all public events."""
    found: set[str] = set()
    async for queue, message in _left(servers):
        found |= {f"{queue}: {hit}" for hit in sought.found_in(f"messages in {queue}", _whole(message))}
    for message in await history(servers):
        found |= {f"history: {hit}" for hit in sought.found_in("messages in history", _whole(message))}
    return found


def _whole(message: aio_pika.abc.AbstractIncomingMessage) -> bytes:
    return message.body + json.dumps(message.headers, default=str).encode()


async def _left(servers: AnyServers) -> AsyncIterator[tuple[str, aio_pika.abc.AbstractIncomingMessage]]:
    """Every message that waits; all go back when the connection ends."""
    async with channel_of(servers.admin_amqp_url) as channel:
        for name in QUEUES:
            queue = await channel.get_queue(name, ensure=False)
            while (message := await queue.get(fail=False)) is not None:
                yield name, message


def in_files(sought: Sought, *folders: Path) -> set[str]:
    """What stands in a line of any log or span."""
    paths = [path for folder in folders for pattern in ("*.log", "*.spans") for path in folder.glob(pattern)]
    found: set[str] = set()
    for path in paths:
        sought.seen["logs and spans"] += 1
        for line in path.read_bytes().splitlines():
            found |= {f"{path.name}: {hit}" for hit in sought.found_in("lines", line)}
    return found
