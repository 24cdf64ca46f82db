"""Sheets: papers over many complaints, a line for each: the daily report, the tracking ledger."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import pack_of
from services.intake.domain.papers.filling import hidden_of, made, paper_of, ready, source, title_of, words
from services.intake.domain.papers.record import FIELDS
from services.intake.domain.papers.wording import Shown
from services.intake.domain.roles import Actor
from shared.events import Language
from shared.policy import Pack, Paper, in_script
from shared.problems import NotFound

Read = tuple[UUID, Complaint, Mapping[str, str]]
"""A complaint with the texts that were opened."""


class Column(BaseModel):
    """A field over many complaints."""

    name: str
    title: str


class Line(BaseModel):
    """A complaint on a sheet, without the fields that its pack does not know or its reader does not see."""

    id: UUID
    number: str
    words: dict[str, Shown]


class Listed(BaseModel):
    """A paper over many complaints, as the pack names it."""

    paper: str
    title: str
    clause: str


class Sheet(Listed):
    """The same with a line for each complaint of a period, in the order in which they were registered."""

    pack: str
    since: AwareDatetime = Field(serialization_alias="from")
    until: AwareDatetime = Field(serialization_alias="to")
    columns: list[Column]
    lines: list[Line]
    more: bool = Field(description="Whether there are more, which are left out: the earlier ones")


def sheets(pack: Pack, language: Language) -> list[Listed]:
    """The papers of a pack that are made over many complaints."""
    return [_listed(name, each, language) for name, each in pack.papers.items() if each.over == "period"]


def _listed(name: str, paper: Paper, language: Language) -> Listed:
    clause = in_script(paper.clause, language)
    return Listed(paper=name, title=paper.title[language], clause=clause)


def sheet_paper(pack: Pack, name: str) -> Paper:
    """Raises NotFound for a paper that is not made over many complaints."""
    paper = paper_of(pack, name)
    if paper.over != "period":
        known = [each for each, found in pack.papers.items() if found.over == "period"]
        raise NotFound(f"{name} is a paper of one complaint; over a period there is {', '.join(known)}")
    return paper


def columns_of(paper: Paper) -> list[str]:
    """The fields of a sheet: each line says which complaint it is."""
    return list(dict.fromkeys(["number", *paper.fields]))


def opens_texts(paper: Paper, pack: Pack) -> bool:
    """Whether it shows what may point to a person, so that its reads are logged."""
    own = {name for name, rule in pack.facts.items() if rule.stays}
    return any(each in own or (each in FIELDS and FIELDS[each].personal) for each in paper.fields)


def sheet(
    name: str,
    pack: Pack,
    found: Iterable[Read],
    reader: Actor,
    language: Language,
    period: tuple[AwareDatetime, AwareDatetime],
    *,
    more: bool,
) -> Sheet:
    """A paper over these complaints, of which those count that have come to its stage."""
    paper = sheet_paper(pack, name)
    columns = columns_of(paper)
    return Sheet(
        **_listed(name, paper, language).model_dump(),
        pack=pack.pack,
        since=period[0],
        until=period[1],
        columns=[Column(name=each, title=title_of(each, pack, language)) for each in columns],
        lines=[_line(each, columns, reader, language) for each in found if ready(each[1], paper.stage)],
        more=more,
    )


def _line(read: Read, columns: Iterable[str], reader: Actor, language: Language) -> Line:
    """A complaint's fields by its own pack, which need not be the one whose paper it is."""
    id, state, texts = read
    pack = pack_of(state)
    known = [each for each in columns if each in FIELDS or each in pack.fact_rules]
    fields = made(known, source(state, pack, texts, reader), hidden_of(state, reader), words(pack, language))
    return Line(id=id, number=state.number, words={each.name: each.words for each in fields})
