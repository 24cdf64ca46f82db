"""Adjudication: how people answered a pack's questions, beside the share that the regulation wants."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from pydantic import BaseModel

from services.triage.domain.case import Decided
from shared.policy import Pack


class Adjudicated(BaseModel):
    """One question in one period: answers by option, and the actual share of the option that has a target.

    `share` is None where there were no answers: no rate, neither 0 nor 1.
    """

    question: str
    answers: dict[str, int]
    option: str | None = None
    target: Decimal | None = None
    share: Decimal | None = None


def last_words(decided: Iterable[Decided]) -> list[Decided]:
    """Of several answers to one question in one cycle the last, which is the one that counts."""
    return list({(each.about, each.name, each.cycle): each for each in decided}.values())


def adjudicated(pack: Pack, decided: Iterable[Decided]) -> Iterator[Adjudicated]:
    """The figures of every question of a pack."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in pack.decisions}
    for each in decided:
        if each.about == "question" and each.name in counts:
            counts[each.name][each.choice] += 1
    for name, question in pack.decisions.items():
        answers = {option: counts[name][option] for option in question.options}
        told = Adjudicated(question=name, answers=answers)
        if question.target is not None:
            option, whole = question.target.option, sum(answers.values())
            share = round(Decimal(answers[option]) / whole, 4) if whole else None
            wanted = {"option": option, "target": question.target.share, "share": share}
            told = told.model_copy(update=wanted)
        yield told
