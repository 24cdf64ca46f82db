"""Writing calendars as YAML, in the form of those in the box."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import yaml


def written(header: str, content: Mapping[str, Any]) -> str:
    """A calendar's content in its order, under a comment."""
    return header + "".join(f"{line}\n" for line in _lines(content, ""))


def header_of(text: str) -> str:
    """The comment with which a file begins."""
    found = re.match(r"(?:[ \t]*(?:#.*)?\n)*", text)
    return found[0] if found else ""


def has_other_comments(text: str) -> bool:
    return re.search(r"(?m)(?:^|\s)#", text[len(header_of(text)) :]) is not None


def in_years(days: Mapping[date, str], *, apart: bool) -> dict[Any, str]:
    """Days in order; `apart` puts an empty line between years."""
    found: dict[Any, str] = {}
    for before, day in pairwise([None, *sorted(days)]):
        if apart and before and day and before.year != day.year:
            found[_Gap(day.year)] = ""
        if day:
            found[day] = days[day]
    return found


class _Gap(int):
    """Stands where an empty line comes, before a year."""


def _lines(content: Mapping[Any, Any], indent: str) -> Iterator[str]:
    for key, value in content.items():
        name = key.isoformat() if isinstance(key, date) else _scalar(key)
        if isinstance(key, _Gap):
            yield ""
        elif isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _lines(value, f"{indent}  ")
        else:
            yield f"{indent}{name}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    """As plain as YAML reads it back, else quoted."""
    if isinstance(value, str):
        return value if _plain(value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=str)


def _plain(text: str) -> bool:
    try:
        return "'" not in text and bool(yaml.safe_load(f"- {text}") == [text] and text == text.strip())
    except yaml.YAMLError:
        return False
