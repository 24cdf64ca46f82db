"""Calculation: what would be due when, and how a due time was counted, interval by interval."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.sla.domain.deadlines import views
from services.sla.domain.reckoning import Question, Reckoned, reckon, steps
from services.sla.domain.record import Clock, Deadlines
from shared.events import Instant, Party
from shared.policy import (
    ClockRule,
    Duration,
    Interval,
    Mark,
    Pack,
    Timetable,
    facts_from,
    intervals_of,
    load_calendar,
    timetable,
    verdicts,
)
from shared.problems import Fault, Invalid

Unit = Literal["hours", "working_hours", "working_days", "days", "customer_deadline"]


class Wait(BaseModel):
    """A wait in which the clock stands still; without `until` it goes on."""

    model_config = ConfigDict(extra="forbid")

    waits_for: Party = "customer"
    since: Instant
    until: Instant | None = None

    @model_validator(mode="after")
    def _forwards(self) -> "Wait":
        if self.until is not None and self.until < self.since:
            raise ValueError("a wait ends after its beginning")
        return self


class Calculation(BaseModel):
    """What is asked: the clocks of a `pack` for such facts, or one `duration`; nothing is stored.

    Without `marks` every clock of the pack begins at `start`, with them only those whose mark is given.
    """

    model_config = ConfigDict(extra="forbid")

    start: Instant | None = Field(None, description="Default: now")
    pack: str | None = Field(None, max_length=100)
    version: int | None = Field(None, ge=1, le=1_000_000, description="Of the pack; default: the newest")
    facts: dict[str, Any] = Field({}, max_length=100)
    grade: str | None = Field(None, description="Default: what the pack makes of the facts")
    marks: dict[Mark, Instant] = {}
    duration: Duration | None = None
    calendar: str | None = Field(None, max_length=100, description="Default: the pack's")
    department: str | None = Field(None, max_length=100, description="The one in the lead, or by whose hours")
    pauses: list[Wait] = Field([], max_length=100)

    @model_validator(mode="after")
    def _one(self) -> "Calculation":
        if (self.pack is None) == (self.duration is None):
            raise ValueError("give exactly one of pack, duration")
        if self.duration is not None and self.calendar is None:
            raise ValueError("a duration needs a calendar")
        return self


class Explanation(BaseModel):
    """How a due time was counted. `budget` and `total` are seconds of hours, else days; both are equal.

    Once the clock stands still, `paused` says since when, and what is counted is what would be if it went on.
    """

    calendar: str
    unit: Unit
    budget: Decimal | None = None
    total: Decimal | None = None
    paused: AwareDatetime | None = None
    intervals: list[Interval] = []


class Step(BaseModel):
    """A warning, the breach, or a rung of the ladder, and when it would come."""

    at: AwareDatetime
    kind: str
    role: str | None = None


class Calculated(BaseModel):
    """A clock as it would be; without `due` it does not run for such a complaint, or a person must say."""

    clock: str | None = None
    start: AwareDatetime
    due: AwareDatetime | None = None
    provisional: bool = False
    steps: list[Step] = []
    explanation: Explanation | None = None


def calculate(asked: Calculation, pack: Pack | None, now: datetime) -> list[Calculated]:
    """Everything that is asked for. Raises Invalid for facts, grades or calendars that there are not."""
    start = asked.start or now
    if pack is None:
        table = _table(asked, asked.calendar or "", asked.department)
        waits = [(each.since, each.until) for each in asked.pauses]
        return [_calculated(None, start, reckon(asked.duration, start, table, waits))]
    facts: dict[str, Any] = dict(facts_from(pack, asked.facts))
    facts["grade"] = asked.grade or verdicts(pack, facts, {})[next(iter(pack.schemes))].grade
    _check_grade(pack, facts["grade"])
    lead, _ = pack.route_of(facts)
    marks = asked.marks or {rule.start: start for rule in pack.clocks.values()}
    found = []
    for name, rule in pack.clocks.items():
        if rule.start in marks:
            own = asked.department if rule.each_department else asked.department or lead
            whose = own if rule.each_department or rule.hours_of == "lead" else rule.hours_of
            waits = [(each.since, each.until) for each in asked.pauses if each.waits_for in rule.pauses]
            table = _table(asked, asked.calendar or pack.calendar, whose, pack)
            due = reckon(rule.budget(facts), marks[rule.start], table, waits)
            found.append(_calculated(name, marks[rule.start], due, rule))
    return found


def _table(asked: Calculation, name: str, department: str | None, pack: Pack | None = None) -> Timetable:
    calendar = load_calendar(name)
    known = {*calendar.departments, *(pack.departments if pack else ())}
    if asked.department is not None and asked.department not in known:
        told = f"use one of {', '.join(sorted(known))}" if known else "this calendar has none of its own"
        fault = Fault(detail=told, pointer="#/department")
        raise Invalid(f"There is no department {asked.department}", [fault])
    return timetable(calendar, department)


def _check_grade(pack: Pack, grade: str) -> None:
    if grade not in pack.scheme.grades:
        known = ", ".join(pack.scheme.grades)
        raise Invalid(
            f"The pack {pack.pack} has no grade {grade}",
            [Fault(detail=f"use one of {known}", pointer="#/grade")],
        )


def _calculated(
    name: str | None, start: datetime, found: Reckoned | None, rule: ClockRule | None = None
) -> Calculated:
    if found is None:
        return Calculated(clock=name, start=start)
    said = steps(rule, found) if rule else []
    return Calculated(
        clock=name,
        start=start,
        due=found.due,
        provisional=found.provisional,
        steps=[Step.model_validate(each.model_dump(include={"at", "kind", "role"})) for each in said],
        explanation=explain(found),
    )


def explain(found: Reckoned) -> Explanation:
    """How a due time was counted."""
    calendar = f"{found.table.calendar.calendar}/{found.table.calendar.version}"
    if not isinstance(found.budget, Duration):
        return Explanation(calendar=calendar, unit="customer_deadline")
    unit, budget = found.budget.amount
    counted = intervals_of(found.budget, found.start, found.due, found.table, found.pauses)
    return Explanation(
        calendar=calendar,
        unit=unit,
        budget=budget,
        total=sum((each.amount for each in counted), Decimal(0)),
        paused=found.paused,
        intervals=counted,
    )


def explained(state: Deadlines, clock: Clock) -> Explanation | None:
    """How the due time of a complaint's clock was counted; None for one that does not count any more."""
    asked = Question(clock.cycle, clock.name, clock.department)
    version = clock.calendar_version
    found: Iterator[Reckoned | None] = (view.reckoned_by(asked, version) for view, _ in views(state, asked))
    counted = next((each for each in found if each is not None and each.due == clock.due), None)
    return explain(counted) if counted else None
