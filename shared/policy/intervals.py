"""Intervals: how a due time was counted, stretch by stretch, and why each counted or did not."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from shared.policy.clocks import Duration, Stretch, running
from shared.policy.working_time import DAY, Timetable

Reason = Literal[
    "runs", "worked", "working_day", "day", "first_day", "closed", "day_off", "weekday_off", "paused",
    "before_opening", "rolled_on",
]  # fmt: skip

_US = timedelta(microseconds=1)


class Interval(BaseModel):
    """A stretch between start and due. `amount` counted: seconds of hours, else days; 0 was skipped.

    `name` is that of the day off, or the weekday.
    """

    since: AwareDatetime
    until: AwareDatetime
    amount: Decimal
    reason: Reason
    name: str = ""


def intervals_of(
    budget: Duration, start: datetime, due: datetime, table: Timetable, pauses: Sequence[Stretch] = ()
) -> list[Interval]:
    """Every stretch from `start` to `due` in order; what counted adds up to the budget."""
    begins = budget.begins(start, table)
    found = [_interval(table, start, begins, "before_opening")] if begins > start else []
    if budget.working_days is not None or budget.days is not None:
        found += _days(budget, begins, due, table, pauses)
    else:
        found += _hours(budget, begins, due, table, pauses)
    return _merged([each for each in found if each.since < each.until or each.amount])


def _interval(
    table: Timetable,
    since: datetime,
    until: datetime,
    reason: Reason,
    amount: int | Decimal = 0,
    name: str = "",
) -> Interval:
    since, until = table.local(since), table.local(until)
    return Interval(since=since, until=until, amount=Decimal(amount), reason=reason, name=name)


def _hours(
    budget: Duration, start: datetime, due: datetime, table: Timetable, pauses: Sequence[Stretch]
) -> Iterator[Interval]:
    at = start
    for since, until in running(start, pauses):
        if since >= due:
            break
        end = min(until or due, due)
        yield _interval(table, at, since, "paused")
        if budget.hours is not None:
            yield _interval(table, since, end, "runs", _seconds(since, end))
        else:
            yield from _shifts(since, end, table)
        at = end
    yield _interval(table, at, due, "paused" if pauses else "closed")


def _shifts(since: datetime, until: datetime, table: Timetable) -> Iterator[Interval]:
    """The shifts between two instants, and what lies between them."""
    day, last = table.date_of(since), table.date_of(until)
    while day <= last:
        at = max(since, table.midnight(day))
        end = min(until, table.midnight(day + DAY))
        for opens, closes in table.shifts(day):
            opens, closes = max(opens, at), min(closes, end)
            if opens < closes:
                yield _off(table, day, at, opens)
                yield _interval(table, opens, closes, "worked", _seconds(opens, closes))
                at = closes
        yield _off(table, day, at, end)
        day += DAY


def _off(table: Timetable, day: date, since: datetime, until: datetime) -> Interval:
    if table.works(day):
        return _interval(table, since, until, "closed")
    reason: Reason = "day_off" if day in table.calendar.days_off else "weekday_off"
    return _interval(table, since, until, reason, name=table.calendar.why_off(day))


def _days(
    budget: Duration, start: datetime, due: datetime, table: Timetable, pauses: Sequence[Stretch]
) -> Iterator[Interval]:
    left = budget.working_days if budget.days is None else budget.days
    assert left is not None
    day = table.date_of(start)
    yield _interval(table, start, min(due, table.midnight(day + DAY)), "first_day")
    while table.midnight(day + DAY) <= due:
        day += DAY
        begins, ends = table.midnight(day), min(due, table.midnight(day + DAY))
        off = _off(table, day, begins, ends) if not table.works(day) else None
        if any(since < begins and (until is None or until >= begins) for since, until in pauses):
            yield _interval(table, begins, ends, "paused")
        elif not left:
            yield off or _interval(table, begins, ends, "rolled_on")
        elif off and budget.days is None:
            yield off
        else:
            left -= 1
            yield _interval(table, begins, ends, "working_day" if budget.days is None else "day", 1)


def _seconds(since: datetime, until: datetime) -> Decimal:
    return Decimal((until - since) // _US) / 1_000_000


def _merged(found: Sequence[Interval]) -> list[Interval]:
    """Neighbours that count for the same reason, as one."""
    merged: list[Interval] = []
    for each in found:
        last = merged[-1] if merged else None
        if (
            last
            and (last.reason, last.name, last.until) == (each.reason, each.name, each.since)
            and (each.reason not in ("worked", "working_day"))
        ):
            merged[-1] = last.model_copy(update={"until": each.until, "amount": last.amount + each.amount})
        else:
            merged.append(each)
    return merged
