"""A service that is told to stop: not ready at once, yet it answers until everybody has turned away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from bench.load import COMPLAINT
from deploy.local.system import System
from tests.kit.servers import AnyServers

DRAIN_S = 3.0
LIVE = "/v1/complaints:live"


@pytest.fixture
async def system(servers: AnyServers, tmp_path: Path) -> AsyncIterator[System]:
    found = System(servers, tmp_path, {"REDRESS_DRAIN_S": str(DRAIN_S)})
    found.launch("intake")
    await found.ready(["intake"])
    yield found
    await found.stop()


@asynccontextmanager
async def leaving(system: System) -> AsyncIterator[float]:
    """While it was told to stop and answers still; when it was told. It has ended afterwards, in order."""
    told, ending = monotonic(), asyncio.create_task(system.end("intake"))
    await asyncio.sleep(0.5)
    yield told
    await ending
    assert '"stopped"' in system.log("intake")
    assert "not ended in order" not in system.log("intake")


async def test_it_is_not_ready_at_once_but_takes_complaints_until_the_end(system: System) -> None:
    async with system.client() as client, leaving(system) as told:
        ready = await client.get(system.url("intake") + "/health/ready")
        assert ready.status_code == 503
        assert "is stopping" in ready.text
        while monotonic() - told < DRAIN_S - 0.5:
            url = system.url("intake") + "/v1/complaints"
            taken = await client.post(url, json=COMPLAINT, headers={"Idempotency-Key": f"{monotonic()}"})
            assert taken.status_code == 201, taken.text
            assert taken.headers["Connection"] == "close", "so that the next request goes elsewhere"
            await asyncio.sleep(0.1)


async def test_it_ends_when_its_time_is_over(system: System) -> None:
    async with leaving(system) as told:
        pass
    assert monotonic() - told >= DRAIN_S
    async with system.client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(system.url("intake") + "/health/live")


async def test_connections_stay_open_while_nobody_told_it_to_stop(system: System) -> None:
    async with system.client() as client:
        answer = await client.get(system.url("intake") + "/health/live")
        assert "Connection" not in answer.headers


async def test_a_board_that_follows_changes_is_ended_in_order(system: System) -> None:
    """A stream that was cut off would raise here: its last chunk would be missing."""
    async with system.client() as client, client.stream("GET", system.url("intake") + LIVE) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == ": begins"
        async with leaving(system) as told:
            assert [line async for line in lines if line and not line.startswith(("id:", ":"))] == []
            assert monotonic() - told < DRAIN_S, "it did not wait until it was cut off"
