"""Events: every service's inbox, with its real listeners and a real database, is given mutated events.

A member of a batch is handled, or parked with the reason of a refusal. Nothing else may come of it: another
exception would have it tried again for half an hour, and then parked as `failed`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import strategies as st

from shared import sealing
from shared.bus import ATTEMPT, PARKED, REASON, TIERS, Parcel
from shared.documents import owed_by
from shared.envelope import Cause, from_cloudevent, open_batch, to_cloudevent
from shared.inbox import Handler, Inbox
from shared.mongo import Store
from shared.problems import Malformed
from shared.service import Service
from tests.conftest import HOUSE_KEY
from tests.hostile.drawing import tried
from tests.hostile.mutations import Event, broken, fresh, mutated, written
from tests.hostile.tally import Tally
from tests.kit.complaint import events as in_order
from tests.kit.complaint import whole_way
from tests.kit.doors import settled
from tests.kit.servers import AnyServers

EXAMPLES = Path(__file__).parents[2] / "shared" / "contract" / "examples.json"
SERVICES = ("intake", "triage", "sla", "notify", "survey")
FEW = 12
"""Mutated events in a batch, beside the whole way of the complaint they are about."""
IDS = st.uuids(version=4)
PATIENCE_S = 60
FAILED, LATE = "failed ", "Unavailable in draft_of, shelf.py"
"""How the reason begins of what was parked for another exception than a refusal, and how it ends of an event
of a policy pack that may still be published."""


@dataclass
class Letter:
    """A message as the inbox sees it: the last attempt, so that nothing is delayed."""

    body: bytes
    user_id: str
    type: str = ""
    message_id: str = "hostile"
    headers: dict[str, Any] = field(default_factory=lambda: {ATTEMPT: len(TIERS)})

    @property
    def raw_message(self) -> "Letter":
        return self


class Shelf:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[Parcel] = []

    async def publish(self, parcels: Sequence[Parcel]) -> list[bool]:
        self.kept += parcels
        return [True] * len(parcels)


class Reader:
    """A service's inbox and documents, in this process."""

    def __init__(self, name: str) -> None:
        service: Service = import_module(f"services.{name}.app").service
        self.name = name
        self.inbox: Inbox = service._inbox
        self.store: Store[Any] = service._store
        self.ticks = service._ticks
        self._shelf = Shelf()
        self.inbox._publisher = self._shelf  # type: ignore[assignment]
        self._handled = 0
        self.inbox._handlers = {kind: self._counted(each) for kind, each in self.inbox._handlers.items()}

    def _counted(self, handler: Handler) -> Handler:
        async def counted(event: Cause[Any]) -> None:
            await handler(event)
            self._handled += 1

        return counted

    async def read(self, body: bytes, user: str) -> tuple[dict[str, bytes], int]:
        """Why members of the batch were parked, with one of them each; how many are accounted for."""
        self._shelf.kept, self._handled = [], 0
        async with asyncio.timeout(PATIENCE_S):
            await self.inbox._receive(Letter(body, user))  # type: ignore[arg-type]
        assert all(parcel.exchange == PARKED for parcel in self._shelf.kept)
        accounted = self._handled + len(self._shelf.kept)
        return {str(parcel.headers[REASON]): parcel.body for parcel in self._shelf.kept}, accounted


@asynccontextmanager
async def readers(servers: AnyServers, patch: pytest.MonkeyPatch) -> AsyncIterator[list[Reader]]:
    """All five, while they are needed."""
    sealing.use_house_key(HOUSE_KEY)
    with settled(patch, fingerprint_key="f" * 40, survey_key="s" * 40, smtp_url="smtp://127.0.0.1:1"):
        found = [Reader(name) for name in SERVICES]
        for each in found:
            each.store.open(servers.mongo_url(each.name))
        try:
            yield found
        finally:
            for each in found:
                await each.store.close()


def valid(listened: Sequence[str]) -> list[Event]:
    """The whole way of a complaint, and an example of everything else that is listened to."""
    way = [json.loads(to_cloudevent(each, each.id)) for each in in_order(whole_way(3, 9))]
    examples: dict[str, Event] = json.loads(EXAMPLES.read_text("utf-8"))
    found = [each for each in way if each["type"] in listened]
    known = {each["type"] for each in found}
    return found + [each for type, each in examples.items() if type in listened and type not in known]


def batches(reader: Reader, about: set[UUID]) -> st.SearchStrategy[tuple[bytes, int, str]]:
    """A batch about a complaint of its own, how many of its events are hostile, and the user it is from.

    `about` learns the complaint's id.
    """
    known = valid(reader.inbox.types)

    @st.composite
    def drawn(draw: st.DrawFn) -> tuple[bytes, int, str]:
        user = draw(st.sampled_from((reader.name, "operator")))
        complaint = draw(IDS)
        about.add(complaint)
        good = [fresh(each, uuid5(complaint, str(at)), complaint, at) for at, each in enumerate(known, 1)]
        some = draw(st.lists(st.integers(1, len(good)), min_size=1, max_size=FEW))
        bad = [draw(mutated(fresh(good[at - 1], draw(IDS), complaint, at))) for at in some]
        if draw(st.integers(0, 9)) == 0:
            return draw(broken(written(good[:2]))), 1, user
        return written(draw(st.permutations([*good, *bad]))), len(bad), user

    return drawn()


async def read_hostile(reader: Reader, examples: int, chance: int) -> Tally:
    """So many batches of hostile events into one inbox; inputs are the events, not the batches."""
    tally, many, about = Tally(f"events into the inbox of {reader.name}"), 0, set[UUID]()

    async def attempt(given: tuple[bytes, int, str]) -> str | None:
        nonlocal many
        body, count, user = given
        many += count
        parked, accounted = await reader.read(body, user)
        if accounted != _members(body):
            tally.wrong(f"of {_members(body)} events {accounted} were handled or parked", body)
        for reason, member in parked.items():
            if reason.startswith(FAILED) and not reason.endswith(LATE):
                tally.wrong(reason, member)
        return None

    await tried(tally, examples, chance, batches(reader, about), attempt)
    tally.inputs = many
    await _sound(reader, about, tally)
    return tally


def _members(body: bytes) -> int:
    """How many events a message holds; what is none in order is parked as one."""
    try:
        return len(open_batch(body))
    except Malformed:
        return 1


@contextmanager
def expected(tally: Tally, given: object) -> Iterator[None]:
    """Whatever is raised is a failure."""
    try:
        yield
    except Exception as error:
        tally.wrong(f"{type(error).__name__}: {error}"[:200], given)


async def _sound(reader: Reader, about: set[UUID], tally: Tally) -> None:
    """What hostile events left is still read, what it owes can be published, and time goes on over it."""
    store = reader.store
    async for document in store._documents.find({"_id": {"$in": list(about)}}):
        with expected(tally, document["state"]):
            store._state.model_validate(document["state"], context=document["_id"])
        for owed in owed_by({"outbox": []} | document):
            with expected(tally, owed.body):
                from_cloudevent(open_batch(b"[" + owed.body + b"]")[0])
    for tick in reader.ticks:
        with expected(tally, tick):
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(3):
                    await tick()
