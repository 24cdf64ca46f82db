"""Trends over HTTP: what has become more frequent, charts of it, measures against it and their effect."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.intake.api.calling import By, kept_key
from services.intake.domain.charts import Kind, Point
from services.intake.domain.roles import check_may
from services.intake.domain.trends import (
    Closing,
    Finding,
    Measure,
    NewMeasure,
    Piece,
    Trend,
    check_measure,
    measure_id,
    named,
)
from services.intake.store import trends as store
from shared import clock
from shared.events import About
from shared.http import Key, PageToken, page_token, read_page_token

router = APIRouter(prefix="/v1", tags=["trends"])


class Window(BaseModel):
    """From one instant until before another."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")


class Shown(BaseModel):
    """A trend: so many `observed` in the window, `expected` by the share before, and the chance of so many.

    `newest` is the same as the last look found it.
    """

    id: UUID
    kind: Kind
    subject: About
    state: Literal["open", "closed"]
    signalled_at: AwareDatetime
    window: Window
    observed: int
    expected: float
    probability: float
    newest: Finding
    evidence: list[UUID] = Field(description="The newest complaints in the window, 100 at most")
    measures: list[Measure]
    closed_at: AwareDatetime | None
    closed_by: str | None
    conclusion: str | None


class Page(BaseModel):
    """Trends, the newest first."""

    trends: list[Shown]
    next_page_token: str | None = None


class Week(BaseModel):
    """A week of a subject: its share of all complaints, its usual share, and the most that chance explains.

    `centre` is the share of the 26 weeks before; chance goes beyond `upper` once in 741 weeks.
    """

    date: date
    count: int
    all: int
    share: float | None
    centre: float | None
    upper: float | None
    beyond: bool


class Chart(BaseModel):
    """A subject by week, as a control chart."""

    kind: Kind
    subject: About
    points: list[Week]


class Detailed(Shown):
    """A trend with its chart, the complaints by their numbers, and the effects of its measures as of now."""

    chart: list[Week]
    complaints: list[Piece]


def _shown(id: UUID, trend: Trend) -> Shown:
    return Shown(
        id=id,
        subject=trend.about,
        state="closed" if trend.closed_at else "open",
        window=Window(since=trend.found.since, until=trend.found.until),
        evidence=[each.id for each in trend.evidence],
        **trend.found.model_dump(include={"observed", "expected", "probability"}),
        **{name: getattr(trend, name) for name in _ALIKE},
    )


_ALIKE = ("kind", "signalled_at", "newest", "measures", "closed_at", "closed_by", "conclusion")


def _week(point: Point) -> Week:
    share = point.count / point.all if point.all else None
    beyond = share is not None and point.upper is not None and share > point.upper
    return Week(
        date=point.date,
        count=point.count,
        all=point.all,
        share=share,
        centre=point.centre,
        upper=point.upper,
        beyond=beyond,
    )


@router.get("/trends")
async def find(
    by: By,
    state: Literal["open", "closed"] | None = None,
    page_size: Annotated[int, Query(ge=1, le=200)] = 50,
    token: PageToken = None,
) -> Page:
    """What was signalled, the newest first; the effects of measures are as of the last week."""
    check_may(by, "read trends", (), ())
    after = None
    if token is not None:
        at, id = read_page_token(token, dated=True)
        assert at is not None
        after = (at, id)
    found, more = await store.page(state, after, page_size)
    last = found[-1] if more else None
    following = page_token(last.state.signalled_at, last.id) if last and last.state else None
    shown = [_shown(each.id, each.state) for each in found if each.state]
    return Page(trends=shown, next_page_token=following)


@router.get("/trends/{id}")
async def show(id: UUID, by: By) -> Detailed:
    """One trend, with its chart."""
    check_may(by, "read trends", (), ())
    trend = await store.one(id)
    measures = [
        each.model_copy(update={"effect": await store.effect_of(trend, each, clock.now())})
        for each in trend.measures
    ]
    plain = _shown(id, trend.model_copy(update={"measures": measures}))
    points = [_week(each) for each in await store.chart(trend.subject)]
    return Detailed(**dict(plain), chart=points, complaints=trend.evidence)


@router.get("/charts")
async def chart(given: Annotated[About, Query()], by: By) -> Chart:
    """The chart of a product, a batch, a lead department, a class or a cause of it (of a product or not)."""
    check_may(by, "read trends", (), ())
    subject = named(given)
    points = [_week(each) for each in await store.chart(subject)]
    return Chart(kind=subject.kind, subject=given, points=points)


@router.post("/trends/{id}/measures", status_code=201)
async def measure(id: UUID, given: NewMeasure, by: By, key: Key) -> Shown:
    """Record what is done so that it does not go on. Its words are for no names of customers."""
    check_may(by, "prevent", (), ())
    own = kept_key(by, "measure", key)
    taken = Measure(
        id=measure_id(id, own) if own else uuid4(), by=by.name, at=clock.now(), **given.model_dump()
    )
    trend = await store.add_measure(id, taken, by)
    check_measure(trend, taken)
    return _shown(id, trend)


@router.post("/trends/{id}/close")
async def close(id: UUID, given: Closing, by: By) -> Shown:
    """Say how it ended; the subject may be signalled again by what comes later."""
    check_may(by, "close a trend", (), ())
    return _shown(id, await store.end(id, given.conclusion, by))
