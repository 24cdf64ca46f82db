"""The customer's doors over a real database: what opens them, what does not, and what the pages promise."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.intake.api import receipts
from services.intake.app import app
from services.intake.domain.receipts import secret_of
from shared.sealing import house_key
from tests.kit.doors import client
from tests.kit.house import House, house
from tests.kit.servers import AnyServers

BODY: dict[str, Any] = {
    "channel": "email",
    "language": "en",
    "complainant": {"name": "Ann", "email": "ann@example.com"},
    "description": "The kettle leaks.",
}
WRONG = "A" * 26


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch, receipt_url="https://complaints.example/") as found:
        yield found


async def handed_in(at: House, by: str = "shop", key: str | None = None, **changes: Any) -> dict[str, Any]:
    headers = {"Idempotency-Key": key or uuid4().hex}
    answer = await at.ask(by, "POST", "/complaints", json=BODY | changes, headers=headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def ask(method: str, path: str, **more: Any) -> httpx.Response:
    """As somebody without a key."""
    async with client(app, None) as asking:
        return await asking.request(method, path, **more)


async def status(number: str, secret: str | None, **more: str) -> httpx.Response:
    given = {"Receipt-Secret": secret} if secret is not None else {}
    headers = {name: value.encode("latin-1") for name, value in (more | given).items()}
    return await ask("GET", f"/v1/receipts/{number}", headers=headers)


# who is told the secret


async def test_whoever_hands_in_is_told_the_secret_and_again_when_they_repeat_it(at: House) -> None:
    key = uuid4().hex
    first, again = await handed_in(at, key=key), await handed_in(at, key=key)
    assert first == again
    assert first["receipt_url"] == (
        f"https://complaints.example/receipts/{first['number']}?secret={first['secret']}"
    )
    assert (await handed_in(at))["secret"] != first["secret"]


async def test_nobody_is_told_it_anywhere_else(at: House) -> None:
    made = await handed_in(at)
    id, step = made["id"], {"step": "withdraw"}
    seen = [
        await at.ask(by, method, path, **more)
        for by in ("shop", "desk")
        for method, path, more in (
            ("GET", f"/complaints/{id}?personal=true", {}),
            ("GET", f"/complaints/{id}/timeline", {}),
            ("GET", f"/complaints/{id}/papers", {}),
            ("GET", f"/complaints?number={made['number']}", {}),
            ("GET", "/complaints:export?format=csv", {}),
            ("POST", f"/complaints/{id}/notes", {"json": {"text": "A note."}}),
            ("POST", f"/complaints/{id}/steps?validate_only=true", {"json": step}),
        )
    ]
    seen.append(await at.ask("officer", "POST", "/people:export", json={"complaint": id}))
    assert [each.status_code for each in seen].count(403) == 1, "papers are not for partners"
    assert {each.status_code for each in seen} == {200, 201, 403}
    assert [each.url for each in seen if made["secret"] in each.text] == []


# what opens it


async def test_number_and_secret_open_it_and_nothing_of_the_house_is_told(at: House) -> None:
    made = await handed_in(at, language="zh-CN")
    answer = await status(made["number"], made["secret"])
    found = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert found["number"] == made["number"]
    assert (found["step"], found["stage"]["en"]) == ("received", "We have received your complaint")
    assert (found["language"], found["by"], found["late"]) == ("zh-CN", None, False)
    assert [each["step"] for each in found["history"]] == ["received"]
    assert "Ann" not in answer.text
    assert "kettle" not in answer.text
    assert {"RateLimit", "RateLimit-Policy"} <= {*map(_titled, answer.headers)}
    typed = await status(made["number"].lower(), made["secret"].lower())
    assert typed.json() == found


def _titled(name: str) -> str:
    return {"ratelimit": "RateLimit", "ratelimit-policy": "RateLimit-Policy"}.get(name, name)


async def test_wrong_number_wrong_secret_and_none_are_told_alike(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = await handed_in(at), await handed_in(at)

    async def looked(number: str) -> None:
        raise AssertionError("nothing is looked up for a wrong secret")

    monkeypatch.setattr(receipts, "numbered", looked)
    tried = [
        await status(made["number"], WRONG),
        await status(made["number"], other["secret"]),
        await status(made["number"], None),
        await status("RC-2222222222", made["secret"]),
        await status("RC-2222222222", ""),
        await status("\N{FIRE}", "\u00e9"),
    ]
    bodies = [each.json() | {"trace_id": ""} for each in tried]
    assert {each.status_code for each in tried} == {404}
    assert bodies == [bodies[0]] * len(tried)


async def test_a_number_that_is_not_on_record_is_told_the_same(at: House) -> None:
    """Its secret is known to the house alone, or to whoever copied its database of another day."""
    number = "RC-2222222222"
    secret = secret_of(number, house_key("receipts"))
    assert (await status(number, secret)).json()["detail"] == (await status(number, WRONG)).json()["detail"]


async def test_tries_count_for_the_address_whatever_credentials_they_show(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(servers, monkeypatch, rate_limit="6/minute") as at:
        made = await handed_in(at)
        tried = [await status(made["number"], WRONG, Authorization="Bearer nobody") for _ in range(4)]
        tried += [await status(made["number"], WRONG) for _ in range(3)]
        assert [each.status_code for each in tried] == [404] * 6 + [429]
        assert tried[0].headers["RateLimit"].startswith('"address";r=5;')
        assert "Retry-After" in tried[-1].headers
        page = await ask("POST", "/receipts", data={"number": made["number"], "secret": WRONG})
        assert page.status_code == 429


async def test_a_misspelt_parameter_is_refused(at: House) -> None:
    made = await handed_in(at)
    headers = {"Receipt-Secret": made["secret"]}
    answer = await ask("GET", f"/v1/receipts/{made['number']}?langage=en", headers=headers)
    assert answer.status_code == 422


# the pages


async def page(made: dict[str, Any], **query: str) -> httpx.Response:
    return await ask("GET", f"/receipts/{made['number']}", params={"secret": made["secret"]} | query)


async def test_the_link_opens_a_page_in_the_language_of_the_complaint(at: House) -> None:
    made = await handed_in(at, language="zh-CN")
    zh, en = await page(made), await page(made, language="en")
    assert zh.status_code == en.status_code == 200
    assert '<html lang="zh-CN">' in zh.text
    assert "<h1>我们已收到您的投诉</h1>" in zh.text
    assert '<html lang="en">' in en.text
    assert "<h1>We have received your complaint</h1>" in en.text
    switch = re.findall(r'<a class="switch"[^>]+href="([^"]+)"', zh.text)
    assert switch == [f"?secret={made['secret']}&amp;language={each}" for each in ("zh-TW", "en")]
    taiwan = await page(made, language="zh-TW")
    assert '<html lang="zh-TW">' in taiwan.text
    assert "<h1>我們已收到您的投訴</h1>" in taiwan.text
    assert '<html lang="zh-CN">' in (await page(made, language="tlh")).text


async def test_the_form_shows_it_without_the_secret_in_any_address(at: House) -> None:
    made = await handed_in(at)
    asked = await ask("GET", "/receipts", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert "查询投诉进展" in asked.text
    assert '<form class="ask" method="post" action="/receipts">' in asked.text
    shown = await ask("POST", "/receipts", data={"number": made["number"], "secret": made["secret"]})
    assert (shown.status_code, shown.has_redirect_location) == (200, False)
    assert "<h1>We have received your complaint</h1>" in shown.text
    assert "href" not in shown.text, "the other language is a button here"
    again = {"number": made["number"], "secret": made["secret"], "language": "zh-CN"}
    assert "我们已收到" in (await ask("POST", "/receipts", data=again)).text


async def test_what_is_not_there_is_told_on_a_page(at: House) -> None:
    made = await handed_in(at)
    tried = [
        await page(made | {"secret": WRONG}),
        await page(made | {"number": "RC-2222222222"}),
        await ask("GET", f"/receipts/{made['number']}"),
        await ask("POST", "/receipts", data={"number": made["number"], "secret": '"><script>'}),
        await ask("POST", "/receipts", content=b"\xff\xfe"),
    ]
    assert {(each.status_code, each.headers["content-type"]) for each in tried} == {
        (404, "text/html; charset=utf-8")
    }
    assert len({each.text for each in tried}) == 1
    assert "We found no such complaint" in tried[0].text
    zh = await page(made | {"secret": WRONG}, language="zh-CN")
    assert "未找到该投诉" in zh.text


async def test_every_page_is_kept_by_nobody_and_runs_nothing(at: House) -> None:
    made = await handed_in(at)
    for each in (await page(made), await page(made | {"secret": WRONG}), await ask("GET", "/receipts")):
        assert each.headers["Cache-Control"] == "no-store"
        assert each.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in each.headers["X-Robots-Tag"]
        [style] = re.findall(r"<style>(.*?)</style>", each.text, re.DOTALL)
        digest = b64encode(sha256(style.encode()).digest()).decode()
        policy = each.headers["Content-Security-Policy"]
        assert f"style-src 'sha256-{digest}';" in policy
        assert policy.startswith("default-src 'none';")
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"<script|style=|\son\w+=|https?:", each.text)


async def test_the_present_step_is_marked_for_everybody(at: House) -> None:
    text = (await page(await handed_in(at))).text
    assert text.count('aria-current="step"') == 1
    [present] = re.findall(r'<li class="now" aria-current="step">(.*?)</li>', text, re.DOTALL)
    assert "Received" in present
    assert len(re.findall("<h1>", text)) == 1
    assert len(re.findall(r"<li class=\"ahead\">", text)) == 6


# colours


def schemes() -> list[dict[str, str]]:
    """The colours by name: light, dark."""
    blocks = re.findall(r":root \{(.*?)\}", receipts.STYLE, re.DOTALL)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block)) for block in blocks]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_everything_can_be_read(scheme: int) -> None:
    """WCAG 2.2, 1.4.3 (text 4.5:1) and 1.4.11 (what is no text 3:1)."""
    colours = schemes()[scheme]
    texts = [
        ("text", "ground"), ("text", "card"), ("text", "soft"), ("quiet", "ground"), ("quiet", "card"),
        ("accent", "ground"), ("on-accent", "accent"), ("warm-text", "warm"),
    ]  # fmt: skip
    for ink, paper in texts:
        assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    for ink, paper in (("line", "ground"), ("line", "card"), ("accent", "ground"), ("accent", "card")):
        assert contrast(colours[ink], colours[paper]) >= 3, (ink, paper)
