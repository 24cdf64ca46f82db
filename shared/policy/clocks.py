"""Clocks: from which mark to which a time runs, how long it may, and who hears of it when it runs out."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.policy.calendar import Calendar, after_hours, end_of, end_of_days
from shared.policy.conditions import Facts, Section, Test
from shared.policy.words import Titles

Mark = Literal[
    "received", "registered", "acknowledged", "described", "screened", "dispatched", "lead_received",
    "accepted", "investigated", "proposed", "offered", "agreed", "implemented", "audited", "answered",
    "fed_back", "closed", "onsite_required", "onsite_arrived", "lead_named", "reported", "appealed",
]  # fmt: skip
"""What can have happened to a complaint; clocks run from one to another."""

Hours = Annotated[Decimal, Field(ge=0, le=100_000)]
Days = Annotated[int, Field(ge=0, le=10_000)]


class Duration(Section):
    """A length of time in exactly one unit.

    `hours` are natural hours from the moment itself; `working_hours` those of the calendar; `working_days`
    and `days` (calendar days) do not count the first day and end with the last one, which `roll` moves on to
    a working day.
    """

    hours: Hours | None = None
    working_hours: Hours | None = None
    working_days: Days | None = None
    days: Days | None = None
    roll: bool = False

    @model_validator(mode="after")
    def _one_unit(self) -> "Duration":
        units = (self.hours, self.working_hours, self.working_days, self.days)
        if sum(unit is not None for unit in units) != 1:
            raise ValueError("give exactly one of hours, working_hours, working_days, days")
        return self

    def end(self, start: datetime, calendar: Calendar) -> datetime:
        """When it is over, if it begins at `start`."""
        if self.hours is not None:
            return start + timedelta(hours=float(self.hours))
        if self.working_hours is not None:
            return after_hours(calendar, start, float(self.working_hours))
        if self.working_days is not None:
            return end_of(calendar, start, self.working_days)
        return end_of_days(calendar, start, self.days or 0, roll=self.roll)


class Before(Section):
    """A time before the end, in natural hours."""

    hours: Annotated[Decimal, Field(gt=0, le=100_000)]


class Rung(Section):
    """A rung of the ladder: which role hears how long after the breach (None: at once)."""

    role: str
    after: Duration | None = None


class ClockRule(Section):
    """A deadline from the mark `start` to the mark `stop`, by grade of the first scheme or `default`.

    With `customer_deadline` the instant that the customer named counts instead, where there is one. With
    `when` the clock runs only for such complaints, always from its start mark, be that long past. It stands
    still while the complaint waits for someone in `pauses`. `warn` is a share of the time, or a time before
    the end. Breaching a `target` is counted, but nobody is called.
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
    clause: str = ""

    @model_validator(mode="after")
    def _due(self) -> "ClockRule":
        if not self.due and not self.customer_deadline:
            raise ValueError("give due, or customer_deadline where only the customer (or a person) names it")
        return self

    def budget(self, grade: str) -> Duration | None:
        return self.due.get(grade) or self.due.get("default")

    def end(self, start: datetime, facts: Facts, calendar: Calendar) -> datetime | None:
        """When it is due for a complaint with these facts, its grade among them.

        None if it does not run for such a complaint, or if only a person can say.
        """
        customer = facts.get("customer_deadline")
        if not self.when.holds(facts):
            return None
        if self.customer_deadline and isinstance(customer, datetime):
            return customer
        budget = self.budget(str(facts.get("grade")))
        return budget.end(start, calendar) if budget else None

    def warnings(self, start: datetime, due: datetime) -> Iterator[datetime]:
        """When to warn."""
        for each in self.warn:
            match each:
                case Before(hours=hours):
                    yield due - timedelta(hours=float(hours))
                case share:
                    yield start + (due - start) * float(share)
