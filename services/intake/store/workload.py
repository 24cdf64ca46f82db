"""Workload as the database counts it: open complaints by whoever holds them, and by the day they fall due."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.intake.domain.ledger import EARLIEST
from services.intake.domain.roles import Actor
from services.intake.domain.stages import ENDED, Stage
from services.intake.domain.workload import begins
from services.intake.store.complaints import complaints


async def held(reader: Actor, now: datetime) -> list[dict[str, Any]]:
    """How many open complaints each has in hand, how many of them late, since when, by pack.

    Who handles a complaint about this reader is left out. Everything stands in one index.
    """
    about = {"respondents": {"$in": reader.names}, "holder": "handler"}
    shut = [each["_id"] async for some in complaints.lifted(about, ["_id"], sort="_id") for each in some]
    departments = {"$in": ["$holder", ["handler", "department"]]}
    handlers: list[Any] = [{"$eq": ["$holder", "handler"]}]
    handlers += [{"$not": {"$in": ["$_id", shut]}}] if shut else []
    late = {"$and": [{"$gt": ["$next_deadline", EARLIEST]}, {"$lt": ["$next_deadline", now]}]}
    return await complaints.aggregate(
        [
            {"$match": {"holder": {"$gt": ""}}},
            {
                "$group": {
                    "_id": {
                        "kind": "$holder",
                        "department": {"$cond": [departments, "$lead", None]},
                        "handler": {"$cond": [{"$and": handlers}, "$handler", None]},
                        "pack": "$pack",
                    },
                    "open": {"$sum": 1},
                    "overdue": {"$sum": {"$cond": [late, 1, 0]}},
                    "since": {"$min": "$held_since"},
                }
            },
        ]
    )


async def by_stage() -> list[tuple[Stage, int]]:
    """How many open complaints stand at each stage."""
    open_ = [stage.value for stage in Stage if stage not in ENDED]
    found = await complaints.aggregate(
        [
            {"$match": {"stage": {"$in": open_}}},
            {"$group": {"_id": "$stage", "open": {"$sum": 1}}},
        ]
    )
    counted = {each["_id"]: each["open"] for each in found}
    return [(stage, counted[stage.value]) for stage in Stage if stage.value in counted]


async def falling_due(now: datetime, days: int, zone: ZoneInfo) -> tuple[int, Counter[tuple[date, str]]]:
    """How many complaints' next clock has run out, and of how many it does by day and leading department."""
    today = now.astimezone(zone).date()
    until = begins(today + timedelta(days=days), zone)
    before = {"$subtract": ["$next_deadline", 1]}  # midnight ends a day
    day = {"$dateToString": {"date": before, "format": "%Y-%m-%d", "timezone": zone.key}}
    found = await complaints.aggregate(
        [
            {"$match": {"next_deadline": {"$gte": EARLIEST, "$lte": until}}},
            {
                "$group": {
                    "_id": {
                        "day": {"$cond": [{"$lt": ["$next_deadline", now]}, None, day]},
                        "lead": "$lead",
                    },
                    "due": {"$sum": 1},
                }
            },
        ]
    )
    late, counted = 0, Counter[tuple[date, str]]()
    for each in found:
        lead, when = each["_id"].get("lead") or "", each["_id"]["day"]
        if when is None:
            late += each["due"]
        else:
            counted[max(date.fromisoformat(when), today), lead] += each["due"]
    return late, counted
