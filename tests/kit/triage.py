"""Triage in memory: gradings and series as the store would carry them, without a server."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from services.triage.domain import grading
from services.triage.domain.case import Decided
from services.triage.domain.grading import Grading
from services.triage.domain.series import Joining, Series, Tally, join
from shared.envelope import Cause
from shared.events import ComplaintGraded, Fact, FactsRevised, Money, StatementRecorded
from tests.kit.complaint import COMPLAINT, NUMBER, START, registered


def cause(data: Any, complaint: UUID = COMPLAINT, at: datetime = START) -> Cause[Any]:
    return Cause(uuid4(), complaint, NUMBER, at, "test", data)


class House:
    """Every complaint's grading, every series, and what was said; settled after each change."""

    def __init__(self, pack: str = "base") -> None:
        self.pack = pack
        self.gradings: dict[UUID, Grading] = {}
        self.series: dict[UUID, Series] = {}
        self.said: list[tuple[UUID, Fact]] = []

    def change(self, complaint: UUID, how: Any, data: Any, at: datetime = START) -> list[Fact]:
        state, facts = how(self.gradings.get(complaint), cause(data, complaint, at))
        self.gradings[complaint] = state
        self.said += [(complaint, fact) for fact in facts]
        told = list(facts)
        while state.unsettled:
            told += self.settle(complaint)
            state = self.gradings[complaint]
        return told

    def settle(self, complaint: UUID) -> list[Fact]:
        state, told = self.gradings[complaint], list[Fact]()
        tallies: dict[UUID, list[Tally]] = {complaint: []}
        for wanted in state.entering:
            joined, _ = join(
                self.series.get(wanted.series), cause(Joining(entry=wanted.entry), wanted.series)
            )
            self.series[wanted.series] = joined
            for whom in (complaint, *joined.after(wanted)):
                tallies.setdefault(whom, []).append(joined.tally(whom))
        for left in state.leaving:
            tallies[complaint].append(Tally(series=left, version=2**53, number=0, mine=None))
        for whom, said in tallies.items():
            after, facts = grading.count(self.gradings[whom], cause(said, whom))
            self.gradings[whom] = after
            self.said += [(whom, fact) for fact in facts]
            told += facts
        return told

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
