"""What is asked of a calendar at the command line: instants, lengths of time, pauses; and the answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from zoneinfo import ZoneInfo

from shared.policy import Calendar, Duration, Stretch, Timetable, running, timetable
from shared.policy.clocks import Unit, worked
from shared.problems import Invalid, fitting

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(wh|wd|h|m|d)")
_UNITS = {"h": "hours", "m": "hours", "wh": "working_hours", "wd": "working_days", "d": "days"}
_MINUTES = Context(prec=25, rounding=ROUND_CEILING)
_FINEST = Decimal("0.000001")
_MOMENT = timedelta(microseconds=1)


def instant(given: str, zone: ZoneInfo) -> datetime:
    """ISO 8601; without an offset it is in the zone. Raises Invalid."""
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise Invalid(f"{given} is no time; write it as 2026-09-30T16:00 or 2026-09-30T16:00+08:00") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def length(given: str, *, ends: str, roll: bool, from_opening: bool) -> Duration:
    """24h, 90m, 8wh, 5wd or 15d. Raises Invalid."""
    found = _LENGTH.fullmatch(given.strip().lower())
    if found is None:
        told = "24h or 90m (natural), 8wh (working hours), 5wd (working days), 15d (calendar days)"
        raise Invalid(f"{given} is no length of time; write it as {told}")
    amount = Decimal(found[1])
    if found[2] == "m":
        amount = _MINUTES.divide(amount, Decimal(60))
    with fitting(f"{given} cannot be counted like that"):
        return Duration.model_validate(
            {_UNITS[found[2]]: amount, "ends": ends, "roll": roll, "from_opening": from_opening}
        )


def pauses(given: Sequence[str], zone: ZoneInfo) -> list[Stretch]:
    """A..B, or A.. without an end. Raises Invalid."""
    return [_pause(each, zone) for each in given]


def _pause(given: str, zone: ZoneInfo) -> Stretch:
    since, dots, until = given.partition("..")
    if not dots:
        raise Invalid(f"--pause {given} is none; write it as 2026-09-30T16:00..2026-10-09T10:00")
    stretch = instant(since, zone), instant(until, zone) if until else None
    if stretch[1] is not None and stretch[1] < stretch[0]:
        raise Invalid(f"--pause {given} ends before it begins")
    return stretch


def table_of(calendar: Calendar, department: str | None) -> Timetable:
    """The timetable of a department with hours of its own, or of the house. Raises Invalid."""
    if department is not None and department not in calendar.departments:
        known = ", ".join(calendar.departments)
        told = f"use one of {known}" if known else "none has; leave out --department"
        raise Invalid(f"{department} has no hours of its own in {calendar.calendar}; {told}")
    return timetable(calendar, department)


@dataclass(frozen=True)
class Due:
    """When something is due. Without `due` it stands still since `paused`."""

    table: Timetable
    start: datetime
    budget: Duration
    pauses: Sequence[Stretch]
    due: datetime | None

    @property
    def amount(self) -> tuple[Unit, Decimal]:
        """The budget's unit, and how much of it, in whole microseconds or days."""
        unit, amount = self.budget.amount
        return unit, amount if "days" in unit else amount.quantize(_FINEST, ROUND_FLOOR)

    @property
    def paused(self) -> datetime:
        """Since when it stands still."""
        return max(self.start, min(since for since, until in self.pauses if until is None))

    @property
    def unofficial(self) -> list[int]:
        """The years without a notice that it passes through, if it matters which days are worked."""
        years = self.table.calendar.years
        if self.due is None or not self.budget.by_calendar or years == "all":
            return []
        last = max(self.start, self.due - _MOMENT)
        first = self.table.date_of(self.start).year
        return [year for year in range(first, self.table.date_of(last).year + 1) if year not in years]


def due(table: Timetable, start: datetime, budget: Duration, pauses: Sequence[Stretch]) -> Due:
    """The answer to START and DURATION. Raises Invalid where time as we count it ends."""
    try:
        found = budget.end(start, table, pauses)
    except (OverflowError, ValueError):
        raise Invalid("That is later than any date there is; give a shorter time") from None
    return Due(table, start.astimezone(table.zone), budget, pauses, found and found.astimezone(table.zone))


@dataclass(frozen=True)
class Between:
    """What lies between two instants, without the pauses."""

    worked: timedelta
    working_days: int
    natural: timedelta


def between(table: Timetable, start: datetime, end: datetime, pauses: Sequence[Stretch]) -> Between:
    """The working days are those after the start, up to and with the end. Raises Invalid."""
    if end < start:
        raise Invalid("The end comes before the start; exchange them")
    runs = [(since, min(until or end, end)) for since, until in running(start, pauses) if since < end]
    return Between(
        worked(start, end, pauses, table),
        sum(table.days(table.date_of(since), table.date_of(until)) for since, until in runs),
        sum((until.astimezone(UTC) - since for since, until in runs), timedelta(0)),
    )
