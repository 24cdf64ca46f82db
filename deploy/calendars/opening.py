"""Opening calendars: from the shelf by name, or from any file; and what is wrong with one, line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from deploy.policies.opening import is_file, text_of
from shared.policy import FOLDERS, Calendar, Draft, calendar_draft, calendars, load_calendar
from shared.problems import Invalid


@dataclass(frozen=True)
class Opened:
    """A calendar and the text that it stands in; `name` is what faults call it."""

    name: str
    text: str
    draft: Draft
    calendar: Calendar

    @property
    def title(self) -> str:
        return title(self.calendar)


def title(calendar: Calendar) -> str:
    return f"{calendar.calendar}/{calendar.version}"


def opened(given: str) -> Opened:
    """The calendar of this name, or in this file. Raises Invalid with a fault for everything wrong."""
    if is_file(given):
        return read(text_of(given), given)
    paths = [path for folder in FOLDERS for path in folder.glob("calendars/*.yaml") if path.stem == given]
    if not paths:
        raise Invalid(f"There is no calendar {given}; use one of {', '.join(calendars())}, or a file")
    return read(paths[-1].read_text(encoding="utf-8"), f"policies/calendars/{given}.yaml")


def calendar_of(given: str) -> Calendar:
    """The same, where the text is of no interest."""
    return opened(given).calendar if is_file(given) else load_calendar(given)


def read(text: str, name: str) -> Opened:
    """A text as a calendar. Raises Invalid with a fault for everything wrong."""
    draft = calendar_draft(text, name)
    return Opened(name, text, draft, Calendar.model_validate(draft.content))


def notes(opened: Opened) -> list[str]:
    """What is no fault, but was hardly meant."""
    weekly = [day for day in opened.calendar.days_worked if _worked_anyway(opened.calendar, day)]
    return [f"{opened.draft.where(['days_worked', str(day)])}  {day} is worked anyway" for day in weekly]


def _worked_anyway(calendar: Calendar, day: date) -> bool:
    plain = calendar.model_copy(update={"days_off": {}, "days_worked": {}})
    return plain.shifts_on(day) == calendar.shifts_on(day)


def years_told(years: Sequence[int] | str) -> str:
    """2024–2026, 2028; or all."""
    if isinstance(years, str):
        return years
    runs: list[list[int]] = []
    for year in sorted(years):
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
