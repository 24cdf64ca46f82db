"""Pages of the history, put together, are the whole; a place that is not theirs is told."""

import asyncio
from datetime import timedelta

import pytest

from shared import clock
from shared.history import History
from shared.paging import Page, page
from shared.places import Place, Start, mark
from shared.problems import Gone
from shared.wanted import Wanted
from tests.kit.history import FACTS, event, message, stream
from tests.kit.servers import AnyServers
from tests.shared.test_history import fill

CLOSED = FACTS[2]


@pytest.mark.parametrize("size", [1, 7, 100, 500])
async def test_pages_put_together_are_the_whole(servers: AnyServers, size: int) -> None:
    async with stream(servers) as (name, channel):
        events = await fill(channel, name, 150)
        history = History(servers.admin_amqp_url, name)
        found: list[bytes] = []
        place: Start = "first"
        while True:
            some = await page(history, place, Wanted(), size)
            assert len(some.events) == min(size, 150 - len(found))
            found += some.events
            place = some.place
            assert some.more == (len(found) < 150)
            if not some.more:
                break
        assert found == events
        assert await page(history, place, Wanted(), size) == Page([], some.place, False)
        await history.close()


async def test_a_page_waits_for_what_comes(servers: AnyServers) -> None:
    async with stream(servers) as (name, channel):
        await fill(channel, name, 3)
        history = History(servers.admin_amqp_url, name)
        end = (await page(history, "first", Wanted(), 500)).place
        waiting = asyncio.create_task(page(history, end, Wanted(), 10, wait=20))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        late = event(CLOSED)
        sent = message(CLOSED.type, [late])
        await channel.default_exchange.publish(sent, name)
        after = Place(end.offset + 1, 0, mark(sent.message_id, sent.body))
        assert await waiting == Page([late], after, False)
        assert await page(history, after, Wanted(), 10, wait=0.2) == Page([], after, False)
        await history.close()


async def test_nobody_consumes_once_a_page_was_read(servers: AnyServers) -> None:
    async with stream(servers) as (name, channel):
        await fill(channel, name, 2_000)
        history = History(servers.admin_amqp_url, name)
        for _ in range(5):
            await page(history, "first", Wanted(), 3)
        async with asyncio.timeout(90):
            while (await channel.declare_queue(name, passive=True)).declaration_result.consumer_count:
                await asyncio.sleep(0.1)
        await history.close()


@pytest.mark.parametrize("size", [3, 60, 500])
async def test_a_place_of_another_stream_is_gone_though_it_has_grown_as_far(
    servers: AnyServers, size: int
) -> None:
    """Restored, or declared anew: its messages are others, at the same offsets; and so after every page."""
    async with stream(servers) as (old, channel), stream(servers) as (new, _):
        await fill(channel, old, 150)
        await fill(channel, new, 300)
        history, other = (History(servers.admin_amqp_url, name) for name in (old, new))
        some = await page(history, "first", Wanted(), size)
        assert (await page(history, some.place, Wanted(), 10)).place.offset >= some.place.offset
        with pytest.raises(Gone, match="not the one it was"):
            await page(other, some.place, Wanted(), 10)
        nothing = await page(history, clock.now() + timedelta(hours=1), Wanted(), 10)
        assert nothing.events == []
        with pytest.raises(Gone, match="not the one it was"):
            await page(other, nothing.place, Wanted(), 10, wait=1)
        await history.close()
        await other.close()
