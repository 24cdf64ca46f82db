"""The desk: its list has pages, the longest due first, and one letter that has no words hides no other."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from services.notify.channels import letters
from services.notify.channels.wording import words
from services.notify.domain.sending import Missed, miss
from services.notify.store.notices import notices
from shared import clock
from shared.envelope import Cause
from tests.kit.doors import client
from tests.kit.post import ANN, acknowledged, only
from tests.notify.test_log import app, got, lettered

__all__ = ["app"]
CALLED = ANN.model_copy(update={"email": None})


async def pages(app: FastAPI, **query: Any) -> list[str]:
    """The complaints of all pages, in order."""
    found, token = list[str](), None
    while True:
        page = await got(app, "/tasks", "desk", **query, **({"page_token": token} if token else {}))
        found += [each["complaint"] for each in page["tasks"]]
        if (token := page["next_page_token"]) is None:
            return found


async def missed(complaint: UUID, again_at: datetime) -> None:
    now = clock.machine_now()
    told = Missed((await only(complaint)).id, again_at)
    await notices.update(complaint, miss, Cause(uuid4(), complaint, "RC", now, "staff:1", told))


async def test_tasks_come_in_pages_the_longest_due_first_and_none_is_hidden(app: FastAPI) -> None:
    some = [await acknowledged("hotline", CALLED) for _ in range(5)]
    await missed(some[0], clock.machine_now() + timedelta(hours=1))
    await missed(some[1], datetime(2020, 1, 1, tzinfo=UTC))
    of_old = {"$unset": {"task_at": ""}}
    await notices._documents.update_many({"_id": {"$in": some[3:]}}, of_old)
    old = sorted(some[3:])
    for size in (1, 2, 100):
        now = [str(each) for each in (*old, some[1], some[2])]
        assert await pages(app, page_size=size) == now
        assert await pages(app, page_size=size, later="true") == [*now, str(some[0])]
    async with client(app, "desk") as asks:
        assert (await asks.get("/v1/notices/tasks?page_token=made-up")).status_code == 422


async def test_letters_come_in_pages_too(app: FastAPI) -> None:
    some = [await lettered() for _ in range(3)]
    async with client(app, "desk") as asks:
        first = await asks.get("/v1/notices/letters?page_size=2")
        second = await asks.get(first.links["next"]["url"])
    assert "Link" not in second.headers
    found = [[each for each in some if each.hex[-10:].upper() in page.text] for page in (first, second)]
    assert found == [some[:2], some[2:]]


async def test_a_letter_without_words_hides_no_other(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, well = await lettered(), await lettered()
    faulty = await only(broken)

    def said(state: Any, notice: Any) -> Any:
        if notice.id == faulty.id:
            raise KeyError("Heron")
        return words(state, notice)

    monkeypatch.setattr(letters, "words", said)
    async with client(app, "desk") as asks:
        page = (await asks.get("/v1/notices/letters")).text
    assert page.count("<article") == 2
    assert (
        f"Not printed / 未能打印 / 未能列印: RC-{broken.hex[-10:].upper()}, acknowledgement (KeyError" in page
    )
    assert f"RC-{well.hex[-10:].upper()}" in page
    assert page.count("Heron") == 1, "the address of the other one"
