"""The contract's doors, for anybody: what `dataschema` names is there, and the page tells every event."""

import re
from base64 import b64encode
from hashlib import sha256

import httpx
import pytest
from jsonschema import Draft202012Validator

from services.intake.api import contract as doors
from services.intake.app import app
from services.intake.domain.event_words import UNTOLD, parts_of
from services.intake.domain.timeline import WORDS
from shared import contract
from shared.events import CATALOGUE, FOR_PARTNERS, Language
from tests.kit.doors import client

PUBLIC = [type for type, kind in CATALOGUE.items() if not kind.private]
PRIVATE = [type for type, kind in CATALOGUE.items() if kind.private]


async def ask(path: str, **headers: str) -> httpx.Response:
    """As somebody without a key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client(app, None) as asking:
        return await asking.get(path, headers=named)


@pytest.mark.parametrize("type", PUBLIC)
async def test_what_an_event_names_as_its_schema_is_there(type: str) -> None:
    example = contract.examples()[type]
    answer = await ask(example["dataschema"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/schema+json")
    assert answer.json()["$id"] == example["dataschema"]
    Draft202012Validator(answer.json()).validate(example["data"])


@pytest.mark.parametrize(
    "name", [f"{PRIVATE[0]}.json", "policy-pack.json", PUBLIC[0], f"{PUBLIC[0]}.jsonx", "x"]
)
async def test_no_other_schema_is_there(name: str) -> None:
    assert (await ask(f"/schemas/{name}")).status_code == 404


async def test_the_document_is_there_whole() -> None:
    answer = await ask("/asyncapi.json")
    assert answer.headers["content-type"].startswith("application/vnd.aai.asyncapi+json")
    assert answer.json() == contract.asyncapi()


@pytest.mark.parametrize("language", ["zh-CN", "zh-TW", "en"])
async def test_the_page_tells_every_public_event_and_no_other(language: Language) -> None:
    page = (await ask(f"/events?language={language}")).text
    assert f'<html lang="{language}">' in page
    assert re.findall(r'<article id="([^"]+)"', page) == PUBLIC
    assert [type for type in PRIVATE if type in page] == []
    assert page.count('class="partners"') == len(FOR_PARTNERS)
    assert page.count("<details>") == len(PUBLIC)
    for event in contract.listing():
        assert f'href="#{event.type}"' in page
        for field in event.fields:
            assert f"<code>{field.name}</code>" in page


async def test_the_page_speaks_the_language_of_the_browser() -> None:
    for accepted, shown in (("zh-TW", "zh-TW"), ("zh", "zh-CN"), ("fr", "en")):
        answer = await ask("/events", Accept_Language=accepted)
        assert f'<html lang="{shown}">' in answer.text
        assert answer.headers["vary"] == "Accept-Language"
    assert "事件目录" in (await ask("/events?language=zh-CN")).text
    assert "事件目錄" in (await ask("/events?language=zh-TW")).text


async def test_the_page_takes_nothing_from_elsewhere() -> None:
    answer = await ask("/events")
    [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "<script" not in answer.text
    assert not re.search(r'(?:src|href)="(?!/|#)', answer.text)
    assert style == doors.STYLE


def test_every_event_has_a_line_made_of_its_own_fields() -> None:
    for type in PUBLIC:
        fields = {each.alias or name for name, each in CATALOGUE[type].model_fields.items()}
        for language in ("zh-CN", "zh-TW", "en"):
            named = {piece for piece, is_field in parts_of(type, language) if is_field}
            assert named <= fields, type
    assert not UNTOLD.keys() & WORDS.keys()
    assert {f"{name}.v1" for name in UNTOLD} <= {*PUBLIC}
