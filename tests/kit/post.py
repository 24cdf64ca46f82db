"""The voice at work in a test: its documents, and its ticks over them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notify.channels import gateway, smtp
from services.notify.domain.notices import hear
from services.notify.domain.posting import Box, Digest
from services.notify.domain.record import BY_MACHINE, Notice, Notices
from services.notify.store.boxes import boxes
from services.notify.store.notices import notices
from services.notify.ticker.digests import Post
from services.notify.ticker.lanes import Crew
from services.notify.ticker.notices import Desk
from shared import clock, policy
from shared.envelope import Cause
from shared.events import (
    ComplaintAnswered,
    ComplaintDispatched,
    ContactRecorded,
    DeadlineBreached,
    Fact,
    ReplyRecorded,
)
from shared.policy import Posting
from shared.tasks import end
from tests.kit.complaint import START, registered
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of

ANN = ContactRecorded(name="Ann", email="ann@example.com", phone="13800000001", address="1 Heron Lane")
PATIENCE_S = 60


@asynccontextmanager
async def voice(servers: AnyServers) -> AsyncIterator[None]:
    """Notify's documents, of which there are none yet."""
    async with admin_of(servers) as admin:
        await admin["notify"]["notices"].delete_many({})
    notices.open(servers.mongo_url("notify"))
    try:
        await until(lambda: _true_if(not notices.away))
        yield
    finally:
        await notices.close()


async def _true_if(value: bool) -> bool:
    return value


@asynccontextmanager
async def at_work(replicas: int = 1) -> AsyncIterator[None]:
    """The ticks of so many replicas, as a service runs them; they end as in a crash."""
    crews = [Crew() for _ in range(replicas)]
    ticks = [Desk(route, crew).tick for crew in crews for route in BY_MACHINE]
    tasks = [asyncio.create_task(_ticking(tick)) for tick in [*ticks, *(Post(each).tick for each in crews)]]
    try:
        yield
    finally:
        await end(*tasks)
        for crew in crews:
            await end(*crew._tasks.values())
        smtp.hang_up()
        await gateway.hang_up()


async def _ticking(tick: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if not await tick():
            await asyncio.sleep(0.02)


async def until(there: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_S) -> None:
    """Wait until something is so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await there():
            await asyncio.sleep(0.02)


async def tell(complaint: UUID, *facts: Fact) -> Notices:
    """What notify makes of these events of one complaint."""
    for number, fact in enumerate(facts, 1):
        now = clock.machine_now()
        told: Cause[Any] = Cause(
            uuid4(), complaint, f"RC-{complaint.hex[-10:].upper()}", now, fact.owner, fact, number
        )
        saved = await notices.update(complaint, partial(hear, now=now), told)
    assert saved.state is not None
    return saved.state


async def acknowledged(channel: Any = "email", contact: ContactRecorded = ANN) -> UUID:
    """A complaint whose acknowledgement is due."""
    complaint = uuid4()
    await tell(complaint, registered(channel), contact)
    return complaint


async def breached(department: str = "quality") -> UUID:
    """A complaint without a customer's address, of which the lead department is told that it is late."""
    complaint = uuid4()
    lead = ComplaintDispatched(cycle=1, lead=department, departments=(department,))
    late = DeadlineBreached(cycle=1, clock="accept", due=clock.now() - timedelta(hours=1))
    await tell(complaint, registered(), lead, late)
    return complaint


async def of(complaint: UUID) -> list[Notice]:
    """The notices of a complaint as they stand."""
    saved = await notices.get(complaint)
    return saved.state.notices if saved and saved.state else []


async def only(complaint: UUID, kind: str = "acknowledgement") -> Notice:
    (found,) = [each for each in await of(complaint) if each.kind == kind]
    return found


async def until_state(complaint: UUID, state: str, kind: str = "acknowledgement") -> Notice:
    """The notice once it has come so far. Raises TimeoutError."""

    async def there() -> bool:
        return (await only(complaint, kind)).state == state

    await until(there)
    return await only(complaint, kind)


async def hurry(complaint: UUID) -> None:
    """Let a complaint's waiting notices be due now."""

    def now(state: Notices | None, cause: Cause[None]) -> tuple[Notices, list[Fact]]:
        assert state is not None
        due = {"next_at": clock.machine_now() - timedelta(seconds=1)}
        waiting = [each.model_copy(update=due) if each.next_at else each for each in state.notices]
        return state.model_copy(update={"notices": waiting}), []

    await notices.update(complaint, now, Cause(uuid4(), complaint, "RC-HURRY", clock.now(), "test", None))


async def messaged(channel: Any) -> UUID:
    """A complaint by an app or phone, whose result is due as a message."""
    complaint = uuid4()
    answered = (ComplaintAnswered(cycle=1), ReplyRecorded(cycle=1, text="We mend it"))
    without = ANN.model_copy(update={"email": None})
    state = await tell(complaint, registered(channel), without, *answered)
    assert [each.route for each in state.notices if each.kind == "result"] == ["message"]
    return complaint


async def attempted(complaint: UUID, count: int, kind: str = "acknowledgement") -> bool:
    """Whether so many attempts have ended."""
    return len((await only(complaint, kind)).log) >= count


async def settle(*complaints: UUID) -> None:
    """Wait until every notice to staff was sent or folded."""

    async def there() -> bool:
        states = [each.state for id in complaints for each in await of(id) if not each.to_customer]
        return {"queued", "sending"}.isdisjoint(states)

    await until(there)


async def all_boxes() -> list[Box]:
    return [each.state for each in await boxes.find({"digest_at": {"$exists": True}}) if each.state]


async def hurry_boxes() -> None:
    """Let every digest be due now."""

    def now(state: Box | None, cause: Cause[None]) -> tuple[Box, list[Fact]]:
        assert state is not None
        due = {"next_at": clock.machine_now() - timedelta(seconds=1)}
        waiting = [each.model_copy(update=due) if each.next_at else each for each in state.digests]
        return state.model_copy(update={"digests": waiting}), []

    for each in await boxes.find({"digest_due": {"$exists": True}}):
        await boxes.update(each.id, now, Cause(uuid4(), each.id, "box", clock.now(), "test", None))


async def until_digests(state: str) -> list[Digest]:
    """Every digest, once all have come so far. Raises TimeoutError."""

    async def there() -> bool:
        return {each.state for box in await all_boxes() for each in box.digests} == {state}

    await until(there)
    return [each for box in await all_boxes() for each in box.digests]


def posting(monkeypatch: pytest.MonkeyPatch, **rule: Any) -> None:
    """The base pack with another rule for posting."""
    pack = policy.load("base", 1)
    other = pack.model_copy(update={"posting": Posting.model_validate(rule)})
    monkeypatch.setattr("services.notify.domain.posting.pack_of", lambda *given: other)


def waiting() -> Notice:
    """A notice that is due."""
    told = {
        "id": uuid4(),
        "kind": "acknowledgement",
        "cycle": 1,
        "route": "email",
        "address": "ann@example.com",
    }
    return Notice.model_validate(told | {"details": {}, "state": "queued", "next_at": START})


def digest(kind: Any, language: Any) -> Digest:
    """A digest of two notices of a kind."""
    items = {kind: {uuid4(): "RC-ONE", uuid4(): "RC-TWO"}}
    return Digest(id=uuid4(), at=START, state="open", language=language, items=items)


def late(clock_name: str = "accept") -> DeadlineBreached:
    """A deadline that has passed."""
    return DeadlineBreached(cycle=1, clock=clock_name, due=clock.now() - timedelta(hours=1))
