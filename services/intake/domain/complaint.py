"""The complaint: what the customer told us, and how it is registered."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.intake.domain.stages import Stage
from shared.envelope import Cause
from shared.events import (
    Channel,
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintRegistered,
    ContactRecorded,
    Demand,
    Fact,
    Language,
    Money,
    Name,
    Product,
    SafetyFacts,
    StatementRecorded,
    Text,
)
from shared.policy import load
from shared.problems import Fault, Invalid

# What a browser's e-mail field takes (WHATWG HTML), with a dot in the domain.
EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
Email = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
Phone = Annotated[str, StringConstraints(max_length=40, pattern=r"^\+?[0-9][0-9 ()\-*xX]{3,}$")]


class Given(BaseModel):
    """Part of a request: an unknown field is refused, so that no misspelt one gets lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


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


class GivenFacts(SafetyFacts, Given):
    """Structured facts; unknown names are refused."""


class NewComplaint(Given):
    """A complaint as front ends and partners hand it in."""

    channel: Channel
    language: Language = "zh-CN"
    received_at: AwareDatetime | None = Field(None, description="When the customer spoke; default: now")
    class_: str | None = Field(None, alias="class", max_length=100, description="Default: read off the text")
    complainant: Complainant
    product: Purchase = Purchase()
    description: Text
    demand: Demand | None = None
    loss: Money | None = None
    facts: GivenFacts = GivenFacts()


class Solution(BaseModel):
    """How it is to be put right."""

    measure: str
    department: str
    due: AwareDatetime | None = None
    cost: Money | None = None


class Complaint(BaseModel):
    """The record of one complaint.

    `told` and `scores` hold, by cycle, what the other services reported; `requests` the digest of each step
    taken under an Idempotency-Key; `proposals` counts those of the present cycle.
    """

    number: str
    caller: str
    request: str | None
    digest: str
    traceparent: str | None
    pack: str
    pack_version: int
    given: NewComplaint
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
    root_cause: str | None = None
    solution: Solution | None = None
    reply: str | None = None

    @property
    def grade(self) -> ComplaintGraded | None:
        """The grading of the present cycle, or else of the one before."""
        return self.graded.get(self.cycle) or self.graded.get(self.cycle - 1)


class Registration(BaseModel):
    """The command to register: what was given, by whom, under which request key and policy."""

    given: NewComplaint
    caller: str
    request: str | None
    digest: str
    pack: str
    pack_version: int


def register(state: Complaint | None, cause: Cause[Registration]) -> tuple[Complaint, list[Fact]]:
    """Take a complaint in. Raises Invalid for a class its pack does not know, or a future instant."""
    if state is not None:
        return state, []
    asked, given = cause.data, cause.data.given
    check(given, cause.time, asked.pack, asked.pack_version)
    received_at = given.received_at or cause.time
    complaint = Complaint(
        number=cause.subject,
        traceparent=cause.traceparent,
        received_at=received_at,
        registered_at=cause.time,
        **asked.model_dump(exclude={"given"}),
        given=given,
    )
    pinned = {"pack": asked.pack, "pack_version": asked.pack_version}
    return complaint, [
        ComplaintRegistered(
            **pinned,
            **given.model_dump(include={"channel", "language", "class_", "demand", "loss", "facts"}),
            product=Product.model_validate(given.product.model_dump()),
            received_at=received_at,
        ),
        ContactRecorded.model_validate(given.complainant.model_dump()),
        StatementRecorded(**pinned, text=given.description),
    ]


def check(given: NewComplaint, now: datetime, pack: str, version: int) -> None:
    """What the form alone cannot tell. Raises Invalid."""
    classes = load(pack, version).classes
    if given.class_ is not None and given.class_ not in classes:
        raise Invalid(
            "The policy pack does not know this class",
            [Fault(detail=f"use one of {', '.join(classes)}", pointer="#/class")],
        )
    if given.received_at is not None and given.received_at > now:
        raise Invalid(
            "A complaint cannot have been received in the future",
            [Fault(detail="give an instant not later than now", pointer="#/received_at")],
        )


def check_same(digest: str, given: str) -> None:
    """Raises Invalid if a request key comes again with another payload."""
    if digest != given:
        fault = Fault(detail="take a new key for a new request", pointer="#/Idempotency-Key")
        raise Invalid("This Idempotency-Key was used for another payload", [fault])


IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
