"""The survey page behind a signed link, which works without JavaScript, and the customer's answer."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from services.survey.channels.links import opens
from services.survey.domain.answering import LONGEST, Reply, Wrong, answer, answer_if_open, from_form, wrong
from services.survey.domain.form import asked, filled, ids
from services.survey.domain.record import Survey, Surveys
from services.survey.domain.wording import mend, words
from services.survey.store import surveys, with_survey
from shared import clock, telemetry
from shared.envelope import Cause
from shared.events import Language
from shared.http import LANGUAGE_NAMES, chosen_language, preferred_language
from shared.problems import NotFound, fitting

PAGES = Path(__file__).parents[1] / "pages"
STYLE = (PAGES / "survey.css").read_text(encoding="utf-8")
router = APIRouter(tags=["surveys"])
_pages = Environment(
    loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_digest = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_digest}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}
Part = Literal["form", "thanks", "declined", "answered", "ended", "unknown"]
SEEN: Mapping[Part, int] = {"ended": 410, "unknown": 404}
"""The status of a page that has another than 200."""
TOO_LATE: Mapping[Part, int] = {**SEEN, "answered": 409, "declined": 409}
"""The same for an answer that came too late."""


class Counted(BaseModel):
    """What became of an answer that was sent as JSON."""

    state: Literal["answered", "declined"]


_html: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
_problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
LOOKED: dict[int | str, dict[str, Any]] = {
    404: {"description": "This is no link of ours", "content": _html},
    410: {"description": "The survey is over: expired, reopened or erased", "content": _html},
}
SENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "It counts",
        "content": _html | {"application/json": {"schema": Counted.model_json_schema()}},
    },
    404: {"description": "This is no link of ours", "content": _html | _problem},
    409: {"description": "It was answered or declined before, or is over", "content": _html | _problem},
    410: {"description": "The survey is over", "content": _html},
    422: {"description": "The form again, with what is to be mended", "content": _html | _problem},
}
ANSWER = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": Reply.model_json_schema()}
            for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    }
}
In = Annotated[
    str | None, Query(alias="language", description="zh-CN, zh-TW or en; default: the complaint's")
]
Preferred = Annotated[str, Header(alias="Accept-Language")]


class Found(BaseModel):
    """The survey that a link opens."""

    complaint: UUID
    survey: Survey
    state: Surveys


async def found_by(token: str) -> Found | None:
    """Nothing for a link that is forged or altered."""
    id = opens(token)
    known = await with_survey(id) if id is not None else None
    survey = known[1].with_id(id) if known is not None and id is not None else None
    return Found(complaint=known[0], survey=survey, state=known[1]) if known and survey else None


@router.get("/s/{token}", response_class=HTMLResponse, responses=LOOKED)
async def page(token: str, language: In = None, preferred: Preferred = "") -> Response:
    """The form. Only shows: mail scanners open links before people do."""
    found = await found_by(token)
    if found is None:
        return _page("unknown", chosen_language(language, preferred_language(preferred)), SEEN)
    told = chosen_language(language, found.state.language)
    part = _part(found.survey)
    return _form(found, told, {}, []) if part == "form" else _page(part, told, SEEN)


@router.post("/s/{token}", response_class=HTMLResponse, responses=SENT, openapi_extra=ANSWER)
async def submit(token: str, request: Request, language: In = None, preferred: Preferred = "") -> Response:
    """The answer, from the form or as JSON; the first one counts."""
    found, body = await found_by(token), await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        return await _by_json(found, body)
    if found is None:
        return _page("unknown", chosen_language(language, preferred_language(preferred)), SEEN)
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return await _by_form(found, fields, chosen_language(language, found.state.language))


async def _by_json(found: Found | None, body: bytes) -> Response:
    if found is None:
        raise NotFound("This link is not valid")
    with fitting("Send a score from 0 to 10"):
        reply = Reply.model_validate_json(body)
    await surveys.update_soon(found.complaint, answer, _cause(found, reply))
    state: Literal["answered", "declined"] = "declined" if reply.declined else "answered"
    return Response(Counted(state=state).model_dump_json(), media_type="application/json")


async def _by_form(found: Found, fields: Mapping[str, str], language: Language) -> Response:
    part = _part(found.survey)
    if part != "form":
        return _page(part, language, TOO_LATE)
    reply = from_form(fields, found.state.rule)
    if amiss := wrong(reply, found.state.rule):
        return _form(found, language, fields, amiss)
    saved = await surveys.update_soon(found.complaint, answer_if_open, _cause(found, reply))
    if saved.changed:
        return _page("declined" if reply.declined else "thanks", language, SEEN)
    now = saved.state.with_id(found.survey.id) if saved.state else None
    return _page(_part(now or found.survey), language, TOO_LATE)


def _cause(found: Found, reply: Reply) -> Cause[tuple[UUID, Reply]]:
    telemetry.concerns(found.complaint, found.state.traceparent)
    return Cause(
        id=uuid4(),
        complaint=found.complaint,
        subject=found.state.number,
        time=clock.now(),
        by="customer",
        data=(found.survey.id, reply),
        traceparent=telemetry.traceparent(),
    )


def _part(survey: Survey) -> Part:
    """What there is to see of a survey."""
    match survey.state:
        case "answered" | "declined":
            return survey.state
    return "form" if survey.is_open(clock.now()) else "ended"


def _form(found: Found, language: Language, fields: Mapping[str, str], amiss: list[Wrong]) -> Response:
    """The questions, with what was filled in and what is to be mended."""
    rule, say = found.state.rule, words(language)
    about = ids(rule)
    status: Mapping[Part, int] = {"form": 422} if amiss else {}
    questions = asked(rule, language)
    titles = {about[f"answers/{name}"]: each.title[language] for name, each in rule.questions.items()}
    return _page(
        "form",
        language,
        status,
        number=found.state.number,
        questions=questions,
        said=filled(fields, rule),
        wrong={about[each.field]: mend(each.why, language) for each in amiss},
        titles={"score": say["score"], "comment": say["comment"], "consent": say["consent"]} | titles,
        below=rule.comment_below,
        consent=rule.consent,
        longest=LONGEST,
    )


def _page(part: Part, language: Language, statuses: Mapping[Part, int], **more: Any) -> Response:
    told = {"wrong": {}} | more
    html = _pages.get_template("survey.html").render(
        part=part, language=language, languages=LANGUAGE_NAMES, say=words(language), style=STYLE, **told
    )
    return Response(html, statuses.get(part, 200), headers=HEADERS, media_type="text/html")
