"""Deadlines: which clocks run for a complaint, what they say and when, and how they ended.

The clocks follow from all that was heard, not from the order in which it came. What a clock has said is kept
beside it; a step that moves later is said again at its new time, one that does not is not repeated.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.sla.domain.news import Heard, note
from services.sla.domain.reckoning import Left, Question, View, mark_of, packs, route_of
from services.sla.domain.record import Acknowledged, Clock, Deadlines, Known, Move, Route, Step
from shared import clock
from shared.envelope import Cause
from shared.events import (
    DeadlineAcknowledged,
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineEscalated,
    DeadlineMet,
    DeadlineMissed,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineSet,
    DeadlineWarned,
    Fact,
)
from shared.policy import load_calendar
from shared.problems import Conflict, NotFound

Planned = tuple[Deadlines, list[Fact]]
MOST_SPOKEN = 60


def hear(state: Deadlines | None, cause: Heard) -> Planned:
    """Take in what happened to the complaint, then start, move and stop the clocks that follow from it."""
    known = note(state or Deadlines(), cause)
    return (known, []) if known is state else plan(known, cause.time)


def reckon_anew(state: Deadlines | None, cause: Cause[Any]) -> Planned:
    """The clocks by the newest version of the calendar."""
    assert state is not None
    return plan(state, cause.time)


def plan(state: Deadlines, at: datetime) -> Planned:
    """All clocks as they follow from what is known; `at` is when the news came."""
    if state.registered is None:
        return state, []
    calendar = load_calendar(packs(state)[0][1].calendar)
    before = {each.key: each for each in state.clocks}
    clocks, owed = [], list[Fact]()
    for wanted in (found for asked in questions(state) if (found := follow(state, asked))):
        known = before.pop(wanted.key, None)
        settled = settle(known, wanted, at)
        clocks.append(settled)
        owed += told(known, settled)
    # Late news may tell that a clock should not have run: whoever heard of it hears of its end.
    for never in [each for each in before.values() if each.outcome is None]:
        owed += told(never, ceased(never, at))
    clocks.sort(key=lambda each: each.key)
    news = {"clocks": clocks, "calendar": calendar.calendar, "calendar_version": calendar.version}
    return state.model_copy(update=news), owed


def questions(state: Deadlines) -> Iterator[Question]:
    """Every clock that the packs of this complaint may ask for."""
    rules = {(name, rule.each_department) for _, pack in packs(state) for name, rule in pack.clocks.items()}
    for cycle in sorted(state.graded):
        routes = state.routes.get(cycle, {}).values()
        departments = sorted({each for route in routes for each in route.departments})
        for name, each_department in sorted(rules):
            for department in departments if each_department else (None,):
                yield Question(cycle, name, department)


def follow(state: Deadlines, asked: Question) -> Clock | None:
    """The clock that follows from what was heard: it runs, was stopped, or ran once and is none any more."""
    for view, stopped in views(state, asked):
        told, at = (stopped.told, stopped.at) if stopped else (None, None)
        if needed(state, asked, told) and (found := view.clock(asked, at)) is not None:
            return found
    return once(state, asked)


def views(state: Deadlines, asked: Question) -> Iterator[tuple[View, Left | None]]:
    """How the record may be looked at to judge a clock, and what stopped it, the best way first.

    The newest pack decides, unless the clock was stopped before that came.
    """
    held = packs(state)[::-1]
    for (_, pack), newer in zip(held, [*(since for since, _ in held[1:]), None], strict=True):
        rule = pack.clocks.get(asked.name)
        stopped = mark_of(state, pack, asked, rule.stop) if rule else None
        if rule and (newer is None or (stopped is not None and stopped.told < newer)):
            yield View(state, pack, stopped.told if stopped else None), stopped


def needed(state: Deadlines, asked: Question, until: datetime | None) -> bool:
    """Whether the department of this clock has to answer."""
    route = route_of(state, asked.cycle, until)
    return asked.department is None or (route is not None and asked.department in route.departments)


def once(state: Deadlines, asked: Question) -> Clock | None:
    """The clock as it was when it last ran, now cancelled; None if it never did."""
    grades = [each.at for each in state.graded[asked.cycle].values()]
    changes: list[Known | Move | Route] = [*state.facts.values(), *state.moves.values()]
    changes += state.routes.get(asked.cycle, {}).values()
    times = sorted({*grades, *(each.at for each in changes if each.at > min(grades))}, reverse=True)
    until: datetime | None = None
    for at in times:
        pack = next(pack for since, pack in packs(state) if since is None or since <= at)
        found = View(state, pack, at).clock(asked, None) if needed(state, asked, at) else None
        if found is not None and (until is None or found.started < until):
            return ceased(found, until or at)
        until = at
    return None


def ceased(clock: Clock, at: datetime) -> Clock:
    """A clock that does not count from then on: cancelled, but too late where it was overdue by then."""
    late = clock.due < at and not clock.paused
    how = {"outcome": "missed", "stopped": at} if late else {"outcome": "cancelled"}
    return clock.model_copy(update=how | {"ended": None, "basis": f"{clock.basis} {at.isoformat()}"})


def settle(before: Clock | None, wanted: Clock, at: datetime) -> Clock:
    """The clock as it follows, with what it has said already.

    One that has ended is judged anew only if something else than the calendar has changed, such as that its
    cycle ended before the due time after all.
    """
    if before is None:
        return with_said(wanted, {}, at)
    over = wanted.outcome in ("met", "missed") or wanted.ended is not None
    judged = before.basis == wanted.basis and (
        wanted.ended is None
        or before.ended is None
        or before.due >= before.ended
        or before.due < wanted.ended
    )
    if before.outcome is not None and judged and over:
        return before
    said: dict[tuple[str, int], Step] = {(s.kind, s.number): s for s in before.steps if s.said}
    after = with_said(wanted.model_copy(update={"spoken": before.spoken}), said, at)
    if before.acknowledged is None or not after.breached:
        return after
    hushed = [step.model_copy(update={"said": True}) for step in after.steps]
    return after.model_copy(update={"acknowledged": before.acknowledged, "steps": hushed})


def with_said(wanted: Clock, said: Mapping[tuple[str, int], Step], at: datetime) -> Clock:
    """The clock, every step marked that need not be said: told for this due time, or by having ended late."""
    if not said and not wanted.spoken and wanted.outcome != "missed":
        return wanted

    def done(step: Step) -> bool:
        if wanted.outcome == "missed" and step.kind == "breach":
            return True
        known = said.get((step.kind, step.number))
        return step.named(wanted.due) in wanted.spoken or still_said(step, known, at)

    steps = [step.model_copy(update={"said": True}) if done(step) else step for step in wanted.steps]
    return wanted.model_copy(update={"steps": steps})


def still_said(step: Step, before: Step | None, at: datetime) -> bool:
    """Whether it need not be said again: it has not moved later, or its new time has passed as well."""
    return before is not None and (step.at <= before.at or step.at <= at)


def told(before: Clock | None, after: Clock) -> list[Fact]:
    """What is to be made known of the way from one to the other; the last word says how it stands."""
    about = about_(after)
    set_ = DeadlineSet(**about, started=after.started, provisional=after.provisional)
    if before is not None and how(before) == how(after):
        return []
    if after.outcome is not None:
        late = after.outcome == "missed" and not (before and before.breached)
        breach: list[Fact] = [DeadlineBreached(**about)] if late else []
        return [*([set_] if before is None else []), *breach, ended(after)]
    if after.paused is not None:
        paused = DeadlinePaused(**about, since=after.paused)
        return [set_, paused] if before is None or before.outcome is not None else [paused]
    resumed = before is not None and before.paused is not None and before.outcome is None
    return [DeadlineResumed(**about) if resumed else set_]


def how(clock: Clock) -> tuple[object, ...]:
    """What others are told of a clock."""
    paused = clock.paused if clock.outcome is None else None
    return clock.due, clock.started, clock.provisional, paused, clock.outcome, clock.stopped


def ended(clock: Clock) -> Fact:
    about = about_(clock)
    match clock.outcome:
        case "met":
            return DeadlineMet(**about, stopped=clock.stopped)
        case "missed":
            return DeadlineMissed(**about, stopped=clock.stopped)
        case _:
            return DeadlineCancelled(**about)


def about_(clock: Clock) -> dict[str, Any]:
    return {
        "cycle": clock.cycle,
        "clock": clock.name,
        "due": clock.due,
        "department": clock.department,
        "target": clock.target,
    }


def fire(state: Deadlines | None, cause: Cause[datetime]) -> Planned:
    """Say what is due by the machine instant `cause.data`, each thing once."""
    assert state is not None
    clocks, owed = [], list[Fact]()
    for each in state.clocks:
        spoken, facts = speak(each, cause.data)
        clocks.append(spoken)
        owed += facts
    return state.model_copy(update={"clocks": clocks}), owed


def speak(running: Clock, until: datetime) -> tuple[Clock, list[Fact]]:
    """One clock at a machine instant.

    Of warnings that have come together only one is said, and none beside a breach; of rungs only the highest,
    with all roles. So a clock that is born overdue says so once. A clock whose cycle is over is cancelled at
    its due time, not at the end of the cycle: the news that stopped it in time may still be on its way.
    """
    if running.next is None or clock.wake_at(running.next) > until:
        return running, []
    about = about_(running)
    if running.ended is not None:
        return end(running, running.ended)
    now = [step for step in running.steps if not step.said and clock.wake_at(step.at) <= until]
    steps = [step.model_copy(update={"said": step.said or step in now}) for step in running.steps]
    spoken = [*running.spoken, *(step.named(running.due) for step in now)][-MOST_SPOKEN:]
    kinds = {step.kind for step in now}
    facts: list[Fact] = []
    if "breach" in kinds:
        facts.append(DeadlineBreached(**about))
    elif "warn" in kinds:
        facts.append(DeadlineWarned(**about))
    rungs = [step for step in now if step.kind == "escalate"]
    if rungs:
        roles = tuple(dict.fromkeys(step.role for step in rungs if step.role))
        facts.append(DeadlineEscalated(**about, rung=max(step.number for step in rungs) + 1, roles=roles))
    return running.model_copy(update={"steps": steps, "spoken": spoken}), facts


def end(clock: Clock, at: datetime) -> tuple[Clock, list[Fact]]:
    """A clock whose cycle ended at `at` without stopping it: cancelled, or too late if overdue by then."""
    after = with_said(ceased(clock, at).model_copy(update={"ended": at, "basis": clock.basis}), {}, at)
    return after, told(clock, after)


class Acknowledging(BaseModel):
    """The command to take note of a breach: of which clock."""

    model_config = ConfigDict(extra="forbid")

    clock: str
    cycle: int = 1
    department: str | None = None


def acknowledge(state: Deadlines | None, cause: Cause[Acknowledging]) -> Planned:
    """Take note of a breach: the ladder goes no higher. Raises NotFound, or Conflict without one."""
    assert state is not None
    asked = cause.data
    key = (asked.cycle, asked.clock, asked.department or "")
    found = next((each for each in state.clocks if each.key == key), None)
    if found is None:
        names = {" of department ".join(filter(None, [each.name, each.department])) for each in state.clocks}
        known = ", ".join(sorted(names)) or "none"
        raise NotFound(f"This complaint has no such clock in cycle {asked.cycle}; it has {known}")
    if found.acknowledged is not None:
        return state, []
    if not found.breached:
        raise Conflict(f"The clock {found.name} is not breached; there is nothing to take note of")
    noted = found.model_copy(
        update={
            "acknowledged": Acknowledged(by=cause.by, at=cause.time),
            "steps": [step.model_copy(update={"said": True}) for step in found.steps],
        }
    )
    clocks = [noted if each.key == key else each for each in state.clocks]
    return state.model_copy(update={"clocks": clocks}), [DeadlineAcknowledged(**about_(noted))]
