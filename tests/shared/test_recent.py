"""What a replica remembers of what it wrote: read less often, never believed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared import documents, recent
from shared.envelope import Cause
from shared.events import Fact
from shared.mongo import Store
from shared.problems import Conflict
from shared.recent import FRESH_S, MOST, Recent
from tests.kit.servers import AnyServers
from tests.kit.toy import Count, add, cause, toy_store

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Watch:
    """A clock that goes only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = 1_000.0
        monkeypatch.setattr(recent, "monotonic", lambda: self._now)

    def go_on(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


def kept(count: int = 1) -> tuple[Recent, list[UUID]]:
    """A memory of so many documents that knows the database's clock."""
    memory, ids = Recent(), [uuid4() for _ in range(count)]
    memory.hear([NOW])
    memory.keep({"_id": id, "version": 1} for id in ids)
    return memory, ids


def test_what_is_taken_is_out_until_it_is_written_again(watch: Watch) -> None:
    memory, (id,) = kept()
    watch.go_on(2)
    assert list(memory.take([uuid4(), id])) == [{"_id": id, "version": 1, "now": NOW + timedelta(seconds=2)}]
    assert list(memory.take([id])) == []


@pytest.mark.parametrize(("wait", "found"), [(FRESH_S - 0.1, 1), (FRESH_S, 0)])
def test_a_document_is_remembered_for_a_while(watch: Watch, wait: float, found: int) -> None:
    memory, ids = kept()
    watch.go_on(wait)
    memory.hear([NOW])
    assert len(list(memory.take(ids))) == found


def test_without_the_databases_clock_nothing_is_remembered(watch: Watch) -> None:
    memory, ids = kept()
    watch.go_on(FRESH_S)
    memory.keep([{"_id": ids[0]}])
    assert list(memory.take(ids)) == []
    unheard = Recent()
    unheard.keep([{"_id": ids[0]}])
    assert list(unheard.take(ids)) == []


def test_the_oldest_is_forgotten_first(watch: Watch) -> None:
    memory, ids = kept(MOST + 1)
    assert [each["_id"] for each in memory.take(ids)] == ids[1:]


# in a store


def counting(store: Store[Count], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What this store asks the database for from now on."""
    asked: list[Any] = []
    find = store._documents.find

    def counted(*given: Any, **named: Any) -> Any:
        asked.append(given)
        return find(*given, **named)

    monkeypatch.setattr(store._documents, "find", counted)
    return asked


def only_first(state: Count | None, why: Cause[str]) -> tuple[Count, Sequence[Fact]]:
    """A change for which a document must not be there, or have been changed once only."""
    if state is not None and state.count > 1:
        raise Conflict(f"it was changed {state.count} times")
    return state or Count(), []


async def test_a_store_does_not_read_again_what_it_has_just_written(
    servers: AnyServers, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "HANDLED", 3)
    async with toy_store(servers) as store:
        id = uuid4()
        await store.update(id, add, cause(id))
        await store.update(id, add, cause(id))
        asked = counting(store, monkeypatch)
        for _ in range(3):
            await store.update(id, add, cause(id))
        assert asked == []
        again = await store.load({id})
        stored = await store.load({id})
    assert again[id].remembered
    assert not stored[id].remembered
    assert (again[id].state, again[id].stored) == (stored[id].state, stored[id].stored)
    assert (again[id].version, again[id].sequence) == (stored[id].version, stored[id].sequence)
    assert list(again[id].handled) == list(stored[id].handled)


async def test_what_another_replica_has_written_since_decides(servers: AnyServers, watch: Watch) -> None:
    async with toy_store(servers) as one, toy_store(servers) as other:
        id, theirs = uuid4(), uuid4()
        await one.update(theirs, add, cause(theirs))
        await one.update(theirs, add, cause(theirs))  # read, so that the database's clock is known
        await one.update(id, add, cause(id))
        second = cause(id)
        await other.update(id, add, second)
        with pytest.raises(Conflict, match="2 times"):
            await one.update(id, only_first, cause(id))
        await one.update(id, add, cause(id))
        await other.update(id, add, cause(id))
        repeated = await one.update(id, add, second)
        last = await one.update(id, add, cause(id))
    assert not repeated.changed
    assert repeated.state is not None
    assert repeated.state.count == 4
    assert last.state is not None
    assert last.state.count == 5
