"""The published language: every event, one frozen class each, in the order a complaint lives them.

One section per publishing service, which is the event's only owner. Fields are added, never changed or
removed; a changed meaning is a new class with the next version in its type. Readers ignore unknown fields.
`private` events travel on `redress.private` and may hold personal data; all others must not.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    WithJsonSchema,
)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Word = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f]*$")]
"""Short and printable: what records write of facts and rules."""
CONTROL, LONGEST_KEY = re.compile(r"[\x00-\x1f]"), 60
Key = Annotated[str, StringConstraints(max_length=LONGEST_KEY, pattern=r"^[^\x00-\x1f]*$")]
"""What a pack calls something."""
Fingerprint = Annotated[str, StringConstraints(max_length=64)]
Language = Literal["zh-CN", "zh-TW", "en"]


def within_reach(instant: datetime) -> datetime:
    """The instant itself. Raises ValueError for one that no clock reaches."""
    if not 1990 <= instant.year <= 2200:
        raise ValueError("give an instant between 1990 and 2200")
    return instant


def called(name: str) -> str:
    """The name itself. Raises ValueError for one that is no Key."""
    if len(name) > LONGEST_KEY or CONTROL.search(name):
        raise ValueError(f"give a name of up to {LONGEST_KEY} characters, none of them a control character")
    return name


def storable(name: str) -> str:
    """The name itself. Raises ValueError for one that no document could have as a key."""
    if "\x00" in name:
        raise ValueError("give a name without NUL")
    return name


Called = Annotated[str, AfterValidator(called)]
"""A Key in an event whose schema was promised without its bounds."""
Unit = Annotated[Name, AfterValidator(storable)]
"""Whom an order or a measure is given to, which need be no department of a pack."""
Instant = Annotated[
    AwareDatetime,
    AfterValidator(within_reach),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": "^(199[0-9]|20[0-9]{2}|21[0-9]{2}|2200)-",
            "examples": ["2026-09-18T09:59:00+08:00"],
        }
    ),
]
"""An instant as callers give it; no clock goes further."""
Detail = StrictBool | int | Decimal | str | tuple[str, ...]
Party = Literal["customer", "third_party"]
Screening = Literal["in_scope", "refused", "transferred", "referred"]
"""Ours to handle; not a complaint that we take; another unit's; another organisation's."""
Outcome = Literal[
    "resolved", "disagreed", "refused", "transferred", "referred", "not_ours", "withdrawn", "merged"
]
"""How a complaint, or a round of it, ended."""
Reason = Literal["registered", "reopened", "facts", "cause", "repeats", "decision", "migrated", "score"]
Channel = Literal[
    "hotline", "online_chat", "website", "email", "letter", "fax", "sms", "wechat", "app", "social", "store",
    "suggestion_box", "branch", "site_visit", "visitor", "phone_callback", "regulator", "head_office",
    "consumer_association", "media", "manufacturer", "meeting_minutes", "return_note", "questionnaire",
]  # fmt: skip


class Value(BaseModel):
    """A frozen value that several events share."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, serialize_by_alias=True)


class Money(Value):
    """An amount in a currency (ISO 4217), never a float."""

    value: Decimal = Field(ge=0, max_digits=18, decimal_places=4)
    currency: str = Field(pattern="^[A-Z]{3}$")


class Product(Value):
    """What the complaint is about, without anything that points to a person."""

    name: Name | None = None
    model: Name | None = None
    batch: Name | None = None


class SafetyFacts(Value):
    """Structured facts that decide how grave a matter is."""

    injured: int = Field(0, ge=0, le=1_000_000)
    deaths: int = Field(0, ge=0, le=1_000_000)
    fire: bool = False
    food_safety: bool = False
    urgent: bool = False
    affected_customers: int = Field(0, ge=0, le=10_000_000_000)


class Demand(Value):
    """What the customer asks for."""

    type: Literal["refund", "replace", "repair", "compensate", "apologise", "explain", "improve", "other"]
    amount: Money | None = None


class Match(Value):
    """One comparison of a rule that matched: the fact, its value then, and what it was compared with.

    `grade` is what the rule gives in `scheme`, `rank` its place there (0: gravest). Of all matches in a
    scheme the lowest rank is the grade, unless one is `final`: a person's word.
    """

    rule: Word
    fact: Key
    value: Word
    comparison: Word
    scheme: Key = ""
    clause: Word = ""
    grade: Key = ""
    rank: int = 0
    final: bool = False


class Fact(Value):
    """The data of an event: something that has happened to one complaint."""

    type: ClassVar[str]
    owner: ClassVar[str]
    private: ClassVar[bool] = False


# intake: the record


class IntakeFact(Fact):
    owner: ClassVar[str] = "intake"


class Particulars(IntakeFact):
    """What is known of the matter. `details` are the facts that the pack asks for, but for private ones.

    `department` is the one responsible, once that is known.
    """

    class_: str | None = Field(None, alias="class")
    product: Product = Product()
    demand: Demand | None = None
    loss: Money | None = None
    facts: SafetyFacts = SafetyFacts()
    details: dict[Word, Detail] = Field({}, max_length=30)
    tier: Name | None = None
    department: Name | None = None
    customer_deadline: datetime | None = None
    verified: bool = False


class ComplaintRegistered(Particulars):
    """A complaint was taken in and has its receipt number; `pack` is pinned from here on."""

    type: ClassVar[str] = "complaint.registered.v1"
    pack: str
    pack_version: int
    channel: Channel
    language: Language
    received_at: datetime


class FactsRevised(Particulars):
    """What is known of the matter has changed: all of it as it is now; the highest `revision` counts."""

    type: ClassVar[str] = "complaint.facts_revised.v1"
    revision: int


class ContactRecorded(IntakeFact):
    """How the customer can be reached; `receipt_url` is the page that tells them where it stands.

    `partner` is who handed the complaint in, if that was a partner. Private."""

    type: ClassVar[str] = "contact.recorded.v1"
    private: ClassVar[bool] = True
    name: Name
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    receipt_url: str | None = None
    partner: Name | None = None


class StatementRecorded(IntakeFact):
    """The complaint in the customer's own words; the same fingerprint is the same customer. Private."""

    type: ClassVar[str] = "statement.recorded.v1"
    private: ClassVar[bool] = True
    pack: str
    pack_version: int
    text: Text
    fingerprints: tuple[Fingerprint, ...] = Field((), max_length=3)


class ContactErased(IntakeFact):
    """The customer's contact and words were erased here; whoever keeps a copy erases it. Private."""

    type: ClassVar[str] = "contact.erased.v1"
    private: ClassVar[bool] = True
    reason: Literal["requested", "retention"]


class EvidenceAdded(IntakeFact):
    """A file was added: `number` counts those of the complaint, `size` is in bytes."""

    type: ClassVar[str] = "complaint.evidence_added.v1"
    number: int
    media_type: Word
    size: int


class ComplaintScreened(IntakeFact):
    """Somebody decided whether the complaint is ours to handle."""

    type: ClassVar[str] = "complaint.screened.v1"
    cycle: int
    decision: Screening


class ComplaintAssigned(IntakeFact):
    """A person who handles the complaint was named."""

    type: ClassVar[str] = "complaint.assigned.v1"
    cycle: int
    department: Called | None = None


class HandlerNamed(IntakeFact):
    """A person who handles the complaint, or whom it is about, called as callers are (`staff:1f2e`).

    Private."""

    type: ClassVar[str] = "handler.named.v1"
    private: ClassVar[bool] = True
    cycle: int
    handler: Name
    duty: Literal["handler", "respondent"] = "handler"


class ComplaintAccepted(IntakeFact):
    """A department that must answer took the complaint on; the lead's word moves it to its next stage."""

    type: ClassVar[str] = "complaint.accepted.v1"
    cycle: int
    department: Called


class InvestigationStarted(IntakeFact):
    """The matter is looked into."""

    type: ClassVar[str] = "complaint.investigation_started.v1"
    cycle: int


class ComplaintInvestigated(IntakeFact):
    """The cause is known, by the cause catalogue of the complaint's class."""

    type: ClassVar[str] = "complaint.investigated.v1"
    cycle: int
    cause: str


class SolutionProposed(IntakeFact):
    """A department proposes how to put it right, and until when; `number` counts in the cycle.

    `approvers` are the roles that must approve, one after the other."""

    type: ClassVar[str] = "complaint.solution_proposed.v1"
    cycle: int
    number: int = 1
    measure: str
    department: Called
    due: datetime | None = None
    cost: Money | None = None
    kind: Name | None = None
    approvers: tuple[str, ...] = ()


class SolutionApproved(IntakeFact):
    """A role approved proposal `number`; the roles that are `left` have still to."""

    type: ClassVar[str] = "complaint.solution_approved.v1"
    cycle: int
    number: int
    role: str
    left: tuple[str, ...] = ()


class SolutionRejected(IntakeFact):
    """A role did not approve proposal `number`; another one is to be found."""

    type: ClassVar[str] = "complaint.solution_rejected.v1"
    cycle: int
    number: int
    role: str


class SolutionOffered(IntakeFact):
    """The solution was put to the customer."""

    type: ClassVar[str] = "complaint.solution_offered.v1"
    cycle: int


class OfferRecorded(IntakeFact):
    """The words in which solution number `number` of a cycle was put to the customer. Private."""

    type: ClassVar[str] = "offer.recorded.v1"
    private: ClassVar[bool] = True
    cycle: int
    number: int = 1
    text: Text


class SolutionAgreed(IntakeFact):
    """The customer agreed to the solution."""

    type: ClassVar[str] = "complaint.solution_agreed.v1"
    cycle: int


class SolutionDisagreed(IntakeFact):
    """The customer did not agree; another solution is to be found."""

    type: ClassVar[str] = "complaint.solution_disagreed.v1"
    cycle: int


class AgreementFailed(IntakeFact):
    """The customer agrees to nothing, and is told which other remedies there are."""

    type: ClassVar[str] = "complaint.agreement_failed.v1"
    cycle: int


class ImplementationStarted(IntakeFact):
    """The agreed solution is being carried out."""

    type: ClassVar[str] = "complaint.implementation_started.v1"
    cycle: int


class SolutionImplemented(IntakeFact):
    """The solution was carried out, at a cost of `spent`."""

    type: ClassVar[str] = "complaint.solution_implemented.v1"
    cycle: int
    spent: Money | None = None


class SolutionAudited(IntakeFact):
    """The service desk checked the implementation before the customer is told."""

    type: ClassVar[str] = "complaint.solution_audited.v1"
    cycle: int
    passed: bool


class ComplaintPaused(IntakeFact):
    """The complaint waits for somebody outside; `number` counts the waits of its whole life."""

    type: ClassVar[str] = "complaint.paused.v1"
    cycle: int
    number: int
    waits_for: Party


class ComplaintResumed(IntakeFact):
    """The wait of this `number` is over."""

    type: ClassVar[str] = "complaint.resumed.v1"
    cycle: int
    number: int


class InformationRequested(IntakeFact):
    """What the customer is asked for while the complaint waits for them: wait `number`. Private."""

    type: ClassVar[str] = "information.requested.v1"
    private: ClassVar[bool] = True
    cycle: int
    number: int
    text: Text


class ComplaintAnswered(IntakeFact):
    """The answer to the customer is written and to be delivered on the customer's own channel."""

    type: ClassVar[str] = "complaint.answered.v1"
    cycle: int


class ReplyRecorded(IntakeFact):
    """The answer's words. Private."""

    type: ClassVar[str] = "reply.recorded.v1"
    private: ClassVar[bool] = True
    cycle: int
    text: Text


class ComplaintFedBack(IntakeFact):
    """The answer has reached the customer."""

    type: ClassVar[str] = "complaint.fed_back.v1"
    cycle: int
    outcome: Outcome = "resolved"


class ComplaintClosed(IntakeFact):
    """The complaint came to its end; `score` is the customer's (0-10), if there is one."""

    type: ClassVar[str] = "complaint.closed.v1"
    cycle: int
    score: int | None = None
    outcome: Outcome = "resolved"


class ComplaintReopened(IntakeFact):
    """The customer was not content: cycle number `cycle` begins."""

    type: ClassVar[str] = "complaint.reopened.v1"
    cycle: int
    score: int | None = None


class ComplaintDisowned(IntakeFact):
    """Somebody finds that the matter is not ours; it takes two to end the complaint."""

    type: ClassVar[str] = "complaint.disowned.v1"
    cycle: int
    confirmations: int


class ComplaintOwned(IntakeFact):
    """The matter is ours after all: the departments that must answer have it again."""

    type: ClassVar[str] = "complaint.owned.v1"
    cycle: int


class ComplaintWithdrawn(IntakeFact):
    """The customer took the complaint back."""

    type: ClassVar[str] = "complaint.withdrawn.v1"
    cycle: int


class ComplaintMerged(IntakeFact):
    """The complaint says what another one says, which goes on for both."""

    type: ClassVar[str] = "complaint.merged.v1"
    cycle: int
    into: UUID


class ComplaintRelated(IntakeFact):
    """A person found that the complaint has to do with another one."""

    type: ClassVar[str] = "complaint.related.v1"
    to: UUID


class EmergencyDeclared(IntakeFact):
    """The emergency plan is at work: these roles must be told at once, and one person speaks for us."""

    type: ClassVar[str] = "complaint.emergency_declared.v1"
    cycle: int
    roles: tuple[Called, ...]


class AdverseEventRecorded(IntakeFact):
    """The customer was asked whether death or serious injury occurred; `assessed` once that was judged."""

    type: ClassVar[str] = "complaint.adverse_event_recorded.v1"
    cycle: int
    occurred: bool
    assessed: bool = False


class ComplaintArchived(IntakeFact):
    """The closed record was filed."""

    type: ClassVar[str] = "complaint.archived.v1"
    cycle: int


class CheckAnswers(Value):
    """How often a question of a spot check was answered how."""

    yes: int
    no: int
    not_applicable: int


class SpotCheckDrawn(IntakeFact):
    """Complaints were drawn by lot from so many, to be looked into. About a check, no complaint."""

    type: ClassVar[str] = "spot_check.drawn.v1"
    population: int
    drawn: int


class SpotCheckCompleted(IntakeFact):
    """Something was found in each complaint that was drawn. About a check, no complaint."""

    type: ClassVar[str] = "spot_check.completed.v1"
    drawn: int
    process_followed: CheckAnswers
    result_as_agreed: CheckAnswers
    satisfaction_reached: CheckAnswers


class RectificationOrdered(IntakeFact):
    """A department must put its work in order by `due`, because of `about`, perhaps criticised in public.

    About an order, as are those that follow; `correlationid` is the order's id."""

    type: ClassVar[str] = "rectification.ordered.v1"
    department: Unit
    due: datetime
    because: Literal["complaint", "spot_check", "trend"]
    about: UUID
    criticised: bool


class RectificationBreached(IntakeFact):
    """The deadline of an order passed, and the department had not reported that it is done."""

    type: ClassVar[str] = "rectification.breached.v1"
    department: Unit
    due: datetime
    criticised: bool


class RectificationVerified(IntakeFact):
    """A supervisor found that the order was carried out; `in_time` if it was reported by `due`."""

    type: ClassVar[str] = "rectification.verified.v1"
    department: Unit
    due: datetime
    in_time: bool


class RectificationWithdrawn(IntakeFact):
    """The order no longer stands."""

    type: ClassVar[str] = "rectification.withdrawn.v1"
    department: Unit


class About(Value):
    """What complaints have in common: a product, a batch, a lead department, a class, a cause."""

    product: Name | None = None
    batch: Name | None = None
    department: Name | None = None
    class_: Name | None = Field(None, alias="class")
    cause: Name | None = None


class Window(Value):
    """From one instant until before another."""

    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")


class TrendFact(IntakeFact):
    """Of a trend, no single complaint: `correlationid` is the trend's id."""

    kind: Key
    subject: About


class TrendSignalled(TrendFact):
    """Complaints about something have become more frequent than chance explains.

    Of all complaints in the window so many were `observed`, and so many `expected` by the share before;
    `probability` is that of at least so many by chance. `evidence` are the newest of them."""

    type: ClassVar[str] = "trend.signalled.v1"
    window: Window
    observed: int
    expected: float
    probability: float = Field(ge=0, le=1)
    evidence: tuple[UUID, ...] = Field((), max_length=100)


class TrendMeasureRecorded(TrendFact):
    """A measure was taken so that it does not go on; in force from then on. `number` counts them."""

    type: ClassVar[str] = "trend.measure_recorded.v1"
    number: int
    department: Unit
    due: datetime
    effective_from: datetime


class TrendClosed(TrendFact):
    """A person closed the trend, after so many `measures`."""

    type: ClassVar[str] = "trend.closed.v1"
    measures: int


# triage: the judgement


class TriageFact(Fact):
    owner: ClassVar[str] = "triage"


class ComplaintGraded(TriageFact):
    """Class and grade, with every rule that matched.

    `suggested` if the class was read off the text, with which `confidence`.

    `grade` is that of the pack's first scheme, `grades` those of all. Of a cycle the highest `revision`
    counts; `reason` says what made it. `pending` are questions that people must still answer, `undecided`
    means that they must choose the class too, `gates` are safety gates passed, `repeats` counts complaints of
    this customer about this matter."""

    type: ClassVar[str] = "complaint.graded.v1"
    cycle: int
    class_: Key = Field(alias="class")
    suggested: bool
    grade: Key
    matches: tuple[Match, ...]
    pack: Key = ""
    pack_version: int = 0
    revision: int = 1
    reason: Reason = "registered"
    confidence: float | None = Field(None, ge=0, le=1)
    undecided: bool = False
    grades: dict[Key, Key] = {}
    provisional: bool = True
    pending: tuple[Key, ...] = ()
    marks: tuple[Key, ...] = ()
    gates: tuple[Key, ...] = ()
    repeats: int = 1


class ComplaintDispatched(TriageFact):
    """The departments that must answer; `lead` speaks for all of them. The highest `revision` counts."""

    type: ClassVar[str] = "complaint.dispatched.v1"
    cycle: int
    lead: Called
    departments: tuple[Called, ...]
    revision: int = 1


class ComplaintEscalated(TriageFact):
    """A safety gate was passed: these roles must be told at once."""

    type: ClassVar[str] = "complaint.escalated.v1"
    cycle: int
    gate: str
    roles: tuple[Called, ...]


class ComplaintLinked(TriageFact):
    """The same customer complained of the same matter before."""

    type: ClassVar[str] = "complaint.linked.v1"
    complaints: tuple[UUID, ...]


class ComplaintMigrated(TriageFact):
    """From here on another version of the pack holds; the highest `migration` counts."""

    type: ClassVar[str] = "complaint.migrated.v1"
    migration: int
    pack: str
    pack_version: int
    from_version: int

    def or_later(self, other: "ComplaintMigrated | None") -> "ComplaintMigrated":
        """Of two migrations of one complaint the one that counts."""
        return other if other is not None and other.migration > self.migration else self


class QuotaExceeded(TriageFact):
    """A year has seen more of a grade than its quota, in all or for one `value` of `by`.

    `penalty` is what the regulation attaches to it, in words by language; nothing is carried out."""

    type: ClassVar[str] = "quota.exceeded.v1"
    scheme: str
    grade: str
    year: int
    number: int
    limit: int
    by: str | None = None
    value: str | None = None
    clause: str = ""
    penalty: dict[str, str] = {}


class PolicyPublished(TriageFact):
    """A version of a pack may be used from now on; `content` is all of it. About a pack, not a complaint."""

    type: ClassVar[str] = "policy.published.v1"
    pack: str
    version: int
    content: dict[str, Any]


# sla: the clock


class SlaFact(Fact):
    owner: ClassVar[str] = "sla"


class DeadlineFact(SlaFact):
    """Of one clock: `department` is whose it is if each has its own; breaching a `target` calls nobody."""

    cycle: int
    clock: str
    due: datetime
    department: Called | None = None
    target: bool = False


class DeadlineSet(DeadlineFact):
    """A clock runs: by `due` it must be stopped. `started` is when it began to count.

    Told again whenever the due time moves: the last one counts. `provisional` if the calendar has no
    official notice yet for a year that it passes through."""

    type: ClassVar[str] = "deadline.set.v1"
    started: datetime
    provisional: bool = False


class DeadlinePaused(DeadlineFact):
    """The clock stands still `since` then; `due` is what it would be if it went on at once."""

    type: ClassVar[str] = "deadline.paused.v1"
    since: datetime


class DeadlineResumed(DeadlineFact):
    """The clock runs again, with a new due time."""

    type: ClassVar[str] = "deadline.resumed.v1"


class DeadlineWarned(DeadlineFact):
    """A set share of the time is used up, or a set time is left."""

    type: ClassVar[str] = "deadline.warned.v1"


class DeadlineBreached(DeadlineFact):
    """The due time passed while the clock still ran."""

    type: ClassVar[str] = "deadline.breached.v1"


class DeadlineEscalated(DeadlineFact):
    """The breach goes up the ladder: these roles must hear of it. `rung` counts from 1."""

    type: ClassVar[str] = "deadline.escalated.v1"
    rung: int
    roles: tuple[Called, ...]


class DeadlineAcknowledged(DeadlineFact):
    """A supervisor has taken note of the breach; the ladder goes no higher."""

    type: ClassVar[str] = "deadline.acknowledged.v1"


class DeadlineMet(DeadlineFact):
    """The clock was stopped in time."""

    type: ClassVar[str] = "deadline.met.v1"
    stopped: datetime


class DeadlineMissed(DeadlineFact):
    """The clock was stopped, or its complaint ended, after its due time."""

    type: ClassVar[str] = "deadline.missed.v1"
    stopped: datetime


class DeadlineCancelled(DeadlineFact):
    """The clock no longer counts: the complaint ended, began a new cycle, or is none that it runs for.

    Late news may tell that it was stopped before: then `deadline.met.v1` or `deadline.missed.v1` follows."""

    type: ClassVar[str] = "deadline.cancelled.v1"


class CalendarPublished(SlaFact):
    """A version of a calendar counts from now on; `content` is all of it. About a calendar, no complaint."""

    type: ClassVar[str] = "calendar.published.v1"
    calendar: str
    version: int
    content: dict[str, Any]


# notify: the voice


class NotifyFact(Fact):
    owner: ClassVar[str] = "notify"


class NoticeFact(NotifyFact):
    """Of one telling, to the customer or a role or department (`to`), on one channel."""

    notice: str
    kind: str
    channel: str
    cycle: int
    to: Key = "customer"


class NoticeQueued(NoticeFact):
    """Somebody is to be told."""

    type: ClassVar[str] = "notice.queued.v1"


class NoticeSent(NoticeFact):
    """A notice left the house (or the hands of the person who called or posted it)."""

    type: ClassVar[str] = "notice.sent.v1"


class NoticeFailed(NoticeFact):
    """A notice could not be delivered for good."""

    type: ClassVar[str] = "notice.failed.v1"
    reason: str


class NoticeSuppressed(NoticeFact):
    """A notice will not be sent by itself; one that was `folded` is told in the digest `into`."""

    type: ClassVar[str] = "notice.suppressed.v1"
    reason: Literal["erased", "folded", "superseded"]
    into: str | None = None


class WebhookFailed(NotifyFact):
    """An event could not be delivered to an endpoint for good. `correlationid` is the delivery's id."""

    type: ClassVar[str] = "webhook.failed.v1"
    endpoint: UUID
    event: UUID
    event_type: Key
    attempts: int
    reason: str


class WebhookDisabled(NotifyFact):
    """An endpoint gets no more events until somebody enables it. `correlationid` is the endpoint's id."""

    type: ClassVar[str] = "webhook.disabled.v1"
    endpoint: UUID
    reason: str


# survey: the ear


class SurveyFact(Fact):
    owner: ClassVar[str] = "survey"


class SurveyOpened(SurveyFact):
    """The customer is asked how content they are."""

    type: ClassVar[str] = "survey.opened.v1"
    cycle: int
    expires: datetime


class SurveyInvited(SurveyFact):
    """The link to the survey, which only its addressee may hold. Private."""

    type: ClassVar[str] = "survey.invited.v1"
    private: ClassVar[bool] = True
    cycle: int
    link: str
    expires: datetime


class SurveyReminded(SurveyFact):
    """The customer is asked again, the `number`-th time; the link as in the invitation. Private."""

    type: ClassVar[str] = "survey.reminded.v1"
    private: ClassVar[bool] = True
    cycle: int
    number: int
    link: str
    expires: datetime


class SurveyAnswered(SurveyFact):
    """The customer's score, 0 (worst) to 10; `answers` are to the pack's own questions, without free text.

    `by` an interviewer, if the customer said it on the phone."""

    type: ClassVar[str] = "survey.answered.v1"
    cycle: int
    score: int = Field(ge=0, le=10)
    answers: dict[Key, bool | int | Key] = Field({}, max_length=30)
    by: Literal["customer", "interviewer"] = "customer"


class SurveyDeclined(SurveyFact):
    """The customer does not want to answer."""

    type: ClassVar[str] = "survey.declined.v1"
    cycle: int


class SurveySkipped(SurveyFact):
    """After this cycle the customer is not asked, for that reason."""

    type: ClassVar[str] = "survey.skipped.v1"
    cycle: int
    reason: Literal["outcome", "rule", "not_sampled", "erased", "reopened"]


class SurveyExpired(SurveyFact):
    """Nobody answered in time, or before the complaint was reopened or the customer erased."""

    type: ClassVar[str] = "survey.expired.v1"
    cycle: int
    because: Literal["time", "reopened", "erased"] = "time"


def _leaves(kind: type[Fact]) -> list[type[Fact]]:
    return (
        [kind] if "type" in vars(kind) else [leaf for sub in kind.__subclasses__() for leaf in _leaves(sub)]
    )


CATALOGUE: dict[str, type[Fact]] = {fact.type: fact for fact in _leaves(Fact)}
"""Every event by its type, in the order of this file."""

FOR_PARTNERS = frozenset(
    kind.type
    for kind in (
        ComplaintRegistered, FactsRevised, EvidenceAdded, ComplaintScreened, ComplaintGraded,
        ComplaintDispatched, ComplaintAccepted, SolutionOffered, SolutionAgreed, SolutionDisagreed,
        AgreementFailed, SolutionImplemented, ComplaintPaused, ComplaintResumed, ComplaintAnswered,
        ComplaintFedBack, ComplaintClosed, ComplaintReopened, ComplaintWithdrawn, NoticeSent,
        SurveyOpened, SurveyAnswered, SurveyExpired,
    )
)  # fmt: skip
"""What partners may know of complaints that they handed in; not how the house found its answer."""


def is_for_partners(type: str, data: Mapping[str, Any]) -> bool:
    """Whether a partner may know of an event of its own complaint; of what staff is told it may not."""
    return type in FOR_PARTNERS and data.get("to", "customer") == "customer"
