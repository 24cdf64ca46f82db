"""The preview: staff look at a text before anybody is sent it, and hear what could go wrong."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI

from services.notify.api import wording
from shared import http
from shared.events import Language
from shared.policy import KINDS
from tests.kit.doors import api_keys, client, settled

URL = "/v1/notices:preview"


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    keys = api_keys(**{"front-end": ["service_manager"], "shop": ["partner"]})
    app = FastAPI()
    http.set_up(app)
    app.include_router(wording.router)
    with settled(monkeypatch, api_keys=keys):
        async with client(app) as found:
            yield found


def asked(**given: Any) -> dict[str, Any]:
    return {"kind": "progress", "language": "en"} | given


@pytest.mark.parametrize("language", get_args(Language))
async def test_every_kind_can_be_looked_at(desk: httpx.AsyncClient, language: Language) -> None:
    for kind in KINDS:
        answer = await desk.post(URL, json=asked(kind=kind, language=language))
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert {*shown} == {"subject", "text", "html"}
        assert shown["subject"] in shown["html"]
        assert f'lang="{language}"' in shown["html"]


async def test_it_is_a_page_for_who_wants_one(desk: httpx.AsyncClient) -> None:
    values = {"name": "<script>alert(1)</script>"}
    page = await desk.post(URL, json=asked(values=values), headers={"Accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "&lt;script&gt;" in page.text
    assert "<script" not in page.text


async def test_a_draft_is_tried_with_the_values_that_are_given(desk: httpx.AsyncClient) -> None:
    text = "About {{ number }}\n{{ name }}{% if due %}: by {{ due }}{% endif %}."
    answer = await desk.post(
        URL, json=asked(text=text, values={"name": "Ann", "number": "RC-1", "due": None})
    )
    assert answer.json()["subject"] == "About RC-1"
    assert answer.json()["text"] == "Ann.\n"


async def test_a_packs_own_text_is_shown(desk: httpx.AsyncClient) -> None:
    answer = await desk.post(URL, json=asked(kind="result", pack="uk-fca-disp"))
    assert "Financial Ombudsman Service" in answer.json()["text"]


@pytest.mark.parametrize(
    ("given", "place", "told"),
    [
        (
            {"text": "S\n{{ reciept_url }}"},
            "#/text",
            "no word reciept_url; did you mean receipt_url?",
        ),
        ({"text": "S {{ link }}\nx"}, "#/text", "there is no word link;"),
        ({"text": "S\n{% if due %}x"}, "#/text", "line 2 of the text: Unexpected end of template"),
        ({"text": "S\n{{ ''.__class__ }}"}, "#/text", "line 2 of the text: a text may only name words"),
        ({"text": "only a subject"}, "#/text", "the first line is the subject"),
        ({"values": {"nmae": "x"}}, "#/values/nmae", "did you mean name?"),
        ({"pack_version": 99}, "#/pack_version", "the newest is 1"),
        ({"pack": "nowhere"}, "#/pack", "use one of"),
        ({"kind": "gossip"}, "#/kind", ""),
        ({"language": "fr"}, "#/language", ""),
        ({"sample": True}, "#/sample", ""),
    ],
)
async def test_what_could_go_wrong_is_said_with_its_place(
    desk: httpx.AsyncClient, given: dict[str, Any], place: str, told: str
) -> None:
    answer = await desk.post(URL, json=asked(**given))
    assert answer.status_code == 422
    (found,) = answer.json()["errors"]
    assert found["pointer"] == place
    assert told in found["detail"]


async def test_it_is_for_staff_alone(desk: httpx.AsyncClient) -> None:
    for key, status in (("Bearer shop", 403), ("Bearer nobody", 401)):
        answer = await desk.post(URL, json=asked(), headers={"Authorization": key})
        assert answer.status_code == status
