"""The manners at every service's door: how much, which pages, which parameters, which refusals."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.types import Message

from shared import sealing
from shared.http import bodies, page_token, read_page_token
from shared.http.described import REFUSALS
from shared.problems import Invalid
from tests.kit.doors import KEY, api_keys, application, client, settled

APP = application()
AT, ID = datetime(2026, 9, 18, 10, tzinfo=UTC), UUID("0199b2b0-0000-7000-8000-000000000001")
CALLERS = api_keys(**{KEY: ["handler"], "other": ["handler"]})


@pytest.fixture(autouse=True)
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with settled(monkeypatch, api_keys=CALLERS, max_body=1000, max_upload=3000):
        yield


def is_problem(answer: httpx.Response, status: int, kind: str) -> bool:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return bool(answer.json()["type"] == kind)


# pages


@pytest.mark.parametrize(("at", "dated"), [(AT, True), (None, False)])
def test_a_page_token_is_read_as_it_was_made(at: datetime | None, dated: bool) -> None:
    token = page_token(at, ID)
    assert read_page_token(token, dated=dated) == (at, ID)
    assert len(token) < 200
    with pytest.raises(Invalid, match="another list"):
        read_page_token(token, dated=not dated)


def test_no_character_of_a_page_token_can_be_changed() -> None:
    token = page_token(AT, ID)
    for place, old in enumerate(token):
        for new in "AB-_=" if old != "A" else "B":
            if new != old:
                with pytest.raises(Invalid):
                    read_page_token(token[:place] + new + token[place + 1 :], dated=True)


@pytest.mark.parametrize(
    "made_up", ["", "x", "ü", "AAAA", page_token(AT, ID) + "=", "\n" + page_token(AT, ID)]
)
def test_a_page_token_cannot_be_made_up(made_up: str) -> None:
    plain = base64.urlsafe_b64encode(f'["2026-09-18T10:00:00Z","{ID}"]'.encode()).decode()
    for token in (made_up, plain):
        with pytest.raises(Invalid):
            read_page_token(token, dated=True)


def test_a_page_token_of_another_house_is_refused() -> None:
    kept = dict(sealing._house)
    token = page_token(AT, ID)
    sealing.use_house_key(b"the key of another house")
    try:
        with pytest.raises(Invalid):
            read_page_token(token, dated=True)
    finally:
        sealing.use_house_key(kept["secret"])


# bodies


async def pieces(count: int, size: int = 500, pause: float = 0) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size
        await asyncio.sleep(pause)


async def put(path: str, **body: Any) -> httpx.Response:
    async with client(APP, None) as sender:
        return await sender.put(path, **body)


async def test_files_come_in_pieces_and_other_bodies_whole() -> None:
    assert (await put("/v1/files/a", content=pieces(6))).json() == {"bytes": 3000, "pieces": 6}
    assert (await put("/v1/whole", content=pieces(2))).json() == 1000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/files/a", {"content": pieces(7)}),
        ("/v1/files/a", {"content": b"x" * 3001}),
        ("/v1/files/a/b", {"content": pieces(3)}),
        ("/v1/whole", {"content": pieces(3)}),
        ("/v1/whole", {"content": b"x" * 1001}),
    ],
)
async def test_too_much_is_refused(path: str, body: dict[str, Any]) -> None:
    answer = await put(path, **body)
    assert is_problem(answer, 413, "/problems/too-large")
    assert re.fullmatch("Send at most [13]000 bytes", answer.json()["detail"])


async def test_too_much_json_is_refused_as_such_where_a_body_is_streamed() -> None:
    app = application()

    @app.put("/v1/files/{name}/as-json")
    async def as_json(name: str, given: dict[str, str]) -> None: ...

    app.user_middleware[0].kwargs["streams"] = re.compile("/v1/files/.+")
    async with client(app, None) as sender:
        form = {"Content-Type": "application/json"}
        answer = await sender.put("/v1/files/a/as-json", content=pieces(7), headers=form)
    assert is_problem(answer, 413, "/problems/too-large")


@pytest.mark.parametrize("path", ["/v1/files/a", "/v1/whole"])
async def test_a_body_that_pauses_is_given_up(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.1)
    assert (await put(path, content=pieces(4, 200, 0.04))).status_code == 200, "slow, but it moves"
    answer = await put(path, content=pieces(2, 5, 5))
    assert is_problem(answer, 408, "/problems/too-slow")
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("path", ["/v1/files/a", "/v1/whole"])
async def test_a_body_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.1)
    answer = await put(path, content=pieces(100, 1, 0.02))
    assert is_problem(answer, 408, "/problems/too-slow")


@pytest.mark.parametrize("path", ["/v1/files/a", "/v1/whole"])
async def test_a_caller_who_goes_gets_no_answer(path: str) -> None:
    sent: list[Message] = []
    messages: list[Message] = [
        {"type": "http.request", "body": b"x", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "PUT", "path": path, "headers": [], "query_string": b""}
    await APP(scope, receive, send)
    assert sent == []


# refusals


@pytest.mark.parametrize(
    ("url", "unknown", "known"),
    [
        ("/v1/things?stage=a&pagesize=2", ["#/pagesize"], "page_size, stage"),
        ("/v1/things?size=2&x~/y=1", ["#/size", "#/x~0~1y"], "page_size, stage"),
        ("/v1/shapes?color=red", ["#/color"], "colour"),
        ("/v1/things/1?stage=", ["#/stage"], "none"),
        ("/v1/who?me=1", ["#/me"], "none"),
    ],
)
async def test_a_parameter_that_is_not_known_is_refused(url: str, unknown: list[str], known: str) -> None:
    async with client(APP) as asking:
        answer = await asking.get(url)
    assert is_problem(answer, 422, "/problems/invalid")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == unknown
    assert all(known in fault["detail"] for fault in answer.json()["errors"])


@pytest.mark.parametrize(
    "url", ["/v1/things?stage=a&page_size=2", "/v1/shapes?colour=x", "/pages/x?campaign=1"]
)
async def test_known_parameters_and_those_of_pages_for_people_are_taken(url: str) -> None:
    async with client(APP) as asking:
        assert (await asking.get(url)).status_code == 200


async def test_a_wrong_method_is_told_all_that_would_do() -> None:
    async with client(APP) as asking:
        answer = await asking.delete("/v1/things/1")
        assert is_problem(answer, 405, "about:blank")
        assert answer.headers["Allow"] == "GET, POST"
        assert (await asking.post("/v1/things")).headers["Allow"] == "GET"


def test_every_operation_says_how_it_may_refuse() -> None:
    told = application().openapi()
    assert told == APP.openapi()
    operations = [each for path in told["paths"].values() for each in path.values()]
    assert len(operations) == 8
    refusals = [set(map(int, each["responses"])) & REFUSALS.keys() for each in operations]
    assert all(found >= {422, 429, 503} for found in refusals)
    assert set(map(int, told["paths"]["/v1/things/{id}"]["post"]["responses"])) == {
        200, 400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503
    }  # fmt: skip
    assert set(map(int, told["paths"]["/pages/{name}"]["get"]["responses"])) == {200, 404, 422, 429, 503}
    for operation in operations:
        for status in operation["responses"].keys() - {"200"}:
            assert operation["responses"][status] == {"$ref": f"#/components/responses/Problem{status}"}
        assert operation["responses"]["200"]["headers"].keys() == {"RateLimit", "RateLimit-Policy"}
    parts = told["components"]
    for response in parts["responses"].values():
        assert response["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }
    assert {"Problem", "Fault", "Thing"} == parts["schemas"].keys()
    members = {"type", "title", "status", "detail", "errors", "trace_id"}
    assert parts["schemas"]["Problem"]["properties"].keys() == members
    assert parts["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert told["paths"]["/v1/who"]["get"]["security"] == [{"bearer": []}]
    assert "security" not in told["paths"]["/pages/{name}"]["get"]


async def test_a_refusal_has_the_form_that_is_described() -> None:
    async with client(APP) as asking:
        answer = await asking.post("/v1/things/1", json={"size": "x"})
    assert is_problem(answer, 422, "/problems/invalid")
    assert answer.json().keys() == {"type", "title", "status", "detail", "errors"}
    assert answer.json()["errors"][0]["pointer"] == "#/size"
