"""The deadlines: one document for each complaint, found by the next instant at which one must speak up.

`board` repeats of every clock what lists and figures ask for, as the database can compare it.
"""

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic
from typing import Any
from uuid import UUID, uuid5

import structlog
from prometheus_client import Gauge

from services.sla.domain.deadlines import reckon_anew
from services.sla.domain.publishing import Edition
from services.sla.domain.record import ENDED, Clock, Deadlines
from shared import clock, policy, telemetry
from shared.copies import Copies
from shared.documents import Saved
from shared.driver import index
from shared.envelope import Cause
from shared.metrics import looked_up
from shared.mongo import Store

AT_ONCE, EVERY_S = 200, 2.0
_log = structlog.get_logger()
NOTICE = timedelta(days=60)
HORIZON = Gauge(
    "redress_calendar_horizon_days",
    "Days that official notices still cover, of calendars in use",
    ["calendar"],
)


def lift(state: Deadlines) -> dict[str, Any]:
    """What indexes, lists and figures find a complaint by."""
    pack = state.pack
    dues = [each.due.astimezone(UTC) for each in state.open]
    return {
        "next_due": state.next_due,
        "earliest": min(dues, default=None),
        "latest": max(dues, default=None),
        "departments": sorted({each.responsible for each in state.open if each.responsible}) or None,
        "months": sorted({each.month for each in state.clocks}) or None,
        "board": [_line(each, pack) for each in state.clocks],
        "calendar": state.calendar if dues else None,
        "calendar_version": state.calendar_version if dues else None,
    }


def _line(of: Clock, pack: str | None) -> dict[str, Any]:
    return {
        "pack": pack,
        "clock": of.name,
        "cycle": of.cycle,
        "department": of.responsible,
        "grade": of.grade,
        "month": of.month,
        "due": of.due.astimezone(UTC),
        "status": of.status,
        "over": of.ended is not None,
        "provisional": of.provisional,
    }


deadlines = Store(
    "sla",
    "deadlines",
    Deadlines,
    lift=lift,
    indexes=[
        index("next_due"),
        index("earliest", "_id"),
        index("departments", "earliest", "_id"),
        index("months", "_id"),
        index("calendar", "calendar_version"),
    ],
)
copies = Copies(deadlines)
editions = deadlines.beside(Edition)


async def listed(
    wanted: Mapping[str, Any],
    month: str | None,
    after: tuple[datetime | None, UUID] | None,
    limit: int,
) -> tuple[list[Saved[Deadlines]], bool]:
    """Complaints with a clock like that, and whether there are more: of a month by id, else by due time."""
    query: dict[str, Any] = {"board": {"$elemMatch": dict(wanted)}}
    if month is not None:
        query |= {"months": month} | ({"_id": {"$gt": after[1]}} if after else {})
        return await deadlines.page(query, sort="_id", limit=limit)
    query["earliest"] = {"$exists": True}
    if "department" in wanted:
        query["departments"] = wanted["department"]
    if "due" in wanted:
        query["earliest"] |= {"$lt": wanted["due"]["$lt"]}
    if after is not None:
        due, id = after
        query["$or"] = [{"earliest": {"$gt": due}}, {"earliest": due, "_id": {"$gt": id}}]
    return await deadlines.page(query, sort="earliest,_id", limit=limit)


def fits(of: Clock, state: Deadlines, wanted: Mapping[str, Any]) -> bool:
    """Whether a clock is one of those that `listed` was asked for."""
    line = _line(of, state.pack)
    tests: dict[str, Any] = dict(wanted)
    due, status = tests.pop("due", None), tests.pop("status", None)
    if due is not None and line["due"] >= due["$lt"]:
        return False
    if status is not None and (
        line["status"] in status["$nin"] if isinstance(status, dict) else line["status"] != status
    ):
        return False
    return all(line[key] == value for key, value in tests.items())


async def reckoned_by(calendar: str) -> int:
    """How many open clocks this calendar counts for."""
    over = {"board.status": {"$nin": ENDED}}
    found = await deadlines.aggregate(
        [{"$match": {"calendar": calendar}}, {"$unwind": "$board"}, {"$match": over}, {"$count": "open"}]
    )
    return int(found[0]["open"]) if found else 0


async def figures(
    first: str, last: str, by: list[str], wanted: Mapping[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """How many clocks due from month `first` to month `last` ended how, for each value of `by`."""
    late = {"$or": [{"$in": ["$board.status", ["missed", "overdue"]]}, _passed(now)]}
    open_ = {"$in": ["$board.status", ["running", "warned", "paused"]]}
    counted = {
        "met": {"$eq": ["$board.status", "met"]},
        "late": late,
        "open": {"$and": [open_, {"$not": _passed(now)}]},
        "cancelled": {"$eq": ["$board.status", "cancelled"]},
    }
    months = {"$gte": first, "$lte": last}
    return await deadlines.aggregate(
        [
            {"$match": {"months": {"$elemMatch": months}}},
            {"$project": {"board": 1}},
            {"$unwind": "$board"},
            {"$match": {"board.month": months} | {f"board.{key}": value for key, value in wanted.items()}},
            {
                "$group": {"_id": {name: f"$board.{name}" for name in by}}
                | {name: {"$sum": {"$cond": [test, 1, 0]}} for name, test in counted.items()}
            },
            {"$sort": {"_id": 1}},
        ]
    )


def _passed(now: datetime) -> dict[str, Any]:
    """Running past its due time, though it has not said so yet; whose cycle is over is not late."""
    running = {"$in": ["$board.status", ["running", "warned"]]}
    return {"$and": [running, {"$eq": ["$board.over", False]}, {"$lt": ["$board.due", now]}]}


async def coming(now: datetime, until: datetime) -> list[dict[str, Any]]:
    """How many open clocks fall due in each hour between two instants, by department."""
    due = {"$gte": now, "$lt": until}
    return await deadlines.aggregate(
        [
            {"$match": {"earliest": {"$lt": until}, "latest": {"$gte": now}}},
            {"$project": {"board": 1}},
            {"$unwind": "$board"},
            {
                "$match": {
                    "board.due": due,
                    "board.status": {"$in": ["running", "warned"]},
                    "board.over": False,
                }
            },
            {
                "$group": {
                    "_id": {
                        "hour": {"$dateTrunc": {"date": "$board.due", "unit": "hour"}},
                        "department": "$board.department",
                    },
                    "deadlines": {"$sum": 1},
                }
            },
            {"$sort": {"_id": 1}},
        ]
    )


async def warnings() -> list[str]:
    """Calendars that open deadlines are counted by, and whose official notices end soon."""
    ahead = (clock.now() + NOTICE).date()
    return [
        f"calendar {name}: no official notice for {ahead.year} yet; deadlines that reach it are provisional"
        for name in await _calendars_in_use()
        if not policy.load_calendar(name).official(ahead, ahead)
    ]


async def _calendars_in_use() -> list[str]:
    """Those that open deadlines are counted by; sorted as their index is, which then finds the first."""
    return [
        name
        for name in policy.calendars()
        if await deadlines.find({"calendar": name}, sort="calendar_version", limit=1)
    ]


async def measure_calendars() -> None:
    """How far the official notices reach of calendars that open deadlines are counted by."""
    today = clock.now().date()
    with looked_up(HORIZON):
        used = await _calendars_in_use()
    HORIZON.clear()
    for name in used:
        ends = policy.load_calendar(name).official_until(today)
        HORIZON.labels(name).set(inf if ends is None else (ends - today).days)


class Sweep:
    """Looks now and then for what stands on an older version of its calendar."""

    def __init__(self) -> None:
        self._looked = 0.0

    async def tick(self) -> bool:
        """Reckon some of it anew; true if there may be more."""
        if monotonic() - self._looked < EVERY_S:
            return False
        more = [await reckon_by_newest(name) for name in policy.calendars()]
        self._looked = 0.0 if any(more) else monotonic()
        return any(more)


async def reckon_by_newest(name: str) -> bool:
    """Reckon anew what stands on an older version of this calendar; true if there may be more."""
    version = policy.load_calendar(name).version
    old = {"calendar": name, "calendar_version": {"$lt": version}}
    found = await deadlines.find(old, sort="calendar_version", limit=AT_ONCE)
    random.shuffle(found)  # replicas that look at the same moment then collide less
    work = (_anew(each, f"{name}/{version}") for each in found)
    failed = [each for each in await asyncio.gather(*work, return_exceptions=True) if each]
    for error in [each for each in failed if isinstance(each, Exception)][:1]:
        _log.warning("not reckoned anew", calendar=name, count=len(failed), reason=telemetry.where(error))
    return len(found) == AT_ONCE and not failed


async def _anew(found: Saved[Deadlines], calendar: str) -> None:
    assert found.state is not None
    id = uuid5(found.id, f"calendar {calendar} at {found.version}")
    await deadlines.update(
        found.id, reckon_anew, Cause(id, found.id, found.state.number, clock.now(), "sla", calendar)
    )
