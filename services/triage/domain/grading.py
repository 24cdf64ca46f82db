"""Grading: what is known for judging a complaint, and every judgement so far.

A complaint is judged as soon as its particulars and the reading of its text are there, and what its series
say; and again whenever the outcome changes. The outcome follows from what is known alone, so the order of
the news never matters.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.domain import counting, outcome
from services.triage.domain.case import Case, Decided, Known
from services.triage.domain.classification import read
from services.triage.domain.series import Membership, Tally
from shared.envelope import Cause
from shared.events import (
    ComplaintAccepted,
    ComplaintClosed,
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintInvestigated,
    ComplaintLinked,
    ComplaintMigrated,
    ComplaintRegistered,
    ComplaintReopened,
    Fact,
    FactsRevised,
    QuotaExceeded,
    Reason,
    SolutionAudited,
    SolutionProposed,
    StatementRecorded,
)
from shared.policy import Entry, Pack, load
from shared.problems import Conflict


class Record(BaseModel):
    """One judgement, when it was made, and the person's decision that made it, if one did."""

    at: AwareDatetime
    graded: ComplaintGraded
    decided: Decided | None = None


class Grading(Known):
    """What is known, the judgements in their order, and how far its series know of it.

    `joined` are the entries that series have; `entering` and `leaving` what they must still be told.
    """

    traceparent: str | None = None
    joined: dict[str, Entry] = {}
    entering: list[Membership] = []
    leaving: list[UUID] = []
    marks: dict[str, AwareDatetime] = {}
    records: list[Record] = []
    routes: dict[int, ComplaintDispatched] = {}
    escalated: list[str] = []
    linked: list[UUID] = []
    exceeded: list[QuotaExceeded] = []

    @property
    def pack_name(self) -> str | None:
        return self.registered.pack if self.registered else None

    @property
    def unsettled(self) -> bool:
        """Whether a series must still be told something."""
        return bool(self.entering or self.leaving)

    def latest(self, cycle: int) -> ComplaintGraded | None:
        """The judgement that counts for a cycle."""
        found = [each.graded for each in self.records if each.graded.cycle == cycle]
        return found[-1] if found else None


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
    | ComplaintInvestigated
    | SolutionAudited
    | ComplaintReopened
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
    outcome.check(Case.of(state, state.cycle, pack_of(state)), cause.data)
    last = state.word(cause.data.about, cause.data.name, state.cycle)
    if last is not None and last.model_copy(update={"at": cause.data.at}) == cause.data:
        return state, []
    decided = [*state.decided, cause.data]
    return judge(state.model_copy(update={"decided": decided}), cause.time, "decision")


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
        for cycle in range(1, state.cycle):
            if state.latest(cycle) is None:
                state, facts = judge_case(state, Case.of(state, cycle, pack), at, reason)
                owed += facts
        state, facts = judge_case(state, present, at, reason)
        state, more = consequences(state, present)
        owed += [*facts, *more]
    return unsettle(state, present), owed


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
    decided = next((each for each in reversed(state.decided) if each not in told), None)
    if before is not None and decided is not None:
        graded = graded.model_copy(update={"reason": "decision"})
    records = [*state.records, Record(at=at, graded=graded, decided=decided)]
    state, routed = route(state.model_copy(update={"records": records}), case, graded)
    return state, [graded, *routed]


def route(state: Grading, case: Case, graded: ComplaintGraded) -> Judged:
    """Send it to the departments that must answer, unless they are those that have it.

    What a rule of the pack holds back waits until the facts allow it, where it is.
    """
    wanted, before = outcome.dispatched(case, graded.class_), state.routes.get(case.cycle)
    if before is not None:
        wanted = wanted.model_copy(update={"revision": before.revision})
        if wanted == before:
            return state, []
        wanted = wanted.model_copy(update={"revision": before.revision + 1})
    if case.pack.held_back("dispatch", case.facts | {"grade": graded.grade}):
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


# how far it has come, for rehearsals


Reached = Cause[ComplaintAccepted | SolutionProposed | ComplaintFedBack | ComplaintClosed]


def reach(state: Grading | None, cause: Reached) -> Judged:
    """Note how far the handling has come: which clocks no longer run."""
    match cause.data:
        case ComplaintAccepted(cycle=cycle):
            name = "accepted"
        case SolutionProposed(cycle=cycle):
            name = "proposed"
        case ComplaintFedBack(cycle=cycle):
            name = "fed_back"
        case ComplaintClosed(cycle=cycle):
            name = "closed"
    return mark(state or Grading(), cycle, name, cause.time), []


def mark(state: Grading, cycle: int, name: str, at: datetime) -> Grading:
    """Note when something happened first."""
    key = f"{cycle}:{name}"
    return state.model_copy(update={"marks": state.marks | {key: min(at, state.marks.get(key, at))}})
