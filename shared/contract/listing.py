"""Every public event as a person reads it: what it means, who gets it, each field, a real example."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.contract.asyncapi import meaning_of
from shared.contract.meanings import meaning
from shared.contract.releases import Example, at_work, examples
from shared.contract.schemas import Schema, known_values, schemas
from shared.events import CATALOGUE, FOR_PARTNERS, Language
from shared.policy import phrase


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name with those that it stands in (`loss.value`), and `form`, `values` and meaning.

    `owner` is the event or value that it is a field of. `open` if its list takes other values, too.
    """

    name: str
    form: dict[Language, str]
    meaning: dict[Language, str]
    always: bool
    since: str
    values: tuple[str, ...] = ()
    open: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One event."""

    type: str
    owner: str
    meaning: str
    partners: bool
    since: str
    fields: tuple[Field, ...]
    example: Example | None


LANGUAGES: tuple[Language, ...] = ("zh-CN", "zh-TW", "en")
KINDS = {
    "string": ("文本", "text"),
    "integer": ("整数", "whole number"),
    "number": ("数值", "number"),
    "boolean": ("是或否", "true or false"),
    "object": ("对象", "object"),
    "date-time": ("时间", "instant"),
    "uuid": ("UUID", "UUID"),
}


def listing() -> list[Listed]:
    """In the order of the catalogue."""
    entries = at_work().events
    return [
        Listed(
            type=type,
            owner=kind.owner,
            meaning=meaning_of(kind),
            partners=type in FOR_PARTNERS,
            since=entries[type].since,
            fields=tuple(_fields(schemas()[type], type, entries[type].since, entries[type].added)),
            example=examples().get(type),
        )
        for type, kind in CATALOGUE.items()
        if not kind.private
    ]


def _fields(schema: Schema, type: str, since: str, added: dict[str, str]) -> Iterator[Field]:
    for name in schema.get("properties", {}):
        yield from _field(schema, type, name, "", schema, added.get(name, since))


def _field(whole: Schema, owner: str, name: str, before: str, part: Schema, since: str) -> Iterator[Field]:
    """A field, and after it those of the value in it."""
    own = part["properties"][name]
    value, referred, suffix = _opened(whole, own)
    known = known_values(value)
    words = {language: meaning(owner, name, language) for language in ("zh-CN", "en")}
    yield Field(
        name=before + name + suffix,
        form={each: phrase(each, *_form(value)) for each in LANGUAGES},
        meaning={each: phrase(each, words["zh-CN"], words["en"]) for each in LANGUAGES},
        always=name in part.get("required", ()),
        since=since,
        values=tuple(str(each) for each in known or value.get("enum", ())),
        open=known is not None,
    )
    if referred:
        for inner in value["properties"]:
            yield from _field(whole, referred, inner, f"{before}{name}{suffix}.", value, since)


def _opened(whole: Schema, schema: Schema) -> tuple[Schema, str, str]:
    """What stands in a field, the name of the value if it has one, and `[]` for each list around it."""
    match schema:
        case {"$ref": str(name)}:
            called = name.rpartition("/")[2]
            return whole["$defs"][called], called, ""
        case {"type": "array", "items": dict(items)}:
            value, called, suffix = _opened(whole, items)
            return value, called, "[]" + suffix
    return schema, "", ""


def _form(schema: Schema) -> tuple[str, str]:
    """A form in words, zh-CN and en."""
    if known_values(schema) is not None or "enum" in schema:
        return KINDS["string"]
    match schema:
        case {"anyOf": list(forms)}:
            each = [_form(form) for form in forms]
            return "或".join(dict.fromkeys(zh for zh, _ in each)), " or ".join(
                dict.fromkeys(en for _, en in each)
            )
        case {"type": "array", "items": dict(items)}:
            zh, en = _form(items)
            return f"列表：{zh}", f"list of {en}"
        case {"type": "object", "additionalProperties": dict(values)}:
            zh, en = _form(values)
            return f"按名称：{zh}", f"{en} by name"
        case {"type": "string", "format": str(format)} if format in KINDS:
            return KINDS[format]
        case {"type": str(kind)}:
            zh, en = KINDS[kind]
            return zh + _bounds(schema, "≤"), en + _bounds(schema, "up to ")
    return "任意", "anything"


def _bounds(schema: Any, most: str) -> str:
    """The range of a number, or the length of a text."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" {low:,}–{high:,}"
    if low is not None:
        return f" ≥ {low}"
    return f" {most}{schema['maxLength']}" if "maxLength" in schema else ""
