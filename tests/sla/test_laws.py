"""Laws of the clocks: the order of what is told of a complaint does not matter, and nothing is said twice."""

from datetime import timedelta
from typing import Any
from uuid import uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from services.sla.domain.deadlines import fire, hear
from services.sla.domain.record import Deadlines
from shared import clock
from shared.documents import Draft
from shared.envelope import Cause
from shared.events import (
    ComplaintAccepted,
    ComplaintAnswered,
    ComplaintClosed,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintMigrated,
    ComplaintPaused,
    ComplaintReopened,
    ComplaintResumed,
    Fact,
    FactsRevised,
    NoticeSent,
    SolutionImplemented,
    SolutionProposed,
)
from tests.kit.clocks import dispatched, graded
from tests.kit.complaint import COMPLAINT, NUMBER, START, decide, registered

GRADES = ("critical", "serious", "ordinary", "minor")
ONSITE = {"onsite_required": True}
POOL: list[Fact] = [
    *(graded(grade, revision) for revision, grade in enumerate(GRADES, 1)),
    graded("serious", cycle=2),
    dispatched("quality", "production"),
    dispatched("support", revision=2),
    FactsRevised(revision=1, details=ONSITE),
    FactsRevised(revision=2, customer_deadline=START + timedelta(hours=50), details=ONSITE),
    FactsRevised(revision=3, details={"onsite_required": False}),
    ComplaintMigrated(migration=1, pack="cn-field-24-48-5", pack_version=1, from_version=1),
    ComplaintPaused(cycle=1, number=1, waits_for="customer"),
    ComplaintResumed(cycle=1, number=1),
    ComplaintPaused(cycle=1, number=2, waits_for="third_party"),
    ComplaintAccepted(cycle=1, department="quality"),
    SolutionProposed(cycle=1, measure="repair", department="quality"),
    SolutionImplemented(cycle=1),
    ComplaintAnswered(cycle=1),
    ComplaintFedBack(cycle=1),
    ComplaintFedBack(cycle=1, outcome="disagreed"),
    ComplaintReopened(cycle=2, score=1),
    ComplaintClosed(cycle=2, score=9),
    NoticeSent(notice="n", kind="acknowledgement", channel="email", cycle=1),
]
hours = st.integers(0, 24 * 30)


@st.composite
def ways(draw: st.DrawFn) -> list[Cause[Fact]]:
    """A registration and other news, each with its time."""
    chosen = draw(st.lists(st.sampled_from(range(len(POOL))), unique=True, max_size=14))
    pack = draw(st.sampled_from(["base", "cn-field-24-48-5"]))
    facts: list[Fact] = [registered(pack=pack), *(POOL[number] for number in chosen)]
    later = draw(st.lists(st.integers(1, 24 * 30), unique=True, min_size=len(chosen), max_size=len(chosen)))
    times = [START, *(START + timedelta(hours=each) for each in later)]
    graded_at = [at for fact, at in zip(facts, times, strict=True) if isinstance(fact, ComplaintGraded)]
    for number, fact in enumerate(facts):  # triage takes over only what it has graded
        if isinstance(fact, ComplaintMigrated) and graded_at:
            times[number] = max(times[number], max(graded_at) + timedelta(minutes=30))
    return [
        Cause(uuid5(COMPLAINT, f"{number}"), COMPLAINT, NUMBER, at, fact.owner, fact, type=fact.type)
        for number, (fact, at) in enumerate(zip(facts, times, strict=True))
    ]


def after(order: list[Cause[Fact]]) -> Draft[Any]:
    draft: Draft[Any] = Draft(COMPLAINT)
    for news in order:
        decide(draft, hear, news, "sla")
    return draft


def clocks(draft: Draft[Any]) -> list[dict[str, Any]]:
    """The clocks, without what was said on the way."""
    assert isinstance(draft.state, Deadlines)
    found = [each.model_dump(mode="json", exclude={"status"}) for each in draft.state.clocks]
    for each in found:
        each["steps"] = [
            {key: step[key] for key in ("at", "kind", "number", "role")} for step in each["steps"]
        ]
    return found


def different(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[str]:
    """What tells two lists of clocks apart, in few words."""
    found = [{(each["cycle"], each["name"]): each for each in clocks} for clocks in (one, other)]
    told = [f"{key} only on one side" for key in found[0].keys() ^ found[1].keys()]
    for key in found[0].keys() & found[1].keys():
        first, second = (each[key] for each in found)
        told += [
            f"{key} {name}: {first[name]} {second[name]}" for name in first if first[name] != second[name]
        ]
    return told


@settings(max_examples=400, deadline=None)
@given(ways(), st.data())
def test_the_order_of_news_does_not_matter(way: list[Cause[Fact]], data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(way), max_size=5))
    shuffled = data.draw(st.permutations([*way, *repeats]))
    assert different(clocks(after(shuffled)), clocks(after(way))) == []


@settings(max_examples=200, deadline=None)
@given(ways(), st.lists(hours, min_size=1, max_size=6))
def test_nothing_is_said_twice_for_one_due_time_and_nothing_early(
    way: list[Cause[Fact]], moments: list[int]
) -> None:
    draft: Draft[Any] = Draft(COMPLAINT)
    told: list[tuple[str, Any]] = []

    def kept(change: Any) -> Any:
        def changed(state: Any, cause: Any) -> Any:
            found, facts = change(state, cause)
            told.extend((fact.type, fact) for fact in facts)
            for fact in facts:
                if fact.type == "deadline.breached.v1" and change is fire:
                    assert fact.due < cause.time
            return found, facts

        return changed

    later = sorted([*way], key=lambda news: news.time)
    for number, news in enumerate(later):
        decide(draft, kept(hear), news, "sla")
        for moment in [each for each in moments if each % len(later) == number]:
            at = max(news.time, START + timedelta(hours=moment))
            again = [Cause(uuid5(COMPLAINT, f"tick {number} {moment} {n}"), COMPLAINT, NUMBER, at, "sla",
                           clock.wake_at(at)) for n in range(2)]  # fmt: skip
            for tick in again:
                decide(draft, kept(fire), tick, "sla")
    breaches = [
        (fact.cycle, fact.clock, fact.department, fact.due)
        for type, fact in told
        if type == "deadline.breached.v1"
    ]
    assert len(breaches) == len(set(breaches))
