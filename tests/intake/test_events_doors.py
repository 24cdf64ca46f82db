"""`GET /v1/events`: who may read, page after page, what is no longer there, and a broker that is away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aio_pika
import httpx
import pytest
from fastapi import FastAPI

from services.intake.api import complaints, events, handing_in, ledger
from shared import http
from shared.history import HISTORY
from shared.http import place_token, read_place_token
from shared.places import Place
from tests.kit.doors import api_keys, settled
from tests.kit.history import FACTS, event, message
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of

KEYS = api_keys(crm=["subscriber"], shop=["partner"], desk=["handler"], both=["handler", "subscriber"])
GRADED, ACCEPTED, CLOSED = FACTS


@asynccontextmanager
async def intake(patch: pytest.MonkeyPatch, url: str) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    http.set_up(app)
    for each in (events, handing_in, complaints, ledger):
        app.include_router(each.router)
    events.history.cache_clear()
    with settled(patch, api_keys=KEYS, amqp_url=url):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            yield client
        await events.close()
    events.history.cache_clear()


async def get(client: httpx.AsyncClient, who: str = "crm", **query: Any) -> httpx.Response:
    return await client.get("/v1/events", params=query, headers={"Authorization": f"Bearer {who}"})


async def told(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await get(client, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def publish(servers: AnyServers, *facts: Any, **about: Any) -> list[dict[str, Any]]:
    """Events of intake and triage, as they would publish them, one a message."""
    made = [(fact, event(fact, **about)) for fact in facts]
    for fact, each in made:
        async with channel_of(servers.amqp_url(fact.owner)) as channel:
            exchange = await channel.get_exchange("redress.events", ensure=False)
            await exchange.publish(message(fact.type, [each], fact.owner), fact.type)
    return [json.loads(each) for _, each in made]


async def newest(client: httpx.AsyncClient) -> str:
    """The place after all that is there."""
    found = await told(client, page_size=500)
    while found["more"]:
        found = await told(client, page_size=500, after=found["after"])
    return str(found["after"])


async def test_a_subscriber_reads_on_from_where_it_was(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        at = await newest(client)
        assert await told(client, after=at) == {"events": [], "after": at, "more": False}
        mine = uuid4()
        made = await publish(servers, CLOSED, GRADED, CLOSED)
        made += await publish(servers, GRADED, ACCEPTED, complaint=mine)
        whole = await told(client, after=at)
        assert (whole["events"], whole["more"]) == (made, False)
        first = await told(client, after=at, page_size=2)
        assert (first["events"], first["more"]) == (made[:2], True)
        second = await told(client, after=first["after"], page_size=3)
        assert (second["events"], second["more"]) == (made[2:], False)
        assert second["after"] == whole["after"]
        assert (await told(client, after=at, type="complaint.graded.*"))["events"] == [made[1], made[3]]
        two = await told(client, after=at, type="complaint.graded.v1, complaint.accepted.v1", complaint=mine)
        assert two["events"] == made[3:]
        assert (await told(client, since=made[0]["time"], complaint=mine))["events"] == made[3:]


async def test_a_message_that_nobody_can_read_stops_nobody(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        at = await newest(client)
        async with channel_of(servers.admin_amqp_url) as channel:
            for body in (b"{nonsense", b"[1]", b""):
                await channel.default_exchange.publish(aio_pika.Message(body, type=CLOSED.type), HISTORY)
        made = await publish(servers, CLOSED)
        assert (await told(client, after=at))["events"] == made


async def test_an_event_comes_to_whoever_waits(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        at = await newest(client)
        waiting = [asyncio.create_task(told(client, after=at, wait=20)) for _ in range(3)]
        await asyncio.sleep(0.5)
        assert not any(each.done() for each in waiting)
        made = await publish(servers, CLOSED)
        async with asyncio.timeout(90):
            assert [(await each)["events"] for each in waiting] == [made] * 3


async def test_only_so_many_read_at_once_and_the_others_are_told_when(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        at = await newest(client)
        waiting = [asyncio.create_task(get(client, after=at, wait=3)) for _ in range(events.WAITING)]
        await asyncio.sleep(0.5)
        at_once = await get(client, after=at, wait=20)
        assert at_once.status_code == 200, (
            "beyond those who may wait, nobody waits, but everybody is answered"
        )
        assert not any(each.done() for each in waiting)
        many = await asyncio.gather(*(get(client, after=at) for _ in range(40)))
        refused = [each for each in many if each.status_code == 503]
        assert refused
        assert {each.headers["Retry-After"] for each in refused} == {"1"}
        assert {(await each).status_code for each in waiting} == {200}
        assert (await get(client, after=at)).status_code == 200


async def test_only_subscribers_read_and_they_read_nothing_else(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        assert {who: (await get(client, who)).status_code for who in (*KEYS, "nobody")} == {
            "crm": 200, "shop": 403, "desk": 403, "both": 200, "nobody": 401,
        }  # fmt: skip
        for path in ("/v1/complaints", f"/v1/complaints/{uuid4()}", f"/v1/complaints/{uuid4()}/timeline"):
            answer = await client.get(path, headers={"Authorization": "Bearer crm"})
            assert answer.status_code == 403, path
        body = {"channel": "email", "description": "x", "complainant": {"name": "x"}}
        answer = await client.post("/v1/complaints", json=body, headers={"Authorization": "Bearer crm"})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "query", [{"after": "AAAA"}, {"after": "\u00e9"}, {"type": "contact.recorded.v1"}, {"page_size": 501},
              {"wait": 21}, {"since": "2026-09-18T09:00"}, {"from": "x"}],
)  # fmt: skip
async def test_what_is_asked_wrongly_is_refused(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch, query: dict[str, Any]
) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        answer = await get(client, **query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].endswith(f"/{next(iter(query))}")


async def test_a_token_that_was_bent_is_refused(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        at = await newest(client)
        assert (await get(client, after=at[:3] + "B" + at[4:])).status_code == 422


async def test_a_place_that_the_history_has_not_is_gone(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        await publish(servers, CLOSED)
        answer = await get(client, after=place_token(Place(10**9, 0, "0" * 16)))
    assert answer.status_code == 410
    assert answer.json()["type"] == "/problems/gone"
    assert "the stream is not the one it was" in answer.json()["detail"]


async def test_a_place_whose_message_is_another_one_is_gone(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intake(monkeypatch, servers.amqp_url("intake")) as client:
        await publish(servers, CLOSED, CLOSED)
        was = read_place_token(await newest(client))
        for place, status in ((was, 200), (was._replace(mark="0" * 16), 410), (was._replace(mark=""), 422)):
            assert (await get(client, after=place_token(place))).status_code == status, place


async def test_without_a_broker_it_is_unavailable_and_says_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with intake(monkeypatch, "amqp://nobody@127.0.0.1:1/redress") as client:
        answer = await get(client)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
