"""Grading at the command line: facts as JSON lines in, decisions out, by the code that triage grades with."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, get_args

from deploy.policies.opening import Bound, Opened
from services.triage.domain import outcome
from services.triage.domain.case import Case, Decided, Known
from services.triage.domain.classification import Reading, classify, read
from shared import clock
from shared.events import Channel, ComplaintRegistered, Language
from shared.policy import FactValue, Pack, build, explained, facts_from, prove
from shared.problems import Fault, Invalid, Malformed, Problem

DIGITS = 30
"""A number with more is a slip, or an attack: written out it could fill the memory."""

TOLD = {"scheme", "rule", "clause", "grade", "fact", "value", "comparison"}
"""What is told of a match."""


def usable(pack: Opened, values: Bound) -> Pack:
    """The pack with these parameters. Raises Invalid if its vectors do not hold, or if one is unbound."""
    if pack.abstract:
        raise Invalid(f"{pack.title} is abstract and grades nothing; name a pack that extends it")
    prove(pack.draft, pack.name)
    try:
        return build(pack.draft, pack.name, values)
    except Invalid as problem:
        if missing := [name for name in pack.unbound if name not in values]:
            given = " ".join(f"--set {name}=..." for name in missing)
            raise Invalid(f"{problem.detail}; bind its parameters: {given}", problem.errors) from None
        raise


def graded(lines: Iterable[bytes], pack: Pack) -> Iterator[tuple[bool, str]]:
    """For every line that is not blank: whether it could be read, and the answer to it."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = decision(_object(line), pack)
        except Problem as problem:
            faults = [fault.model_dump() for fault in problem.errors]
            told = {"line": number, "error": problem.detail, "errors": faults}
        yield "error" not in told, json.dumps(told, ensure_ascii=False)


def _object(line: bytes) -> dict[str, Any]:
    """One JSON object; sums and shares as decimals. Raises Malformed."""
    try:
        given = json.loads(line.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
        json.dumps(given, ensure_ascii=False, default=str).encode()
    except (ValueError, ArithmeticError, RecursionError) as error:
        fault = Fault(detail=" ".join(str(error).split()), pointer="#")
        raise Malformed("The line cannot be read; write one JSON object a line, in UTF-8", [fault]) from None
    if not isinstance(given, dict):
        raise Malformed("The line is no object; write {...}", [Fault(detail="give an object", pointer="#")])
    return given


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def decision(given: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """What the pack says to these facts. Raises Invalid, naming what cannot be read."""
    case = _case(given, pack)
    said, sent = outcome.graded(case), outcome.dispatched(case, case.classified.name)
    return {
        "grade": said.grade,
        "grades": said.grades,
        "pending": said.pending,
        "marks": said.marks,
        "gates": said.gates,
        "provisional": said.provisional,
        "class": said.class_,
        "lead": sent.lead,
        "departments": sent.departments,
        "approvers": pack.approvers(case.facts),
        "required_missing": _missing(case),
        "matches": [match.model_dump(include=TOLD) for match in said.matches],
        "explanation": explained(said, pack),
        "pack": pack.pack,
        "version": pack.version,
    }


def _missing(case: Case) -> list[str]:
    """What the pack requires and nobody gave; a class that only the text suggests was not given."""
    given = {
        name: each
        for name, each in case.facts.items()
        if (name, case.classified.suggested) != ("class", True)
    }
    return sorted(case.pack.required_fields(given) - set(given))


def _case(given: Mapping[str, Any], pack: Pack) -> Case:
    """The facts as a case: one that came just now, the first of its series unless a counter is given."""
    facts = {name: value for name, value in given.items() if name not in ("text", "decided")}
    for name, known_to in (
        ("class", pack.classes),
        ("channel", get_args(Channel)),
        ("language", get_args(Language)),
    ):
        _one_of(name, facts.get(name), known_to, name)
    reading = _reading(given.get("text"), pack)
    classified = classify(facts.get("class"), reading, pack)
    known = Known(registered=_registered(pack), reading=reading)
    counts = {name: counter.count(known.entry(), ()) for name, counter in pack.counters.items()}
    cues = {f"cue.{cue}": True for cue in reading.cues}
    read = facts_from(pack, {"cycle": 1} | cues | counts | facts | {"class": classified.name})
    _short(read)
    cycle = read.get("cycle")
    case = Case(known, cycle if isinstance(cycle, int) else 1, pack, classified, read)
    known.decided.extend(_decided(given.get("decided"), case))
    return case


def _registered(pack: Pack) -> ComplaintRegistered:
    """A complaint about which nothing but its pack is known."""
    return ComplaintRegistered(
        pack=pack.pack,
        pack_version=pack.version,
        channel=pack.channels[0],
        language="zh-CN",
        received_at=clock.now(),
    )


def _one_of(what: str, value: Any, known: Iterable[str], place: str) -> None:
    if value is not None and value not in (names := list(known)):
        told = f"use one of {', '.join(names)}" if names else f"this pack has no {what}"
        raise Invalid(
            f"The policy pack does not know this {what}", [Fault(detail=told, pointer=f"#/{place}")]
        )


def _reading(text: Any, pack: Pack) -> Reading:
    if text is not None and not isinstance(text, str):
        raise Invalid("The text cannot be read", [Fault(detail="give a text", pointer="#/text")])
    return read(text or "", pack)


def _short(facts: Mapping[str, FactValue]) -> None:
    for name, value in facts.items():
        if isinstance(value, Decimal) and value and abs(value.adjusted()) > DIGITS:
            fault = Fault(detail=f"use at most {DIGITS} digits", pointer=f"#/{name}")
            raise Invalid(f"The fact {name} is no number that anybody means", [fault])


def _decided(given: Any, case: Case) -> Iterator[Decided]:
    """What people answered to the pack's questions."""
    answers = {} if given is None else given
    if not isinstance(answers, dict) or not all(isinstance(each, str) for each in answers.values()):
        fault = Fault(detail="write {question: option}", pointer="#/decided")
        raise Invalid("The decisions cannot be read", [fault])
    for name, option in answers.items():
        _one_of("question", name, case.pack.decisions, f"decided/{name}")
        question = case.pack.decisions[name]
        _one_of("option", option, question.options, f"decided/{name}")
        yield Decided(
            about="question",
            name=name,
            choice=option,
            role=question.role,
            by="the command line",
            why="",
            cycle=case.cycle,
            at=clock.now(),
        )
