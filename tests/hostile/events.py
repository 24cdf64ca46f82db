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
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from shared import sealing
from shared.bus import ATTEMPT, PARKED, REASON, TIERS, Parcel
from shared.envelope import from_cloudevent, open_batch, to_cloudevent
from shared.events import CATALOGUE, Fact
from shared.inbox import Inbox
from shared.mongo import Store
from shared.problems import Malformed, Problem
from shared.service import Service
from tests.conftest import HOUSE_KEY
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
PATIENCE_S = 60
FAILED = "failed "
"""How the reason begins of what was parked for another exception than a refusal."""


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

    async def read(self, body: bytes, user: str) -> list[str]:
        """Why members of the batch were parked."""
        self._shelf.kept = []
        async with asyncio.timeout(PATIENCE_S):
            await self.inbox._receive(Letter(body, user))  # type: ignore[arg-type]
        assert all(parcel.exchange == PARKED for parcel in self._shelf.kept)
        return [str(parcel.headers[REASON]) for parcel in self._shelf.kept]


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


def batches(known: list[Event]) -> st.SearchStrategy[tuple[bytes, int]]:
    """A batch about one complaint, and how many of its events are hostile."""

    @st.composite
    def drawn(draw: st.DrawFn) -> tuple[bytes, int]:
        complaint = uuid4()
        good = [fresh(each, complaint, at) for at, each in enumerate(known, 1)]
        some = draw(st.lists(st.sampled_from(good), min_size=1, max_size=FEW))
        bad = [draw(mutated(fresh(each, complaint, int(each["sequence"])))) for each in some]
        if draw(st.integers(0, 9)) == 0:
            return draw(broken(written(good[:2]))), 1
        return written(draw(st.permutations([*good, *bad]))), len(bad)

    return drawn()


@contextmanager
def counted(tally: Tally, given: bytes, many: int) -> Iterator[None]:
    """Whatever is raised is a failure."""
    tally.inputs += many
    try:
        yield
    except Exception as error:
        tally.wrong(f"{type(error).__name__}: {error}"[:200], given)


async def read_hostile(reader: Reader, examples: int, chance: int) -> Tally:
    """So many batches of hostile events into one inbox."""
    loop, tally = asyncio.get_running_loop(), Tally(f"events into the inbox of {reader.name}")
    known = valid(reader.inbox.types)

    @seed(chance)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(drawn=batches(known), user=st.sampled_from((reader.name, "operator")))
    def go(drawn: tuple[bytes, int], user: str) -> None:
        body, many = drawn
        with counted(tally, body, many):
            reasons = asyncio.run_coroutine_threadsafe(reader.read(body, user), loop).result(2 * PATIENCE_S)
            for reason in reasons:
                if reason.startswith(FAILED):
                    tally.wrong(reason, body)

    await asyncio.to_thread(go)
    await _sound(reader, tally)
    return tally


async def _sound(reader: Reader, tally: Tally) -> None:
    """What hostile events left is still read, what it owes can be published, and time goes on over it."""
    for store in (reader.store, *reader.store._beside):
        async for document in store._documents.find({}):
            for owed in document.get("outbox", []):
                if not owed["private"]:
                    with counted(tally, owed["body"], 0):
                        from_cloudevent(open_batch(b"[" + owed["body"] + b"]")[0])
        async for saved in store.scan({}):
            assert saved.id
    for tick in reader.ticks:
        with counted(tally, str(tick).encode(), 0):
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(3):
                    await tick()
