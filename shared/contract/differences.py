"""What breaks whoever reads events when one JSON Schema takes another's place, in words with the mend.

A subscriber was written against the old schema and reads new events: nothing may be wider than before. And
today's code reads old events from the history: nothing may be narrower. So what a schema says stays as it is,
but for words about it, fields that may be absent, and further values of a list that was open from the start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contract.schemas import Schema, known_values

READERS = "subscribers are not prepared for it"
HISTORY = "events from the history could not be read any more"
WORDS_ONLY = ("title", "description", "examples", "deprecated", "$schema", "$id", "$defs", "$comment")
"""Keywords that no event is measured by."""
AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
INSIDE = ("properties", "required", "items", "additionalProperties", "anyOf", "enum")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that breaks somebody: where, what is different, whom it breaks, and what to do instead."""

    place: str
    what: str
    breaks: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.breaks}. Mend: {self.mend}"


Found = Iterator[Difference]
NEW_FIELD = "leave the field as it was and add another one, or publish a new version of the event beside it"
NEW_VALUE = "publish a new version of the event beside it; only open lists grow"


def bare(schema: Mapping[str, Any]) -> Schema:
    """The schema with its definitions in their places and without words: what events are measured by."""
    return _resolved(dict(schema), schema.get("$defs", {}))


def _resolved(part: Schema, definitions: Mapping[str, Schema]) -> Schema:
    told: Schema = {}
    if "$ref" in part:
        told |= _resolved(definitions[part["$ref"].rpartition("/")[2]], definitions)
    for keyword, value in part.items():
        if keyword in WORDS_ONLY or keyword == "$ref":
            continue
        match keyword, value:
            case "properties", dict():
                told[keyword] = {name: _resolved(each, definitions) for name, each in value.items()}
            case "additionalProperties" | "items", dict():
                told[keyword] = _resolved(value, definitions)
            case "anyOf", list():
                told[keyword] = [_resolved(each, definitions) for each in value]
            case _:
                told[keyword] = value
    return told


def differences(old: Schema, new: Schema, place: str) -> Found:
    """Everything that breaks somebody when `new` takes the place of `old`; both are bare."""
    if old == new:
        return
    known, now = known_values(old), known_values(new)
    for keyword in sorted({*old, *new} - {*INSIDE}):
        yield from _keyword(keyword, old.get(keyword), new.get(keyword), place)
    yield from _values(old.get("enum"), new.get("enum"), place)
    yield from _fields(old, new, place)
    for keyword, said in (("items", "[]"), ("additionalProperties", "{}")):
        yield from _members(old.get(keyword), new.get(keyword), place + said)
    if known is not None and now is not None:
        yield from _gone(known, now, place)
    else:
        yield from _forms(old.get("anyOf"), new.get("anyOf"), place)


def _keyword(keyword: str, old: Any, new: Any, place: str) -> Found:
    if old == new:
        return
    what = f"{keyword} was {_told(old)} and is {_told(new)}"
    if keyword in AT_LEAST + AT_MOST:
        wider = new is None or (old is not None and (new < old) == (keyword in AT_LEAST))
        yield Difference(place, what, READERS if wider else HISTORY, NEW_FIELD)
    elif keyword == "default":
        yield Difference(place, what, "an event without the field would mean something else", NEW_FIELD)
    else:
        yield Difference(place, what, f"{READERS}, or {HISTORY}", NEW_FIELD)


def _told(value: Any) -> str:
    return "absent" if value is None else repr(value)


def _gone(old: list[Any], new: list[Any], place: str) -> Found:
    for value in old:
        if value not in new:
            yield Difference(place, f"{value!r} is no value any more", HISTORY, "leave the value in the list")


def _values(old: list[Any] | None, new: list[Any] | None, place: str) -> Found:
    """A closed list: what may stand in it is part of the event's version."""
    if old is None or new is None:
        if old != new:
            what = "a list of values became free" if new is None else "only listed values are allowed now"
            yield Difference(place, what, READERS if new is None else HISTORY, NEW_FIELD)
        return
    yield from _gone(old, new, place)
    for value in new:
        if value not in old:
            yield Difference(place, f"{value!r} is a new value of a closed list", READERS, NEW_VALUE)


def _fields(old: Schema, new: Schema, place: str) -> Found:
    before, after = old.get("properties", {}), new.get("properties", {})
    must, must_now = {*old.get("required", ())}, {*new.get("required", ())}
    closed = old.get("additionalProperties") not in (None, True)
    for name in [*before, *(each for each in after if each not in before)]:
        at = f"{place}.{name}"
        if name not in after:
            yield Difference(at, "the field is gone", READERS, "leave the field, even if it says nothing new")
        elif name in before:
            yield from differences(before[name], after[name], at)
        elif closed:
            yield Difference(at, "a field was added where none may be", READERS, NEW_FIELD)
        if name in after and name in must - must_now:
            yield Difference(at, "the field may be absent now", READERS, "go on telling it in every event")
        if name in after and name in must_now - must:
            yield Difference(at, "the field must be there now", HISTORY, "give the field a default")


def _members(old: Any, new: Any, place: str) -> Found:
    """What stands in a list or a map."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from differences(old, new, place)
    elif old != new:
        what = f"what may stand there was {_told(old)} and is {_told(new)}"
        yield Difference(place, what, f"{READERS}, or {HISTORY}", NEW_FIELD)


def _forms(old: list[Schema] | None, new: list[Schema] | None, place: str) -> Found:
    """The forms that a value may take, one of several."""
    if old is not None and new is not None and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True), 1):
            yield from differences(before, after, f"{place} (form {number})")
    elif old != new:
        what = f"it had {len(old or ()) or 'no'} forms to choose from and has {len(new or ()) or 'none'}"
        yield Difference(place, what, f"{READERS}, or {HISTORY}", NEW_FIELD)
