"""Mending: what pydantic finds wrong in a pack, said as what to write instead."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

SHAPES = {
    "Duration": "write a length of time, such as {hours: 48} or {working_days: 5}",
    "Before": "write a share such as 0.8, or a time before the end such as {hours: 4}",
    "Test": "write a test, such as {loss: {at_least: 5000}}",
    "Comparison": "write a value, a list of values, or a comparison such as {at_least: 5000}",
    "Requirement": "write {fields: [name, ...], when: {...}}",
    "Parameter": "write {title: {zh-CN: ..., en: ...}, value: ...}",
    "Grade": "write {title: {zh-CN: ..., en: ...}}",
    "NoticeRule": "write {to: [role, ...], urgent: true, texts: {zh-CN: ..., en: ...}}",
    "Posting": "write {quiet_from: '22:00', quiet_until: '08:00', most_per_hour: 10}",
    "Cues": "write {strong: [...], plain: [...], weak: [...]}",
}


def mend(found: Mapping[str, Any], kind: type[BaseModel]) -> str:
    """One finding in words."""
    location = found["loc"]
    match found["type"]:
        case "extra_forbidden":
            return _unknown_key(str(location[-1]), keys_at(kind, location[:-1]))
        case "missing":
            return f"{location[-1]} is missing"
        case "literal_error":
            return f"use one of {found['ctx']['expected']}"
        case "model_type" | "model_attributes_type" | "dataclass_type":
            name = found.get("ctx", {}).get("class_name", "")
            return SHAPES.get(name, "write a mapping, {key: value, ...}")
        case "dict_type":
            return (
                "write {zh-CN: ..., en: ...}"
                if {"title", "texts"} & {*location}
                else "write a mapping, {name: ...}"
            )
        case "tuple_type" | "list_type" | "frozen_set_type":
            return "write a list, [...]"
        case "string_type":
            return _no_text(found["input"])
        case "invalid_key":
            return "a key is a text; quote on, off, yes, no and numbers, and write 8000 instead of 8,000"
        case "timezone_aware":
            return "add the offset to the instant, such as +08:00"
        case "decimal_parsing" | "decimal_type" | "int_parsing" | "int_type" | "bool_type" | "bool_parsing":
            return f"{str(found['input'])[:40]!r} is not {WANTED[found['type'].partition('_')[0]]}"
    return str(found["msg"]).removeprefix("Value error, ")


WANTED = {"decimal": "a number", "int": "a whole number", "bool": "true or false"}


def _no_text(given: Any) -> str:
    if isinstance(given, bool):
        return "an unquoted on, off, yes or no is read as true or false; put it in quotes"
    if isinstance(given, int | float):
        return f'put it in quotes: "{given}"'
    return "write a text here"


def _unknown_key(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return f"there is no key {name!r} here" + (f"; {hint}" if known else "")


def keys_at(kind: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    """The keys that the form knows at a place."""
    kinds: set[Any] = {kind}
    for part in place:
        inner = {each for one in kinds for each in _inside(one, str(part))}
        kinds = inner or kinds
    return sorted({key for each in kinds if _is_form(each) for key in _keys(each)})


def _is_form(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _keys(kind: type[BaseModel]) -> Iterator[str]:
    yield from (field.alias or name for name, field in kind.model_fields.items())


def _inside(kind: Any, part: str) -> Iterator[Any]:
    """The forms that lie one step further in."""
    if _is_form(kind):
        for name, field in kind.model_fields.items():
            if part in (name, field.alias):
                yield from _forms(field.annotation)
    elif part.isdigit() or get_args(kind):
        yield from _forms(kind)


def _forms(annotation: Any) -> Iterator[Any]:
    """The forms that an annotation speaks of, through lists, mappings and alternatives."""
    if _is_form(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _forms(inner)
