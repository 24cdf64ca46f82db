"""Calendars: which days are worked, and when a number of working days is over.

Source: Civil Code of the PRC, articles 201 and 203: the day of receipt is not counted, and a period ends with
its last day.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.policy import Calendar


def works(calendar: Calendar, day: date) -> bool:
    return day in calendar.days_worked or (day.weekday() < 5 and day not in calendar.days_off)


def end_of(calendar: Calendar, start: datetime, working_days: int) -> datetime:
    """The end (midnight) of the `working_days`th working day after the day of `start`."""
    zone = ZoneInfo(calendar.time_zone)
    day = start.astimezone(zone).date()
    while working_days > 0:
        day += timedelta(days=1)
        working_days -= works(calendar, day)
    return datetime.combine(day + timedelta(days=1), time.min, zone)
