"""The survey page behind a signed link, which works without JavaScript, and its answer."""

from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from services.survey.domain import links
from services.survey.domain.questionnaire import Answer, Surveys, answer
from services.survey.store import surveys, with_survey
from shared import clock, telemetry
from shared.envelope import Cause
from shared.http import caller
from shared.problems import Conflict, NotFound, fitting
from shared.settings import settings

router = APIRouter(tags=["surveys"])
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=StrictUndefined
)
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}


class Found(BaseModel):
    """The survey that a link opens."""

    complaint: UUID
    survey: UUID
    state: Surveys


async def opened(token: str) -> Found:
    """Raises NotFound for a link that is forged, expired or unknown."""
    survey = links.verify(token, settings().signing_key, clock.now())
    found = await with_survey(survey)
    if found is None:
        raise NotFound("This link is not valid (any more)")
    return Found(complaint=found[0], survey=survey, state=found[1])


Opened = Annotated[Found, Depends(opened)]


@router.get("/s/{token}")
async def page(found: Opened) -> Response:
    """The form. Only shows: mail scanners open links before people do."""
    return _page(found, "answered" if _is_answered(found) else "form")


@router.post("/s/{token}")
async def submit(found: Opened, request: Request) -> Response:
    """The answer, from the form or as JSON; the first one counts."""
    with fitting("Send a score from 0 to 10"):
        if request.headers.get("content-type", "").startswith("application/json"):
            given = Answer.model_validate_json(await request.body())
        else:
            given = Answer.model_validate(dict(parse_qsl((await request.body()).decode("utf-8", "replace"))))
    if _is_answered(found):
        raise Conflict("This survey is answered already")
    telemetry.concerns(found.complaint, found.state.traceparent)
    cause = Cause(
        id=uuid4(),
        complaint=found.complaint,
        subject=found.state.number,
        time=clock.now(),
        by="customer",
        data=(found.survey, given),
        traceparent=telemetry.traceparent(),
    )
    await surveys.update_soon(found.complaint, answer, cause)
    return _page(found, "thanks")


@router.get("/v1/surveys/{complaint}", dependencies=[Depends(caller)])
async def of_complaint(complaint: UUID) -> Surveys:
    """The surveys about this complaint and their answers."""
    found = await surveys.get(complaint)
    if found is None or found.state is None:
        raise NotFound("No surveys are known for this complaint id")
    return found.state


def _is_answered(found: Found) -> bool:
    return any(each.id == found.survey and each.state == "answered" for each in found.state.surveys)


def _page(found: Found, part: str) -> Response:
    html = _pages.get_template("survey.html").render(
        part=part, language=found.state.language, number=found.state.number
    )
    return Response(html, headers=HEADERS, media_type="text/html")
