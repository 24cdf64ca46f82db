"""Problems: every refusal says what was wrong and how to mend it, and carries its own fate.

Problem                    a rule refused the cause; asking again changes nothing
  Invalid                  the input breaks its own form (422)
  Malformed                the input cannot be read at all (400)
  Unauthenticated          no or unknown credentials (401)
  NotFound                 no such thing for this caller (404)
  Conflict                 not possible in the present state (409)
  PreconditionFailed       changed since it was read (412)
  PreconditionRequired     must name what was read (428)
  TooLarge                 more bytes than are taken (413)
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
    """A refusal with its RFC 9457 members; subclasses fix `slug`, `title` and HTTP `status`."""

    slug: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request was refused by a rule"
    status: ClassVar[int] = 422

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


class Malformed(Problem):
    slug, title, status = "malformed", "The input cannot be read", 400


class Unauthenticated(Problem):
    slug, title, status = "unauthenticated", "Credentials are missing or unknown", 401


class NotFound(Problem):
    slug, title, status = "not-found", "There is no such thing here", 404


class Conflict(Problem):
    slug, title, status = "conflict", "The present state does not allow this", 409


class PreconditionFailed(Problem):
    slug, title, status = "precondition-failed", "It has changed since it was read", 412


class PreconditionRequired(Problem):
    slug, title, status = "precondition-required", "The request must say what it was made on", 428


class TooLarge(Problem):
    slug, title, status = "too-large", "The body is larger than is taken", 413


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
            known = found.get("ctx", {}).get("expected_tags", "a known value")
            tag = str(found.get("ctx", {}).get("discriminator", "type")).strip("'")
            return Fault(detail=f"use one of {known}", pointer=pointer([*place, tag]))
        case "string_pattern_mismatch":
            return Fault(detail="this does not have the form of such a value", pointer=pointer(place))
        case "model_attributes_type":
            return Fault(detail="send a JSON object as application/json", pointer=pointer(place))
    return Fault(detail=found["msg"].removeprefix("Value error, "), pointer=pointer(place))


def pointer(place: Sequence[str]) -> str:
    """A place in a document as RFC 6901 has it, in a URI fragment."""
    return "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place)


@contextmanager
def fitting(otherwise: str) -> Iterator[None]:
    """Pydantic's refusal inside as Invalid, with `otherwise` in words and a fault for each field."""
    try:
        yield
    except ValidationError as error:
        raise Invalid(otherwise, faults(error)) from None
