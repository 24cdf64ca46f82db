"""Vectors: known answers of a regulation, which its pack must give before it may be used."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, model_validator

from shared.policy.clocks import Mark
from shared.policy.conditions import Section


class Earlier(Section):
    """A complaint of the same series that came so long before, and was put right then or not."""

    hours: Annotated[Decimal, Field(ge=-100_000, le=100_000)] = Decimal(0)
    seconds: Annotated[Decimal, Field(ge=-(10**8), le=10**8)] = Decimal(0)
    rectified: bool = False


class Counted(Section):
    """The how-manieth case of a grade in a year, in all or for one value of what the quota is kept by."""

    grade: str
    number: int
    value: str | None = None


class Figure(Section):
    """A month's figure for a target: so many, of so many."""

    target: str
    part: Decimal
    whole: Decimal | None = None


class Expected(Section):
    """What must come out; what is not named is not asked."""

    grade: str | None = None
    grades: dict[str, str] = {}
    sequence: tuple[str, ...] = ()
    facts: dict[str, Any] = {}
    pending: tuple[str, ...] | None = None
    marks: tuple[str, ...] | None = None
    provisional: bool | None = None
    gates: tuple[str, ...] | None = None
    due: dict[str, AwareDatetime | None] = {}
    missing: tuple[str, ...] | None = None
    lead: str | None = None
    departments: tuple[str, ...] | None = None
    approvers: tuple[str, ...] | None = None
    allowed: str | None = None
    refused: str | None = None
    route: str | None = None
    exceeded: bool | None = None
    reached: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> "Expected":
        if not self.model_fields_set:
            raise ValueError("a vector expects something; an empty one can never fail")
        return self


class Vector(Section):
    """One known answer: parameters (`with`), facts, decisions, earlier complaints, and what is expected.

    `sequence` is several complaints of one series, an hour apart; `marks` is when what happened, for clocks.
    """

    name: str
    with_: dict[str, bool | int | Decimal | str] = Field({}, alias="with")
    facts: dict[str, Any] = {}
    decided: dict[str, str] = {}
    earlier: tuple[Earlier, ...] = ()
    sequence: tuple[dict[str, Any], ...] = ()
    marks: dict[Mark, AwareDatetime] = {}
    quota: Counted | None = None
    figure: Figure | None = None
    expect: Expected
