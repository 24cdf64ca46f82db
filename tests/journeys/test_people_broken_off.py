"""An erasure that a kill breaks off is finished; two replicas end what was kept long enough, once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local.servers import Servers
from deploy.local.stage import Stage, stage
from tests.faults.state import settle
from tests.kit.desk import Desk, desks
from tests.kit.search import Sought, in_databases
from tests.kit.toy import admin_of

COMPLAINTS, ENOUGH = 200, 10
MONTHS_A_SECOND = 365.25 * 86_400 / 6
ODD = "Xanthippe"
HASTY = [
    sys.executable,
    "-c",
    "from datetime import timedelta; from services.intake.store import people;"
    "people.LATER = timedelta(seconds=2); from services.intake.app import service; service.run()",
]
"""intake, but for the minute after which it looks again."""


@asynccontextmanager
async def hasty(servers: Servers, folder: Path, speed: float = 1.0) -> AsyncIterator[Stage]:
    """A system whose intake looks after its erasures soon."""
    async with stage(servers, folder, speed) as found:
        await relaunched(found, "intake")
        yield found


async def relaunched(found: Stage, name: str) -> None:
    if name in found.system.names:
        found.system.kill(name)
    found.system.launch("intake", name, HASTY)
    await found.system.ready([name])


async def erased(servers: Servers) -> dict[str, int]:
    """How many records each service has erased."""
    places = {"intake": "complaints", "triage": "gradings", "notify": "notices", "survey": "surveys"}
    async with admin_of(servers) as client:
        return {
            name: await client[name][kind].count_documents({"state.erased": {"$nin": [None, False]}})
            for name, kind in places.items()
        }


async def told(servers: Servers) -> dict[UUID, int]:
    """How often it was told of each complaint that it was erased."""
    async with admin_of(servers) as client:
        found = client["intake"]["complaints"].find({"number": {"$exists": True}}, {"journal.type": 1})
        return {
            each["_id"]: [entry["type"] for entry in each["journal"]].count("contact.erased.v1")
            async for each in found
        }


def who(n: int) -> dict[str, str]:
    """One person, known by four chained ways."""
    ways = {"email": f"{ODD}@people.example", "phone": "+44 7911 555 123", "address": f"9 {ODD} Lane"}
    step = (("email",), ("email", "phone"), ("phone", "address"), ("address",))[n % 4]
    return {"name": ODD} | {way: ways[way] for way in step}


async def test_a_kill_in_the_middle_of_an_erasure(breakable: Servers, tmp_path: Path) -> None:
    async with hasty(breakable, tmp_path / "services") as at, desks(at) as (staff, approver, _):
        ids = await asyncio.gather(
            *(staff.made(complainant=who(n), description=f"{ODD} says {n}") for n in range(COMPLAINTS))
        )
        other = await staff.made()
        assert not (await settle(breakable, 60, closed=False)).restless
        asked = asyncio.create_task(approver.post("people:erase", {"email": who(0)["email"], "linked": True}))
        while (at_kill := (await erased(breakable))["intake"]) < ENOUGH:
            await asyncio.sleep(0.01)
        at.system.kill("intake")
        with pytest.raises(httpx.HTTPError):
            await asked
        assert ENOUGH <= at_kill < COMPLAINTS, "it was broken off"
        await relaunched(at, "intake")
        async with asyncio.timeout(180):
            while set((await erased(breakable)).values()) != {COMPLAINTS}:
                await asyncio.sleep(0.2)
        counts = await told(breakable)
        assert {counts[UUID(id)] for id in ids} == {1}
        assert counts[UUID(other)] == 0
        await until_swept(breakable)
        assert await in_databases(Sought([ODD]), breakable) == set()


async def until_swept(servers: Servers) -> None:
    async with asyncio.timeout(90), admin_of(servers) as client:
        while await client["intake"]["complaints"].count_documents({"erasing_due": {"$exists": True}}):
            await asyncio.sleep(0.2)


async def test_two_replicas_end_what_was_kept_long_enough(breakable: Servers, tmp_path: Path) -> None:
    async with (
        hasty(breakable, tmp_path / "services", MONTHS_A_SECOND) as at,
        desks(at) as (staff, _, _),
    ):
        await relaunched(at, "second")
        me = {"name": ODD, "email": f"{ODD}@people.example"}
        kept = await staff.made(complainant=me)
        ended = await asyncio.gather(*(staff.made(complainant=me, description=f"{n}") for n in range(30)))
        await asyncio.gather(*(staff.step(id, "withdraw", reason=f"{ODD} said so") for id in ended))
        assert (await erased(breakable))["intake"] == 0, "three years are not over"
        async with asyncio.timeout(180):
            while (await erased(breakable))["intake"] < len(ended):
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        counts = await told(breakable)
        assert {counts[UUID(id)] for id in ended} == {1}
        assert counts[UUID(kept)] == 0
        assert await name_of(staff, kept) == ODD, "an open one is kept"
        await staff.step(kept, "withdraw")
        async with asyncio.timeout(180):
            while (await told(breakable))[UUID(kept)] == 0:
                await asyncio.sleep(0.1)
        await until_swept(breakable)
        async with admin_of(breakable) as client:
            keys = await client["intake"]["complaints"].count_documents({"state.key": {"$type": "string"}})
        assert keys == 0, "the key goes with the last record"


async def name_of(staff: Desk, id: str) -> Any:
    seen = (await staff.get(f"complaints/{id}", personal=True)).json()["complaint"]
    return (seen["given"]["complainant"] or {}).get("name")
