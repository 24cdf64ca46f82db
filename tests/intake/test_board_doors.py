"""The doors of the board: who gets which page, by which cookie, and what browsers may do with it."""

from collections.abc import AsyncIterator
from typing import get_args

import httpx
import pytest

from services.intake.api.board import FILE_NAMES
from services.intake.app import app
from services.intake.domain.stages import TABLE, Stage
from services.intake.domain.titles import STEPS, vocabulary
from services.intake.domain.vocabulary import CHANNELS, OUTCOMES, STAGES
from shared.events import Channel, Outcome
from shared.policy import in_use, load
from tests.kit.doors import api_keys, settled

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def browser(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on this house's own pages: it keeps cookies, and says where requests come from."""
    own = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "zh-CN,zh;q=0.9"}
    keys = api_keys(desk=["service_manager"], shop=["partner"])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    with settled(monkeypatch, api_keys=keys):
        async with httpx.AsyncClient(transport=transport, base_url="https://house", headers=own) as found:
            yield found


async def signed_in(browser: httpx.AsyncClient, credential: str, **headers: str) -> httpx.Response:
    return await browser.post("/board/session", data={"credential": credential}, headers=headers)


async def test_whoever_signed_in_sees_the_board(browser: httpx.AsyncClient) -> None:
    assert 'name="credential"' in (await browser.get("/board")).text
    answer = await signed_in(browser, " desk ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/board")
    page = await browser.get("/board")
    assert "board.js" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert (await browser.delete("/board/session")).status_code == 204
    assert 'name="credential"' in (await browser.get("/board")).text


@pytest.mark.parametrize(("credential", "status"), [("nobody", 401), ("shop", 403)])
async def test_others_get_the_form_again(browser: httpx.AsyncClient, credential: str, status: int) -> None:
    answer = await signed_in(browser, credential)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert credential not in answer.text
    assert not browser.cookies


async def test_nobody_is_signed_in_by_another_page(browser: httpx.AsyncClient) -> None:
    answer = await signed_in(browser, "desk", **{"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, dict(browser.cookies)) == (403, {})


@pytest.mark.parametrize("body", ["", "credential=", "credential=a&more=b", "key=a"])
async def test_a_form_that_is_none_is_refused(browser: httpx.AsyncClient, body: str) -> None:
    answer = await browser.post("/board/session", content=body, headers=FORM)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")


@pytest.mark.parametrize(
    ("accepted", "language"), [("zh-TW,en", "zh-TW"), ("zh,en", "zh-CN"), ("en-GB", "en"), ("", "en")]
)
async def test_the_page_speaks_the_browsers_language(
    browser: httpx.AsyncClient, accepted: str, language: str
) -> None:
    page = await browser.get("/board", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in page.text


@pytest.mark.parametrize("name", FILE_NAMES)
async def test_a_file_is_sent_once(browser: httpx.AsyncClient, name: str) -> None:
    first = await browser.get(f"/board/files/{name}")
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache")
    again = await browser.get(f"/board/files/{name}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["board.html", "sign-in.html", "app.py", "..%2Fapp.py"])
async def test_no_other_file_is(browser: httpx.AsyncClient, name: str) -> None:
    assert (await browser.get(f"/board/files/{name}")).status_code in (404, 422)


@pytest.mark.parametrize("path", ["/board", "/board/files/board.js"])
async def test_pages_run_nothing_but_their_own_files(browser: httpx.AsyncClient, path: str) -> None:
    headers = (await browser.get(path)).headers
    policy = dict(part.partition(" ")[::2] for part in headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == (
        "'none'",
        "'self'",
        "'self'",
    )
    assert policy["frame-ancestors"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"


# the vocabulary


def test_every_word_of_the_record_has_a_title() -> None:
    assert set(STAGES) == set(Stage)
    assert set(OUTCOMES) == set(get_args(Outcome))
    assert set(CHANNELS) == set(get_args(Channel))
    assert set(STEPS) == {arrow.step for arrow in TABLE}
    for words in (STAGES, OUTCOMES, CHANNELS, STEPS):
        assert all(zh and en for zh, en in words.values())


def test_every_pack_can_be_told_in_words() -> None:
    for pack, version, unfit in in_use():
        if not unfit:
            told = vocabulary(load(pack, version))
            assert all(each["zh-CN"] and each["en"] for each in told.grades.values())


async def test_the_vocabulary_is_for_whoever_signed_in(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/v1/vocabulary")).status_code == 401
