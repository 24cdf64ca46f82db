"""What interrupts deliveries, and how they go on: corrections, lookups, lost probes, shutting down."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify.app import rest
from services.notify.channels.guard import Crowded
from services.notify.channels.webhooks import Sender
from services.notify.domain import deliveries as deliveries_domain
from services.notify.domain import endpoints as endpoints_domain
from services.notify.store.endpoints import probe
from services.notify.ticker import webhooks as ticker
from services.notify.ticker.lanes import Crew
from tests.kit.answers import made
from tests.kit.servers import AnyServers
from tests.kit.webhooks import OK, Hooked, Message, answering, happens, hooked, receiver


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hooked]:
    """After a failure nothing is tried again for hours."""
    monkeypatch.setattr(deliveries_domain, "SHORTEST_S", 36_000.0)
    async with hooked(servers, monkeypatch) as found:
        yield found


async def failed_once(at: Hooked, id: str, count: int) -> None:
    async with asyncio.timeout(90):
        while sum(len(each["attempts"]) for each in await at.log(id)) < count:
            await asyncio.sleep(0.05)


async def test_what_was_held_is_sent_at_once_when_its_endpoint_is_enabled(at: Hooked) -> None:
    async with receiver(answering(500)) as there:
        found = await at.register("shop", there.url)
        for _ in range(3):
            await happens("shop")
        await failed_once(at, found["id"], 3)
        there.answers = [OK]
        made(await at.ask("shop", "POST", f"/{found['id']}:disable"))
        made(await at.ask("shop", "POST", f"/{found['id']}:enable"))
        await at.until(found["id"], "delivered", 3, seconds=20)


async def test_what_waits_is_sent_at_once_to_a_corrected_url(
    at: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints_domain, "SHORTEST", timedelta(minutes=5))
    monkeypatch.setattr(ticker, "AT_ONCE", 2)
    async with receiver(answering(500)) as wrong, receiver() as right:
        found = await at.register("shop", wrong.url)
        for _ in range(5):
            await happens("shop")
        await failed_once(at, found["id"], 5)
        made(await at.ask("shop", "PATCH", f"/{found['id']}", json={"url": right.url}))
        await at.until(found["id"], "delivered", 5, seconds=20)
        assert (await at.shown(found["id"]))["state"] == "enabled"


async def test_what_is_under_way_when_the_url_is_corrected_goes_to_the_new_one_at_once(at: Hooked) -> None:
    async def slow(message: Message, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)
        writer.write(answering(410))

    async with receiver(behave=slow) as wrong, receiver() as right:
        found = await at.register("shop", wrong.url)
        await happens("shop")
        await wrong.until(1)
        made(await at.ask("shop", "PATCH", f"/{found['id']}", json={"url": right.url}))
        (done,) = await at.until(found["id"], "delivered", seconds=20)
        assert [each["status"] for each in done["attempts"]] == [410, 200]


async def test_without_a_free_lookup_it_waits_a_moment_and_its_endpoint_has_not_failed(
    at: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, send = list[UUID](), Sender._send

    async def crowded(self: Sender, id: UUID, *rest: Any) -> Any:
        tried.append(id)
        if len(tried) == 1:
            raise Crowded
        return await send(self, id, *rest)

    monkeypatch.setattr(Sender, "_send", crowded)
    async with receiver() as there:
        found = await at.register("shop", there.url)
        await happens("shop")
        (done,) = await at.until(found["id"], "delivered", seconds=20)
        assert (len(tried), len(done["attempts"])) == (2, 1)


async def test_who_does_not_get_the_probe_gives_the_delivery_back(
    at: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints_domain, "FAILURES", 1)
    monkeypatch.setattr(endpoints_domain, "SHORTEST", timedelta(seconds=0.2))
    lost = list[UUID]()

    async def first_lost(id: UUID, now: datetime) -> bool:
        if not lost:
            lost.append(id)
            return False
        return await probe(id, now)

    monkeypatch.setattr(ticker, "probe", first_lost)
    async with receiver(answering(500), OK) as there:
        found = await at.register("shop", there.url)
        await happens("shop")
        await failed_once(at, found["id"], 1)
        await happens("shop")
        await at.until(found["id"], "delivered", seconds=20)
        assert lost


async def test_at_shutdown_attempts_are_waited_for_and_written_down(
    at: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notify.ticker.notices.crew", Crew())

    async def slow(message: Message, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)
        writer.write(OK)

    async with receiver(behave=slow) as there:
        found = await at.register("shop", there.url)
        await happens("shop")
        await there.until(1)
        await rest()
        assert [each["state"] for each in await at.log(found["id"])] == ["delivered"]
        sender: Sender = ticker.sender()  # type: ignore[attr-defined]
        assert [each.connections for each in sender._pools.values()] == [[]]
