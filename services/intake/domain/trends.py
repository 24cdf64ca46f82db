"""Trends: what a look signalled, the measures taken against it, and whether they have had an effect."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import isinf
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from services.intake.domain.chances import ratio_between
from services.intake.domain.charts import Kind, Subject
from services.intake.domain.forms import Called, Given
from shared.envelope import Cause
from shared.events import (
    About,
    Fact,
    Text,
    TrendClosed,
    TrendMeasureRecorded,
    TrendSignalled,
    Window,
    storable,
    within_reach,
)
from shared.problems import Conflict, Fault, Invalid, NotFound

TRENDS = UUID("7b0c7a55-8f5c-5d1a-9a53-3f6f0f9f4f1e")
EVIDENCE = 100
MOST_MEASURES = 50
SETTLED = timedelta(days=28)
"""How long a measure must have been in force before it is judged."""
APART = timedelta(days=14)
FOLLOWED = timedelta(days=364)
"""How long the effect of a measure is followed."""
Words = Annotated[Text, StringConstraints(pattern=r"\S")]
Reached = Annotated[AwareDatetime, AfterValidator(within_reach)]
Verdict = Literal["reduced", "not_shown", "increased", "too_early"]


class Finding(Window):
    """Complaints in a window: `observed`, `expected` by the share before, and the chance of so many."""

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")
    observed: int
    expected: float
    probability: float


class Piece(BaseModel):
    """A complaint that is part of the evidence."""

    id: UUID
    number: str


class Share(Window):
    """How many of `all` complaints in a window are about the subject."""

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")
    count: int
    all: int


class Effect(BaseModel):
    """The subject's share since a measure is in force, as a multiple (`ratio`) of that before.

    With 95 % confidence the true one lies between `low` and `high` (None: no end, or nothing to compare).
    `selected`: the time before includes the days of the signal, which were chosen for being bad, so that some
    of a fall after them is chance.
    """

    before: Share
    after: Share
    selected: bool
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict


class NewMeasure(Given):
    """Something that is done so that it does not happen again. The words are for no names of customers."""

    what: Words
    department: Annotated[Called, AfterValidator(storable)]
    owner: Called
    due: Reached
    effective_from: Reached


class Measure(BaseModel):
    """The same, with its number, who recorded it when, and what a look has last seen of its effect."""

    id: UUID
    number: int = 0
    what: str
    department: str
    owner: str
    due: AwareDatetime
    effective_from: AwareDatetime
    by: str
    at: AwareDatetime
    effect: Effect | None = None


class Closing(Given):
    """Why a trend needs no more watching. The words are for no names of customers."""

    conclusion: Words


class Trend(BaseModel):
    """A subject whose complaints have become more frequent: as signalled, and as the last look found it."""

    kind: Kind
    about: About
    signalled_at: AwareDatetime
    found: Finding
    newest: Finding
    evidence: list[Piece]
    measures: list[Measure] = []
    closed_at: AwareDatetime | None = None
    closed_by: str | None = None
    conclusion: str | None = None

    @property
    def subject(self) -> Subject:
        return subject_of(self.kind, self.about)


def subject_of(kind: Kind, about: About) -> Subject:
    """What complaints are counted for."""
    return Subject(kind, **about.model_dump(by_alias=False))


def about(subject: Subject) -> About:
    """The same as events and callers have it."""
    values = subject._asdict()
    del values["kind"]
    return About(**values)


KNOWN_BY: Mapping[frozenset[str], Kind] = {
    frozenset({"product"}): "product",
    frozenset({"batch"}): "batch",
    frozenset({"department"}): "department",
    frozenset({"class_"}): "nature",
    frozenset({"class_", "product"}): "nature",
    frozenset({"class_", "cause"}): "cause",
    frozenset({"class_", "cause", "product"}): "cause",
}


def named(given: About) -> Subject:
    """The subject that these values name. Raises Invalid if there is no such kind of subject."""
    kind = KNOWN_BY.get(frozenset(given.model_dump(exclude_none=True, by_alias=False)))
    if kind is None:
        told = (
            "name one of product, batch, department, class, class and cause; a product with either of these"
        )
        raise Invalid("There are no charts of this", [Fault(detail=told, pointer="#/class")])
    return subject_of(kind, given)


def trend_id(subject: Subject, until: datetime) -> UUID:
    """The id of the trend that a look at this day's end signals, whichever replica looks."""
    return uuid5(TRENDS, f"{subject.kind} {about(subject).model_dump_json()} {until.isoformat()}")


# changes


def signal(state: Trend | None, cause: Cause[Trend]) -> tuple[Trend, list[Fact]]:
    """A trend begins; signalled once."""
    if state is not None:
        return state, []
    trend = cause.data
    told = TrendSignalled(
        kind=trend.kind,
        subject=trend.about,
        window=Window(since=trend.found.since, until=trend.found.until),
        observed=trend.found.observed,
        expected=trend.found.expected,
        probability=trend.found.probability,
        evidence=tuple(each.id for each in trend.evidence),
    )
    return trend, [told]


def renew(
    state: Trend | None, cause: Cause[tuple[Finding, Mapping[UUID, Effect]]]
) -> tuple[Trend | None, list[Fact]]:
    """An open trend notes what the newest look found, and the effects of its measures."""
    newest, effects = cause.data
    if state is None or state.closed_at is not None or newest.until <= state.newest.until:
        return state, []
    measures = [
        each.model_copy(update={"effect": effects.get(each.id, each.effect)}) for each in state.measures
    ]
    return state.model_copy(update={"newest": newest, "measures": measures}), []


def record_measure(state: Trend | None, cause: Cause[Measure]) -> tuple[Trend, list[Fact]]:
    """A measure is recorded, once for its id. Raises what refuses it."""
    trend, given = _there(state), cause.data
    known = next((each for each in trend.measures if each.id == given.id), None)
    if known is not None:
        return trend, []
    if trend.closed_at is not None:
        raise Conflict("This trend is closed; a measure is recorded with an open one")
    if len(trend.measures) == MOST_MEASURES:
        raise Conflict(f"A trend has at most {MOST_MEASURES} measures")
    if given.effective_from <= trend.found.since:
        told = f"give an instant after {trend.found.since.isoformat()}, when what was signalled began"
        fault = Fault(detail=told, pointer="#/effective_from")
        raise Invalid("Nothing can be compared with the time before this measure", [fault])
    measure = given.model_copy(update={"number": len(trend.measures) + 1})
    event = TrendMeasureRecorded(
        kind=trend.kind,
        subject=trend.about,
        number=measure.number,
        department=measure.department,
        due=measure.due,
        effective_from=measure.effective_from,
    )
    return trend.model_copy(update={"measures": [*trend.measures, measure]}), [event]


def measure_id(trend: UUID, key: str) -> UUID:
    """The id of the measure that came under this key."""
    return uuid5(trend, key)


def check_measure(trend: Trend, given: Measure) -> None:
    """Raises Invalid if this measure's key was used for another one."""
    known = next(each for each in trend.measures if each.id == given.id)
    if any(getattr(known, name) != getattr(given, name) for name in NewMeasure.model_fields):
        fault = Fault(detail="take a new key for a new request", pointer="#/Idempotency-Key")
        raise Invalid("This Idempotency-Key was used for another payload", [fault])


def close(state: Trend | None, cause: Cause[str]) -> tuple[Trend, list[Fact]]:
    """A person closes it, with a conclusion. Raises Conflict if it was closed with another one."""
    trend = _there(state)
    if trend.closed_at is not None:
        if trend.conclusion == cause.data:
            return trend, []
        raise Conflict("This trend is closed already, with another conclusion")
    changed = {"closed_at": cause.time, "closed_by": cause.by, "conclusion": cause.data}
    event = TrendClosed(kind=trend.kind, subject=trend.about, measures=len(trend.measures))
    return trend.model_copy(update=changed), [event]


def _there(state: Trend | None) -> Trend:
    if state is None:
        raise NotFound("There is no trend with this id")
    return state


# effects


def compared(trend: Trend, measure: Measure, now: datetime) -> tuple[datetime, datetime, datetime]:
    """The instants between which the effect of a measure is counted: before, in force, and until when.

    The time before begins after the signal, where there is some: what made the signal was chosen for being
    bad, and better days follow such by chance (regression to the mean).
    """
    apart = measure.effective_from - trend.found.until >= APART
    since = trend.found.until if apart else trend.found.since
    until = max(measure.effective_from, min(now, measure.effective_from + FOLLOWED))
    return since, measure.effective_from, until


def effect(trend: Trend, before: Share, after: Share) -> Effect:
    """What a measure has changed."""
    found = ratio_between(after.count, after.all, before.count, before.all)
    plain = Effect(
        before=before, after=after, selected=before.since < trend.found.until, verdict=_verdict(after, found)
    )
    if found is None:
        return plain
    ratio, low, high = (None if isinf(value) else value for value in found)
    return plain.model_copy(update={"ratio": ratio, "low": low, "high": high})


def _verdict(after: Share, found: tuple[float, float, float] | None) -> Verdict:
    if after.until - after.since < SETTLED:
        return "too_early"
    if found is None:
        return "not_shown"
    _, low, high = found
    return "reduced" if high < 1 else "increased" if low > 1 else "not_shown"
