"""Spot checks and orders through intake's doors, over a real database: who may, and what is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.intake.domain.trends import Finding, Trend, signal
from services.intake.store.orders import tell_of_breaches
from services.intake.store.trends import trends
from shared import clock
from shared.envelope import Cause
from shared.events import About
from tests.kit.answers import made, owed, refused
from tests.kit.house import House, house
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of

HOUR = timedelta(hours=1)
WHAT = {"what": "Check every lid.", "department": "quality"}
SIGNALLED = uuid4()
BECAUSE = {"kind": "trend", "id": str(SIGNALLED)}


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Where one trend was signalled."""
    async with house(servers, monkeypatch) as found:
        now = clock.now()
        seen = Finding(since=now - HOUR, until=now, observed=9, expected=1.0, probability=0.0001)
        batch = About(batch=SIGNALLED.hex)
        trend = Trend(kind="batch", about=batch, signalled_at=now, found=seen, newest=seen, evidence=[])
        await trends.update(SIGNALLED, signal, Cause(SIGNALLED, SIGNALLED, "trends/1", now, "intake", trend))
        yield found


# spot checks


async def drawn(at: House, word: str, size: int = 2, **more: Any) -> dict[str, Any]:
    body = {"filters": {"product": word}, "size": size, "reason": "monthly"} | more
    found: dict[str, Any] = made(await at.ask("auditor", "POST", "/spot-checks", json=body))
    return found


async def test_anybody_can_draw_the_same_again(at: House) -> None:
    word = uuid4().hex
    ids = [await at.hand_in(product={"name": word}) for _ in range(7)]
    for found in (
        await drawn(at, word, 3),
        await drawn(at, word, 3, seed="chosen"),
        await drawn(at, word, 200),
    ):
        by_rule = sorted(ids, key=lambda each: sha256((found["seed"] + each).encode()).hexdigest())
        assert [each["complaint"] for each in found["complaints"]] == by_rule[: found["size"]]
        in_order = "".join(sorted(ids, reverse=True))
        assert (found["population"], found["population_digest"]) == (7, sha256(in_order.encode()).hexdigest())
        assert found["seed_given"] is (found["seed"] == "chosen")
        assert made(await at.ask("inspector", "GET", f"/spot-checks/{found['id']}")) == found


async def test_a_draw_is_recorded_once_for_its_key_and_told_of(at: House, servers: AnyServers) -> None:
    word = uuid4().hex
    for _ in range(4):
        await at.hand_in(product={"name": word})
    body = {"filters": {"product": word}, "size": 2, "reason": "secret reason"}
    asked = [
        at.ask("auditor", "POST", "/spot-checks", json=body, headers={"Idempotency-Key": word})
        for _ in range(5)
    ]
    found = [made(answer) for answer in await asyncio.gather(*asked)]
    assert all(each == found[0] for each in found)
    other = await at.ask(
        "auditor", "POST", "/spot-checks", json=body | {"size": 3}, headers={"Idempotency-Key": word}
    )
    refused(other, 422, "Idempotency-Key")
    [event] = await owed(servers, found[0]["id"])
    assert (event["type"], event["data"]) == ("spot_check.drawn.v1", {"population": 4, "drawn": 2})
    since = {"from": found[0]["at"], "to": (clock.now() + HOUR).isoformat()}
    of_period = made(await at.ask("auditor", "GET", "/spot-checks", params=since))["checks"]
    assert [each["id"] for each in of_period] == [found[0]["id"]]


async def test_findings_complete_a_check(at: House, servers: AnyServers) -> None:
    word = uuid4().hex
    for _ in range(2):
        await at.hand_in(product={"name": word})
    check = await drawn(at, word)
    path = f"/spot-checks/{check['id']}/findings"
    answers = {"process_followed": "yes", "result_as_agreed": "no", "satisfaction_reached": "not_applicable"}
    one, other = (each["complaint"] for each in check["complaints"])
    first = {"findings": [{"complaint": one, "remark": "Ann was not called."} | answers]}
    refused(await at.ask("worker", "POST", path, json=first), 403, "supervisors")
    for _ in range(2):
        found = made(await at.ask("inspector", "POST", path, json=first))
        assert (found["found"], found["completed_at"]) == (1, None)
    assert found["process_followed"] == {"yes": 1, "no": 0, "not_applicable": 0, "rate": 1.0}
    changed = {"findings": [{"complaint": one} | answers]}
    refused(await at.ask("inspector", "POST", path, json=changed), 409, "as it was recorded")
    strange = {"findings": [{"complaint": await at.hand_in()} | answers]}
    refused(await at.ask("inspector", "POST", path, json=strange), 422, "drawn")
    last = {"findings": [{"complaint": other} | answers | {"process_followed": "no"}]}
    found = made(await at.ask("inspector", "POST", path, json=last))
    assert found["completed_at"] is not None
    assert found["process_followed"]["rate"] == 0.5
    assert found["satisfaction_reached"]["rate"] is None
    events = await owed(servers, check["id"])
    assert [each["type"] for each in events] == ["spot_check.drawn.v1", "spot_check.completed.v1"]
    assert "Ann" not in json.dumps(events)


async def test_nobody_checks_what_they_handled(at: House) -> None:
    word = uuid4().hex
    id = await at.hand_in(product={"name": word})
    body = {"filters": {"product": word}, "size": 1, "reason": "monthly"}
    check = made(await at.ask("desk", "POST", "/spot-checks", json=body))
    finding = {
        "complaint": id, "process_followed": "yes", "result_as_agreed": "yes", "satisfaction_reached": "yes"
    }  # fmt: skip
    path = f"/spot-checks/{check['id']}/findings"
    refused(await at.ask("desk", "POST", path, json={"findings": [finding]}), 403, "somebody else")
    made(await at.ask("inspector", "POST", path, json={"findings": [finding]}))


async def test_a_remark_goes_when_its_customer_is_erased(at: House, servers: AnyServers) -> None:
    word = uuid4().hex
    id = await at.hand_in(product={"name": word})
    check = await drawn(at, word)
    answers = {"process_followed": "yes", "result_as_agreed": "yes", "satisfaction_reached": "yes"}
    finding = {"complaint": id, "remark": "Ann is content."} | answers
    found = await at.ask(
        "inspector", "POST", f"/spot-checks/{check['id']}/findings", json={"findings": [finding]}
    )
    assert made(found)["complaints"][0]["finding"]["remark"] == "Ann is content."
    async with admin_of(servers) as client:
        kept = await client["intake"]["complaints"].find_one({"_id": UUID(check["id"])})
    assert "Ann" not in str(kept)
    assert "monthly" not in str(kept)
    made(await at.ask("officer", "POST", "/people:erase", json={"complaint": id}))
    after = made(await at.ask("inspector", "GET", f"/spot-checks/{check['id']}"))["complaints"][0]["finding"]
    assert (after["remark"], after["process_followed"]) == (None, "yes")


async def test_who_may_draw_and_what_cannot_be_drawn(at: House) -> None:
    body = {"filters": {"product": uuid4().hex}, "size": 1, "reason": "monthly"}
    refused(await at.ask("worker", "POST", "/spot-checks", json=body), 403, "supervisors")
    refused(await at.ask("auditor", "POST", "/spot-checks", json=body), 409, "nothing to draw from")
    refused(await at.ask("auditor", "POST", "/spot-checks", json=body | {"size": 201}), 422, "#/size")
    refused(await at.ask("auditor", "GET", f"/spot-checks/{uuid4()}"), 404)
    id = await at.hand_in()
    refused(await at.ask("auditor", "GET", f"/spot-checks/{id}"), 404)


# rectification orders


async def ordered(at: House, due: timedelta = HOUR, **more: Any) -> dict[str, Any]:
    body = WHAT | {"due": (clock.now() + due).isoformat(), "because": BECAUSE, "criticised": True} | more
    found: dict[str, Any] = made(await at.ask("auditor", "POST", "/orders", json=body))
    return found


async def test_an_order_is_reported_sent_back_and_verified(at: House, servers: AnyServers) -> None:
    order = await ordered(at)
    path = f"/orders/{order['id']}"
    assert (order["state"], order["possible"]) == ("ordered", ["withdraw"])
    assert made(await at.ask("worker", "GET", path))["possible"] == ["report"]
    verify = {"step": "verify", "words": "Seen."}
    refused(
        await at.ask("auditor", "POST", f"{path}/steps", json=verify), 409, "possible now: report, withdraw"
    )
    report = {"step": "report", "words": "Lids are thicker."}
    refused(await at.ask("auditor", "POST", f"{path}/steps", json=report), 403, "handler")
    for _ in range(2):
        key = {"Idempotency-Key": f"report {order['id']}".replace(" ", "-")}
        done = made(await at.ask("worker", "POST", f"{path}/steps", json=report, headers=key))
        assert (done["state"], len(done["steps"])) == ("reported", 1)
    back = {"step": "send_back", "words": "Not those of last week."}
    assert made(await at.ask("inspector", "POST", f"{path}/steps", json=back))["state"] == "ordered"
    made(await at.ask("desk", "POST", f"{path}/steps", json=report))
    refused(await at.ask("desk", "POST", f"{path}/steps", json=verify), 403, "another supervisor")
    ended = made(await at.ask("auditor", "POST", f"{path}/steps", json=verify))
    assert (ended["state"], ended["possible"]) == ("verified", [])
    assert [(each["step"], each["by"]) for each in ended["steps"]] == [
        ("report", "worker"), ("send_back", "inspector"), ("report", "desk"), ("verify", "auditor")
    ]  # fmt: skip
    events = await owed(servers, order["id"])
    assert [each["type"] for each in events] == ["rectification.ordered.v1", "rectification.verified.v1"]
    assert {each["correlationid"] for each in events} == {order["id"]}
    assert not any(word in json.dumps(events) for word in ("lid", "Lids", "Seen"))


async def test_an_overdue_order_is_told_of_once_by_however_many_tickers(
    at: House, servers: AnyServers
) -> None:
    order = await ordered(at, due=timedelta(seconds=1))
    early = await owed(servers, order["id"])
    assert [each["type"] for each in early] == ["rectification.ordered.v1"]
    async with asyncio.timeout(90):
        while not made(await at.ask("worker", "GET", f"/orders/{order['id']}"))["breached_at"]:
            await asyncio.gather(*(tell_of_breaches() for _ in range(4)))
            await asyncio.sleep(0.05)
    await asyncio.gather(*(tell_of_breaches() for _ in range(4)))
    events = await owed(servers, order["id"])
    assert [each["type"] for each in events] == ["rectification.ordered.v1", "rectification.breached.v1"]
    assert events[1]["time"] > order["due"]
    found = made(await at.ask("worker", "GET", f"/orders/{order['id']}"))
    assert found["overdue"] is True


async def test_orders_are_listed_by_state_department_and_lateness(at: House) -> None:
    late = await ordered(at, due=timedelta(milliseconds=300))
    soon, other = await ordered(at), await ordered(at, department="production")
    ended = await ordered(at)
    withdraw = {"step": "withdraw", "words": "A mistake."}
    made(await at.ask("auditor", "POST", f"/orders/{ended['id']}/steps", json=withdraw))
    await asyncio.sleep(0.4)
    mine = [each["id"] for each in (late, soon, other, ended)]

    async def found(**query: Any) -> set[str]:
        ids, token = list[str](), dict[str, str]()
        while True:
            asked = query | token | {"page_size": 2}
            page = made(await at.ask("worker", "GET", "/orders", params=asked))
            ids += [each["id"] for each in page["orders"]]
            if not page["next_page_token"]:
                assert len(ids) == len(set(ids))
                return set(ids) & set(mine)
            token = {"page_token": page["next_page_token"]}

    assert await found() == set(mine)
    assert await found(department="production") == {other["id"]}
    assert await found(state="withdrawn") == {ended["id"]}
    assert await found(overdue=True) == {late["id"]}
    assert await found(overdue=False) == set(mine) - {late["id"]}


async def test_an_order_has_a_reason_that_is_there(at: House) -> None:
    due = (clock.now() + HOUR).isoformat()
    nowhere = WHAT | {"due": due, "because": {"kind": "complaint", "id": str(uuid4())}}
    refused(await at.ask("auditor", "POST", "/orders", json=nowhere), 404)
    for kind in ("spot_check", "trend"):
        nowhere["because"] = {"kind": kind, "id": await at.hand_in()}
        refused(await at.ask("auditor", "POST", "/orders", json=nowhere), 404)
    moon = WHAT | {"due": due, "because": BECAUSE, "department": "moon"}
    refused(await at.ask("auditor", "POST", "/orders", json=moon), 422, "#/department")
    past = WHAT | {"due": "2020-01-01T00:00:00Z", "because": BECAUSE}
    refused(await at.ask("auditor", "POST", "/orders", json=past), 422, "#/due")
    refused(await at.ask("worker", "POST", "/orders", json=moon), 403)
    found = await ordered(at, because={"kind": "complaint", "id": await at.hand_in()})
    assert found["because"]["kind"] == "complaint"


async def test_an_order_is_given_once_for_its_key(at: House) -> None:
    body = WHAT | {"due": (clock.now() + HOUR).isoformat(), "because": BECAUSE}
    key = {"Idempotency-Key": uuid4().hex}
    asked = [at.ask("auditor", "POST", "/orders", json=body, headers=key) for _ in range(5)]
    found = [made(answer) for answer in await asyncio.gather(*asked)]
    assert len({each["id"] for each in found}) == 1
    other = body | {"what": "Something else."}
    refused(await at.ask("auditor", "POST", "/orders", json=other, headers=key), 422, "Idempotency-Key")
