"""The engine against an oracle that counts minutes, and against what must hold of any working time.

REDRESS_ORACLE and REDRESS_SEED say how many cases are tried, and which.
"""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.policy import Calendar, Duration
from shared.policy.clocks import worked
from tests.sla.oracle import Oracle, Pause
from tests.sla.oracle_cases import EACH_CALENDAR, Case, report, some_cases

MANY = int(os.environ.get("REDRESS_ORACLE", "1000"))
SEED = int(os.environ.get("REDRESS_SEED", "1"))
NEVER = datetime.max.replace(tzinfo=UTC)
ALWAYS = Calendar(
    calendar="always",
    time_zone="Europe/Berlin",
    years="all",
    shifts=(("00:00", "24:00"),),
    hours={"sat": (), "sun": (("01:30", "02:30"), ("08:00", "12:00"))},
)

BY_HAND = [
    # start, length, pause, due; summer begins on 31 March and ends on 27 October at 01:00 UTC, both Sundays
    ("2024-03-31T00:00", Duration(working_hours=Decimal(2)), None, "2024-03-31T07:30"),
    ("2024-10-26T22:00", Duration(working_hours=Decimal(2)), None, "2024-10-27T07:30"),
    ("2024-10-26T22:00", Duration(working_hours=Decimal("1.5")), None, "2024-10-27T01:30"),
    ("2024-10-26T22:00", Duration(hours=Decimal(4)), None, "2024-10-27T02:00"),
    ("2024-05-03T21:00", Duration(working_hours=Decimal(1)), None, "2024-05-03T22:00"),
    ("2024-05-03T22:00", Duration(working_hours=Decimal(0)), None, "2024-05-04T23:30"),
    (
        "2024-05-03T22:00",
        Duration(hours=Decimal(0)),
        ("2024-05-03T21:00", "2024-05-03T23:00"),
        "2024-05-03T23:00",
    ),
    ("2024-05-02T22:00", Duration(working_days=1), None, "2024-05-05T22:00"),
    ("2024-05-02T21:59", Duration(working_days=1), None, "2024-05-03T22:00"),
    ("2024-05-02T10:00", Duration(days=1), ("2024-05-02T12:00", "2024-05-02T22:00"), "2024-05-04T22:00"),
    ("2024-05-02T10:00", Duration(days=1), ("2024-05-02T22:00", "2024-05-02T23:00"), "2024-05-03T22:00"),
    ("2024-05-02T10:00", Duration(days=1), ("2024-05-02T22:00", None), None),
    ("2024-05-02T10:00", Duration(days=1), ("2024-05-03T10:00", "2024-05-06T10:00"), "2024-05-06T22:00"),
    ("2024-05-02T10:00", Duration(days=1), ("2024-05-02T21:59", None), None),
    ("2024-05-02T10:00", Duration(days=2, roll=True), None, "2024-05-05T22:00"),
    ("2024-05-02T10:00", Duration(days=2, roll=True, ends="closing"), None, "2024-05-05T10:00"),
    ("2024-05-02T10:30", Duration(days=2, roll=True, ends="same_time"), None, "2024-05-05T22:00"),
    ("2024-05-02T10:30", Duration(days=2, ends="same_time"), None, "2024-05-04T10:30"),
    ("2024-05-04T10:00", Duration(hours=Decimal(1), from_opening=True), None, "2024-05-05T00:30"),
]
"""Monday to Friday are all worked, no Saturday; Sundays from 01:30 to 02:30 and from 08:00 to 12:00."""


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("start", "length", "pause", "due"), BY_HAND)
def test_the_oracle_knows_what_can_be_counted_on_fingers(
    start: str, length: Duration, pause: tuple[str, str | None] | None, due: str | None
) -> None:
    pauses = [(_utc(pause[0]), None if pause[1] is None else _utc(pause[1]))] if pause else []
    assert Oracle(ALWAYS).end(length, _utc(start), pauses) == (due and _utc(due))


def test_the_engine_agrees_with_the_oracle() -> None:
    wrong: list[str] = []
    for number in range(-(-MANY // EACH_CALENDAR)):
        cases = some_cases(Random(f"{SEED}-{number}"), f"random-{number}")
        wrong += filter(None, map(report, cases))
    assert not wrong, f"{len(wrong)} of {MANY} differ; the shortest:\n{min(wrong, key=len)}"


def _case(random: Random) -> Case:
    return next(some_cases(random, "any", 1))


CASES = st.randoms(use_true_random=False).map(_case)
BUDGETS = st.timedeltas(timedelta(), timedelta(days=4))
ODD = st.timedeltas(timedelta(), timedelta(seconds=59, microseconds=999_999))
hard = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def _end(case: Case, length: Duration, pauses: list[Pause]) -> datetime:
    return length.end(case.start, case.table, pauses) or NEVER


@hard
@given(CASES, BUDGETS, ODD)
def test_after_a_budget_just_that_budget_is_worked(case: Case, budget: timedelta, odd: timedelta) -> None:
    start = case.start.astimezone(UTC) + odd
    end = case.table.after(start, budget)
    assert end.astimezone(UTC) >= start
    assert worked(start, end, [], case.table) == budget


@hard
@given(CASES, BUDGETS, ODD)
def test_before_gives_back_what_after_took(case: Case, budget: timedelta, odd: timedelta) -> None:
    start = case.start.astimezone(UTC) + odd
    end = case.table.after(start, budget)
    back = case.table.before(end, budget)
    assert worked(back, end, [], case.table) == budget
    assert worked(start, back, [], case.table) == timedelta()


@hard
@given(CASES, st.lists(ODD | BUDGETS, min_size=3, max_size=3))
def test_work_adds_up(case: Case, steps: list[timedelta]) -> None:
    first, second, third = sorted(case.start.astimezone(UTC) + step for step in steps)
    parts = [worked(*each, case.pauses, case.table) for each in [(first, second), (second, third)]]
    assert sum(parts, timedelta()) == worked(first, third, case.pauses, case.table)


@hard
@given(CASES, st.integers(0, 60 * 48), st.integers(0, 60 * 12))
def test_more_time_never_ends_earlier(case: Case, some: int, more: int) -> None:
    def with_budget(amount: int) -> Duration:
        given = case.length.model_dump(exclude_none=True)
        budget = {
            unit: amount // 240 if unit.endswith("days") else Decimal(amount) / 60
            for unit in ("hours", "working_hours", "days", "working_days")
            if unit in given
        }
        return Duration.model_validate(given | budget)

    assert _end(case, with_budget(some), case.pauses) <= _end(case, with_budget(some + more), case.pauses)


@hard
@given(CASES, BUDGETS, ODD | BUDGETS, st.booleans())
def test_a_pause_never_makes_it_earlier(case: Case, wait: timedelta, long: timedelta, ends: bool) -> None:
    since = case.start.astimezone(UTC) + wait
    pause = (since, since + long if ends else None)
    assert _end(case, case.length, case.pauses) <= _end(case, case.length, [*case.pauses, pause])


@hard
@given(CASES, ODD)
def test_an_odd_start_ends_between_the_even_ones(case: Case, odd: timedelta) -> None:
    assume(
        case.length.ends != "same_time"
    )  # a later start has an earlier time of day where it is past midnight
    ends = [
        case.length.end(case.start.astimezone(UTC) + step, case.table, case.pauses) or NEVER
        for step in (timedelta(), odd, timedelta(minutes=1))
    ]
    assert ends == sorted(ends)


def test_the_cases_are_worth_trying() -> None:
    cases = [case for number in range(30) for case in some_cases(Random(number), "any")]
    assert {len(case.pauses) for case in cases} == {0, 1, 2, 3}
    assert any(until is None for case in cases for _, until in case.pauses)
    assert len({case.calendar.time_zone for case in cases}) > 5
    assert {case.length.ends for case in cases} == {"midnight", "closing", "same_time"}
    assert all(date(2014, 12, 1) < case.start.date() < date(2026, 2, 1) for case in cases)
