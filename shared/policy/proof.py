"""Proof: a pack's own vectors, run; and all that a complaint's facts make of each other."""

import difflib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from shared.events import SafetyFacts
from shared.policy.calendar import Calendar
from shared.policy.conditions import Facts, FactValue, plain
from shared.policy.counters import Entry
from shared.policy.facts import FactRule, read_fact
from shared.policy.measures import measured
from shared.policy.pack import Gate, Pack
from shared.policy.schemes import Verdict, judge
from shared.policy.vectors import Vector
from shared.problems import Fault, Invalid

SOME_TIME = datetime(2026, 1, 5, 9, tzinfo=UTC)
UNTOLD: dict[str, FactValue] = {"cycle": 1, "verified": False} | SafetyFacts().model_dump()
"""What holds of every complaint until somebody says otherwise."""
SERIES = UUID("6b0c1c9e-55c4-5a52-8b1f-3c0b3a2d4e77")


def facts_from(
    pack: Pack, given: Mapping[str, Any], counts: Mapping[str, FactValue] | None = None
) -> dict[str, FactValue]:
    """Given values as facts, and every measure that follows. Raises Invalid, naming what cannot be read."""
    number = FactRule(title=pack.title, type="decimal")
    truth = FactRule(title=pack.title, type="boolean")
    rules = dict.fromkeys([*pack.measures, *pack.counters], number) | pack.fact_rules
    rules |= dict.fromkeys([f"cue.{name}" for name in pack.cues], truth)
    if unknown := set(given) - set(rules):
        faults = [Fault(detail=_nearest(name, rules), pointer=f"#/{name}") for name in sorted(unknown)]
        raise Invalid(f"The pack {pack.pack} does not know these facts", faults)
    read = {name: read_fact(name, rules[name], value, pack.money) for name, value in given.items()}
    known = {name: value for name, value in read.items() if value is not None}
    return measured(pack.measures, {**UNTOLD, **(counts or {}), **known})


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"use some of {', '.join(sorted(known))}"


def gates(pack: Pack, facts: Mapping[str, FactValue]) -> list[Gate]:
    """The safety gates that these facts pass."""
    return [gate for gate in pack.safety if gate.findings(facts) is not None]


def verdicts(pack: Pack, facts: Mapping[str, FactValue], decided: Mapping[str, str]) -> dict[str, Verdict]:
    """What every scheme says, before runs; a safety gate gives the gravest grade of each."""
    said = {name: judge(scheme, pack.decisions, facts, decided) for name, scheme in pack.schemes.items()}
    if not gates(pack, facts):
        return said
    return {
        name: each.model_copy(update={"grade": next(iter(pack.schemes[name].grades)), "pending": ()})
        for name, each in said.items()
    }


def failures(pack: Pack, calendar: Calendar, vector: Vector) -> list[str]:
    """What a vector expects and does not get."""
    try:
        got = dict(_answers(pack, calendar, vector))
    except (Invalid, KeyError, ValueError, ArithmeticError) as problem:
        return [str(problem)]
    expected = _expected(vector)
    return [
        f"{name} is {_told(got.get(name))}, expected {_told(value)}"
        for name, value in expected.items()
        if got.get(name) != value
    ]


def _told(value: Any) -> str:
    if value in ((), None):
        return "none"
    return plain(value) if isinstance(value, str | bool | tuple | datetime) else str(value)


def _expected(vector: Vector) -> dict[str, Any]:
    """Every expectation by its own name, those by name spelt out."""
    wanted = vector.expect.model_dump(exclude_unset=True)
    flat = {name: value for name, value in wanted.items() if not isinstance(value, dict)}
    for name in ("grades", "due", "facts"):
        flat |= {f"{name} {key}": value for key, value in wanted.get(name, {}).items()}
    for name in ("pending", "marks", "gates", "missing", "departments", "approvers"):
        if name in flat:
            flat[name] = tuple(flat[name])
    return flat


def _answers(pack: Pack, calendar: Calendar, vector: Vector) -> Iterator[tuple[str, Any]]:
    """Everything that the pack says to a vector, by the names of expectations."""
    facts = facts_from(pack, vector.facts, _counts(pack, vector))
    said = verdicts(pack, facts, vector.decided)
    first = said[next(iter(pack.schemes))]
    facts["grade"] = first.grade
    yield "grade", first.grade
    yield "pending", first.pending
    yield "marks", first.marks
    yield "provisional", first.provisional
    yield "gates", tuple(gate.gate for gate in gates(pack, facts))
    yield from ((f"grades {name}", verdict.grade) for name, verdict in said.items())
    yield from (
        (f"facts {name}", _comparable(facts.get(name), want)) for name, want in vector.expect.facts.items()
    )
    if vector.sequence:
        yield "sequence", _in_sequence(pack, vector)
    yield "missing", tuple(sorted(pack.required_fields(facts) - set(facts)))
    lead, departments = pack.route_of(facts)
    yield from (("lead", lead), ("departments", departments), ("approvers", tuple(pack.approvers(facts))))
    for name in ("allowed", "refused"):
        step = getattr(vector.expect, name)
        if step is not None:
            yield name, step if bool(pack.held_back(step, facts)) == (name == "refused") else f"not {step}"
    yield "route", pack.feedback.get(facts.get("channel"))  # type: ignore[call-overload]
    yield from _due(pack, calendar, vector, facts, lead)
    yield from _figures(pack, vector)


def _comparable(value: FactValue, wanted: Any) -> Any:
    """A number as the vector writes numbers, so that 12 is 12.0."""
    numbers = isinstance(wanted, int | float) and isinstance(value, int | Decimal)
    return float(value) if numbers and not isinstance(wanted, bool) else value  # type: ignore[arg-type]


def _counts(pack: Pack, vector: Vector) -> dict[str, FactValue]:
    """Every counter, with the vector's earlier complaints as its series."""
    mine = Entry(complaint=SERIES, at=SOME_TIME)
    others = []
    for number, each in enumerate(vector.earlier):
        at = SOME_TIME - timedelta(hours=float(each.hours), seconds=float(each.seconds))
        rectified = at if each.rectified else None
        others.append(Entry(complaint=uuid5(SERIES, str(number)), at=at, rectified=rectified))
    return {name: counter.count(mine, others) for name, counter in pack.counters.items()}


def _in_sequence(pack: Pack, vector: Vector) -> tuple[str, ...]:
    """The grades of the first scheme, runs counted, for complaints of one customer that follow each other."""
    name, scheme = next(iter(pack.schemes.items()))
    runs: dict[Any, list[str]] = {}
    grades = []
    for given in vector.sequence:
        facts = facts_from(pack, given)
        base = verdicts(pack, facts, {})[name].grade
        same = tuple(facts.get(fact) for fact in scheme.run.same if fact != "customer") if scheme.run else ()
        if scheme.run is None or None in same:
            grades.append(base)
            continue
        runs.setdefault(same, []).append(base)
        grades.append(scheme.run.effective(runs[same], list(scheme.grades))[-1])
    return tuple(grades)


def _due(
    pack: Pack, calendar: Calendar, vector: Vector, facts: Facts, lead: str
) -> Iterator[tuple[str, Any]]:
    for name, clock in pack.clocks.items():
        start = vector.marks.get(clock.start)
        yield f"due {name}", clock.end(start, facts, calendar, lead) if start else None


def _figures(pack: Pack, vector: Vector) -> Iterator[tuple[str, Any]]:
    if vector.quota:
        limits = [
            quota.limit(vector.quota.value) for quota in pack.quotas if quota.grade == vector.quota.grade
        ]
        yield "exceeded", any(limit is not None and vector.quota.number > limit for limit in limits)
    if vector.figure:
        target = pack.targets[vector.figure.target]
        yield "reached", target.reached(vector.figure.part, vector.figure.whole)
