"""Pages to be printed: reports as HTML, without a script."""

from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "pages"), autoescape=True, undefined=StrictUndefined
)
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


def printed(name: str, **words: Any) -> Response:
    """A template filled in."""
    return Response(_pages.get_template(name).render(**words), 200, HEADERS, "text/html; charset=utf-8")
