"""Working days on the official calendar of mainland China; facts from the State Council's notices."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.policy import Duration, load_calendar, timetable, works

CHINA = load_calendar("cn-mainland")
ZONE = ZoneInfo("Asia/Shanghai")

CASES = [
    # received, working days, last day (its end is the due time)
    ("2026-09-24T10:00", 5, "2026-10-09"),
    ("2026-09-24T10:00", 6, "2026-10-10"),
    ("2026-09-18T17:59", 1, "2026-09-20"),
    ("2026-09-18T17:59", 5, "2026-09-24"),
    ("2026-02-13T16:00", 1, "2026-02-14"),
    ("2026-02-13T16:00", 5, "2026-02-27"),
    ("2026-02-09T10:00", 5, "2026-02-14"),
    ("2026-04-30T09:00", 5, "2026-05-11"),
    ("2026-09-30T17:00", 5, "2026-10-13"),
    ("2026-11-20T08:00", 5, "2026-11-27"),
]


def end_of(start: datetime, working_days: int) -> datetime | None:
    return Duration(working_days=working_days).end(start, timetable(CHINA))


@pytest.mark.parametrize(("received", "days", "last"), CASES)
def test_the_last_day_ends_the_period(received: str, days: int, last: str) -> None:
    due = end_of(datetime.fromisoformat(received).replace(tzinfo=ZONE), days)
    assert due == datetime.combine(date.fromisoformat(last) + timedelta(days=1), datetime.min.time(), ZONE)


def test_the_day_is_that_of_the_calendars_zone() -> None:
    late = datetime.fromisoformat("2026-09-17T23:30:00+00:00")  # already the 18th in Shanghai
    assert end_of(late, 1) == end_of(datetime(2026, 9, 18, 12, tzinfo=ZONE), 1)


def test_make_up_days_are_worked_and_holidays_are_not() -> None:
    assert works(CHINA, date(2026, 9, 20))
    assert not works(CHINA, date(2026, 10, 1))
    assert works(CHINA, date(2026, 11, 20))
    assert not works(CHINA, date(2026, 11, 21))
