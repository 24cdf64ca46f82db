"""Calendars: which days and hours are worked, and when a number of them is over.

Source: Civil Code of the PRC, articles 201 and 203: the day of receipt is not counted, hours run from the
moment itself, and a period in days ends with its last day.
"""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from shared.policy.conditions import Section

DAY = timedelta(days=1)


class Calendar(Section):
    """The weekdays worked, less `days_off`, plus `days_worked`; `years` are those with an official notice.

    `shifts` are the hours worked on each such day, `weekdays` count from Monday = 0.
    """

    calendar: str
    time_zone: str
    source: str = ""
    years: tuple[int, ...]
    weekdays: frozenset[Annotated[int, Field(ge=0, le=6)]] = frozenset(range(5))
    days_off: frozenset[date] = frozenset()
    days_worked: frozenset[date] = frozenset()
    shifts: Annotated[tuple[tuple[time, time], ...], Field(min_length=1)] = ((time(9), time(18)),)

    @model_validator(mode="after")
    def _in_order(self) -> "Calendar":
        ends = [edge for shift in self.shifts for edge in shift]
        if any(early >= late for early, late in pairwise(ends)):
            raise ValueError("shifts stand in order, each ends after its beginning, none overlaps")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def works(calendar: Calendar, day: date) -> bool:
    return day in calendar.days_worked or (
        day.weekday() in calendar.weekdays and day not in calendar.days_off
    )


def end_of(calendar: Calendar, start: datetime, working_days: int) -> datetime:
    """The end (midnight) of the `working_days`th working day after the day of `start`."""
    day = start.astimezone(calendar.zone).date()
    while working_days > 0:
        day += DAY
        working_days -= works(calendar, day)
    return _end(calendar, day)


def end_of_days(calendar: Calendar, start: datetime, days: int, *, roll: bool) -> datetime:
    """The end of the `days`th day after the day of `start`; rolled on to a working day if asked for."""
    day = start.astimezone(calendar.zone).date() + days * DAY
    while roll and not works(calendar, day):
        day += DAY
    return _end(calendar, day)


def after_hours(calendar: Calendar, start: datetime, hours: float) -> datetime:
    """When so many working hours have passed since `start`."""
    left, day = timedelta(hours=hours), start.astimezone(calendar.zone).date()
    while True:
        for opens, closes in calendar.shifts if works(calendar, day) else ():
            begin = max(start, datetime.combine(day, opens, calendar.zone))
            end = datetime.combine(day, closes, calendar.zone)
            if end - begin >= left:
                return begin + left
            left -= max(end - begin, timedelta(0))
        day += DAY


def _end(calendar: Calendar, day: date) -> datetime:
    return datetime.combine(day + DAY, time.min, calendar.zone)
