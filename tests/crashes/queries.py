"""As much of MongoDB's query and update language as the services speak; what it does not know, it refuses."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

Document = dict[str, Any]
_MISSING = object()


def matches(document: Mapping[str, Any], query: Mapping[str, Any], now: datetime) -> bool:
    """Whether a query finds a document; `now` is what the database's clock shows."""
    return all(_clause(document, key, wanted, now) for key, wanted in query.items())


def _clause(document: Mapping[str, Any], key: str, wanted: Any, now: datetime) -> bool:
    match key:
        case "$and":
            return all(matches(document, each, now) for each in wanted)
        case "$or":
            return any(matches(document, each, now) for each in wanted)
        case "$expr":
            return bool(evaluate(wanted, document, now))
    found = reach(document, key)
    if isinstance(wanted, Mapping) and any(name.startswith("$") for name in wanted):
        return all(_TESTS[name](found, value) for name, value in wanted.items())
    return _equals(found, wanted)


def reach(document: Any, path: str) -> Any:
    """The value at a path; through a list, the list of the values in its members."""
    for name in path.split("."):
        if isinstance(document, list):
            document = [each[name] for each in document if name in each] or _MISSING
        else:
            document = document.get(name, _MISSING) if isinstance(document, Mapping) else _MISSING
    return document


def _equals(found: Any, wanted: Any) -> bool:
    if wanted is None:
        return found is _MISSING or found is None
    return bool(found == wanted) or (isinstance(found, list) and wanted in found)


def _compares(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, wanted: any(
        type(each) is type(wanted) and test(each, wanted)
        for each in (found if isinstance(found, list) else [found])
    )


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$exists": lambda found, wanted: (found is not _MISSING) == bool(wanted),
    "$eq": _equals,
    "$ne": lambda found, wanted: not _equals(found, wanted),
    "$in": lambda found, wanted: any(_equals(found, each) for each in wanted),
    "$nin": lambda found, wanted: not any(_equals(found, each) for each in wanted),
    "$lt": _compares(lambda one, other: one < other),
    "$lte": _compares(lambda one, other: one <= other),
    "$gt": _compares(lambda one, other: one > other),
    "$gte": _compares(lambda one, other: one >= other),
}


def evaluate(expression: Any, document: Mapping[str, Any], now: datetime, this: Any = None) -> Any:
    """An aggregation expression; None for what is missing, as in comparisons of the database."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _named(expression, document, now, this)
    if isinstance(expression, list):
        return [evaluate(each, document, now, this) for each in expression]
    if not isinstance(expression, Mapping):
        return expression
    [(operator, given)] = expression.items()
    if operator == "$filter":
        every = evaluate(given["input"], document, now) or []
        return [each for each in every if evaluate(given["cond"], document, now, each)]
    return _OPERATORS[operator](evaluate(given, document, now, this))


def _named(name: str, document: Mapping[str, Any], now: datetime, this: Any) -> Any:
    if name == "$$NOW":
        return now
    if name == "$$REMOVE":
        return _MISSING
    found = reach(this, name[7:]) if name.startswith("$$this.") else reach(document, name[1:])
    return None if found is _MISSING else found


_OPERATORS: Mapping[str, Callable[[Any], Any]] = {
    "$not": lambda given: not (given[0] if isinstance(given, list) else given),
    "$in": lambda given: given[0] in given[1],
    "$eq": lambda given: given[0] == given[1],
    "$lte": lambda given: given[0] <= given[1],
    "$gte": lambda given: given[0] >= given[1],
    "$add": lambda given: given[0] + timedelta(milliseconds=given[1]),
    "$subtract": lambda given: given[0] - timedelta(milliseconds=given[1]),
    "$cond": lambda given: given[1] if given[0] else given[2],
}


def updated(
    document: Document, update: Mapping[str, Any] | Sequence[Mapping[str, Any]], now: datetime
) -> Document:
    """A document after an update, or after a pipeline of updates."""
    if isinstance(update, Mapping):
        for operator, values in update.items():
            for path, value in values.items():
                _CHANGES[operator](document, path, value, now)
        return document
    for stage in update:
        values = {path: evaluate(value, document, now) for path, value in stage["$set"].items()}
        for path, value in values.items():
            (_unset if value is _MISSING else _set)(document, path, value, now)
    return document


def _home(document: Document, path: str) -> tuple[Document, str]:
    *way, name = path.split(".")
    for step in way:
        document = document.setdefault(step, {})
    return document, name


def _set(document: Document, path: str, value: Any, now: datetime) -> None:
    home, name = _home(document, path)
    home[name] = value


def _unset(document: Document, path: str, value: Any, now: datetime) -> None:
    home, name = _home(document, path)
    home.pop(name, None)


def _push(document: Document, path: str, value: Any, now: datetime) -> None:
    home, name = _home(document, path)
    each = value["$each"] if isinstance(value, Mapping) and "$each" in value else [value]
    kept = [*home.get(name, []), *each]
    home[name] = kept[value["$slice"] :] if "$slice" in value else kept


def _pull(document: Document, path: str, value: Any, now: datetime) -> None:
    home, name = _home(document, path)
    home[name] = [each for each in home.get(name, []) if not matches(each, value, now)]


def _min(document: Document, path: str, value: Any, now: datetime) -> None:
    home, name = _home(document, path)
    home[name] = min(home.get(name, value), value)


def _increase(document: Document, path: str, value: Any, now: datetime) -> None:
    home, name = _home(document, path)
    home[name] = home.get(name, 0) + value


_CHANGES: Mapping[str, Callable[[Document, str, Any, datetime], None]] = {
    "$set": _set,
    "$unset": _unset,
    "$push": _push,
    "$pull": _pull,
    "$min": _min,
    "$inc": _increase,
    "$currentDate": lambda document, path, value, now: _set(document, path, now, now),
}
