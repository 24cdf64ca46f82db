"""Files: whole or not there, whatever ends an upload, in little memory whatever their size."""

import asyncio
import hashlib
import os
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from deploy.local.servers import Servers
from shared.driver import Taken
from shared.files import PIECE, Files
from shared.problems import NotFound, TooLarge, Unavailable
from shared.tasks import end
from tests.kit.files import KEY, PLENTY, all_of, filed, in_parts, kept, left
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of

WEEK = timedelta(days=7)


@pytest.mark.parametrize("size", [0, 1, 2, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7])
@pytest.mark.parametrize("filling", ["zeros", "random"])
async def test_a_file_comes_back_as_it_was(servers: AnyServers, size: int, filling: str) -> None:
    content = bytes(size) if filling == "zeros" else os.urandom(size)
    async with filed(servers) as files:
        id = uuid4()
        said = await files.put(id, in_parts(content), KEY, size)
        assert await all_of(files, id) == content
    assert (said.size, said.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert await left(servers, id) == 1 + max(1, -(-size // PIECE))


@pytest.mark.parametrize("part", [1_000, PIECE, 5_000_000])
async def test_parts_of_any_size_make_the_same_file(servers: AnyServers, part: int) -> None:
    content = os.urandom(1_000_000)
    async with filed(servers) as files:
        id = uuid4()
        await files.put(id, in_parts(content, part), KEY, PLENTY)
        assert await all_of(files, id) == content
    assert await left(servers, id) == 5


async def test_twenty_megabytes_pass_in_little_memory(servers: AnyServers) -> None:
    size, digest = 20 * 2**20, hashlib.sha256()

    async def source() -> AsyncIterator[bytes]:
        for _ in range(size // 65_536):
            yield os.urandom(65_536)

    async with filed(servers) as files:
        await kept(files, b"warm")
        id = uuid4()
        tracemalloc.start()
        try:
            said = await files.put(id, source(), KEY, size)
            _, written = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            async with aclosing(files.read(id, KEY)) as pieces:
                async for piece in pieces:
                    digest.update(piece)
            _, read = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert said.sha256 == digest.hexdigest()
    assert written < 12 * PIECE
    assert read < 24 * PIECE


async def test_too_much_leaves_nothing(servers: AnyServers) -> None:
    async with filed(servers) as files:
        id = uuid4()
        with pytest.raises(TooLarge):
            await files.put(id, in_parts(bytes(3 * PIECE)), KEY, 3 * PIECE - 1)
        assert await left(servers, id) == 0


async def test_a_source_that_fails_leaves_nothing(servers: AnyServers) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield bytes(2 * PIECE)
        raise TimeoutError("the sender went away")

    async with filed(servers) as files:
        id = uuid4()
        with pytest.raises(TimeoutError, match="the sender"):
            await files.put(id, failing(), KEY, PLENTY)
        assert await left(servers, id) == 0


@pytest.mark.parametrize("cancels", [1, 5])
async def test_an_upload_cancelled_at_any_moment_leaves_nothing_or_all(
    servers: AnyServers, cancels: int
) -> None:
    async def source() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(PIECE)
            await asyncio.sleep(0)

    async with filed(servers) as files:
        await kept(files, b"warm")
        ended = []
        for delay in range(25):
            id = uuid4()
            task = asyncio.create_task(files.put(id, source(), KEY, PLENTY))
            await asyncio.sleep(delay * 0.002)
            for _ in range(cancels):
                task.cancel()
                await asyncio.sleep(0.0005)
            await asyncio.wait([task])
            ended.append(task.cancelled())
            assert await left(servers, id) == (0 if task.cancelled() else 9)
        assert any(ended)


async def test_an_upload_that_waits_for_its_sender_is_ended_cleanly(servers: AnyServers) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield bytes(2 * PIECE)
        await asyncio.Event().wait()

    async with filed(servers) as files:
        id = uuid4()
        task = asyncio.create_task(files.put(id, stuck(), KEY, PLENTY))
        async with asyncio.timeout(90):
            while await left(servers, id) < 2:
                await asyncio.sleep(0.02)
        with pytest.raises(NotFound):
            await all_of(files, id)
        await end(task)
        assert await left(servers, id) == 0


async def test_an_id_is_used_once_and_the_first_file_stays(servers: AnyServers) -> None:
    async with filed(servers) as files:
        id = await kept(files, b"first")
        with pytest.raises(Taken):
            await files.put(id, in_parts(b"second"), KEY, PLENTY)
        assert await all_of(files, id) == b"first"


async def test_two_uploads_of_one_id_do_not_mix(servers: AnyServers) -> None:
    contents = [bytes([n]) * (2 * PIECE) for n in range(1, 6)]
    async with filed(servers) as files:
        id = uuid4()
        ended = await asyncio.gather(
            *(files.put(id, in_parts(content), KEY, PLENTY) for content in contents), return_exceptions=True
        )
        won = [number for number, each in enumerate(ended) if not isinstance(each, BaseException)]
        assert len(won) == 1
        assert await all_of(files, id) == contents[won[0]]
    assert sum(isinstance(each, Taken) for each in ended) == 4


async def test_what_is_deleted_is_gone_however_often(servers: AnyServers) -> None:
    async with filed(servers) as files:
        one, two, third = [await kept(files, bytes(PIECE + 1)) for _ in range(3)]
        for _ in range(2):
            await files.delete([one, two, uuid4()])
            await files.delete([])
        with pytest.raises(NotFound):
            await all_of(files, one)
        assert await all_of(files, third) == bytes(PIECE + 1)
    assert await left(servers, one) == await left(servers, two) == 0


async def test_a_file_swept_away_while_it_is_written_leaves_nothing(servers: AnyServers) -> None:
    async with filed(servers) as files:
        id = uuid4()

        async def source() -> AsyncIterator[bytes]:
            yield bytes(2 * PIECE)
            await files.delete([id])
            yield bytes(2 * PIECE)

        with pytest.raises(Unavailable):
            await files.put(id, source(), KEY, PLENTY)
        assert await left(servers, id) == 0


async def test_leftovers_are_files_begun_long_ago_whole_or_not(servers: AnyServers) -> None:
    async with filed(servers) as files, admin_of(servers) as client:
        entries = client["intake"]["complaints.files"]
        young, old, half = [await kept(files, b"a") for _ in range(3)]
        for id in (old, half):
            back = {"$dateSubtract": {"startDate": "$$NOW", "unit": "hour", "amount": 25}}
            await entries.update_one({"_id": id}, [{"$set": {"uploadDate": back}}])
        await entries.update_one({"_id": half}, {"$unset": {"length": ""}})
        found = await files.leftovers(timedelta(hours=24), WEEK)
        assert {old, half} <= set(found)
        assert young not in found
        assert old not in await files.leftovers(timedelta(hours=1), timedelta(hours=24))
        assert old not in await files.leftovers(timedelta(hours=26), WEEK)
        assert young in await files.leftovers(timedelta(seconds=-5), WEEK)


async def test_an_outage_is_told_and_what_it_leaves_is_found(breakable: Servers) -> None:
    async with filed(breakable) as files:
        whole, id = await kept(files, b"a"), uuid4()

        async def source() -> AsyncIterator[bytes]:
            yield bytes(2 * PIECE)
            breakable.kill("database")
            yield bytes(2 * PIECE)

        with pytest.raises(Unavailable):
            await files.put(id, source(), KEY, PLENTY)
        for asked in (all_of(files, whole), files.delete([whole]), files.leftovers(timedelta(0), WEEK)):
            with pytest.raises(Unavailable):
                await asked
        await breakable.restart("database")
        async with asyncio.timeout(90):
            while (found := await retried(files)) is None:
                await asyncio.sleep(0.2)
        assert {whole, id} <= set(found)
        assert await all_of(files, whole) == b"a"


async def retried(files: Files) -> list[UUID] | None:
    try:
        return await files.leftovers(timedelta(seconds=-5), WEEK)
    except Unavailable:
        return None


async def test_pieces_are_written_and_read_as_surely_as_documents(servers: AnyServers) -> None:
    async with filed(servers) as files:
        documents = files._store._documents
        for part in (files._entries, files._chunks):
            assert part.write_concern == documents.write_concern
            assert part.read_concern == documents.read_concern
