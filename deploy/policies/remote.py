"""Triage's policies over HTTP: rehearse a change, propose, approve and migrate to a version."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from deploy.policies.opening import aligned, text_of
from services.triage.domain.rehearsal import Rehearsed
from shared.policy import parse
from shared.problems import Fault, Invalid, Problem, Unavailable

PATIENCE = httpx.Timeout(300, connect=5)
"""A rehearsal goes through every grading on record."""


class Answer(BaseModel):
    """A problem document (RFC 9457), as far as it is shown."""

    title: str = "The request was refused"
    detail: str = ""
    errors: list[Fault] = []


class Triage:
    """The service at this address, for the caller with this key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {b"Authorization": b"Bearer " + key.strip().encode()} if key.strip() else {}

    def simulate(self, pack: str, text: str) -> Any:
        return self._send("POST", f"{quote(pack, safe='')}/simulations", content=text.encode())

    def propose(self, pack: str, version: int, text: str) -> Any:
        return self._send("PUT", f"{quote(pack, safe='')}/versions/{version}", content=text.encode())

    def approve(self, pack: str, version: int) -> Any:
        """Approve the text that is proposed at this moment, by its ETag."""
        path = f"{quote(pack, safe='')}/versions/{version}"
        read = self._answer("GET", path)
        etag = {"If-Match": read.headers.get("ETag", "")}
        return self._send("POST", f"{path}/approval", headers=etag)

    def migrate(self, pack: str, before: int, after: int, *, preview: bool, back: bool) -> Any:
        wish = {"from_version": before, "to_version": after, "preview": preview, "back": back}
        return self._send("POST", f"{quote(pack, safe='')}/migrations", json=wish)

    def _send(self, method: str, path: str, **body: Any) -> Any:
        """The answer's JSON. Raises Problem for a refusal, and for a server that is not there."""
        answer = self._answer(method, path, **body)
        try:
            return answer.json()
        except ValueError:
            raise Unavailable(f"{self._url} answered, but not with JSON; is this triage?") from None

    def _answer(self, method: str, path: str, **body: Any) -> httpx.Response:
        form = {b"Content-Type": b"application/yaml"} if "content" in body else {}
        try:
            with httpx.Client(trust_env=False, timeout=PATIENCE, headers=self._headers | form) as client:
                answer = client.request(method, f"{self._url}/v1/policies/{path}", **body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = str(error) or type(error).__name__
            raise Unavailable(
                f"Triage cannot be reached at {self._url} ({told}); give its address by --url"
            ) from None
        if not answer.is_success:
            raise _refusal(answer)
        return answer


def _refusal(answer: httpx.Response) -> Problem:
    try:
        told = Answer.model_validate_json(answer.content)
    except ValidationError:
        return Problem(f"{answer.url} answered {answer.status_code}, without a reason; is this triage?")
    hint = " (--key, or REDRESS_API_KEY)" if answer.status_code == 401 else ""
    return Problem(f"{told.detail or told.title}{hint} ({answer.status_code})", told.errors)


def proposal(file: str) -> tuple[str, int, str]:
    """A file's pack, version and text; what it extends may be known to the server alone. Raises Invalid."""
    text = text_of(file)
    draft = parse(text, file)
    pack, version = draft.content.get("pack"), draft.content.get("version")
    if not isinstance(pack, str) or not isinstance(version, int) or isinstance(version, bool):
        raise Invalid(
            f"{file} does not say which pack and version it is", [draft.fault([], "give pack and version")]
        )
    return pack, version, text


def rehearsed(answer: Any) -> Rehearsed:
    """Raises Unavailable if the answer is none."""
    try:
        return Rehearsed.model_validate(answer)
    except ValidationError:
        raise Unavailable("The answer is no simulation; is this triage?") from None


def summary(told: Rehearsed, under: str) -> Iterator[str]:
    """A rehearsal for people: how many, from what to what, which deadlines."""
    yield f"{told.gradings} gradings replayed under {under}, {told.changed} would come out otherwise"
    if told.alone:
        yield f"{told.alone} stand in series that do not exist yet, and were counted without neighbours"
    if told.unreadable:
        yield f"{told.unreadable} could not be graded: their facts have not the form that the pack asks for"
    if told.changes:
        rows = [[each.of, each.before, "→", each.after, str(each.complaints)] for each in told.changes]
        yield from ["", *aligned([["of", "from", "", "to", "complaints"], *rows])]
    if told.examples:
        yield from ["", "Examples"]
        yield from aligned([[f"  {each.number}", str(each.complaint), _both(each)] for each in told.examples])
    yield ""
    yield f"{told.deadlines_open} deadlines are open, {told.deadlines_moved} would move"
    if told.moves:
        rows = [
            [f"  {each.complaint}", each.clock, f"{each.before}", "→", f"{each.after or 'none'}"]
            for each in told.moves
        ]
        yield from aligned(rows)


def _both(example: Any) -> str:
    names = [*example.before, *(name for name in example.after if name not in example.before)]
    return ", ".join(f"{n}: {example.before.get(n) or '–'} → {example.after.get(n) or '–'}" for n in names)
