"""Intake's doors over a real database, in this process: every caller's key is its name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.intake.app import app
from services.intake.store.complaints import complaints, copies
from tests.kit.doors import api_keys, client, settled
from tests.kit.servers import AnyServers

DESK = ["recorder", "service_manager", "handler", "department_head", "quality_manager"]
CALLERS = {
    "desk": DESK,
    "officer": ["data_protection"],
    "auditor": ["supervisors"],
    "inspector": ["supervisors"],
    "worker": ["handler"],
    "shop": ["partner"],
}


class House:
    """Intake's API, asked by any of CALLERS, or with a token."""

    def __init__(self, keys: dict[str, Any]) -> None:
        self.callers = list(keys)

    async def ask(self, by: str, method: str, path: str, **more: Any) -> httpx.Response:
        async with client(app, by) as asking:
            return await asking.request(method, f"/v1{path}", **more)

    async def hand_in(self, by: str = "desk", **changes: Any) -> str:
        """A complaint's id."""
        body: dict[str, Any] = {
            "channel": "email",
            "language": "en",
            "complainant": {"name": "Ann", "email": f"{uuid4().hex}@example.com"},
            "description": "The kettle leaks.",
        }
        headers = {"Idempotency-Key": uuid4().hex}
        answer = await self.ask(by, "POST", "/complaints", json=body | changes, headers=headers)
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    async def see(self, id: str, by: str = "desk", *, personal: bool = True) -> dict[str, Any]:
        """The record as somebody sees it."""
        path = f"/complaints/{id}?personal={str(personal).lower()}"
        answer = await self.ask(by, "GET", path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["complaint"]
        return found

    async def step(self, id: str, by: str = "desk", **said: Any) -> httpx.Response:
        return await self.ask(by, "POST", f"/complaints/{id}/steps", json=said)

    async def add_file(self, id: str, name: str, content: bytes, by: str = "desk") -> httpx.Response:
        return await self.ask(
            by, "POST", f"/complaints/{id}/evidence", params={"name": name}, content=content
        )


@asynccontextmanager
async def house(servers: AnyServers, patch: pytest.MonkeyPatch, **settings: Any) -> AsyncIterator[House]:
    """Intake without a broker, while it is needed."""
    keys = api_keys(**CALLERS)
    with settled(patch, api_keys=keys, fingerprint_key="f" * 40, **settings):
        complaints.open(servers.mongo_url("intake"))
        try:
            while not copies.loaded:
                await copies.refresh()
            yield House(keys)
        finally:
            await complaints.close()
