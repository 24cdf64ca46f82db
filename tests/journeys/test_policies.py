"""Regulations at work in the whole system: repeats, revised facts, people's decisions, new versions."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.local.stage import Stage
from tests.kit.toy import events_in, history

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
SECRET = {"name": "Zelda Quillfeather", "phone": "+44 7911 555 0199", "email": "zelda@quillfeather.example"}


@asynccontextmanager
async def house(played: Stage, key: str | None = None) -> AsyncIterator["House"]:
    headers = {"Authorization": f"Bearer {key or played.system.key}"}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
        yield House(played, client)


class House:
    """What the tests do over HTTP."""

    def __init__(self, played: Stage, client: httpx.AsyncClient) -> None:
        self.client = client
        self.intake = f"{played.system.url('intake')}/v1/complaints"
        self.triage = f"{played.system.url('triage')}/v1"

    async def post(self, **changes: Any) -> httpx.Response:
        body: dict[str, Any] = {
            "channel": "email",
            "language": "en",
            "complainant": {"name": "Ann", "email": f"{uuid4().hex}@example.com"},
            "description": "The kettle leaks.",
        }
        return await self.client.post(
            self.intake, json=body | changes, headers={"Idempotency-Key": uuid4().hex}
        )

    async def graded(
        self, answer: httpx.Response, wanted: Callable[[dict[str, Any]], bool] = bool
    ) -> dict[str, Any]:
        """The grading as intake has it, once it is as wanted."""
        assert answer.status_code == 201, answer.text
        id = answer.json()["id"]

        async def look() -> dict[str, Any] | None:
            view = (await self.client.get(f"{self.intake}/{id}")).json()
            found: dict[str, Any] = view["complaint"]["graded"].get("1", {})
            return found if found and wanted(found) else None

        judged: dict[str, Any] = await until(look)
        return judged


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(90):
        while not (found := await look()):
            await asyncio.sleep(0.1)
    return found


async def told(played: Stage, type: str, complaint: str = "") -> list[Any]:
    """The events of a type that went to everybody."""
    found = await history(played.servers)
    body = b"".join(message.body for message in found).decode()
    assert not [secret for secret in SECRET.values() if secret in body]
    return [e for e in events_in(found) if e.type == type and complaint in ("", str(e.complaint))]


async def test_revised_facts_grade_the_complaint_anew_and_escalate_it(played: Stage) -> None:
    async with house(played) as at:
        receipt = await at.post()
        first = await at.graded(receipt)
        assert (first["grade"], first["revision"], first["provisional"]) == ("minor", 1, True)
        id = receipt.json()["id"]
        answer = await at.client.post(
            f"{at.intake}/{id}/facts", json={"facts": {"injured": 1}, "verified": True}
        )
        assert answer.status_code == 200, answer.text
        second = await at.graded(receipt, lambda found: found["revision"] == 2)
        assert (second["grade"], second["gates"], second["provisional"]) == ("critical", ["harm"], False)
        history = (await at.client.get(f"{at.triage}/gradings/{id}")).json()["history"]
        assert [each["graded"]["grade"] for each in history] == ["minor", "critical"]
        view = (await at.client.get(f"{at.intake}/{id}")).json()
        assert any("People injured" in line for line in view["explanation"]["1"]["en"])
        assert any("受伤人数" in line for line in view["explanation"]["1"]["zh-CN"])
    assert len(await told(played, "complaint.escalated.v1", id)) == 1


async def test_the_same_customer_on_another_channel_is_known_again(played: Stage) -> None:
    about: dict[str, Any] = {
        "pack": "cn-ecommerce-upgrade",
        "product": {"name": "Kettle"},
        "class": "service",
    }
    async with house(played) as at:
        posts = []
        ways = [
            ("hotline", 0, ("name", "phone")),
            ("website", 47, ("name", "phone", "email")),
            ("email", 96, ("name", "email")),
        ]
        for channel, hours, known in ways:
            who = {name: SECRET[name] for name in known}
            when = (NOW + timedelta(hours=hours)).isoformat()
            posts.append(await at.post(**about, channel=channel, complainant=who, received_at=when))
            await at.graded(posts[-1])
        found = [await at.graded(each) for each in posts]
        assert [each["repeats"] for each in found] == [1, 2, 2], (
            "the first and the last have no address in common"
        )
        assert found[0]["grade"] != found[1]["grade"] == found[2]["grade"] or found[2]["repeats"] == 2
        second = posts[1].json()["id"]
        grading = (await at.client.get(f"{at.triage}/gradings/{second}")).json()
        assert grading["linked"] == [posts[0].json()["id"]]
        await told(played, "complaint.linked.v1")


async def test_a_thousand_identical_posts_are_one_complaint_and_one_grading(played: Stage) -> None:
    body = {
        "channel": "website",
        "language": "en",
        "complainant": {"name": "Ann", "email": f"{uuid4().hex}@example.com"},
        "description": "The kettle leaks.",
    }
    async with house(played) as at:
        gate = asyncio.Semaphore(100)

        async def one() -> httpx.Response:
            async with gate:
                return await at.client.post(at.intake, json=body)

        answers = await asyncio.gather(*(one() for _ in range(1_000)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        await at.graded(answers[0])
        await asyncio.sleep(1)
        id = answers[0].json()["id"]
        grading = (await at.client.get(f"{at.triage}/gradings/{id}")).json()
        assert len(grading["history"]) == 1
        assert grading["linked"] == []
    assert len(await told(played, "complaint.registered.v1", id)) == 1
    assert len(await told(played, "complaint.graded.v1", id)) == 1


async def test_a_person_answers_the_question_of_a_pack(played: Stage) -> None:
    async with house(played) as at:
        receipt = await at.post(pack="cn-dealer-abc", details={"score": 5.9})
        first = await at.graded(receipt)
        assert first["pending"] == ["score_0_6"]
        id = receipt.json()["id"]
        word = {
            "about": "question",
            "name": "score_0_6",
            "choice": "a",
            "role": "service_manager",
            "who": "Li",
            "why": "angry",
        }
        path = f"{at.triage}/gradings/{id}/decisions"
        refused = await at.client.post(path, json=word | {"role": "recorder"})
        assert refused.status_code == 422, refused.text
        assert (await at.client.post(path, json=word)).status_code == 201
        second = await at.graded(receipt, lambda found: found["revision"] == 2)
        assert (second["grade"], second["pending"], second["reason"]) == ("grievance_a", [], "decision")
        assert "Li" not in str(second)
        ratios = await at.client.get(f"{at.triage}/adjudications:report?pack=cn-dealer-abc")
        assert ratios.status_code == 200, ratios.text
        answers = {each["question"]: each["answers"] for each in ratios.json()}
        assert answers["score_0_6"]["a"] >= 1


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no VIN": ({"pack": "cn-vehicle-1wd"}, "#/details/vin"),
    "unknown pack": ({"pack": "cn-nothing"}, "#/pack"),
    "unbound pack": ({"pack": "cn-product-general"}, "#/parameters/ordinary_proposal_days"),
    "unknown detail": ({"pack": "cn-dealer-abc", "details": {"scoer": 1}}, "#/details/scoer"),
    "wrong detail": ({"pack": "cn-dealer-abc", "details": {"score": "high"}}, "#/details/score"),
    "channel not taken": ({"pack": "cn-kpi-95", "channel": "wechat"}, "#/channel"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_a_pack_does_not_take_is_refused_with_the_mend(played: Stage, name: str) -> None:
    changes, place = REFUSED[name]
    async with house(played) as at:
        answer = await at.post(**changes)
        assert answer.status_code == 422, answer.text
        assert place in [error["pointer"] for error in answer.json()["errors"]]


async def test_the_case_beyond_a_quota_is_told(played: Stage) -> None:
    async with house(played) as at:
        ids = []
        for number in range(4):
            when = (NOW + timedelta(minutes=number)).isoformat()
            receipt = await at.post(
                pack="cn-packaging-abcd", loss={"value": "1000", "currency": "CNY"}, received_at=when
            )
            assert receipt.status_code == 201, receipt.text
            ids.append(receipt.json()["id"])
            path = f"{at.intake}/{ids[-1]}/facts"
            assert (await at.client.post(path, json={"department": "printing"})).status_code == 200
            await at.graded(receipt)
        await asyncio.sleep(1)
    exceeded = [e for e in await told(played, "quota.exceeded.v1") if e.data.value == "printing"]
    assert [(str(e.complaint), e.data.number, e.data.limit) for e in exceeded] == [(ids[3], 4, 3)]


def changed(shown: dict[str, Any]) -> str:
    """The next version of a pack: any loss of 100 is of the gravest grade."""
    name, scheme = next(iter(shown["schemes"].items()))
    gravest = next(iter(scheme["grades"]))
    row = {"rule": "a loss", "grade": gravest, "when": {"loss": {"at_least": 100}}}
    vector = {"name": "a loss", "facts": {"loss": 100}, "expect": {"grade": gravest}}
    return json.dumps(
        {
            "pack": shown["pack"],
            "version": 2,
            "extends": f"{shown['pack']}/1",
            "schemes": {name: scheme | {"rows": [*scheme["rows"], row]}},
            "vectors": [vector],
        },
        ensure_ascii=False,
    )


async def test_a_version_is_rehearsed_published_by_two_and_migrated_to_and_back(played: Stage) -> None:
    async with house(played) as at, house(played, played.system.approver_key) as other:
        shown = (await at.client.get(f"{at.triage}/policies/cn-case-3grade/versions/1")).json()
        text, gravest = changed(shown), next(iter(next(iter(shown["schemes"].values()))["grades"]))
        receipt = await at.post(pack="cn-case-3grade", loss={"value": "150", "currency": "CNY"})
        before = await at.graded(receipt)
        path = f"{at.triage}/policies/cn-case-3grade"
        rehearsed = await at.client.post(f"{path}/simulations", content=text)
        assert rehearsed.status_code == 200, rehearsed.text
        result = rehearsed.json()
        assert result["gradings"] >= 1
        assert result["changed"] >= 1
        assert result["examples"][0]["complaint"] == receipt.json()["id"]
        await publish(at, other, path, text)
        await until(partial(on_version_two, at))
        assert (await at.graded(receipt))["pack_version"] == 1, "a complaint stays on its version"
        await there_and_back(at, path, receipt, before, gravest)
    assert len(await told(played, "policy.published.v1")) == 1
    await played.system.end("triage")
    played.system.launch("triage")
    await played.system.ready(["triage"])
    async with house(played) as at:
        answer = await at.post(pack="cn-case-3grade", loss={"value": "150", "currency": "CNY"})
        found = await at.graded(answer)
        assert (found["pack_version"], found["grade"]) == (2, gravest), (
            "a published version outlives a restart"
        )


async def publish(at: House, other: House, path: str, text: str) -> None:
    """Proposed by one, approved by another, refused to whoever is alone or cannot prove it."""
    refused = await at.client.put(
        f"{path}/versions/2", content=text.replace('"at_least": 100', '"at_least": 101')
    )
    assert refused.status_code == 422
    assert "a loss" in refused.text
    assert (await at.client.put(f"{path}/versions/2", content=text)).status_code == 202
    assert (await other.client.post(f"{path}/versions/2/approval")).status_code == 428
    read = await other.client.get(f"{path}/versions/2")
    etag = {"If-Match": read.headers["ETag"]}
    stale = await other.client.post(f"{path}/versions/2/approval", headers={"If-Match": "another"})
    assert stale.status_code == 412
    alone = await at.client.post(f"{path}/versions/2/approval", headers=etag)
    assert alone.status_code == 409, "nobody publishes alone"
    assert (await other.client.post(f"{path}/versions/2/approval", headers=etag)).status_code == 200


async def on_version_two(at: House) -> bool:
    """Whether a new complaint gets the new version."""
    answer = await at.post(pack="cn-case-3grade", loss={"value": "150", "currency": "CNY"})
    view = (await at.client.get(f"{at.intake}/{answer.json()['id']}")).json()
    return bool(view["complaint"]["pack_version"] == 2)


async def there_and_back(
    at: House, path: str, receipt: httpx.Response, before: dict[str, Any], gravest: str
) -> None:
    """A migration is previewed, made, and taken back."""
    plan = {"from_version": 1, "to_version": 2, "preview": True}
    preview = (await at.client.post(f"{path}/migrations", json=plan)).json()
    assert preview["complaints"] >= 1
    assert (await at.graded(receipt))["pack_version"] == 1
    done = await at.client.post(f"{path}/migrations", json=plan | {"preview": False})
    assert done.json()["complaints"] == preview["complaints"]
    over = await at.graded(receipt, lambda found: found["pack_version"] == 2)
    assert (over["grade"], over["reason"]) == (gravest, "migrated")
    back = {"from_version": 2, "to_version": 1, "back": True}
    assert (await at.client.post(f"{path}/migrations", json=back)).status_code == 200
    again = await at.graded(receipt, lambda found: found["pack_version"] == 1 and found["revision"] == 3)
    assert again["grade"] == before["grade"]
