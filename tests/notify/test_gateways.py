"""Gateways: what each form sends and signs, how its answers are read, and how much text it takes."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.notify.channels import delivery, gateway
from services.notify.channels.gateway import Message, fitting
from services.notify.channels.wording import Words
from services.notify.domain.record import Outcome
from shared import clock
from shared.settings import Gateway
from tests.kit.doors import settled
from tests.kit.endpoints import Mails, Robot
from tests.kit.post import at_work, messaged, of, only, until, until_state

SECRET = "SEC-of-the-robot"
WORDS = Words("Complaint RC-1", "“Accept” is overdue.\n", "en")
NOTICE = UUID("018f0000-0000-7000-8000-000000000009")


@pytest.fixture
async def robot() -> AsyncIterator[Robot]:
    server = Robot()
    await server.start()
    yield server
    await gateway.hang_up()
    await server.stop()


async def sent(robot: Robot, form: Any, secret: str | None = SECRET, words: Words = WORDS) -> Outcome:
    at = Gateway(form=form, url=SecretStr(robot.url), secret=SecretStr(secret) if secret else None)
    return await gateway.send(at, Message(NOTICE, "RC-1", "message", "sms", "1380000"), words)


def query(robot: Robot) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(robot.requests[-1].path).query).items()}


async def test_the_plain_form_names_the_channel_and_can_tell_a_repeat(robot: Robot) -> None:
    assert (await sent(robot, "plain")).delivered
    (asked,) = robot.requests
    assert asked.content == {
        "to": "1380000", "number": "RC-1", "channel": "sms", "text": WORDS.body, "language": "en",
    }  # fmt: skip
    assert asked.headers["idempotency-key"] == str(NOTICE)
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


async def test_wecom(robot: Robot) -> None:
    robot.said = {"errcode": 0, "errmsg": "ok"}
    assert (await sent(robot, "wecom")).delivered
    text = {"content": "Complaint RC-1\n“Accept” is overdue."}
    assert robot.requests[0].content == {"msgtype": "text", "text": text}
    assert query(robot) == {"access_token": "HUSH"}


async def test_dingtalk_is_signed_in_the_query(robot: Robot) -> None:
    robot.said = {"errcode": 0}
    assert (await sent(robot, "dingtalk")).delivered
    asked = query(robot)
    assert asked["access_token"] == "HUSH"
    whole = f"{asked['timestamp']}\n{SECRET}".encode()
    mac = hmac.new(SECRET.encode(), whole, hashlib.sha256).digest()
    assert base64.b64decode(asked["sign"]) == mac
    assert len(asked["timestamp"]) == 13, "milliseconds"
    assert robot.requests[0].content["msgtype"] == "text"


async def test_feishu_is_signed_in_the_body(robot: Robot) -> None:
    robot.said = {"code": 0, "msg": "success"}
    assert (await sent(robot, "feishu")).delivered
    asked = robot.requests[0].content
    mac = hmac.new(f"{asked['timestamp']}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    assert base64.b64decode(asked["sign"]) == mac
    assert len(asked["timestamp"]) == 10, "seconds"
    assert (asked["msg_type"], list(asked["content"])) == ("text", ["text"])


@pytest.mark.parametrize("form", ["dingtalk", "feishu"])
async def test_without_a_secret_nothing_is_signed(robot: Robot, form: str) -> None:
    robot.said = {"errcode": 0, "code": 0}
    assert (await sent(robot, form, None)).delivered
    assert "sign" not in query(robot) | robot.requests[0].content


@pytest.mark.parametrize(
    ("form", "status", "said", "delivered", "untried", "final"),
    [
        ("plain", 202, None, True, False, False),
        ("plain", 500, None, False, False, False),
        ("plain", 502, None, False, False, False),
        ("plain", 401, None, False, False, False),
        ("plain", 403, None, False, False, False),
        ("plain", 404, None, False, False, False),
        ("plain", 302, None, False, False, False),
        ("plain", 400, None, False, False, True),
        ("plain", 429, None, False, True, False),
        ("wecom", 200, {"errcode": 45009}, False, True, False),
        ("wecom", 200, {"errcode": 93000}, False, False, False),
        ("dingtalk", 200, {"errcode": 130101}, False, True, False),
        ("dingtalk", 200, {"errcode": 310000, "errmsg": "HUSH"}, False, False, False),
        ("feishu", 200, {"code": 11232}, False, True, False),
        ("feishu", 200, {"code": 9499}, False, False, False),
        ("feishu", 200, {"message": "?"}, False, False, False),
        ("feishu", 200, "?", False, False, False),
    ],
)
async def test_what_a_gateway_answers(
    robot: Robot, form: str, status: int, said: Any, *, delivered: bool, untried: bool, final: bool
) -> None:
    robot.status, robot.said = status, said
    outcome = await sent(robot, form)
    assert (outcome.delivered, outcome.untried, outcome.final) == (delivered, untried, final)
    away = untried or status in (401, 403, 500, 502)
    assert outcome.away is away, "who has had too much, or is broken, gets nothing from anybody for a while"
    assert "HUSH" not in outcome.reason
    assert SECRET not in outcome.reason
    assert bool(outcome.reason) is not delivered


async def test_a_gateway_says_how_long_it_wants_to_be_left_alone(robot: Robot) -> None:
    robot.status, robot.headers = 429, {"Retry-After": "7"}
    again = (await sent(robot, "plain")).again_at
    assert again is not None
    assert timedelta(seconds=5) < again - clock.machine_now() <= timedelta(seconds=7)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x?key=HUSH", "nonsense", "http://[HUSH"])
async def test_a_gateway_that_is_not_there_tells_no_secret(url: str) -> None:
    at = Gateway(url=SecretStr(url))
    outcome = await gateway.send(at, Message(NOTICE, "RC-1", "message", "sms", "1380000"), WORDS)
    assert not outcome.delivered
    assert "HUSH" not in outcome.reason


@pytest.mark.parametrize(("form", "most"), [("wecom", 2_048), ("dingtalk", 20_000), ("feishu", 20_000)])
async def test_a_long_text_is_cut_to_what_the_robot_takes(robot: Robot, form: str, most: int) -> None:
    robot.said = {"errcode": 0, "code": 0}
    assert (await sent(robot, form, words=Words("投诉", "超时" * 9_000, "zh-CN"))).delivered
    content = robot.requests[0].content
    text = (content.get("text") or content["content"]).get("content") or content["content"]["text"]
    assert len(text.encode()) <= most
    assert text.endswith("…")


async def test_a_gateway_has_one_client_for_all_messages(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[httpx.AsyncClient]()

    class Client(httpx.AsyncClient):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            made.append(self)

    monkeypatch.setattr(httpx, "AsyncClient", Client)
    for _ in range(3):
        assert (await sent(robot, "plain")).delivered
    assert [each.is_closed for each in made] == [False]
    await gateway.hang_up()
    assert [each.is_closed for each in made] == [True]


@given(st.text(), st.integers(min_value=3, max_value=60))
def test_a_cut_is_between_two_characters(text: str, most: int) -> None:
    cut = fitting(text, most)
    assert len(cut.encode()) <= most
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))


async def test_customers_have_the_gateway_of_their_channel_or_the_default_one(
    mails: Mails, robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Robot()
    await other.start()
    with settled(
        monkeypatch, smtp_url=mails.url, gateways={"wechat": other.gateway(), "default": robot.gateway()}
    ):
        by_wechat, by_sms = await messaged("wechat"), await messaged("sms")
        async with at_work():
            for complaint in (by_wechat, by_sms):
                await until_state(complaint, "sent", "result")
    assert {each.content["channel"] for each in other.requests} == {"wechat"}
    assert {each.content["channel"] for each in robot.requests} == {"sms"}
    await other.stop()


def test_a_chat_without_its_gateway_is_taken_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with settled(monkeypatch, gateways={"default": {"url": "http://127.0.0.1:1"}}):
        assert delivery.endpoint("chat", "quality-group") is None
        assert delivery.endpoint("message", "sms") == "default"
    with settled(monkeypatch, gateways={"quality-group": {"url": "http://127.0.0.1:1", "form": "wecom"}}):
        assert delivery.endpoint("chat", "quality-group") == "quality-group"
        assert delivery.endpoint("message", "sms") is None


async def test_a_robot_that_has_had_too_much_costs_no_attempt(
    mails: Mails, robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.said = {"errcode": 45009}
    with settled(monkeypatch, smtp_url=mails.url, gateways={"default": robot.gateway("wecom")}):
        some = [await messaged("sms") for _ in range(20)]
        async with at_work():
            await until(lambda: any_waits(some))
            await asyncio.sleep(0.5)
    assert len(robot.requests) <= 4 + 1, "the others did not ask any more"
    assert {(await only(each, "result")).attempts for each in some} == {0}


async def any_waits(some: list[UUID]) -> bool:
    found = [each for complaint in some for each in await of(complaint)]
    return any(each.state == "queued" and each.reason for each in found)
