"""Sessions of browsers: what the cookie lets do, from where and how long, and that none can be made up."""

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from shared import clock, sealing
from shared.http import sessions
from shared.problems import Invalid
from tests.conftest import HOUSE_KEY
from tests.kit.doors import api_keys, application, client, settled
from tests.kit.signing_in import signing_in

APP = application()
SAME, CROSS = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with settled(monkeypatch, api_keys=api_keys(desk=["recorder"], shop=["partner"]), rate_limit="5/minute"):
        yield


async def cookie(key: str = "desk", base: str = "http://service") -> str:
    """The header Cookie of somebody who has signed in."""
    header = await signing_in(key, base)
    return header.partition(";")[0]


async def asked(cookie: str, method: str = "GET", path: str = "/v1/who", **headers: str) -> httpx.Response:
    async with client(APP, None) as known:
        body = {"size": 1} if method == "POST" else None
        return await known.request(method, path, headers={"Cookie": cookie} | headers, json=body)


async def test_the_cookie_is_who_signed_in() -> None:
    answer = await asked(await cookie())
    assert (answer.status_code, answer.json()["name"]) == (200, "desk")


async def test_by_https_the_cookie_is_this_hosts_alone() -> None:
    header = await signing_in("desk", "https://service")
    assert re.fullmatch(
        r"__Host-redress=[\w-]+; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure", header
    )
    assert "desk" not in header
    plain = await signing_in("desk", "http://service")
    assert re.fullmatch(r"redress=[\w-]+; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict", plain)


async def test_one_of_http_is_none_of_https() -> None:
    """Whoever can write plain pages of the host must not sign a browser in on its safe ones."""
    value = (await cookie()).partition("=")[2]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="https://service") as safe:
        for name in ("redress", "__Host-redress"):
            assert (await safe.get("/v1/who", headers={"Cookie": f"{name}={value}"})).status_code == 401


@pytest.mark.parametrize("place", [8, 40, -2])
async def test_a_changed_cookie_lets_nobody_in(place: int) -> None:
    name, _, value = (await cookie()).partition("=")
    wrong = value[:place] + ("A" if value[place] != "A" else "B") + value[place:][1:]
    answer = await asked(f"{name}={wrong}")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')


@pytest.mark.parametrize("value", ["", "x", "desk", "A" * 200, "=", "%00"])
async def test_a_made_up_cookie_lets_nobody_in(value: str) -> None:
    assert (await asked(f"redress={value}")).status_code == 401


async def test_a_cookie_of_another_house_lets_nobody_in() -> None:
    sealing.use_house_key(b"the key of the house across the road")
    foreign = await cookie()
    sealing.use_house_key(HOUSE_KEY)
    assert (await asked(foreign)).status_code == 401


async def test_it_ends_after_twelve_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, now = await cookie(), clock.machine_now()
    monkeypatch.setattr(clock, "machine_now", lambda: now + sessions.LASTS - timedelta(seconds=5))
    assert (await asked(shown)).status_code == 200
    monkeypatch.setattr(clock, "machine_now", lambda: now + sessions.LASTS + timedelta(seconds=5))
    assert (await asked(shown)).status_code == 401


async def test_it_ends_with_the_key_it_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = await cookie()
    with settled(monkeypatch, api_keys=api_keys(other=["recorder"])):
        assert (await asked(shown)).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (SAME, 200),
        (CROSS, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({}, 403),
    ],
)
async def test_changes_come_from_its_own_pages_only(headers: dict[str, str], status: int) -> None:
    assert (await asked(await cookie(), "POST", "/v1/things/1", **headers)).status_code == status


async def test_a_bearer_changes_things_from_anywhere() -> None:
    async with client(APP, "desk") as known:
        assert (await known.post("/v1/things/1", json={"size": 1}, headers=CROSS)).status_code == 200


async def test_credentials_of_the_request_itself_go_before_the_cookie() -> None:
    answer = await asked(await cookie(), Authorization="Bearer shop")
    assert answer.json()["name"] == "shop"


async def test_a_session_has_its_callers_share_of_requests_and_wrong_ones_their_address() -> None:
    shown = await cookie()
    answers = [await asked(shown) for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert answers[0].headers["RateLimit-Policy"].startswith('"caller"')
    wrong = [await asked("redress=x") for _ in range(6)]
    assert [each.status_code for each in wrong] == [401] * 5 + [429]


async def test_what_no_cookie_can_hold_is_refused_in_words() -> None:
    with pytest.raises(Invalid, match="longer than a browser keeps"):
        await signing_in("x" * 4_000)
