"""From a yearly notice to the next version of a calendar."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from deploy.calendars.notices import Notice, read_notice
from deploy.calendars.opening import Opened
from deploy.calendars.writing import has_other_comments, header_of, in_years, written
from shared.problems import Fault, Invalid

SATURDAY = 5
_OF_YEAR = re.compile(r"(\d{4})年(?:部分)?节假日")


@dataclass(frozen=True)
class Imported:
    """The calendar's next version as YAML, the notice as read, and what to tell beside it."""

    text: str
    notice: Notice
    notes: list[str]


def imported(before: Opened, year: int, text: str, name: str) -> Imported:
    """The next version of a calendar with a year's notice. Raises Invalid, naming all against it."""
    calendar = before.calendar
    of_year = _OF_YEAR.search("".join(text.split()))
    if of_year and int(of_year[1]) != year:
        raise Invalid(
            f"{name} is the notice for {of_year[1]}; give --year {of_year[1]}, or the notice for {year}"
        )
    if calendar.years == "all":
        raise Invalid(f"{calendar.calendar} needs no notices: its years are complete by definition")
    notice = read_notice(text, year, name, calendar.days_off)
    if faults := [Fault(detail=wrong, pointer="") for wrong in _against(before, notice)]:
        raise Invalid(f"{name} contradicts {before.name}, or itself", faults)
    if not any(day.year == year for day in notice.off):
        raise Invalid(f"{name} names no day off in {year}; a year without one has no notice yet")
    years = sorted({*calendar.years, year})
    off, worked = notice.off | _kept(calendar.days_off), notice.worked | _kept(calendar.days_worked)
    if (years, off.keys(), worked.keys()) == (
        sorted(calendar.years),
        calendar.days_off.keys(),
        calendar.days_worked.keys(),
    ):
        raise Invalid(f"{name} says nothing that {before.name} does not hold already")
    apart = "\n\n" in before.text
    changed = {
        "version": calendar.version + 1,
        "years": years,
        "days_off": in_years(off, apart=apart),
        "days_worked": in_years(worked, apart=apart),
    }
    content = {**before.draft.content, **{key: value for key, value in changed.items() if value}}
    return Imported(written(header_of(before.text), content), notice, list(_notes(before, notice)))


HOLIDAYS = ("元旦", "春节", "清明", "劳动", "端午", "中秋", "国庆")
"""What every yearly notice of China names."""


def _kept(days: dict[date, str]) -> dict[date, str]:
    """A day that has a name keeps it."""
    return {day: name for day, name in days.items() if name}


def _against(before: Opened, notice: Notice) -> Iterator[str]:
    """Make-up days that are worked anyway, and days that are said otherwise already."""
    calendar = before.calendar
    for day, name in sorted(notice.worked.items()):
        if day.weekday() < SATURDAY:
            yield f"{day} ({name or 'a make-up day'}) is a {day:%A}, which is worked anyway"
        if day in calendar.days_off:
            where = before.draft.where(["days_off", str(day)])
            yield f"{day} would be worked ({name}), but {where} has it off ({calendar.days_off[day]})"
    for day, name in sorted(notice.off.items()):
        if day in calendar.days_worked:
            where = before.draft.where(["days_worked", str(day)])
            yield f"{day} would be off ({name}), but {where} has it worked ({calendar.days_worked[day]})"


def _notes(before: Opened, notice: Notice) -> Iterator[str]:
    named = " ".join(notice.off.values())
    if missing := [each for each in HOLIDAYS if each not in named]:
        yield f"the notice does not speak of {'、'.join(missing)}; is it whole?"
    for sentence in notice.passed:
        yield f"says nothing of days off or worked: {sentence}"
    if nameless := [day for day, name in sorted((notice.off | notice.worked).items()) if not name]:
        yield f"the notice names no holiday for {', '.join(map(str, nameless))}; write one in"
    if has_other_comments(before.text):
        yield f"comments inside {before.name} are not carried over, only those before its first line"
