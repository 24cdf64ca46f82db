"""Survey over HTTP: the page behind the link, answers by phone, and the lists of what was said."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.survey.app import app
from services.survey.store import surveys
from shared import clock
from shared.events import (
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintReopened,
    ContactErased,
    HandlerNamed,
)
from tests.kit.complaint import START
from tests.kit.doors import client, settled
from tests.kit.servers import AnyServers
from tests.survey.house import House, house
from tests.survey.kit import piloted
from tests.survey.test_answers import RULE

FED_BACK = ComplaintFedBack(cycle=1)
ABOUT = HandlerNamed(cycle=1, handler="about", duty="respondent")


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch) as found:
        monkeypatch.setattr(clock, "now", lambda: START + timedelta(hours=1))
        yield found


# the page


async def test_looking_changes_nothing_and_the_page_names_nobody(at: House) -> None:
    id, address = await at.opened(FED_BACK)
    before = await surveys.get(id)
    shown = await at.get(address)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert await surveys.get(id) == before
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script" not in shown.text
    assert str(id) not in shown.text


async def test_the_first_answer_counts_and_is_not_shown_again(at: House) -> None:
    id, address = await at.opened(FED_BACK)
    thanks = await at.fill(address, score="4", comment="The heron was late.")
    assert (thanks.status_code, "Thank you" in thanks.text) == (200, True)
    again = await at.fill(address, score="10")
    assert (again.status_code, "answered already" in again.text) == (409, True)
    shown = await at.get(address)
    assert (shown.status_code, "answered already" in shown.text) == (200, True)
    assert "heron" not in shown.text + again.text
    state = (await surveys.get(id)).state  # type: ignore[union-attr]
    assert state is not None
    assert state.surveys[0].answer is not None
    assert state.surveys[0].answer.score == 4


async def test_of_two_at_once_one_counts_and_the_other_is_told_so(at: House) -> None:
    for _ in range(5):
        id, address = await at.opened(FED_BACK)
        answers = await asyncio.gather(*(at.fill(address, score=str(n)) for n in (2, 9)))
        assert sorted(each.status_code for each in answers) == [200, 409]
        (late,) = (each for each in answers if each.status_code == 409)
        assert "answered already" in late.text
        view = (await at.get(f"/v1/surveys/{id}", "desk")).json()["surveys"][0]["answer"]
        assert view["score"] == (9 if answers[1].status_code == 200 else 2)


async def test_by_json(at: House) -> None:
    with piloted(**RULE) as pack:
        _, address = await at.opened(FED_BACK, **pack)
        bad = await at.ask(None, "POST", address, json={"score": 3, "consent": True})
        assert (bad.status_code, bad.headers["content-type"]) == (422, "application/problem+json")
        assert {each["pointer"] for each in bad.json()["errors"]} == {"#/comment", "#/answers/settled"}
        malformed = await at.ask(None, "POST", address, json={"score": "3"})
        assert malformed.status_code == 422
        good = {"score": 7, "comment": "", "answers": {"settled": True}, "consent": True}
        done = await at.ask(None, "POST", address, json=good)
        assert (done.status_code, done.json()) == (200, {"state": "answered"})
        assert (await at.ask(None, "POST", address, json=good)).status_code == 409
        nobody = await at.ask(None, "POST", "/s/v1.forged.0.x", json=good)
        assert (nobody.status_code, nobody.headers["content-type"]) == (404, "application/problem+json")


async def test_a_form_with_mistakes_comes_back_as_it_was_filled(at: House) -> None:
    with piloted(**RULE) as pack:
        id, address = await at.opened(FED_BACK, **pack)
        filled = {
            "score": "3",
            "answers/speed": "8",
            "answers/way": "refund",
            "answers/wish": "<b>a heron</b>",
        }
        back = await at.fill(address, **filled)
        assert back.status_code == 422
        linked = re.findall(r'<li><a href="#([^"]+)">', back.text)
        assert linked == ["question-settled", "comment", "consent"]
        for target in linked:
            assert f' id="{target}"' in back.text
        assert re.findall(r'name="([^"]+)" value="([^"]+)" checked', back.text) == [
            ("score", "3"),
            ("answers/speed", "8"),
            ("answers/way", "refund"),
        ]
        assert "&lt;b&gt;a heron&lt;/b&gt;</textarea>" in back.text
        assert (await surveys.get(id)).state.surveys[0].state == "open"  # type: ignore[union-attr]
        mended = filled | {"answers/settled": "no", "comment": "why", "consent": "yes"}
        assert (await at.fill(address, **mended)).status_code == 200


async def test_declining_needs_no_score_and_ends_it(at: House) -> None:
    with piloted(**RULE) as pack:
        id, address = await at.opened(FED_BACK, **pack)
        done = await at.fill(address, decline="yes")
        assert (done.status_code, "declined" in done.text) == (200, True)
        shown = await at.get(address)
        assert (shown.status_code, "declined" in shown.text) == (200, True)
        assert (await at.fill(address, score="9")).status_code == 409
        view = (await at.get(f"/v1/surveys/{id}", "desk")).json()["surveys"][0]
        assert (view["state"], view["answer"]) == ("declined", None)


async def test_what_is_over_says_so(at: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, expired = await at.opened(FED_BACK)
    _, erased = await at.opened(FED_BACK, ContactErased(reason="requested"))
    reopened, first = await at.opened(FED_BACK)
    state = await at.hears(reopened, ComplaintReopened(cycle=2), ComplaintFedBack(cycle=2))
    assert (await at.get(at.address(state))).status_code == 200
    for address in (erased, first):
        assert (await at.get(address)).status_code == 410
        over = await at.fill(address, score="9")
        assert (over.status_code, "no longer open" in over.text) == (410, True)
    monkeypatch.setattr(clock, "now", lambda: START + timedelta(days=14))
    over = await at.fill(expired, score="9")
    assert (over.status_code, "no longer open" in over.text) == (410, True)
    assert (await at.ask(None, "POST", expired, json={"score": 9})).status_code == 409


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "How content are you"), ("zh-CN", "您对我们处理投诉"), ("zh-TW", "您對我們處理投訴")],
)
async def test_the_page_speaks_the_customers_language_or_another(
    at: House, language: Any, words: str
) -> None:
    _, own = await at.opened(FED_BACK, language=language)
    shown = await at.get(own)
    assert (f'<html lang="{language}">' in shown.text, words in shown.text) == (True, True)
    _, other = await at.opened(FED_BACK, language="en")
    assert words in (await at.get(other, language=language)).text
    assert "How content" in (await at.get(other, language="xx")).text
    stranger = await at.ask(None, "GET", "/s/x", headers={"Accept-Language": f"de,{language};q=0.5,fr;q=0.3"})
    assert (stranger.status_code, f'<html lang="{language}">' in stranger.text) == (404, True)


STRANGE = [
    "",
    ".",
    "...",
    "v1",
    "v1.a.b.c",
    "é.x",
    "\x00",
    "../../v1/surveys",
    "a" * 3_000,
    "%",
    "💥",
    "v1..0.",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_text_in_place_of_a_token_is_not_found(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def status(token: str) -> int:
        async with client(app, None) as asking:
            path = f"/s/{quote(token, safe='')}"
            return (await asking.request(method, path, follow_redirects=True)).status_code

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=80) | st.from_regex(r"v1\.[\w-]{0,24}\.[0-9]{0,12}\.[\w-]{0,30}", fullmatch=True))
    def never_an_error(token: str) -> None:
        assert asyncio.run(status(token)) == 404

    with settled(monkeypatch, survey_key="s" * 40, rate_limit="100000/minute"):
        never_an_error()
        assert {asyncio.run(status(token)) for token in STRANGE} == {404}


# by phone


async def test_whoever_asks_on_the_phone_is_named_and_has_no_part_in_it(at: House) -> None:
    routed = ComplaintDispatched(cycle=1, lead="quality", departments=("quality",))
    id, address = await at.opened(routed, HandlerNamed(cycle=1, handler="handler"), FED_BACK)
    path, said = f"/v1/surveys/{id}/answers", {"score": 6, "comment": "They called twice."}
    refused = {
        by: (await at.ask(by, "POST", path, json=said)).status_code
        for by in ("maker", "handler", "worker", "shop")
    }
    assert refused == {"maker": 403, "handler": 403, "worker": 403, "shop": 403}
    assert (await at.ask(None, "POST", path, json=said)).status_code == 401
    done = await at.ask("desk", "POST", path, json=said)
    assert done.status_code == 201
    view = done.json()["surveys"][0]
    assert (view["state"], view["interviewer"], view["answer"]["score"]) == ("answered", "desk", 6)
    assert (await at.ask("desk", "POST", path, json=said)).status_code == 409
    assert (await at.fill(address, score="1")).status_code == 409
    assert (await at.ask("desk", "POST", f"/v1/surveys/{uuid4()}/answers", json=said)).status_code == 404


async def test_who_asked_is_for_the_desk_and_never_for_those_whose_work_it_is(at: House) -> None:
    routed = ComplaintDispatched(cycle=1, lead="quality", departments=("quality",))
    id, _ = await at.opened(routed, HandlerNamed(cycle=1, handler="handler"), ABOUT, FED_BACK)
    said = await at.ask("desk", "POST", f"/v1/surveys/{id}/answers", json={"score": 7})
    assert said.status_code == 201
    seen = {}
    for by in ("desk", "counter", "worker", "handler", "about", "maker"):
        listed = (await at.get("/v1/surveys", by)).json()["items"]
        views = [each for each in listed if each["complaint"] == str(id)]
        views.append((await at.get(f"/v1/surveys/{id}", by)).json())
        seen[by] = {each["surveys"][0]["interviewer"] for each in views}
    assert seen == {by: {"desk" if by in ("desk", "counter") else None} for by in seen}


async def test_whom_a_complaint_is_about_asks_nobody_how_content_they_are(at: House) -> None:
    id, _ = await at.opened(ABOUT, FED_BACK)
    assert (await at.ask("about", "POST", f"/v1/surveys/{id}/answers", json={"score": 10})).status_code == 403


async def test_a_question_may_have_any_name(at: House) -> None:
    with piloted(
        questions={"sealed": {"title": {"zh-CN": "问题", "en": "Question"}, "type": "text"}}
    ) as pack:
        id, address = await at.opened(FED_BACK, **pack)
        done = await at.ask(None, "POST", address, json={"score": 7, "answers": {"sealed": "a heron"}})
        assert done.status_code == 200, done.text
        answer = (await at.get(f"/v1/surveys/{id}", "desk")).json()["surveys"][0]["answer"]
    assert answer["texts"] == {"sealed": "a heron"}


async def test_an_answer_by_phone_fits_the_packs_questions_too(at: House) -> None:
    with piloted(**RULE) as pack:
        id, _ = await at.opened(FED_BACK, **pack)
        path = f"/v1/surveys/{id}/answers"
        bad = await at.ask("desk", "POST", path, json={"score": 9, "cycle": 1})
        assert {each["pointer"] for each in bad.json()["errors"]} == {"#/consent", "#/answers/settled"}
        missing = await at.ask("desk", "POST", path, json={"declined": True, "cycle": 2})
        assert missing.status_code == 404
        done = await at.ask("desk", "POST", path, json={"declined": True})
        assert done.json()["surveys"][0]["state"] == "declined"


async def test_the_words_are_for_the_desk(at: House) -> None:
    with piloted(**RULE) as pack:
        id, address = await at.opened(FED_BACK, **pack)
        said = {"settled": True, "wish": "a heron"}
        given = {"score": 4, "comment": "late", "answers": said, "consent": True}
        assert (await at.ask(None, "POST", address, json=given)).status_code == 200
        views = {
            by: (await at.get(f"/v1/surveys/{id}", by)).json()["surveys"][0]["answer"]
            for by in ("desk", "worker")
        }
    assert (views["desk"]["comment"], views["desk"]["texts"]) == ("late", {"wish": "a heron"})
    assert (views["worker"]["comment"], views["worker"]["texts"]) == (None, None)
    assert views["worker"]["answers"] == {"settled": True}
    assert (await at.get(f"/v1/surveys/{id}", "shop")).status_code == 403
    assert (await at.get(f"/v1/surveys/{uuid4()}", "desk")).status_code == 404


async def test_every_asking_is_shown_with_its_reason(at: House) -> None:
    id, _ = await at.opened(
        FED_BACK,
        ComplaintReopened(cycle=2),
        ComplaintFedBack(cycle=2, outcome="withdrawn"),
        ComplaintFedBack(cycle=3),
    )
    views = (await at.get(f"/v1/surveys/{id}", "desk")).json()["surveys"]
    assert [(each["cycle"], each["state"], each["reason"]) for each in views] == [
        (1, "closed", "reopened"),
        (2, "skipped", "outcome"),
        (3, "open", None),
    ]
