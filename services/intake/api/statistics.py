"""Figures over HTTP: statistics of any period, and the monthly report as data, as a sheet and as a page."""

import asyncio
import csv
import io
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.params import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from services.intake.api.calling import By
from services.intake.api.printing import printed
from services.intake.domain import vocabulary
from services.intake.domain.figures import DIMENSIONS, Figures, Table, Tally, next_month
from services.intake.domain.ledger import sheet_cell
from services.intake.domain.reporting import (
    EVERY,
    MONTHS,
    REPORTED,
    Dimensions,
    House,
    MonthLine,
    Period,
    Report,
    Selection,
    Statistics,
    Sums,
    closed_in,
    dimensions,
    link,
    month_line,
    month_period,
    part,
    period,
    statistics,
)
from services.intake.domain.roles import check_may
from services.intake.store.complaints import rows
from services.intake.store.counts import closed_in_spans, received_in
from services.intake.store.house import house
from shared.events import Instant, Language
from shared.policy import Pack, phrase

router = APIRouter(prefix="/v1", tags=["figures"])
Month = Annotated[str, InPath(pattern=r"^(199[0-9]|20[0-9]{2}|21[0-9]{2})-(0[1-9]|1[0-2])$")]


class Asked(Selection):
    """Figures of complaints that were registered in a period; if none is given, of this month so far."""

    since: Instant | None = Field(None, alias="from")
    until: Instant | None = Field(None, alias="to")
    by: Dimensions | None = Field(None, description=f"One or two, by a comma, of {', '.join(DIMENSIONS)}")


@router.get("/statistics")
async def show(given: Annotated[Asked, Query()], by: By) -> Statistics:
    """Counts, times, rates and satisfaction of any period, by dimensions; every number opens its list."""
    check_may(by, "read figures", (), ())
    known = house()
    during = period(given.since, given.until, known.now, known.months)
    by_what = dimensions(given.by)
    sums = await _counted(during, given, [Table(by_what, known.months)] if by_what else [])
    return statistics(sums, during, given, known)


async def _counted(during: Period, selection: Selection, tables: Sequence[Table]) -> Sums:
    sums, taken = Sums(Tally(), tables), selection.takes()
    async for some in rows(during.since, during.until):
        sums.add(some, taken)
    return sums


class Form(BaseModel):
    """How a monthly report is to be given."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "csv", "html"] = "json"
    language: Language = "zh-CN"


@router.get(
    "/reports/{month}",
    response_model=Report,
    responses={200: {"content": {"text/csv": {}, "text/html": {}}}},
)
async def report(month: Month, given: Annotated[Form, Query()], by: By) -> Response | Report:
    """The monthly report: as JSON, as CSV, or as a page to be printed."""
    check_may(by, "read figures", (), ())
    known = house()
    made = await _report(month, known)
    if given.format == "csv":
        headers = {"Content-Disposition": f'attachment; filename="report-{month}.csv"'}
        return Response(_csv(made, given.language), 200, headers, "text/csv; charset=utf-8")
    if given.format == "html":
        return _page(made, given.language, known.usual)
    return made


async def _report(month: str, house: House) -> Report:
    during = month_period(month, house.months)
    tables = [Table((name,), house.months, stages=False) for name in REPORTED]
    sums, year = await asyncio.gather(_counted(during, EVERY, tables), _year(month, house))
    return Report(
        month=month,
        period=during,
        time_zone=house.months.zone.key,
        made_at=house.now,
        total=sums.total.figures(house.now),
        list=link(during, EVERY, {}, house),
        closed=year[-1].closed,
        closed_list=closed_in(during, house),
        parts=tuple(part(table, during, house) for table in sums.tables),
        months=year,
    )


async def _year(month: str, house: House) -> tuple[MonthLine, ...]:
    """The year up to a month."""
    names = [next_month(month, back) for back in range(1 - MONTHS, 1)]
    edges = [house.months.begins(each) for each in (*names, next_month(month))]
    received, closed = await asyncio.gather(received_in(edges), closed_in_spans(edges))
    found = zip(names, received, closed, strict=True)
    return tuple(month_line(name, counted, ended, house) for name, counted, ended in found)


def _page(made: Report, language: Language, usual: Pack) -> Response:
    return printed(
        "report.html",
        report=made,
        language=language,
        say=partial(phrase, language),
        words=vocabulary,
        said=vocabulary.said,
        duration=vocabulary.duration,
        clock=lambda name: usual.clocks[name].title[language] if name in usual.clocks else name,
        percents=lambda rates: ["" if each is None else f"{100 * each:.0f}" for each in rates],
        tenths=lambda scores: ["" if each is None else f"{each:.1f}" for each in scores],
    )


HEADINGS = (
    "dimension", "value", "title", "complaints", "open", "closed", "overdue", "reopened", "median_s", "p90_s",
    "judged", "in_time", "on_time_rate", "resolved", "first_time", "first_time_rate", "repeats",
    "repeat_rate", "asked", "answered", "response_rate", "mean", "mean_low", "mean_high", "satisfied",
    "satisfied_rate", "low", "high", "list",
)  # fmt: skip


def _csv(report: Report, language: Language) -> bytes:
    """A line for the whole and for each group, with a byte order mark for spreadsheets (RFC 4180)."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(HEADINGS)
    lines.writerow(["", "", report.month, *_line(report.total), report.list])
    for each in report.parts:
        for group in each.groups:
            name = each.dimension
            said = [sheet_cell(group.key[name]), sheet_cell(group.titles[language][name])]
            lines.writerow([name, *said, *_line(group.figures), group.list])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _line(found: Figures) -> list[float | None]:
    return [
        *(found.complaints, found.open, found.closed, found.overdue, found.reopened),
        *(found.resolution.median_s, found.resolution.p90_s),
        *(found.on_time.judged, found.on_time.in_time, found.on_time.rate),
        *(found.first_time.resolved, found.first_time.first_time, found.first_time.rate),
        *(found.repeats.repeats, found.repeats.rate),
        *(found.satisfaction.asked, found.satisfaction.answered, found.satisfaction.response_rate),
        *(found.satisfaction.mean, found.satisfaction.mean_low, found.satisfaction.mean_high),
        *(found.satisfaction.satisfied, found.satisfaction.rate),
        *(found.satisfaction.low, found.satisfaction.high),
    ]
