"""An oracle for deadlines that looks at every single minute, and shares no arithmetic with the engine.

It is written from the rules alone, to be obviously right: minutes since 1970 are counted off one by one, and
the clock on the wall is asked what each of them is called. Everything it is given falls on whole minutes.
`python -m tests.sla.oracle N SEED` compares it with the engine on N random cases.
"""

import sys
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from itertools import count
from zoneinfo import ZoneInfo

from shared.policy import Calendar, Duration

DAY = 24 * 60
EPOCH = date(1970, 1, 1).toordinal()
FAR = 1000 * DAY
"""No case takes longer; whoever looks that far ahead looks for something that never comes."""

Pause = tuple[datetime, datetime | None]
Halt = tuple[int, int | None]


def minute_of(instant: datetime) -> int:
    seconds = int(instant.timestamp())
    assert seconds % 60 == 0
    assert instant.microsecond == 0
    return seconds // 60


def instant_of(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def halts_of(pauses: Sequence[Pause]) -> list[Halt]:
    return [(minute_of(since), None if until is None else minute_of(until)) for since, until in pauses]


@lru_cache(maxsize=8192)
def wall_times(zone: str, utc_day: int) -> "array[int]":
    """What the clock on the wall shows in each minute of a UTC day, in minutes since the local 1970."""
    there = ZoneInfo(zone)
    shown = (datetime.fromtimestamp((utc_day * DAY + minute) * 60, there) for minute in range(DAY))
    return array("q", [(wall.toordinal() - EPOCH) * DAY + wall.hour * 60 + wall.minute for wall in shown])


@cache
def edge(text: str) -> int:
    """The minute of the day."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def paused(minute: int, halts: Sequence[Halt]) -> bool:
    return any(since <= minute and (until is None or minute < until) for since, until in halts)


def over_for_good(minute: int, halts: Sequence[Halt]) -> bool:
    """Whether a pause without end has begun."""
    return any(until is None and since <= minute for since, until in halts)


def first(minute: int, wanted: Callable[[int], bool]) -> int:
    """The first minute from this one on that is as wanted."""
    for each in range(minute, minute + FAR):
        if wanted(each):
            return each
    raise ValueError("no such minute")


class Oracle:
    """Deadlines on one calendar, or in one of its departments."""

    def __init__(self, calendar: Calendar, department: str | None = None) -> None:
        self.calendar, self.department = calendar, department
        self.zone = calendar.time_zone
        self.known: dict[int, list[tuple[int, int]]] = {}

    def end(self, length: Duration, start: datetime, pauses: Sequence[Pause]) -> datetime | None:
        begin = minute_of(start)
        halts = halts_of(pauses)
        if length.from_opening:
            begin = first(begin, self.is_worked)
        if length.hours is not None:
            due = self.run(begin, round(length.hours * 60), halts, lambda minute: True)
        elif length.working_hours is not None:
            due = self.run(begin, round(length.working_hours * 60), halts, self.is_worked)
        else:
            due = self.end_in_days(length, begin, halts)
        return None if due is None else instant_of(due)

    def worked(self, start: datetime, end: datetime, pauses: Sequence[Pause]) -> int:
        """How many minutes between two instants are worked and not paused."""
        halts = halts_of(pauses)
        minutes = range(minute_of(start), minute_of(end))
        return sum(self.is_worked(minute) and not paused(minute, halts) for minute in minutes)

    def wall(self, minute: int) -> tuple[int, int]:
        """The local day, and the minute of that day which the clock on the wall shows."""
        return divmod(wall_times(self.zone, minute // DAY)[minute % DAY], DAY)

    def shifts(self, day: int) -> list[tuple[int, int]]:
        if day not in self.known:
            given = self.calendar.shifts_on(date.fromordinal(EPOCH + day), self.department)
            self.known[day] = [(edge(opens), edge(closes)) for opens, closes in given]
        return self.known[day]

    def is_worked(self, minute: int) -> bool:
        day, shown = self.wall(minute)
        return any(opens <= shown < closes for opens, closes in self.shifts(day))

    @staticmethod
    def run(begin: int, budget: int, halts: Sequence[Halt], counts: Callable[[int], bool]) -> int | None:
        """When so many minutes have counted outside pauses; with no budget, the first that would count."""
        left = budget
        for minute in range(begin, begin + FAR):
            if over_for_good(minute, halts):
                return None
            if counts(minute) and not paused(minute, halts):
                if left <= 1:
                    return minute + left
                left -= 1
        raise ValueError("the budget never runs out")

    def end_in_days(self, length: Duration, begin: int, halts: Sequence[Halt]) -> int | None:
        by_work = length.working_days is not None
        budget = length.working_days if length.working_days is not None else length.days
        assert budget is not None
        day = self.last_day(begin, budget, halts, by_work)
        if day is None:
            return None
        due = self.end_of(length, day, begin)
        while paused(goes_on := max(begin, due - 1), halts):
            while paused(goes_on, halts):
                if over_for_good(goes_on, halts):
                    return None
                goes_on += 1
            day = self.wall(goes_on)[0]
            while (by_work and not self.shifts(day)) or self.end_of(length, day, begin) <= goes_on:
                day += 1
            due = self.end_of(length, day, begin)
        return due

    def end_of(self, length: Duration, day: int, begin: int) -> int:
        """When such a length ends on this day."""
        if length.roll:
            day = first(day, lambda each: bool(self.shifts(each)))
        if length.ends == "midnight":
            return self.beginning(day + 1)
        if length.ends == "closing":
            return max(begin, self.closing(day))
        due = self.same_time(day, begin)
        return first(due, self.is_worked) if length.days is None or length.roll else due

    def last_day(self, begin: int, budget: int, halts: Sequence[Halt], by_work: bool) -> int | None:
        """The day that is the last to count: one does if the clock ran in the minute before it began.

        No budget ends on the day of the start, but like zero hours only if the clock ever runs.
        """
        if budget == 0:
            runs = self.run(begin, 0, halts, lambda minute: True) is not None
            return self.wall(begin)[0] if runs else None
        left = budget
        for minute in count(begin):
            if over_for_good(minute, halts):
                return None
            day, tomorrow = self.wall(minute)[0], self.wall(minute + 1)[0]
            if day == tomorrow or paused(minute, halts) or (by_work and not self.shifts(tomorrow)):
                continue
            left -= 1
            if left == 0:
                return tomorrow
        raise AssertionError

    def beginning(self, day: int) -> int:
        """The first minute of a local day, looked for from where it cannot have begun anywhere on earth."""
        return first((day - 1) * DAY, lambda minute: self.wall(minute)[0] >= day)

    def closing(self, day: int) -> int:
        """From when on the clock on the wall shows no time before the end of the day's last shift."""
        closes = self.shifts(day)[-1][1] if self.shifts(day) else DAY
        begins = self.beginning(day)
        before = [each for each in range(begins, self.beginning(day + 1)) if self.wall(each)[1] < closes]
        return before[-1] + 1 if before else begins

    def same_time(self, day: int, begin: int) -> int:
        """The time of the start on a day; what the clocks skip is as much later, of two the first is meant.

        Unless the start itself is in an hour that is repeated, for the second time.
        """
        start = instant_of(begin).astimezone(self.calendar.zone)
        return minute_of(datetime.combine(date.fromordinal(EPOCH + day), start.timetz()))


if __name__ == "__main__":
    from tests.sla.oracle_cases import compare_many

    sys.exit(compare_many(int(sys.argv[1]), int(sys.argv[2])))
