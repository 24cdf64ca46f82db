"""Posting: nobody of the staff is flooded, because a box for each address counts and folds into digests.

Before a notice that is not urgent goes to staff, its box is asked. Within quiet hours, and beyond so many an
hour, the answer is a digest, which is sent once the quiet hours or some minutes are over.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel

from services.notify.domain.record import Attempt, Notice, Notices, Posted, Report, Route
from services.notify.domain.sending import SEND, Verdict, conclude, counts, gives_up, held, is_due
from shared import clock
from shared.envelope import Cause
from shared.events import Fact, Language
from shared.policy import NoticeKind, Posting, load_calendar, pack_of
from shared.problems import Conflict, NotFound, Problem
from shared.sealing import at_rest

BOXES = UUID("3c0e4a64-52a5-5c0b-9d5e-2f1f5b7f8a11")
HOUR = timedelta(hours=1)
LISTED = 2_000
"""Notices that a digest holds at most; what is more goes into another one."""
FULL = 5 * LISTED
"""Notices that wait in the digests of a box at most; what is more waits by itself."""
KEPT = 20
"""Digests that a box remembers after they were sent, and as many that are tasks; older tasks become one."""
KNOWN = 5
ENDED = ("sent", "task")
"""Of both, the newest are kept with all that they told, the others as figures."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a pack says of posting, in its calendar's zone."""

    posting: Posting
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Ask:
    """May this notice be sent to this address, at this business time?"""

    notice: Notice
    number: str
    language: Language
    rule: Rule
    at: datetime


class Digest(Posted):
    """Notices told together, from `at` to `until` (machine time); `to` are the roles or departments there.

    `items` are receipt numbers by kind and notice; of a digest sent long ago only `counted` is left of them.
    """

    at: AwareDatetime
    to: list[str] = []
    language: Language
    items: dict[NoticeKind, dict[UUID, str]] = {}
    counted: dict[NoticeKind, int] = {}
    until: AwareDatetime | None = None

    @property
    def counts(self) -> dict[NoticeKind, int]:
        """How many of each kind, the most frequent first."""
        listed = Counter({kind: len(found) for kind, found in self.items.items()})
        return dict((listed + Counter(self.counted)).most_common())

    @property
    def size(self) -> int:
        return sum(len(found) for found in self.items.values())

    def knows(self, notice: UUID) -> bool:
        return any(notice in found for found in self.items.values())


class Box(BaseModel):
    """What one address of the staff gets: when single notices went there in the last hour, and digests."""

    route: Route
    address: Annotated[str, *at_rest("box address")]
    hour: list[AwareDatetime] = []
    digests: list[Digest] = []

    @property
    def is_full(self) -> bool:
        """Whether it can take no more before a digest has gone."""
        return sum(each.size for each in self.digests if each.state not in ENDED) >= FULL

    @property
    def next_due(self) -> datetime | None:
        """The machine's instant when the next digest goes on."""
        return min((each.next_at for each in self.digests if each.next_at is not None), default=None)


BoxTold = tuple[Box, list[Fact]]


def box_id(notice: Notice) -> UUID:
    """The box of the address that a notice goes to."""
    return uuid5(BOXES, f"{notice.route} {notice.address.casefold()}")


def rule_of(state: Notices) -> Rule | None:
    """What a complaint's pack says; None while the pack is not here (yet)."""
    if state.registered is None:
        return None
    try:
        pack = pack_of(state.registered, state.migrated)
        return Rule(pack.posting, load_calendar(pack.calendar).zone)
    except Problem:
        return None


def quiet_until(rule: Rule, at: datetime) -> datetime | None:
    """When the quiet hours around this instant are over; None outside of them."""
    begin, end = rule.posting.quiet_from, rule.posting.quiet_until
    if begin is None or end is None or begin == end:
        return None
    local = at.astimezone(rule.zone)
    now, overnight = local.time(), begin > end
    inside = (now >= begin or now < end) if overnight else begin <= now < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if overnight and now >= begin else 0)
    return datetime.combine(day, end, rule.zone)


def ask(state: Box | None, cause: Cause[Ask]) -> BoxTold:
    """Count a notice that is sent by itself, or fold it. `answer` tells which it was.

    One that a digest knows already is told there.
    """
    asked, notice = cause.data, cause.data.notice
    box = state or Box(route=notice.route or "email", address=notice.address)
    if any(each.knows(notice.id) for each in box.digests):
        return box, []
    hour = [each for each in box.hour if asked.at - HOUR < each <= asked.at]
    quiet = quiet_until(asked.rule, asked.at)
    if quiet is None and len(hour) < asked.rule.posting.most_per_hour:
        return box.model_copy(update={"hour": [*hour, asked.at]}), []
    if box.is_full:
        return box, []
    due = quiet or asked.at + timedelta(minutes=asked.rule.posting.digest_minutes)
    return _folded(box.model_copy(update={"hour": hour}), cause, quiet_until(asked.rule, due) or due), []


def answer(box: Box | None, notice: UUID) -> Verdict:
    """What the box said of a notice that it was asked about."""
    told = (each.id for each in box.digests if each.knows(notice)) if box else iter(())
    into = next(told, None)
    if into is not None:
        return Verdict("fold", into=into)
    return Verdict("wait", reason="its digests are full") if box and box.is_full else SEND


def _folded(box: Box, cause: Cause[Ask], due: datetime) -> Box:
    """The box with the notice in its open digest, or in a new one, which is `due` then (business time)."""
    asked, open_ = cause.data, [each for each in box.digests if each.state == "open"]
    digest = next((each for each in open_ if each.size < LISTED), None) or Digest(
        id=uuid5(BOXES, f"{cause.complaint} {cause.id}"),
        at=cause.time,
        state="open",
        language=asked.language,
        next_at=open_[0].next_at if open_ else clock.wake_at(due),
    )
    kind, to = asked.notice.kind, asked.notice.to or ""
    found = digest.items.get(kind, {}) | {asked.notice.id: asked.number}
    told = {"items": digest.items | {kind: found}, "to": sorted({*digest.to, to}), "until": cause.time}
    others = [each for each in box.digests if each.id != digest.id]
    return box.model_copy(update={"digests": [*others, digest.model_copy(update=told)]})


def claim_digests(
    state: Box | None, cause: Cause[datetime], verdicts: Mapping[UUID, Verdict] | None = None
) -> BoxTold:
    """Take on the digests that were due when the database's clock showed `cause.data`; they are closed.

    One whose endpoint is away stays as it is, and goes on collecting, until it asks again; after two days
    it is a person's.
    """
    assert state is not None

    def take(each: Digest) -> Digest:
        verdict = SEND if verdicts is None else verdicts.get(each.id)
        if verdict is None or not is_due(each, cause.data):
            return each
        if verdict.what == "send":
            return held(each, cause.id, cause.data)
        tired = verdict.reason is not None and gives_up(each, cause.data)
        later = {"next_at": None, "state": "task"} if tired else {"next_at": verdict.until}
        return each.model_copy(update=later | {"reason": verdict.reason})

    return _pruned(state, [take(each) for each in state.digests]), []


def deliver_digest(state: Box | None, cause: Cause[Report]) -> BoxTold:
    """Record how attempts ended; of those that were sent long ago only figures are kept."""
    assert state is not None

    def record(each: Digest) -> Digest:
        outcome = cause.data.ended.get(each.id)
        known = outcome is not None and counts(each, outcome, cause.data.claim)
        return conclude(each, outcome, cause.time) if outcome and known else each

    return _pruned(state, [record(each) for each in state.digests]), []


def finish_digest(state: Box | None, cause: Cause[UUID]) -> BoxTold:
    """A person has told what no machine could deliver. Raises NotFound, or Conflict if it is no task."""
    task = next((each for each in state.digests if each.id == cause.data), None) if state else None
    if state is None or task is None:
        raise NotFound("There is no such digest")
    if task.state != "task":
        raise Conflict(f"This digest is no open task; it is {task.state}")
    log = [*task.log, Attempt(at=cause.time, outcome="sent", by=cause.by)]
    done = task.model_copy(update={"state": "sent", "reason": None, "log": log})
    return _pruned(state, [done if each.id == done.id else each for each in state.digests]), []


def _pruned(box: Box, digests: list[Digest]) -> Box:
    sent = [each for each in digests if each.state == "sent"]
    tasks = [each for each in digests if each.state == "task"]
    bare = {each.id: _figures([each]) for each in [*sent[:-KNOWN], *tasks[:-KNOWN]]}
    if len(tasks) > KEPT:
        bare[tasks[-KEPT].id] = _figures(tasks[: 1 - KEPT])
    forgotten = {each.id for each in [*sent[:-KEPT], *tasks[:-KEPT]]}
    kept = [bare.get(each.id, each) for each in digests if each.id not in forgotten]
    return box.model_copy(update={"digests": kept})


def _figures(some: list[Digest]) -> Digest:
    """The last of these digests with the figures of all."""
    counted = sum((Counter(each.counts) for each in some), Counter[NoticeKind]())
    to = sorted({to for each in some for to in each.to})
    return some[-1].model_copy(update={"items": {}, "counted": dict(counted), "at": some[0].at, "to": to})
