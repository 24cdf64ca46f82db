"""Measures: facts that follow from other facts by a table: points, rates, sums."""

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from shared.policy.conditions import FactValue, Number, Section, Test
from shared.policy.words import Titles

ROUNDINGS = {"floor": ROUND_FLOOR, "ceil": ROUND_CEILING}


class Step(Section):
    """One line of a step function: `base`, and `adds` for every `unit` of the input beyond `over`."""

    when: Test = Test()
    base: Number = Decimal(0)
    over: Number = Decimal(0)
    unit: Annotated[Number, Field(gt=0)] = Decimal(1)
    adds: Number = Decimal(0)
    rounding: Literal["floor", "ceil", "proportional"] = "floor"

    def value(self, amount: Decimal) -> Decimal:
        units = max(amount - self.over, Decimal(0)) / self.unit
        if self.rounding != "proportional":
            units = units.to_integral_value(ROUNDINGS[self.rounding])
        return self.base + self.adds * units


class Measure(Section):
    """A computed fact: steps over the fact `of` (the first that fits), a ratio of two, or facts combined.

    It is not known while what it needs is not; a combination leaves out what is not known.
    """

    title: Titles
    of: str | None = None
    steps: tuple[Step, ...] = ()
    ratio: tuple[str, str] | None = None
    combine: tuple[str, ...] = ()
    by: Literal["sum", "worst"] = "sum"

    @model_validator(mode="after")
    def _one_kind(self) -> "Measure":
        if [bool(self.steps), self.ratio is not None, bool(self.combine)].count(True) != 1:
            raise ValueError("a measure has exactly one of steps (with of), ratio, combine (with by)")
        if bool(self.steps) != (self.of is not None):
            raise ValueError("steps need the fact they are counted of: give of")
        return self

    def names(self) -> Iterator[str]:
        """Every fact it asks for."""
        yield from (self.of,) if self.of else ()
        yield from self.ratio or ()
        yield from self.combine
        for step in self.steps:
            yield from step.when.names()

    def value(self, facts: Mapping[str, FactValue]) -> Decimal | None:
        if self.ratio is not None:
            part, whole = (number(facts.get(name)) for name in self.ratio)
            return None if part is None or not whole else part / whole
        if self.combine:
            known = [each for name in self.combine if (each := number(facts.get(name))) is not None]
            return (sum(known, Decimal(0)) if self.by == "sum" else max(known)) if known else None
        amount = number(facts.get(self.of or ""))
        fits = (step.value(amount) for step in self.steps if amount is not None and step.when.holds(facts))
        return next(fits, None)


def number(value: Any) -> Decimal | None:
    """A fact as a number; None if it is not known, or none."""
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def measured(measures: Mapping[str, Measure], facts: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """The facts, and every measure that can be known from them; a measure may use those before it, and one
    that is given stands."""
    known = dict(facts)
    for name, measure in measures.items():
        if name not in known and (value := measure.value(known)) is not None:
            known[name] = value
    return known
