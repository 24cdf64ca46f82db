"""A bad batch, handed in over weeks that pass at once: signalled, charted, countered, judged, closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from deploy.local.system import System
from shared import clock
from shared.clock import Clock
from shared.envelope import Cause
from shared.events import Fact, TrendSignalled
from tests.kit.desk import Desk
from tests.kit.servers import AnyServers, servers_for_tests
from tests.kit.toy import admin_of, events_in, history

MEASURE = {
    "what": "The lid is cast thicker.", "department": "quality", "owner": "Li", "due": "2030-01-01T00:00:00Z",
}  # fmt: skip
NOON = clock.machine_now().astimezone(ZoneInfo("Asia/Shanghai")).replace(hour=12)
"""In the house's zone, so that no midnight passes between a complaint and the look meant to find it."""


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[AnyServers]:
    """Servers on which nobody else's complaints are."""
    async with servers_for_tests(tmp_path / "servers") as found:
        yield found


@asynccontextmanager
async def at(servers: AnyServers, folder: Path, days: int, replica: bool = False) -> AsyncIterator[System]:
    """The record and the judgement, at noon so many days from now."""
    seen = Clock(clock.machine_now(), NOON + timedelta(days=days), 1.0)
    system = System(servers, folder, {"REDRESS_CLOCK": str(seen)})
    try:
        system.launch("intake")
        system.launch("triage")
        if replica:
            system.launch("intake", "another intake")
        await system.ready()
        yield system
    finally:
        await system.stop()


async def hand_in(system: System, **batches: int) -> None:
    """So many complaints about each batch, each of them dispatched."""
    async with system.client() as client:
        desk = Desk(client, system.url("intake"))
        bodies = [
            {"product": {"name": "pan", "batch": batch}, "description": f"The lid cracked. {uuid4()}"}
            for batch, count in batches.items()
            for _ in range(count)
        ]
        ids = await asyncio.gather(*(desk.made(**body) for body in bodies))
        await asyncio.gather(*(desk.until(id, "dispatched") for id in ids))


async def trends(system: System, key: str | None = None, **query: Any) -> list[dict[str, Any]]:
    async with system.client(key) as client:
        found: list[dict[str, Any]] = (
            await Desk(client, system.url("intake")).get("trends", **query)
        ).json()["trends"]
        return found


async def looked(servers: AnyServers, days: int) -> None:
    """Wait until yesterday, seen from so many days ahead, was looked at."""
    last = (NOON + timedelta(days=days - 1)).date().isoformat()
    async with admin_of(servers) as client, asyncio.timeout(90):
        while not await client["intake"]["complaints"].find_one({"state.day": {"$gte": last}}):
            await asyncio.sleep(0.2)


async def test_a_bad_batch_from_its_first_complaint_to_the_closing(alone: AnyServers, tmp_path: Path) -> None:
    folder, usual = tmp_path / "services", {f"B-{number}": 8 for number in range(5)}
    async with at(alone, folder, 0) as system:
        await hand_in(system, **usual)
    async with at(alone, folder, 38) as system:
        await hand_in(system, **dict.fromkeys(usual, 2), **{"B-17": 20})
        await looked(alone, 38)
        assert await trends(system) == []
    async with at(alone, folder, 40, replica=True) as system:
        await looked(alone, 40)
        (found,) = await trends(system, state="open")
        assert (found["kind"], found["subject"]["batch"], found["observed"]) == ("batch", "B-17", 20)
        assert found["expected"] == 0
        assert found["probability"] < 1e-6
        assert len(found["evidence"]) == 20
        await told(alone, found["id"])
        await countered(system, found["id"])
    async with at(alone, folder, 100) as system:
        await hand_in(system, **dict.fromkeys(usual, 4))
        await looked(alone, 100)
        await judged_and_closed(system, found["id"])


async def told(servers: AnyServers, id: str) -> None:
    """Once, though two replicas looked."""
    events: list[Cause[Fact]] = []
    async with asyncio.timeout(180):
        while not events:
            events = [each for each in events_in(await history(servers)) if each.type == TrendSignalled.type]
    (event,) = events
    assert (event.complaint, event.subject, event.by) == (UUID(id), "batch/B-17", "intake")


async def countered(system: System, id: str) -> None:
    """A measure, once for its key; nobody who hands complaints in reads of trends."""
    async with system.client() as client, system.client(system.partner_key) as stranger:
        desk, partner = Desk(client, system.url("intake")), Desk(stranger, system.url("intake"))
        assert (await partner.get("trends")).status_code == 403
        assert (await partner.get("charts", batch="B-17")).status_code == 403
        begins = (NOON + timedelta(days=41)).isoformat()
        body = MEASURE | {"effective_from": begins}
        for _ in range(2):
            answer = await desk.post(f"trends/{id}/measures", body, Idempotency_Key="lid")
            assert answer.status_code == 201, answer.text
        assert [each["what"] for each in answer.json()["measures"]] == [MEASURE["what"]]
        other = await desk.post(f"trends/{id}/measures", body | {"owner": "Wu"}, Idempotency_Key="lid")
        assert other.status_code == 422
        early = body | {"effective_from": "2020-01-01T00:00:00Z"}
        assert (await desk.post(f"trends/{id}/measures", early)).status_code == 422
        shown = (await desk.get(f"trends/{id}")).json()
        assert shown["measures"][0]["effect"]["verdict"] == "too_early"
        assert len(shown["complaints"]) == 20
        assert all(each["number"].startswith("RC-") for each in shown["complaints"])
        assert len(shown["chart"]) == 26
        last = shown["chart"][-1]
        assert (last["count"], last["all"], last["beyond"]) == (20, 30, True)
        assert (await desk.get("charts", batch="B-17")).json()["points"] == shown["chart"]
        nature = (await desk.get("charts", **{"class": "product_quality", "product": "pan"})).json()
        assert (nature["kind"], nature["points"][-1]["count"]) == ("nature", 30)
        assert (await desk.get("charts", cause="wear")).status_code == 422


async def judged_and_closed(system: System, id: str) -> None:
    async with system.client() as client:
        desk = Desk(client, system.url("intake"))
        (listed,) = await trends(system)
        assert listed["measures"][0]["effect"]["verdict"] in ("reduced", "not_shown"), "as of last night"
        effect = (await desk.get(f"trends/{id}")).json()["measures"][0]["effect"]
        assert (effect["verdict"], effect["selected"]) == ("reduced", True)
        assert (effect["before"]["count"], effect["after"]["count"], effect["after"]["all"]) == (20, 0, 20)
        assert effect["high"] < 1
        for conclusion, status in (("Thicker now.", 200), ("Thicker now.", 200), ("No matter.", 409)):
            answer = await desk.post(f"trends/{id}/close", {"conclusion": conclusion})
            assert answer.status_code == status, answer.text
        late = MEASURE | {"effective_from": "2030-01-01T00:00:00Z"}
        assert (await desk.post(f"trends/{id}/measures", late)).status_code == 409
        assert [each["state"] for each in await trends(system, state="closed")] == ["closed"]
        assert (await desk.get(f"trends/{uuid4()}")).status_code == 404
