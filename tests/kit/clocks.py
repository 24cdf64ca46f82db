"""A complaint as sla hears of it: facts told at their times, and what its clocks say."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from services.sla.domain.deadlines import fire, hear
from services.sla.domain.record import Clock, Deadlines
from shared import clock
from shared.documents import Draft
from shared.envelope import Cause
from shared.events import ComplaintDispatched, ComplaintGraded, Fact
from tests.kit.complaint import COMPLAINT, NUMBER, START, decide


def graded(grade: str, revision: int = 1, cycle: int = 1) -> ComplaintGraded:
    return ComplaintGraded(
        cycle=cycle, class_="usage", suggested=False, grade=grade, matches=(), revision=revision
    )


def dispatched(*departments: str, revision: int = 1, cycle: int = 1) -> ComplaintDispatched:
    return ComplaintDispatched(cycle=cycle, lead=departments[0], departments=departments, revision=revision)


class Case:
    """One complaint: `hears` at so many hours after its start, `passes` time, and keeps what was said."""

    def __init__(self) -> None:
        self.draft: Draft[Any] = Draft(COMPLAINT)
        self.said: list[str] = []
        self._count = 0

    def hears(self, fact: Fact, hours: float = 0) -> list[str]:
        return self._decide(hear, fact.owner, START + timedelta(hours=hours), fact)

    def passes(self, hours: float) -> list[str]:
        at = START + timedelta(hours=hours)
        return self._decide(fire, "sla", at, clock.wake_at(at))

    def _decide(self, change: Any, by: str, at: datetime, data: Any) -> list[str]:
        self._count += 1
        type = data.type if isinstance(data, Fact) else ""
        cause = Cause(uuid5(COMPLAINT, f"news {self._count}"), COMPLAINT, NUMBER, at, by, data, type=type)
        told: list[Fact] = []

        def kept(state: Any, cause: Any) -> Any:
            after, facts = change(state, cause)
            told.extend(facts)
            return after, facts

        decide(self.draft, kept, cause, "sla")
        words = [line(fact) for fact in told]
        self.said += words
        return words

    @property
    def state(self) -> Deadlines:
        assert isinstance(self.draft.state, Deadlines)
        return self.draft.state

    def clock(self, name: str, cycle: int = 1, department: str | None = None) -> Clock:
        return next(
            each
            for each in self.state.clocks
            if (each.name, each.cycle, each.department) == (name, cycle, department)
        )


def line(fact: Any) -> str:
    """A fact of sla in short: what, of which clock, of whom."""
    name = fact.type.removeprefix("deadline.").removesuffix(".v1")
    return " ".join(filter(None, [name, fact.clock, fact.department, *getattr(fact, "roles", ())]))
