"""Calendars: which days are worked, at which hours, and for which years that is official.

Source: Civil Code of the PRC, article 203, for what a day off does to a period; the yearly notices of each
country for the days themselves.
"""

from collections.abc import Iterator
from datetime import date
from itertools import count, pairwise
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BeforeValidator, Field, field_validator

from shared.events import Key
from shared.policy.conditions import Section

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS = get_args(Weekday)
WORKED_BY_CUSTOM = frozenset(WEEKDAYS[:5])
Edge = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?|24:00)$")]
IANA = "use a time zone of the IANA database, such as Asia/Shanghai"
Shifts = tuple[tuple[Edge, Edge], ...]


def _named(given: Any) -> Any:
    """Days by their names; a plain list of days has none."""
    if isinstance(given, list | tuple | set | frozenset):
        return {str(day): "" for day in given}
    return given


Days = Annotated[
    dict[date, str], BeforeValidator(_named, json_schema_input_type=dict[date, str] | list[date])
]


class Hours(Section):
    """When work is done: `shifts` from Monday to Friday, unless `hours` name a weekday or a date.

    A shift counts its first moment, not its last; `24:00` is the end of the day, and no shifts mean no work.
    """

    shifts: Shifts = (("09:00", "18:00"),)
    hours: dict[Weekday | date, Shifts] = {}

    def of_weekday(self, weekday: Weekday) -> Shifts:
        return self.hours.get(weekday, self.shifts if weekday in WORKED_BY_CUSTOM else ())


class Calendar(Hours):
    """The official working days of a place. The highest `version` counts.

    `years` are those with an official notice (or all): what falls into another one is provisional.
    `days_off` are not worked, `days_worked` are although the weekday is not; a date in `hours` goes before
    both. `departments` have hours of their own, but no days.
    """

    calendar: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,58}$")]
    version: int = Field(1, ge=1, le=1_000_000)
    time_zone: str
    source: str = ""
    years: tuple[Annotated[int, Field(ge=1900, le=2200)], ...] | Literal["all"]
    days_off: Days = {}
    days_worked: Days = {}
    departments: dict[Key, Hours] = {}

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(IANA) from None
        if name not in available_timezones() - {"localtime"}:
            raise ValueError(IANA)
        return name

    def __hash__(self) -> int:
        return hash((self.calendar, self.version))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def official(self, first: date, last: date) -> bool:
        """Whether there is a notice for every year of this period."""
        return self.years == "all" or {*range(first.year, last.year + 1)} <= {*self.years}

    def official_until(self, day: date) -> date | None:
        """The first day from this one on without a notice; None if there is none."""
        if self.years == "all":
            return None
        until = next(year for year in count(day.year) if year not in self.years)
        return day if until == day.year else date(until, 1, 1)

    def shifts_on(self, day: date, department: str | None = None) -> Shifts:
        """The hours of a date (of a department, if it has its own); none if it is not worked."""
        hours: Hours = self.departments.get(department or "", self)
        if day in hours.hours:
            return hours.hours[day]
        if day in self.days_off:
            return ()
        if day in self.days_worked and hours.shifts:
            return hours.shifts
        return hours.of_weekday(WEEKDAYS[day.weekday()])

    def why_off(self, day: date) -> str:
        """Why a date is not worked: the name of the day off, or its weekday."""
        return self.days_off.get(day, "") or ("day off" if day in self.days_off else WEEKDAYS[day.weekday()])


def contradictions(calendar: Calendar) -> Iterator[tuple[tuple[str, ...], str]]:
    """What the form of a calendar alone cannot tell: the place, and what is wrong there."""
    houses: list[tuple[tuple[str, ...], Hours]] = [((), calendar)]
    houses += [(("departments", name), hours) for name, hours in calendar.departments.items()]
    for place, hours in houses:
        named = [((*place, "hours", str(day)), each) for day, each in hours.hours.items()]
        for where, shifts in [((*place, "shifts"), hours.shifts), *named]:
            if not _in_order(shifts):
                yield where, "shifts stand in order, each ends after its beginning, none overlaps"
        if not any(hours.of_weekday(weekday) for weekday in WEEKDAYS):
            yield place or ("shifts",), "nobody works on any weekday; give at least one of them hours"
    for name, hours in calendar.departments.items():
        if "shifts" not in hours.model_fields_set:
            yield ("departments", name), "give its shifts; none are taken over from the house"
    for day in sorted(calendar.days_off.keys() & calendar.days_worked.keys()):
        yield ("days_worked", str(day)), f"{day} stands in days_off too; keep it in one of them"


def _in_order(shifts: Shifts) -> bool:
    edges = [edge for shift in shifts for edge in shift]
    return all(opens < closes for opens, closes in shifts) and all(
        early <= late for early, late in pairwise(edges)
    )
