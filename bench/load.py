"""The load: complaints posted over connections that are kept open, with as little work as can be."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID, uuid4

CONNECTIONS = 64
COMPLAINT = {
    "channel": "website",
    "class": "service",
    "language": "en",
    "complainant": {"name": "Idris Fennimore", "email": "idris.fennimore@example.org"},
    "product": {"name": "Tarnwick kettle", "model": "KT-17", "order": "TW-100488"},
    "description": "I waited forty minutes in the chat and the agent closed it while I was typing. "
    "All I wanted was the delivery date for my order. Nobody has written back since.",
    "demand": {"type": "replace"},
    "loss": {"value": "310.00", "currency": "CNY"},
}
MAILS = 3
"""The acknowledgement, and an assignment for each of the class's two departments."""


class Refused(Exception):
    """An answer that was not 201."""


class Unfinished(Exception):
    """A run whose complaints did not all come to their end."""


@dataclass(frozen=True)
class Door:
    """Where complaints are handed in."""

    url: str
    key: str

    def request(self, customer: str = "") -> bytes:
        """A complaint of a customer who has not complained before: of this address, or a new one."""
        target, one = urlsplit(self.url), uuid4().hex
        complainant = {"name": "Ann Example", "email": customer or f"{one}@example.com"}
        body = json.dumps(COMPLAINT | {"complainant": complainant}).encode()
        lines = [
            "POST /v1/complaints HTTP/1.1",
            f"Host: {target.netloc}",
            f"Authorization: Bearer {self.key}",
            "Content-Type: application/json",
            f"Idempotency-Key: {one}",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


async def post(door: Door, count: int) -> list[UUID]:
    """Hand in `count` complaints; their ids. Raises Refused."""
    left = iter(range(count))
    found = await asyncio.gather(*(_post_some(door, left) for _ in range(min(CONNECTIONS, count))))
    return [id for ids in found for id in ids]


async def _post_some(door: Door, left: Iterator[int]) -> list[UUID]:
    target, ids = urlsplit(door.url), list[UUID]()
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    for _ in left:
        writer.write(door.request())
        ids.append(await receipt(reader))
    writer.close()
    return ids


async def receipt(reader: asyncio.StreamReader) -> UUID:
    """The id in the next answer. Raises Refused."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    body = await reader.readexactly(length)
    if head.split(" ", 2)[1] != "201":
        raise Refused(f"{head.splitlines()[0]}: {body.decode()[:300]}")
    return UUID(json.loads(body)["id"])
