"""The complaint: its record, from the first word to the archive."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.intake.domain.stages import Stage
from shared.events import (
    Channel,
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintMigrated,
    Demand,
    Detail,
    FactsRevised,
    Language,
    Money,
    Outcome,
    Party,
    Product,
    SafetyFacts,
    Screening,
)
from shared.problems import Fault, Invalid

MILLISECOND = timedelta(milliseconds=1)
ClockOutcome = Literal["met", "missed", "cancelled"]
SurveyEnd = Literal["answered", "declined", "expired", "skipped"]


class Told(BaseModel):
    """What was handed in, without anything that points to a person."""

    channel: Channel
    language: Language
    occurred_at: AwareDatetime | None = None
    class_: str | None = Field(None, alias="class")
    product: Product = Product()
    demand: Demand | None = None
    loss: Money | None = None
    facts: SafetyFacts = SafetyFacts()
    tier: str | None = None
    customer_deadline: AwareDatetime | None = None

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class Solution(BaseModel):
    """How it is to be put right: `measure` at once, `permanent` so that it does not happen again.

    `by` proposed it; `cost` is what may be spent on all of it, `compensation` the customer's part.
    """

    measure: str
    department: str
    number: int = 1
    by: str = ""
    kind: str | None = None
    permanent: str | None = None
    owner: str | None = None
    due: AwareDatetime | None = None
    cost: Money | None = None
    compensation: Money | None = None


class Approved(BaseModel):
    """A role's approval of the present proposal under these clauses, by whom, and in whose stead."""

    role: str
    clauses: tuple[str, ...] = ()
    by: str
    instead_of: str | None = None
    at: AwareDatetime


class Action(BaseModel):
    """Something that a person did: who, what, when, and the names under which their words are kept."""

    at: AwareDatetime
    by: str
    what: str
    when: str = ""
    cycle: int
    words: dict[str, str] = Field(default_factory=dict)


class Note(BaseModel):
    """A note of the staff, or for the partner to see too; or a word exchanged with somebody (`with_`)."""

    at: AwareDatetime
    by: str
    visibility: Literal["internal", "partner"] = "internal"
    direction: Literal["in", "out"] | None = None
    channel: Channel | None = None
    with_: Literal["customer", "partner", "third_party"] | None = Field(None, alias="with")
    words: dict[str, str] = {}

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class Evidence(BaseModel):
    """A file: its name is kept among the personal texts, its bytes beside the record, sealed."""

    id: UUID
    number: int
    purpose: Literal["evidence", "proof"]
    visibility: Literal["internal", "partner"] = "internal"
    media_type: str
    size: int
    sha256: str
    scanned: bool
    at: AwareDatetime
    by: str
    words: dict[str, str] = {}


class Emergency(BaseModel):
    """The emergency plan at work: who was told, who is in the special team, who alone speaks."""

    roles: tuple[str, ...]
    team: tuple[str, ...]
    spokesperson: str
    at: AwareDatetime


class AdverseEvent(BaseModel):
    """What the customer answered to whether death or serious injury occurred, and whether that was judged."""

    occurred: bool
    assessed: bool


class Due(BaseModel):
    """How a clock was last reported: by the event with this number, due then (None: it no longer runs).

    A target is never due here, since nobody is called. `breached`: its time passed while it ran, once.
    """

    sequence: int
    due: AwareDatetime | None
    outcome: ClockOutcome | None = None
    breached: bool = False


class Surveyed(BaseModel):
    """How asking the customer went after a round: since when they were asked, if so, and how it ended.

    `reason` is why they were not asked, or not any longer; `by` is who filled in the answer.
    """

    opened: AwareDatetime | None = None
    ended: SurveyEnd | None = None
    reason: str | None = None
    by: Literal["customer", "interviewer"] | None = None

    @property
    def asked(self) -> bool:
        return self.opened is not None or self.ended not in (None, "skipped")


class Asked(BaseModel):
    """A request that was answered under a key: the digest of its payload, and when."""

    digest: str
    at: AwareDatetime


class Complaint(BaseModel):
    """The record of one complaint: the case, and apart from it, sealed, what points to a person.

    `personal` holds every name, contact and free text, sealed under the key of `person`, by name; `has` says
    which fields were given. `pack` and `pack_version` hold now; `details` are those of the pack that may
    leave the record, the names of the others are in `withheld`. `told`, `scores` and `surveys` hold, by
    cycle, what the other services reported, `exceeds` that it is one more than a quota of its year allows;
    `edition` counts the changes that readers see, `proposals` those of the present cycle, `waits` those of
    all. `stays` are the milliseconds spent at each stage that was left, in all.
    """

    # Factories, where pydantic would copy a default for every record that is made.

    number: str
    caller: str
    recorder: str
    request: str | None
    digest: str
    traceparent: str | None
    person: UUID
    personal: dict[str, str] = Field(default_factory=dict)
    has: list[str] = Field(default_factory=list)
    erased: AwareDatetime | None = None
    pack: str
    pack_version: int
    given: Told
    details: dict[str, Detail] = Field(default_factory=dict)
    withheld: list[str] = Field(default_factory=list)
    revised: FactsRevised | None = None
    respondents: list[str] = Field(default_factory=list)
    migrated: ComplaintMigrated | None = None
    received_at: AwareDatetime
    registered_at: AwareDatetime
    acknowledged_at: AwareDatetime | None = None
    edition: int = 1
    stage: Stage = Stage.REGISTERED
    since: AwareDatetime
    held_since: AwareDatetime
    stays: dict[Stage, int] = Field(default_factory=dict)
    cycle: int = 1
    graded: dict[int, ComplaintGraded] = Field(default_factory=dict)
    dispatched: dict[int, ComplaintDispatched] = Field(default_factory=dict)
    told: list[int] = Field(default_factory=list)
    scores: dict[int, int | None] = Field(default_factory=dict)
    surveys: dict[int, Surveyed] = Field(default_factory=dict)
    requests: dict[str, Asked] = Field(default_factory=dict)
    actions: list[Action] = Field(default_factory=list)
    notes: list[Note] = Field(default_factory=list)
    evidence: list[Evidence] = Field(default_factory=list)
    deadlines: dict[str, Due] = Field(default_factory=dict)
    exceeds: bool = False
    screened: Screening | None = None
    proposals: int = 0
    accepted: dict[int, list[str]] = Field(default_factory=dict)
    handler: str | None = None
    waits: int = 0
    waits_for: Party | None = None
    root_cause: str | None = None
    solution: Solution | None = None
    approvals: list[Approved] = Field(default_factory=list)
    agreed: bool = False
    spent: Money | None = None
    proof: list[int] = Field(default_factory=list)
    passed: bool | None = None
    reply: str | None = None
    disowned: list[str] = Field(default_factory=list)
    emergency: Emergency | None = None
    adverse_event: AdverseEvent | None = None
    related: list[UUID] = Field(default_factory=list)
    merged_into: UUID | None = None
    absorbs: list[UUID] = Field(default_factory=list)
    outcome: Outcome = "resolved"
    summary: str | None = None
    fed_back_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None

    @property
    def grade(self) -> ComplaintGraded | None:
        """The grading of the present cycle, or else of the one before."""
        return self.graded.get(self.cycle) or self.graded.get(self.cycle - 1)

    @property
    def route(self) -> ComplaintDispatched | None:
        """Where the present cycle was dispatched to, or else the one before."""
        return self.dispatched.get(self.cycle) or self.dispatched.get(self.cycle - 1)


def came_to(before: Complaint, after: Complaint, at: datetime) -> Complaint:
    """The record at its new stage since `at`, with how long it stayed at the one before.

    News of another machine's clock may lie a little back: no stay is shorter than nothing.
    """
    at = max(at, before.since)
    stayed = before.stays.get(before.stage, 0) + (at - before.since) // MILLISECOND
    return after.model_copy(update={"since": at, "stays": before.stays | {before.stage: stayed}})


def check_same(digest: str, given: str) -> None:
    """Raises Invalid if a request key comes again with another payload."""
    if digest != given:
        fault = Fault(detail="take a new key for a new request", pointer="#/Idempotency-Key")
        raise Invalid("This Idempotency-Key was used for another payload", [fault])
