"""Reckoning: what the record says of one clock: whether it runs, when it is due, and how it ended.

A clock that was stopped is judged by what was known then: a grade given later does not reach back, nor does
one that was given once the cycle was over.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple, Protocol, TypeVar

from services.sla.domain.record import UNSOLVED, Clock, Deadlines, Route, Step, just_after
from shared.policy import (
    Calendar,
    ClockRule,
    Duration,
    FactValue,
    Mark,
    MarkRule,
    Pack,
    Stretch,
    Timetable,
    load,
    load_calendar,
    measured,
    stated,
    timetable,
)


class Dated(Protocol):
    """What was told at some time."""

    at: datetime


D = TypeVar("D", bound=Dated)
MOMENT = timedelta(microseconds=1)
TO_THE_END: tuple[Mark, ...] = ("answered", "fed_back", "closed")
"""Marks that every round comes to, with a solution or without."""


@dataclass(frozen=True, slots=True)
class Question:
    """A clock that there may be: of which cycle, by which rule, and whose (None: the whole complaint's)."""

    cycle: int
    name: str
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A clock's due time under a rule. `paused`: since when it stands still; None: it runs."""

    start: datetime
    due: datetime
    paused: datetime | None
    budget: Duration | datetime
    pauses: tuple[Stretch, ...]
    table: Timetable

    @property
    def provisional(self) -> bool:
        """Whether a year that it passes through has no official notice yet."""
        if not isinstance(self.budget, Duration) or not self.budget.by_calendar:
            return False
        last = max(self.start, self.due - MOMENT)  # the end of a day belongs to that day
        return not self.table.calendar.official(*map(self.table.date_of, (self.start, last)))


def reckon(
    budget: Duration | datetime | None, start: datetime, table: Timetable, pauses: Iterable[Stretch] = ()
) -> Reckoned | None:
    """The due time of a budget, or until when; None for none."""
    waits = tuple(sorted(pauses, key=lambda pause: pause[0]))
    if budget is None:
        return None
    if isinstance(budget, datetime):
        return Reckoned(start, table.local(budget), None, budget, (), table)
    due = budget.end(start, table, waits)
    if due is not None:
        return Reckoned(start, due, None, budget, waits, table)
    over = tuple(pause for pause in waits if pause[1] is not None)
    due = budget.end(start, table, over)
    assert due is not None
    still = min(since for since, until in waits if until is None)
    return Reckoned(start, due, max(still, start), budget, over, table)


def steps(rule: ClockRule, found: Reckoned) -> list[Step]:
    """What such a clock has to say, and when."""
    budget, table = found.budget, found.table
    natural = not isinstance(budget, Duration) or budget.hours is not None
    start = budget.begins(found.start, table) if isinstance(budget, Duration) else found.start
    warnings = rule.warnings(start, found.due, table, found.pauses, work=not natural)
    said = [Step(at=at, kind="warn", number=number) for number, at in enumerate(sorted(warnings))]
    said.append(Step(at=just_after(found.due), kind="breach"))
    for number, rung in enumerate(rule.ladder):
        at = rung.after.end(found.due, table) if rung.after else None
        at = max(at or found.due, just_after(found.due))
        said.append(Step(at=at, kind="escalate", number=number, role=rung.role))
    return said


class Left(NamedTuple):
    """A mark: when it was left, and when that was told."""

    at: datetime
    told: datetime


class View:
    """The record as it was known at an instant (None: as it is), under one pack."""

    def __init__(self, state: Deadlines, pack: Pack, until: datetime | None) -> None:
        self._state = state
        self._pack = pack
        self._until = until

    def reckoned_by(self, asked: Question, version: int) -> Reckoned | None:
        """When it was due by this version of the calendar, if that is still here."""
        return self.reckoned(asked, load_calendar(self._pack.calendar, version))

    def clock(self, asked: Question, stopped: datetime | None) -> Clock | None:
        """The clock, if one runs or ran; without what it has said."""
        rule = self._pack.clocks.get(asked.name)
        mine = rule is not None and rule.each_department == (asked.department is not None)
        found = self.reckoned(asked) if mine else None
        if found is None or rule is None:
            return None
        handling = rule.stop not in TO_THE_END and rule.stop not in self._pack.marks
        outcome = None if stopped is None else "met" if stopped <= found.due or found.paused else "missed"
        clock = Clock(
            cycle=asked.cycle,
            name=asked.name,
            department=asked.department,
            responsible=asked.department or self._responsible(asked, rule),
            grade=self._grade(asked.cycle),
            started=found.start,
            due=found.due,
            provisional=found.provisional,
            target=rule.target,
            internal=rule.internal,
            paused=found.paused if stopped is None else None,
            ended=ended(self._state, asked.cycle, handling=handling) if stopped is None else None,
            steps=steps(rule, found),
            stopped=stopped,
            outcome=outcome,
            calendar_version=found.table.calendar.version,
        )
        return clock.model_copy(update={"basis": basis(clock, found, self._pack)})

    def reckoned(self, asked: Question, calendar: Calendar | None = None) -> Reckoned | None:
        """When it is due, if it runs; by the newest calendar, if none is given."""
        rule = self._pack.clocks[asked.name]
        begun = mark_of(self._state, self._pack, asked, rule.start)
        if begun is None:
            return None
        facts = self._facts(asked.cycle)
        hours = self._responsible(asked, rule) if rule.hours_of else asked.department
        table = timetable(calendar or load_calendar(self._pack.calendar), hours)
        return reckon(rule.budget(facts), begun.at, table, self._pauses(asked.cycle, rule))

    def _facts(self, cycle: int) -> dict[str, FactValue]:
        registered = self._state.registered
        assert registered is not None
        given = latest(self._state.facts, self._until)
        known = stated(given.facts, self._pack.facts, self._pack.money) if given else {}
        known |= {"channel": registered.channel, "language": registered.language, "cycle": cycle}
        return measured(self._pack.measures, known | {"grade": self._grade(cycle)})

    def _grade(self, cycle: int) -> str:
        over = ended(self._state, cycle, handling=False)
        until = min((at for at in (self._until, over) if at is not None), default=None)
        given = latest(self._state.graded[cycle], until)
        assert given is not None
        return given.grade

    def _responsible(self, asked: Question, rule: ClockRule) -> str | None:
        """The department by whose hours it is counted, or else the one in the lead."""
        if rule.hours_of not in (None, "lead"):
            return rule.hours_of
        route = route_of(self._state, asked.cycle, self._until)
        return route.lead if route else None

    def _pauses(self, cycle: int, rule: ClockRule) -> Iterator[Stretch]:
        for wait in self._state.pauses.values():
            if wait.since is None or wait.cycle != cycle or wait.waits_for not in rule.pauses:
                continue
            if self._until is None or wait.since < self._until:
                until = wait.until and max(wait.since, wait.until)
                still = until is None or (self._until is not None and until > self._until)
                yield wait.since, None if still else until


def ended(state: Deadlines, cycle: int, *, handling: bool) -> datetime | None:
    """When a cycle came to its end: the complaint was closed, or reopened.

    For a clock of the `handling` also when the customer was answered without a solution: nobody will propose
    or carry out one any more.
    """
    ends = [state.marks.get(f"{cycle}:closed"), state.marks.get(f"{cycle + 1}:received")]
    if handling:
        ends.append(state.marks.get(f"{cycle}:{UNSOLVED}"))
    return min((at for at in ends if at is not None), default=None)


def basis(clock: Clock, found: Reckoned, pack: Pack) -> str:
    """What tells one way to reckon a clock from another, whatever the calendar says."""
    waits = [[str(end and end.astimezone(UTC)) for end in pause] for pause in found.pauses]
    about = (pack.pack, clock.grade, clock.responsible, clock.stopped and clock.stopped.astimezone(UTC))
    still = found.paused and found.paused.astimezone(UTC)
    all_of_it = (*about, found.budget, found.start.astimezone(UTC), waits, still)
    return blake2b(repr(all_of_it).encode(), digest_size=8).hexdigest()


def latest(told: Mapping[int, D], until: datetime | None) -> D | None:
    """The highest revision told by then; if there was none yet, the first that came."""
    known = [number for number, each in told.items() if until is None or each.at <= until]
    number = max(known) if known else min(told, default=None)
    return None if number is None else told[number]


def route_of(state: Deadlines, cycle: int, until: datetime | None = None) -> Route | None:
    return latest(state.routes.get(cycle, {}), until)


def packs(state: Deadlines) -> list[tuple[datetime | None, Pack]]:
    """The packs that held for a complaint, the newest first, and since when (None: from the beginning)."""
    assert state.registered is not None
    moves = [state.moves[number] for number in sorted(state.moves, reverse=True)]
    held = [(move.at, load(move.to.pack, move.to.pack_version)) for move in moves]
    return [*held, (None, load(state.registered.pack, state.registered.pack_version))]


def mark_of(state: Deadlines, pack: Pack, asked: Question, mark: Mark) -> Left | None:
    """When this mark was left in a cycle: by an event, or by facts where the pack says so."""
    if mark in pack.marks:
        return _left_by_facts(state, pack, asked, pack.marks[mark])
    if mark in ("accepted", "lead_received"):
        leads = {route.lead for route in state.routes.get(asked.cycle, {}).values()}
        names = [f"accepted:{each}" for each in ([asked.department] if asked.department else sorted(leads))]
    else:
        names = [f"{mark}:{asked.department}" if asked.department and mark == "dispatched" else mark]
    times = [at for name in names if (at := state.marks.get(f"{asked.cycle}:{name}"))]
    return Left(min(times), min(times)) if times else None


def _left_by_facts(state: Deadlines, pack: Pack, asked: Question, rule: MarkRule) -> Left | None:
    """By the facts told since the cycle began: what held already then, held from its beginning.

    An instant that was told may be corrected; what has once been so remains so.
    """
    began = state.marks.get(f"{asked.cycle}:received")
    found: Left | None = None
    for known in (state.facts[number] for number in sorted(state.facts) if began):
        facts, told = stated(known.facts, pack.facts, pack.money), max(known.at, began or known.at)
        at = facts.get(rule.at) if rule.at else None
        mine = isinstance(at, datetime) and (asked.cycle == 1 or began is None or at >= began)
        if isinstance(at, datetime) and mine and (found is None or found.at != at):
            found = Left(at, told)
        if rule.when and rule.when.holds(facts):
            return Left(told, told)
    return found
