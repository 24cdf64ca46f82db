"""The operations of the five services, as `docs/openapi` has them and as pages write them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.docs.reading import ROOT

_WRITTEN = re.compile(r"(GET|POST|PUT|PATCH|DELETE) +([./][^\s?]*)(?:\?(\S+))?")


@dataclass(frozen=True)
class Operation:
    """One route; `query` are the names of its query parameters."""

    service: str
    method: str
    path: str
    query: frozenset[str]
    body: str | None
    """JSON Schema of its body, with all that it refers to, as text."""


@cache
def operations() -> list[Operation]:
    """All of them."""
    files = sorted((ROOT / "docs" / "openapi").glob("*.json"))
    return [found for file in files for found in _of(file.stem, json.loads(file.read_text(encoding="utf-8")))]


def _of(service: str, document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, each in item.items():
            named = (
                [*item.get("parameters", []), *each.get("parameters", [])] if method != "parameters" else []
            )
            query = frozenset(known["name"] for known in named if known["in"] == "query")
            contents = each.get("requestBody", {}).get("content", {}) if method != "parameters" else {}
            schema = next((kind["schema"] for name, kind in contents.items() if "json" in name), None)
            whole = json.dumps(schema | {"components": document["components"]}) if schema else None
            yield Operation(service, method.upper(), path, query, whole)


def written(text: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Method, path and query names of what a page writes as `GET /v1/complaints?stage=...`."""
    for method, path, query in _WRITTEN.findall(text):
        names = frozenset(pair.partition("=")[0] for pair in query.split("&") if query) - {"..."}
        yield method, path, names


def meant(method: str, path: str) -> list[Operation]:
    """The operations that a written path may mean; `...` stands for its beginning."""
    return [each for each in operations() if each.method == method and _fits(path, each.path)]


def _fits(path: str, template: str) -> bool:
    ours, theirs = _segments(template), _segments(path)
    if theirs[0] == "...":
        theirs = theirs[1:]
        ours = ours[-len(theirs) :]
        if ours[-1] == "{}" != theirs[-1]:
            return False
    return len(ours) == len(theirs) and all(map(_matches, ours, theirs))


def _segments(path: str) -> list[str]:
    """Parts between slashes, the names of parameters left out."""
    return re.sub(r"\{[^}]*\}", "{}", path).strip("/").split("/")


def _matches(ours: str, theirs: str) -> bool:
    return re.fullmatch(re.escape(ours).replace(r"\{\}", ".+"), theirs) is not None
