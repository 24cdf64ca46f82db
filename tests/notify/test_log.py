"""The delivery log and the desk's tasks over HTTP: who sees what, filters, pages, and what people did."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.notify.api import digests as digests_api
from services.notify.api import notices as notices_api
from services.notify.api import tasks as tasks_api
from services.notify.domain.posting import Box, box_id
from services.notify.store.boxes import boxes
from shared import clock, http
from shared.envelope import Cause
from tests.kit.complaint import registered
from tests.kit.doors import api_keys, client, settled
from tests.kit.endpoints import Mails, told
from tests.kit.post import (
    ANN,
    acknowledged,
    at_work,
    breached,
    hurry_boxes,
    of,
    only,
    posting,
    settle,
    tell,
    until_digests,
    until_state,
)

SECRETS = ("ann@example.com", "13800000001", "Heron", "departments.invalid")
DESK = ("tasks", "letters")


@pytest.fixture
async def app(mails: Mails, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """Notify's API; a caller's key is its name."""
    found = FastAPI()
    http.set_up(found)
    for each in (tasks_api, digests_api, notices_api):
        found.include_router(each.router)
    callers = api_keys(desk=["recorder"], handler=["handler"], shop=["partner"])
    with settled(monkeypatch, smtp_url=mails.url, api_keys=callers):
        yield found


async def got(app: FastAPI, path: str, who: str = "handler", **query: Any) -> Any:
    async with client(app, who) as asks:
        answer = await asks.get(f"/v1/notices{path}?{urlencode(query)}")
        assert answer.status_code == 200, answer.text
        return answer.json()


async def posted(app: FastAPI, path: str, who: str = "desk", **given: Any) -> httpx.Response:
    async with client(app, who) as asks:
        return await asks.post(f"/v1/notices{path}", **given)


async def test_the_log_shows_every_outcome_with_its_reason_and_no_personal_data(
    app: FastAPI, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting(monkeypatch, most_per_hour=1, digest_minutes=30)
    mails.answer = lambda address: told("550 no" if address.startswith("gone") else None)
    sent, failed = (
        await acknowledged(),
        await acknowledged("email", ANN.model_copy(update={"email": "gone@x.cn"})),
    )
    late = await breached()
    async with at_work():
        await until_state(sent, "sent")
        await until_state(failed, "task")
        await settle(late)
    whole = await got(app, "")
    assert {each["complaint"] for each in whole["notices"]} == {str(sent), str(failed), str(late)}
    by_state = {each["state"]: each for each in whole["notices"] if each["complaint"] != str(late)}
    assert by_state["task"]["reason"] == "refused with 550"
    assert by_state["sent"]["log"][0]["outcome"] == "sent"
    (folded,) = (await got(app, "", state="folded"))["notices"]
    (digest,) = (await got(app, "/digests"))["digests"]
    assert (folded["reason"], folded["into"], folded["to"]) == ("folded", digest["id"], "quality")
    assert (digest["state"], sum(digest["counts"].values())) == ("open", 1)
    for shown in (whole, digest, await got(app, f"/{failed}")):
        assert not [secret for secret in (*SECRETS, "gone@x.cn") if secret in str(shown)]


async def test_the_log_is_filtered_and_paged_newest_first(app: FastAPI, mails: Mails) -> None:
    some = [await acknowledged() for _ in range(5)]
    late = await breached()
    found, token = list[str](), None
    while True:
        page = await got(
            app, "", kind="acknowledgement", page_size=2, **({"page_token": token} if token else {})
        )
        found += [each["complaint"] for each in page["notices"]]
        if (token := page["next_page_token"]) is None:
            break
    assert found == [str(each) for each in reversed(some)]
    for query in (
        {"recipient": "customer"},
        {"route": "email", "kind": "acknowledgement", "state": "queued"},
    ):
        assert len((await got(app, "", **query))["notices"]) == 5
    assert {each["complaint"] for each in (await got(app, "", recipient="quality"))["notices"]} == {str(late)}
    now = clock.machine_now()
    assert len((await got(app, "", **{"from": (now - timedelta(hours=1)).isoformat()}))["notices"]) == 7
    assert (await got(app, "", to=(now - timedelta(hours=1)).isoformat()))["notices"] == []
    async with client(app, "handler") as asks:
        assert (await asks.get("/v1/notices?page_token=made-up")).status_code == 422
        assert (await asks.get("/v1/notices?knid=result")).status_code == 422


@pytest.mark.parametrize("who", ["handler", "shop"])
async def test_addresses_are_for_the_desk_alone(app: FastAPI, who: str) -> None:
    complaint = await lettered()
    notice = await only(complaint)
    page = f"/{complaint}/{notice.id}"
    async with client(app, who) as asks:
        reads = [await asks.get(f"/v1/notices{path}") for path in ("/tasks", "/letters", f"{page}/letter")]
        writes = [
            await asks.post(f"/v1/notices{page}/done"),
            await asks.post(f"/v1/notices{page}/missed", json={}),
            await asks.post(f"/v1/notices/digests/{complaint}/{notice.id}/done"),
        ]
    assert {each.status_code for each in (*reads, *writes)} == {403}
    assert (await only(complaint)).state == "task"


async def lettered() -> Any:
    """A complaint whose customer has an address and nothing else."""
    complaint = uuid4()
    await tell(complaint, registered("letter"), ANN.model_copy(update={"email": None, "phone": None}))
    return complaint


async def test_letters_are_printed_at_once_and_marked_when_posted(app: FastAPI) -> None:
    some = [await lettered() for _ in range(3)]
    await acknowledged("hotline", ANN.model_copy(update={"email": None}))
    tasks = (await got(app, "/tasks", "desk", route="letter"))["tasks"]
    assert {(each["complaint"], each["address"]) for each in tasks} == {(str(id), ANN.address) for id in some}
    async with client(app, "desk") as asks:
        page = (await asks.get("/v1/notices/letters")).text
    assert page.count("<article") == 3
    assert all(each.hex[-10:].upper() in page for each in some)
    assert "break-after: page" in page
    for task in [*tasks, *tasks]:
        assert (await posted(app, f"/{task['complaint']}/{task['id']}/done")).status_code == 204
    assert (await got(app, "/tasks", "desk", route="letter"))["tasks"] == []
    notice = await only(some[0])
    assert (notice.state, [(each.outcome, each.by) for each in notice.log]) == ("sent", [("sent", "desk")])


async def test_who_is_not_reached_is_called_again_and_each_call_counts_once(app: FastAPI) -> None:
    complaint = await acknowledged("hotline", ANN.model_copy(update={"email": None}))
    notice = await only(complaint)
    path, key = f"/{complaint}/{notice.id}/missed", {"Idempotency-Key": "first call"}
    for _ in range(2):
        assert (await posted(app, path, json={}, headers=key)).status_code == 204
    assert (await posted(app, path, json={"again_at": "2026-12-01T09:00:00+08:00"})).status_code == 204
    assert (await got(app, "/tasks", "desk", route="call"))["tasks"] == [], "not before that time"
    (task,) = (await got(app, "/tasks", "desk", route="call", later="true"))["tasks"]
    assert (task["attempts"], task["again_at"]) == (2, "2026-12-01T01:00:00Z")
    assert (await posted(app, f"/{complaint}/{notice.id}/done")).status_code == 204
    (shown,) = (await got(app, f"/{complaint}"))["notices"]
    told_ = [(each["outcome"], each["by"]) for each in shown["log"]]
    assert (shown["state"], told_) == ("sent", [("not_reached", "desk")] * 2 + [("sent", "desk")])


async def test_a_letter_cannot_be_out_of_reach(app: FastAPI) -> None:
    complaint = await lettered()
    notice = await only(complaint)
    assert (await posted(app, f"/{complaint}/{notice.id}/missed", json={})).status_code == 409


async def test_a_digest_that_no_machine_delivers_is_told_by_somebody(
    app: FastAPI, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting(monkeypatch, most_per_hour=1, digest_minutes=30)
    late = await breached()
    mails.answer = lambda address: told("550 no" if len(mails.taken) else None)
    async with at_work():
        await settle(late)
        await hurry_boxes()
        await until_digests("task")
    (digest,) = (await got(app, "/digests", state="task"))["digests"]
    assert digest["reason"] == "refused with 550"
    path = f"/digests/{digest['box']}/{digest['id']}/done"
    assert (await posted(app, path)).status_code == 204
    (digest,) = (await got(app, "/digests"))["digests"]
    assert (digest["state"], digest["log"][-1]["by"]) == ("sent", "desk")
    assert (await posted(app, f"/digests/{late}/{digest['id']}/done")).status_code == 404
    assert (await of(late))[0].state in ("sent", "folded")


async def test_the_log_of_a_complaint_is_of_no_other_kind_of_document(app: FastAPI) -> None:
    (notice,) = [each for each in await of(await breached()) if each.kind == "deadline_breached"]
    await boxes.update(
        box_id(notice), boxed, Cause(uuid4(), box_id(notice), "box", clock.machine_now(), "test", None)
    )
    async with client(app, "handler") as asks:
        assert (await asks.get(f"/v1/notices/{box_id(notice)}")).status_code == 404


def boxed(state: Any, cause: Any) -> Any:
    return Box(route="email", address="q@example.com"), []
