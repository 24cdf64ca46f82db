"""Problems: every refusal says what was wrong and how to mend it, and carries its own fate.

Problem                    a rule refused the cause; asking again changes nothing
  Invalid                  the input breaks its own form (422)
    Unfamiliar             it may be of a newer version: another replica may know it, or this one later (422)
  Malformed                the input cannot be read at all (400)
  Unauthenticated          no credentials (401)
    WrongCredentials       unknown, outdated or forged ones (401)
  Forbidden                known, but not allowed to do this (403)
  NotFound                 no such thing for this caller (404)
  Conflict                 not possible in the present state (409)
  Gone                     it was there, and is no more (410)
  PreconditionFailed       changed since it was read (412)
  PreconditionRequired     must name what was read (428)
  TooLarge                 more bytes than are taken (413)
  TooSlow                  the body did not arrive in time (408)
  UnsupportedMedia         not of a media type that is taken (415)
  Infected                 the virus scanner found something in the file (422)
  TooManyRequests          more often than is allowed (429)
  Unavailable              a part is away; the same request may pass later (503)

Over HTTP a problem becomes an RFC 9457 document, on the broker a parked event with its reason.
A problem's words never repeat the personal data of the input.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError


class Fault(BaseModel):
    """One fault of an input: `detail` in words, `pointer` to the field (RFC 6901, with `#`)."""

    detail: str
    pointer: str


class Problem(Exception):
    """A refusal with its RFC 9457 members; subclasses fix `slug`, `title` and HTTP `status` and `headers`."""

    slug: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request was refused by a rule"
    status: ClassVar[int] = 422
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str, errors: Sequence[Fault] = (), retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after

    def __str__(self) -> str:
        faults = "; ".join(f"{fault.pointer} {fault.detail}" for fault in self.errors)
        return f"{self.detail} ({faults})" if faults else self.detail


class Invalid(Problem):
    slug, title, status = "invalid", "The input breaks the form it must have", 422


class Unfamiliar(Invalid):
    title = "This version does not know such input"


class Malformed(Problem):
    slug, title, status = "malformed", "The input cannot be read", 400


class Unauthenticated(Problem):
    slug, title, status = "unauthenticated", "Credentials are missing or unknown", 401
    headers = {"WWW-Authenticate": 'Bearer realm="redress"'}


class WrongCredentials(Unauthenticated):
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class Forbidden(Problem):
    slug, title, status = "forbidden", "This caller may not do this", 403


class NotFound(Problem):
    slug, title, status = "not-found", "There is no such thing here", 404


class Conflict(Problem):
    slug, title, status = "conflict", "The present state does not allow this", 409


class Gone(Problem):
    slug, title, status = "gone", "It was there, and is no more", 410


class PreconditionFailed(Problem):
    slug, title, status = "precondition-failed", "It has changed since it was read", 412


class PreconditionRequired(Problem):
    slug, title, status = "precondition-required", "The request must say what it was made on", 428


class TooLarge(Problem):
    slug, title, status = "too-large", "The body is larger than is taken", 413


class TooSlow(Problem):
    slug, title, status = "too-slow", "The body did not arrive in time", 408
    headers = {"Connection": "close"}


class UnsupportedMedia(Problem):
    slug, title, status = "unsupported-media", "Content of this media type is not taken", 415


class Infected(Problem):
    slug, title, status = "infected", "A virus was found in the file", 422


class TooManyRequests(Problem):
    slug, title, status = "too-many-requests", "More requests than are allowed", 429


class Unavailable(Problem):
    slug, title, status = "unavailable", "A part of the system is away for the moment", 503


def faults(error: ValidationError) -> list[Fault]:
    """Pydantic's findings as faults, without the input values (they may be personal data)."""
    return faults_of(error.errors(include_input=False, include_url=False))


def faults_of(findings: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """The same from findings already listed."""
    return [_fault(found) for found in findings]


def _fault(found: Mapping[str, Any]) -> Fault:
    place = [str(part) for part in found["loc"] if part != "body"]
    match found["type"]:
        case "json_invalid":
            return Fault(detail="send one JSON value in UTF-8", pointer="#")
        case "union_tag_invalid" | "union_tag_not_found":
            known = found.get("ctx", {}).get("expected_tags")
            tag = str(found.get("ctx", {}).get("discriminator", "type")).strip("'")
            told = f"use one of {known}" if known else f"say which it is by the field '{tag}'"
            return Fault(detail=told, pointer=pointer([*place, tag]))
        case "timezone_aware":
            return Fault(detail="give it with its offset: 2026-11-22T08:00:00+08:00", pointer=pointer(place))
        case "string_pattern_mismatch":
            return Fault(detail="this does not have the form of such a value", pointer=pointer(place))
        case "model_attributes_type":
            told = "give an object with named fields" if place else "send a JSON object as application/json"
            return Fault(detail=told, pointer=pointer(place))
        case "model_type":
            return Fault(
                detail="give an object with named fields, not a single value", pointer=pointer(place)
            )
    told = found["msg"].removeprefix("Value error, ").replace("tuple", "list").replace("Tuple", "List")
    return Fault(detail=told, pointer=pointer(place))


def pointer(place: Sequence[str]) -> str:
    """A place in a document as RFC 6901 has it, in a URI fragment."""
    return "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place)


@contextmanager
def fitting(otherwise: str, refusal: type[Invalid] = Invalid) -> Iterator[None]:
    """Pydantic's refusal inside as a `refusal`, with `otherwise` in words and a fault for each field."""
    try:
        yield
    except ValidationError as error:
        raise refusal(otherwise, faults(error)) from None
