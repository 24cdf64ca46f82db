"""Counts that the database makes, by spans of time: for charts, and for the year of a report."""

from collections.abc import Sequence
from datetime import datetime
from math import inf
from time import monotonic
from typing import Any

from prometheus_client import Gauge

from services.intake.domain.charts import FIGURES, Subject, Tally
from services.intake.domain.reporting import Received
from services.intake.domain.stages import ENDED, Stage
from services.intake.domain.trends import Piece
from services.intake.store.complaints import complaints
from shared.metrics import looked_up

STAGES = Gauge("redress_complaints_open", "Complaints that are not closed, by stage", ["stage"])
EVERY_S = 60.0
_looked = -inf
FIELDS = {"product": "product", "batch": "batch", "department": "lead", "class_": "class", "cause": "cause"}
_COVERED = {"$project": {"_id": 0, "registered_at": 1} | dict.fromkeys(FIELDS.values(), 1)}
"""Asks for no more than the index of periods has, so that no document is fetched."""


async def counted(edges: Sequence[datetime]) -> list[Tally]:
    """All complaints between the first and the last of these instants, by span, for each kind of subject."""
    tallies: list[Tally] = []
    for kinds, names in FIGURES.items():
        group = {"span": _span(edges)} | {name: f"${FIELDS[name]}" for name in names}
        found = await complaints.aggregate(
            [_between(edges[0], edges[-1]), _COVERED, {"$group": {"_id": group, "count": {"$sum": 1}}}]
        )
        tallies += [Tally(count=each["count"], kinds=kinds, **each["_id"]) for each in found]
    return tallies


async def shares(subject: Subject, edges: Sequence[datetime]) -> list[tuple[int, int]]:
    """Of each span: the complaints about a subject, and all that they are counted among."""
    mine = {"$and": [{"$eq": [_value(name), {"$literal": value}]} for name, value in _wanted(subject)]}
    known = [{"$ne": [_value(name), None]} for name in _found_out_by(subject)]
    found = await complaints.aggregate(
        [
            _between(edges[0], edges[-1]),
            _COVERED,
            {
                "$group": {
                    "_id": _span(edges),
                    "count": {"$sum": {"$cond": [mine, 1, 0]}},
                    "all": {"$sum": {"$cond": [{"$and": known}, 1, 0]} if known else 1},
                }
            },
        ]
    )
    rows = {each["_id"]: (each["count"], each["all"]) for each in found}
    return [rows.get(span, (0, 0)) for span in range(len(edges) - 1)]


async def received_in(edges: Sequence[datetime]) -> list[Received]:
    """Of each span: how many were received, how many of them in time, and what customers said."""
    judged, answered = ({"$gt": [f"${name}", None]} for name in ("in_time", "score"))
    found = await complaints.aggregate(
        [
            _between(edges[0], edges[-1]),
            {
                "$group": {
                    "_id": _span(edges),
                    "received": {"$sum": 1},
                    "judged": {"$sum": {"$cond": [judged, 1, 0]}},
                    "in_time": {"$sum": {"$cond": [{"$eq": ["$in_time", True]}, 1, 0]}},
                    "answered": {"$sum": {"$cond": [answered, 1, 0]}},
                    "scores": {"$sum": "$score"},
                }
            },
        ]
    )
    known = {each.pop("_id"): Received(**each) for each in found}
    return [known.get(span, Received()) for span in range(len(edges) - 1)]


async def closed_in_spans(edges: Sequence[datetime]) -> list[int]:
    """How many complaints came to their end in each span."""
    found = await complaints.aggregate(
        [
            {"$match": {"closed_at": {"$gte": edges[0], "$lt": edges[-1]}}},
            {"$group": {"_id": _span(edges, of="closed_at"), "count": {"$sum": 1}}},
        ]
    )
    known = {each["_id"]: each["count"] for each in found}
    return [known.get(span, 0) for span in range(len(edges) - 1)]


async def evidence(subject: Subject, since: datetime, until: datetime, most: int) -> list[Piece]:
    """The newest complaints about a subject in a window."""
    mine = {FIELDS[name]: value for name, value in _wanted(subject)}
    found = await complaints.aggregate(
        [
            {"$match": {"registered_at": {"$gte": since, "$lt": until}, **mine}},
            {"$sort": {"registered_at": -1, "_id": -1}},
            {"$limit": most},
            {"$project": {"number": 1}},
        ]
    )
    return [Piece(id=each["_id"], number=each["number"]) for each in found]


async def measure_stages() -> None:
    """How many complaints stand at each stage, of those that are not at their end; read off an index."""
    global _looked
    if monotonic() - _looked < EVERY_S:
        return
    standing = sorted(stage.value for stage in Stage if stage not in ENDED)
    with looked_up(STAGES):
        found = await complaints.aggregate(
            [{"$match": {"stage": {"$in": standing}}}, {"$group": {"_id": "$stage", "count": {"$sum": 1}}}]
        )
    _looked = monotonic()
    known = {each["_id"]: each["count"] for each in found}
    for stage in standing:
        STAGES.labels(stage).set(known.get(stage, 0))


def _between(since: datetime, until: datetime) -> dict[str, Any]:
    return {"$match": {"registered_at": {"$gte": since, "$lt": until}}}


def _span(edges: Sequence[datetime], first: int = 0, of: str = "registered_at") -> dict[str, Any]:
    """Which of the spans between these instants that instant lies in, counted from `first`."""
    if len(edges) <= 2:
        return {"$literal": first}
    middle = len(edges) // 2
    early, late = _span(edges[: middle + 1], first, of), _span(edges[middle:], first + middle, of)
    return {"$cond": [{"$lt": [f"${of}", edges[middle]]}, early, late]}


def _value(name: str) -> dict[str, Any]:
    return {"$ifNull": [f"${FIELDS[name]}", None]}


def _wanted(subject: Subject) -> list[tuple[str, str]]:
    """What a complaint must have to be about a subject."""
    values = subject._asdict()
    return [(name, values[name]) for name in FIELDS if values[name] is not None]


def _found_out_by(subject: Subject) -> list[str]:
    """What must be known of a complaint that others are counted among (see `charts.counted_among`)."""
    return {"department": ["department"], "nature": ["class_"], "cause": ["class_", "cause"]}.get(
        subject.kind, []
    )
