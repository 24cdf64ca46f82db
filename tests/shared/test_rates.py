"""How often one may ask: each caller has a share; strangers have one by address, and shut out nobody else."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from shared.http import rates
from shared.inbox import Inbox
from shared.mongo import Store
from shared.service import Service
from shared.serving import Server
from shared.settings import settings
from tests.kit.doors import KEY, api_keys, application, client, settled
from tests.kit.issuer import issuing

APP = application()
CALLERS = api_keys(**{KEY: ["handler"], "other": ["handler"]})


@pytest.fixture(autouse=True)
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with settled(monkeypatch, api_keys=CALLERS):
        yield


async def test_answers_tell_how_many_requests_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with settled(monkeypatch, rate_limit="3/minute", api_keys=CALLERS):
        async with client(APP) as one, client(APP, "other") as other:
            told = [await one.get("/v1/things/1") for _ in range(4)]
            assert [each.status_code for each in told] == [200, 200, 200, 429]
            for left, each in zip((2, 1, 0, 0), told, strict=True):
                assert each.headers["RateLimit-Policy"] == '"caller";q=3;w=60'
                assert re.fullmatch(rf'"caller";r={left};t=(60|[1-5]?\d)', each.headers["RateLimit"])
            assert told[-1].json()["type"] == "/problems/too-many-requests"
            assert 1 <= int(told[-1].headers["Retry-After"]) <= 60
            assert (await other.get("/v1/things/1")).status_code == 200, "each caller has its own share"
            assert (await other.get("/v1/things/x")).headers["RateLimit"].startswith('"caller";r=1;')


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic YTpi", ""])
async def test_guessing_is_limited_by_address_and_shuts_out_nobody_who_has_a_key(
    monkeypatch: pytest.MonkeyPatch, header: str | None
) -> None:
    with settled(monkeypatch, rate_limit="3/hour", api_keys=CALLERS):
        given = {} if header is None else {"Authorization": header}
        async with client(APP, None) as guessing, client(APP) as known, client(APP, "other") as other:
            told = [await guessing.get("/v1/things/1", headers=given) for _ in range(5)]
            assert [each.status_code for each in told] == [401, 401, 401, 429, 429]
            assert told[0].headers["RateLimit-Policy"] == '"address";q=3;w=3600'
            for each in (known, other):
                answer = await each.get("/v1/things/1")
                assert answer.status_code == 200, "the same address, but good credentials"
                assert answer.headers["RateLimit"].startswith('"caller";r=2;')


async def test_who_asks_with_good_credentials_leaves_the_share_of_strangers_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with settled(monkeypatch, rate_limit="3/hour", api_keys=CALLERS):
        async with client(APP, None) as stranger, client(APP) as known:
            told = [await known.get("/v1/things/1") for _ in range(5)]
            assert [each.status_code for each in told] == [200, 200, 200, 429, 429]
            assert (await stranger.get("/v1/things/1")).status_code == 401


async def test_a_token_that_cannot_be_verified_counts_for_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with issuing() as away:
        token = away.token("ann")
    with settled(monkeypatch, rate_limit="2/hour", oidc_issuer=away.url, api_keys=CALLERS):
        async with client(APP, token) as staff, client(APP) as known:
            told = [await staff.get("/v1/things/1") for _ in range(3)]
            assert [each.status_code for each in told] == [503, 503, 429]
            assert (await known.get("/v1/things/1")).status_code == 200


async def test_behind_a_trusted_proxy_each_stranger_has_an_address_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Addresses that share a counter are few: of eight strangers not all do."""
    with settled(monkeypatch, rate_limit="1/hour", trusted_proxies="10.0.0.0/8"):
        for proxy, refused in (("10.1.2.3", False), ("192.0.2.1", True)):
            rates.of_addresses.cache_clear()
            behind: Any = ProxyHeadersMiddleware(_asked_of(monkeypatch)["app"], settings().trusted_proxies)
            transport = httpx.ASGITransport(behind, client=(proxy, 4711))
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as sender:
                told = [
                    (await sender.get("/pages/x", headers={"X-Forwarded-For": f"198.51.100.{n}"})).status_code
                    for n in range(8)
                ]
            assert (told == [200] + [429] * 7) is refused


def _asked_of(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a service asks of its HTTP server, about proxies."""
    asked: dict[str, Any] = {}
    monkeypatch.setenv("REDRESS_SEALING_KEY", "x" * 32)
    settings.cache_clear()
    monkeypatch.setattr(Server, "run", lambda server: asked.update(vars(server.config)))
    monkeypatch.setattr("shared.telemetry.set_up", lambda *given: None)
    hall = Service("survey", store=Store("survey", "x", BaseModel), inbox=Inbox("survey"), routers=[])
    hall.run()
    assert (asked["proxy_headers"], asked["forwarded_allow_ips"]) == (True, settings().trusted_proxies)
    return asked | {"app": APP}


async def test_pages_for_people_are_limited_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with settled(monkeypatch, rate_limit="2/minute"):
        async with client(APP) as reader:
            told = [await reader.get("/pages/x") for _ in range(3)]
    assert [each.status_code for each in told] == [200, 200, 429]
