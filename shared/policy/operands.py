"""Operands: whether tests ask of a fact what its type can answer, with values that it can have."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, get_args

from shared.events import Channel, Demand, Language
from shared.policy.conditions import Comparison, tests
from shared.policy.facts import FactRule, Kind
from shared.policy.pack import Pack

Found = Iterator[tuple[tuple[str | int, ...], str]]
BAND = {"at_least", "above", "at_most", "below"}


def known_values(pack: Pack) -> dict[str, list[str]]:
    """Facts that can have certain values only."""
    choices = {name: list(rule.options) for name, rule in pack.facts.items() if rule.options}
    return choices | {
        "channel": list(get_args(Channel)),
        "language": list(get_args(Language)),
        "class": list(pack.classes),
        "department": list(pack.departments),
        "grade": list(pack.scheme.grades),
        "demand_type": list(get_args(Demand.model_fields["type"].annotation)),
    }


def unfit(pack: Pack) -> Found:
    """Comparisons that can never hold, or that mean something else than they say."""
    values, rules = known_values(pack), kinds(pack)
    for place, test in tests(pack, ()):
        for fact, comparison in test.comparisons():
            if fact in rules:
                for wrong in _wrong(comparison, rules[fact], values.get(fact)):
                    yield (*place, fact), wrong


def kinds(pack: Pack) -> dict[str, Kind]:
    """The type of every fact, measures and counters among them."""
    given: Mapping[str, FactRule] = pack.fact_rules
    numbers: dict[str, Kind] = dict.fromkeys([*pack.measures, *pack.counters], "decimal")
    truths: dict[str, Kind] = dict.fromkeys([f"cue.{name}" for name in pack.cues], "boolean")
    return numbers | truths | {name: rule.type for name, rule in given.items()}


def _wrong(comparison: Comparison, kind: Kind, values: Iterable[str] | None) -> Iterator[str]:
    asked = comparison.model_fields_set
    if not asked & {"known"}:
        match kind:
            case "boolean" if not isinstance(comparison.is_, bool):
                yield "this fact is true or false; compare it with one of them"
            case "integer" | "decimal" | "money" if asked & {"one_of"} or isinstance(
                comparison.is_, bool | str
            ):
                yield "this fact is a number; compare it with at_least, above, at_most, below or a number"
            case "instant":
                yield "of an instant only `known` can be asked"
            case "text" | "choice" | "choices" if asked & BAND or isinstance(comparison.is_, bool | Decimal):
                yield "this fact is a text; compare it with one, in quotes where it looks like something else"
    if values is not None and (strange := sorted({*_texts(comparison)} - {*values})):
        yield f"it can never be {strange[0]!r}; use some of {', '.join(list(values)[:30])}"
    low, high = _first(comparison.at_least, comparison.above), _first(comparison.at_most, comparison.below)
    if low is not None and high is not None and low > high:
        yield f"nothing is both above {low} and below {high}"


def _texts(comparison: Comparison) -> Iterator[str]:
    if isinstance(comparison.is_, str):
        yield comparison.is_
    yield from comparison.one_of or ()


def _first(*values: Decimal | None) -> Decimal | None:
    return next((each for each in values if each is not None), None)


def strange_facts(pack: Pack, given: Mapping[str, Any]) -> Iterator[str]:
    """Values of facts in a vector that they cannot have."""
    values = known_values(pack)
    for name in set(given) & set(values) - set(pack.facts):
        if given[name] is not None and given[name] not in values[name]:
            yield f"{name} cannot be {given[name]!r}; use one of {', '.join(values[name][:30])}"
