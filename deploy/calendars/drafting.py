"""Calendars from the maintained library `holidays`: what is off on weekdays, substitute days included."""

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version

import holidays

from deploy.calendars.writing import in_years, written
from shared.policy import Calendar
from shared.problems import Invalid, fitting

SATURDAY = 5


def days_off(place: str, years: Sequence[int]) -> dict[date, str]:
    """The public holidays of a place (GB-ENG, US) that fall on Monday to Friday. Raises Invalid."""
    country, _, part = place.partition("-")
    try:
        # Without a language it would take that of the terminal.
        language = holidays.country_holidays(country, subdiv=part or None).default_language
        found = holidays.country_holidays(country, subdiv=part or None, years=years, language=language)
    except NotImplementedError as error:
        raise Invalid(f"The library holidays does not know {place}: {error}") from None
    return {day: name for day, name in sorted(found.items()) if day.weekday() < SATURDAY}


def drafted(place: str, name: str, years: Sequence[int], time_zone: str, shifts: tuple[str, str]) -> str:
    """A calendar as YAML. Raises Invalid."""
    days = days_off(place, years)
    if absent := sorted({*years} - {day.year for day in days}):
        raise Invalid(f"The library holidays has nothing for {place} in {', '.join(map(str, absent))}")
    library = f"PyPI library holidays {version('holidays')}"
    content = {
        "calendar": name,
        "version": 1,
        "time_zone": time_zone,
        "source": f"{library}, {place}, substitute and observed days included",
        "years": list(years),
        "days_off": days,
        "shifts": [list(shifts)],
    }
    with fitting("This makes no calendar"):
        Calendar.model_validate(content)
    header = f"# {place}: public holidays from Monday to Friday, on the days on which they are observed.\n"
    return written(header, content | {"days_off": in_years(days, apart=True)})
