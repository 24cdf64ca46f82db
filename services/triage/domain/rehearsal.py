"""Rehearsal: what a changed pack would make of the gradings on record, and of their open deadlines."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.triage.domain import outcome
from services.triage.domain.case import Case
from services.triage.domain.grading import pack_of
from services.triage.domain.record import Grading
from shared.events import ComplaintGraded
from shared.policy import Pack, load_calendar
from shared.problems import Invalid

EXAMPLES = 20


class Change(BaseModel):
    """How many complaints would go from one value to another."""

    of: str
    before: str
    after: str
    complaints: int


class Move(BaseModel):
    """An open deadline that would move; None: there would be none."""

    complaint: UUID
    clock: str
    before: AwareDatetime
    after: AwareDatetime | None


class Example(BaseModel):
    """A complaint that would be graded otherwise."""

    complaint: UUID
    number: str
    before: dict[str, str]
    after: dict[str, str]


class Rehearsed(BaseModel):
    """The result. `gradings` were replayed, `changed` of them would come out otherwise.

    Texts are not kept, so other cues change nothing here. `unreadable` hold a fact in a form that the pack
    does not take; `alone` belong to series that the pack would form anew and are counted without neighbours.
    Deadlines that run already stay as they are; those that would move are what new ones would be.
    """

    gradings: int = 0
    changed: int = 0
    unreadable: int = 0
    alone: int = 0
    changes: list[Change] = []
    examples: list[Example] = []
    deadlines_open: int = 0
    deadlines_moved: int = 0
    moves: list[Move] = []


class Rehearsal:
    """A changed pack, applied to one grading after the other; keeps counts and some examples, no more."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._changes: Counter[tuple[str, str, str]] = Counter()
        self._told = Rehearsed()

    @property
    def told(self) -> Rehearsed:
        changes = [
            Change(of=of, before=before, after=after, complaints=count)
            for (of, before, after), count in self._changes.most_common()
        ]
        return self._told.model_copy(update={"changes": changes})

    def play(self, id: UUID, state: Grading) -> ComplaintGraded | None:
        """Grade one complaint anew; None if it cannot be."""
        before = state.latest(state.cycle)
        if before is None:
            return None
        self._told.gradings += 1
        try:
            case = Case.of(state, state.cycle, self.pack)
            after = outcome.graded(case)
        except Invalid:
            self._told.unreadable += 1
            return None
        self._compare(id, state, before, after)
        self._told.alone += case.waits
        self._move(id, state, case, after.grade, before.grade)
        return after

    def _compare(self, id: UUID, state: Grading, before: ComplaintGraded, after: ComplaintGraded) -> None:
        old, new = results(before), results(after)
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        self._changes.update((name, old.get(name, "–"), new.get(name, "–")) for name in names)
        if names:
            self._told.changed += 1
            if len(self._told.examples) < EXAMPLES:
                told = {
                    "before": {n: old[n] for n in names if n in old},
                    "after": {n: new[n] for n in names if n in new},
                }
                self._told.examples.append(Example(complaint=id, number=state.number, **told))

    def _move(self, id: UUID, state: Grading, case: Case, after: str, before: str) -> None:
        """Compare what the present pack and the changed one make of every open clock."""
        present = pack_of(state)
        for name, start in running(state, present):
            now = due(present, case, name, start, before)
            if now is None:
                continue
            self._told.deadlines_open += 1
            then = due(self.pack, case, name, start, after)
            if then != now:
                self._told.deadlines_moved += 1
                if len(self._told.moves) < EXAMPLES:
                    self._told.moves.append(Move(complaint=id, clock=name, before=now, after=then))


def running(state: Grading, pack: Pack) -> Iterator[tuple[str, datetime]]:
    """The clocks of the present cycle that have begun and not ended, and when they began.

    The acknowledgement is left out: it follows at once, and triage does not hear of it.
    """
    own = f"{state.cycle}:"
    marks = {key.removeprefix(own): at for key, at in state.marks.items() if key.startswith(own)}
    graded = [each.at for each in state.records if each.graded.cycle == state.cycle]
    if graded and state.cycle in state.routes:
        marks["dispatched"] = max(graded[0], marks.get("screened", graded[0]))
    if "closed" in marks:
        return
    for name, rule in pack.clocks.items():
        if rule.start in marks and rule.stop not in marks and rule.stop != "acknowledged":
            yield name, marks[rule.start]


def due(pack: Pack, case: Case, clock: str, start: datetime, grade: str) -> datetime | None:
    """When a clock that began so would be due under a pack; None if it would not run."""
    rule, facts = pack.clocks.get(clock), case.facts | {"grade": grade}
    lead, _ = pack.route_of(facts)
    return rule.end(start, facts, load_calendar(pack.calendar), lead) if rule else None


def results(graded: ComplaintGraded) -> dict[str, str]:
    """What a judgement comes to: a grade for each scheme, the class, the open questions."""
    grades = graded.grades or {"grade": graded.grade}
    return grades | {"class": graded.class_, "pending": ", ".join(graded.pending)}
