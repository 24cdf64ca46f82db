"""The forms of requests: a complaint as front ends and partners hand it in."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from shared.events import Channel, Demand, Instant, Language, Money, Name, Product, SafetyFacts, Text

# What a browser's e-mail field takes (WHATWG HTML), with a dot in the domain.
EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
Email = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=5, max_length=500, pattern=r"\S[\s\S]{3,}\S"),
]
Called = Annotated[Name, StringConstraints(pattern=r"\S")]
Phone = Annotated[str, StringConstraints(max_length=40, pattern=r"^\+?[0-9][0-9 ()\-*xX]{3,}$")]


class Given(BaseModel):
    """Part of a request: an unknown field is refused, so that no misspelt one gets lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


def _in_one_word(value: Any, one_of: ValidatorFunctionWrapHandler) -> Any:
    """One fault for a value that is none of these, instead of one for each that it is not."""
    try:
        return one_of(value)
    except ValidationError:
        raise ValueError(
            "give true or false, a number, a text of up to 200 characters, a list of names,"
            " or an amount as value and currency"
        ) from None


MOST_DETAILS = 30
GivenDetail = Annotated[
    StrictBool
    | int
    | Annotated[Decimal, WithJsonSchema({"type": "number"})]
    | Annotated[str, StringConstraints(max_length=200)]
    | list[Name]
    | Money,
    WrapValidator(_in_one_word),
]


def _one_of(*ways: tuple[str, ...]) -> ConfigDict:
    """What JSON Schema says of a form of which one of these groups of fields must be given."""
    text = {"type": "string"}
    given = [{"required": way, "properties": dict.fromkeys(way, text)} for way in ways]
    return ConfigDict(json_schema_extra={"anyOf": given})  # type: ignore[dict-item]  # it is JSON


class Complainant(Given):
    """Who complains. At least one way to reach them is needed."""

    model_config = _one_of(("email",), ("phone",), ("address",))

    name: Called
    email: Email | None = None
    phone: Phone | None = None
    address: Address | None = None

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
    occurred_at: Instant | None = Field(None, description="When it happened")
    place: Name | None = Field(None, description="Where it happened")
    recorder: Name | None = Field(None, description="Who wrote it down; default: the caller")
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


class Whom(Given):
    """A person as a request names them: by a way to reach them, or by one of their complaints."""

    model_config = _one_of(("complaint",), ("email",), ("phone",), ("name", "address"))

    email: Email | None = None
    phone: Phone | None = None
    name: Called | None = Field(None, description="With `address`, for those who gave nothing else")
    address: Address | None = None
    complaint: UUID | None = None
    linked: bool = Field(
        False, description="Also whoever shares a way to be reached with them, and so on: they may be others"
    )

    @model_validator(mode="after")
    def _somebody(self) -> "Whom":
        ways = (self.complaint, self.email, self.phone, self.name and self.address)
        if sum(each is not None for each in ways) != 1:
            raise ValueError("say whose data it is by one of email, phone, name with address, or complaint")
        return self
