"""Workload: who holds how much since when, and what falls due on which day."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel

from services.intake.domain.complaint import MILLISECOND
from services.intake.domain.holding import Holding
from services.intake.domain.ledger import Filters
from services.intake.domain.roles import Actor
from shared.policy import latest, load


class Held(BaseModel):
    """What one of the holders has in hand: how much, how much of it late, and the oldest of it since when.

    `department` leads the handling of it. A handler who is hidden from the reader has no name, and no
    `filters` take just theirs.
    """

    kind: Holding
    department: str | None
    handler: str | None
    open: int
    overdue: int
    since: AwareDatetime
    filters: Filters | None


def named(kind: str, department: str | None, handler: str | None, pack: str, reader: Actor) -> dict[str, Any]:
    """A holder as this reader may know them, with the filters that take what they hold."""
    if kind not in ("handler", "department"):
        return {
            "kind": kind,
            "department": None,
            "handler": None,
            "filters": Filters.model_validate({"holder": kind}),
        }
    filters = {"holder": kind, "lead": department} | ({"handler": handler} if handler else {})
    if kind == "handler" and (handler is None or hides_handlers(pack, reader)):
        return {"kind": kind, "department": department, "handler": None, "filters": None}
    return {
        "kind": kind,
        "department": department,
        "handler": handler,
        "filters": Filters.model_validate(filters),
    }


def hides_handlers(pack: str, reader: Actor) -> bool:
    """Whether the newest version of this pack keeps from this reader who handles a complaint."""
    rules = load(pack, latest(pack)).visibility
    return any("handler" in rule.fields and set(rule.roles) & reader.roles for rule in rules)


def holders(counted: Iterable[Mapping[str, Any]], reader: Actor) -> list[Held]:
    """Holders from counts by kind, department, handler and pack; whoever has most that is late, first."""
    found: dict[tuple[str, str, str], Held] = {}
    for each in counted:
        who = each["_id"]
        about = named(who["kind"], who.get("department"), who.get("handler"), who["pack"], reader)
        key = (about["kind"], about["department"] or "", about["handler"] or "")
        counts = {name: each[name] for name in ("open", "overdue", "since")}
        if (known := found.get(key)) is not None:
            counts["open"] += known.open
            counts["overdue"] += known.overdue
            counts["since"] = min(counts["since"], known.since)
        found[key] = Held(**about, **counts)
    return [found[key] for key in sorted(found, key=lambda key: (-found[key].overdue, -found[key].open, key))]


class Day(BaseModel):
    """How much falls due on a day of the house, by leading department (empty: none leads yet)."""

    date: date
    due: int
    departments: dict[str, int]
    filters: Filters


def begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def forecast(counted: Mapping[tuple[date, str], int], now: datetime, days: int, zone: ZoneInfo) -> list[Day]:
    """The days from today on, those on which nothing falls due among them.

    What is due at midnight is due by the end of the day before (民法典 art. 203: a last day ends at 24:00).
    """
    today = now.astimezone(zone).date()
    return [_day(today + timedelta(days=ahead), counted, now, zone) for ahead in range(days)]


def _day(day: date, counted: Mapping[tuple[date, str], int], now: datetime, zone: ZoneInfo) -> Day:
    departments = {lead: due for (when, lead), due in sorted(counted.items()) if when == day}
    since = max(begins(day, zone) + MILLISECOND, now)
    until = begins(day + timedelta(days=1), zone) + MILLISECOND
    return Day(
        date=day,
        due=sum(departments.values()),
        departments=departments,
        filters=Filters(due_from=since, due_before=until),
    )
