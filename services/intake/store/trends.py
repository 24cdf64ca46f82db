"""Trends, kept beside the complaints, and the look at the end of each of the house's days that finds them.

Replicas that look at the same day do the same: ids come from subject and day, so that each trend is signalled
once. No subject has two open trends.
"""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from time import monotonic
from typing import TypeVar
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel

from services.intake.domain import charts
from services.intake.domain.charts import Counts, Kind, Point, Signal, Subject
from services.intake.domain.roles import Actor
from services.intake.domain.trends import (
    EVIDENCE,
    TRENDS,
    Effect,
    Finding,
    Measure,
    Share,
    Trend,
    about,
    close,
    compared,
    effect,
    record_measure,
    renew,
    signal,
    trend_id,
)
from services.intake.store.complaints import complaints, copies
from services.intake.store.counts import counted, evidence, shares
from services.intake.store.house import house
from shared import clock, telemetry
from shared.documents import Saved
from shared.driver import Taken, index
from shared.envelope import Cause
from shared.events import Fact
from shared.mongo import Store
from shared.problems import NotFound

EVERY_S = 1.0
MOST_MISSED = 14
"""Days for which looks are made up after the house was off."""
SETTLING = timedelta(minutes=10)
"""After midnight, so that complaints of the last minutes are graded and dispatched."""
SHOWN_WEEKS = 26
D = TypeVar("D")

trends = complaints.beside(
    Trend,
    lift=lambda trend: {
        "trend": "closed" if trend.closed_at else "open",
        "trend_open": None if trend.closed_at else f"{trend.kind} {trend.about.model_dump_json()}",
        "trend_closed_at": trend.closed_at,
        "signalled_at": trend.signalled_at,
    },
    indexes=[
        index("trend", "-signalled_at", "-_id"),
        index("signalled_at", "_id"),
        index("trend_open", unique=True),
        index("trend_closed_at"),
    ],
)


class Progress(BaseModel):
    """The last day that was looked at."""

    day: date


progress: Store[Progress] = complaints.beside(Progress)
PROGRESS = uuid5(TRENDS, "progress")


def advance(state: Progress | None, cause: Cause[date]) -> tuple[Progress, list[Fact]]:
    """A day was looked at; another replica may be ahead."""
    return Progress(day=max(cause.data, state.day if state else cause.data)), []


def yesterday() -> date:
    """The last of the house's days that is over."""
    return (clock.now() - SETTLING).astimezone(house().months.zone).date() - timedelta(days=1)


class Watch:
    """Looks at each day once it is over."""

    def __init__(self) -> None:
        self._tried = 0.0
        self._done: date | None = None

    async def tick(self) -> bool:
        """Look at the next day that nobody has looked at; true if there are more."""
        if not copies.loaded or monotonic() - self._tried < EVERY_S:
            return False
        self._tried, last = monotonic(), yesterday()
        if self._done is not None and self._done >= last:
            return False
        self._done = await _done()
        if self._done is not None and self._done >= last:
            return False
        missed = min(MOST_MISSED, (last - self._done).days) if self._done else 1
        day = last - timedelta(days=missed - 1)
        await look_at(day)
        await progress.update(PROGRESS, advance, _by_clock(PROGRESS, f"looked {day}", "trends", day))
        self._done, self._tried = day, 0.0
        return day < last


watch = Watch()


async def _done() -> date | None:
    saved = await progress.get(PROGRESS)
    return saved.state.day if saved and saved.state else None


async def look_at(day: date) -> None:
    """Signal what has become more frequent by the end of this day, and renew what was signalled before."""
    edges = charts.edges(day, house().months.zone.key)
    tallies = await counted(edges)
    found = await asyncio.to_thread(charts.tell_apart, tallies)
    known = {each.state.subject: each async for each in trends.scan({"trend": "open"}) if each.state}
    quiet = dict.fromkeys(known, 0) | await _quiet(edges[-1], known)
    for each in await asyncio.to_thread(charts.look, found, quiet):
        await _signal(each, edges[-1])
    for open_ in known.values():
        await _renew(open_, found, edges[-1])


async def _quiet(until: datetime, known: Mapping[Subject, Saved[Trend]]) -> dict[Subject, int]:
    """Of subjects whose trend was closed lately the days since; what was before was looked into."""
    recent = {"trend_closed_at": {"$gte": until - timedelta(days=max(charts.LENGTHS))}}
    closed = [each.state async for each in trends.scan(recent) if each.state]
    days: dict[Subject, int] = {}
    for each in closed:
        if each.closed_at is not None and each.subject not in known:
            since = max(0, (until - each.closed_at).days)
            days[each.subject] = min(since, days.get(each.subject, since))
    return days


async def _signal(found: Signal, until: datetime) -> None:
    since = charts.midnight_before(until, found.days, house().months.zone.key)
    id = trend_id(found.subject, until)
    finding = Finding(
        since=since,
        until=until,
        observed=found.observed,
        expected=found.expected,
        probability=found.probability,
    )
    trend = Trend(
        kind=found.subject.kind,
        about=about(found.subject),
        signalled_at=clock.now(),
        found=finding,
        newest=finding,
        evidence=await evidence(found.subject, since, until, EVIDENCE),
    )
    try:
        await trends.update(id, signal, _by_clock(id, "signalled", found.subject.label, trend))
    except Taken:  # by another replica, which looks at another day
        return


async def _renew(open_: Saved[Trend], found: Mapping[Kind, Counts], until: datetime) -> None:
    assert open_.state is not None
    trend, subject = open_.state, open_.state.subject
    days = round((trend.found.until - trend.found.since) / timedelta(days=1))
    newest = charts.find(found, subject, days)
    effects = {
        each.id: await effect_of(trend, each, until)
        for each in trend.measures
        if each.effective_from < until and _is_weekly(each, until)
    }
    finding = Finding(
        since=charts.midnight_before(until, days, house().months.zone.key),
        until=until,
        observed=newest.observed,
        expected=newest.expected,
        probability=newest.probability,
    )
    cause = _by_clock(open_.id, f"look {until.isoformat()}", subject.label, (finding, effects))
    await trends.update(open_.id, renew, cause)


def _is_weekly(measure: Measure, until: datetime) -> bool:
    """An effect is counted once a week; in between it is where it was, but for whoever asks for one trend."""
    return measure.effect is None or until - measure.effect.after.until >= timedelta(days=7)


async def effect_of(trend: Trend, measure: Measure, now: datetime) -> Effect:
    """What a measure has changed up to now."""
    since, begin, until = compared(trend, measure, now)
    edges = [since, begin, until] if until > begin else [since, begin]
    rows = [*await shares(trend.subject, edges), (0, 0)]
    before, after = rows[:2]
    return effect(
        trend,
        Share(since=since, until=begin, count=before[0], all=before[1]),
        Share(since=begin, until=until, count=after[0], all=after[1]),
    )


async def chart(subject: Subject) -> list[Point]:
    """A subject by week, up to the end of yesterday."""
    begins = charts.weeks(yesterday() + timedelta(days=1), SHOWN_WEEKS)
    zone = house().months.zone.key
    return charts.points(begins, await shares(subject, [charts.midnight(each, zone) for each in begins]))


async def one(id: UUID) -> Trend:
    """A trend. Raises NotFound."""
    found = await trends.get(id)
    if found is None or found.state is None:
        raise NotFound("There is no trend with this id")
    return found.state


async def page(
    state: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[Saved[Trend]], bool]:
    """Trends, the newest first, and whether there are more."""
    query: dict[str, object] = {"signalled_at": {"$exists": True}} | ({"trend": state} if state else {})
    if after is not None:
        at, id = after
        query["$or"] = [{"signalled_at": {"$lt": at}}, {"signalled_at": at, "_id": {"$lt": id}}]
    return await trends.page(query, sort="-signalled_at,-_id", limit=limit)


async def add_measure(id: UUID, given: Measure, by: Actor) -> Trend:
    """Record a measure. Raises what refuses it."""
    trend = await one(id)
    saved = await trends.update_soon(id, record_measure, _by(id, trend, by, given))
    assert saved.state is not None
    return saved.state


async def end(id: UUID, conclusion: str, by: Actor) -> Trend:
    """Close it. Raises what refuses it."""
    trend = await one(id)
    saved = await trends.update_soon(id, close, _by(id, trend, by, conclusion))
    assert saved.state is not None
    return saved.state


def _by(id: UUID, trend: Trend, by: Actor, data: D) -> Cause[D]:
    return Cause(
        uuid4(), id, trend.subject.label, clock.now(), by.name, data, traceparent=telemetry.traceparent()
    )


def _by_clock(id: UUID, what: str, label: str, data: D) -> Cause[D]:
    """A cause that is the same for every replica."""
    return Cause(uuid5(id, what), id, label, clock.now(), complaints.service, data)
