"""Random calendars, starts, budgets and pauses, and what the engine and the oracle make of them.

Whatever is likely to be wrong is likely to come up: changes of the clocks, turns of the year, midnights,
openings and closings, pauses that touch each other, budgets that run out with a shift.
"""

import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

from shared.policy import Calendar, Duration, Timetable, timetable
from shared.policy.clocks import worked
from shared.policy.intervals import intervals_of
from tests.sla.oracle import DAY, Oracle, Pause, instant_of, minute_of

ZONES = {
    "Asia/Shanghai": (2024, 2026),
    "Europe/Berlin": (2023, 2025),
    "America/New_York": (2023, 2025),
    "America/Sao_Paulo": (2015, 2019),
    "Asia/Tehran": (2019, 2023),
    "Australia/Lord_Howe": (2023, 2025),
    "UTC": (2024, 2025),
}
"""And the years that are tried there, without the last."""
SIX_DAYS = 6 * DAY
ONE_SHIFT = [
    ("00:00", "24:00"), ("09:00", "18:00"), ("00:00", "00:30"), ("23:30", "24:00"), ("00:00", "01:00"),
    ("01:00", "02:00"), ("02:00", "03:00"), ("01:30", "02:15"), ("00:30", "02:30"), ("22:00", "24:00"),
]  # fmt: skip
EACH_CALENDAR = 10


@dataclass(frozen=True)
class Case:
    """A question: when is this length over, and how much work is done `until` some other moment."""

    calendar: Calendar
    department: str | None
    start: datetime
    length: Duration
    pauses: list[Pause]
    until: datetime

    @property
    def table(self) -> Timetable:
        return timetable(self.calendar, self.department)

    def code(self) -> str:
        """A script that asks the engine the same."""
        calendar = self.calendar.model_dump_json(exclude_defaults=True)
        pauses = ", ".join(f"({_code(since)}, {_code(until)})" for since, until in self.pauses)
        return "\n".join(
            [
                "from datetime import datetime",
                "from decimal import Decimal",
                "from zoneinfo import ZoneInfo",
                "from shared.policy import Calendar, Duration, timetable",
                "from shared.policy.clocks import worked",
                "from shared.policy.intervals import intervals_of",
                f"calendar = Calendar.model_validate_json({calendar!r})",
                f"table = timetable(calendar, {self.department!r})",
                f"start = {_code(self.start)}",
                f"length = {self.length!r}",
                f"pauses = [{pauses}]",
                "due = length.end(start, table, pauses)",
                "print(due, due and intervals_of(length, start, due, table, pauses))",
                f"print(worked(start, {_code(self.until)}, pauses, table))",
            ]
        )


def _code(instant: datetime | None) -> str:
    if instant is None:
        return "None"
    seen = f".astimezone(ZoneInfo({instant.tzinfo.key!r}))" if isinstance(instant.tzinfo, ZoneInfo) else ""
    return f'datetime.fromisoformat("{instant.astimezone(UTC).isoformat()}"){seen}'


@cache
def changes(zone: str) -> list[int]:
    """The minutes in which the clocks of a place change, in the years that are tried there."""
    begin, end = ((date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal()) * DAY for year in ZONES[zone])
    offsets = {at: instant_of(at).astimezone(ZoneInfo(zone)).utcoffset() for at in range(begin, end, 30)}
    return [at for at in range(begin + 30, end, 30) if offsets[at] != offsets[at - 30]]


def some_shifts(random: Random) -> tuple[tuple[str, str], ...]:
    """Up to three shifts, some of which touch."""
    if random.random() < 0.4:
        return (random.choice(ONE_SHIFT),)
    step = random.choice([1, 15, 60])
    edges = sorted(random.sample(range(0, DAY + 1, step), 2 * random.randint(1, 3)))
    if len(edges) > 2 and random.random() < 0.2:
        edges[1] = edges[2]
    texts = [f"{at // 60:02}:{at % 60:02}" for at in edges]
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def some_hours(random: Random, near: date) -> dict[str, Any]:
    weekdays = random.sample(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], random.randint(0, 4))
    dates = [near + timedelta(random.randint(-7, 14)) for _ in range(random.randint(0, 4))]
    shifts = {day: some_shifts(random) if random.random() < 0.6 else () for day in [*weekdays, *dates]}
    hours: dict[str, Any] = {"hours": shifts}
    if random.random() < 0.8:
        hours["shifts"] = some_shifts(random)
    if not any(shifts.get(day, True) for day in ("mon", "tue", "wed", "thu", "fri", "sat")):
        shifts.pop("mon")
    return hours


def some_calendar(random: Random, name: str, zone: str, near: date) -> Calendar:
    days = [near + timedelta(offset) for offset in range(-7, 15)]
    off = set(random.sample(days, random.randint(0, 6)))
    on = set(random.sample(days, random.randint(0, 4))) - off
    if random.random() < 0.3:
        off.add(near)
        on.discard(near)
    days_of = {"days_off": sorted(off), "days_worked": sorted(on)}
    departments = {"legal": some_hours(random, near)} if random.random() < 0.4 else {}
    given = {"calendar": name, "time_zone": zone, "years": "all", "departments": departments}
    return Calendar.model_validate(given | days_of | some_hours(random, near))


def some_length(random: Random) -> Duration:
    opening = random.random() < 0.3
    unit = random.choice(["hours", "working_hours", "working_hours", "working_days", "working_days", "days"])
    if unit in ("hours", "working_hours"):
        most = random.choice([0, 1, 60, 600, 600, 2880, SIX_DAYS if unit == "hours" else 2880])
        step = random.choice([1, 15, 60])
        budget = Decimal(random.randint(0, most // step) * step) / 60
        return Duration.model_validate({unit: budget, "from_opening": opening})
    ends: Literal["midnight", "closing", "same_time"] = random.choice(["midnight", "closing", "same_time"])
    given = {
        unit: random.choice([0, 1, 1, 2, 3, random.randint(0, 12)]),
        "ends": ends,
        "from_opening": opening,
    }
    return Duration.model_validate(given | ({"roll": random.random() < 0.5} if unit == "days" else {}))


def some_minute(random: Random, calendar: Calendar, near: int, spread: int) -> int:
    """Near a minute; often just where a day, a shift or a summer begins or ends."""
    kind = random.random()
    if kind < 0.15:
        return near + random.choice([-60, -30, -1, 0, 0, 1, 30, 60])
    minute = near + random.randint(-spread, spread)
    day = datetime.combine(instant_of(minute).astimezone(calendar.zone), clock_time(), calendar.zone)
    if kind < 0.4:
        return minute_of(day) + random.choice([-1, 0, 0, 0, 1])
    if kind < 0.6 and (shifts := calendar.shifts_on(day.date(), random.choice([None, "legal"]))):
        hours, minutes = random.choice(random.choice(shifts)).split(":")
        wall = day + timedelta(hours=int(hours), minutes=int(minutes))
        return minute_of(wall.replace(fold=random.randint(0, 1)))
    return minute if kind < 0.9 else minute // 30 * 30


def some_pauses(random: Random, calendar: Calendar, start: int) -> list[tuple[int, int | None]]:
    """Up to three in any order: long or short, touching, at once, empty or without end."""
    pauses: list[tuple[int, int | None]] = []
    for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
        since = some_minute(random, calendar, start + 2 * DAY, random.choice([2 * DAY, 4 * DAY]))
        until = some_minute(random, calendar, since + DAY, random.choice([60, DAY]))
        kind = random.random()
        if kind < 0.2:
            since = start + random.randint(-30, 120)
            until = since + random.randint(0, 90)
        elif kind < 0.3:
            since = start
        elif kind < 0.5 and pauses:
            since = pauses[-1][1] or pauses[-1][0]
        pauses.append((since, None if random.random() < 0.1 else max(since, until)))
    random.shuffle(pauses)
    return pauses


def some_cases(random: Random, name: str, how_many: int = EACH_CALENDAR) -> Iterator[Case]:
    """Cases on one calendar, all around one moment of change of the clocks or years, or any."""
    zone = random.choice([*ZONES])
    year = random.randrange(*ZONES[zone])
    near = minute_of(datetime(year, 1, 1, random.randrange(24), tzinfo=UTC))
    if changes(zone) and random.random() < 0.7:
        near = random.choice(changes(zone))
    elif random.random() < 0.5:
        near += random.randrange(365 * DAY)
    calendar = some_calendar(random, name, zone, instant_of(near).astimezone(ZoneInfo(zone)).date())
    for _ in range(how_many):
        start = some_minute(random, calendar, near, random.choice([90, 3 * DAY]))
        until = some_minute(random, calendar, start + 2 * DAY, random.choice([DAY, 4 * DAY]))
        seen_from = random.choice([UTC, UTC, ZoneInfo(zone)])
        yield Case(
            calendar,
            random.choice([None, "legal"]),
            instant_of(start).astimezone(seen_from),
            some_length(random),
            [
                (
                    instant_of(since).astimezone(seen_from),
                    None if to is None else instant_of(to).astimezone(seen_from),
                )
                for since, to in some_pauses(random, calendar, start)
            ],
            instant_of(until).astimezone(seen_from),
        )


def differences(case: Case) -> list[str]:
    """What the engine and the oracle do not agree upon."""
    oracle = Oracle(case.calendar, case.department)
    due = _in_utc(case.length.end(case.start, case.table, case.pauses))
    expected = oracle.end(case.length, case.start, case.pauses)
    did = worked(case.start, case.until, case.pauses, case.table)
    minutes = oracle.worked(case.start, case.until, case.pauses)
    found = [f"end(): the engine says {due}, the oracle {expected}"] if due != expected else []
    if did != timedelta(minutes=minutes):
        found.append(f"worked(): the engine says {did}, the oracle {timedelta(minutes=minutes)}")
    return [*found, *_wrong_intervals(case, oracle, due)] if due else found


def _wrong_intervals(case: Case, oracle: Oracle, due: datetime) -> Iterator[str]:
    """They add up, and lie one after the other; none if the day of the start had closed before it."""
    length, stretches = case.length, intervals_of(case.length, case.start, due, case.table, case.pauses)
    days = length.days if length.days is not None else length.working_days
    hours = length.hours if length.hours is not None else length.working_hours
    counted = sum(each.amount for each in stretches)
    if counted != (round(hours * 3600) if hours is not None else days):
        yield f"intervals_of(): {counted} counted of {length!r}"
        return
    edges = [case.start, *(at for each in stretches for at in (each.since, each.until)), due]
    closed = not stretches and due < case.start.astimezone(UTC)
    if not closed and [*map(_in_utc, edges[::2])] != [*map(_in_utc, edges[1::2])]:
        yield f"intervals_of(): from {case.start} to {due} not without gaps: {stretches}"
    for each in stretches if length.working_hours is not None else []:
        minutes = oracle.worked(each.since, each.until, case.pauses)
        if each.amount != (0 if each.reason == "before_opening" else minutes * 60):
            yield f"intervals_of(): {minutes} minutes count in {each!r}"


def _in_utc(instant: datetime | None) -> datetime | None:
    """Comparable: in another zone an instant of a repeated hour equals none."""
    return instant and instant.astimezone(UTC)


def report(case: Case) -> str:
    """What is wrong with a case, and how to see it; empty if all is well."""
    try:
        found = differences(case)
    except Exception:
        found = [traceback.format_exc()]
    return "\n".join([*found, case.code()]) if found else ""


def _reports(batch: tuple[int, int]) -> list[str]:
    seed, number = batch
    return [report(case) for case in some_cases(Random(f"{seed}-{number}"), f"random-{number}")]


def compare_many(how_many: int, seed: int) -> int:
    """Compare so many cases in two processes; the exit code says whether all agreed."""
    began, done, wrong = time.monotonic(), 0, list[str]()
    batches = [(seed, number) for number in range(-(-how_many // EACH_CALENDAR))]
    with multiprocessing.Pool(2) as pool:
        for reports in pool.imap_unordered(_reports, batches, chunksize=20):
            done += len(reports)
            wrong += filter(None, reports)
            if done % max(EACH_CALENDAR, how_many // 20 // EACH_CALENDAR * EACH_CALENDAR) == 0:
                _say(f"{done} cases, {len(wrong)} differences, {time.monotonic() - began:.0f} s")
    for each in sorted(wrong, key=len)[:10]:
        _say(f"\n{each}")
    _say(f"oracle: {done} cases, {len(wrong)} differences, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
