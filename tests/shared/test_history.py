"""The history is read from any place to the end that it had, whole, in order, and again the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.servers import Servers
from shared import clock
from shared.envelope import batch, lines
from shared.history import HISTORY, Batch, History
from shared.paging import page
from shared.places import Place, Start
from shared.problems import Gone, Malformed, Unavailable
from shared.wanted import Wanted
from tests.kit.history import FACTS, batches, event, message, stream
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of

GRADED, ACCEPTED, CLOSED = FACTS


async def read(history: History, start: Start = "first") -> list[Batch]:
    async with history.reading(start) as reading:
        return [each async for each in reading]


async def fill(channel: Any, name: str, count: int) -> list[bytes]:
    """So many events are in the stream, and confirmed."""
    made = list(batches(count))
    for type, some in made:
        await channel.default_exchange.publish(message(type, some), name)
    return [each for _, some in made for each in some]


async def noted(batches: AsyncIterator[Batch], offsets: list[int]) -> None:
    """The offsets as far as they come."""
    async for each in batches:
        offsets.append(each.offset)


def apart(found: list[Batch]) -> list[bytes]:
    return [line for each in found for line in each.lines().split(b"\n")]


# bodies


@given(
    st.lists(
        st.text(max_size=60) | st.sampled_from(['},{"specversion":', "\n", '"}]', "\\", "},{"]),
        min_size=1,
        max_size=9,
    )
)
def test_the_events_of_a_batch_are_found_again_byte_for_byte(texts: list[str]) -> None:
    events = [
        json.dumps({"specversion": "1.0", "data": {text: text}}, separators=(",", ":")) for text in texts
    ]
    assert lines(batch([each.encode() for each in events])) == "\n".join(events).encode()


def test_a_batch_that_was_not_put_together_here_is_read_all_the_same() -> None:
    events = [json.loads(event(GRADED)) for _ in range(3)]
    found = lines(json.dumps(events, indent=1).encode())
    assert [json.loads(line) for line in found.split(b"\n")] == events
    spaced = b"[" + b" , ".join(json.dumps(each, separators=(",", ":")).encode() for each in events) + b"]"
    assert [json.loads(line) for line in lines(spaced).split(b"\n")] == events
    with pytest.raises(Malformed):
        lines(b"{}")


# the end


async def test_an_empty_stream_is_read_to_its_end(servers: AnyServers) -> None:
    async with stream(servers) as (name, _):
        history = History(servers.admin_amqp_url, name)
        assert await read(history) == []
        assert await read(history, 0) == []
        await history.close()


@pytest.mark.parametrize("count", [1, 2, 300, 3_000])
async def test_all_that_is_there_comes_in_order_and_again_the_same(servers: AnyServers, count: int) -> None:
    async with stream(servers) as (name, channel):
        events = await fill(channel, name, count)
        history = History(servers.admin_amqp_url, name)
        first, second = await read(history), await read(history)
        await history.close()
    assert apart(first) == events
    assert [each.offset for each in first] == list(range(len(first)))
    assert [each.message.body for each in first] == [each.message.body for each in second]
    assert [each.message.message_id for each in first] == [each.message.message_id for each in second]


async def test_the_end_is_the_one_at_the_start_though_more_comes_all_the_time(servers: AnyServers) -> None:
    """Everything that was confirmed before is in, and it ends, though the stream never does."""
    async with stream(servers) as (name, channel):
        confirmed = 0
        over = False

        async def publish() -> None:
            nonlocal confirmed
            while not over:
                some = [message("complaint.closed.v1", [event(CLOSED)]) for _ in range(40)]
                await asyncio.gather(*(channel.default_exchange.publish(each, name) for each in some))
                confirmed += len(some)

        writing = asyncio.create_task(publish())
        history = History(servers.admin_amqp_url, name)
        while confirmed < 400:
            await asyncio.sleep(0.01)
        for _ in range(5):
            before = confirmed
            async with asyncio.timeout(180), history.reading("first") as reading:
                offsets = [each.offset async for each in reading]
                end = reading.end
            assert before <= end == len(offsets)
            assert offsets == list(range(end))
        over = True
        await writing
        await history.close()


async def test_reading_goes_on_at_an_offset(servers: AnyServers) -> None:
    async with stream(servers) as (name, channel):
        await fill(channel, name, 500)
        history = History(servers.admin_amqp_url, name)
        whole = await read(history)
        for start in (0, 1, len(whole) // 2, len(whole) - 1, len(whole)):
            assert [each.offset for each in await read(history, start)] == list(range(start, len(whole)))
        with pytest.raises(Gone, match="not the one it was"):
            await read(history, len(whole) + 1)
        await history.close()


async def test_an_instant_misses_nothing_that_was_written_since(servers: AnyServers) -> None:
    async with stream(servers) as (name, channel):
        await fill(channel, name, 50)
        history = History(servers.admin_amqp_url, name)
        whole = len(await read(history))
        assert len(await read(history, clock.now() - timedelta(hours=1))) == whole
        assert len(await read(history, datetime(1970, 1, 1, tzinfo=UTC))) == whole
        assert await read(history, clock.now() + timedelta(hours=1)) == []
        await history.close()


# retention


SEGMENT = {"x-stream-max-segment-size-bytes": 20_000}


async def test_offsets_that_no_message_has_are_places_all_the_same(servers: AnyServers) -> None:
    async with stream(servers, **SEGMENT) as (name, channel):
        await fill(channel, name, 1_500)
        history = History(servers.admin_amqp_url, name)
        offsets = [each.offset for each in await read(history)]
        gaps = sorted({*range(offsets[-1])} - {*offsets})
        assert gaps, "no segment was full"
        for start in (*gaps, *(gap + 1 for gap in gaps)):
            assert [each.offset for each in await read(history, start)] == [
                at for at in offsets if at >= start
            ]
        await history.close()


async def test_what_retention_took_away_is_told_and_the_rest_is_read(servers: AnyServers) -> None:
    async with stream(servers, **SEGMENT | {"x-max-length-bytes": 60_000}) as (name, channel):
        await fill(channel, name, 4_000)
        history, whole = History(servers.admin_amqp_url, name), list[Batch]()
        async with asyncio.timeout(90):
            while not whole or whole[0].offset == 0:
                await fill(channel, name, 200)
                with suppress(Gone):  # it may be at work while we read
                    whole = await read(history)
        left = whole[0].offset
        with pytest.raises(Gone, match=f"the first that is left is {left}, of 20"):
            await read(history, left - 1)
        assert [each.offset for each in await read(history, left)] == [each.offset for each in whole]
        assert sum(len(each.message.body) for each in whole) < 200_000
        with pytest.raises(Gone):
            await page(history, Place(0), Wanted(), 10)
        await history.close()


async def test_a_reader_that_retention_overtakes_is_told_and_nothing_is_left_out_in_silence(
    servers: AnyServers,
) -> None:
    async with stream(servers, **SEGMENT | {"x-max-length-bytes": 60_000}) as (name, channel):
        await fill(channel, name, 300)
        history = History(servers.admin_amqp_url, name)
        async with history.reading("first", prefetch=4) as reading:
            reading.end = 10**6
            batches = aiter(reading)
            got = [(await anext(batches)).offset]
            await fill(channel, name, 6_000)
            left = (await read(history))[0].offset
            with pytest.raises(Gone, match=f"the first that is left is {left}"):
                await noted(batches, got)
        assert all(after - before <= 2 for before, after in pairwise(got)), "a segment's own, and no more"
        assert got[-1] < left
        await history.close()


# a broker that is away


async def test_without_a_broker_it_says_so_and_goes_on_when_it_is_back(breakable: Servers) -> None:
    async with channel_of(breakable.admin_amqp_url) as channel:
        await fill(channel, HISTORY, 2_000)
    await asyncio.sleep(8)  # one that is killed sooner does not know its new stream any more
    history = History(breakable.operator_amqp_url)
    async with history.reading("first", prefetch=4) as reading:
        breakable.kill("broker")
        with pytest.raises(Unavailable):
            assert [each async for each in reading] == []
    with pytest.raises(Unavailable) as told:
        await page(history, "first", Wanted(), 10)
    assert told.value.retry_after
    await breakable.restart("broker")
    found: list[Batch] = []
    async with asyncio.timeout(180):
        while not found:  # the stream itself comes back a little later
            await asyncio.sleep(0.2)
            with suppress(Unavailable):
                found = await read(history)
    await history.close()


async def test_whoever_may_not_read_it_is_told(servers: AnyServers) -> None:
    history = History(servers.amqp_url("triage"))
    with pytest.raises(Unavailable, match="AccessRefused"):
        await read(history)
    await history.close()
