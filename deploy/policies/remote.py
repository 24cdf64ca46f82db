"""Triage's policies over HTTP: rehearse a change, propose, approve and migrate to a version."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from deploy.policies.opening import text_of
from deploy.remote import Server
from deploy.telling import aligned
from services.triage.domain.rehearsal import Rehearsed
from shared.policy import parse
from shared.problems import Invalid, Unavailable


class Triage(Server):
    """Triage's policies, for the caller with this key."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__("triage", url, "/v1/policies", key)

    def simulate(self, pack: str, text: str) -> Any:
        return self.send("POST", f"{quote(pack, safe='')}/simulations", content=text.encode())

    def propose(self, pack: str, version: int, text: str) -> Any:
        return self.send("PUT", f"{quote(pack, safe='')}/versions/{version}", content=text.encode())

    def approve(self, pack: str, version: int) -> Any:
        """Approve the text that is proposed at this moment, by its ETag."""
        path = f"{quote(pack, safe='')}/versions/{version}"
        read = self.answer("GET", path)
        etag = {"If-Match": read.headers.get("ETag", "")}
        return self.send("POST", f"{path}/approval", headers=etag)

    def migrate(self, pack: str, before: int, after: int, *, preview: bool, back: bool) -> Any:
        wish = {"from_version": before, "to_version": after, "preview": preview, "back": back}
        return self.send("POST", f"{quote(pack, safe='')}/migrations", json=wish)


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
