"""What customers see of their complaint: as JSON, and as a page that works without JavaScript.

The secret that comes with the receipt opens it. It is looked at before anything is looked up, so that a wrong
number and a wrong secret cannot be told apart, not by the time it takes either.
"""

from base64 import b64encode
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.security import APIKeyHeader
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, Field

from services.intake.domain.receipt_words import written
from services.intake.domain.receipts import Progress, opens, plain_number, progress
from services.intake.store.complaints import complaints, numbered
from shared import clock
from shared.events import Language
from shared.http import LANGUAGE_NAMES, anybody, chosen_language, preferred_language
from shared.policy import phrase
from shared.problems import NotFound
from shared.sealing import house_key

PAGES = Path(__file__).parents[1] / "pages"
STYLE = (PAGES / "receipt.css").read_text(encoding="utf-8")
router = APIRouter(tags=["receipts"])
_pages = Environment(
    loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_pages.filters["written"] = lambda at, language: written(at)[language != "en"]
_digest = b64encode(sha256(STYLE.encode()).digest()).decode()
SPOKEN = f"{', '.join(LANGUAGE_NAMES)}; default: the complaint's"
PRIVATE = {"Cache-Control": "no-store"}
HEADERS = PRIVATE | {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_digest}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}
_html = {"content": {"text/html": {"schema": {"type": "string"}}}}
NO_SUCH: dict[int | str, dict[str, Any]] = {
    404: {"description": "No complaint has this number and this secret"} | _html
}


class LookUp(BaseModel):
    """What the form asks for."""

    number: str = Field(description="The receipt number")
    secret: str = Field(description="The receipt's secret")
    language: str | None = Field(None, description=SPOKEN)


FORM = {
    "requestBody": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": LookUp.model_json_schema()}},
    }
}
secret_header = APIKeyHeader(
    name="Receipt-Secret",
    scheme_name="receipt",
    description="The secret that came with the receipt",
    auto_error=False,
)
In = Annotated[str | None, Query(alias="language", description=SPOKEN)]
Preferred = Annotated[str, Header(alias="Accept-Language")]


async def _found(number: str, secret: str) -> Progress | None:
    """Where the complaint stands; nothing for a wrong number or a wrong secret."""
    number = plain_number(number)
    if not opens(secret, number, house_key("receipts")):
        return None
    found = await numbered(number)
    if found is None or found.state is None:
        return None
    return progress(found.state, await complaints.journal(found.id), clock.now())


@router.get("/v1/receipts/{number}", dependencies=[Depends(anybody)])
async def show(
    number: str, response: Response, secret: Annotated[str | None, Depends(secret_header)]
) -> Progress:
    """Where a complaint stands, for its customer: what happens next, and by when an answer is promised.

    404 for a wrong number as for a wrong secret; each try counts for the caller's address.
    """
    found = await _found(number, secret or "")
    if found is None:
        raise NotFound("No complaint has this number and this secret: check both")
    response.headers.update(PRIVATE)
    return found


@router.get("/receipts", response_class=HTMLResponse)
async def form(language: In = None, preferred: Preferred = "") -> Response:
    """The form for number and secret, which then are in no address and no history."""
    return _page("form", chosen_language(language, preferred_language(preferred)))


@router.post("/receipts", response_class=HTMLResponse, responses=NO_SUCH, openapi_extra=FORM)
async def look_up(request: Request, preferred: Preferred = "") -> Response:
    """The page of the complaint that the form names."""
    given = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    return await _standing(
        given.get("number", ""), given.get("secret", ""), given.get("language"), preferred, linked=False
    )


@router.get("/receipts/{number}", response_class=HTMLResponse, responses=NO_SUCH)
async def page(
    number: str,
    secret: Annotated[str, Query(description="The receipt's secret, as in the link")] = "",
    language: In = None,
    preferred: Preferred = "",
) -> Response:
    """The page behind the link that the customer was sent. Only shows."""
    return await _standing(number, secret, language, preferred, linked=True)


async def _standing(
    number: str, secret: str, language: str | None, preferred: str, *, linked: bool
) -> Response:
    """The page of a complaint; its other language is a link where this one was, else a button."""
    found = await _found(number, secret)
    if found is None:
        return _page("unknown", chosen_language(language, preferred_language(preferred)), 404)
    told = chosen_language(language, found.language)
    return _page("standing", told, found=found, secret=secret, linked=linked)


def _page(part: str, language: Language, status: int = 200, **more: Any) -> Response:
    html = _pages.get_template("receipt.html").render(
        part=part,
        language=language,
        languages=LANGUAGE_NAMES,
        say=partial(phrase, language),
        style=STYLE,
        **more,
    )
    return Response(html, status, headers=HEADERS, media_type="text/html")
