"""The contract of events over HTTP, for anybody: a page to read, the schemas, the AsyncAPI document."""

from base64 import b64encode
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic_core import to_json

from services.intake.domain.event_words import parts_of
from shared import contract
from shared.events import CATALOGUE, Language
from shared.http import LANGUAGE_NAMES, chosen_language, preferred_language
from shared.policy import phrase
from shared.problems import NotFound

PAGES = Path(__file__).parents[1] / "pages"
STYLE = (PAGES / "events.css").read_text(encoding="utf-8")
SCHEMA = "application/schema+json"
ASYNCAPI = "application/vnd.aai.asyncapi+json;version=3.0.0"
router = APIRouter(tags=["contract"])
_pages = Environment(
    loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_pages.filters["pretty"] = lambda value: to_json(value, indent=2).decode()
_digest = b64encode(sha256(STYLE.encode()).digest()).decode()
PUBLIC = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
HEADERS = PUBLIC | {
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_digest}'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'",
}
In = Annotated[
    str | None,
    Query(alias="language", description="zh-CN, zh-TW or en; default: what the browser puts first"),
]
Preferred = Annotated[str, Header(alias="Accept-Language")]


def _json(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": {"type": "object"}}}}}


@router.get("/schemas/{name}", response_class=Response, responses=_json(SCHEMA))
async def schema(name: str) -> Response:
    """The JSON Schema of a public event's data, as `dataschema` in its envelope names it."""
    type, file, rest = name.rpartition(".json")
    kind = CATALOGUE.get(type)
    if not file or rest or kind is None or kind.private:
        raise NotFound("No public event has this schema: GET /events lists them")
    return Response(_schema(type), media_type=SCHEMA, headers=PUBLIC)


@router.get("/asyncapi.json", response_class=Response, responses=_json(ASYNCAPI))
async def document() -> Response:
    """The AsyncAPI document of all public events."""
    return Response(_document(), media_type=ASYNCAPI, headers=PUBLIC)


@router.get("/events", response_class=HTMLResponse)
async def page(language: In = None, preferred: Preferred = "") -> Response:
    """Every public event: when it happens, who publishes it, its fields, a real example."""
    told = chosen_language(language, preferred_language(preferred))
    return Response(_page(told), media_type="text/html", headers=HEADERS)


@cache
def _schema(type: str) -> bytes:
    return to_json(contract.schemas()[type], indent=2)


@cache
def _document() -> bytes:
    return to_json(contract.asyncapi(), indent=2)


@cache
def _page(language: Language) -> bytes:
    events = contract.listing()
    return (
        _pages.get_template("events.html")
        .render(
            language=language,
            languages=LANGUAGE_NAMES,
            say=partial(phrase, language),
            style=STYLE,
            owners=contract.OWNERS,
            exchange=contract.EXCHANGE,
            version=contract.version(),
            events=events,
            parts_of=partial(parts_of, language=language),
        )
        .encode()
    )
