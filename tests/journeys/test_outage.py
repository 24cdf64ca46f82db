"""Broker or database away, at the start or in the middle: the service waits, says so, and resumes."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from deploy.local.play import Case, Players
from deploy.local.servers import Servers
from deploy.local.stage import stage
from deploy.local.system import System
from tests.journeys.test_chain import BODY


async def troubles(system: System) -> list[str]:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        answer = await client.get(f"{system.url('triage')}/health/ready")
        found: list[str] = answer.json()["troubles"]
        return found


async def until_live(system: System) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(90):
        while True:
            try:
                (await client.get(f"{system.url('triage')}/health/live")).raise_for_status()
                return
            except httpx.HTTPError:
                await asyncio.sleep(0.1)


async def test_at_the_start(breakable: Servers, tmp_path: Path) -> None:
    breakable.kill("broker")
    breakable.kill("database")
    system = System(breakable, tmp_path / "services")
    try:
        system.launch("triage")
        await until_live(system)
        found = " ".join(await troubles(system))
        assert "broker" in found
        assert "database" in found
        await breakable.restart("database")
        await breakable.restart("broker")
        await system.ready()
        assert "database there" in system.log("triage")
    finally:
        await system.stop()


async def test_in_the_middle_an_accepted_complaint_goes_on(breakable: Servers, tmp_path: Path) -> None:
    async with stage(breakable, tmp_path / "services") as set_up, set_up.system.client() as client:
        players = Players(set_up.system, client, set_up.mailbox, set_up.gateway)
        case = Case(body=BODY, play={})
        breakable.kill("broker")
        await players.hand_in(case)  # intake goes on taking complaints without a broker
        await asyncio.sleep(1)
        assert case.stage == "registered"
        breakable.kill("database")
        async with asyncio.timeout(90):
            while "database" not in " ".join(await troubles(set_up.system)):
                await asyncio.sleep(0.1)
        refused = await client.post(f"{set_up.system.url('intake')}/v1/complaints", json=BODY)
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert refused.json()["type"] == "/problems/unavailable"
        await breakable.restart("database")
        await breakable.restart("broker")
        await set_up.system.ready()
        await players.until(case, "dispatched", 1)
        for step in await players.steps(case):
            await act(client, set_up.system, case, step)
        logs: dict[str, Any] = {name: set_up.system.log(name) for name in set_up.system.names}
        assert "The database is away" in logs["triage"]


async def act(client: httpx.AsyncClient, system: System, case: Case, step: dict[str, Any]) -> None:
    answer = await client.post(f"{system.url('intake')}/v1/complaints/{case.id}/steps", json=step)
    answer.raise_for_status()
