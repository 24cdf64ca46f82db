"""Ages: how many wait, and for how long the first has, by the database's clock and by indexes alone."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from shared import metrics
from shared.driver import passed
from shared.mongo import Store

MOST = 10_000
"""What is counted at most: ages are what matters."""
EVER = {"$gte": datetime.fromtimestamp(0, UTC)}
"""Any instant. An index alone tells where there is one; `$exists` would have every document read."""


async def count(store: Store[Any], query: Mapping[str, Any]) -> int:
    """How many documents match, up to MOST; an index must have all that the query names."""
    found = await store.aggregate([{"$match": query}, {"$limit": MOST}, {"$count": "count"}])
    return found[0]["count"] if found else 0


async def age(store: Store[Any], query: Mapping[str, Any], field: str, since: Any = None) -> float:
    """Seconds since the first instant in an indexed field of what matches; 0 if nothing does.

    `since` is an expression for that instant, if the field has several.
    """
    found = await store.aggregate(
        [
            {"$match": query},
            {"$sort": {field: 1}},
            {"$limit": 1},
            {"$project": {"_id": 0, "seconds": _until_now(since or f"${field}")}},
        ]
    )
    return max(0.0, found[0]["seconds"] or 0.0) if found else 0.0


def overdue(store: Store[Any], timer: str, field: str = "next_due") -> Callable[[], Awaitable[None]]:
    """What measures for how long the first instant `field` has passed with nothing done; 0 if none has."""
    gauge = metrics.OVERDUE.labels(timer)

    async def look() -> None:
        with metrics.looked_up(gauge):
            gauge.set(await age(store, passed(field), field))

    return look


def _until_now(since: Any) -> dict[str, Any]:
    return {"$divide": [{"$subtract": ["$$NOW", since]}, 1_000]}
