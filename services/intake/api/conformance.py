"""Conformance over HTTP: how a complaint, or a period, did against the standard, clocks and targets."""

import csv
import io
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.intake.api.calling import By
from services.intake.api.ledger import Page, of_ledger
from services.intake.api.printing import printed
from services.intake.domain.conformance import Count, Judged, Judgement, Reached, counted, reached, report
from services.intake.domain.ledger import Filters, query
from services.intake.domain.roles import check_may
from services.intake.domain.stages import Stage
from services.intake.store.complaints import after, complaints, found_to_be, one, page, tally
from shared import clock
from shared.events import Instant, Language, Outcome
from shared.http import PageToken, read_page_token
from shared.policy import phrase

router = APIRouter(prefix="/v1", tags=["conformance"])
JUDGEMENTS: tuple[Judgement, ...] = ("met", "not_met", "open", "not_applicable")
Html = Annotated[Literal["json", "html"], Query(description="`html` is a page to print")]
PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
SHEET: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}, "text/csv": {}}}}


class Report(BaseModel):
    """How one complaint did, line by line; of the present round where a line is about the handling."""

    id: UUID
    number: str
    pack: str
    pack_version: int
    language: Language
    stage: Stage
    cycle: int
    outcome: Outcome | None = Field(description="How it ended, once it has")
    made_at: AwareDatetime
    lines: list[Judged]


class Counted(Count):
    """A line, and where the complaints behind its figures are listed."""

    list: dict[Judgement, str]


class Summary(BaseModel):
    """How the complaints registered in a period did."""

    since: AwareDatetime
    until: AwareDatetime
    language: Language
    made_at: AwareDatetime
    complaints: int
    lines: list[Counted]
    targets: list[Reached]


class Period(Filters):
    """Which complaints: registered in the period, and as the filters of the ledger say."""

    registered_from: Instant | None = Field(
        None,
        alias="from",
        description="Default: the beginning of the present month, UTC. Months of targets go by its offset",
    )
    registered_to: Instant | None = Field(None, alias="to", description="Before this instant; default: now")


class Wanted(Period):
    """The report on a period."""

    language: Language = "zh-CN"
    format: Literal["json", "html", "csv"] = Field("json", description="`html` is a page to print")


class Behind(Period):
    """A page of the complaints behind a figure."""

    verdict: Judgement = "not_met"
    page_size: int = Field(50, ge=1, le=500)
    page_token: PageToken = None


@router.get("/complaints/{id}/conformance", response_model=Report, responses=PAGE)
async def of_complaint(
    id: UUID, by: By, language: Language | None = None, format: Html = "json"
) -> Report | Response:
    """How one complaint did: every line with its verdict and the events that show it. Not for partners."""
    state = await one(id, by)
    check_may(by, "print", (), state.respondents)
    told = language or state.given.language
    made = Report(
        id=id,
        number=state.number,
        pack=state.pack,
        pack_version=state.pack_version,
        language=told,
        stage=state.stage,
        cycle=state.cycle,
        outcome=state.outcome if state.closed_at else None,
        made_at=clock.now(),
        lines=report(state, await complaints.journal(id), told),
    )
    return _page("one", made) if format == "html" else made


@router.get("/conformance", response_model=Summary, responses=SHEET)
async def of_period(given: Annotated[Wanted, Query()], by: By) -> Summary | Response:
    """How the complaints of a period did: how many met each line, and whether targets were reached."""
    check_may(by, "print", (), ())
    period = _bounded(given)
    since, until = period.registered_from, period.registered_to
    assert since is not None
    assert until is not None
    rows = await tally(query(period, by, clock.now()), f"{since:%z}" or "+0000")
    counts = [
        Counted(**each.model_dump(), list=_lists(each, period)) for each in counted(rows, given.language)
    ]
    made = Summary(
        since=since,
        until=until,
        language=given.language,
        made_at=clock.now(),
        complaints=sum(row.complaints for row in rows),
        lines=counts,
        targets=reached(rows, given.pack, f"{since:%Y-%m}", given.language),
    )
    if given.format == "csv":
        return _sheet(made)
    return _page("period", made) if given.format == "html" else made


@router.get("/conformance/{line}")
async def behind(line: str, given: Annotated[Behind, Query()], by: By) -> Page:
    """The complaints of a period of which a line says so, newest first: a name of the report."""
    check_may(by, "print", (), ())
    now = clock.now()
    wanted = query(_bounded(given), by, now) | found_to_be(line, given.verdict)
    if given.page_token is not None:
        at, id = read_page_token(given.page_token, dated=True)
        assert at is not None
        wanted = {"$and": [wanted, after(at, id)]}
    found, more = await page(wanted, given.page_size)
    return of_ledger(found, found[-1] if more else None, "newest", by, now)


def _bounded(given: Period) -> Period:
    """The same with both ends."""
    now = clock.now()
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ends = {"registered_from": given.registered_from or begin, "registered_to": given.registered_to or now}
    return given.model_copy(update=ends)


def _lists(count: Count, period: Period) -> dict[Judgement, str]:
    """Where the complaints behind each figure are, by verdict."""
    asked = period.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"language", "format"})
    asked |= {"pack": count.pack} if count.pack else {}
    return {
        each: f"/v1/conformance/{count.line}?{urlencode(asked | {'verdict': each})}" for each in JUDGEMENTS
    }


def _page(part: str, made: Report | Summary) -> Response:
    return printed("conformance.html", part=part, made=made, say=partial(phrase, made.language))


def _sheet(made: Summary) -> Response:
    """The lines, then the targets, as CSV with a byte order mark, by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    for rows in (_plain(made.lines, {"list"}), _plain(made.targets)):
        writer.writerows([[*rows[0]], *([*row.values()] for row in rows)] if rows else [])
        writer.writerow([])
    headers = {"Content-Disposition": f'attachment; filename="conformance-{made.since:%Y%m%d}.csv"'}
    return Response(f"\ufeff{text.getvalue()}", 200, headers, "text/csv; charset=utf-8")


def _plain(rows: list[Any], without: set[str] | None = None) -> list[Mapping[str, Any]]:
    return [row.model_dump(mode="json", exclude=without) for row in rows]
