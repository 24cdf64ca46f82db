"""Filling in: one paper of one complaint, as its reader may see it, once its stage is reached."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel
from pydantic import Field as Described

from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import pack_of
from services.intake.domain.papers.record import FIELDS, Source, look
from services.intake.domain.papers.wording import ERASED, NOTHING, Shown, Wording
from services.intake.domain.roles import Actor
from services.intake.domain.stages import Stage
from services.intake.domain.views import CONTACT, hidden_from, view
from shared.events import Language
from shared.policy import Pack, Paper, in_script, load_calendar, phrase, plain
from shared.problems import Conflict, NotFound

S = Stage
REACHED: Mapping[str, frozenset[Stage]] = {
    "received": frozenset(Stage),
    "registered": frozenset(Stage),
    "screened": frozenset(Stage) - {S.REGISTERED},
    "dispatched": frozenset(Stage) - {S.REGISTERED, S.SCREENED, S.GRADED, S.REOPENED},
}
"""Stage of a paper -> the stages at which it can be made, where those are not all that come after it."""
WAY = (
    S.ACCEPTED, S.INVESTIGATED, S.PROPOSED, S.OFFERED, S.AGREED, S.IMPLEMENTED, S.AUDITED, S.ANSWERED,
    S.FED_BACK, S.CLOSED,
)  # fmt: skip
"""The way through the house; whoever has come further has come through what lies before."""
AS_FAR_AS: Mapping[Stage, Stage] = {
    S.INVESTIGATING: S.ACCEPTED, S.APPROVED: S.PROPOSED, S.DISAGREED: S.OFFERED, S.IMPLEMENTING: S.AGREED,
    S.DISOWNED: S.ACCEPTED, S.NOT_OURS: S.INVESTIGATED, S.SURVEYED: S.FED_BACK, S.ARCHIVED: S.CLOSED,
}  # fmt: skip


class Field(BaseModel):
    """A field of a form, by its name and title, what stands in it, and the same in words."""

    name: str
    title: str
    value: Any = None
    words: Shown = NOTHING


class Form(BaseModel):
    """A form as it can be made now; `fields` only where it was asked for."""

    paper: str
    title: str
    clause: str
    over: Literal["complaint", "period"] = Described(
        description="`period`: it is a list of many complaints, too, at `/v1/papers`"
    )
    ready: bool
    fields: list[Field] = []


def ready(state: Complaint, stage: str) -> bool:
    """Whether a record has come so far."""
    if stage == "acknowledged":
        return state.acknowledged_at is not None
    return state.stage in stages_past(stage)


def stages_past(stage: str) -> frozenset[Stage]:
    """The stages at which a record may be that has come so far."""
    if stage == "acknowledged":
        return frozenset(Stage)
    if stage in REACHED:
        return REACHED[stage]
    return frozenset(each for each in Stage if _is_past(AS_FAR_AS.get(each, each), stage))


def _is_past(here: Stage, stage: str) -> bool:
    return here in WAY and stage in WAY and WAY.index(here) >= WAY.index(Stage(stage))


def forms(state: Complaint, language: Language) -> list[Form]:
    """The papers of the pack, and which of them can be made now."""
    return [
        _form(name, paper, language, ready=ready(state, paper.stage))
        for name, paper in pack_of(state).papers.items()
    ]


def _form(name: str, paper: Paper, language: Language, **more: Any) -> Form:
    clause = in_script(paper.clause, language)
    return Form(paper=name, title=paper.title[language], clause=clause, over=paper.over, **more)


def paper_of(pack: Pack, name: str) -> Paper:
    """Raises NotFound for a paper that the pack has not."""
    paper = pack.papers.get(name)
    if paper is None:
        raise NotFound(f"The policy pack {pack.pack} has no such paper; it has {', '.join(pack.papers)}")
    return paper


def filled(state: Complaint, name: str, texts: Mapping[str, str], reader: Actor, language: Language) -> Form:
    """One paper. Raises NotFound for one that the pack has not, Conflict before its stage."""
    pack = pack_of(state)
    paper = paper_of(pack, name)
    if not ready(state, paper.stage):
        raise Conflict(f"This paper is made from stage '{paper.stage}' on")
    known, hidden = source(state, pack, texts, reader), hidden_of(state, reader)
    fields = made(paper.fields, known, hidden, words(pack, language))
    return _form(name, paper, language, ready=True, fields=fields)


def source(state: Complaint, pack: Pack, texts: Mapping[str, str], reader: Actor) -> Source:
    """What is printed of, as this reader may see it."""
    return Source(state, pack, view(state, texts, reader))


def words(pack: Pack, language: Language) -> Wording:
    """The words of papers, and times as they are where the pack's calendar is at home."""
    return Wording(pack, language, load_calendar(pack.calendar).zone)


def hidden_of(state: Complaint, reader: Actor) -> set[str]:
    """The fields that a paper leaves out for this reader."""
    hidden = hidden_from(state, reader)
    return hidden | {*CONTACT} if "contact" in hidden else hidden


def made(fields: Iterable[str], source: Source, hidden: Collection[str], wording: Wording) -> list[Field]:
    """The fields, each with what stands in it."""
    return [_field(each, source, wording) for each in fields if each not in hidden]


def _field(name: str, source: Source, wording: Wording) -> Field:
    kind, value, personal = look(name, source)
    shown = wording.shown(kind, value, source.pack.facts.get(name))
    if personal and shown == NOTHING and source.state.erased is not None:
        shown = Shown(lines=(wording.say(ERASED),))
    return Field(
        name=name, title=title_of(name, source.pack, wording.language), value=_plainly(value), words=shown
    )


def _plainly(value: Any) -> Any:
    """A value as JSON has it: numbers that rules compare are written as records write them."""
    return plain(value) if isinstance(value, Decimal | datetime) else value


def title_of(field: str, pack: Pack, language: Language) -> str:
    rule = pack.fact_rules.get(field)
    if rule is not None:
        return rule.title[language]
    return phrase(language, FIELDS[field].zh, FIELDS[field].en)
