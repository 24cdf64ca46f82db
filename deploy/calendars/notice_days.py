"""From dates as a notice writes them, years and months left out, to the days that they mean."""

from collections.abc import Sequence
from datetime import date, timedelta

from deploy.calendars.notice_text import Written

DAY = timedelta(days=1)
LONGEST = 31
JANUARY, DECEMBER = 1, 12


class Unclear(Exception):
    """What cannot be understood, in words."""


class Reader:
    """Reads the dates of one item in their order.

    A date without a year is of the notice's, but where December meets January of the turn of the year. One
    without a month is of the month named last; if the weekday beside it does not fit there, of the month in
    which the last range began.
    """

    def __init__(self, year: int, written: Sequence[Written]) -> None:
        self.doubts: list[str] = []
        self._year = year
        self._years = _years(year, written)
        self._month: int | None = None
        self._range: tuple[date, date] | None = None

    def day(self, written: Written) -> date:
        """The day that is meant. Raises Unclear if there is none."""
        found = self._of(written, written.month) if written.month else self._of_last_month(written)
        self._month = found.month
        return self._heard(written, found)

    def until(self, first: date, written: Written) -> list[date]:
        """All days from `first` to one that comes after it. Raises Unclear."""
        month = written.month or first.month
        last = _day(written, written.year or first.year + (month < first.month), month)
        if not first <= last <= first + LONGEST * DAY:
            raise Unclear(f"{first} to {last} is no range of days off or worked")
        self._month, self._range = last.month, (first, last)
        self._heard(written, last)
        return [first + n * DAY for n in range((last - first).days + 1)]

    def _of(self, written: Written, month: int) -> date:
        return _day(written, written.year or self._years.get(month, self._year), month)

    def _of_last_month(self, written: Written) -> date:
        if self._month is None:
            raise Unclear(f"{written.text} names no month")
        months = [self._month, *(each.month for each in self._range or ())]
        found = [day for month in dict.fromkeys(months) if (day := self._possible(written, month))]
        if not found:
            raise Unclear(f"there is no {written.text} in month {self._month}")
        if written.weekdays:
            return next((day for day in found if day.weekday() in written.weekdays), found[0])
        return next((day for day in found if self._in_range(day)), found[0])

    def _possible(self, written: Written, month: int) -> date | None:
        try:
            return self._of(written, month)
        except Unclear:
            return None

    def _in_range(self, day: date) -> bool:
        return self._range is not None and self._range[0] <= day <= self._range[1]

    def _heard(self, written: Written, day: date) -> date:
        """The day, if it is of this year or one beside it; what its weekday makes doubtful is kept."""
        if abs(day.year - self._year) > 1:
            raise Unclear(f"{written.text} is not of {self._year} nor of a year beside it")
        if len(written.weekdays) == 1 and day.weekday() != written.weekdays[0]:
            self.doubts.append(f"{day} is a {day:%A}, but the notice says {written.text}({written.remark})")
        return day


def _years(year: int, written: Sequence[Written]) -> dict[int, int]:
    """The years of months that are not simply of the notice's year."""
    named = {each.month: each.year for each in reversed(written) if each.month and each.year}
    if not {JANUARY, DECEMBER} <= {each.month for each in written}:
        return named
    if JANUARY in named or DECEMBER in named:
        turn = named.get(JANUARY) or named[DECEMBER] + 1
    else:
        turn = max((year, year + 1), key=lambda turn: sum(_fits(each, turn) for each in written))
    return {JANUARY: turn, DECEMBER: turn - 1} | named


def _fits(written: Written, turn: int) -> bool:
    """Whether the weekday beside a date is right if January is of this year, December of the one before."""
    if written.month not in (JANUARY, DECEMBER):
        return False
    try:
        return _day(written, turn - (written.month == DECEMBER), written.month).weekday() in written.weekdays
    except Unclear:
        return False


def _day(written: Written, year: int, month: int) -> date:
    try:
        return date(year, month, written.day)
    except ValueError:
        raise Unclear(f"{written.text} is no date in {year}") from None
