"""What OpenAPI says of these manners: who may enter, what every answer carries, and how it may refuse."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from shared.http.answers import MEDIA_TYPE, ProblemDocument

Described = dict[str, Any]

MANNERS = """
**Who asks.** Send `Authorization: Bearer <API key>`, or a token of staff from the house's OpenID Connect
issuer. A partner sees what it handed in, and nothing else. Whoever signed in at intake's `/board` is known by
its cookie, too; changes are then taken from that page only.

**Refusals** are problem details (RFC 9457): `detail` says what was wrong, `errors` which fields to mend, and
`trace_id` is what we need to find the request. A misspelt field or query parameter is refused.

**Once only.** An operation that takes `Idempotency-Key` does its work once for each key: after a time-out
send the same again, with the same key, for 48 hours.

**Nothing overwritten.** Send the `ETag` of what you have read as `If-Match`, and what has changed since is
left alone (412).

**How often.** `RateLimit` says how many requests are left in the window, and `Retry-After` in how many
seconds a refused one (429, 503) may pass.

**Lists** come in pages: send `next_page_token` as `page_token`, until there is none. Instants are RFC 3339
with an offset.
"""
REFUSALS: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "Credentials are missing, unknown or outdated",
    403: "The caller is known, but may not do this",
    404: "There is no such thing for this caller",
    408: "The body did not arrive in time",
    409: "The present state does not allow this; the detail says what it does",
    410: "It was there, and is no more; the detail says what is",
    412: "It has changed since it was read",
    413: "The body is longer than is taken",
    415: "The body is not of a media type that is taken",
    422: "The request does not have the form it must have, or a rule of the policy pack refuses it",
    428: "If-Match is missing",
    429: "More requests than are allowed",
    503: "A part of the system is away for the moment; the same request may pass later",
}
HEADERS: Mapping[str, str] = {
    "ETag": "The version of what was read or changed, with its quotes: send it as If-Match",
    "Location": "The address of what was made",
    "Content-Disposition": "The name of the file",
    "RateLimit-Policy": "How many requests (q) fit in a window of so many seconds (w)",
    "RateLimit": "How many requests are left (r) till the window ends in so many seconds (t)",
    "Retry-After": "In how many seconds the same request may pass",
    "WWW-Authenticate": "How to say who asks (RFC 6750)",
}
_BESIDE = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}
_SENTENCE = re.compile(r"(.+?)\.(?:\s+(.*))?", re.DOTALL)
_NULL = {"type": "null"}


def carries(*names: str) -> Described:
    """What a route says of an answer that has these headers, for its `responses`."""
    return {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names}}


def takes(*media_types: str, binary: bool = False) -> Described:
    """What a route says of a body that it reads itself, for its `openapi_extra`."""
    schema = {"type": "string"} | ({"format": "binary"} if binary else {})
    return {"requestBody": {"required": True, "content": {name: {"schema": schema} for name in media_types}}}


def operation_id(route: APIRoute) -> str:
    """What tools call an operation: the tag, then the function's name."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


def set_up(app: FastAPI) -> None:
    app.router.generate_unique_id_function = operation_id
    app.openapi = _described(app, app.openapi)  # type: ignore[method-assign]  # the framework's own way


def _described(app: FastAPI, plainly: Callable[[], Described]) -> Callable[[], Described]:
    def openapi() -> Described:
        if app.openapi_schema is None:
            app.openapi_schema = with_manners(plainly())
        return app.openapi_schema

    return openapi


def with_manners(found: Described) -> Described:
    """The description with what these modules do for every operation, instead of the framework's own form."""
    parts = found.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= _schemas()
    parts["schemas"] = {name: schemas[name] for name in sorted(schemas)}
    parts["responses"] = {f"Problem{status}": _refusal(status) for status in REFUSALS}
    parts["headers"] = {name: _header(name) for name in HEADERS}
    found["info"]["description"] = MANNERS.strip()
    found["paths"] = {path: found["paths"][path] for path in sorted(found["paths"])}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _tell(path, method, operation)
    return found


def _tell(path: str, method: str, operation: Described) -> None:
    """Complete one operation."""
    if sentence := _SENTENCE.fullmatch(operation.get("description", "")):
        operation["summary"] = " ".join(sentence[1].split())
        operation.pop("description")
        operation |= {"description": sentence[2].strip()} if sentence[2] else {}
    if "parameters" in operation:
        operation["parameters"] = [_plain(each) for each in operation["parameters"]]
    answers = operation["responses"]
    for status, answer in answers.items():
        if status.startswith("2"):
            answer["headers"] = (
                answer.get("headers", {}) | carries("RateLimit-Policy", "RateLimit")["headers"]
            )
            if answer["description"] == "Successful Response":
                answer["description"] = HTTPStatus(int(status)).phrase
            for content in answer.get("content", {}).values():
                if content.pop("itemSchema", None):  # a word of OpenAPI 3.2
                    content["schema"] = {"type": "string"}
    of_its_own = {status for status, answer in answers.items() if _is_told(answer)}
    refusals = _refusals(path, method, operation) | {int(each) for each in answers.keys() - of_its_own}
    for status in sorted(refusals & REFUSALS.keys() - {int(each) for each in of_its_own}):
        answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = {status: answers[status] for status in sorted(answers)}


def _is_told(answer: Described) -> bool:
    """Whether a route says itself what this answer holds, not the framework in its place."""
    return "content" in answer and answer["description"] != "Validation Error"


def _refusals(path: str, method: str, operation: Described) -> set[int]:
    """How an operation of this shape may refuse."""
    headers = {each["name"] for each in operation.get("parameters", []) if each["in"] == "header"}
    found = {422, 429, 503} | ({404} if "{" in path else set())
    found |= {401, 403} if operation.get("security") else set()
    found |= {400, 408, 413, 415} if "requestBody" in operation else set()
    found |= {409} if method != "get" else set()
    found |= {400} if headers else set()
    return found | ({412, 428} if "If-Match" in headers else set())


def _plain(parameter: Described) -> Described:
    """A parameter as it stands in a request, where nothing is ever null, only left out."""
    schema = dict(parameter["schema"])
    kinds = [each for each in schema.pop("anyOf", []) if each != _NULL]
    if len(kinds) == 1:
        schema = kinds[0] | schema
    elif kinds:
        schema["anyOf"] = kinds
    schema.pop("title", None)
    schema.pop("description", None)
    return parameter | {"schema": schema}


def _schemas() -> Described:
    whole = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**whole.pop("$defs"), "Problem": whole}


def _refusal(status: int) -> Described:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told = {"description": REFUSALS[status], "content": content}
    return told | (carries(*_BESIDE[status]) if status in _BESIDE else {})


def _header(name: str) -> Described:
    return {
        "description": HEADERS[name],
        "required": True,
        "schema": {"type": "integer" if name == "Retry-After" else "string"},
    }
