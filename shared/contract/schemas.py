"""The JSON Schema of each event's data, as subscribers read it.

Source: JSON Schema 2020-12. What may be left out is absent when it is, never null. A list of values that is
open (OPEN) takes any text besides those that are known; the others are closed.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from shared.contract.meanings import in_english
from shared.events import CATALOGUE, Channel, Fact, Outcome, Reason, Screening

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
OPEN = tuple(list(get_args(each)) for each in (Channel, Outcome, Reason, Screening))
"""Lists that grow with the business: readers must expect values that are not in them yet."""
ANY_TEXT = {"type": "string"}
NULL = {"type": "null"}


@cache
def _of(type: str) -> Schema:
    return schema_of(CATALOGUE[type])


def schemas() -> Mapping[str, Schema]:
    """Event type -> schema of its data, private ones too, as `dataschema` in the envelope names them."""
    return {type: _of(type) for type in CATALOGUE}


def schema_of(kind: type[Fact]) -> Schema:
    """The schema of an event's data."""
    raw = kind.model_json_schema(by_alias=True, mode="serialization")
    parts = {name: _plain(each, name) for name, each in raw.pop("$defs", {}).items()}
    head = {"$schema": DRAFT, "$id": f"/schemas/{kind.type}.json"}
    return head | _plain(raw, kind.type) | ({"$defs": parts} if parts else {})


def known_values(schema: Schema) -> list[Any] | None:
    """The values of an open list that are known; None if it is no open list."""
    match schema:
        case {"anyOf": [{"enum": list(values)}, {"type": "string"}]}:
            return values
    return None


def _plain(schema: Schema, owner: str) -> Schema:
    """The same without nulls and titles of fields, with meanings, and with open lists left open."""
    told = {name: _inside(name, part, owner) for name, part in schema.items()}
    if "anyOf" in told and NULL in told["anyOf"]:
        left = [each for each in told.pop("anyOf") if each != NULL]
        told = (left[0] if len(left) == 1 else {"anyOf": left}) | told
    if told.get("default", ...) is None:
        del told["default"]
    if "patternProperties" in told:
        [(pattern, values)] = told.pop("patternProperties").items()
        names = told.get("propertyNames", {}) | {"pattern": pattern}
        told |= {"additionalProperties": _plain(values, owner), "propertyNames": names}
    if told.get("enum") in OPEN:
        values = {name: told.pop(name) for name in ("type", "enum")}
        told = {"anyOf": [values, ANY_TEXT]} | told
    return told


def _inside(keyword: str, part: Any, owner: str) -> Any:
    match keyword, part:
        case "properties", dict():
            return {name: _field(name, each, owner) for name, each in part.items()}
        case "additionalProperties" | "items", dict():
            return _plain(part, owner)
        case "anyOf", list():
            return [_plain(each, owner) for each in part]
    return part


def _field(name: str, schema: Schema, owner: str) -> Schema:
    plain = _plain({key: each for key, each in schema.items() if key != "title"}, owner)
    told = in_english(owner, name)
    return plain | ({"description": told} if told else {})
