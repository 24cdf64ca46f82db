"""Uploads of whatever somebody may call a file: taken or refused in words, and nothing half-kept is left."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import AsyncMongoClient

from deploy.local.stage import Stage
from services.intake.domain.media import TYPES

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
)
BODY = {
    "channel": "store",
    "complainant": {"name": "Ed Example", "email": "ed@example.com"},
    "description": "The photograph shows it.",
}
HEADS = [
    PNG,
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"%PDF-1.7\n",
    b"PK\x03\x04",
    b"RIFF\0\0\0\0WEBP",
    b"\xef\xbb\xbf",
    b"",
]
FUZZED = settings(
    max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)


@pytest.fixture(scope="module")
async def complaint(played: Stage) -> AsyncIterator[str]:
    """One to add files to; at the end the database has its files, and of each the whole."""
    async with played.system.client() as client:
        answer = await client.post(f"{played.system.url('intake')}/v1/complaints", json=BODY)
    yield answer.json()["id"]
    assert await kept(played) == await named(played)


async def kept(played: Stage) -> set[UUID]:
    """The files that the database has anything of."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        played.servers.admin_mongo_url, uuidRepresentation="standard"
    )
    async with client:
        files = await client["intake"]["complaints.files"].distinct("_id")
        chunks = await client["intake"]["complaints.chunks"].distinct("files_id")
    return {*files, *chunks}


async def named(played: Stage) -> set[UUID]:
    """The files that a record names."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        played.servers.admin_mongo_url, uuidRepresentation="standard"
    )
    async with client:
        found = client["intake"]["complaints"].find(
            {"number": {"$exists": True}}, {"state.evidence.id": 1, "state.erased": 1}
        )
        return {
            UUID(str(file["id"]))
            async for each in found
            for file in each["state"].get("evidence", [])
            if not each["state"].get("erased")
        }


async def send(played: Stage, complaint: str, body: bytes, kind: str | None, name: str) -> int:
    """A file, answered in a form that can be used."""
    url = f"{played.system.url('intake')}/v1/complaints/{complaint}/evidence?name={quote(name)}"
    headers = {} if kind is None else {"Content-Type": kind}
    async with played.system.client() as client:
        answer = await client.post(url, content=body, headers=headers)
    assert answer.status_code in (201, 400, 409, 413, 415, 422), (answer.status_code, answer.text)
    if answer.status_code != 201:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]
    return answer.status_code


@FUZZED
@given(
    head=st.sampled_from(HEADS),
    rest=st.binary(max_size=300),
    kind=st.none() | st.sampled_from([*TYPES, "", "x", "text/html", "application/octet-stream"]),
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
)
async def test_any_file(
    played: Stage, complaint: str, head: bytes, rest: bytes, kind: str | None, name: str
) -> None:
    await send(played, complaint, head + rest, kind, name)


async def test_what_was_taken_comes_out_as_it_was(played: Stage, complaint: str) -> None:
    text = "水壶漏水\n".encode() * 50_000
    url = f"{played.system.url('intake')}/v1/complaints/{complaint}/evidence"
    async with played.system.client() as client:
        added = await client.post(
            f"{url}?name=told.txt", content=text, headers={"Content-Type": "text/plain"}
        )
        assert added.status_code == 201
        shown = (await client.get(url.rpartition("/")[0])).json()["complaint"]["evidence"]
        answer = await client.get(f"{url}/{shown[-1]['number']}")
    assert answer.content == text
    assert answer.headers["Content-Length"] == str(len(text))
    assert "told.txt" in answer.headers["Content-Disposition"]


async def test_too_long_a_file_leaves_nothing(played: Stage, complaint: str) -> None:
    before = await kept(played)

    async def endless() -> AsyncIterator[bytes]:
        yield PNG
        for _ in range(21):
            yield bytes(2**20)

    url = f"{played.system.url('intake')}/v1/complaints/{complaint}/evidence?name=a.png"
    async with played.system.client() as client:
        answer = await client.post(url, content=endless(), headers={"Content-Type": "image/png"})
    assert answer.status_code == 413
    assert await kept(played) == before


LIES = {
    "longer than what comes": (b"Content-Length: 1000\r\n", PNG),
    "longer than the much that comes": (b"Content-Length: 3000000\r\n", PNG + bytes(10**6)),
    "shorter than what comes": (b"Content-Length: 10\r\n", PNG),
    "no number": (b"Content-Length: ten\r\n", PNG),
    "negative": (b"Content-Length: -1\r\n", PNG),
    "beyond all numbers": (b"Content-Length: 99999999999999999999999999\r\n", PNG),
    "twice, not alike": (b"Content-Length: 33\r\nContent-Length: 3\r\n", PNG),
    "a broken chunk": (b"Transfer-Encoding: chunked\r\n", b"5\r\nabc"),
    "a chunk of no size": (b"Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n0\r\n\r\n"),
    "both ways": (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_about_the_length_leaves_nothing(played: Stage, complaint: str, lie: str) -> None:
    """Some of them end before the application hears of them; none is our error, or keeps anything."""
    before = await kept(played)
    address = urlsplit(played.system.url("intake"))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    told, body = LIES[lie]
    writer.write(
        f"POST /v1/complaints/{complaint}/evidence?name=a.png HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {played.system.key}\r\nContent-Type: image/png\r\n".encode()
        + told
        + b"\r\n"
        + body
    )
    await writer.drain()
    if "longer" in lie or "broken" in lie:
        await asyncio.sleep(0.2)
        writer.close()
    async with asyncio.timeout(90):
        answer = await reader.read(4_096)
    writer.close()
    assert not answer.startswith(b"HTTP/1.1 5"), answer
    async with asyncio.timeout(90):
        while await kept(played) != before:
            await asyncio.sleep(0.1)
