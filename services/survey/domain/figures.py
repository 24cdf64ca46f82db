"""Figures: how many were asked and how many answered, and how content those were.

Source: E. B. Wilson's score interval (1927).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import sqrt
from statistics import NormalDist
from typing import Any, Literal, get_args

from pydantic import AwareDatetime, BaseModel, Field

from services.survey.domain.record import Reason
from shared.problems import Fault, Invalid

Dimension = Literal["department", "product", "month", "channel", "route"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
REASONS: tuple[Reason, ...] = get_args(Reason)
COUNTS = ("asked", "answered", "declined", "expired", "closed", "open", "content", "scores", *REASONS)
"""What is counted of each group; `scores` is the sum of those given."""
CONTENT_FROM = 8
MOST_GROUPS = 10_000
USUALLY = timedelta(days=30)
_Z95 = NormalDist().inv_cdf(0.975)


class Row(BaseModel):
    """Surveys of one group; a dimension that is null is not known of them.

    Asked are those that were opened: answered, declined, expired, closed (the complaint was reopened or the
    customer erased meanwhile) or still open. Of nobody there is no rate.
    """

    department: str | None = None
    product: str | None = None
    month: str | None = None
    channel: str | None = None
    route: str | None = Field(None, description="By which it went out; until it did, as the pack wants it")
    asked: int
    answered: int
    declined: int
    expired: int
    closed: int
    open: int
    skipped: dict[Reason, int] = Field(description="By reason; they are not among the asked")
    response_rate: float | None = Field(description="Answered / asked")
    mean: float | None = Field(description="Of the scores, 0 to 10")
    content: int = Field(description=f"Scores of {CONTENT_FROM} and more")
    share: float | None = Field(description="Content / answered, with its 95 % interval (Wilson)")
    low: float | None
    high: float | None


class Figures(BaseModel):
    """All surveys of a period, and by group: the groups sum to the total."""

    since: AwareDatetime = Field(serialization_alias="from")
    until: AwareDatetime = Field(serialization_alias="to")
    total: Row
    rows: list[Row]


def wilson(part: int, whole: int) -> tuple[float, float] | tuple[None, None]:
    """Between which shares the true one lies, with 95 % confidence; nothing is said of nothing."""
    if not whole:
        return None, None
    share, z2 = part / whole, _Z95**2
    centre = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    reach = _Z95 * sqrt(share * (1 - share) / whole + z2 / (4 * whole**2)) / (1 + z2 / whole)
    return max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach))


def period(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """From one instant until before another; the last 30 days, if none is given. Raises Invalid."""
    end = until or max(now, (since or now) + timedelta(seconds=1))
    begin = since or end - USUALLY
    if begin >= end:
        raise Invalid("The period ends before it begins", [Fault(detail="give from < to", pointer="#/to")])
    return begin, end


def dimensions(given: str | None) -> list[Dimension]:
    """The dimensions that a caller names, with commas. Raises Invalid for one that there is not."""
    named = [each.strip() for each in (given or "").split(",") if each.strip()]
    if unknown := [each for each in named if each not in DIMENSIONS]:
        fault = Fault(detail=f"use some of {', '.join(DIMENSIONS)}", pointer="#/by")
        raise Invalid(f"Surveys are not counted by {unknown[0][:50]}", [fault])
    return [each for each in DIMENSIONS if each in named]


def figures(found: list[Mapping[str, Any]], since: datetime, until: datetime) -> Figures:
    """The rows of groups as they were counted (`_id` is the group). Raises Invalid for too many."""
    if len(found) > MOST_GROUPS:
        fault = Fault(detail="take a shorter period, or fewer dimensions", pointer="#/by")
        raise Invalid(f"These are more than {MOST_GROUPS} groups", [fault])
    total = {name: sum(each[name] for each in found) for name in COUNTS}
    rows = [_row(each, each["_id"] or {}) for each in found if each["_id"]]
    return Figures(since=since, until=until, total=_row(total, {}), rows=sorted(rows, key=_order))


def _order(row: Row) -> list[str]:
    return [getattr(row, name) or "" for name in DIMENSIONS]


def _row(counted: Mapping[str, Any], group: Mapping[str, str]) -> Row:
    asked, answered, content = counted["asked"], counted["answered"], counted["content"]
    low, high = wilson(content, answered)
    return Row(
        **group,
        **{name: counted[name] for name in ("asked", "answered", "declined", "expired", "closed", "open")},
        skipped={name: counted[name] for name in REASONS if counted[name]},
        response_rate=answered / asked if asked else None,
        mean=counted["scores"] / answered if answered else None,
        content=content,
        share=content / answered if answered else None,
        low=low,
        high=high,
    )
