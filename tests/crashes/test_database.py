"""The database in memory does what the real one does, as far as a store can tell."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest

from shared import mongo
from shared.documents import owed_by
from shared.driver import Taken
from shared.mongo import Store
from tests.crashes.database import Database
from tests.crashes.gate import PROCESS, Gate, Process
from tests.kit.complaint import COMPLAINT
from tests.kit.servers import AnyServers
from tests.kit.toy import Count, add, admin_of, cause, toy_store

ONE, OTHER = uuid5(COMPLAINT, "one"), uuid5(COMPLAINT, "other")
VARIES = {"commit", "relay", "body"}


async def played(store: Store[Count], rival: Store[Count]) -> list[Any]:
    """What a store is told: writes, a lost race, a value that is taken, leases and debts struck out."""
    told: list[Any] = [await store.update(ONE, add, cause(ONE, name, uuid5(ONE, name))) for name in "abca"]
    drafts = [(await each.load({ONE}))[ONE] for each in (store, rival)]
    for draft in drafts:
        draft.decide(add, cause(ONE, "race"), "triage", journal=None)
    told += [await each.write([draft]) for each, draft in zip((store, rival), drafts, strict=True)]
    told.append(await refused(store))
    told.append([await store.find({"number": {"$in": ["x", "y"]}}), await store.count({"number": "x"})])
    return [*told, *await paid(store)]


async def refused(store: Store[Count]) -> str:
    def take(state: Count | None, given: Any) -> tuple[Count, list[Any]]:
        return Count(unique="x"), []

    await store.update(OTHER, take, cause(OTHER))
    with pytest.raises(Taken) as error:
        await store.update(uuid5(OTHER, "late"), take, cause(OTHER))
    return str(error.value)


async def paid(store: Store[Count]) -> list[Any]:
    """A debt that was just made is nobody else's; one that was given up is, in order, until it is paid."""
    soon = await store.lease_owed(9)
    drafts = await store.load({ONE})
    given_up = await owed(store)
    await store.release_owed(given_up)
    leased = await store.lease_owed(9)
    again = await store.lease_owed(9)
    await store.strike_out(leased[:1])
    await store.release_owed(leased)
    rest = await store.lease_owed(9)
    await store.strike_out(rest)
    await store.release_owed(rest)
    counted = [[each.id for each in some] for some in (soon, again, await store.lease_owed(9))]
    return [drafts[ONE].sequence, len(leased), [each.type for each in rest], counted]


async def owed(store: Store[Count]) -> list[Any]:
    found = store._documents.find({"_id": {"$in": [ONE]}}, {"outbox": 1})
    return [each for document in await found.to_list() for each in owed_by(document)]


def plain(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: plain(each) for name, each in document.items() if name not in VARIES}
    if isinstance(document, list):
        return [plain(each) for each in document]
    if isinstance(document, UUID | datetime):
        return type(document).__name__
    return document


@asynccontextmanager
async def in_memory(patch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Stores that are opened inside find a database in memory."""
    gate = Gate([], 1, lambda process: None)
    database = Database(gate, lambda: datetime.now(UTC), lambda *written: None)
    token = PROCESS.set(Process("a test", "triage", {}))
    with patch.context() as inside:
        inside.setattr(mongo, "AsyncMongoClient", database.client)
        yield database
    PROCESS.reset(token)


async def test_a_store_sees_no_difference(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with admin_of(servers) as client, toy_store(servers) as store, toy_store(servers) as rival:
        documents = client["triage"]["gradings"]
        await documents.delete_many({})
        real = plain([told_as(each) for each in await played(store, rival)])
        kept = [plain(each) async for each in documents.find().sort("_id")]
    async with in_memory(monkeypatch) as database:
        async with toy_store(servers) as store, toy_store(servers) as rival:
            fake = plain([told_as(each) for each in await played(store, rival)])
        written = sorted(database.documents("triage.gradings"), key=lambda each: each["_id"].bytes)
    assert fake == real
    assert [plain(each) for each in written] == kept


def told_as(answer: Any) -> Any:
    """An answer without what no two runs share."""
    return repr(answer) if not isinstance(answer, list | tuple) else [told_as(each) for each in answer]
