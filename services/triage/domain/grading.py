"""Grading: what is known for judging a complaint, and every judgement so far.

A complaint is judged as soon as its particulars and the reading of its text are there, and what its series
say; and again whenever the outcome changes. The outcome follows from what is known alone, so the order of
the news never matters.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.triage.domain import adjudication, counting, outcome
from services.triage.domain.case import Case, Decided, Known
from services.triage.domain.classification import read
from services.triage.domain.erasing import forgotten, silent, without_words
from services.triage.domain.progress import mark, unasked
from services.triage.domain.record import Grading, Record
from services.triage.domain.series import Tally
from shared.envelope import Cause
from shared.events import (
    ComplaintEscalated,
    ComplaintGraded,
    ComplaintInvestigated,
    ComplaintLinked,
    ComplaintMigrated,
    ComplaintRegistered,
    ComplaintReopened,
    ComplaintScreened,
    ContactErased,
    Fact,
    FactsRevised,
    Reason,
    SolutionAudited,
    StatementRecorded,
    SurveyAnswered,
)
from shared.policy import Pack, load
from shared.problems import Conflict, Fault, Invalid


class Plan(BaseModel):
    """Which complaints go over from one version to another; with `back` only those that came from there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_version: int = Field(ge=1, le=1_000_000)
    to_version: int = Field(ge=1, le=1_000_000)
    back: bool = False

    def takes(self, state: Grading) -> bool:
        """Whether a complaint is one of them."""
        if state.registered is None or state.pinned[1] != self.from_version:
            return False
        came = state.migrated.from_version if state.migrated else None
        return not self.back or came == self.to_version


Judged = tuple[Grading, list[Fact]]
Heard = Cause[
    ComplaintRegistered
    | StatementRecorded
    | FactsRevised
    | ComplaintScreened
    | ComplaintInvestigated
    | SolutionAudited
    | ComplaintReopened
    | SurveyAnswered
    | ContactErased
]


def hear(state: Grading | None, cause: Heard) -> Judged:
    """Take in what happened to the complaint, then judge."""
    known = state or Grading()
    return judge(note(known, cause), cause.time, _reason(cause.data))


def note(known: Grading, cause: Heard) -> Grading:
    """The state with what this event tells."""
    match cause.data:
        case ComplaintRegistered() as registered:
            news = {"registered": registered, "number": cause.subject, "traceparent": cause.traceparent}
            known = mark(known, 1, "received", registered.received_at)
            return mark(known, 1, "registered", cause.time).model_copy(update={"id": cause.complaint} | news)
        case StatementRecorded(pack=pack, pack_version=version, text=text, fingerprints=prints):
            reading = read(text, load(pack, version))
            return known.model_copy(update={"reading": reading, "fingerprints": prints})
        case FactsRevised(revision=revision) as revised:
            old = known.revised
            newer = revised if old is None or revision > old.revision else old
            return known.model_copy(update={"revised": newer})
        case ComplaintScreened(cycle=cycle, decision=decision):
            known, first = mark(known, cycle, "screened", cause.time), known.in_scope
            ours = min(cycle, first or cycle) if decision == "in_scope" else first
            return known.model_copy(update={"in_scope": ours})
        case ComplaintInvestigated(cycle=cycle, cause=found):
            known = mark(known, cycle, "investigated", cause.time)
            return known.model_copy(update={"causes": known.causes | {cycle: found}})
        case SolutionAudited(cycle=cycle, passed=passed):
            known = mark(known, cycle, "audited", cause.time) if passed else known
            earliest = {cycle: min(cause.time, known.rectified.get(cycle, cause.time))} if passed else {}
            return known.model_copy(update={"rectified": known.rectified | earliest})
        case ComplaintReopened(cycle=cycle):
            known = mark(known, cycle, "received", cause.time)
            return known.model_copy(update={"cycle": max(known.cycle, cycle)})
        case SurveyAnswered(cycle=cycle, score=score):
            return outdated(known, cycle).model_copy(update={"scores": known.scores | {cycle: score}})
        case ContactErased():
            return without_words(known)


def outdated(state: Grading, cycle: int) -> Grading:
    """Note that something was said of a cycle, which is to be judged anew even if it is past."""
    return state.model_copy(update={"outdated": sorted({*state.outdated, cycle})})


def _reason(event: Fact) -> Reason:
    match event:
        case ComplaintReopened():
            return "reopened"
        case FactsRevised():
            return "facts"
        case ComplaintInvestigated():
            return "cause"
        case SolutionAudited():
            return "repeats"
        case SurveyAnswered():
            return "score"
    return "registered"


def count(state: Grading | None, cause: Cause[Sequence[Tally]]) -> Judged:
    """Take in what series told, the newest of each, then judge."""
    assert state is not None
    tallies, joined = dict(state.tallies), dict(state.joined)
    for tally in cause.data:
        key = str(tally.series)
        if key in tallies and tallies[key].version >= tally.version:
            continue
        if tally.mine is None:
            joined.pop(key, None)
            tallies.pop(key, None)
        else:
            tallies[key], joined[key] = tally, tally.mine
    news = {"tallies": tallies, "joined": joined}
    return judge(state.model_copy(update=news), cause.time, "repeats")


def decide(state: Grading | None, cause: Cause[Decided]) -> Judged:
    """Take in a person's decision, then judge. Raises Invalid or Conflict, with what is possible."""
    assert state is not None
    if state.registered is None or state.reading is None:
        raise Conflict("This complaint cannot be judged yet: its statement is still on its way")
    word = silent(cause.data) if state.erased else cause.data
    if word.cycle > state.cycle:
        fault = Fault(detail=f"give one of 1 to {state.cycle}", pointer="#/cycle")
        raise Invalid("The complaint has no such cycle", [fault])
    outcome.check(Case.of(state, word.cycle, pack_of(state)), word)
    last = state.word(word.about, word.name, word.cycle)
    if last is not None and last.model_copy(update={"at": word.at}) == word:
        return state, []
    said = outdated(state, word.cycle).model_copy(update={"decided": [*state.decided, word]})
    return judge(said, cause.time, "decision")


def migrate(state: Grading | None, cause: Cause[int]) -> Judged:
    """Go over to another version of the pack, and judge by it. Raises Invalid if it cannot be used."""
    assert state is not None
    if state.registered is None:
        raise Conflict("This complaint is not registered here yet")
    pinned = state.pinned
    if pinned[1] == cause.data:
        return state, []
    load(pinned[0], cause.data)
    number = state.migrated.migration + 1 if state.migrated else 1
    event = ComplaintMigrated(
        migration=number, pack=pinned[0], pack_version=cause.data, from_version=pinned[1]
    )
    after, facts = judge(state.model_copy(update={"migrated": event}), cause.time, "migrated")
    return after, [event, *facts]


def pack_of(state: Known) -> Pack:
    return load(*state.pinned)


# judging


def judge(state: Grading, at: datetime, reason: Reason) -> Judged:
    """Judge every cycle not judged yet, and the present one again; say what has changed."""
    if state.registered is None or state.reading is None:
        return state, []
    pack = pack_of(state)
    present = Case.of(state, state.cycle, pack)
    owed: list[Fact] = []
    if not present.waits:
        for cycle in (n for n in range(1, state.cycle) if n in open_again(state) or n not in state.routes):
            state, facts = catch_up(state, Case.of(state, cycle, pack), at, reason)
            owed += facts
        state, facts = judge_case(state, present, at, reason)
        state = state.model_copy(update={"outdated": []})
        state, more = consequences(state, present)
        owed += [*facts, *more]
    state = unsettle(state, present)
    return forgotten(state, present), owed


def open_again(state: Grading) -> set[int]:
    """The cycles to judge again even if they are past: of which something was said, or is still asked."""
    return {*state.outdated, *(each.cycle for each in state.asked)}


def catch_up(state: Grading, case: Case, at: datetime, reason: Reason) -> Judged:
    """An earlier cycle: judged if it is not yet, or as it ought to be by what was said of it since.

    It is sent if late news says that it was screened then.
    """
    before = state.latest(case.cycle)
    if before is None or case.cycle in open_again(state):
        return judge_case(state, case, at, reason)
    return route(state, case, before) if case.screens else (state, [])


def judge_case(state: Grading, case: Case, at: datetime, reason: Reason) -> Judged:
    """One cycle; nothing if the outcome is as it was."""
    before = state.latest(case.cycle)
    first: Reason = "registered" if case.cycle == 1 else "reopened"
    made = {"revision": before.revision, "reason": before.reason} if before else {"reason": first}
    graded = outcome.graded(case).model_copy(update=made)
    if graded == before:
        return (state, []) if case.cycle in state.routes else route(state, case, graded)
    if before is not None:
        graded = graded.model_copy(update={"revision": before.revision + 1, "reason": reason})
    told = [each.decided for each in state.records]
    mine = [each for each in state.decided if each.cycle == case.cycle and each not in told]
    decided = mine[-1] if mine else None
    if before is not None and decided is not None:
        graded = graded.model_copy(update={"reason": "decision"})
    record = Record(at=at, graded=graded, decided=decided)
    asked = adjudication.asked(state.asked, graded, case.pack, at)
    news = {"records": [*state.records, record], "asked": asked}
    state, routed = route(unasked(state.model_copy(update=news)), case, graded)
    return state, [graded, *routed]


def route(state: Grading, case: Case, graded: ComplaintGraded) -> Judged:
    """Send it to the departments that must answer, unless they are those that have it.

    What a rule of the pack holds back waits until the facts allow it, where it is; what is to be screened,
    until somebody found it to be ours. Departments that have had it once need not be told that it is.
    Where it goes does not follow from what the customer said once they had been answered, and a cycle that is
    past stays where it was.
    """
    if case.cycle < state.cycle and case.cycle in state.routes:
        return state, []
    asked, case = case, case.unscored
    grade = graded.grade if case is asked else outcome.graded(case).grade
    wanted, before = outcome.dispatched(case, graded.class_), state.routes.get(case.cycle)
    if before is not None:
        wanted = wanted.model_copy(update={"revision": before.revision})
        if wanted == before:
            return state, []
        wanted = wanted.model_copy(update={"revision": before.revision + 1})
    had = any(cycle <= case.cycle for cycle in state.routes)
    if not (case.ours or had) or case.pack.held_back("dispatch", case.facts | {"grade": grade}):
        return state, []
    return state.model_copy(update={"routes": state.routes | {case.cycle: wanted}}), [wanted]


def consequences(state: Grading, case: Case) -> Judged:
    """Escalations, links and exceeded quotas that follow and have not been told."""
    graded = state.latest(case.cycle)
    assert graded is not None
    known = {gate.partition(" ")[2] for gate in state.escalated if gate.startswith(f"{case.cycle} ")}
    news = [gate for gate in case.pack.safety if gate.gate in set(graded.gates) - known]
    links = [each for each in case.links() if each not in state.linked]
    told = {counting.about(each) for each in state.exceeded}
    exceeded = [each for each in counting.exceeded(case, graded) if counting.about(each) not in told]
    owed: list[Fact] = [
        ComplaintEscalated(cycle=case.cycle, gate=gate.gate, roles=gate.notify) for gate in news
    ]
    if links:
        owed.append(ComplaintLinked(complaints=(*state.linked, *links)))
    update = {
        "escalated": [*state.escalated, *(f"{case.cycle} {gate.gate}" for gate in news)],
        "linked": [*state.linked, *links],
        "exceeded": [*state.exceeded, *exceeded],
    }
    return state.model_copy(update=update), [*owed, *exceeded]


def unsettle(state: Grading, case: Case) -> Grading:
    """Note the entries that series do not know yet, and the series that this complaint must leave."""
    wanted = {str(each.series): each for each in counting.memberships(case, state.latest(state.cycle))}
    entering = [each for key, each in wanted.items() if state.joined.get(key) != each.entry]
    leaving = [] if case.waits else [UUID(key) for key in state.joined if key not in wanted]
    return state.model_copy(update={"entering": entering, "leaving": leaving})
