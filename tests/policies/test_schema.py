"""The published schema of a policy pack takes every pack of the box, and not one that is wrong."""

import json
import re
from operator import ge, gt, le, lt
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.schemas import FOLDER, PACK, schemas
from shared.contract.schemas import DRAFT
from shared.policy import FOLDERS

SCHEMA = json.loads((FOLDER / PACK).read_text(encoding="utf-8"))
FILES = [path for path in sorted(FOLDERS[0].glob("*/*.yaml")) if path.parent.name != "calendars"]
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
    "number": (int, float),
}  # fmt: skip
ORDERS = {"minimum": ge, "maximum": le, "exclusiveMinimum": gt, "exclusiveMaximum": lt}
KNOWN = {
    "$ref", "type", "anyOf", "not", "if", "enum", "const", "required", "properties", "additionalProperties",
    "propertyNames", "minProperties", "prefixItems", "items", "minItems", "maxItems", "pattern", *ORDERS,
}  # fmt: skip
SILENT = {"$schema", "$id", "$defs", "title", "description", "default", "format", "then"}


def fits(value: Any, schema: Any) -> bool:
    """Whether a value is as JSON Schema 2020-12 asks for; only the keywords that this schema uses."""
    if isinstance(schema, bool):
        return schema
    return all(
        holds(keyword, asked, value, schema) for keyword, asked in schema.items() if keyword not in SILENT
    )


def holds(keyword: str, asked: Any, value: Any, schema: dict[str, Any]) -> bool:
    match keyword:
        case "$ref":
            return fits(value, SCHEMA["$defs"][asked.removeprefix("#/$defs/")])
        case "type":
            return any(of_type(value, each) for each in ([asked] if isinstance(asked, str) else asked))
        case "anyOf":
            return any(fits(value, each) for each in asked)
        case "not":
            return not fits(value, asked)
        case "if":
            return not fits(value, asked) or fits(value, schema["then"])
        case "enum":
            return bool(value in asked)
        case "const":
            return bool(value == asked)
    if isinstance(value, dict):
        return in_object(keyword, asked, value, schema)
    if isinstance(value, list):
        return in_list(keyword, asked, value, schema)
    return in_value(keyword, asked, value)


def of_type(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def in_object(keyword: str, asked: Any, value: dict[str, Any], schema: dict[str, Any]) -> bool:
    match keyword:
        case "required":
            return set(asked) <= set(value)
        case "properties":
            return all(fits(value[name], each) for name, each in asked.items() if name in value)
        case "additionalProperties":
            return all(
                fits(each, asked) for name, each in value.items() if name not in schema.get("properties", {})
            )
        case "propertyNames":
            return all(fits(name, asked) for name in value)
        case "minProperties":
            return bool(len(value) >= asked)
    return True


def in_list(keyword: str, asked: Any, value: list[Any], schema: dict[str, Any]) -> bool:
    match keyword:
        case "prefixItems":
            return all(fits(each, one) for each, one in zip(value, asked, strict=False))
        case "items":
            return all(fits(each, asked) for each in value[len(schema.get("prefixItems", ())) :])
        case "minItems":
            return bool(len(value) >= asked)
        case "maxItems":
            return bool(len(value) <= asked)
    return True


def in_value(keyword: str, asked: Any, value: Any) -> bool:
    match keyword:
        case "pattern":
            return not isinstance(value, str) or re.search(asked, value) is not None
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if isinstance(
            value, int | float
        ):
            return bool(ORDERS[keyword](value, asked))
    return True


def written(file: Path) -> Any:
    """A file as JSON has it."""
    return json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str))


def example(**changed: Any) -> dict[str, Any]:
    head = {"pack": "mine", "version": 1, "source": "mine", "title": {"zh-CN": "甲", "en": "Mine"}}
    return head | {"extends": "base/1"} | changed


def test_the_schema_is_that_of_the_packs() -> None:
    """`python -m deploy.schemas` writes it anew."""
    assert (FOLDER / PACK).read_text(encoding="utf-8") == schemas()[PACK]
    assert SCHEMA["$schema"] == DRAFT
    assert SCHEMA["required"] == ["pack", "version", "title", "source"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_every_pack_of_the_box_fits(file: Path) -> None:
    assert fits(written(file), SCHEMA)


@pytest.mark.parametrize(
    "changed",
    [
        {"schemes": {"severity": None}},
        {"departments": {"research": None}},
        {"parameters": {"limit": 1000, "mode": "strict", "open": {"title": {"zh-CN": "甲", "en": "A"}}}},
        {"retention_years": "$years"},
        {
            "measures": {
                "m": {"title": {"zh-CN": "甲", "en": "A"}, "of": "loss", "steps": [{"unit": "$unit"}]}
            }
        },
        {
            "approvals": [
                {"when": {"loss": {"at_least": "$large"}, "not": {"fire": True}}, "roles": ["handler"]}
            ]
        },
    ],
)
def test_what_may_be_written_fits(changed: dict[str, Any]) -> None:
    assert fits(example(**changed), SCHEMA)


@pytest.mark.parametrize(
    "changed",
    [
        {"requires": []},
        {"version": "$v"},
        {"version": 0},
        {"extends": "base"},
        {"channels": ["pigeon"]},
        {"retention_years": "three"},
        {"clocks": {"resolve": {"start": "received", "stop": "fed_back"}}},
        {"approvals": [{"when": {"loss": {"atleast": 1}}, "roles": ["handler"]}]},
        {"vectors": [{"name": "a", "expect": {"provisional": "$x"}}]},
        {"parameters": {"limit": [1]}},
        {"departments": {"Research": None}},
        {"roles": {"r" * 51: {"title": {"zh-CN": "甲", "en": "A"}}}},
    ],
)
def test_what_is_wrong_does_not_fit(changed: dict[str, Any]) -> None:
    assert not fits(example(**changed), SCHEMA)


def test_only_a_pack_that_extends_or_is_extended_leaves_out_the_rest() -> None:
    alone = {name: value for name, value in example().items() if name != "extends"}
    assert not fits(alone, SCHEMA)
    assert not fits(alone | {"abstract": False}, SCHEMA)
    assert fits(alone | {"abstract": True}, SCHEMA)
