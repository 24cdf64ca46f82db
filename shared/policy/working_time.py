"""Working time: how much of it lies between two instants, and when so much of it is over.

Every year is counted once and kept as running sums, so that a long period costs no more than a short one.
Instants are whole microseconds since 1970 inside. A moment is worked if the clock on the wall shows a time
within a shift of its day: an hour that clocks skip is not worked, one that they repeat is worked twice.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from shared.policy.calendar import Calendar

DAY = timedelta(days=1)
ZERO = timedelta(0)
_US = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL = datetime(1970, 1, 1)  # what a clock on the wall shows has no offset


class _Year:
    """The shifts of one year in order, the work done before each, and the working days before each day."""

    def __init__(self, calendar: Calendar, department: str | None, year: int) -> None:
        self.first = date(year, 1, 1)
        days = [self.first + n * DAY for n in range((date(year + 1, 1, 1) - self.first).days)]
        shifts = [shift for day in days for shift in intervals(calendar, department, day)]
        self.opens = [opens for opens, _ in shifts]
        self.closes = [closes for _, closes in shifts]
        self.before = [0, *accumulate(closes - opens for opens, closes in shifts)]
        self.worked_days = [day for day in days if calendar.shifts_on(day, department)]

    @property
    def total(self) -> int:
        return self.before[-1]

    def until(self, instant: int) -> int:
        """The work done in this year before an instant."""
        at = bisect_right(self.opens, instant)
        return self.before[at] - max(0, self.closes[at - 1] - instant) if at else 0


class Timetable:
    """The working time of a calendar, or of one of its departments."""

    def __init__(self, calendar: Calendar, department: str | None) -> None:
        self.calendar = calendar
        self.department = department
        self.zone = calendar.zone
        self._years: dict[int, _Year] = {}

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """The working time between two instants; none if the end comes first."""
        if _instant(end) <= _instant(start):
            return ZERO
        first, last = self._year_of(start), self._year_of(end)
        whole = sum(self._year(year).total for year in range(first, last))
        return _US * (
            whole + self._year(last).until(_instant(end)) - self._year(first).until(_instant(start))
        )

    def after(self, start: datetime, budget: timedelta) -> datetime:
        """When so much working time has passed since `start`.

        A budget that ends with a shift ends at its closing time; none at all ends at the first moment worked
        at or after `start`.
        """
        year = self._year_of(start)
        wanted = self._year(year).until(_instant(start)) + budget // _US
        while wanted > self._year(year).total or (not budget and self._past(year, start)):
            wanted -= self._year(year).total
            year += 1
        found = self._year(year)
        if not budget:
            at = bisect_right(found.closes, _instant(start))
            return self._local(max(found.opens[at], _instant(start)))
        at = bisect_left(found.before, wanted)
        return self._local(found.closes[at - 1] - (found.before[at] - wanted))

    def _past(self, year: int, start: datetime) -> bool:
        closes = self._year(year).closes
        return not closes or closes[-1] <= _instant(start)

    def before(self, end: datetime, budget: timedelta) -> datetime:
        """When so much working time was left before `end`; none left: the last moment of work up to then."""
        year = self._year_of(end)
        wanted = self._year(year).until(_instant(end)) - budget // _US
        while wanted < 0 or (wanted == 0 and not budget):
            year -= 1
            wanted += self._year(year).total
        found = self._year(year)
        at = bisect_right(found.before, wanted) - 1
        if not budget or at == len(found.opens):
            at = bisect_left(found.before, wanted)
            return self._local(found.closes[at - 1] - (found.before[at] - wanted))
        return self._local(found.opens[at] + (wanted - found.before[at]))

    # days

    def days(self, first: date, last: date) -> int:
        """The working days after `first`, up to and with `last`; none if the last comes first."""
        if last <= first:
            return 0
        whole = sum(len(self._year(year).worked_days) for year in range(first.year, last.year))
        return whole + self._days_until(last) - self._days_until(first)

    def _days_until(self, day: date) -> int:
        return bisect_right(self._year(day.year).worked_days, day)

    def day_after(self, day: date, count: int) -> date:
        """The `count`th working day after a date, or before it if negative; the date itself for 0."""
        if not count:
            return day
        year = day.year
        back = count < 0
        at = (bisect_left(self._year(year).worked_days, day) if back else self._days_until(day) - 1) + count
        while at >= len(self._year(year).worked_days):
            at -= len(self._year(year).worked_days)
            year += 1
        while at < 0:
            year -= 1
            at += len(self._year(year).worked_days)
        return self._year(year).worked_days[at]

    def works(self, day: date) -> bool:
        return bool(self.calendar.shifts_on(day, self.department))

    def date_of(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The first moment of a date."""
        found = list(spans(self.zone, day, 0, 86_400_000_000))
        return self._local(min(found)[0]) if found else self.midnight(day + DAY)

    def closing(self, day: date) -> datetime:
        """The end of a date's last shift; of the whole day where nobody works."""
        shifts = self.calendar.shifts_on(day, self.department)
        if not shifts:
            return self.midnight(day + DAY)
        ends = [end for _, end in spans(self.zone, day, 0, _time(shifts[-1][1]))]
        return self._local(max(ends)) if ends else self.midnight(day)

    def shifts(self, day: date) -> list[tuple[datetime, datetime]]:
        """The shifts of a date, as instants."""
        found = intervals(self.calendar, self.department, day)
        return [(self._local(opens), self._local(closes)) for opens, closes in found]

    def _year(self, year: int) -> _Year:
        if year not in self._years:
            self._years[year] = _Year(self.calendar, self.department, year)
        return self._years[year]

    def _year_of(self, instant: datetime) -> int:
        return instant.astimezone(self.zone).year

    def local(self, instant: datetime) -> datetime:
        """The same instant as the calendar's clocks show it, with a fixed offset: Python compares and counts
        two times of one zone by the wall clock, which is wrong where that is put back."""
        local = instant.astimezone(self.zone)
        offset = local.utcoffset()
        assert offset is not None
        return local.replace(tzinfo=timezone(offset))

    def _local(self, instant: int) -> datetime:
        return self.local(_EPOCH + instant * _US)


@lru_cache(maxsize=1024)
def timetable(calendar: Calendar, department: str | None = None) -> Timetable:
    """The timetable of a calendar, made once; a department without hours of its own has the house's."""
    return Timetable(calendar, department if department in calendar.departments else None)


def intervals(calendar: Calendar, department: str | None, day: date) -> list[tuple[int, int]]:
    """The stretches of a date that are worked."""
    shifts = [(_time(opens), _time(closes)) for opens, closes in calendar.shifts_on(day, department)]
    return sorted(span for opens, closes in shifts for span in spans(calendar.zone, day, opens, closes))


def spans(zone: ZoneInfo, day: date, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """When the clocks on the wall show a time of this date from `begin` up to `end`.

    Mostly once; not at all, or twice, where clocks are put forward or back.
    """
    midnight = (datetime.combine(day, time.min) - _WALL) // _US
    around = [(_EPOCH + (midnight + at * 43_200_000_000) * _US) for at in (-1, 3)]
    early, late = (_offset(zone, instant) for instant in around)
    if early == late:
        yield midnight + begin - early, midnight + end - early
        return
    change = _change(zone, *(_instant(instant) for instant in around))
    for offset, lowest, highest in ((early, None, change), (late, change, None)):
        opens, closes = midnight + begin - offset, midnight + end - offset
        opens = opens if lowest is None else max(opens, lowest)
        closes = closes if highest is None else min(closes, highest)
        if opens < closes:
            yield opens, closes


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """The instant between two at which the offset changes."""
    before = _offset(zone, _EPOCH + low * _US)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, _EPOCH + middle * _US) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset // _US


def _instant(given: datetime) -> int:
    return (given - _EPOCH) // _US


def _time(edge: str) -> int:
    hours, minutes, *seconds = (int(part) for part in edge.split(":"))
    return (hours * 3600 + minutes * 60 + (seconds[0] if seconds else 0)) * 1_000_000
