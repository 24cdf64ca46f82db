"""Straight routes answer as all others do, whatever they are asked."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared import http
from shared.http import Key, Who, idempotency_key, principal, straight
from shared.problems import Conflict
from tests.kit.doors import KEY, api_keys, client, settled


class Parcel(BaseModel):
    """A body with values that JSON has and that it has not."""

    model_config = ConfigDict(extra="forbid")

    name: str
    weight: Decimal = Decimal(1)
    sent: AwareDatetime | None = None
    parts: tuple[int, ...] = ()


class Taken(BaseModel):
    """The answer: what was understood, of whom, and by which way."""

    parcel: Parcel
    by: str
    key: str | None
    note: str = ""


def _taken(given: Parcel, by: str, key: str | None, note: str = "") -> Taken:
    if given.name == "lost":
        raise Conflict("It is lost")
    return Taken(parcel=given, by=by, key=key, note=note)


async def _straight(given: Parcel, request: Request) -> Response:
    _straight_taken.append(given)
    who = await principal(request)
    key = await idempotency_key(request.headers.get("idempotency-key"))
    answer = _taken(given, who.name, key).model_dump_json()
    return Response(answer, 201, media_type="application/json")


_straight_taken: list[Parcel] = []


def _application(kind: type[APIRoute]) -> FastAPI:
    app, router = FastAPI(), APIRouter(prefix="/v1", route_class=kind)
    http.set_up(app)

    @router.post("/parcels", status_code=201)
    async def take(given: Parcel, who: Who, key: Key, note: str = "") -> Taken:
        return _taken(given, who.name, key, note)

    app.include_router(router)
    return app


WAYS = {"straight": _application(straight(Parcel, _straight)), "ordinary": _application(APIRoute)}
JSON = "application/json"


@pytest.fixture(autouse=True)
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    _straight_taken.clear()
    with settled(monkeypatch, api_keys=api_keys(**{KEY: ["handler"]}), max_body=1000):
        yield


async def _both(content: bytes, key: str | None = KEY, path: str = "/v1/parcels", **headers: str) -> Any:
    """The answer of the ordinary route, once the straight one has given the same."""
    named = {"Content-Type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    told: list[tuple[int, Any, str]] = []
    for app in WAYS.values():
        async with client(app, key) as asking:
            answer = await asking.post(path, content=content, headers=named)
            told.append((answer.status_code, _body(answer), answer.headers["Content-Type"]))
            assert "RateLimit" in answer.headers or answer.status_code in (400, 413, 415)
    assert told[0] == told[1]
    return told[1]


def _body(answer: httpx.Response) -> Any:
    return {name: value for name, value in answer.json().items() if name != "trace_id"}


@pytest.mark.parametrize(
    "given",
    [
        {"name": "清"},
        {"name": "a", "weight": "1.50", "sent": "2026-11-22T08:00:00+08:00", "parts": [1, 2]},
        {"name": "a", "weight": 1.5, "parts": ["3"]},
        {"name": "a", "weight": 12345678901234567890, "sent": 1790000000},
    ],
)
async def test_what_is_plain_is_understood_alike(given: dict[str, Any]) -> None:
    status, body, _ = await _both(json.dumps(given).encode(), Idempotency_Key="k-1")
    assert (status, body["by"], body["key"]) == (201, KEY, "k-1")
    assert [each.name for each in _straight_taken] == [given["name"]]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"[]", 422),
        (b'{"name":"\xff"}', 400),
        (b'{"name":1}', 422),
        (b'{"name":"a","more":1}', 422),
        (b'{"name":"a","sent":"2026-11-22"}', 422),
        (b'{"name":"lost"}', 409),
        (b'{"name":"' + b"a" * 1000 + b'"}', 413),
        ('{"name":"清"}'.encode("utf-16"), 201),
    ],
)
async def test_what_is_not_is_refused_alike(content: bytes, status: int) -> None:
    assert (await _both(content))[0] == status


async def test_who_may_not_enter_is_told_alike() -> None:
    for key, content, status in (
        (None, b'{"name":"a"}', 401),
        ("x", b'{"name":"a"}', 401),
        (None, b"{", 400),
    ):
        assert (await _both(content, key))[0] == status


async def test_headers_and_queries_count_alike() -> None:
    fine = b'{"name":"a"}'
    assert (await _both(fine, Idempotency_Key="white space"))[0] == 400
    assert (await _both(fine, path="/v1/parcels?note=x"))[1]["note"] == "x"
    assert (await _both(fine, path="/v1/parcels?nope=x"))[0] == 422
    assert (await _both(fine, Content_Type=f"{JSON}; charset=utf-8"))[0] == 201
    assert (await _both(fine, Content_Type="text/plain"))[0] == 422
    for app in WAYS.values():
        async with client(app) as asking:
            refused = await asking.put("/v1/parcels", content=fine)
            assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


def test_it_is_described_alike() -> None:
    straight_way, ordinary = (app.openapi() for app in WAYS.values())
    assert straight_way == ordinary
