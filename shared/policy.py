"""Policy packs: a regulation as data, `policies/<pack>/<version>.yaml`; each service reads its own sections.

A version never changes once used; a complaint pins pack and version when it is registered.
"""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.events import Channel, Language, Money
from shared.problems import Invalid, fitting

FOLDER = Path(__file__).parents[1] / "policies"


def _both(titles: dict[Language, str]) -> dict[Language, str]:
    if absent := set(get_args(Language)) - set(titles):
        raise ValueError(f"there is no title in {', '.join(sorted(absent))}")
    return titles


Titles = Annotated[dict[Language, str], AfterValidator(_both)]
P = TypeVar("P", bound="Section")
FactValue = str | bool | int | Decimal | None


class Section(BaseModel):
    """A part of a pack: frozen, and no key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(Section):
    """A comparison of one fact; exactly one of the operators is given."""

    fact: str
    at_least: Decimal | None = None
    above: Decimal | None = None
    is_: bool | str | None = Field(None, alias="is")
    one_of: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_operator(self) -> "Condition":
        given = [name for name in ("at_least", "above", "is_", "one_of") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a condition takes exactly one of at_least, above, is, one_of")
        return self

    def holds(self, value: FactValue) -> bool:
        """Whether the comparison is true; a fact that is not known makes it false."""
        match value:
            case None:
                return False
            case bool():
                return self.is_ is value
            case Decimal() | int():
                if self.at_least is not None:
                    return value >= self.at_least
                return self.above is not None and value > self.above
            case str():
                return value == self.is_ or value in (self.one_of or ())

    def __str__(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least}"
        if self.above is not None:
            return f"> {self.above}"
        return f"one of {', '.join(self.one_of)}" if self.one_of else f"is {self.is_}"


class Row(Section):
    """A row of a grading scheme: any of its conditions gives the grade."""

    rule: str
    grade: str
    any: tuple[Condition, ...] = Field(min_length=1)


class Class(Section):
    """What kind of matter: who answers, which words suggest it, which causes it may have."""

    title: Titles
    lead: str
    departments: tuple[str, ...]
    cues: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


class Grade(Section):
    title: Titles


class Department(Section):
    title: Titles
    email: str


class Budget(Section):
    """How long a clock runs: natural hours, or whole working days after the day of the start."""

    hours: int | None = Field(None, ge=0)
    working_days: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _one_unit(self) -> "Budget":
        if (self.hours is None) == (self.working_days is None):
            raise ValueError("a budget takes either hours or working_days")
        return self


class ClockRule(Section):
    """A deadline: from the mark `start` to the mark `stop`, by grade (`default` for all others)."""

    title: Titles
    start: str
    stop: str
    due: dict[str, Budget]
    warn: Annotated[Decimal, Field(gt=0, lt=1)] | None = None

    def budget(self, grade: str) -> Budget:
        return self.due.get(grade) or self.due["default"]


class SurveyRule(Section):
    """Asking afterwards: how long an answer is awaited, and below which score the complaint is reopened."""

    expires_days: int = Field(ge=1)
    reopen_below: int = Field(ge=0, le=10)


class Rates(Section):
    """The currency in which rules name sums, and what one unit of another is worth in it."""

    currency: str
    rates: dict[str, Decimal] = {}

    def worth(self, money: Money | None) -> Decimal | None:
        """The amount in the pack's currency; None if there is none, or no rate for it."""
        if money is None:
            return None
        rate = Decimal(1) if money.currency == self.currency else self.rates.get(money.currency)
        return None if rate is None else money.value * rate


class Pack(Section):
    """A whole regulation. `grades` stand gravest first; the first row of a grade is not special."""

    pack: str
    version: int = Field(ge=1)
    title: Titles
    source: str
    calendar: str
    money: Rates
    classes: dict[str, Class]
    fallback_class: str
    grades: dict[str, Grade]
    cues: dict[str, tuple[str, ...]]
    grading: tuple[Row, ...]
    fallback_grade: str
    departments: dict[str, Department]
    clocks: dict[str, ClockRule]
    feedback: dict[Channel, Literal["email", "call", "letter", "message"]]
    survey: SurveyRule

    @model_validator(mode="after")
    def _whole(self) -> "Pack":
        grades, departments = set(self.grades), set(self.departments)
        named = {row.grade for row in self.grading} | {self.fallback_grade}
        routed = {name for kind in self.classes.values() for name in (kind.lead, *kind.departments)}
        for what, missing in (("grades", named - grades), ("departments", routed - departments)):
            if missing:
                raise ValueError(f"{what} does not define {', '.join(sorted(missing))}")
        for name, rule in self.clocks.items():
            if "default" not in rule.due and grades - set(rule.due):
                raise ValueError(f"clocks/{name}/due takes a default or every grade")
        if absent := set(get_args(Channel)) - set(self.feedback):
            raise ValueError(f"feedback does not name {', '.join(sorted(absent))}")
        if self.fallback_class not in self.classes:
            raise ValueError(f"classes does not define the fallback_class {self.fallback_class}")
        return self


class Calendar(Section):
    """Monday to Friday, less `days_off`, plus `days_worked`; `years` are those with an official notice."""

    calendar: str
    time_zone: str
    years: tuple[int, ...]
    days_off: frozenset[date]
    days_worked: frozenset[date]


@cache
def load_calendar(name: str) -> Calendar:
    """The calendar of this name. Raises Invalid if there is none, or it breaks its form."""
    return _read(f"calendars/{name}.yaml", Calendar)


@cache
def load(pack: str, version: int) -> Pack:
    """The pack of this name and version. Raises Invalid, naming the file and the faulty clauses."""
    return _read(f"{pack}/{version}.yaml", Pack)


def _read(name: str, kind: type[P]) -> P:
    path = FOLDER / name
    if not path.is_file():
        raise Invalid(f"There is no file {name} among the policies")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise Invalid(f"{name} is not YAML: {error}") from None
    with fitting(f"{name} breaks its form"):
        return kind.model_validate(content)
