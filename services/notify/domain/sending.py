"""Sending: how far each notice has come on its way, and whose it is when no machine can deliver it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid5

from services.notify.domain.erasing import suppressed
from services.notify.domain.notices import is_answered, not_sent
from services.notify.domain.record import (
    Attempt,
    Notice,
    Notices,
    Outcome,
    Posted,
    Report,
    Told,
    change,
    said,
)
from shared.envelope import Cause
from shared.problems import Conflict, NotFound

PAUSES = (5, 30, 120, 600, 3600, 14400)
"""Seconds of machine time between attempts, at least; up to half as much again, so that they spread."""
HOLD = timedelta(seconds=60)
"""How long an attempt is waited for before it is made anew; attempts take less."""
GIVE_UP = timedelta(days=2)
"""How long a notice waits for an endpoint that is away before it is a person's."""
LOG = 20
"""Attempts that are kept of each."""
CALL_AGAIN = timedelta(hours=2)
"""When somebody who was not reached is called again, unless whoever called says otherwise."""
P = TypeVar("P", bound=Posted)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a notice that is due: sent now, told in the digest `into`, or waiting for something.

    It waits `until` an instant of machine time: for quiet hours to end, or for an endpoint that is `away`.
    """

    what: Literal["send", "wait", "away", "fold"]
    until: datetime | None = None
    reason: str | None = None
    into: UUID | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """Whoever was called could not be reached; they are called again from `again_at` (machine time)."""

    notice: UUID
    again_at: datetime | None = None


SEND = Verdict("send")


def is_due(each: Posted, now: datetime) -> bool:
    return each.next_at is not None and each.next_at <= now


def claim(
    state: Notices | None, cause: Cause[datetime], verdicts: Mapping[UUID, Verdict] | None = None
) -> Told:
    """Take on the notices that were due when the database's clock showed `cause.data`, for a while.

    Those with a verdict, that is, by which it goes on; without any verdicts, all of them are to be sent.
    """
    assert state is not None

    def take(each: Notice) -> Notice:
        verdict = SEND if verdicts is None else verdicts.get(each.id)
        if verdict is None or not is_due(each, cause.data):
            return each
        return _called_off(state, each) or _by(verdict, each, cause)

    after = change(state, take)
    return after, said(state, after)


def _called_off(state: Notices, each: Notice) -> Notice | None:
    """One that is not attempted any more: its customer was erased, or was answered meanwhile; else None."""
    if state.erased and each.to_customer:
        return suppressed(each)
    return not_sent(each) if is_answered(state, each) else None


def _by(verdict: Verdict, each: Notice, cause: Cause[datetime]) -> Notice:
    match verdict.what:
        case "send":
            return held(each.model_copy(update={"admitted": True}), cause.id, cause.data)
        case "fold":
            folded = {"state": "folded", "claim": None, "next_at": None, "reason": "folded"}
            return each.model_copy(update=folded | {"into": verdict.into})
        case "wait":
            return each.model_copy(update=_later(verdict.until or cause.data, verdict.reason))
    waiting = each.model_copy(update={"attempts": each.attempts + 1})
    return untried(waiting, Outcome(again_at=verdict.until, reason=verdict.reason or ""), cause.data)


def held(each: P, claim: UUID, now: datetime) -> P:
    """One whose attempt begins."""
    taken = {"state": "sending", "claim": claim, "next_at": now + HOLD, "attempts": each.attempts + 1}
    return each.model_copy(update=taken)


def deliver(state: Notices | None, cause: Cause[Report]) -> Told:
    """Record how attempts of a claim ended.

    A report of an older claim counts only if it tells that the notice has left the house.
    """
    assert state is not None

    def record(each: Notice) -> Notice:
        outcome = cause.data.ended.get(each.id)
        if outcome is None or not counts(each, outcome, cause.data.claim):
            return each
        after = conclude(each, outcome, cause.time)
        return after if after.state == "sent" else _called_off(state, after) or after

    after = change(state, record)
    return after, said(state, after)


def counts(each: Posted, outcome: Outcome, claim: UUID) -> bool:
    """Whether this outcome still says something."""
    if outcome.delivered:
        return each.state in ("sending", "queued")
    return each.state == "sending" and each.claim == claim


def conclude(each: P, outcome: Outcome, now: datetime) -> P:
    """One after an attempt that ended at machine time `now`; after the last pause it is a person's."""
    if outcome.untried:
        return untried(each, outcome, now)
    if outcome.delivered:
        return _noted(each, Attempt(at=now, outcome="sent"), state="sent", next_at=None, reason=None)
    failed = Attempt(at=now, outcome="failed", reason=outcome.reason)
    if outcome.nobody:
        return _noted(each, failed, state="task", route="call", next_at=None, reason=outcome.reason)
    if outcome.final or each.attempts > len(PAUSES):
        return _noted(each, failed, state="task", next_at=None, reason=outcome.reason)
    pause = timedelta(seconds=PAUSES[each.attempts - 1]) * (1 + spread(each))
    return _noted(each, failed, state="queued", next_at=now + pause, reason=outcome.reason)


def untried(each: P, outcome: Outcome, now: datetime) -> P:
    """One that its claim did not come to; one that has waited too long for its endpoint is a person's."""
    update = _later(outcome.again_at or now, outcome.reason or None) | {"attempts": each.attempts - 1}
    if outcome.reason and gives_up(each, now):
        update |= {"state": "task", "next_at": None}
    return each.model_copy(update=update)


def gives_up(each: Posted, now: datetime) -> bool:
    """Whether it has waited so long that a machine need not wait for its endpoint any more."""
    return each.at is not None and now - each.at > GIVE_UP


def spread(each: Posted) -> float:
    """A share below one half that differs from one to the next and from attempt to attempt."""
    lot = uuid5(each.claim, str(each.id)) if each.claim else None
    return (lot.int % 1024) / 2048 if lot else 0.0


def _later(until: datetime, reason: str | None) -> dict[str, Any]:
    return {"state": "queued", "claim": None, "next_at": until, "reason": reason}


def _noted(each: P, attempt: Attempt, **update: Any) -> P:
    return each.model_copy(update=update | {"log": [*each.log, attempt][-LOG:]})


def finish(state: Notices | None, cause: Cause[UUID]) -> Told:
    """A person has called, or posted the letter. Raises NotFound, or Conflict if it is no open task."""
    known, task = _task(state, cause.data)
    attempt = Attempt(at=cause.time, outcome="sent", by=cause.by)
    done = _noted(task, attempt, state="sent", next_at=None, reason=None, again_at=None)
    after = change(known, lambda each: done if each.id == done.id else each)
    return after, said(known, after)


def miss(state: Notices | None, cause: Cause[Missed]) -> Told:
    """A person has called in vain. Raises NotFound, or Conflict if it is no open task, or a letter."""
    known, task = _task(state, cause.data.notice)
    if task.route == "letter":
        raise Conflict("A letter is posted or not; only who is called can be out of reach")
    again = (cause.data.again_at or cause.time + CALL_AGAIN).astimezone(UTC)
    attempt = Attempt(at=cause.time, outcome="not_reached", by=cause.by)
    missed = _noted(task, attempt, attempts=task.attempts + 1, again_at=again)
    return change(known, lambda each: missed if each.id == missed.id else each), []


def _task(state: Notices | None, id: UUID) -> tuple[Notices, Notice]:
    task = next((each for each in state.notices if each.id == id), None) if state else None
    if state is None or task is None:
        raise NotFound("This complaint has no such notice")
    if task.state != "task":
        raise Conflict(f"This notice is no open task; it is {task.state}")
    return state, task
