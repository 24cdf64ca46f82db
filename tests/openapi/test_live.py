"""The board that follows changes: at once, without a gap, each caller's own, and it lets the service stop."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

import httpx
import pytest

from deploy.local.stage import Stage

BODY = {
    "channel": "email",
    "complainant": {"name": "Bo Example", "email": "bo@example.com"},
    "description": "The lamp flickers.",
}
Event = dict[str, str]


async def events(answer: httpx.Response) -> AsyncIterator[Event]:
    event: Event = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(":")
        if name:
            event[name] = value.strip()
        elif not line and event:
            yield event
            event = {}


@asynccontextmanager
async def board(
    played: Stage, key: str | None = None, service: str = "intake", query: str = "", **headers: str
) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of a board, once it is open; the first is the beginning."""
    url = f"{played.system.url(service)}/v1/complaints:live{query}"
    async with played.system.client(key) as client, client.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield events(answer)


async def hand_in(played: Stage, key: str | None = None, **more: Any) -> str:
    async with played.system.client(key) as client:
        body = BODY | {"description": f"The lamp flickers, {monotonic()}."} | more
        answer = await client.post(f"{played.system.url('intake')}/v1/complaints", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def until(found: AsyncIterator[Event], id: str, stage: str = "") -> list[Event]:
    """The events up to the one about this complaint (at this stage)."""
    seen = []
    async with asyncio.timeout(90):
        async for event in found:
            seen.append(event)
            line = json.loads(event.get("data", "{}"))
            if line.get("id") == id and stage in ("", line["stage"]):
                return seen
    raise AssertionError("the board ended")


async def test_a_change_shows_at_once(played: Stage) -> None:
    async with board(played) as found:
        assert "data" not in await anext(found)
        id = await hand_in(played)
        [*_, event] = await until(found, id, "registered")
    assert event["event"] == "complaint"
    assert json.loads(event["data"])["number"].startswith("RC-")
    assert "lamp" not in event["data"]


async def test_nothing_is_missed_between_two_boards(played: Stage) -> None:
    async with board(played) as found:
        beginning = (await anext(found))["id"]
    first, second = await hand_in(played), await hand_in(played)
    async with board(played, **{"Last-Event-ID": beginning}) as found:
        seen = await until(found, first, "registered")
    async with board(played, **{"Last-Event-ID": seen[-1]["id"]}) as found:
        seen += await until(found, second, "dispatched")
    lines = [json.loads(each["data"]) for each in seen if "data" in each]
    stages = [line["stage"] for line in lines if line["id"] == second]
    assert stages[0] == "registered"
    assert stages[-1] == "dispatched"
    assert len({each["id"] for each in seen if "data" in each}) == len(lines)


@pytest.mark.parametrize(
    "token", ["ABCD", "82ABCDEF", "8266", "00", "zz", "826741F0000000000129295A1004", "A" * 199]
)
async def test_a_wrong_token_is_refused_before_anything_is_sent(played: Stage, token: str) -> None:
    async with played.system.client() as client:
        url = f"{played.system.url('intake')}/v1/complaints:live"
        answer = await client.get(url, headers={"Last-Event-ID": token})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == "#/header/Last-Event-ID"


async def test_without_credentials_no_board_opens(played: Stage) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{played.system.url('intake')}/v1/complaints:live")
    assert answer.status_code == 401


async def test_a_partner_sees_its_own_only(played: Stage) -> None:
    async with board(played, played.system.partner_key) as found:
        await anext(found)
        others = await hand_in(played)
        own = await hand_in(played, played.system.partner_key)
        seen = await until(found, own, "dispatched")
    about = {json.loads(each["data"])["id"] for each in seen if "data" in each}
    assert about == {own}
    assert others not in str(seen)


async def test_a_filter_holds_for_changes(played: Stage) -> None:
    async with board(played, query="?channel=fax") as found:
        await anext(found)
        await hand_in(played)
        wanted = await hand_in(played, channel="fax")
        seen = await until(found, wanted, "registered")
    assert {json.loads(each["data"])["channel"] for each in seen if "data" in each} == {"fax"}


async def test_an_open_board_keeps_no_service_from_stopping(played: Stage) -> None:
    played.system.launch("intake", "intake-board")
    await played.system.ready(["intake-board"])
    async with board(played, service="intake-board") as found:
        await anext(found)
        begun = monotonic()
        await played.system.end("intake-board")
        assert monotonic() - begun < 15
        async with asyncio.timeout(90):
            with suppress(httpx.RemoteProtocolError, httpx.ReadError):
                async for _ in found:
                    pass
    log = played.system.log("intake-board")
    assert '"stopped"' in log
