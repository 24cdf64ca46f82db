"""The scanner reads along, its verdict comes before the end, and nothing passes as scanned that was not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import uuid4

import pytest
from pydantic import ValidationError

from services.intake.channels import scanner as channel
from services.intake.channels.scanner import scanned
from shared.problems import Infected, Unavailable
from shared.settings import Settings
from tests.kit.files import KEY, PLENTY, filed, left
from tests.kit.scanner import EICAR, Manner, Scanner, scanner
from tests.kit.servers import AnyServers


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def passed(url: str | None, *contents: bytes) -> list[bytes]:
    return [chunk async for chunk in scanned(pieces(*contents), url)]


async def pour(chunks: AsyncIterator[bytes], got: list[bytes]) -> None:
    async for chunk in chunks:
        got.append(chunk)


async def until_gone(found: Scanner) -> None:
    async with asyncio.timeout(90):
        while found.connections:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("contents", [(), (b"",), (b"a", b"", b"b"), (b"x" * 3_000_000, b"y")])
async def test_what_is_clean_flows_through_and_was_seen_whole(contents: tuple[bytes, ...]) -> None:
    async with scanner() as found:
        assert b"".join(await passed(found.url, *contents)) == b"".join(contents)
        await until_gone(found)
    assert found.seen == [b"".join(contents)]


async def test_what_is_infected_is_refused_by_the_name_of_what_was_found() -> None:
    got: list[bytes] = []
    async with scanner() as found:
        chunks = scanned(pieces(b"harmless ", EICAR[:30], EICAR[30:]), found.url)
        with pytest.raises(Infected, match=r"Win\.Test\.EICAR_HDB-1"):
            await pour(chunks, got)
        await until_gone(found)
    assert b"".join(got) == b"harmless " + EICAR
    assert (Infected.slug, Infected.status) == ("infected", 422)


@pytest.mark.parametrize("manner", [Manner.DIES, Manner.HANGS_UP, Manner.ERRS, Manner.BABBLES])
async def test_no_verdict_is_no_pass(manner: Manner) -> None:
    async with scanner(manner) as found:
        with pytest.raises(Unavailable):
            await passed(found.url, b"a" * 100_000, b"b" * 5_000_000, b"c" * 5_000_000)
        await until_gone(found)


async def test_a_silent_scanner_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert channel.PATIENCE_S == 30
    monkeypatch.setattr(channel, "PATIENCE_S", 0.2)
    began = time.perf_counter()
    async with scanner(Manner.HANGS) as found:
        with pytest.raises(Unavailable):
            await passed(found.url, b"a")
        await until_gone(found)
    assert time.perf_counter() - began < 5


async def test_a_scanner_that_is_away_is_noticed_before_anything_is_taken() -> None:
    async with scanner() as found:
        url = found.url
    taken = []

    async def source() -> AsyncIterator[bytes]:
        taken.append(1)
        yield b"a"

    with pytest.raises(Unavailable):
        await anext(scanned(source(), url))
    assert taken == []


async def test_patience_does_not_run_out_while_the_sender_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "PATIENCE_S", 0.2)

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.5)
        yield b"b"

    async with scanner() as found:
        assert [chunk async for chunk in scanned(slow(), found.url)] == [b"a", b"b"]


async def test_whoever_stops_early_leaves_no_connection_and_no_verdict() -> None:
    async with scanner() as found:
        async with aclosing(scanned(pieces(b"a", b"b"), found.url)) as chunks:
            assert await anext(chunks) == b"a"
        await until_gone(found)
    assert found.seen == []


@pytest.mark.parametrize("manner", [Manner.ANSWERS, Manner.ERRS])
async def test_what_has_no_clean_verdict_is_not_kept(servers: AnyServers, manner: Manner) -> None:
    async with scanner(manner) as found, filed(servers) as files:
        id = uuid4()
        with pytest.raises(Infected if manner is Manner.ANSWERS else Unavailable):
            await files.put(id, scanned(pieces(bytes(600_000), EICAR), found.url), KEY, PLENTY)
        assert await left(servers, id) == 0
        await until_gone(found)


async def test_without_a_scanner_nothing_is_scanned() -> None:
    assert await passed(None, EICAR, b"") == [EICAR, b""]


def test_the_setting_names_a_host_and_a_port() -> None:
    assert Settings(scanner_url="tcp://clamd:3310").scanner_url == "tcp://clamd:3310"
    for wrong in ("clamd:3310", "http://clamd:3310", "tcp://clamd", "tcp://:3310x"):
        with pytest.raises(ValidationError):
            Settings(scanner_url=wrong)
