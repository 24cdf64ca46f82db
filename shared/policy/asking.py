"""Asking: whether a pack's survey can be put to a customer as it is written."""

import re
from collections.abc import Iterator
from typing import get_args

from shared.events import Outcome
from shared.policy.conditions import Comparison
from shared.policy.facts import UNIVERSAL
from shared.policy.pack import Pack, Question
from shared.policy.texts import no_such

Found = Iterator[tuple[tuple[str | int, ...], str]]
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
MOST_QUESTIONS, MOST_OPTIONS = 20, 20
UNKNOWN = ("class", "grade", "cause", "solution_cost")
"""Facts of every complaint that its registration does not tell, or seldom."""


def unaskable(pack: Pack) -> Found:
    """Everything that contradicts itself in `survey`, or asks for what is not known when it is opened."""
    rule = pack.survey
    yield from _conditions(pack)
    yield from _score(pack)
    for days in rule.reminders_days:
        if not 0 < days < rule.expires_days:
            told = f"a reminder comes after the survey opens and before it expires ({rule.expires_days} days)"
            yield ("survey", "reminders_days"), told
    if len(rule.questions) > MOST_QUESTIONS:
        yield ("survey", "questions"), f"ask at most {MOST_QUESTIONS} questions"
    for name, question in rule.questions.items():
        yield from _question(("survey", "questions", name), name, question)


def _conditions(pack: Pack) -> Found:
    known = {*UNIVERSAL, "outcome", *(name for name, fact in pack.facts.items() if not fact.stays)}
    for name, asked in pack.survey.when.comparisons():
        place = ("survey", "when", name)
        if name not in known - {*UNKNOWN} and (name in pack.fact_rules or name in _reckoned(pack)):
            yield place, f"{name} is not known to surveys: they know what was registered, and the outcome"
        if name == "outcome" and (strange := sorted(_texts(asked) - {*get_args(Outcome)})):
            yield place, f"there is no outcome {strange[0]}; use some of {', '.join(get_args(Outcome))}"


def _reckoned(pack: Pack) -> set[str]:
    return {*pack.measures, *pack.counters, *(f"cue.{name}" for name in pack.cues)}


def _texts(asked: Comparison) -> set[str]:
    return {*(asked.one_of or ()), *([asked.is_] if isinstance(asked.is_, str) else [])}


def _question(place: tuple[str | int, ...], name: str, question: Question) -> Found:
    if not NAME.fullmatch(name):
        yield place, f"{name!r} is no name; use up to 50 small letters, digits and _, first a letter"
    if question.type != "choice" and question.options:
        yield (*place, "options"), "only a choice has options"
    if question.type == "choice" and not 2 <= len(question.options) <= MOST_OPTIONS:
        yield (*place, "options"), f"give a choice 2 to {MOST_OPTIONS} options"
    for option in question.options:
        if not NAME.fullmatch(option):
            yield (*place, "options", option), f"{option!r} is no name of an option"


def _score(pack: Pack) -> Found:
    """A score is a number that gradings may ask for; clocks, which began before it was given, may not."""
    for role in pack.survey.escalate_to:
        if role not in pack.roles:
            yield ("survey", "escalate_to"), no_such("role", role, pack.roles)
    name, place = pack.survey.fact, ("survey", "fact")
    if name is None:
        return
    rule = pack.facts.get(name)
    if rule is None:
        yield place, no_such("fact", name, pack.facts)
    elif rule.type not in ("integer", "decimal"):
        yield place, f"a score is a number, {name} is of type {rule.type}; name an integer or a decimal"
    elif rule.stays:
        yield place, f"{name} never leaves the record; say `private: false`"
    follow = {name}
    for measure, made_of in pack.measures.items():
        follow |= {measure} if follow & {*made_of.names()} else set()
    for clock, told in pack.clocks.items():
        for asked in sorted(follow & {*told.when.names()}):
            yield (
                ("clocks", clock, "when"),
                f"a clock cannot ask for {asked}: the customer says it afterwards",
            )
