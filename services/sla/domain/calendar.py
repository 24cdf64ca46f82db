"""Calendars: which days are worked, and when a number of working days is over.

Source: Civil Code of the PRC, articles 201 and 203: the day of receipt is not counted, and a period ends with
its last day. Days off and make-up days are the State Council's yearly notices, as data in `calendars/`.
"""

from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict

from shared.problems import Invalid

FOLDER = Path(__file__).parents[1] / "calendars"


class Calendar(BaseModel):
    """Monday to Friday, less `days_off`, plus `days_worked`; `years` are those with a notice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calendar: str
    time_zone: str
    years: tuple[int, ...]
    days_off: frozenset[date]
    days_worked: frozenset[date]

    def works(self, day: date) -> bool:
        return day in self.days_worked or (day.weekday() < 5 and day not in self.days_off)

    def end_of(self, start: datetime, working_days: int) -> datetime:
        """The end (midnight) of the `working_days`th working day after the day of `start`."""
        zone = ZoneInfo(self.time_zone)
        day = start.astimezone(zone).date()
        while working_days > 0:
            day += timedelta(days=1)
            working_days -= self.works(day)
        return datetime.combine(day + timedelta(days=1), time.min, zone)


@cache
def load(name: str) -> Calendar:
    """The calendar of this name. Raises Invalid if there is none."""
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise Invalid(f"There is no calendar {name!r}")
    return Calendar.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
