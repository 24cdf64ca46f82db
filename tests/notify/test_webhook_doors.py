"""Webhooks through notify's doors, over a real database: who may what, secrets, the log."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared import clock
from tests.kit.answers import made, refused
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of
from tests.kit.webhooks import (
    Hooked,
    genuine,
    happens,
    receiver,
)

URL = "http://127.0.0.1:9/"


# who may, and who sees what


async def test_an_endpoint_is_registered_shown_changed_and_removed(at: Hooked) -> None:
    body = {"url": URL, "types": ["complaint.*.v1"], "description": "ours"}
    answer = await at.ask("shop", "POST", "", json=body)
    found = made(answer)
    assert found["secret"].startswith("whsec_")
    assert (found["owner"], found["of"], found["state"]) == ("shop", "partner", "enabled")
    path = f"/{found['id']}"
    assert answer.headers["Location"] == f"/v1/webhooks{path}"
    shown = await at.ask("shop", "GET", path)
    assert "secret" not in made(shown)
    etag = {"If-Match": shown.headers["ETag"]}
    changed = await at.ask("shop", "PATCH", path, json={"types": ["survey.*"]}, headers=etag)
    assert made(changed)["types"] == ["survey.*"]
    assert made(changed)["url"] == URL
    refused(await at.ask("shop", "PATCH", path, json={"types": ["*"]}, headers=etag), 412)
    refused(await at.ask("shop", "DELETE", path, headers=etag), 412)
    assert (await at.ask("shop", "DELETE", path)).status_code == 204
    refused(await at.ask("shop", "GET", path), 404)
    assert made(await at.ask("shop", "GET", ""))["webhooks"] == []


async def test_another_partners_endpoint_is_not_there(at: Hooked) -> None:
    found = await at.register("shop", URL)
    house = await at.register("boss", URL)
    path = f"/{found['id']}"
    for id in (found["id"], house["id"]):
        for method, tail, body in [
            ("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None), ("POST", "/secrets", None),
            ("POST", ":enable", None), ("POST", ":disable", None), ("POST", ":test", None),
            ("GET", "/deliveries", None), ("GET", f"/deliveries/{uuid4()}", None),
            ("POST", f"/deliveries/{uuid4()}:replay", None),
            ("POST", ":replay", {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}),
            ("POST", ":verify", {"id": "x", "timestamp": "1", "signature": "x", "body": ""}),
        ]:  # fmt: skip
            refused(await at.ask("rival", method, f"/{id}{tail}", json=body), 404)
    assert made(await at.ask("rival", "GET", ""))["webhooks"] == []
    assert [each["id"] for each in made(await at.ask("shop", "GET", ""))["webhooks"]] == [found["id"]]
    assert len(made(await at.ask("boss", "GET", ""))["webhooks"]) == 2
    refused(await at.ask("clerk", "GET", ""), 403, "partners")
    refused(await at.ask("boss", "PATCH", path, json={"description": "x"}), 403)
    refused(await at.ask("boss", "POST", f"{path}/secrets"), 403)
    assert (await at.shown(found["id"]))["state"] == "enabled"
    assert made(await at.ask("boss", "POST", f"{path}:disable"))["state"] == "disabled"


async def test_a_key_makes_one_endpoint(at: Hooked) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    body: dict[str, Any] = {"url": URL, "types": ["*"]}
    first, second = [await at.ask("shop", "POST", "", json=body, headers=headers) for _ in range(2)]
    assert made(first) == made(second)
    refused(await at.ask("shop", "POST", "", json=body | {"types": ["survey.*"]}, headers=headers), 422)
    refused(await at.ask("shop", "POST", "", json=body, headers={"Idempotency-Key": "a b"}), 400)
    assert len(made(await at.ask("shop", "GET", ""))["webhooks"]) == 1


async def test_an_old_key_gets_no_newer_secret(at: Hooked) -> None:
    key, body = {"Idempotency-Key": uuid4().hex}, {"url": URL, "types": ["*"]}
    found = made(await at.ask("shop", "POST", "", json=body, headers=key))
    renewed = made(await at.ask("shop", "POST", f"/{found['id']}/secrets"))
    again = made(await at.ask("shop", "POST", "", json=body, headers=key))
    assert again["id"] == found["id"]
    assert again["secret"] is None
    assert renewed["secret"].startswith("whsec_")


@pytest.mark.parametrize(
    ("by", "change", "word"),
    [
        ("shop", {"url": "http://10.0.0.1/"}, "#/url"),
        ("shop", {"url": "https://localhost./"}, "#/url"),
        ("shop", {"types": ["contact.recorded.v1"]}, "#/types/0"),
        ("shop", {"types": ["complaint.*", "trend.*"]}, "#/types/1"),
        ("boss", {"types": ["no.such.v1"]}, "#/types/0"),
        ("boss", {"types": []}, "#/types"),
        ("boss", {"types": ["(a+)+$"]}, "#/types/0"),
        ("boss", {"speed": 1}, "#/speed"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    at: Hooked, by: str, change: dict[str, Any], word: str
) -> None:
    refused(await at.ask(by, "POST", "", json={"url": URL, "types": ["*"]} | change), 422, word)


async def test_secrets_and_urls_lie_sealed(at: Hooked, servers: AnyServers) -> None:
    found = await at.register("shop", URL + "token-in-a-url")
    async with admin_of(servers) as admin:
        kept = await admin["notify"]["notices"].find_one({"_id": UUID(found["id"])})
    assert "token-in-a-url" not in str(kept)
    assert found["secret"] not in str(kept)
    assert "whsec" not in str(kept)


# secrets


async def test_while_a_secret_is_rotated_either_verifies(at: Hooked) -> None:
    async with receiver() as there:
        found = await at.register("shop", there.url)
        key = {"Idempotency-Key": uuid4().hex}
        new = made(await at.ask("shop", "POST", f"/{found['id']}/secrets", headers=key))
        again = made(await at.ask("shop", "POST", f"/{found['id']}/secrets", headers=key))
        assert new["secret"] == again["secret"] != found["secret"]
        assert len(new["secrets_until"]) == 1
        await happens("shop")
        (message,) = await there.until(1)
        for secret in (found["secret"], new["secret"]):
            assert genuine(message, secret)


async def test_a_receiver_can_be_checked(at: Hooked) -> None:
    async with receiver() as there:
        found = await at.register("shop", there.url)
        made(await at.ask("shop", "POST", f"/{found['id']}:test"))
        (message,) = await there.until(1)
        assert genuine(message, found["secret"])["type"] == "webhook.tested.v1"
        body = {
            "id": message.id,
            "timestamp": message.headers["webhook-timestamp"],
            "signature": message.headers["webhook-signature"],
            "body": message.body.decode(),
        }
        path = f"/{found['id']}:verify"
        assert made(await at.ask("shop", "POST", path, json=body)) == {"valid": True, "reason": None}
        wrong = made(await at.ask("shop", "POST", path, json=body | {"body": "{}"}))
        assert (wrong["valid"], "signature" in wrong["reason"]) == (False, True)


# the log, and sending again


async def test_a_delivery_is_sent_again_by_hand(at: Hooked) -> None:
    async with receiver() as there:
        found = await at.register("shop", there.url)
        await happens("shop")
        (done,) = await at.until(found["id"], "delivered")
        path = f"/{found['id']}/deliveries/{done['id']}"
        key = {"Idempotency-Key": uuid4().hex}
        for _ in range(2):
            answer = await at.ask("shop", "POST", f"{path}:replay", headers=key)
            assert answer.status_code == 202
        messages = await there.until(2)
        assert len({each.id for each in messages}) == 1
        await at.until(found["id"], "delivered")
        await asyncio.sleep(0.3)
        shown = made(await at.ask("shop", "GET", path))
        assert (shown["replays"], len(shown["attempts"]), len(there.received)) == (1, 2, 2)


async def test_a_range_is_sent_again(at: Hooked) -> None:
    async with receiver() as there:
        found = await at.register("shop", there.url)
        early = [await happens("shop") for _ in range(3)]
        await at.until(found["id"], "delivered", 3)
        middle = clock.machine_now()
        await asyncio.sleep(0.01)
        await happens("shop")
        await at.until(found["id"], "delivered", 4)
        there.received.clear()
        span = {"from": (middle - timedelta(hours=1)).isoformat(), "to": middle.isoformat()}
        path = f"/{found['id']}:replay"
        for nothing in ({"state": "failed"}, {"types": ["complaint.*"]}):
            assert made(await at.ask("shop", "POST", path, json=span | nothing))["replayed"] == 0
        both = span | {"state": "delivered", "types": ["survey.*"]}
        assert made(await at.ask("shop", "POST", path, json=both))["replayed"] == 3
        got = await there.until(3)
        assert {UUID(json.loads(each.body)["id"]) for each in got} == {each.id for each in early}
        refused(await at.ask("shop", "POST", path, json={"from": span["to"], "to": span["from"]}), 422)


async def test_the_log_comes_in_pages_newest_first(at: Hooked) -> None:
    found = await at.register("shop", URL)
    for _ in range(5):
        await happens("shop")
    path, pages, token = f"/{found['id']}/deliveries", list[list[str]](), None
    while not pages or token:
        query = {"page_size": 2} | ({"page_token": token} if token else {})
        page = made(await at.ask("shop", "GET", path, params=query))
        pages.append([each["made_at"] for each in page["deliveries"]])
        token = page["next_page_token"]
    times = [each for page in pages for each in page]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert times == sorted(times, reverse=True)
    assert await at.log(found["id"], state="delivered") == []
    assert await at.log(found["id"], after="2190-01-01T00:00:00Z") == []
    refused(await at.ask("shop", "GET", path, params={"page_token": "made up"}), 422)


async def test_what_has_ended_is_dropped_by_the_database_and_what_waits_is_not(
    at: Hooked, servers: AnyServers
) -> None:
    async with receiver() as there:
        found = await at.register("shop", there.url)
        await happens("shop")
        (done,) = await at.until(found["id"], "delivered")
        async with admin_of(servers) as admin:
            part = admin["notify"]["notices"]
            kept = await part.find_one({"_id": UUID(done["id"])})
            (ends,) = [
                each
                async for each in await part.list_indexes()
                if each["key"].to_dict() == {"webhook_ends": 1}
            ]
        assert kept is not None
        assert kept["webhook_ends"] > kept["webhook_at"] + timedelta(days=29)
        assert ends["expireAfterSeconds"] == 0
        assert "webhook_waits" not in kept
        assert "webhook_due" not in kept
