"""The board over HTTP: signing in by a browser, and the files of the page, whose script asks the same API."""

from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field

from shared.events import Language
from shared.http import preferred_language, sessions
from shared.policy import phrase, traditional
from shared.principals import Principal
from shared.problems import Forbidden, fitting

PAGES = Path(__file__).parents[1] / "pages"
File = Literal[
    "board.css", "board.js", "charts.js", "detail.js", "figures.js", "ledger.js", "parts.js", "state.js",
    "titles.js", "views.js", "words.js",
]  # fmt: skip
FILE_NAMES: tuple[str, ...] = get_args(File)
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "connect")),
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
HTML: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
NOT_FOR_PARTNERS: dict[int | str, dict[str, Any]] = {
    403: {"description": "Partners have no board; the form to sign in as somebody else"} | HTML
}
REFUSED: dict[int | str, dict[str, Any]] = NOT_FOR_PARTNERS | {
    401: {"description": "Nobody is known by this; the form to try again"} | HTML
}
router = APIRouter(prefix="/board", tags=["board"])
_pages = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)


class Credentials(BaseModel):
    """What somebody signs in with."""

    model_config = ConfigDict(extra="forbid")

    credential: str = Field(min_length=1, max_length=8_000, description="An API key, or a token of staff")


FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": Credentials.model_json_schema()}},
    }
}


async def accepted_language(
    given: Annotated[str, Header(alias="Accept-Language", max_length=500)] = "en",
) -> Language:
    """The language of a page before anybody chose one: what the browser puts first."""
    return preferred_language(given)


Visitor = Annotated[Principal | None, Depends(sessions.visitor)]
Reads = Annotated[Language, Depends(accepted_language)]


@router.get("", response_class=HTMLResponse, responses=NOT_FOR_PARTNERS)
async def board(who: Visitor, language: Reads) -> Response:
    """The supervisors' page, or the form to sign in to it."""
    if who is None:
        return _page("sign-in.html", language, refused="")
    if who.is_partner:
        return _page("sign-in.html", language, 403, refused="partner")
    return _page("board.html", language)


@router.post(
    "/session",
    response_class=HTMLResponse,
    status_code=303,
    responses=REFUSED | {303: {"description": "Signed in; on to the board"}},
    openapi_extra=FORM,
)
async def sign_in(request: Request, language: Reads) -> Response:
    """Begin a browser's session, of twelve hours at most."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Forbidden("Sign in on this house's own page")
    with fitting("Send the field 'credential' of a form"):
        given = Credentials.model_validate(dict(parse_qsl((await request.body()).decode("utf-8", "replace"))))
    who = await sessions.admitted(given.credential.strip())
    if who is None:
        return _page("sign-in.html", language, 401, refused="unknown")
    if who.is_partner:
        return _page("sign-in.html", language, 403, refused="partner")
    cookie = sessions.begun(request, given.credential.strip())
    return Response(None, 303, {"Location": "/board", "Set-Cookie": cookie, "Cache-Control": "no-store"})


@router.delete("/session", status_code=204, response_class=Response)
async def sign_out(request: Request) -> Response:
    """End the browser's session."""
    return Response(None, 204, {"Set-Cookie": sessions.ended(request)})


@router.get(
    "/files/{file}",
    response_class=Response,
    responses={
        200: {"content": {kind: {"schema": {"type": "string"}} for kind in TYPES.values()}},
        304: {"description": "The browser has it as it is"},
    },
)
async def part(
    file: File, known: Annotated[str | None, Header(alias="If-None-Match", max_length=1_000)] = None
) -> Response:
    """A part of the page; browsers ask each time whether it is still the same."""
    content, tag = _file(file)
    headers = HEADERS | {"ETag": tag, "Cache-Control": "no-cache"}
    if known is not None and tag in known:
        return Response(None, 304, headers)
    return Response(content, 200, headers, TYPES[Path(file).suffix])


@cache
def _file(name: str) -> tuple[bytes, str]:
    """A file's content and what tells it from any other (RFC 9110, 8.8.3)."""
    content = (PAGES / name).read_bytes()
    content = _with_taiwan(content.decode()).encode() if name == "words.js" else content
    return content, f'"{sha256(content).hexdigest()[:20]}"'


def _with_taiwan(script: str) -> str:
    """The board's words, with those for Taiwan made from the others in Chinese."""
    before, mark, rest = script.partition('  "zh-CN": {')
    table, end, after = rest.partition("\n  },\n")
    chinese = f"{mark}{table}{end}"
    return f"{before}{chinese}{traditional(chinese).replace('zh-CN', 'zh-TW')}{after}"


def _page(name: str, language: Language, status: int = 200, **words: str) -> Response:
    html = _pages.get_template(name).render(language=language, say=partial(phrase, language), **words)
    return Response(html, status, HEADERS | {"Cache-Control": "no-store"}, "text/html")
