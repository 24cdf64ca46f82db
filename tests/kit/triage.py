"""Triage in memory: gradings and series as the store would carry them, without a server."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

from services.triage import store
from services.triage.domain import grading
from services.triage.domain.case import Decided
from services.triage.domain.record import Grading
from shared.documents import Saved
from shared.envelope import Cause
from shared.events import ComplaintGraded, Fact, FactsRevised, Money, StatementRecorded
from tests.kit.complaint import COMPLAINT, START, registered


def cause(data: Any, complaint: UUID = COMPLAINT, at: datetime = START) -> Cause[Any]:
    return Cause(uuid4(), complaint, f"RC-{complaint}", at, "test", data)


class Memory:
    """A store without a database; `breath` lets others in, as a database would."""

    def __init__(self, breath: Callable[[], Awaitable[None]]) -> None:
        self.documents: dict[UUID, Saved[Any]] = {}
        self.said: list[tuple[UUID, str, Fact]] = []
        self._breath = breath

    async def update(self, id: UUID, change: Any, cause: Cause[Any]) -> Saved[Any]:
        await self._breath()
        known = self.documents.get(id, Saved(id, None, 0, False))
        state, facts = change(known.state, cause)
        if state == known.state and not facts:
            return known
        self.documents[id] = Saved(id, state, known.version + 1, True)
        self.said += [(id, cause.subject, fact) for fact in facts]
        await self._breath()
        return self.documents[id]

    async def get(self, id: UUID) -> Saved[Any] | None:
        await self._breath()
        return self.documents.get(id)


async def at_once() -> None:
    """Nobody else is let in."""


class House:
    """Triage as it is, over stores in memory: every grading, every series, and what was said."""

    def __init__(self, pack: str = "base", breath: Callable[[], Awaitable[None]] = at_once) -> None:
        self.pack = pack
        self.memory, self.series = Memory(breath), Memory(breath)

    @property
    def gradings(self) -> dict[UUID, Grading]:
        return {id: saved.state for id, saved in self.memory.documents.items() if saved.state is not None}

    @property
    def said(self) -> list[tuple[UUID, Fact]]:
        return [(id, fact) for id, _, fact in self.memory.said]

    @contextmanager
    def open(self) -> Iterator[None]:
        """Triage's own code works on these stores meanwhile."""
        kept = store.gradings, store.series
        store.gradings, store.series = cast(Any, self.memory), cast(Any, self.series)
        try:
            yield
        finally:
            store.gradings, store.series = kept

    def change(self, complaint: UUID, how: Any, data: Any, at: datetime = START) -> list[Fact]:
        """One cause, carried to its end; what was said meanwhile."""
        before = len(self.memory.said)
        with self.open():
            asyncio.run(store.judge(complaint, how, cause(data, complaint, at)))
        return [fact for _, _, fact in self.memory.said[before:]]

    def complain(
        self, at: datetime = START, text: str = "-", prints: tuple[str, ...] = (), **given: Any
    ) -> UUID:
        id = uuid4()
        pinned: dict[str, Any] = {"pack": self.pack, "pack_version": 1}
        self.change(id, grading.hear, registered(**pinned | {"received_at": at} | given), at)
        self.change(id, grading.hear, StatementRecorded(**pinned, text=text, fingerprints=prints), at)
        return id

    def revise(self, id: UUID, revision: int = 1, **given: Any) -> list[Fact]:
        return self.change(id, grading.hear, FactsRevised(revision=revision, **given))

    def decide(
        self, id: UUID, about: str, name: str, choice: str, role: str = "service_manager"
    ) -> list[Fact]:
        word = {"about": about, "name": name, "choice": choice, "role": role, "by": "Li", "why": "seen it"}
        state = self.gradings[id]
        return self.change(
            id, grading.decide, Decided.model_validate(word | {"cycle": state.cycle, "at": START})
        )

    def judged(self, id: UUID) -> ComplaintGraded:
        found = self.gradings[id].latest(self.gradings[id].cycle)
        assert found is not None
        return found


def money(value: str, currency: str = "CNY") -> Money:
    return Money(value=Decimal(value), currency=currency)
