"""Reporting: figures by dimension, each with the list behind it, and the monthly report made of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.intake.domain.estimates import share
from services.intake.domain.figures import (
    DIMENSIONS,
    Dimension,
    Figures,
    Key,
    Months,
    Row,
    Table,
    Tally,
    next_month,
)
from services.intake.domain.ledger import Word
from services.intake.domain.stages import Stage
from services.intake.domain.vocabulary import title
from shared.events import Channel, Instant, Language, Outcome
from shared.policy import Pack
from shared.problems import Fault, Invalid

TOP = 20
"""So many of the largest groups a monthly report shows of each dimension; the others it sums up."""
MONTHS = 12
REPORTED: tuple[Dimension, ...] = (
    "class", "cause", "grade", "outcome", "channel", "department", "group", "product", "batch",
)  # fmt: skip
"""The dimensions of a monthly report."""


_ANY = "|".join(DIMENSIONS)
Dimensions = Annotated[str, StringConstraints(pattern=f"^({_ANY})(,({_ANY}))?$")]
"""One dimension, or two by a comma."""


class Selection(BaseModel):
    """Which complaints are counted; all that is given must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    class_: Word | None = Field(None, alias="class")
    cause: Word | None = None
    product: Word | None = None
    batch: Word | None = None
    channel: Channel | None = None
    lead: Word | None = Field(None, description="The department that leads")
    group: Word | None = Field(None, description="The customer's group")
    grade: Word | None = None
    outcome: Outcome | None = None
    stage: Stage | None = None
    pack: Word | None = None

    def takes(self) -> dict[str, Any]:
        """What a row must say, by dimension."""
        given = self.model_dump(include=set(Selection.model_fields), exclude_none=True, by_alias=True)
        return {"department" if name == "lead" else name: str(value) for name, value in given.items()}


EVERY = Selection()


class Period(BaseModel):
    """From an instant to before another."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")


def period(since: datetime | None, until: datetime | None, now: datetime, months: Months) -> Period:
    """The period itself; if not given this month so far. Raises Invalid where it ends before it begins."""
    since = since or months.begins(months.of_instant(now))
    until = until or max(now, since)
    if until < since:
        fault = Fault(detail="give an instant after `from`", pointer="#/query/to")
        raise Invalid("The period ends before it begins", [fault])
    return Period(since=since, until=until)


class Group(BaseModel):
    """The complaints that share these values, as figures, and where they are listed.

    A value may be null: not known yet.
    """

    key: dict[str, str | None]
    titles: dict[Language, dict[str, str]]
    figures: Figures
    list: str = Field(description="The complaints themselves")


class Statistics(BaseModel):
    """Figures of the complaints registered in a period; the groups are parts of the total, none overlaps."""

    period: Period
    by: tuple[Dimension, ...]
    total: Figures
    list: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """Complaints as they are counted: all of them, and by their values in each table."""

    total: Tally
    tables: Sequence[Table]

    def add(self, rows: Sequence[Row], taken: Mapping[str, Any]) -> None:
        """Count those that the selection takes."""
        for name, value in taken.items():
            rows = [each for each in rows if each.get(name) == value]
        self.total.add(rows)
        for table in self.tables:
            table.add(rows)


@dataclass(frozen=True, slots=True)
class House:
    """What figures are read with: its months, the time, its packs, and how URLs are written."""

    months: Months
    now: datetime
    usual: Pack
    pack: Callable[[str], Pack]
    address: Callable[[str, Mapping[str, str]], str]


def dimensions(by: str | None) -> tuple[Dimension, ...]:
    """The dimensions of a text that names them, each once."""
    return tuple(each for each in dict.fromkeys((by or "").split(",")) if each in DIMENSIONS)


def statistics(sums: Sums, during: Period, selection: Selection, house: House) -> Statistics:
    """What was counted, by the dimensions of the first table if there is one."""
    table = sums.tables[0] if sums.tables else None
    return Statistics(
        period=during,
        by=table.by if table else (),
        total=sums.total.figures(house.now),
        list=link(during, selection, {}, house),
        groups=groups_of(table, during, selection, house) if table else (),
    )


def groups_of(
    table: Table, during: Period, selection: Selection, house: House, most: int | None = None
) -> tuple[Group, ...]:
    """The largest groups of a table."""
    return tuple(
        Group(
            key=dict(zip(table.by, key, strict=True)),
            titles={
                language: _titles(table.by, key, row, house, language) for language in get_args(Language)
            },
            figures=tally.figures(house.now),
            list=link(during, selection, dict(zip(table.by, key, strict=True)), house),
        )
        for key, tally, row in table.groups()[:most]
    )


def _titles(by: Sequence[Dimension], key: Key, row: Row, house: House, language: Language) -> dict[str, str]:
    """What the values are called, by the pack of one of the complaints that have them."""
    pack = house.pack(row["pack"])
    return {name: title(name, value, pack, language) for name, value in zip(by, key, strict=True)}


def link(during: Period, selection: Selection, key: Mapping[str, str | None], house: House) -> str:
    """Where the complaints behind a figure are listed: the ledger's filters are those of the figures."""
    since, until = during.since, during.until
    values = {**selection.takes(), **key}
    if month := values.pop("month", None):
        whole = month_period(month, house.months)
        since, until = max(since, whole.since), min(until, whole.until)
    query = {"lead" if name == "department" else name: value for name, value in values.items() if value}
    if unknown := ["lead" if name == "department" else name for name, value in values.items() if not value]:
        query["unknown"] = ",".join(unknown)
    bounds = {"registered_from": since.isoformat(), "registered_to": until.isoformat()}
    return house.address("/v1/complaints", query | bounds)


def closed_in(during: Period, house: House) -> str:
    """Where the complaints are listed that ended in a period."""
    bounds = {"closed_from": during.since.isoformat(), "closed_to": during.until.isoformat()}
    return house.address("/v1/complaints", bounds)


class MonthLine(BaseModel):
    """One month of the year behind a report."""

    month: str
    received: int
    closed: int = Field(description="Ended in this month, whenever they came")
    closed_list: str
    on_time: float | None
    score: float | None
    list: str


class Part(BaseModel):
    """One dimension of a report: its largest groups, without times of stages, and what the others come to."""

    dimension: Dimension
    groups: tuple[Group, ...]
    other_groups: int
    other_complaints: int
    all: str = Field(description="Every group of this dimension")


class Report(BaseModel):
    """The monthly report: the complaints that were registered in the month, by the figures of the rules."""

    month: str
    period: Period
    time_zone: str
    made_at: Instant
    total: Figures
    list: str
    closed: int = Field(description="Complaints that ended in the month, whenever they came")
    closed_list: str
    parts: tuple[Part, ...]
    months: tuple[MonthLine, ...] = Field(description="The year up to this month")


def part(table: Table, during: Period, house: House) -> Part:
    """One dimension of a report."""
    rest = table.groups()[TOP:]
    bounds = {"from": during.since.isoformat(), "to": during.until.isoformat(), "by": table.by[0]}
    return Part(
        dimension=table.by[0],
        groups=groups_of(table, during, EVERY, house, TOP),
        other_groups=len(rest),
        other_complaints=sum(tally.complaints for _, tally, _ in rest),
        all=house.address("/v1/statistics", bounds),
    )


@dataclass(frozen=True, slots=True)
class Received:
    """What was counted of a month: `scores` is the sum of those who answered."""

    received: int = 0
    judged: int = 0
    in_time: int = 0
    answered: int = 0
    scores: int = 0


def month_line(month: str, found: Received, closed: int, house: House) -> MonthLine:
    """A month as the year's table shows it."""
    during = month_period(month, house.months)
    return MonthLine(
        month=month,
        received=found.received,
        closed=closed,
        closed_list=closed_in(during, house),
        on_time=share(found.in_time, found.judged),
        score=found.scores / found.answered if found.answered else None,
        list=link(during, EVERY, {}, house),
    )


def month_period(month: str, months: Months) -> Period:
    return Period(since=months.begins(month), until=months.begins(next_month(month)))
