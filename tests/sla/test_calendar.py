"""Working days on the official calendar of mainland China; facts from the State Council's notices."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.copies import Copies, Copy
from shared.mongo import Store
from shared.policy import (
    Calendar,
    Draft,
    Duration,
    activate,
    calendar_draft,
    draft_of,
    load,
    load_calendar,
    timetable,
)
from shared.problems import Invalid

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
    assert timetable(CHINA).works(date(2026, 9, 20))
    assert not timetable(CHINA).works(date(2026, 10, 1))
    assert timetable(CHINA).works(date(2026, 11, 20))
    assert not timetable(CHINA).works(date(2026, 11, 21))


ACME: dict[str, Any] = {
    "calendar": "acme",
    "version": 1,
    "time_zone": "Asia/Shanghai",
    "years": "all",
    "shifts": [["09:00", "12:00"], ["13:30", "18:00"]],
    "hours": {"sat": [["09:00", "12:00"]], "2026-02-13": [["09:00", "12:00"]]},
    "days_off": ["2026-02-16"],
    "days_worked": {"2026-02-15": "make-up"},
    "departments": {"hotline": {"shifts": [["08:00", "22:00"]]}},
}


def test_shifts_half_days_and_departments_each_have_their_hours() -> None:
    acme = Calendar.model_validate(ACME)
    assert acme.shifts_on(date(2026, 2, 12)) == (("09:00", "12:00"), ("13:30", "18:00"))
    assert acme.shifts_on(date(2026, 2, 13)) == acme.shifts_on(date(2026, 2, 14)) == (("09:00", "12:00"),)
    assert acme.shifts_on(date(2026, 2, 15)) == acme.shifts
    assert acme.shifts_on(date(2026, 2, 16)) == ()
    assert acme.shifts_on(date(2026, 2, 12), "hotline") == (("08:00", "22:00"),)
    assert acme.shifts_on(date(2026, 2, 12), "nobody") == acme.shifts
    start = datetime(2026, 2, 12, 17, tzinfo=ZONE)
    budget = Duration(working_hours=Decimal(4))
    assert budget.end(start, timetable(acme)) == datetime(2026, 2, 13, 12, tzinfo=ZONE)
    assert budget.end(start, timetable(acme, "hotline")) == datetime(2026, 2, 12, 21, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shifts": [["12:00", "09:00"]]}, "#/shifts"),
        ({"shifts": [["09:00", "12:00"], ["11:00", "18:00"]]}, "none overlaps"),
        ({"hours": {"tue": [["25:00", "26:00"]]}}, "#/hours/tue"),
        ({"days_off": ["2026-02-15"]}, "keep it in one of them"),
        ({"days_off": 5}, "#/days_off"),
        ({"days_off": [[1]]}, "#/days_off"),
        ({"time_zone": "localtime"}, "IANA"),
        ({"time_zone": "Europe/Atlantis"}, "IANA"),
        ({"years": [99999999999999999999]}, "#/years"),
        ({"departments": {"night": {"shifts": []}}}, "nobody works"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_with_the_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as refused:
        calendar_draft(json.dumps(ACME | change), "acme.yaml")
    assert said in str(refused.value)


def test_a_pack_that_is_heard_of_before_its_calendar_is_used_once_that_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.policy.shelf._published", {})
    monkeypatch.setattr("shared.policy.shelf._published_calendars", {})
    copies = Copies(Store("sla", "deadlines", Copy))
    mine = draft_of("fast-reply-24h", 1).content | {"pack": "acme-reply", "calendar": "acme", "vectors": []}
    for copy in (
        Copy(pack="acme-reply", version=1, content=mine),
        Copy(calendar="acme", version=1, content=ACME),
    ):
        copies._shelve(copy)
    assert load("acme-reply", 1).calendar == "acme"
    vector = {"name": "a day", "marks": {"received": "2026-01-05T10:00:00+08:00"}}
    false = mine | {
        "version": 2,
        "vectors": [vector | {"expect": {"due": {"reply": "2026-01-09T00:00:00+08:00"}}}],
    }
    copies._shelve(Copy(pack="acme-reply", version=2, content=false))
    assert load("acme-reply", 2).version == 2  # proven when it was published; no calendar takes it off again
    with pytest.raises(Invalid, match="known answers"):
        activate(Draft(false), "acme-reply/2")
    assert load_calendar("acme").version == 1
