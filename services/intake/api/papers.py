"""Papers over HTTP: the forms that a complaint's regulation names, as data and as pages to be printed."""

import asyncio
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints

from services.intake.api.calling import By
from services.intake.api.printing import printed
from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import pack_of
from services.intake.domain.ledger import Filters, query
from services.intake.domain.papers import (
    Form,
    Listed,
    Sheet,
    filled,
    forms,
    heading,
    opens_texts,
    sheet,
    sheet_paper,
    sheets,
    signatures,
    source,
    stages_past,
    words,
)
from services.intake.domain.papers import page as laid_out
from services.intake.domain.roles import Actor, check_may
from services.intake.store.complaints import one, page
from services.intake.store.house import newest
from services.intake.store.people import legible, locks, texts
from services.intake.store.readings import log
from shared import clock
from shared.documents import Saved
from shared.events import Instant, Language
from shared.policy import phrase
from shared.policy.pack import NAME
from shared.problems import Invalid
from shared.settings import settings

router = APIRouter(prefix="/v1", tags=["papers"])
MOST = 200
"""Complaints on one sheet."""
PAGE = {"content": {"text/html": {"schema": {"type": "string"}}}}
Format = Annotated[
    Literal["json", "html"] | None,
    Query(description="`html` is a page to print; default: as `Accept` says"),
]
PackName = Annotated[str, StringConstraints(pattern=NAME)]


@router.get("/complaints/{id}/papers")
async def find(id: UUID, by: By, language: Language | None = None) -> list[Form]:
    """The papers that the regulation names for this complaint, and which of them can be made now."""
    state = await one(id, by)
    check_may(by, "print", (), state.respondents)
    return forms(state, language or state.given.language)


@router.get("/complaints/{id}/papers/{paper}", response_model=Form, responses={200: PAGE, 409: {}})
async def show(
    id: UUID, paper: str, by: By, request: Request, language: Language | None = None, format: Format = None
) -> Response | Form:
    """One paper, filled in, in the complaint's language if none is given.

    The read is logged, since it holds what points to the customer.
    """
    state = await one(id, by)
    check_may(by, "print", (), state.respondents)
    opened, told = await texts(id, state), language or state.given.language
    made = filled(state, paper, opened, by, told)
    await log(by.name, id, f"paper {paper}")
    if not _as_page(format, request):
        return made
    pack = pack_of(state)
    shown = laid_out(made, source(state, pack, opened, by), words(pack, told), clock.now())
    return _printed("paper.html", told, page=shown)


class Wanted(Filters):
    """A paper over the complaints of a period, narrowed as the ledger is."""

    pack: PackName | None = Field(None, description="Whose paper, and of whose complaints; default: of all")
    registered_from: Instant | None = Field(
        None, alias="from", description="Default: the beginning of the last day, where the pack is at home"
    )
    registered_to: Instant | None = Field(None, alias="to", description="Before this instant; default: now")
    language: Language = "zh-CN"
    format: Format = None


@router.get("/papers")
async def over_periods(
    by: By, pack: Annotated[PackName | None, Query()] = None, language: Language = "zh-CN"
) -> list[Listed]:
    """The papers of a pack that are made over many complaints; default: of the house's own."""
    check_may(by, "print", (), ())
    return sheets(newest(pack or settings().pack), language)


@router.get("/papers/{paper}", response_model=Sheet, responses={200: PAGE})
async def over(paper: str, given: Annotated[Wanted, Query()], by: By, request: Request) -> Response | Sheet:
    """One paper over the complaints registered in a period: a line for each, of the last 200 at most."""
    check_may(by, "print", (), ())
    pack, now = newest(given.pack or settings().pack), clock.now()
    called, wording = sheet_paper(pack, paper), words(pack, given.language)
    period = _period(given, wording.zone, now)
    narrowed = given.model_copy(update=dict(zip(("registered_from", "registered_to"), period, strict=True)))
    theirs = {
        "respondents": {"$nin": by.names},
        "stage": {"$in": sorted(stages_past(called.stage))},
    }
    found, more = await page({"$and": [query(narrowed, by, now), theirs]}, MOST)
    opened = {}
    if opens_texts(called, pack):
        opened = await _opened(found, by, f"paper {paper}")
    read = [(each.id, each.state, opened.get(each.id, {})) for each in reversed(found) if each.state]
    made = sheet(paper, pack, read, by, given.language, period, more=more)
    if not _as_page(given.format, request):
        return made
    signed, head = signatures(called, wording, {}), heading(called, wording, now)
    return _printed(
        "sheet.html", given.language, sheet=made, head=head, signatures=signed, at=wording.instant
    )


def _period(given: Wanted, zone: tzinfo, now: datetime) -> tuple[datetime, datetime]:
    """From when until before when, by default of one day. Raises Invalid if no time lies between."""
    until = given.registered_to or now
    last = (until - timedelta(microseconds=1)).astimezone(zone)
    since = given.registered_from or last.replace(hour=0, minute=0, second=0, microsecond=0)
    if since >= until:
        raise Invalid(f"The period ends before it begins: `from` {since}, `to` {until}")
    return since, until


async def _opened(found: list[Saved[Complaint]], by: Actor, what: str) -> dict[UUID, dict[str, str]]:
    """The texts of these complaints; each read is logged before it is shown."""
    await asyncio.gather(*(log(by.name, each.id, what) for each in found))
    locked = await locks(each.state.person for each in found if each.state)
    return {each.id: legible(each.id, each.state, locked) for each in found if each.state}


def _as_page(format: str | None, request: Request) -> bool:
    """Whether a page is asked for, by name or by what a browser accepts."""
    return format == "html" or (format is None and "text/html" in request.headers.get("accept", ""))


def _printed(name: str, language: Language, **more: object) -> Response:
    answer = printed(name, language=language, say=partial(phrase, language), **more)
    answer.headers["Vary"] = "Accept"
    return answer
