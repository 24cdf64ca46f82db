"""Broker and database are lost in the middle of the work, and everything goes on from a copy on new ones."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from pymongo import AsyncMongoClient

from deploy.backup.archive import Manifest, documents, opened
from deploy.local.endpoints import Endpoints
from deploy.local.outside import Gateway, Mailbox
from deploy.local.servers import Servers
from deploy.local.stage import outside, sped_up
from deploy.local.system import System
from deploy.provision import AUDITOR, BACKUP, RESTORE, password_hash
from shared.driver import OPTIONS
from tests.journeys.test_chain import BODY

SPEED = 1200.0
"""Twenty minutes in a second: a day's deadline ends after 72 s."""
OWNED_BY_ANOTHER_TEAM = {
    "users": [
        {
            "name": "team.crm",
            "password_hash": password_hash("a word of theirs"),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": [],
        }
    ],
    "permissions": [
        {"user": "team.crm", "vhost": "redress", "configure": "^$", "write": "^$", "read": "^team.crm$"}
    ],
    "queues": [
        {
            "name": "team.crm",
            "vhost": "redress",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-queue-type": "quorum"},
        }
    ],
    "bindings": [
        {
            "source": "redress.events",
            "vhost": "redress",
            "destination": "team.crm",
            "destination_type": "queue",
            "routing_key": "complaint.*.v1",
            "arguments": {},
        }
    ],
}  # fmt: skip


@dataclass
class House:
    """The system with the world outside, on servers that are changed under it."""

    system: System
    mailbox: Mailbox
    client: httpx.AsyncClient
    handed_in: list[dict[str, Any]] = field(default_factory=list)

    async def hand_in(self, count: int) -> list[str]:
        answers = await asyncio.gather(*(self._hand_in() for _ in range(count)))
        return [each["id"] for each in answers]

    async def _hand_in(self) -> dict[str, Any]:
        body = BODY | {"description": f"{BODY['description']} {uuid4()}"}
        body["complainant"] = {"name": "Ann Example", "email": f"{uuid4().hex}@example.com"}
        answer = await self.client.post(f"{self.system.url('intake')}/v1/complaints", json=body)
        answer.raise_for_status()
        self.handed_in.append(answer.json())
        return self.handed_in[-1]

    async def seen(self, id: str) -> dict[str, Any]:
        answer = await self.client.get(f"{self.system.url('intake')}/v1/complaints/{id}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def until(self, ids: Sequence[str], stage: str) -> None:
        for id in ids:
            while (await self.seen(id))["stage"] != stage:
                await asyncio.sleep(0.2)

    def mails_of(self, ids: Sequence[str]) -> list[EmailMessage]:
        numbers = [each["number"] for each in self.handed_in if each["id"] in ids]
        return [mail for number in numbers for mail in self.mailbox.about(number)]


async def command(servers: Endpoints, system: System, *words: str | Path) -> str:
    """An operator's command in a process of its own; what it says."""
    settings = {
        "REDRESS_BACKUP_MONGO_URL": servers.mongo_url(BACKUP),
        "REDRESS_RESTORE_MONGO_URL": servers.mongo_url(RESTORE),
        "REDRESS_AUDITOR_MONGO_URL": servers.mongo_url(AUDITOR),
        "REDRESS_MANAGEMENT_URL": servers.management_url,
        "REDRESS_PUBLIC_KEY": system.public_key,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", "from deploy.cli import main\nif __name__ == '__main__': main()", *words),
        env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def journals(servers: Endpoints) -> dict[str, list[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](servers.admin_mongo_url) as client:
        found = client["intake"].get_collection("complaints", codec_options=OPTIONS)
        return {
            str(each["_id"]): [line for line in each["journal"] if line["type"]]
            async for each in found.find({"number": {"$exists": True}}, {"journal": 1})
        }


def of_type(journal: Sequence[dict[str, Any]], type: str) -> list[dict[str, Any]]:
    return [line for line in journal if line["type"] == type]


def system_on(servers: Endpoints, folder: Path, mailbox: Mailbox, gateway: Gateway, clock: str) -> System:
    environment = {
        "REDRESS_SMTP_URL": mailbox.url,
        "REDRESS_GATEWAYS": gateway.setting,
        "REDRESS_CLOCK": clock,
    }
    return System(servers, folder, environment)


@dataclass
class Lived:
    """What was there when the servers were lost."""

    settled: list[str]
    waiting: list[str]
    ended: list[dict[str, Any]]
    mails: Counter[str]
    meanwhile: list[str]


async def test_what_was_on_its_way_arrives_though_broker_and_database_are_new(tmp_path: Path) -> None:
    clock, copy, folder = sped_up(SPEED), tmp_path / "copy", tmp_path / "services"
    async with outside() as (mailbox, gateway):
        servers = await Servers.start(tmp_path / "lost")
        system = system_on(servers, folder, mailbox, gateway, clock)
        async with system.client() as client:
            house = House(system, mailbox, client)
            try:
                await system.start()
                lived = await until_lost(house, servers, copy)
            finally:
                await lose(servers, system)
            servers = await Servers.start(tmp_path / "new")
            house.system = system_on(servers, folder, mailbox, gateway, clock)
            try:
                await goes_on(house, servers, copy, lived)
            finally:
                await house.system.stop()
                await servers.stop()


async def until_lost(house: House, servers: Servers, copy: Path) -> Lived:
    settled, waiting, ended = await before(house, servers)
    mails = Counter(str(mail["Message-ID"]) for mail in house.mails_of(settled + waiting))
    said, meanwhile = await copied_under_load(house, servers, copy)
    assert "note: " not in said
    return Lived(settled, waiting, ended, mails, meanwhile)


async def lose(servers: Servers, system: System) -> None:
    for name in system.names:
        system.kill(name)
    servers.kill("database")
    servers.kill("broker")
    await servers.stop()


async def goes_on(house: House, servers: Servers, copy: Path, lived: Lived) -> None:
    said = await command(servers, house.system, "restore", copy)
    assert "1 users and 1 queues of other teams" in said
    kept = await journals(servers)
    certain = {*lived.settled, *lived.waiting}
    assert certain <= {*kept} <= {*certain, *lived.meanwhile}
    assert len(kept) == complaints_in(opened(copy), copy)
    assert {len(of_type(kept[id], "deadline.breached.v1")) for id in lived.settled} == {0}
    await house.system.start()
    assert [await house.seen(each["id"]) for each in lived.ended] == lived.ended
    await house.until([id for id in kept if id not in lived.settled], "dispatched")
    await overdue(servers, lived.settled)
    await nothing_came_twice(house, servers, lived)
    assert "faults=0" in await command(servers, house.system, "verify")


async def before(house: House, servers: Servers) -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """Complaints whose deadlines run, and others that lie in triage's queue and nowhere else."""
    async with management(servers) as broker:
        (await broker.post("/api/definitions", json=OWNED_BY_ANOTHER_TEAM)).raise_for_status()
    settled = await house.hand_in(6)
    await house.until(settled, "dispatched")
    for id in settled[:2]:
        url = f"{house.system.url('intake')}/v1/complaints/{id}/steps"
        answer = await house.client.post(url, json={"step": "withdraw"})
        assert answer.status_code == 200, answer.text
    await house.system.end("triage")
    waiting = await house.hand_in(10)
    while len(house.mails_of(waiting)) < len(waiting):
        await asyncio.sleep(0.2)
    await asyncio.sleep(2)  # until what was published is struck out everywhere
    ended = [await house.seen(id) for id in settled[:2]]
    assert {each["stage"] for each in [await house.seen(id) for id in waiting]} == {"registered"}
    await nothing_is_owed(servers)
    return settled, waiting, ended


async def nothing_is_owed(servers: Endpoints) -> None:
    """So that the queue is the only place where the events lie."""
    async with AsyncMongoClient[dict[str, Any]](servers.admin_mongo_url) as client:
        while await client["intake"]["complaints"].count_documents({"owed_at": {"$exists": True}}):
            await asyncio.sleep(0.2)


async def copied_under_load(house: House, servers: Endpoints, copy: Path) -> tuple[str, list[str]]:
    """What the command said, and the complaints that came while it worked."""
    copying = asyncio.create_task(command(servers, house.system, "backup", copy, "--in-flight", "46"))
    meanwhile: list[str] = []
    while not copying.done():
        meanwhile += await house.hand_in(5)
    return await copying, meanwhile


def complaints_in(manifest: Manifest, copy: Path) -> int:
    """A receipt number stands in the documents of complaints alone."""
    (file,) = [each.file for each in manifest.collections if each.name == "complaints"]
    return sum(b"\x02number\x00" in each[:20_000] for each in documents(copy / file))


async def overdue(servers: Endpoints, settled: Sequence[str]) -> None:
    """A deadline that was set before the loss has passed after it."""
    while True:
        found = await journals(servers)
        if all(of_type(found[id], "deadline.breached.v1") for id in settled[2:]):
            return
        await asyncio.sleep(1)


async def nothing_came_twice(house: House, servers: Endpoints, lived: Lived) -> None:
    found = await journals(servers)
    for id, journal in found.items():
        told = Counter(each["id"] for each in journal)
        assert set(told.values()) == {1}, id
        breaches = Counter(
            (each["data"]["cycle"], each["data"]["clock"])
            for each in of_type(journal, "deadline.breached.v1")
        )
        assert set(breaches.values()) <= {1}, id
        assert len(of_type(journal, "complaint.dispatched.v1")) == 1, id
    after = Counter(str(mail["Message-ID"]) for mail in house.mails_of([*lived.settled, *lived.waiting]))
    assert {id: after[id] for id in lived.mails} == dict.fromkeys(lived.mails, 1)
    assert set(after.values()) == {1}
    async with management(servers) as broker:
        queue = (await broker.get("/api/queues/redress/team.crm")).raise_for_status().json()
        assert queue["name"] == "team.crm"


def management(servers: Endpoints) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=servers.management_url, timeout=30, trust_env=False)
