"""Known answers of working time: ours, and the two files of reference cases, one test a case.

Those of other products say which product; where it reads a rule otherwise than we do by default, the case
runs with the parameter that stands for its reading. A key that nobody here understands fails its case.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.policy import Calendar, Duration, Timetable, load_calendar, timetable
from shared.policy.clocks import worked
from tests.kit.cases import reference

Case = dict[str, Any]
CHINA = load_calendar("cn-mainland")
YEARS = range(2000, 2031)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ABOUT = {
    "source",
    "name",
    "note",
    "id",
    "checked",
    "boundary",
    "weekday_only_answer",
    "differs_from_weekday_only",
}
"""What a case says of itself, not of time."""

OTHERWISE: dict[str, str] = {}
"""Cases that we answer otherwise on purpose: id -> why."""

OURS: list[Case] = [
    {"op": "cn_due_date", "received": "2026-09-24", "working_days": 6, "expected_due_date": "2026-10-10"},
    {"op": "cn_due_date", "received": "2026-09-18", "working_days": 0, "expected_due_date": "2026-09-18"},
]


def cases(file: str) -> Iterator[Any]:
    for number, case in enumerate(reference(file) or [], 1):
        yield pytest.param(case, id=str(case.get("id", f"{case.get('op')}-{number}")))


FILES = ("sla_cn_known_answers.json", "sla_working_time_cases.json")


@pytest.mark.parametrize("case", [*OURS, *(case for file in FILES for case in cases(file))])
def test_a_known_answer(case: Case) -> None:
    if why := OTHERWISE.get(case.get("id", "")):
        assert why
        with pytest.raises(AssertionError):
            run(case)
    else:
        run(case)


def run(case: Case) -> None:
    assert case["op"] in OPERATIONS, f"nobody here understands the operation {case['op']}"
    operation, keys = OPERATIONS[case["op"]]
    unknown = case.keys() - ABOUT - {"op"} - keys
    assert not unknown, f"nobody here understands {', '.join(sorted(unknown))}"
    operation(case)


def due_date(case: Case) -> None:
    start = datetime.fromisoformat(case["received"]).replace(tzinfo=CHINA.zone)
    due = Duration(working_days=case["working_days"]).end(start, timetable(CHINA))
    assert due is not None
    assert (due - timedelta(microseconds=1)).date().isoformat() == case["expected_due_date"]


def due_time(case: Case) -> None:
    spelt, _, days = case["hours"].partition(" on ")
    assert days == "working days and make-up days"
    shifts = tuple(tuple(shift.split("-")) for shift in spelt.split(","))
    china = Calendar.model_validate(CHINA.model_dump() | {"shifts": shifts, "time_zone": case["tz"]})
    due = Duration(working_hours=Decimal(case["working_hours"])).end(
        local(case, "received"), timetable(china)
    )
    assert due == local(case, "expected_due")


def local(case: Case, key: str) -> datetime:
    return datetime.fromisoformat(case[key]).replace(tzinfo=ZoneInfo(case["tz"]))


def table_of(case: Case) -> Timetable:
    given = case["calendar"]
    unknown = given.keys() - {"tz", "weekly", "holidays", "shifts", "breaks"}
    assert not unknown, f"nobody here understands {', '.join(sorted(unknown))} of a calendar"
    weekly = {day: given["weekly"].get(day, []) for day in WEEKDAYS}
    dated = dict(given.get("shifts", {}))
    for day, breaks in given.get("breaks", {}).items():
        dated[day] = without(dated.get(day, weekly[WEEKDAYS[date.fromisoformat(day).weekday()]]), breaks)
    off = [day for holiday in given["holidays"] for day in dates(holiday)]
    hours = weekly | dated | {day: [] for day in off}
    return timetable(
        Calendar.model_validate(
            {"calendar": "case", "time_zone": given["tz"], "years": "all", "hours": hours, "days_off": off}
        )
    )


def dates(holiday: str) -> list[str]:
    """A date, or the same day of every year."""
    return [f"{year}{holiday[1:]}" for year in YEARS] if holiday.startswith("--") else [holiday]


def without(shifts: list[list[str]], breaks: list[list[str]]) -> list[list[str]]:
    edges = sorted({edge for shift in (*shifts, *breaks) for edge in shift})
    return [[a, b] for a, b in pairwise(edges) if inside(a, shifts) and not inside(a, breaks)]


def inside(at: str, spans: list[list[str]]) -> bool:
    return any(opens <= at < closes for opens, closes in spans)


def pauses(case: Case) -> list[tuple[datetime, datetime]]:
    zone = ZoneInfo(case["tz"])
    return [
        (datetime.fromisoformat(a).replace(tzinfo=zone), datetime.fromisoformat(b).replace(tzinfo=zone))
        for a, b in case["pauses"]
    ]


def add(case: Case) -> None:
    assert case["amount"].keys() == {"working_seconds"}
    hours = Decimal(case["amount"]["working_seconds"]) / 3600
    due = Duration(working_hours=hours).end(local(case, "start"), table_of(case), pauses(case))
    assert due is not None
    near(due, case)


def near(found: datetime, case: Case) -> None:
    tolerance = timedelta(seconds=int(case.get("tolerance_seconds", 0)))
    assert abs(found - local(case, "expected")) <= tolerance, f"{found} for {case['expected']}"


def subtract(case: Case) -> None:
    assert case["amount"].keys() == {"working_seconds"}
    assert not case["pauses"]
    near(
        table_of(case).before(local(case, "start"), timedelta(seconds=case["amount"]["working_seconds"])),
        case,
    )


def add_days(case: Case) -> None:
    assert case["amount"].keys() == {"business_days"}
    whole = Duration(
        working_days=case["amount"]["business_days"],
        ends="same_time",
        from_opening=case["source"] == "business_time",
    )
    due = whole.end(local(case, "start"), table_of(case), pauses(case))
    assert due is not None
    near(due, case)


def subtract_days(case: Case) -> None:
    """Redress counts no days backwards; its parts do."""
    assert case["amount"].keys() == {"business_days"}
    table, start = table_of(case), local(case, "start").astimezone(ZoneInfo(case["calendar"]["tz"]))
    if case["source"] == "business_time":
        start = table.before(start, timedelta(0))
    day = table.day_after(start.date(), -case["amount"]["business_days"])
    near(table.before(datetime.combine(day, start.time(), start.tzinfo), timedelta(0)), case)


def delta(case: Case) -> None:
    found = worked(local(case, "start"), local(case, "end"), pauses(case), table_of(case))
    assert found.total_seconds() == case["expected_seconds"]


def count_days(case: Case) -> None:
    """From the first day on; the last one counts if it is inclusive."""
    first, last = (date.fromisoformat(case[key]) - timedelta(days=1) for key in ("start", "end"))
    assert table_of(case).days(first, last + timedelta(days=case["inclusive"])) == case["expected_days"]


def is_working(case: Case) -> None:
    at = local(case, "start")
    assert (table_of(case).after(at, timedelta(0)) == at) == case["expected_bool"]


def refused(case: Case) -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Duration(working_hours=Decimal(-1))
    assert case["start"] == case["expected"]


SPAN = {"tz", "calendar", "start", "pauses"}
OPERATIONS = {
    "cn_due_date": (due_date, {"received", "working_days", "expected_due_date"}),
    "cn_due_time": (due_time, {"received", "working_hours", "expected_due", "hours", "tz"}),
    "add": (add, SPAN | {"amount", "expected", "tolerance_seconds"}),
    "sub": (subtract, SPAN | {"amount", "expected", "tolerance_seconds"}),
    "add_days": (add_days, SPAN | {"amount", "expected"}),
    "sub_days": (subtract_days, SPAN | {"amount", "expected"}),
    "delta": (delta, SPAN | {"end", "expected_seconds"}),
    "count_days": (count_days, SPAN | {"end", "inclusive", "expected_days"}),
    "is_working": (is_working, SPAN | {"expected_bool"}),
    "add_invalid": (refused, SPAN | {"expected"}),
}
"""Operation -> what answers it, and the keys that its cases may have."""


def test_a_word_that_nobody_knows_fails() -> None:
    with pytest.raises(AssertionError, match="nobody here understands colour"):
        run(OURS[0] | {"colour": "red"})
    with pytest.raises(AssertionError, match="the operation guess"):
        run({"op": "guess"})
