"""Callers of the services in scenes: a desk for each key, and the customer they speak of."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.play import Stuck
from deploy.local.stage import Stage
from deploy.local.system import System

PATIENCE_S = 150
CUSTOMER = {"name": "Tamsin Oakhollow", "phone": "+44 7700 900416", "address": "7 Mossy Lane, Exampleton"}
HOUSE_OF_MAILS = "quillfeather.example"
SAID = "My Brindlewick kettle screams at night."
PERSONAL = (*CUSTOMER.values(), "Oakhollow", "900416", HOUSE_OF_MAILS, "Brindlewick", SAID)
"""What of the customers must be in no public event."""


def customer(**more: str) -> dict[str, str]:
    """Somebody new each time, by their mail address."""
    return {"name": CUSTOMER["name"], "email": f"{uuid4().hex[:12]}@{HOUSE_OF_MAILS}"} | more


@dataclass(frozen=True)
class Desk:
    """A caller with one key."""

    system: System
    client: httpx.AsyncClient

    def url(self, path: str, service: str = "intake") -> str:
        return f"{self.system.url(service)}/v1/{path}"

    async def get(self, path: str, service: str = "intake", **query: Any) -> Any:
        """Raises Stuck for any answer that is no success."""
        return _told(await self._ask("GET", self.url(path, service), params=query))

    async def post(self, path: str, body: Any = None, service: str = "intake", **headers: str) -> Any:
        """Raises Stuck for any answer that is no success."""
        named = {"Idempotency-Key": uuid4().hex} | headers
        return _told(await self._ask("POST", self.url(path, service), json=body, headers=named))

    async def _ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Once more, with the same key, where the connection was just being closed."""
        try:
            return await self.client.request(method, url, **more)
        except httpx.TransportError:
            return await self.client.request(method, url, **more)

    async def made(self, **changes: Any) -> str:
        """A new complaint's id."""
        body: dict[str, Any] = {
            "channel": "email",
            "language": "en",
            "class": "product_quality",
            "description": SAID,
            "product": {"name": "kettle", "model": "K2", "batch": "B-07"},
            "complainant": customer(),
        }
        body = {name: value for name, value in (body | changes).items() if value is not None}
        id: str = (await self.post("complaints", body))["id"]
        return id

    async def dispatched(self, **changes: Any) -> str:
        id = await self.made(**changes)
        await self.until(id, "dispatched")
        return id

    async def step(self, id: str, step: str, **more: Any) -> Any:
        return await self.post(f"complaints/{id}/steps", {"step": step} | more)

    async def judge(self, id: str, step: str, **more: Any) -> None:
        """A step on what was just read; news in between is read again."""

        async def done() -> bool:
            answer = await on_seen(self.client, self.url(f"complaints/{id}"), "steps", {"step": step} | more)
            return answer.status_code != 409 and bool(_told(answer))

        await there(f"{step} of {id}", done)

    async def until(self, id: str, stage: str) -> Any:
        found: dict[str, Any] = {}

        async def look() -> bool:
            found.update(await self.get(f"complaints/{id}"))
            return bool(found["stage"] == stage)

        await there(f"{id} {stage}", look)
        return found

    async def do_tasks(self, id: str) -> list[dict[str, Any]]:
        """Calls are made and letters posted; all notices of the complaint."""
        answer = await self.client.get(self.url(f"notices/{id}", "notify"))
        notices: list[dict[str, Any]] = answer.json()["notices"] if answer.is_success else []
        for each in notices:
            if each["state"] == "task" and each["route"] != "email":
                await self.client.post(self.url(f"notices/{id}/{each['id']}/done", "notify"))
        return notices


@asynccontextmanager
async def desks(set_up: Stage) -> AsyncIterator[tuple[Desk, Desk]]:
    """The staff's front end, and whoever approves."""
    system = set_up.system
    async with system.client() as staff, system.client(system.approver_key) as approver:
        yield Desk(system, staff), Desk(system, approver)


async def on_seen(client: httpx.AsyncClient, complaint: str, path: str, said: Any) -> httpx.Response:
    """What is said on the complaint as it was just read; if news came in between, it is read again."""
    while True:
        etag = (await client.get(complaint)).headers["ETag"]
        answer = await client.post(f"{complaint}/{path}", json=said, headers={"If-Match": etag})
        if answer.status_code != 412:
            return answer


async def there(wanted: str, look: Callable[[], Awaitable[bool]]) -> None:
    """Look until something is there. Raises Stuck."""
    found = False
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not found:
                with suppress(httpx.TransportError):
                    found = await look()
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise Stuck(f"in {PATIENCE_S} s there was not: {wanted}") from None


def _told(answer: httpx.Response) -> Any:
    if answer.is_error:
        asked = answer.request
        raise Stuck(f"{asked.method} {asked.url.path} answered {answer.status_code}: {answer.text[:500]}")
    return answer.json() if answer.content else None
