"""A customer watches a complaint on the running system: from the link in the first mail to the very end."""

import asyncio
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.outside import text_of
from deploy.local.stage import Stage
from tests.kit.desk import BODY, Desk, desks
from tests.kit.search import Sought, in_broker, in_databases, in_files

LINK = re.compile(r"http\S+/receipts/\S+")


class Customer:
    """Somebody with a receipt and no key."""

    def __init__(self, played: Stage, client: httpx.AsyncClient, made: dict[str, Any]) -> None:
        self._url, self._client = played.system.url("intake"), client
        self.id, self.number, self.secret = made["id"], made["number"], made["secret"]

    async def sees(self) -> dict[str, Any]:
        answer = await self._client.get(
            f"{self._url}/v1/receipts/{self.number}", headers={"Receipt-Secret": self.secret}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(90):
            while not wanted(found := await self.sees()):
                await asyncio.sleep(0.1)
        return found


async def made(by: Desk, **changes: Any) -> dict[str, Any]:
    answer = await by.post("complaints", BODY | changes, Idempotency_Key=str(uuid4()))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def mailed(played: Stage, number: str) -> str:
    """The link in the acknowledgement."""
    async with asyncio.timeout(90):
        while True:
            texts = [text_of(mail) for mail in played.mailbox.about(number)]
            if links := [link for text in texts for link in LINK.findall(text)]:
                return str(links[0])
            await asyncio.sleep(0.1)


async def test_a_customer_watches_it_to_its_end(played: Stage) -> None:
    async with desks(played) as (staff, _, partner), httpx.AsyncClient(trust_env=False) as client:
        told = await made(partner)
        customer, id = Customer(played, client, told), told["id"]
        link = await mailed(played, told["number"])
        assert link == told["receipt_url"]
        found = await customer.until(lambda seen: seen["step"] == "examining" and seen["by"] is not None)
        assert found["promise"]["en"].startswith("We promised you an answer by ")
        assert found["by"].endswith("+08:00")
        steps: list[tuple[str, dict[str, Any], str]] = [
            ("accept", {}, "examining"), ("investigate", {"cause": "material"}, "solving"),
            ("propose", {"measure": "replace", "department": "quality"}, "solving"),
            ("offer", {}, "offered"), ("agree", {}, "carrying_out"), ("implement", {}, "carrying_out"),
            ("audit", {}, "carrying_out"), ("answer", {"text": "We replaced it."}, "answered"),
        ]  # fmt: skip
        for step, said, public in steps:
            await staff.step(id, step, **said)
            seen = await customer.sees()
            assert seen["step"] == public
            assert seen["waits_for_you"] is (step == "offer")
        await customer.until(lambda seen: seen["stage"]["en"] == "We have answered you")
        page = (await client.get(link)).text
        assert "<h1>We have answered you</h1>" in page
        assert "replace" not in page
        await answered(played, client, told["number"])
        end = await customer.until(lambda seen: bool(seen["step"] == "closed"))
        assert (end["outcome"], end["by"], end["ahead"]) == ("resolved", None, [])
        steps_seen = [each["step"] for each in end["history"]]
        assert steps_seen == [
            "received", "examining", "solving", "offered", "carrying_out", "answered", "closed",
        ]  # fmt: skip


async def answered(played: Stage, client: httpx.AsyncClient, number: str) -> None:
    """The customer answers the survey that came by mail."""
    async with asyncio.timeout(90):
        while True:
            texts = [text_of(mail) for mail in played.mailbox.about(number)]
            if found := [link for text in texts for link in re.findall(r"http\S+/s/\S+", text)]:
                assert (await client.post(found[0], data={"score": "9"})).status_code == 200
                return
            await asyncio.sleep(0.1)


async def test_after_an_erasure_it_stands_where_it_stood_and_the_secret_lies_nowhere(played: Stage) -> None:
    email = f"{uuid4().hex}@example.org"
    async with desks(played) as (staff, approver, _), httpx.AsyncClient(trust_env=False) as client:
        told = await made(staff, complainant={"name": "Perpetua Weir", "email": email})
        customer = Customer(played, client, told)
        await mailed(played, told["number"])
        await customer.until(lambda seen: bool(seen["step"] == "examining"))
        assert (await approver.post("people:erase", {"email": email})).json()["complaints"] == 1
        after = await customer.until(lambda seen: "erased" in seen["next"]["en"])
        assert after["step"] == "examining"
        assert [each["step"] for each in after["history"]] == ["received", "examining"]
        page = (await client.get(told["receipt_url"])).text
        assert "We are looking into your complaint" in page
        assert "Perpetua" not in page
        assert "Perpetua" not in str(after)
        sought = Sought([told["secret"]])
        async with asyncio.timeout(180):
            while await in_databases(sought, played.servers) or await in_broker(sought, played.servers):
                await asyncio.sleep(0.5)


async def test_no_secret_comes_into_logs_or_traces(played: Stage) -> None:
    async with desks(played) as (staff, _, _), httpx.AsyncClient(trust_env=False) as client:
        told = await made(staff)
        wrong = told["receipt_url"][:-4] + "AAAA"
        assert (await client.get(told["receipt_url"])).status_code == 200
        assert (await client.get(wrong)).status_code == 404
        await Customer(played, client, told).sees()
        await mailed(played, told["number"])
        await staff.until(told["id"], "dispatched")
    async with asyncio.timeout(90):
        while not in_files(Sought([told["id"]]), played.system.folder):
            await asyncio.sleep(0.5)
    assert in_files(Sought([told["secret"][:22]]), played.system.folder) == set()
