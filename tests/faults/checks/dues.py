"""Every due time is what the pack's rule gives, reckoned by hand from when others told that it began."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from shared.policy import Duration, load, load_calendar
from tests.faults.checks.world import World
from tests.faults.expected import instant
from tests.faults.witness import Told

PACK = load("base", 1)
DAY = timedelta(days=1)


def check(world: World) -> None:
    for complaint in world.known:
        for key, found in world.by_complaint.get(complaint, {}).items():
            for each in found if key[1] == "deadline.set.v1" else ():
                _check(world, each)


def _check(world: World, told: Told) -> None:
    rule = PACK.clocks[told.data["clock"]]
    began, due = _began(world, told, rule.start), instant(told.data["due"])
    if began is None:
        return
    lengths = [rule.due.get(grade, rule.due["default"]) for grade in _grades(world, told)]
    right = {by_hand(length, began) for length in lengths}
    if instant(told.data["started"]) != began or due not in right:
        category = "timers_early" if due < min(right, default=due) else "timers_missed"
        what = f"clock {told.data['clock']} is due {due}, by hand {sorted(right)} from {began} on"
        world.findings.fault(category, told.complaint, what)


def _began(world: World, told: Told, mark: str) -> datetime | None:
    """When its first mark was left, as others told; None if they told nothing, which is another fault."""
    cycle = told.data["cycle"]
    if mark == "received" and cycle == 1:
        registered = world.at((told.complaint, "complaint.registered.v1", 0, ""))
        return next((instant(each.data["received_at"]) for each in registered), None)
    by = {
        "registered": ("complaint.registered.v1", 0),
        "received": ("complaint.reopened.v1", cycle),
        "dispatched": ("complaint.dispatched.v1", cycle),
    }
    return min((each.time for each in world.at((told.complaint, *by[mark], ""))), default=None)


def _grades(world: World, told: Told) -> set[str]:
    """Those of its cycle: whichever it had when the clock was set."""
    return {
        each.data["grade"]
        for key, found in world.by_complaint.get(told.complaint, {}).items()
        if key[1] == "complaint.graded.v1" and key[2] == told.data["cycle"]
        for each in found
    }


def by_hand(length: Duration, began: datetime) -> datetime:
    """Hours are hours; so many worked days after the day of the start, to the end of the last."""
    if length.hours is not None:
        return began + timedelta(hours=float(length.hours))
    assert length.working_days is not None
    zone = load_calendar(PACK.calendar).zone
    last = _worked_day(length.working_days, began.astimezone(zone).date())
    return datetime.combine(last + DAY, time(), zone).astimezone(UTC)


@lru_cache(1_024)
def _worked_day(number: int, after: date) -> date:
    calendar, day = load_calendar(PACK.calendar), after
    while number:
        day += DAY
        number -= bool(calendar.shifts_on(day, None))
    return day
