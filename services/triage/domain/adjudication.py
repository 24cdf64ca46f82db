"""Adjudication: the questions of packs that wait for people, and how people answered them.

The share of each answer is told beside the one that the regulation wants (P08: 90 % and 40 %); nobody's
decision is drawn by lot.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, Field

from services.triage.domain.case import Decided
from shared.events import ComplaintGraded
from shared.policy import Pack
from shared.problems import Fault, Invalid

ANY = "*"


class Asked(BaseModel):
    """A question about one cycle that waits for a person of this role, since it was first asked."""

    cycle: int
    question: str
    role: str
    since: AwareDatetime


class Adjudicated(BaseModel):
    """One question in one period: answers by option, and the actual share of the option that has a target.

    `share` and `reached` are null where there were no answers: no rate, neither 0 nor 1.
    """

    question: str
    title: dict[str, str]
    role: str
    answers: dict[str, int]
    adjudicated: int = Field(description="Answers in the period, of those that still count")
    option: str | None = None
    target: Decimal | None = None
    share: Decimal | None = None
    reached: bool | None = None
    waiting: int = Field(0, description="Complaints of which this is asked now")


Answers = Mapping[tuple[str, str], int]
"""How often each question was answered by each option."""


def asked(known: Sequence[Asked], graded: ComplaintGraded, pack: Pack, at: AwareDatetime) -> list[Asked]:
    """The questions that wait for people once a cycle has been judged anew at this instant."""
    others = [each for each in known if each.cycle != graded.cycle]
    since = {each.question: each.since for each in known if each.cycle == graded.cycle}
    mine = [
        Asked(cycle=graded.cycle, question=name, role=pack.decisions[name].role, since=since.get(name, at))
        for name in graded.pending
    ]
    return sorted([*others, *mine], key=lambda each: (each.cycle, each.question))


def label(pack: str | None = None, role: str | None = None, question: str | None = None) -> str:
    """What an index finds questions by: of this pack, for this role and of this name, or any."""
    return " ".join((pack or ANY, role or ANY, question or ANY))


def labels(pack: str, waiting: Iterable[Asked]) -> list[str]:
    """Every label by which questions of a complaint can be found."""
    found = {
        label(*each)
        for one in waiting
        for each in product((pack, None), (one.role, None), (one.question, None))
    }
    return sorted(found)


def period(
    since: datetime | None, until: datetime | None, now: datetime, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """From the beginning of its last month until now, unless something else is asked for.

    Raises Invalid for a period that does not end after it begins.
    """
    end = until or now
    last = min(now, end - timedelta(microseconds=1))
    first = last.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if (since or first) >= end:
        fault = Fault(detail="give an instant after the beginning", pointer="#/query/to")
        raise Invalid("The period ends before it begins", [fault])
    return since or first, end


def last_words(decided: Iterable[Decided]) -> list[Decided]:
    """Of several answers to one question in one cycle the last, which is the one that counts."""
    return list({(each.about, each.name, each.cycle): each for each in decided}.values())


def counted(decided: Iterable[Decided]) -> Answers:
    """How often each question was answered how."""
    return Counter((each.name, each.choice) for each in decided if each.about == "question")


def adjudicated(
    pack: Pack, given: Answers, waiting: Mapping[str, int] | None = None
) -> Iterator[Adjudicated]:
    """The figures of every question of a pack."""
    for name, question in pack.decisions.items():
        answers = {option: given.get((name, option), 0) for option in question.options}
        whole = sum(answers.values())
        told = Adjudicated(
            question=name,
            title=dict(question.title),
            role=question.role,
            answers=answers,
            adjudicated=whole,
            waiting=(waiting or {}).get(name, 0),
        )
        if question.target is not None:
            part, wanted = Decimal(answers[question.target.option]), question.target.share
            rate = {"share": round(part / whole, 4), "reached": part >= wanted * whole} if whole else {}
            told = told.model_copy(update={"option": question.target.option, "target": wanted} | rate)
        yield told
