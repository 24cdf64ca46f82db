"""Soundness: what the form of a pack alone cannot tell: names that are used but defined nowhere."""

import re
from collections.abc import Iterable, Iterator
from typing import get_args

from shared.events import Channel
from shared.policy.asking import unaskable
from shared.policy.conditions import tests
from shared.policy.facts import UNIVERSAL
from shared.policy.operands import strange_facts, unfit
from shared.policy.pack import Pack
from shared.policy.printing import unprintable
from shared.policy.schemes import Scheme
from shared.policy.tellings import untellable
from shared.policy.texts import no_such

Found = Iterator[tuple[tuple[str | int, ...], str]]
"""Place in the pack, and what is wrong there."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
NAMED = (
    "parameters", "facts", "classes", "cues", "measures", "counters", "schemes", "decisions", "roles",
    "departments", "clocks", "papers", "targets",
)  # fmt: skip
"""Sections of things with names; `safety` and rows have their names inside."""

RECORD = (
    "name", "contact", "email", "phone", "address", "description", "received_at", "recorder", "place",
    "order", "evidence", "solution", "progress", "method", "handler",
)  # fmt: skip
"""Fields of the record that a pack may require, besides the facts."""


LEFT_BY_EVENTS = (
    "received", "registered", "acknowledged", "screened", "dispatched", "lead_received", "accepted",
    "investigated", "proposed", "offered", "agreed", "implemented", "audited", "answered", "fed_back",
    "closed",
)  # fmt: skip
"""Marks that a complaint leaves by itself; what leaves the others the pack must say."""


def unsound(pack: Pack) -> Found:
    """Everything that contradicts something else."""
    yield from _names(pack)
    yield from _facts(pack)
    yield from _marks(pack)
    yield from _grades(pack)
    yield from _decisions(pack)
    yield from _people(pack)
    yield from unprintable(pack)
    yield from _others(pack)
    yield from unaskable(pack)
    yield from _vectors(pack)
    yield from unfit(pack)
    yield from untellable(pack)


def fact_names(pack: Pack) -> set[str]:
    """Every name that a test may ask for."""
    cues = {f"cue.{name}" for name in pack.cues}
    return {*pack.fact_rules, *pack.measures, *pack.counters, *cues}


def _names(pack: Pack) -> Found:
    named = {name: list(getattr(pack, name)) for name in NAMED} | {"safety": [g.gate for g in pack.safety]}
    for name, scheme in pack.schemes.items():
        named |= {f"schemes/{name}/grades": list(scheme.grades), f"schemes/{name}/marks": list(scheme.marks)}
    for section, names in named.items():
        for name in names:
            if not NAME.fullmatch(name):
                told = f"{name!r} is no name; use up to 50 small letters, digits and _, first a letter"
                yield (*section.split("/"), name), told


def _unknown(place: tuple[str | int, ...], what: str, name: str, known: Iterable[str]) -> Found:
    if name not in (options := {*known}):
        yield place, no_such(what, name, options)


def _facts(pack: Pack) -> Found:
    known = fact_names(pack)
    for place, test in tests(pack, ()):
        there = known - {"grade"} if place[0] in ("schemes", "measures", "safety") else known
        there = known | {"outcome"} if place[0] == "survey" else there
        for name in test.names():
            yield from _unknown((*place, name), "fact", name, there)
    yield from _private(pack)
    for name, cues in pack.cues.items():
        if any(cue.count("…") > 2 for cue in cues):
            yield ("cues", name), "a cue may have at most two …"
    for name in sorted(
        {*pack.measures} & ({*pack.counters} | {*pack.facts}) | {*pack.counters} & {*pack.facts}
    ):
        yield ("facts", name), f"{name} is defined twice: as fact, measure or counter; take another name"
    for name in sorted(set(pack.facts) & set(UNIVERSAL)):
        yield ("facts", name), f"every complaint may have the fact {name} already; give yours another name"
    yield from _measures(pack, known)
    series = {*known, "customer"}
    for name, counter in pack.counters.items():
        for fact in counter.same:
            yield from _unknown(("counters", name, "same"), "fact", fact, series)
    for name, scheme in pack.schemes.items():
        for fact in scheme.run.same if scheme.run else ():
            yield from _unknown(("schemes", name, "run", "same"), "fact", fact, series)
    for number, rule in enumerate(pack.required):
        for field in rule.fields:
            yield from _unknown(("required", number, "fields"), "field", field, {*known, *RECORD})


def _marks(pack: Pack) -> Found:
    """A mark's instant is a fact that leaves the record; a clock for each department has marks of theirs."""
    for mark, rule in pack.marks.items():
        if rule.at is None:
            continue
        fact = pack.facts.get(rule.at)
        if fact is None or fact.type != "instant":
            yield ("marks", mark), f"{rule.at} is no fact of this pack of type instant"
        elif fact.stays:
            yield ("marks", mark), f"{rule.at} never leaves the record; say `private: false`"
    for name, clock in pack.clocks.items():
        if clock.each_department and (clock.start, clock.stop) != ("dispatched", "accepted"):
            yield ("clocks", name), "each department has marks of its own only from dispatched to accepted"


def _private(pack: Pack) -> Found:
    """Nothing that triage or sla decide may ask for what never leaves the record."""
    hidden = {name for name, rule in pack.facts.items() if rule.stays}
    told = "it never leaves the record; say `private: false` if it holds nothing that a customer wrote"
    yield from _sealed(pack, hidden)
    dispatch = {number for number, rule in enumerate(pack.steps) if rule.step == "dispatch"}
    for place, test in tests(pack, ()):
        decided = place[0] in ("schemes", "measures", "safety", "routing", "marks", "clocks")
        if decided or (place[0] == "steps" and place[1] in dispatch):
            yield from (((*place, name), f"{name}: {told}") for name in test.names() if name in hidden)
    series = [(("counters", name, "same"), each.same) for name, each in pack.counters.items()]
    series += [(("schemes", name, "run"), each.run.same) for name, each in pack.schemes.items() if each.run]
    for where, same in series:
        yield from ((where, f"{name}: {told}") for name in same if name in hidden)


def _sealed(pack: Pack, hidden: set[str]) -> Found:
    """What stays sealed in the record is known or not; its value no rule can see."""
    for place, test in tests(pack, ()):
        for name, asked in test.comparisons():
            if name in hidden and asked.known is None and place[0] in ("steps", "required", "approvals"):
                yield (*place, name), f"{name} stays sealed; a rule can only ask whether it is known"


def _measures(pack: Pack, known: set[str]) -> Found:
    """A measure asks for facts and for measures before it."""
    later = list(pack.measures)
    for name, measure in pack.measures.items():
        for fact in measure.names():
            yield from _unknown(("measures", name), "fact", fact, known - {"grade"})
            if fact in later:
                yield ("measures", name), f"the measure {fact} comes later, or is this one; move it up"
        later.remove(name)


def _grades(pack: Pack) -> Found:
    for name, scheme in pack.schemes.items():
        yield from _scheme(("schemes", name), scheme)
    for number, quota in enumerate(pack.quotas):
        if quota.total is None and not quota.each and quota.otherwise is None:
            yield ("quotas", number), "give a quota: total, or by with each or otherwise"
        if (quota.by is None) != (not quota.each and quota.otherwise is None):
            yield ("quotas", number), "by goes with each or otherwise, and they with by"
        yield from _unknown(("quotas", number, "scheme"), "scheme", quota.scheme, pack.schemes)
        if quota.scheme in pack.schemes:
            grades = pack.schemes[quota.scheme].grades
            yield from _unknown(("quotas", number, "grade"), "grade", quota.grade, grades)
        if quota.by is not None:
            yield from _unknown(("quotas", number, "by"), "fact", quota.by, fact_names(pack))
    for name, clock in pack.clocks.items():
        for end in (clock.start, clock.stop):
            if end not in (*LEFT_BY_EVENTS, *pack.marks):
                told = f"no event leaves the mark {end}; say in `marks` which facts do"
                yield ("clocks", name), told
        if clock.hours_of is not None:
            known = {"lead", *pack.departments}
            yield from _unknown(("clocks", name, "hours_of"), "department", clock.hours_of, known)
        for fact in clock.when.names():
            if fact in pack.counters or fact.startswith("cue."):
                yield ("clocks", name, "when"), f"a clock cannot ask for {fact}: only gradings know it"
        for grade in clock.due:
            yield from _unknown(("clocks", name, "due"), "grade", grade, {"default", *pack.scheme.grades})
        if clock.due and "default" not in clock.due and set(pack.scheme.grades) - set(clock.due):
            yield ("clocks", name, "due"), "give every grade a time, or a default for the others"


def _scheme(place: tuple[str | int, ...], scheme: Scheme) -> Found:
    for number, row in enumerate(scheme.rows):
        if row.grade is not None:
            yield from _unknown((*place, "rows", number, "grade"), "grade", row.grade, scheme.grades)
    yield from _unknown((*place, "otherwise"), "grade", scheme.otherwise, scheme.grades)
    rules = [row.rule for row in scheme.rows]
    for number, rule in enumerate(rules):
        if rule in rules[:number]:
            yield (
                (*place, "rows", number, "rule"),
                f"two rows are called {rule!r}; give each a name of its own",
            )
    order = list(scheme.grades)
    for grade, graver in scheme.run.becomes.items() if scheme.run else ():
        for each in (grade, graver):
            yield from _unknown((*place, "run", "becomes", grade), "grade", each, scheme.grades)
        if {grade, graver} <= {*order} and order.index(graver) >= order.index(grade):
            yield (*place, "run", "becomes", grade), f"{graver} is not graver than {grade}"


def _decisions(pack: Pack) -> Found:
    for name, scheme in pack.schemes.items():
        for number, row in enumerate(scheme.rows):
            place = ("schemes", name, "rows", number)
            if row.decision is None:
                continue
            yield from _unknown(place, "decision", row.decision, pack.decisions)
            if row.decision in pack.decisions:
                decision, about = pack.decisions[row.decision], ("decisions", row.decision)
                for option, grade in decision.options.items():
                    yield from _unknown((*about, "options", option), "grade", grade, scheme.grades)
                yield from _unknown((*about, "meanwhile"), "grade", decision.meanwhile, scheme.grades)
    for name, decision in pack.decisions.items():
        yield from _unknown(("decisions", name, "role"), "role", decision.role, pack.roles)
        if decision.target:
            yield from _unknown(
                ("decisions", name, "target"), "option", decision.target.option, decision.options
            )


def _people(pack: Pack) -> Found:
    routes = [(("classes", name), kind) for name, kind in pack.classes.items()]
    routed = [(place, (kind.lead, *kind.departments)) for place, kind in routes]
    routed += [(("routing", str(n)), (each.lead, *each.departments)) for n, each in enumerate(pack.routing)]
    for place, departments in routed:
        for department in departments:
            yield from _unknown(place, "department", department, pack.departments)
    asked = [(("approvals", n), each.roles) for n, each in enumerate(pack.approvals)]
    asked += [(("visibility", n), each.roles) for n, each in enumerate(pack.visibility)]
    asked += [(("safety", n), each.notify) for n, each in enumerate(pack.safety)]
    for where, roles in asked:
        for role in roles:
            yield from _unknown(where, "role", role, pack.roles)
    for name, clock in pack.clocks.items():
        for rung in clock.ladder:
            yield from _unknown(("clocks", name, "ladder"), "role", rung.role, pack.roles)


def _others(pack: Pack) -> Found:
    yield from _unknown(("fallback_class",), "class", pack.fallback_class, pack.classes)
    for number, gate in enumerate(pack.safety):
        for cue in gate.cues:
            yield from _unknown(("safety", number, "cues"), "cue", cue, pack.cues)
    if absent := set(get_args(Channel)) & set(pack.channels) - set(pack.feedback):
        yield ("feedback",), f"say how customers are answered who came by {', '.join(sorted(absent))}"
    for name, target in pack.targets.items():
        if target.share and any(each is not None and each > 1 for each in (target.at_least, target.at_most)):
            yield ("targets", name), "a share lies between 0 and 1; write 0.9 for 90 %"


def _vectors(pack: Pack) -> Found:
    for number, vector in enumerate(pack.vectors):
        place = ("vectors", number)
        for facts in (vector.facts, *vector.sequence):
            yield from (((*place, "facts"), wrong) for wrong in strange_facts(pack, facts))
        if vector.quota and vector.quota.grade not in {quota.grade for quota in pack.quotas}:
            yield (*place, "quota"), f"there is no quota of {vector.quota.grade}"
        if vector.figure:
            yield from _unknown((*place, "figure"), "target", vector.figure.target, pack.targets)
        for clock in vector.expect.due:
            yield from _unknown((*place, "expect", "due"), "clock", clock, pack.clocks)
        for fact in vector.expect.facts:
            yield from _unknown((*place, "expect", "facts"), "fact", fact, fact_names(pack))
        for scheme in vector.expect.grades:
            yield from _unknown((*place, "expect", "grades"), "scheme", scheme, pack.schemes)
        for question, option in vector.decided.items():
            yield from _unknown((*place, "decided"), "question", question, pack.decisions)
            if question in pack.decisions:
                options = pack.decisions[question].options
                yield from _unknown((*place, "decided", question), "option", option, options)
    names = [vector.name for vector in pack.vectors]
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield ("vectors", names.index(name)), f"two vectors are called {name!r}; give each a name of its own"
