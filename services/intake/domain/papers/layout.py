"""Layout: a paper as it is printed: what stands at its head, its fields in rows, and who signs."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services.intake.domain.papers.filling import Field, Form
from services.intake.domain.papers.record import Source
from services.intake.domain.papers.wording import Pair, Wording
from shared.events import Language
from shared.policy import Act, Paper, in_script

SHORT = 26
"""So many columns of text fit beside a second field; a Chinese character takes two."""
LONG = frozenset(
    {"description", "findings", "implementation", "reply", "method", "summary", "refusal_reason"}
)
"""Fields that get room to write when nothing stands in them yet."""
ACTS: Mapping[Act, Pair] = {
    "prepared": ("编制", "Prepared by"),
    "reviewed": ("审核", "Reviewed by"),
    "approved": ("批准", "Approved by"),
    "verified": ("验证", "Verified by"),
    "received": ("签收", "Received by"),
}


class Heading(NamedTuple):
    """The head of a paper: whose regulation, what it is called, by which clause, when it was printed."""

    regulation: str
    title: str
    clause: str
    date: str
    printed_at: str
    edition: str


class Block(NamedTuple):
    """A row of the form: two short fields, or one over its whole width."""

    fields: tuple[Field, ...]


class Signature(NamedTuple):
    """Who signs for what; `name` and `at` are empty where they sign by hand."""

    act: str
    role: str
    name: str = ""
    at: str = ""


def heading(paper: Paper, wording: Wording, now: datetime) -> Heading:
    pack = wording.pack
    return Heading(
        regulation=pack.title[wording.language],
        title=paper.title[wording.language],
        clause=in_script(paper.clause, wording.language),
        date=wording.day(now),
        printed_at=f"{wording.instant(now)} ({wording.zone})",
        edition=f"{pack.pack} {pack.version}",
    )


def blocks(fields: Iterable[Field]) -> list[Block]:
    """The rows: short fields go in twos, in their order."""
    rows: list[Block] = []
    waiting: Field | None = None
    for each in fields:
        if not _is_short(each):
            rows += [Block((waiting,))] if waiting else []
            rows.append(Block((each,)))
            waiting = None
        elif waiting is None:
            waiting = each
        else:
            rows.append(Block((waiting, each)))
            waiting = None
    return rows + ([Block((waiting,))] if waiting else [])


def _is_short(field: Field) -> bool:
    lines = field.words.lines
    if field.words.rows or len(lines) > 1 or field.name in LONG:
        return False
    return not lines or ("\n" not in lines[0] and _columns(lines[0]) <= SHORT)


def _columns(text: str) -> int:
    return sum(2 if ord(each) > 0x2E80 else 1 for each in text)


def signatures(paper: Paper, wording: Wording, shown: Mapping[str, Any]) -> list[Signature]:
    """Who signs a paper that is signed; approvals and audits that happened stand there with name and time.

    Approvals of roles that the paper does not name come last.
    """
    if not paper.signed_by:
        return []
    given = {each["role"]: each for each in shown.get("approvals", [])}
    lines = []
    for act, role in paper.signed_by.items():
        done = _audit(shown) if act == "verified" else given.pop(role, None) if act == "approved" else None
        lines.append(_signature(act, role, done, wording))
    return lines + [_signature("approved", role, done, wording) for role, done in given.items()]


def _audit(shown: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The audit that was passed in this round."""
    taken = [each for each in shown.get("actions", []) if each["what"] == "audit"]
    passed = [each for each in taken if each["when"] != "failed" and each["cycle"] == shown["cycle"]]
    return passed[-1] if passed and shown.get("passed") else None


def _signature(act: Act, role: str, done: Mapping[str, Any] | None, wording: Wording) -> Signature:
    said, titled = wording.say(ACTS[act]), wording.role(role)
    if done is None:
        return Signature(said, titled)
    return Signature(said, titled, wording.name(done), wording.instant(done["at"]))


class Page(NamedTuple):
    """A paper of one complaint, ready to be printed."""

    language: Language
    number: str
    heading: Heading
    blocks: list[Block]
    signatures: list[Signature]


def page(form: Form, of: Source, wording: Wording, now: datetime) -> Page:
    """A form that is filled in."""
    paper = of.pack.papers[form.paper]
    return Page(
        language=wording.language,
        number=of.state.number,
        heading=heading(paper, wording, now),
        blocks=blocks(form.fields),
        signatures=signatures(paper, wording, of.shown),
    )
