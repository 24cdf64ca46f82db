"""Callers of the record's API: the staff front end, whoever approves, and a partner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.scenes.callers import on_seen
from deploy.local.stage import Stage

BODY: dict[str, Any] = {
    "channel": "email",
    "language": "en",
    "class": "product_quality",
    "description": "The lid of my Quillfeather pan cracked.",
    "product": {"name": "pan"},
    "complainant": {"name": "Tamsin Oakhollow", "email": "tamsin@example.org"},
}


class Desk:
    """A caller of the API with one key."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self.client, self.url = client, f"{url}/v1"

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(f"{self.url}/{path}", json=body, headers=named)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.client.get(f"{self.url}/{path}", params=query)

    async def made(self, **changes: Any) -> str:
        answer = await self.post("complaints", BODY | changes, Idempotency_Key=str(uuid4()))
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    async def step(self, id: str, step: str, status: int = 200, **more: Any) -> httpx.Response:
        answer = await self.post(f"complaints/{id}/steps", {"step": step} | more)
        assert answer.status_code == status, answer.text
        return answer

    async def on_seen(self, id: str, path: str, said: Any) -> httpx.Response:
        async with asyncio.timeout(90):
            return await on_seen(self.client, f"{self.url}/complaints/{id}", path, said)

    async def until(self, id: str, stage: str) -> dict[str, Any]:
        async with asyncio.timeout(90):
            while True:
                found: dict[str, Any] = (await self.get(f"complaints/{id}")).json()
                if found["stage"] == stage:
                    return found
                await asyncio.sleep(0.05)

    async def listed(self, **query: Any) -> list[str]:
        return [each["id"] for each in (await self.get("complaints", **query)).json()["complaints"]]

    async def at_proposed(self, **proposal: Any) -> str:
        id = await self.made()
        await self.until(id, "dispatched")
        await self.step(id, "accept")
        await self.step(id, "investigate", cause="material")
        await self.step(id, "propose", measure="replace", department="quality", **proposal)
        return id


@asynccontextmanager
async def desks(played: Stage) -> AsyncIterator[tuple[Desk, Desk, Desk]]:
    """The staff front end, the approver and the partner."""
    system = played.system
    async with (
        system.client() as staff,
        system.client(system.approver_key) as approver,
        system.client(system.partner_key) as partner,
    ):
        url = system.url("intake")
        yield Desk(staff, url), Desk(approver, url), Desk(partner, url)
