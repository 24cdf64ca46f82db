"""Grading: how grave a complaint is, with every rule that matched; the gravest wins."""

from pydantic import BaseModel

from services.triage.domain.classification import Reading, classify, read
from shared.envelope import Cause
from shared.events import (
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintRegistered,
    ComplaintReopened,
    Fact,
    Match,
    StatementRecorded,
)
from shared.policy import FactValue, Pack, load


class Grading(BaseModel):
    """What is known for judging one complaint, and the decisions so far, by cycle."""

    registered: ComplaintRegistered | None = None
    reading: Reading | None = None
    cycle: int = 1
    decisions: dict[int, ComplaintGraded] = {}
    routes: dict[int, ComplaintDispatched] = {}


Judged = tuple[Grading, list[Fact]]


def register(state: Grading | None, cause: Cause[ComplaintRegistered]) -> Judged:
    return judge((state or Grading()).model_copy(update={"registered": cause.data}))


def note_statement(state: Grading | None, cause: Cause[StatementRecorded]) -> Judged:
    """The text is read once for what it says; it is not kept."""
    pack = load(cause.data.pack, cause.data.pack_version)
    return judge((state or Grading()).model_copy(update={"reading": read(cause.data.text, pack)}))


def reopen(state: Grading | None, cause: Cause[ComplaintReopened]) -> Judged:
    known = state or Grading()
    return judge(known.model_copy(update={"cycle": max(known.cycle, cause.data.cycle)}))


def judge(state: Grading) -> Judged:
    """Decide every cycle that is not decided yet, as soon as all that it takes is known."""
    if state.registered is None or state.reading is None:
        return state, []
    pack = load(state.registered.pack, state.registered.pack_version)
    owed: list[Fact] = []
    decisions, routes = dict(state.decisions), dict(state.routes)
    for cycle in range(1, state.cycle + 1):
        if cycle not in decisions:
            decisions[cycle] = grade(state.registered, state.reading, cycle, pack)
            routes[cycle] = dispatch(decisions[cycle], pack)
            owed += [decisions[cycle], routes[cycle]]
    return state.model_copy(update={"decisions": decisions, "routes": routes}), owed


def grade(complaint: ComplaintRegistered, reading: Reading, cycle: int, pack: Pack) -> ComplaintGraded:
    """The grade of a complaint under its pack: of all rows that match, the gravest."""
    class_, suggested = classify(complaint.class_, reading, pack)
    facts = facts_of(complaint, reading, cycle, class_, pack)
    matches, grades = [], {pack.fallback_grade}
    for row in pack.grading:
        found = [condition for condition in row.any if condition.holds(facts.get(condition.fact))]
        matches += [
            Match(rule=row.rule, fact=each.fact, value=str(facts[each.fact]), comparison=str(each))
            for each in found
        ]
        grades |= {row.grade} if found else set()
    gravest = min(grades, key=list(pack.grades).index)
    return ComplaintGraded(
        cycle=cycle, class_=class_, suggested=suggested, grade=gravest, matches=tuple(matches)
    )


def facts_of(
    complaint: ComplaintRegistered, reading: Reading, cycle: int, class_: str, pack: Pack
) -> dict[str, FactValue]:
    """Everything a condition may name; a fact that is not known is absent."""
    demand = complaint.demand
    known: dict[str, FactValue] = {
        "channel": complaint.channel,
        "class": class_,
        "cycle": cycle,
        "loss": pack.money.worth(complaint.loss),
        "demand": pack.money.worth(demand.amount) if demand else None,
        "demanding_class": class_ if demand else None,
        **{f"cue.{cue}": True for cue in reading.cues},
        **complaint.facts.model_dump(),
    }
    return {fact: value for fact, value in known.items() if value is not None}


def dispatch(decision: ComplaintGraded, pack: Pack) -> ComplaintDispatched:
    """The departments that must answer a complaint of this class."""
    kind = pack.classes[decision.class_]
    return ComplaintDispatched(cycle=decision.cycle, lead=kind.lead, departments=kind.departments)
