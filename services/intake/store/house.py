"""The house: its time zone, by the calendar of its usual pack, and the newest version of each pack."""

from urllib.parse import urlencode

from services.intake.domain.figures import Months
from services.intake.domain.reporting import House
from services.intake.store.complaints import copies
from shared import clock
from shared.policy import Pack, load, load_calendar
from shared.settings import settings


def newest(name: str) -> Pack:
    """The newest version of a pack."""
    return load(name, copies.latest(name))


def house() -> House:
    """What figures are read with."""
    usual = newest(settings().pack)
    return House(
        months=Months(load_calendar(usual.calendar).zone),
        now=clock.now(),
        usual=usual,
        pack=newest,
        address=lambda path, query: f"{path}?{urlencode(query)}",
    )
