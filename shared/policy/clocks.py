"""Clocks: from which mark to which a time runs, how long it may, and who hears of it when it runs out.

Source: Civil Code of the PRC, articles 201 and 203: the day of receipt is not counted, hours run from the
moment itself, and a period in days ends with its last day. `docs/deadlines.md` names every rule.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.policy.calendar import Calendar
from shared.policy.conditions import Facts, Section, Test
from shared.policy.words import Titles
from shared.policy.working_time import DAY, ZERO, Timetable, timetable

Mark = Literal[
    "received", "registered", "acknowledged", "described", "screened", "dispatched", "lead_received",
    "accepted", "investigated", "proposed", "offered", "agreed", "implemented", "audited", "answered",
    "fed_back", "closed", "onsite_required", "onsite_arrived", "lead_named", "reported", "appealed",
]  # fmt: skip
"""What can have happened to a complaint; clocks run from one to another."""

Hours = Annotated[Decimal, Field(ge=0, le=100_000)]
Days = Annotated[int, Field(ge=0, le=10_000)]
Unit = Literal["hours", "working_hours", "working_days", "days"]
Stretch = tuple[datetime, datetime | None]
"""From when until when a clock runs, or stands still; None: no end is known."""


def running(start: datetime, pauses: Sequence[Stretch]) -> Iterator[Stretch]:
    """The stretches in which a clock that began at `start` runs, around pauses in whatever order."""
    at: datetime | None = start.astimezone(UTC)
    waits = ((since.astimezone(UTC), until and until.astimezone(UTC)) for since, until in pauses)
    for since, until in sorted(waits, key=lambda wait: wait[0]):
        if at is None or (until is not None and until <= at):
            continue
        if since > at:
            yield at, since
        at = until
    if at is not None:
        yield at, None


class Duration(Section):
    """A length of time in exactly one unit.

    `hours` are natural hours from the moment itself; `working_hours` those of the calendar. Of
    `working_days` and `days` (of the calendar on the wall) one counts if the clock ran already before it
    began. The last one ends at midnight, or as `ends` says: with its last shift, or at the time of day of
    the start; `roll` moves an end on to a working day. With `from_opening`, a start while nobody works
    counts as the next opening.
    """

    hours: Hours | None = None
    working_hours: Hours | None = None
    working_days: Days | None = None
    days: Days | None = None
    roll: bool = False
    ends: Literal["midnight", "closing", "same_time"] = "midnight"
    from_opening: bool = False

    @model_validator(mode="after")
    def _one_unit(self) -> "Duration":
        units = (self.hours, self.working_hours, self.working_days, self.days)
        if sum(unit is not None for unit in units) != 1:
            raise ValueError("give exactly one of hours, working_hours, working_days, days")
        if (self.hours, self.working_hours) != (None, None) and (self.roll or self.ends != "midnight"):
            raise ValueError("roll and ends say how a last day ends; hours have none")
        return self

    @property
    def by_calendar(self) -> bool:
        """Whether it asks which days are worked, so that a calendar without notice makes it provisional."""
        by_shifts = self.roll or self.from_opening or self.ends == "closing"
        return by_shifts or (self.hours is None and self.days is None)

    @property
    def amount(self) -> "tuple[Unit, Decimal]":
        """Its unit, and how much of it: seconds of hours, or days."""
        if self.hours is not None:
            return "hours", _seconds(self.hours)
        if self.working_hours is not None:
            return "working_hours", _seconds(self.working_hours)
        if self.working_days is not None:
            return "working_days", Decimal(self.working_days)
        return "days", Decimal(self.days or 0)

    def begins(self, start: datetime, table: Timetable) -> datetime:
        """From which instant it is counted."""
        return table.after(start, ZERO) if self.from_opening else start

    def end(self, start: datetime, table: Timetable, pauses: Sequence[Stretch] = ()) -> datetime | None:
        """When it is over, if it begins at `start`; None while it stands still without an end in sight."""
        begins = self.begins(start, table)
        if self.hours is not None:
            return _after_hours(begins, _span(self.hours), pauses, table)
        if self.working_hours is not None:
            return _after_work(begins, _span(self.working_hours), pauses, table)
        return self._last_moment(begins, table, pauses)

    def _last_moment(self, start: datetime, table: Timetable, pauses: Sequence[Stretch]) -> datetime | None:
        """The end of the last day; if the clock stands still then, of the day on which it goes on."""
        left, day = self.working_days if self.days is None else self.days, table.date_of(start)
        assert left is not None
        due = None if left else self._end_of(day, start, table)
        for since, until in running(start, pauses):
            if due is None:
                first = table.date_of(since)
                day = first + left * DAY if self.days is not None else table.day_after(first, left)
                if until is not None and day > table.date_of(until):
                    left -= self._days(first, table.date_of(until), table)
                    continue
                due = self._end_of(day, start, table)
            elif since > start and due <= since:
                due = self._on_going_on(day, since, start, table)
            if until is None or due <= until:
                return due
        return None

    def _days(self, first: date, last: date, table: Timetable) -> int:
        return table.days(first, last) if self.days is None else (last - first).days

    def _on_going_on(self, last: date, since: datetime, start: datetime, table: Timetable) -> datetime:
        """The end of the last day, or of the first after it that ends once the clock has gone on."""
        day = max(last, table.date_of(since))
        while (due := self._end_of(self._counted(day, last, table), start, table)) <= since:
            day += DAY
        return due

    def _counted(self, day: date, last: date, table: Timetable) -> date:
        """The day itself, or the next one that could have been the last."""
        return day if day == last or self.days is not None or table.works(day) else table.day_after(day, 1)

    def _end_of(self, day: date, start: datetime, table: Timetable) -> datetime:
        if self.roll and not table.works(day):
            day = table.day_after(day, 1)
        if self.ends == "closing":
            return max(table.closing(day), table.local(start))
        if self.ends == "midnight":
            return table.midnight(day + DAY)
        at = datetime.combine(day, start.astimezone(table.zone).time(), table.zone)
        return table.after(at, ZERO) if self.days is None or self.roll else table.local(at)


def _span(hours: Decimal) -> timedelta:
    return timedelta(microseconds=round(hours * 3_600_000_000))


def _seconds(hours: Decimal) -> Decimal:
    return Decimal(_span(hours) // timedelta(microseconds=1)) / 1_000_000


def _after_hours(
    start: datetime, left: timedelta, pauses: Sequence[Stretch], table: Timetable
) -> datetime | None:
    for since, until in running(start, pauses):
        if until is None or since + left <= until:
            return table.local(since + left)
        left -= until - since
    return None


def _after_work(
    start: datetime, left: timedelta, pauses: Sequence[Stretch], table: Timetable
) -> datetime | None:
    for since, until in running(start, pauses):
        if until is None:
            return table.after(since, left)
        worked = table.worked(since, until)
        if worked and left <= worked:
            return table.after(since, left)
        left -= worked
    return None


def worked(start: datetime, end: datetime, pauses: Sequence[Stretch], table: Timetable) -> timedelta:
    """The working time between two instants in which a clock ran."""
    stretches = running(start, pauses)
    return sum((table.worked(since, min(until or end, end)) for since, until in stretches), ZERO)


class MarkRule(Section):
    """What else leaves a mark: facts that first are as in `when`, or the instant that the fact `at` names."""

    when: Test | None = None
    at: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "MarkRule":
        if (self.when is None) == (self.at is None):
            raise ValueError("give exactly one of when, at")
        return self


class Before(Section):
    """A time before the end, in natural or in working hours."""

    hours: Annotated[Decimal, Field(gt=0, le=100_000)] | None = None
    working_hours: Annotated[Decimal, Field(gt=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> "Before":
        if (self.hours is None) == (self.working_hours is None):
            raise ValueError("give exactly one of hours, working_hours")
        return self

    def of(self, end: datetime, table: Timetable) -> datetime:
        """The instant so long before `end`."""
        if self.working_hours is not None:
            return table.before(end, _span(self.working_hours))
        return table.local(end.astimezone(UTC) - _span(self.hours or Decimal(0)))


class Rung(Section):
    """A rung of the ladder: which role hears how long after the breach (None: at once)."""

    role: str
    after: Duration | None = None


class ClockRule(Section):
    """A deadline from the mark `start` to the mark `stop`, by grade of the first scheme or `default`.

    With `customer_deadline` the instant that the customer named counts instead, where there is one. With
    `when` the clock runs only for such complaints, always from its start mark, be that long past. It stands
    still while the complaint waits for someone in `pauses`. `warn` is a share of the time, or a time before
    the end. Breaching a `target` is counted, but nobody is called; `internal` is between departments and
    nothing that a customer was promised. `hours_of` names the department by whose hours it is counted
    (`lead`: the one in the lead), `each_department` makes a clock for every one that must answer.
    """

    title: Titles
    start: Mark
    stop: Mark
    due: dict[str, Duration] = {}
    customer_deadline: bool = False
    when: Test = Test()
    pauses: tuple[Literal["customer", "third_party"], ...] = ()
    warn: tuple[Annotated[Decimal, Field(gt=0, lt=1)] | Before, ...] = ()
    ladder: tuple[Rung, ...] = ()
    internal: bool = False
    target: bool = False
    hours_of: str | None = None
    each_department: bool = False
    clause: str = ""

    @model_validator(mode="after")
    def _due(self) -> "ClockRule":
        if not self.due and not self.customer_deadline:
            raise ValueError("give due, or customer_deadline where only the customer (or a person) names it")
        if self.target and self.ladder:
            raise ValueError("a target calls nobody; leave out target or ladder")
        return self

    def budget(self, facts: Facts) -> Duration | datetime | None:
        """How long it may run for a complaint with these facts (its grade among them), or until when.

        None if it does not run for such a complaint, or if only a person can say.
        """
        if not self.when.holds(facts):
            return None
        customer = facts.get("customer_deadline")
        if self.customer_deadline and isinstance(customer, datetime):
            return customer
        return self.due.get(str(facts.get("grade"))) or self.due.get("default")

    def end(self, start: datetime, facts: Facts, calendar: Calendar, lead: str | None) -> datetime | None:
        """When it is due for a complaint with these facts that never waits; None as for `budget`."""
        budget, whose = self.budget(facts), lead if self.hours_of == "lead" else self.hours_of
        return budget.end(start, timetable(calendar, whose)) if isinstance(budget, Duration) else budget

    def warnings(
        self, start: datetime, due: datetime, table: Timetable, pauses: Sequence[Stretch] = (), *, work: bool
    ) -> list[datetime]:
        """When to warn: `work` says whether a share is one of the working time until then, or of all time."""
        return [
            each.of(due, table)
            if isinstance(each, Before)
            else share(each, start, due, table, pauses, work=work)
            for each in self.warn
        ]


def share(
    part: Decimal, start: datetime, due: datetime, table: Timetable, pauses: Sequence[Stretch], *, work: bool
) -> datetime:
    """When this part of the time between two instants has run."""
    if work and (done := worked(start, due, pauses, table)):
        return _after_work(start, done * float(part), pauses, table) or due
    end = due.astimezone(UTC)
    ran = sum((min(until or end, end) - min(since, end) for since, until in running(start, pauses)), ZERO)
    return _after_hours(start, ran * float(part), pauses, table) or due
