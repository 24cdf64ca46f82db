"""The outcome: grades, class and departments of a case, with every reason; pure, so it can be rehearsed."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from services.triage.domain.case import Case, Decided
from services.triage.domain.classification import suggest_department
from shared.events import CONTROL, LONGEST_KEY, ComplaintDispatched, ComplaintGraded, Match
from shared.policy import Scheme, Verdict, plain
from shared.problems import Conflict, Fault, Invalid

DECISION = "decision"
"""What a match names as its fact when a person decided."""
LONGEST = 100


def graded(case: Case) -> ComplaintGraded:
    """The judgement: of all rows that match the gravest, after runs, gates and people's words."""
    told, pack = case.verdicts, case.pack
    matches = {name: list(matches_of(case, name, verdict)) for name, verdict in told.items()}
    grades = {name: grade_of(each) for name, each in matches.items()}
    overruled = {name for name in grades if word_on(case, name)}
    pending = {each for name, one in told.items() if name not in overruled for each in one.pending}
    return ComplaintGraded(
        cycle=case.cycle,
        class_=case.classified.name,
        suggested=case.classified.suggested,
        confidence=float(case.classified.confidence),
        undecided=case.classified.undecided,
        grade=grades[next(iter(pack.schemes))],
        grades=grades,
        matches=tuple(match for each in matches.values() for match in each),
        pack=pack.pack,
        pack_version=pack.version,
        provisional=any(each.provisional for each in told.values()),
        pending=tuple(sorted(pending)),
        marks=tuple(dict.fromkeys(mark for each in told.values() for mark in each.marks)),
        gates=tuple(gate.gate for gate in case.gates),
        repeats=len(case.links()) + 1,
    )


def grade_of(matches: list[Match]) -> str:
    """What the matches of one scheme come to: a person's last word, else the gravest."""
    final = [each for each in matches if each.final]
    return final[-1].grade if final else min(matches, key=lambda each: each.rank).grade


def matches_of(case: Case, name: str, verdict: Verdict) -> Iterator[Match]:
    """Every reason for the grade in one scheme."""
    scheme = case.pack.schemes[name]
    match = partial(_match, name, list(scheme.grades))
    if not verdict.matched:
        yield match(scheme.otherwise, "otherwise", "", "", "no row matches")
    yield from _rows(case, verdict, match)
    for gate in case.gates:
        for found in gate.findings(case.facts) or ():
            about = (f"safety gate {gate.gate}", found.fact, plain(found.value), str(found.comparison))
            yield match(next(iter(scheme.grades)), *about, clause=gate.clause)
    run = after_runs(case, name, scheme, verdict)
    if scheme.run is not None and run != verdict.grade:
        yield match(run, "run", "run", verdict.grade, f"more than {scheme.run.after} in a row")
    if (word := word_on(case, name)) is not None:
        yield match(word.choice, DECISION, DECISION, word.choice, f"decided by {word.role}", final=True)


def word_on(case: Case, name: str) -> Decided | None:
    """A person's grade in a scheme, unless a safety gate has been passed that it does not know of."""
    word, grades = case.known.word("grade", name, case.cycle), list(case.pack.schemes[name].grades)
    if word is None or word.choice not in grades:
        return None
    return word if word.choice == grades[0] or not case.gates else None


def _rows(case: Case, verdict: Verdict, match: Any) -> Iterator[Match]:
    answers = case.answers
    for each in verdict.matched:
        row, grade = each.row, each.row.grade
        if row.decision is not None:
            question, answer = case.pack.decisions[row.decision], answers.get(row.decision)
            if answer is None and row.decision not in verdict.pending:
                continue
            grade = question.options[answer] if answer else question.meanwhile
            told = f"answered by {question.role}" if answer else f"awaits {question.role}"
            yield match(grade, row.rule, f"{DECISION}.{row.decision}", answer or "", told, clause=row.clause)
        for found in each.findings:
            about = (row.rule, found.fact, plain(found.value), str(found.comparison))
            yield match(grade, *about, clause=row.clause)
        if not each.findings:
            yield match(grade, row.rule, "", "", "nothing speaks against it", clause=row.clause)


def _match(
    scheme: str,
    order: list[str],
    grade: str,
    rule: str,
    fact: str,
    value: str,
    comparison: str,
    clause: str = "",
    final: bool = False,
) -> Match:
    """A reason; a text that a customer wrote may be long and hold anything."""
    about = {"rule": rule, "value": "" if value == "None" else value, "comparison": comparison}
    words = {name: CONTROL.sub(" ", text)[:LONGEST] for name, text in (about | {"clause": clause}).items()}
    fact = CONTROL.sub(" ", fact)[:LONGEST_KEY]
    return Match(**words, fact=fact, scheme=scheme, grade=grade, rank=order.index(grade), final=final)


def after_runs(case: Case, name: str, scheme: Scheme, verdict: Verdict) -> str:
    """The grade when the run that the complaint stands in is counted."""
    series = case.run_in(name, scheme)
    if scheme.run is None or series is None:
        return verdict.grade
    tally, mine = case.known.tallies.get(str(series)), case.known.entry()
    before = sorted(
        (e for e in (tally.others if tally else ()) if e.order < mine.order), key=lambda e: e.order
    )
    bases = [each.grade for each in before if each.grade in scheme.grades]
    return scheme.run.effective([*filter(None, bases), verdict.grade], list(scheme.grades))[-1]


def dispatched(case: Case, class_: str) -> ComplaintDispatched:
    """The departments that must answer; a text that speaks for one department clearly goes to it."""
    lead, departments = case.pack.route(class_, case.facts)
    assert case.known.reading is not None
    suggested = suggest_department(case.known.reading, case.pack).name
    if suggested in case.pack.departments and not case.pack.routed(case.facts):
        lead, departments = suggested, tuple(dict.fromkeys((suggested, *departments)))
    return ComplaintDispatched(cycle=case.cycle, lead=lead, departments=departments)


def check(case: Case, decided: Decided) -> None:
    """Whether a person may decide so. Raises Invalid or Conflict, naming what is possible."""
    pack = case.pack
    if decided.role not in pack.roles:
        raise _unknown("role", list(pack.roles), "role")
    match decided.about:
        case "class":
            _check_known("class", decided.choice, list(pack.classes))
        case "grade":
            _check_known("scheme", decided.name, list(pack.schemes), "name")
            grades = list(pack.schemes[decided.name].grades)
            _check_known("grade", decided.choice, grades)
            if (passed := case.gates) and decided.choice != grades[0]:
                told = f"The safety gate {passed[0].gate} holds the grade {grades[0]}"
                raise Conflict(f"{told}; have the facts verified and revised first")
        case "question":
            _check_known("question", decided.name, list(pack.decisions), "name")
            question = pack.decisions[decided.name]
            _check_known("option", decided.choice, list(question.options))
            _check_known("role for this question", decided.role, [question.role], "role")
            if decided.name not in (asked := questions(case)):
                told = f"what is asked: {', '.join(sorted(asked))}" if asked else "nothing is asked of it"
                raise Conflict(f"{decided.name} is not asked of this complaint in cycle {case.cycle}; {told}")


def questions(case: Case) -> set[str]:
    """The questions that rows ask of this case, answered or not."""
    matched = (each for verdict in case.verdicts.values() for each in verdict.matched)
    return {each.row.decision for each in matched if each.row.decision is not None}


def standing(graded: ComplaintGraded | None, decided: Decided) -> bool:
    """Whether an answer is one that the judgement of its cycle rests on."""
    name = f"{DECISION}.{decided.name}"
    return graded is not None and any(e.fact == name and e.value == decided.choice for e in graded.matches)


def _check_known(what: str, given: str, known: list[str], field: str = "choice") -> None:
    if given not in known:
        raise _unknown(what, known, field)


def _unknown(what: str, known: list[str], field: str) -> Invalid:
    fault = Fault(detail=f"use one of {', '.join(known)}", pointer=f"#/{field}")
    return Invalid(f"The policy pack does not know this {what}", [fault])
