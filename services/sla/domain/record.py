"""The record: what sla has heard of one complaint, and the clocks that follow from it."""

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from pydantic import AwareDatetime, BaseModel, computed_field

from shared import clock
from shared.events import ComplaintMigrated, ComplaintRegistered, Particulars, Party

Status = Literal["running", "warned", "overdue", "paused", "met", "missed", "cancelled"]
Outcome = Literal["met", "missed", "cancelled"]
ENDED: tuple[str, ...] = get_args(Outcome)
Key = tuple[int, str, str]
UNSOLVED = "unsolved"
"""Left beside `fed_back` where the answer was another than a solution."""


class Step(BaseModel):
    """Something that a clock says when its time has come, unless it was stopped: once for each due time."""

    at: AwareDatetime
    kind: Literal["warn", "breach", "escalate"]
    number: int = 0
    role: str | None = None
    said: bool = False

    def named(self, due: datetime) -> str:
        """What tells it from every other step, for one due time."""
        return f"{self.kind} {self.number} {due.astimezone(UTC).isoformat()}"


class Acknowledged(BaseModel):
    """Who took note of a breach, and when."""

    by: str
    at: AwareDatetime


class Clock(BaseModel):
    """One deadline. `department` is whose it is, where each has its own; `responsible` who is asked about it.

    `paused` is since when it stands still: then `due` is what it would be had it gone on at once. `ended` is
    when its cycle, or its part of it, ended without anything having stopped it. `basis` tells one way to
    reckon it from another, whatever the calendar says; `spoken` is what was said for which due time.
    """

    cycle: int
    name: str
    department: str | None = None
    responsible: str | None = None
    grade: str
    started: AwareDatetime
    due: AwareDatetime
    provisional: bool = False
    target: bool = False
    internal: bool = False
    paused: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    basis: str = ""
    calendar_version: int = 0
    steps: list[Step] = []
    spoken: list[str] = []
    acknowledged: Acknowledged | None = None
    stopped: AwareDatetime | None = None
    outcome: Outcome | None = None

    @property
    def key(self) -> Key:
        return self.cycle, self.name, self.department or ""

    @property
    def breached(self) -> bool:
        return any(step.said for step in self.steps if step.kind == "breach")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> Status:
        if self.outcome is not None:
            return self.outcome
        if self.breached:
            return "overdue"
        if self.paused is not None:
            return "paused"
        return "warned" if any(step.said for step in self.steps) else "running"

    @property
    def month(self) -> str:
        """The month in which it is due; the end of a day belongs to that day."""
        return f"{self.due - timedelta(microseconds=1):%Y-%m}"

    @property
    def next(self) -> datetime | None:
        """When it must speak up next, if it is not stopped before."""
        if self.outcome is not None:
            return None
        if self.ended is not None:
            return just_after(self.ended if self.paused or self.breached else self.due)
        if self.paused is not None and not self.breached:
            return None
        return min((step.at for step in self.steps if not step.said), default=None)


def just_after(due: datetime) -> datetime:
    """The first moment that is too late: what is done at the due time itself is in time."""
    return due + timedelta(milliseconds=1)


class Grade(BaseModel):
    """A grade, and when it was given."""

    at: AwareDatetime
    grade: str


class Known(BaseModel):
    """What was known of the matter from then on."""

    at: AwareDatetime
    facts: Particulars


class Route(BaseModel):
    """Who must answer from then on."""

    at: AwareDatetime
    lead: str
    departments: tuple[str, ...]


class Move(BaseModel):
    """A migration, and when it took place."""

    at: AwareDatetime
    to: ComplaintMigrated


class Pause(BaseModel):
    """A wait for somebody outside; its two ends may become known in either order."""

    cycle: int = 0
    waits_for: Party | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class Deadlines(BaseModel):
    """What was heard, every revision with its time, and the clocks.

    `marks` are keyed `<cycle>:<mark>`, or `<cycle>:<mark>:<department>`; gradings, facts and routes by
    revision. `calendar` and `calendar_version` are what the clocks were reckoned by.
    """

    number: str = ""
    traceparent: str | None = None
    registered: ComplaintRegistered | None = None
    moves: dict[int, Move] = {}
    marks: dict[str, AwareDatetime] = {}
    graded: dict[int, dict[int, Grade]] = {}
    facts: dict[int, Known] = {}
    routes: dict[int, dict[int, Route]] = {}
    pauses: dict[int, Pause] = {}
    clocks: list[Clock] = []
    calendar: str = ""
    calendar_version: int = 0

    @property
    def pack(self) -> str | None:
        """The name of the pack that holds for it now."""
        newest = self.moves[max(self.moves)].to if self.moves else self.registered
        return newest.pack if newest else None

    @property
    def open(self) -> list[Clock]:
        return [each for each in self.clocks if each.outcome is None]

    @property
    def next_due(self) -> datetime | None:
        """The machine's instant at which the earliest clock must speak up."""
        return min((clock.wake_at(each.next) for each in self.clocks if each.next), default=None)
