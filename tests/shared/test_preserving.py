"""Old and new versions write the same documents for a while: neither takes away from the other."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.envelope import Cause
from shared.events import Fact
from shared.mongo import Store
from shared.preserving import preserved, says_more
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of, cause

values = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)


def understood(value: Any, unknown: str = "new") -> Any:
    """A value as a version reads it that has never heard of fields of this name."""
    if isinstance(value, dict):
        return {key: understood(each, unknown) for key, each in value.items() if key != unknown}
    return [understood(each, unknown) for each in value] if isinstance(value, list) else value


def grown(value: Any) -> Any:
    """The same with a newer version's field in every object."""
    if isinstance(value, dict):
        return {key: grown(each) for key, each in value.items()} | {"new": 1}
    return [grown(each) for each in value] if isinstance(value, list) else value


@given(values)
def test_what_was_not_changed_stays_as_it_was(known: Any) -> None:
    assert preserved(known, grown(known), known) == grown(known)


@given(values, values)
def test_what_this_version_decided_is_what_it_reads_again(new: Any, known: Any) -> None:
    assert understood(preserved(new, grown(known), known)) == new


@given(values, values)
def test_nothing_is_added_where_nothing_is_unknown(new: Any, known: Any) -> None:
    assert preserved(new, known, known) == new


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.integers(), min_size=1), unique_by=str), st.data())
def test_entries_of_a_list_are_followed_wherever_they_go(known: list[Any], data: st.DataObject) -> None:
    new = data.draw(st.permutations(known)).copy()
    if new:
        new.pop()
    new.append({"c": 1})
    kept = preserved(new, grown(known), known)
    assert [each for each in kept if understood(each) in known] == grown(new[:-1])


@given(values)
def test_more_is_said_only_where_a_field_is_unknown(value: Any) -> None:
    assert not says_more(value, value)
    assert says_more({"a": [{"b": {"new": 1}}]}, {"a": [{"b": {}}, value]})


class Visit(BaseModel):
    at: int


class NewVisit(Visit):
    by: str = ""


class Guest(BaseModel):
    visits: list[Visit] = []
    rooms: dict[str, Visit] = {}


class NewGuest(BaseModel):
    visits: list[NewVisit] = []
    rooms: dict[str, NewVisit] = {}
    thanked: bool = False


def comes_anew(state: NewGuest | None, cause: Cause[int]) -> tuple[NewGuest, Sequence[Fact]]:
    visit = NewVisit(at=cause.data, by="train")
    known = state or NewGuest()
    return NewGuest(visits=[*known.visits, visit], rooms=known.rooms | {"12": visit}, thanked=True), []


def comes_as_ever(state: Guest | None, cause: Cause[int]) -> tuple[Guest, Sequence[Fact]]:
    visit = Visit(at=cause.data)
    known = state or Guest()
    return Guest(visits=[*known.visits[1:], visit], rooms=known.rooms | {"14": visit}), []


async def test_an_older_replica_writes_a_document_without_loss(servers: AnyServers) -> None:
    """At every depth; what it takes out stays out."""
    newer, older = Store("triage", "gradings", NewGuest), Store("triage", "gradings", Guest)
    id = uuid4()
    for store in (newer, older):
        store.open(servers.mongo_url("triage"))
    try:
        for at in (1, 2):
            await newer.update(id, comes_anew, _said(id, at))
        await older.update(id, comes_as_ever, _said(id, 3))
        found = await newer.get(id)
    finally:
        await newer.close()
        await older.close()
    assert found is not None
    assert found.state == NewGuest(
        visits=[NewVisit(at=2, by="train"), NewVisit(at=3)],
        rooms={"12": NewVisit(at=2, by="train"), "14": NewVisit(at=3)},
        thanked=True,
    )
    async with admin_of(servers) as admin:
        await admin["triage"]["gradings"].delete_one({"_id": id})


def _said(id: Any, at: int) -> Cause[Any]:
    return cause(id, at)  # type: ignore[arg-type]
