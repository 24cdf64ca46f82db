"""What happens in the house before its pages are opened: complaints at many stages, and surveys to answer."""

import asyncio
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.play import Case, Players, links_sent
from deploy.local.stage import Stage
from shared import clock
from shared.events import Language

PRODUCTS = ("kettle", "塔恩维电水壶", "oven")
STEPS: list[dict[str, Any]] = [
    {"step": "accept"},
    {"step": "investigate", "cause": "material"},
    {"step": "propose", "measure": "replace", "department": "quality"},
    {"step": "offer"},
]


class Caller:
    """The staff front end."""

    def __init__(self, house: Stage, client: httpx.AsyncClient) -> None:
        self._url, self.client = f"{house.system.url('intake')}/v1/complaints", client

    async def hand_in(self, **more: Any) -> str:
        return str((await self.handed_in(**more))["id"])

    async def handed_in(self, **more: Any) -> dict[str, Any]:
        """A complaint, and what whoever handed it in is told."""
        body = {
            "channel": "email",
            "language": "en",
            "class": "product_quality",
            "description": "The lid cracked.",
            "product": {"name": PRODUCTS[0]},
            "complainant": {"name": "Ann", "email": f"{uuid4().hex}@example.com"},
        }
        answer = await self.client.post(self._url, json=body | more)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def until(self, id: str, stage: str) -> None:
        async with asyncio.timeout(90):
            while (await self.client.get(f"{self._url}/{id}")).json()["stage"] != stage:
                await asyncio.sleep(0.05)

    async def step(self, id: str, step: dict[str, Any]) -> None:
        answer = await self.client.post(f"{self._url}/{id}/steps", json=step)
        assert answer.status_code == 200, answer.text

    async def play(self, steps: list[dict[str, Any]], **more: Any) -> None:
        """Hand one in and, once it is dispatched, take these steps."""
        id = await self.hand_in(**more)
        await self.until(id, "dispatched")
        for step in steps:
            await self.step(id, step)

    async def listed(self, **query: str) -> int:
        """How many complaints the ledger has, by going through its pages."""
        count, token = 0, dict[str, str]()
        while True:
            page = (await self.client.get(self._url, params={"page_size": "7", **query, **token})).json()
            count += len(page["complaints"])
            if not page["next_page_token"]:
                return count
            token = {"page_token": page["next_page_token"]}


async def fill(house: Stage) -> None:
    """Some at every stage up to the offer; two overdue, a third withdrawn; one carried to its end."""
    async with house.system.client() as client:
        caller = Caller(house, client)
        long_ago = (clock.now() - timedelta(days=40)).isoformat()
        players = Players(house.system, client, house.mailbox, house.gateway)
        await asyncio.gather(
            players.carry(Case(body=_body("en"), play={"score": 9})),
            caller.play([{"step": "withdraw"}], received_at=long_ago),
            *(caller.play([], received_at=long_ago) for _ in range(2)),
            *(caller.play(STEPS[: n % 5], product={"name": PRODUCTS[n % 3]}) for n in range(8)),
        )


def _body(language: Language) -> dict[str, Any]:
    return {
        "channel": "email",
        "language": language,
        "description": "The lid of the kettle cracked.",
        "complainant": {"name": "Ann", "email": f"{uuid4().hex}@example.com"},
    }


@cache
def _links() -> dict[Language, str]:
    return {}


async def survey_links(house: Stage) -> dict[Language, str]:
    """A survey nobody has answered, in each language."""
    found = _links()
    async with house.system.client() as client:
        players, caller = Players(house.system, client, house.mailbox, house.gateway), Caller(house, client)
        for language in ("zh-CN", "en"):
            if language not in found:
                case = Case(body=_body(language), play={})
                await players.hand_in(case)
                await players.until(case, "dispatched", 1)
                for step in await players.steps(case):
                    await caller.step(case.id, step)
                found[language] = await _link(house, case)
    return found


async def _link(house: Stage, case: Case) -> str:
    async with asyncio.timeout(90):
        while not (links := links_sent(case.number, house.mailbox, house.gateway)):
            await asyncio.sleep(0.05)
        return links[0]
