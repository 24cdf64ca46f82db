"""People's data through intake's doors, over a real database: erased, and kept no longer than allowed."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from services.intake.domain.complaint import Complaint
from services.intake.domain.person import forget
from services.intake.store import people as store
from services.intake.store.complaints import complaints
from shared import clock
from shared.clock import Clock, machine_now
from shared.documents import Saved
from tests.kit.house import House, house
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of

TRIES = 50
YEARS_A_SECOND = 4
DAY = timedelta(days=1)


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(store, "LATER", timedelta(seconds=0.3))
    async with house(servers, monkeypatch) as found:
        yield found


async def swept() -> None:
    """Wait until the ticker has nothing left to look after."""
    async with asyncio.timeout(180):
        while await store.people.find({"erasing_due": {"$exists": True}}):
            await store.finish_erasures()
            await asyncio.sleep(0.05)


async def saved(id: str) -> Saved[Complaint]:
    found = await complaints.find({"number": {"$exists": True}, "_id": UUID(id)})
    return found[0]


async def state_of(id: str) -> Complaint:
    state = (await saved(id)).state
    assert state is not None
    return state


async def erasures_of(id: str) -> list[str]:
    """When it was told that it was erased."""
    journal = await complaints.journal((await saved(id)).id)
    return [each["type"] for each in journal if each["type"] == "contact.erased.v1"]


def ann(n: Any, **more: Any) -> dict[str, Any]:
    return {"complainant": {"name": f"Ann {n}", "email": f"ann-{n}@people.example"} | more}


# erasing


async def test_whatever_comes_in_at_the_moment_of_an_erasure_is_readable_or_erased(at: House) -> None:
    ids: list[str] = []
    for n in range(TRIES):
        who = ann(f"race{n}")
        ids.append(await at.hand_in(**who))
        email = {"email": who["complainant"]["email"]}

        erasing = at.ask("officer", "POST", "/people:erase", json=email)
        new, erased = await _near(n, at.hand_in(**who, description="Again."), erasing)
        assert erased.status_code == 200, erased.text
        ids.append(new)
    await swept()
    told = [await at.see(id) for id in ids]
    assert all((each["erased"] is None) == (each["given"]["complainant"] is not None) for each in told)
    assert all(each["erased"] for each in told[::2]), "what was there before is erased for sure"
    readable = sum(each["erased"] is None for each in told[1::2])
    assert 0 < readable < TRIES, "both happened"


async def _near(turn: int, one: Any, other: Any) -> tuple[Any, Any]:
    """What both give, done at about the same time; in the first two turns one waits for the other."""
    if turn == 0:
        return await one, await other
    if turn == 1:
        given = await other
        return await one, given

    async def later(wanted: Any) -> Any:
        await asyncio.sleep(random.random() * 0.02)
        return await wanted

    return await asyncio.gather(later(one), later(other))


async def test_erasing_twice_is_harmless_and_whoever_comes_again_is_somebody_new(at: House) -> None:
    who, other = ann("twice"), ann("bystander")
    first, theirs = await at.hand_in(**who), await at.hand_in(**other)
    before = (await state_of(first)).person
    email = {"email": who["complainant"]["email"]}
    answers = [(await at.ask("officer", "POST", "/people:erase", json=email)).json() for _ in range(2)]
    assert answers == [
        {"people": 1, "complaints": 1, "linked": 0},
        {"people": 0, "complaints": 0, "linked": 0},
    ]
    by_id = await at.ask("officer", "POST", "/people:erase", json={"complaint": first})
    assert by_id.json() == {"people": 0, "complaints": 0, "linked": 0}
    assert await erasures_of(first) == ["contact.erased.v1"]
    again, once_more = await at.hand_in(**who), await at.hand_in(**who, description="Still.")
    mine, next_ = await state_of(again), await state_of(once_more)
    assert mine.person == next_.person != before
    assert (await store.keys([mine.person, before])).keys() == {mine.person}
    await swept()
    for id in (again, once_more, theirs):
        assert (await at.see(id))["given"]["complainant"]
    assert (await at.see(first))["given"] | {"complainant": None, "description": None} == (
        await at.see(first)
    )["given"]


async def test_everybody_in_a_chain_is_erased_however_it_breaks_off(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known by an e-mail, which leads to a telephone, which leads to an address."""
    name, ways = (
        "Chain",
        {"email": "chain@people.example", "phone": "+44 7911 555 777", "address": "9 Chain Row"},
    )
    steps = [{"email"}, {"email", "phone"}, {"phone", "address"}, {"address"}]
    ids = [await at.hand_in(complainant={"name": name} | {w: ways[w] for w in step}) for step in steps]
    calls = []

    def dies(*given: Any) -> Any:
        calls.append(given)
        if len(calls) > 1:
            raise RuntimeError("killed")
        return forget(*given)

    monkeypatch.setattr(store, "forget", dies)
    broken = await at.ask("officer", "POST", "/people:erase", json={"email": ways["email"], "linked": True})
    assert broken.status_code == 500
    monkeypatch.setattr(store, "forget", forget)
    assert [(await at.see(id))["erased"] for id in ids] == [None] * 4
    await swept()
    assert all([(await at.see(id))["erased"] for id in ids])
    assert [await erasures_of(id) for id in ids] == [["contact.erased.v1"]] * 4


async def test_a_file_that_comes_in_during_an_erasure_is_not_left_behind(
    at: House, servers: AnyServers
) -> None:
    for n in range(10):
        id = await at.hand_in(**ann(f"file{n}"))
        await asyncio.gather(
            at.add_file(id, "letter.txt", b"She was very angry.\n"),
            at.ask("officer", "POST", "/people:erase", json={"complaint": id}),
        )
        await swept()
        files = [each.id for each in (await state_of(id)).evidence]
        async with admin_of(servers) as client:
            left = client["intake"]["complaints.chunks"].find({"files_id": {"$in": files}})
            assert await left.to_list() == []
        assert (await at.ask("desk", "GET", f"/complaints/{id}/evidence/1")).status_code == 404


async def test_no_digest_of_a_file_outlives_it(at: House) -> None:
    id, content = await at.hand_in(**ann("digest")), b"Nobody else has this file.\n"
    path, key = f"/complaints/{id}/evidence?name=a.txt", {"Idempotency-Key": "once"}
    for _ in range(2):
        kept = await at.ask("desk", "POST", path, content=content, headers=key)
        assert kept.status_code == 201, "the same request gets the same answer"
    assert len((await state_of(id)).evidence) == 1
    await at.ask("officer", "POST", "/people:erase", json={"complaint": id})
    assert sha256(content).hexdigest() not in (await state_of(id)).model_dump_json()


# retention


@asynccontextmanager
async def fast(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    now = machine_now()
    with monkeypatch.context() as inside:
        inside.setattr(clock, "_clock", Clock(now, now, YEARS_A_SECOND * 365.25 * DAY.total_seconds()))
        yield


async def passing(years: float) -> None:
    """Time passes; two replicas look what is over."""
    async with asyncio.timeout(90):
        end = clock.now() + years * 365.25 * DAY
        while clock.now() < end:
            await asyncio.gather(store.end_retention(), store.end_retention(), store.finish_erasures())
            await asyncio.sleep(0.02)


async def test_a_record_is_kept_as_long_as_its_pack_says_and_the_key_as_long_as_any(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fast(monkeypatch):
        who = ann("kept")
        ended, open_ = await at.hand_in(**who), await at.hand_in(**who, description="Also.")
        again = await at.hand_in(**who, description="A third one.")
        person = (await state_of(open_)).person
        for id in (ended, again):
            assert (await at.step(id, step="withdraw", reason="It sings again")).status_code == 200
        await passing(1)
        assert (await at.see(ended))["given"]["complainant"]
        assert (await at.step(again, step="reopen", reason="It leaks")).status_code == 200
        await passing(4)
        assert (await state_of(ended)).erased
        assert await erasures_of(ended) == ["contact.erased.v1"], "once, of two replicas"
        for id in (open_, again):
            assert (await at.see(id))["given"]["complainant"], "an open one is kept"
        while (found := await store.people.get(person)) and found.state and found.state.leaving:
            await passing(0.2)
        assert person in await store.keys([person])
        for id in (open_, again):
            await at.step(id, step="withdraw")
        await passing(4)
        while await store.keys([person]):
            await passing(0.2)
        await swept()
        assert (await state_of(open_)).erased
        assert await at.hand_in(**who) not in (ended, open_)


async def test_a_complaint_that_comes_in_when_the_last_record_goes_stays_readable(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LATER", timedelta(seconds=1))
    async with fast(monkeypatch):
        who = ann("returning")
        news: list[str] = []
        first = await at.hand_in(**who)
        await at.step(first, step="withdraw")
        while not (await state_of(first)).erased:
            await asyncio.gather(store.end_retention(), store.finish_erasures())
            news.append(await at.hand_in(**who, description=f"Again {len(news)}."))
        news.append(await at.hand_in(**who, description="The last one."))
        await swept()
        for id in news:
            assert (await at.see(id))["given"]["complainant"], "nobody asked for this one to be erased"
