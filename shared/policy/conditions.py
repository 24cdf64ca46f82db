"""Conditions: what a rule asks of the facts, and what it found when they were so."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from shared.events import Language
from shared.policy.words import in_all, phrase

FactValue = str | bool | int | Decimal | datetime | tuple[str, ...] | None
Facts = Mapping[str, FactValue]


Number = Annotated[Decimal, Field(ge=-(10**15), le=10**15, decimal_places=9)]


class Section(BaseModel):
    """A part of a pack: frozen, and no key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class Comparison(Section):
    """What one fact must be: a band with explicit ends, a value, one of several, or (not) known at all.

    A fact that is not known is never inside a band, never equal to anything.
    """

    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None
    is_: StrictBool | Number | str | None = Field(None, alias="is")
    one_of: tuple[str, ...] | None = None
    known: bool | None = None

    @model_validator(mode="after")
    def _one_question(self) -> "Comparison":
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        if not given:
            raise ValueError("give one of at_least, above, at_most, below, is, one_of, known")
        if len(given) > 1 and given & {"is_", "one_of", "known"}:
            raise ValueError("is, one_of and known stand alone")
        if {"at_least", "above"} <= given or {"at_most", "below"} <= given:
            raise ValueError("a band has one lower end (at_least or above) and one upper (at_most or below)")
        return self

    def holds(self, value: FactValue) -> bool:
        """Whether the fact is as asked for."""
        if self.known is not None:
            return (value is not None) is self.known
        match value:
            case None:
                return False
            case bool():
                return self.is_ is value
            case Decimal() | int():
                return value == self.is_ if self.is_ is not None else self._in_band(Decimal(value))
            case str():
                return value == self.is_ or value in (self.one_of or ())
            case tuple():
                return self.is_ in value or bool(set(value) & set(self.one_of or ()))
            case datetime():
                return False

    def _in_band(self, value: Decimal) -> bool:
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
            and self.one_of is None
        )

    def words(self, language: Language, titles: Mapping[str, str] | None = None) -> str:
        """The comparison as people say it; `titles` are what they call the fact's options."""
        asked = [(name, _titled(value, titles or {})) for name, value in self._asked()]
        said = [WORDS[language][name].format(_shown(value, language)) for name, value in asked]
        return (" " if language == "en" else "且").join(said)

    def _asked(self) -> Iterator[tuple[str, Any]]:
        for name in ("at_least", "above", "at_most", "below", "is_", "one_of", "known"):
            if (value := getattr(self, name)) is not None:
                yield (f"known {value}", value) if name == "known" else (name, value)

    def __str__(self) -> str:
        return " ".join(SIGNS[name].format(_shown(value, "en")) for name, value in self._asked())


SIGNS = {
    "at_least": ">= {}",
    "above": "> {}",
    "at_most": "<= {}",
    "below": "< {}",
    "is_": "is {}",
    "one_of": "one of {}",
    "known True": "known",
    "known False": "not known",
}
WORDS: dict[Language, dict[str, str]] = in_all({
    "en": SIGNS
    | {"at_least": "at least {}", "above": "more than {}", "at_most": "at most {}", "below": "less than {}"},
    "zh-CN": {
        "at_least": "不低于 {}",
        "above": "超过 {}",
        "at_most": "不超过 {}",
        "below": "低于 {}",
        "is_": "为 {}",
        "one_of": "属于 {}",
        "known True": "已知",
        "known False": "未知",
    },
})  # fmt: skip


def _titled(value: Any, titles: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(titles.get(each, each) for each in value)
    return titles.get(value, value) if isinstance(value, str) else value


def _shown(value: Any, language: Language) -> str:
    match value:
        case bool():
            return phrase(language, "是" if value else "否", "yes" if value else "no")
        case tuple():
            return (", " if language == "en" else "、").join(value)
    return plain(value)


def plain(value: FactValue) -> str:
    """A fact's value as records and events write it: decimals without exponent or idle zeros."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case tuple():
            return ", ".join(value)
        case datetime():
            return value.isoformat()
    return str(value)


def _comparison(given: Any) -> Any:
    """The short forms: a plain value means `is`, a list means `one_of`."""
    if isinstance(given, Comparison | dict):
        return given
    return {"one_of": given} if isinstance(given, list | tuple) else {"is": given}


Operand = Annotated[
    Comparison,
    BeforeValidator(_comparison, json_schema_input_type=bool | Decimal | str | list[str] | Comparison),
]


class Finding(Section):
    """One comparison that held: the fact, its value then, and what it was compared with."""

    fact: str
    value: FactValue
    comparison: Comparison


class Test(Section):
    """Facts and what they must be, all of it: `{loss: {at_least: 5000}, channel: [media]}`.

    Beside facts it may hold `any` and `all` (lists of tests) and `not` (one test). An empty test holds.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Operand] = Field(init=False)
    __test__ = False  # pytest: this is not one of yours

    any: tuple["Test", ...] = ()
    all: tuple["Test", ...] = ()
    not_: "Test | None" = Field(None, alias="not")

    def names(self) -> Iterator[str]:
        """Every fact it asks for."""
        yield from (fact for fact, _ in self.comparisons())

    @model_validator(mode="after")
    def _some(self) -> "Test":
        if "any" in self.model_fields_set and not self.any:
            raise ValueError("any needs at least one test")
        return self

    def comparisons(self) -> Iterator[tuple[str, Comparison]]:
        """Every fact and what it must be."""
        yield from self.__pydantic_extra__.items()
        for inner in (*self.any, *self.all, *([self.not_] if self.not_ else [])):
            yield from inner.comparisons()

    def findings(self, facts: Facts) -> list[Finding] | None:
        """The comparisons that made it hold; None if it does not hold."""
        found = []
        for fact, comparison in self.__pydantic_extra__.items():
            if not comparison.holds(facts.get(fact)):
                return None
            found.append(Finding(fact=fact, value=facts.get(fact), comparison=comparison))
        for inner in self.all:
            if (more := inner.findings(facts)) is None:
                return None
            found += more
        if self.any:
            ways = [more for inner in self.any if (more := inner.findings(facts)) is not None]
            if not ways:
                return None
            found += [finding for more in ways for finding in more]
        if self.not_ is not None and self.not_.findings(facts) is not None:
            return None
        return found

    def holds(self, facts: Facts) -> bool:
        return self.findings(facts) is not None


def tests(part: Any, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Test]]:
    """Every test in a part of a pack, with its place."""
    match part:
        case Test():
            yield place, part
        case BaseModel():
            for name, field in type(part).model_fields.items():
                yield from tests(getattr(part, name), (*place, field.alias or name))
        case dict():
            for name, value in part.items():
                yield from tests(value, (*place, name))
        case tuple():
            for number, value in enumerate(part):
                yield from tests(value, (*place, number))
