"""The complaint: what the customer told us, and how it is registered."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)

from services.intake.domain.stages import Stage
from shared.events import (
    Channel,
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintMigrated,
    Demand,
    Detail,
    FactsRevised,
    Instant,
    Language,
    Money,
    Name,
    Party,
    Product,
    SafetyFacts,
    Text,
)
from shared.problems import Fault, Invalid

# What a browser's e-mail field takes (WHATWG HTML), with a dot in the domain.
EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
Email = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
Phone = Annotated[str, StringConstraints(max_length=40, pattern=r"^\+?[0-9][0-9 ()\-*xX]{3,}$")]


class Given(BaseModel):
    """Part of a request: an unknown field is refused, so that no misspelt one gets lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


MOST_DETAILS = 30
GivenDetail = (
    StrictBool | int | Decimal | Annotated[str, StringConstraints(max_length=200)] | list[Name] | Money
)


class Complainant(Given):
    """Who complains. At least one way to reach them is needed."""

    name: Name
    email: Email | None = None
    phone: Phone | None = None
    address: Annotated[str, StringConstraints(strip_whitespace=True, min_length=5, max_length=500)] | None = (
        None
    )

    @model_validator(mode="after")
    def _reachable(self) -> "Complainant":
        if not (self.email or self.phone or self.address):
            raise ValueError("give at least one of email, phone, address, so that we can answer")
        return self


class Purchase(Product, Given):
    """What was bought. The order number stays inside."""

    order: Name | None = None


Details = Annotated[
    dict[Annotated[str, StringConstraints(max_length=100)], GivenDetail], Field(max_length=MOST_DETAILS)
]


class GivenFacts(SafetyFacts, Given):
    """Structured facts; unknown names are refused."""


class NewComplaint(Given):
    """A complaint as front ends and partners hand it in."""

    pack: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="The policy pack it is handled by; default: the house's own"
    )
    channel: Channel
    language: Language = "zh-CN"
    received_at: Instant | None = Field(None, description="When the customer spoke; default: now")
    class_: str | None = Field(None, alias="class", max_length=100, description="Default: read off the text")
    complainant: Complainant
    product: Purchase = Purchase()
    description: Text
    demand: Demand | None = None
    loss: Money | None = None
    facts: GivenFacts = GivenFacts()
    details: Details = Field({}, description="What the policy pack asks for besides, by its names")
    tier: Name | None = Field(None, description="What kind of customer this is, as the pack calls it")
    customer_deadline: Instant | None = Field(None, description="By when the customer wants an answer")


class Solution(BaseModel):
    """How it is to be put right."""

    measure: str
    department: str
    due: AwareDatetime | None = None
    cost: Money | None = None


class Complaint(BaseModel):
    """The record of one complaint.

    `pack` and `pack_version` hold now; `details` are those of the pack, private ones included.
    `told` and `scores` hold, by cycle, what the other services reported; `requests` the digest of each step
    taken under an Idempotency-Key; `proposals` counts those of the present cycle, `waits` those of all.
    """

    number: str
    caller: str
    request: str | None
    digest: str
    traceparent: str | None
    pack: str
    pack_version: int
    given: NewComplaint
    details: dict[str, Detail] = {}
    revised: FactsRevised | None = None
    migrated: ComplaintMigrated | None = None
    received_at: AwareDatetime
    registered_at: AwareDatetime
    stage: Stage = Stage.REGISTERED
    cycle: int = 1
    graded: dict[int, ComplaintGraded] = {}
    dispatched: dict[int, ComplaintDispatched] = {}
    told: list[int] = []
    scores: dict[int, int | None] = {}
    requests: dict[str, str] = {}
    proposals: int = 0
    accepted: dict[int, list[str]] = {}
    waits: int = 0
    waits_for: Party | None = None
    root_cause: str | None = None
    solution: Solution | None = None
    reply: str | None = None

    @property
    def grade(self) -> ComplaintGraded | None:
        """The grading of the present cycle, or else of the one before."""
        return self.graded.get(self.cycle) or self.graded.get(self.cycle - 1)


class Registration(BaseModel):
    """The command to register: what was given, by whom, under which policy.

    `request` tells one request from another: by the caller's key where it is `keyed`, else by the content.
    """

    given: NewComplaint
    caller: str
    request: str
    keyed: bool
    digest: str
    pack: str
    pack_version: int
    fingerprints: tuple[str, ...] = ()


def check_same(digest: str, given: str) -> None:
    """Raises Invalid if a request key comes again with another payload."""
    if digest != given:
        fault = Fault(detail="take a new key for a new request", pointer="#/Idempotency-Key")
        raise Invalid("This Idempotency-Key was used for another payload", [fault])


IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
