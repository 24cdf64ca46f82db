"""What a query of the ledger takes, without a database: its operators as MongoDB reads them."""

from collections.abc import Callable, Mapping
from typing import Any

COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "$gte": lambda value, bound: value is not None and value >= bound,
    "$lte": lambda value, bound: value is not None and value <= bound,
    "$gt": lambda value, bound: value is not None and value > bound,
    "$lt": lambda value, bound: value is not None and value < bound,
    "$nin": lambda value, bound: set(_listed(value)).isdisjoint(bound),
}


def takes(query: Mapping[str, Any], lifted: Mapping[str, Any]) -> bool:
    """Whether a document with these lifted values is found."""
    return all(_holds(name, wanted, lifted) for name, wanted in query.items())


def _holds(name: str, wanted: Any, lifted: Mapping[str, Any]) -> bool:
    match name:
        case "$and":
            return all(takes(each, lifted) for each in wanted)
        case "$nor":
            return not any(takes(each, lifted) for each in wanted)
    value = lifted.get(name)
    if isinstance(wanted, dict):
        return all(COMPARED[operator](value, bound) for operator, bound in wanted.items())
    return wanted in value if isinstance(value, list) else bool(value == wanted)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
