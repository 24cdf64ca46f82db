"""Real complaints through all five services, over HTTP, a real broker, a real database and real mail."""

import asyncio
import json
from datetime import datetime
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from deploy.local import traces
from deploy.local.play import Case, Players
from deploy.local.stage import Stage
from shared.events import CATALOGUE, Channel, SurveyExpired
from tests.journeys.test_side_ways import BESIDE
from tests.kit.toy import events_in, history

BODY: dict[str, Any] = {
    "channel": "email",
    "language": "en",
    "complainant": {"name": "Ann Example", "email": "ann@example.com", "phone": "+44 7700 900123"},
    "description": "The kettle leaks and the staff were rude.",
}


def case(play: dict[str, Any] | None = None, **changes: Any) -> Case:
    return Case(body=BODY | changes, play=play or {})


async def carried(played: Stage, wanted: Case) -> tuple[Case, list[dict[str, Any]]]:
    """A case carried to its end, and its timeline."""
    async with played.system.client() as client:
        players = Players(played.system, client, played.mailbox, played.gateway)
        await players.carry(wanted)
        return wanted, await players.timeline(wanted, "en")


async def post(played: Stage, body: Any, **headers: str) -> httpx.Response:
    async with played.system.client() as client:
        url = f"{played.system.url('intake')}/v1/complaints"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await client.post(
            url,
            content=content,
            headers={"Content-Type": "application/json", "Idempotency-Key": str(uuid4())} | headers,
        )


async def test_the_whole_way(played: Stage) -> None:
    done, lines = await carried(played, case())
    types = [line["type"] for line in lines]
    assert done.stage == "closed"
    for wanted in ("graded", "dispatched", "accepted", "solution_proposed", "fed_back", "closed"):
        assert types.count(f"complaint.{wanted}.v1") == 1
    assert {clock["outcome"] for clock in done.clocks} == {"met"}
    subjects = [str(mail["Subject"]) for mail in played.mailbox.about(done.number)]
    assert f"Your complaint {done.number} has reached us" in subjects
    assert f"What we have done about your complaint {done.number}" in subjects
    times = [datetime.fromisoformat(line["time"]) for line in lines]
    assert times == sorted(times)


async def test_a_low_score_reopens_and_the_second_round_ends_it(played: Stage) -> None:
    done, lines = await carried(played, case({"score": 2, "second_score": 9}))
    types = [line["type"] for line in lines]
    assert done.cycle == 2
    assert types.count("complaint.reopened.v1") == 1
    assert types.count("complaint.graded.v1") == 2
    assert types.count("survey.answered.v1") == 2
    assert done.view["complaint"]["graded"]["2"]["grade"] == "serious"


async def test_a_department_that_sleeps_breaches_its_deadline(played: Stage) -> None:
    done, lines = await carried(played, case({"slow": True}, facts={"injured": 1}))
    words = [line["words"] for line in lines]
    assert "Deadline Acceptance by the department breached" in words
    assert "Deadline Acceptance by the department missed" in words
    assert words.count("Deadline Acceptance by the department breached") == 1
    warned = [str(m["Subject"]) for m in played.mailbox.about(done.number) if "overdue" in str(m["Subject"])]
    assert warned
    gated = [m for m in played.mailbox.about(done.number) if "safety at stake" in str(m["Subject"])]
    assert {str(m["To"]).partition("@")[0] for m in gated} == {"general-manager", "emergency-team"}


ROUTES = {"letter": "letter", "hotline": "call", "wechat": "message", "website": "email"}


@pytest.mark.parametrize("channel", ROUTES)
async def test_the_customer_is_answered_the_way_the_complaint_came(played: Stage, channel: str) -> None:
    complainant = BODY["complainant"] | {"address": "1 Sample Street, Exampleton"}
    done, _ = await carried(played, case(channel=channel, complainant=complainant, language="zh-CN"))
    told = {notice["kind"]: notice["route"] for notice in done.notices}
    assert told["result"] == told["survey"] == ROUTES[channel]
    if channel == "wechat":
        assert len(played.gateway.about(done.number)) == 3, "offer, result and survey"


async def test_a_mail_server_that_is_busy_is_tried_again(played: Stage) -> None:
    played.mailbox.refuse = 1
    receipt = (await post(played, BODY)).json()
    async with asyncio.timeout(90):
        while not any("reached us" in str(m["Subject"]) for m in played.mailbox.about(receipt["number"])):
            await asyncio.sleep(0.1)
    assert played.mailbox.refuse == 0


async def test_every_channel_is_taken(played: Stage) -> None:
    answers = await asyncio.gather(
        *(post(played, BODY | {"channel": channel}) for channel in get_args(Channel))
    )
    assert {answer.status_code for answer in answers} == {201}


async def test_one_trace_spans_the_five_services(played: Stage) -> None:
    done, _ = await carried(played, case())
    await asyncio.sleep(1)  # the exporters write every half second
    spans = traces.read(played.system.folder)[done.trace.split("-")[1]]
    assert {span.service for span in spans} == {"intake", "triage", "sla", "notify", "survey"}
    assert traces.orphans(spans) == []
    assert sum(span.parent is None for span in spans) == 1
    names = {span.name.split(" ")[0] for span in spans}
    assert {"POST", "process", "bulkWrite", "send", "deliver"} <= names


BAD: dict[str, tuple[Any, int, str]] = {
    "broken JSON": (b"{", 400, "#"),
    "deeply nested": (b"[" * 60_000, 400, "#"),
    "no object": (b"[]", 422, "#"),
    "odd field name": (BODY | {"a/b~c": 1}, 422, "#/a~1b~0c"),
    "unknown channel": (BODY | {"channel": "pigeon"}, 422, "#/channel"),
    "no contact": (BODY | {"complainant": {"name": "Ann"}}, 422, "#/complainant"),
    "no complainant": ({k: v for k, v in BODY.items() if k != "complainant"}, 422, "#/complainant"),
    "unknown field": (BODY | {"chanel": "email"}, 422, "#/chanel"),
    "unknown class": (BODY | {"class": "weather"}, 422, "#/class"),
    "empty text": (BODY | {"description": "  "}, 422, "#/description"),
    "future": (BODY | {"received_at": "2999-01-01T00:00:00Z"}, 422, "#/received_at"),
    "naive time": (BODY | {"received_at": "2026-01-01T00:00:00"}, 422, "#/received_at"),
    "float-like money": (BODY | {"loss": {"value": "1e99", "currency": "CNY"}}, 422, "#/loss/value"),
    "negative money": (BODY | {"loss": {"value": "-1", "currency": "CNY"}}, 422, "#/loss/value"),
    "bad mail address": (
        BODY | {"complainant": {"name": "Ann", "email": "a@b\r\nBcc: x@y.z"}},
        422,
        "#/complainant/email",
    ),
    "oversized": (BODY | {"description": "x" * 70_000}, 413, "#"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_gets_a_problem_that_names_the_field(played: Stage, name: str) -> None:
    body, status, pointer = BAD[name]
    answer = await post(played, body)
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(problem)
    assert any(fault["pointer"].startswith(pointer) for fault in problem["errors"]), problem
    assert "Bcc" not in answer.text


async def test_without_a_known_key_nobody_gets_in(played: Stage) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = await client.get(
                f"{played.system.url('intake')}/v1/complaints/{uuid4()}", headers=headers
            )
            assert answer.status_code == 401
            assert answer.json()["type"] == "/problems/unauthenticated"


async def test_the_same_key_makes_one_complaint(played: Stage) -> None:
    key = uuid4().hex
    answers = await asyncio.gather(*(post(played, BODY, **{"Idempotency-Key": key}) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.json()["number"] for answer in answers}) == 1


async def test_the_same_key_with_another_payload_is_refused(played: Stage) -> None:
    key = uuid4().hex
    assert (await post(played, BODY, **{"Idempotency-Key": key})).status_code == 201
    again = await post(played, BODY | {"language": "zh-CN"}, **{"Idempotency-Key": key})
    assert again.status_code == 422
    assert again.json()["errors"][0]["pointer"] == "#/Idempotency-Key"


async def test_a_malformed_key_is_refused(played: Stage) -> None:
    answer = await post(played, BODY, **{"Idempotency-Key": "a b"})
    assert answer.status_code == 400


async def test_a_step_that_is_not_possible_now_is_refused_with_what_is(played: Stage) -> None:
    receipt = (await post(played, BODY)).json()
    async with played.system.client() as client:
        url = f"{played.system.url('intake')}/v1/complaints/{receipt['id']}/steps"
        answer = await client.post(url, json={"step": "agree"})
        unknown = await client.post(url, json={"step": "sing"})
        lacking = await client.post(url, json={"step": "propose", "department": "quality"})
        missing = await client.post(
            f"{played.system.url('intake')}/v1/complaints/{uuid4()}/steps", json={"step": "agree"}
        )
    assert answer.status_code == 409
    assert "possible now" in answer.json()["detail"]
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "#/step"
    assert "sing" not in unknown.text
    assert lacking.json()["errors"][0]["pointer"] == "#/measure"
    assert missing.status_code == 404


async def test_a_survey_is_answered_once_and_its_link_cannot_be_forged(played: Stage) -> None:
    done, _ = await carried(played, case())
    async with played.system.client() as client:
        players = Players(played.system, client, played.mailbox, played.gateway)
        (link,) = players.links(done)
        shown = await client.get(link)
        again = await client.post(link, data={"score": "1"})
        forged = await client.get(link[:-2] + ("AA" if not link.endswith("AA") else "BB"))
        nonsense = await client.get(link.rsplit("/", 1)[0] + "/é.x")
    assert "answered already" in shown.text
    assert again.status_code == 409
    assert "answered already" in again.text
    assert forged.status_code == nonsense.status_code == 404
    assert shown.headers["referrer-policy"] == "no-referrer"


SECRETS = (
    "Canary Woman",
    "canary.woman@example.com",
    "7700 900999",
    "7 Canary Lane",
    "canaries sing",
    "canary bird",
)


ELSEWHERE = {
    f"{name}.v1"
    for name in (
        "calendar.published", "complaint.escalated", "complaint.facts_revised", "complaint.linked",
        "complaint.migrated", "complaint.paused", "complaint.resumed", "complaint.solution_disagreed",
        "deadline.acknowledged", "deadline.breached", "deadline.cancelled", "deadline.escalated",
        "deadline.missed", "deadline.paused", "deadline.resumed", "deadline.warned", "notice.failed",
        "policy.published", "quota.exceeded", "survey.declined", "survey.skipped", "webhook.disabled",
        "webhook.failed",
        *(type.removesuffix(".v1") for type in BESIDE),
    )
} | {name for name in CATALOGUE if name.startswith(("rectification.", "spot_check.", "trend."))}  # fmt: skip
"""Public events that other tests bring about."""


async def test_no_personal_data_in_logs_spans_and_public_events(played: Stage) -> None:
    complainant = {
        "name": SECRETS[0],
        "email": SECRETS[1],
        "phone": f"+44 {SECRETS[2]}",
        "address": f"{SECRETS[3]}, Exampleton",
    }
    await carried(
        played, case(complainant=complainant, description=f"My {SECRETS[4]}; the {SECRETS[5]} is broken.")
    )
    await post(played, BODY | {"complainant": complainant | {"phone": "canary bird"}, "channel": SECRETS[0]})
    await asyncio.sleep(1)
    written = "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in played.system.folder.iterdir()
    )
    bodies = await history(played.servers)
    published = b"".join(message.body for message in bodies).decode()
    assert "complaint.closed.v1" in published
    for secret in SECRETS:
        assert secret not in written
        assert secret not in published
    seen = {event.type for event in events_in(bodies)}
    public = {name for name, kind in CATALOGUE.items() if not kind.private} - {SurveyExpired.type}
    assert public - ELSEWHERE <= seen


async def test_every_service_says_that_it_is_ready_and_counts(played: Stage) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for service in ("intake", "triage", "sla", "notify", "survey"):
            ready = await client.get(f"{played.system.url(service)}/health/ready")
            metrics = await client.get(f"{played.system.url(service)}/metrics")
            told = ready.json()
            assert (told["status"], told["service"], told["troubles"]) == ("ready", service, [])
            assert ("warnings" in told) == (service == "sla")
            assert "redress_events_total" in metrics.text


async def test_triage_explains_the_grade(played: Stage) -> None:
    receipt = (await post(played, BODY | {"loss": {"value": "5000", "currency": "CNY"}})).json()
    async with played.system.client() as client:
        players = Players(played.system, client, played.mailbox, played.gateway)
        one = Case(body=BODY, play={}, id=receipt["id"], number=receipt["number"])
        await players.until(one, "dispatched", 1)
        answer = await client.get(f"{played.system.url('triage')}/v1/gradings/{receipt['id']}")
    decision = answer.json()["decisions"]["1"]
    assert decision["grade"] == "serious"
    matches = [
        (each["rule"], each["fact"], each["value"], each["comparison"]) for each in decision["matches"]
    ]
    assert ("large sum", "loss", "5000", ">= 5000") in matches
