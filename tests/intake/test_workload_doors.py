"""The workload and saved views through intake's doors, over a real database: every number is a list."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.domain.hearing import hear
from services.intake.store.complaints import complaints
from shared import clock
from shared.envelope import Cause
from shared.events import ComplaintDispatched, ComplaintGraded, DeadlineSet, Fact
from tests.kit.answers import made, refused
from tests.kit.house import House, house
from tests.kit.servers import AnyServers

HOUR = timedelta(hours=1)


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch) as found:
        yield found


async def told(id: str, *facts: Fact) -> None:
    """What the other services say."""
    for number, fact in enumerate(facts, 1):
        cause = Cause(uuid4(), UUID(id), "", clock.now(), fact.owner, fact, sequence=number, type=fact.type)
        await complaints.update(UUID(id), hear, cause)


async def dispatched(at: House, product: str, lead: str = "quality", due: timedelta = HOUR) -> str:
    id = await at.hand_in(product={"name": product})
    graded = ComplaintGraded(cycle=1, class_="product_quality", suggested=False, grade="minor", matches=())
    deadline = DeadlineSet(cycle=1, clock="accept", due=clock.now() + due, started=clock.now())
    await told(id, graded, ComplaintDispatched(cycle=1, lead=lead, departments=(lead,)), deadline)
    return id


async def listed(at: House, address: str, by: str = "desk") -> set[str]:
    found = made(await at.ask(by, "GET", f"{address.removeprefix('/v1')}&page_size=500"))
    return {each["id"] for each in found["complaints"]}


# workload


async def test_every_holding_is_the_list_behind_it(at: House) -> None:
    word = uuid4().hex
    ids = [await dispatched(at, word, due=-HOUR), await dispatched(at, word), await dispatched(at, word)]
    await at.step(ids[2], step="assign", handler=f"Li {word}")
    rows = made(await at.ask("worker", "GET", "/holdings"))["holders"]
    for row in rows:
        assert len(await listed(at, row["list"])) == row["open"], row
        assert len(await listed(at, f"{row['list']}&overdue=true")) == row["overdue"], row
    [mine] = [row for row in rows if row["handler"] == f"Li {word}"]
    assert (mine["kind"], mine["department"], mine["open"], mine["overdue"]) == ("handler", "quality", 1, 0)
    everything = {id for row in rows for id in await listed(at, row["list"])}
    assert everything >= set(ids)
    await at.step(ids[2], step="withdraw")
    rows = made(await at.ask("worker", "GET", "/holdings"))["holders"]
    assert f"Li {word}" not in {row["handler"] for row in rows}


async def test_whom_it_is_about_does_not_see_who_handles_it(at: House) -> None:
    word = uuid4().hex
    id = await dispatched(at, word)
    await at.step(id, step="assign", handler=word)
    assert word in (await at.ask("worker", "GET", "/holdings")).text
    made(await at.ask("desk", "POST", f"/complaints/{id}/facts", json={"respondents": ["worker"]}))
    assert word not in (await at.ask("worker", "GET", "/holdings")).text
    assert await listed(at, f"/v1/complaints?handler={word}", "worker") == set()
    assert await listed(at, f"/v1/complaints?handler={word}") == {id}


async def test_a_forecast_is_the_lists_behind_it(at: House) -> None:
    before = made(await at.ask("worker", "GET", "/forecast?days=7"))
    for due in (-HOUR, 2 * HOUR, 25 * HOUR, 9 * 24 * HOUR):
        await dispatched(at, uuid4().hex, lead="sales", due=due)
    after = made(await at.ask("worker", "GET", "/forecast?days=7"))
    assert after["overdue"] == before["overdue"] + 1
    assert sum(day["due"] for day in after["days"]) == sum(day["due"] for day in before["days"]) + 2
    assert len(after["days"]) == 7
    assert len(await listed(at, after["list"])) == after["overdue"]
    for day in after["days"]:
        assert sum(day["departments"].values()) == day["due"] == len(await listed(at, day["list"]))


# saved views


async def test_a_view_is_kept_shared_and_removed(at: House) -> None:
    name = f"late {uuid4().hex}"
    body = {"filters": {"overdue": True, "class": "usage"}, "shared": False}
    first = await at.ask("desk", "PUT", f"/views/{name}", json=body)
    assert made(first)["filters"]["class"] == "usage"
    again = await at.ask("desk", "PUT", f"/views/{name}", json=body)
    assert first.headers["ETag"] == again.headers["ETag"]
    assert name not in (await at.ask("worker", "GET", "/views")).text
    stale = {"If-Match": '"7"'}
    refused(await at.ask("desk", "PUT", f"/views/{name}", json=body | {"shared": True}, headers=stale), 412)
    changed = await at.ask(
        "desk", "PUT", f"/views/{name}", json=body | {"shared": True}, headers={"If-Match": '"1"'}
    )
    assert changed.headers["ETag"] == '"2"'
    [seen] = [each for each in made(await at.ask("worker", "GET", "/views")) if each["name"] == name]
    assert (seen["by"], seen["list"]) == ("desk", "/v1/complaints?class=usage&overdue=True")
    assert made(await at.ask("worker", "GET", seen["list"].removeprefix("/v1")))["complaints"] == []
    refused(await at.ask("worker", "DELETE", f"/views/{name}"), 404)
    assert (await at.ask("desk", "DELETE", f"/views/{name}")).status_code == 204
    assert name not in (await at.ask("worker", "GET", "/views")).text
    refused(await at.ask("desk", "DELETE", f"/views/{name}"), 404)
    assert made(await at.ask("desk", "PUT", f"/views/{name}", json=body))["edition"] == 4


async def test_a_view_holds_filters_and_no_partner_has_one(at: House) -> None:
    refused(await at.ask("desk", "PUT", "/views/x", json={"filters": {"stagee": "closed"}}), 422, "stagee")
    refused(await at.ask("shop", "PUT", "/views/x", json={"filters": {}}), 403)
    for path in ("/views", "/holdings", "/forecast", "/orders", "/spot-checks"):
        refused(await at.ask("shop", "GET", path), 403)
