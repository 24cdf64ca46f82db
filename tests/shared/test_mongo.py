"""The one write: atomic, once for each cause, in groups, safe against other replicas."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from deploy.local.servers import Servers
from shared import clock
from shared.documents import Draft, owed_by
from shared.driver import Taken
from shared.envelope import Cause
from shared.events import Fact
from shared.mongo import Store
from shared.problems import Conflict, Unavailable
from tests.kit.servers import AnyServers
from tests.kit.toy import Count, add, admin_of, cause, toy_store


async def raw(servers: AnyServers, id: object) -> dict[str, Any]:
    """A document as it lies in the database."""
    async with admin_of(servers) as client:
        found = await client["triage"]["gradings"].find_one({"_id": id})
    assert found is not None
    return found


async def test_one_write_holds_state_cause_and_event_owed(servers: AnyServers) -> None:
    async with toy_store(servers) as store:
        why = cause(uuid4(), "first")
        saved = await store.update(why.complaint, add, why)
    found = await raw(servers, why.complaint)
    assert saved.changed
    assert (found["version"], found["sequence"], found["handled"]) == (1, 1, [why.id])
    assert found["state"]["count"] == 1
    assert len(found["outbox"]) == 1
    assert found["owed_at"] is not None


async def test_a_debt_written_while_older_ones_are_struck_out_is_still_found(servers: AnyServers) -> None:
    async with toy_store(servers) as store:
        id = uuid4()
        await store.update(id, add, cause(id))
        (draft,) = (await store.load({id})).values()
        older = owed_by({"_id": id, "outbox": (await raw(servers, id))["outbox"]})
        await store.strike_out(older)
        assert "owed_at" not in await raw(servers, id)
        draft.decide(add, cause(id), "triage", journal=None)
        assert await store.write([draft]) == (set(), {})
    found = await raw(servers, id)
    assert len(found["outbox"]) == 1
    assert found["owed_at"]


async def test_a_cause_that_comes_again_changes_nothing(servers: AnyServers) -> None:
    async with toy_store(servers) as store:
        why = cause(uuid4())
        results = await asyncio.gather(*(store.update(why.complaint, add, why) for _ in range(20)))
        again = await store.update(why.complaint, add, why)
    found = await raw(servers, why.complaint)
    assert sum(each.changed for each in results) == 1
    assert not again.changed
    assert found["sequence"] == 1
    assert len(found["outbox"]) == 1


async def test_replicas_that_race_for_one_document_lose_nothing(servers: AnyServers) -> None:
    async with toy_store(servers) as one, toy_store(servers) as other, toy_store(servers) as third:
        id = uuid4()
        stores = [one, other, third] * 40
        await asyncio.gather(*(store.update(id, add, cause(id, str(n))) for n, store in enumerate(stores)))
        saved = await one.get(id)
    found = await raw(servers, id)
    assert saved is not None
    assert saved.state is not None
    assert saved.state.count == found["sequence"] == 120
    assert sorted(saved.state.names, key=int) == [str(n) for n in range(120)]


async def test_many_documents_go_in_few_writes(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with toy_store(servers) as store:
        await store.update(uuid4(), add, cause(uuid4()))
        groups: list[int] = []
        write = store.write

        async def counted(drafts: list[Draft[Count]]) -> Any:
            groups.append(len(drafts))
            return await write(drafts)

        monkeypatch.setattr(store, "write", counted)
        ids = [uuid4() for _ in range(200)]
        await asyncio.gather(*(store.update(id, add, cause(id)) for id in ids))
    assert len(groups) <= 3
    assert sum(groups) == 200


async def test_a_change_that_refuses_fails_alone(servers: AnyServers) -> None:
    def refuse(state: Count | None, why: Cause[str]) -> tuple[Count, list[Fact]]:
        raise Conflict("not now")

    async with toy_store(servers) as store:
        good, bad = uuid4(), uuid4()
        results = await asyncio.gather(
            store.update(good, add, cause(good)),
            store.update(bad, refuse, cause(bad)),
            return_exceptions=True,
        )
        assert await store.get(bad) is None
    assert not isinstance(results[0], BaseException)
    assert isinstance(results[1], Conflict)


async def test_what_can_never_be_written_fails_alone(servers: AnyServers) -> None:
    def bloat(state: Count | None, why: Cause[str]) -> tuple[Count, list[Fact]]:
        return Count(names=["x" * 17_000_000]), []

    async with toy_store(servers) as store:
        good, bad = uuid4(), uuid4()
        results = await asyncio.gather(
            store.update(good, add, cause(good)),
            store.update(bad, bloat, cause(bad)),
            return_exceptions=True,
        )
        later = uuid4()
        assert (await store.update(later, add, cause(later))).changed
    assert not isinstance(results[0], BaseException)
    assert isinstance(results[1], Exception)


async def test_a_unique_value_is_taken_once(servers: AnyServers) -> None:
    number = uuid4().hex

    def claim(state: Count | None, why: Cause[str]) -> tuple[Count, list[Fact]]:
        return Count(unique=number), []

    async with toy_store(servers) as store:
        ids = [uuid4() for _ in range(20)]
        results = await asyncio.gather(
            *(store.update(id, claim, cause(id)) for id in ids), return_exceptions=True
        )
    assert sum(isinstance(each, Taken) for each in results) == 19


async def test_a_state_nobody_can_read_fails_alone_and_the_others_go_on(servers: AnyServers) -> None:
    async with toy_store(servers) as store:
        bad, good = uuid4(), uuid4()
        await store.update(bad, add, cause(bad))
        async with admin_of(servers) as client:
            many = {"$set": {"state.count": "many"}, "$inc": {"version": 1}}
            await client["triage"]["gradings"].update_one({"_id": bad}, many)
        results = await asyncio.gather(
            store.update(bad, add, cause(bad)), store.update(good, add, cause(good)), return_exceptions=True
        )
    assert isinstance(results[0], ValueError)
    assert not isinstance(results[1], BaseException)


async def test_what_is_due_is_found_by_the_index(servers: AnyServers) -> None:
    past, future = clock.machine_now(), clock.machine_now().replace(year=2099)

    def at(state: Count | None, why: Cause[str]) -> tuple[Count, list[Fact]]:
        return Count(due=past if why.data == "past" else future), []

    async with toy_store(servers) as store:
        early, late = uuid4(), uuid4()
        await store.update(early, at, cause(early, "past"))
        await store.update(late, at, cause(late, "future"))
        found = {due.id: due.now for due in await store.due()}
        plan = await store._documents.find(
            {"next_due": {"$exists": True}, "$expr": {"$lte": ["$next_due", "$$NOW"]}}
        ).explain()
    assert found[early] >= past
    assert late not in found
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])


async def test_an_outage_is_waited_out_and_a_caller_is_told(
    breakable: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.commit.PATIENCE_S", 1.0)
    async with toy_store(breakable) as store:
        id = uuid4()
        await store.update(id, add, cause(id))
        breakable.kill("database")
        waiting = asyncio.create_task(store.update(id, add, cause(id)))
        with pytest.raises(Unavailable):
            await store.update_soon(id, add, cause(id))
        async with asyncio.timeout(90):
            while not store.away:
                await asyncio.sleep(0.05)
        await breakable.restart("database")
        saved = await asyncio.wait_for(waiting, 30)
        assert store.away is None
    assert saved.state is not None
    assert saved.state.count in (2, 3)  # the impatient caller's change may have been under way


async def test_a_user_reaches_its_own_collection_only(servers: AnyServers) -> None:
    async with toy_store(servers) as store:
        for database, collection in (("intake", "complaints"), ("triage", "other")):
            with pytest.raises(Exception, match="not authorized"):
                await store._client[database][collection].find_one({})


def test_stores_are_declared_without_a_connection() -> None:
    assert Store("triage", "gradings", Count).away == "not connected yet"
