"""Deadlines: which clocks run for a complaint, when each is due, and how it ended.

A complaint leaves marks (received, dispatched, accepted ...), each with its time, in whatever order the news
arrives. Clocks follow from the marks alone, so the order never matters.
"""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from shared import clock
from shared.envelope import Cause
from shared.events import (
    ComplaintAccepted,
    ComplaintClosed,
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintMigrated,
    ComplaintRegistered,
    ComplaintReopened,
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMissed,
    DeadlineSet,
    DeadlineWarned,
    Fact,
    NoticeSent,
    SolutionProposed,
)
from shared.policy import ClockRule, Facts, Pack, load_calendar, pack_of, stated


class Clock(BaseModel):
    """One deadline. `warned` and `breached` are what has been said, `outcome` how it ended."""

    cycle: int
    name: str
    started: AwareDatetime
    due: AwareDatetime
    warn: AwareDatetime | None = None
    warned: bool = False
    breached: bool = False
    outcome: Literal["met", "missed", "cancelled"] | None = None

    @property
    def next(self) -> datetime | None:
        """When this clock must speak up next, if it has not been stopped before."""
        if self.outcome is not None or self.breached:
            return None
        return self.due if self.warn is None or self.warned else self.warn


class Deadlines(BaseModel):
    """The marks of one complaint, and its clocks."""

    number: str = ""
    traceparent: str | None = None
    registered: ComplaintRegistered | None = None
    migrated: ComplaintMigrated | None = None
    marks: dict[str, AwareDatetime] = {}
    graded: dict[int, ComplaintGraded] = {}
    cycle: int = 1
    closed: bool = False
    clocks: list[Clock] = []

    @property
    def next_due(self) -> datetime | None:
        """The machine's instant at which the earliest clock must speak up."""
        return min((clock.wake_at(each.next) for each in self.clocks if each.next), default=None)


Planned = tuple[Deadlines, list[Fact]]
Heard = Cause[
    ComplaintRegistered
    | ComplaintGraded
    | ComplaintMigrated
    | ComplaintDispatched
    | ComplaintAccepted
    | SolutionProposed
    | ComplaintFedBack
    | ComplaintClosed
    | ComplaintReopened
    | NoticeSent
]


def hear(state: Deadlines | None, cause: Heard) -> Planned:
    """Take in what happened to the complaint, then start and stop the clocks that follow from it."""
    return plan(note(state or Deadlines(), cause))


def note(state: Deadlines, cause: Heard) -> Deadlines:
    """The state with the marks that this event leaves."""
    at = cause.time
    match cause.data:
        case ComplaintRegistered() as complaint:
            known = {"number": cause.subject, "traceparent": cause.traceparent, "registered": complaint}
            return mark(state, 1, received=complaint.received_at, registered=at).model_copy(update=known)
        case ComplaintGraded(cycle=cycle) as graded:
            old = state.graded.get(cycle)
            if old is not None and old.revision >= graded.revision:
                return state
            short = graded.model_copy(update={"matches": ()})
            return state.model_copy(update={"graded": state.graded | {cycle: short}})
        case ComplaintMigrated() as migrated:
            return state.model_copy(update={"migrated": migrated.or_later(state.migrated)})
        case ComplaintDispatched(cycle=cycle):
            return mark(state, cycle, dispatched=at)
        case ComplaintAccepted(cycle=cycle):
            return mark(state, cycle, accepted=at)
        case SolutionProposed(cycle=cycle, number=1):
            return mark(state, cycle, proposed=at)
        case ComplaintFedBack(cycle=cycle):
            return mark(state, cycle, fed_back=at)
        case NoticeSent(cycle=cycle, kind="acknowledgement"):
            return mark(state, cycle, acknowledged=at)
        case ComplaintReopened(cycle=cycle):
            return mark(state, cycle, received=at).model_copy(update={"cycle": max(state.cycle, cycle)})
        case ComplaintClosed():
            return state.model_copy(update={"closed": True})
        case NoticeSent() | SolutionProposed():
            return state


def mark(state: Deadlines, cycle: int, **times: datetime) -> Deadlines:
    """Set marks of a cycle; should one be told twice, the earliest time wins."""
    marks = dict(state.marks)
    for name, at in times.items():
        key = f"{cycle}:{name}"
        marks[key] = min(at, marks.get(key, at))
    return state.model_copy(update={"marks": marks})


def plan(state: Deadlines) -> Planned:
    """Start every clock whose start mark is there; stop those whose stop mark is there."""
    if state.registered is None:
        return state, []
    pack = pack_of(state.registered, state.migrated)
    started = [new for cycle in sorted(state.graded) for new in start(state, cycle, pack)]
    owed: list[Fact] = [
        DeadlineSet(cycle=new.cycle, clock=new.name, due=new.due, started=new.started) for new in started
    ]
    clocks = []
    for running in [*state.clocks, *started]:
        stopped, facts = stop(state, running, pack.clocks.get(running.name))
        clocks.append(stopped)
        owed += facts
    return state.model_copy(update={"clocks": clocks}), owed


def start(state: Deadlines, cycle: int, pack: Pack) -> list[Clock]:
    """The clocks of a cycle that can start now and have not."""
    assert state.registered is not None
    running = {each.name for each in state.clocks if each.cycle == cycle}
    known = {"channel": state.registered.channel, "grade": state.graded[cycle].grade}
    facts = stated(state.registered, pack.facts, pack.money) | known
    starts = {name: state.marks.get(f"{cycle}:{rule.start}") for name, rule in pack.clocks.items()}
    wound = (
        wind(name, at, cycle, facts, pack)
        for name, at in starts.items()
        if at is not None and name not in running
    )
    return [clock for clock in wound if clock is not None]


def wind(name: str, at: datetime, cycle: int, facts: Facts, pack: Pack) -> Clock | None:
    """A clock that starts at `at`; None if it does not run here, or nobody has said yet when it is due."""
    rule = pack.clocks[name]
    due = rule.end(at, facts, load_calendar(pack.calendar))
    if due is None:
        return None
    return Clock(cycle=cycle, name=name, started=at, due=due, warn=min(rule.warnings(at, due), default=None))


def stop(state: Deadlines, running: Clock, rule: ClockRule | None) -> tuple[Clock, list[Fact]]:
    """The clock after what has happened: stopped in time, stopped too late, or still running."""
    if running.outcome is not None or rule is None:
        return running, []
    about = {"cycle": running.cycle, "clock": running.name, "due": running.due}
    at = state.marks.get(f"{running.cycle}:{rule.stop}")
    if at is not None and at <= running.due:
        return running.model_copy(update={"outcome": "met"}), [DeadlineMet(**about, stopped=at)]
    if at is not None:
        said: list[Fact] = [] if running.breached else [DeadlineBreached(**about)]
        ended = running.model_copy(update={"outcome": "missed", "breached": True})
        return ended, [*said, DeadlineMissed(**about, stopped=at)]
    return running, []


def fire(state: Deadlines | None, cause: Cause[datetime]) -> Planned:
    """Say what is due by the machine instant `cause.data`: a breach, or else a warning, and each once."""
    assert state is not None
    clocks, owed = [], list[Fact]()
    for each in state.clocks:
        spoken, facts = speak(each, cause.data, over=state.closed or each.cycle < state.cycle)
        clocks.append(spoken)
        owed += facts
    return state.model_copy(update={"clocks": clocks}), owed


def speak(running: Clock, until: datetime, *, over: bool) -> tuple[Clock, list[Fact]]:
    """One clock at a machine instant. A clock overdue at birth says so once, without a warning before.

    A clock whose cycle is `over` is cancelled at its due time, not at the end of the cycle: the news that
    stopped it in time may still be on its way.
    """
    if running.next is None or clock.wake_at(running.next) > until:
        return running, []
    about = {"cycle": running.cycle, "clock": running.name, "due": running.due}
    overdue = clock.wake_at(running.due) <= until
    if over and overdue:
        return running.model_copy(update={"outcome": "cancelled"}), [DeadlineCancelled(**about)]
    if over:
        return running.model_copy(update={"warned": True}), []
    if overdue:
        return running.model_copy(update={"breached": True}), [DeadlineBreached(**about)]
    return running.model_copy(update={"warned": True}), [DeadlineWarned(**about)]
