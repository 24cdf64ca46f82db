"""A complaint as it stood: what the door answers for the past is what it answered then."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from shared import clock
from shared.events import NoticeSent, SurveyAnswered
from tests.kit.carried import DISPATCHED, GRADED, STEPS, heard, verified
from tests.kit.house import House, house
from tests.kit.servers import AnyServers


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch) as found:
        yield found


async def test_a_complaint_is_shown_as_the_door_showed_it_then(servers: AnyServers, at: House) -> None:
    id = await at.hand_in("shop", **{"class": "product_quality"})
    seen: list[tuple[datetime, dict[str, Any], dict[str, Any]]] = []

    async def look() -> None:
        await asyncio.sleep(0.01)
        shown = (await at.ask("desk", "GET", f"/complaints/{id}?personal=true")).json()
        partners = (await at.ask("shop", "GET", f"/complaints/{id}?personal=true")).json()
        seen.append((clock.now(), shown, partners))
        await asyncio.sleep(0.01)

    await look()
    for news in (GRADED, DISPATCHED):
        await heard(id, news)
        await look()
    for step in STEPS:
        assert (await at.step(id, **step)).status_code == 200
        await at.ask("desk", "POST", f"/complaints/{id}/notes", json={"text": step["step"]})
        await look()
    await at.add_file(id, "a.txt", b"plain words")
    await look()
    await heard(id, NoticeSent(notice="n", kind="result", channel="email", cycle=1))
    await heard(id, SurveyAnswered(cycle=1, score=9))
    await look()
    now_only = {"possible", "asked", "joined", "as_of"}
    for when, *views in seen:
        for by, then in zip(("desk", "shop"), views, strict=True):
            query = {"as_of": when.isoformat(), "personal": "true"}
            answer = await at.ask(by, "GET", f"/complaints/{id}", params=query)
            assert answer.status_code == 200, answer.text
            assert "etag" not in answer.headers
            found = answer.json()
            assert {k: v for k, v in found.items() if k not in now_only} == {
                k: v for k, v in then.items() if k not in now_only
            }
            assert found["possible"] == []
            assert datetime.fromisoformat(found["as_of"]) == when


async def test_who_may_not_see_it_now_does_not_see_it_as_it_was(servers: AnyServers, at: House) -> None:
    id = await at.hand_in(**{"class": "product_quality"})
    when = clock.now()
    query = {"as_of": when.isoformat()}
    assert (await at.ask("shop", "GET", f"/complaints/{id}", params=query)).status_code == 404
    bare = await at.ask("desk", "GET", f"/complaints/{id}", params=query)
    assert "kettle" not in bare.text
    words = await at.ask("desk", "GET", f"/complaints/{id}", params=query | {"personal": "true"})
    assert "kettle" in words.text
    reads = (await at.ask("auditor", "GET", f"/reads?complaint={id}")).json()
    assert len(reads) == 1
    await at.ask("officer", "POST", "/people:erase", json={"complaint": id})
    erased = await at.ask("desk", "GET", f"/complaints/{id}", params=query | {"personal": "true"})
    assert erased.status_code == 200, erased.text
    assert "kettle" not in erased.text
    assert erased.json()["complaint"]["erased"] is not None
    assert (await verified(servers, id, "--rebuild")).exit_code == 0


async def test_a_time_without_the_complaint_is_refused_in_words(servers: AnyServers, at: House) -> None:
    id = await at.hand_in()
    path = f"/complaints/{id}"
    early = await at.ask("desk", "GET", path, params={"as_of": "2020-01-01T00:00:00Z"})
    assert (early.status_code, "registered at" in early.json()["detail"]) == (404, True)
    late = await at.ask("desk", "GET", path, params={"as_of": "2199-01-01T00:00:00Z"})
    assert (late.status_code, late.json()["errors"][0]["pointer"]) == (422, "#/as_of")
    assert (await at.ask("desk", "GET", path, params={"as_of": "yesterday"})).status_code == 422
