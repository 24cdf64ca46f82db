"""Laws of comparing schemas: what was narrowed or widened is always found, what was added always passes."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared import contract
from shared.contract.differences import bare, differences
from tests.house.test_contract import PRIVATE, PUBLIC, walked

Schema = dict[str, Any]
LAST = contract.released()

NAMES = st.sampled_from("abcde")
LEAVES = st.one_of(
    st.builds(lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
              st.integers(-5, 5), st.integers(0, 9)),
    st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(1, 9)),
    st.just({"type": "boolean"}),
    st.builds(lambda values: {"type": "string", "enum": values}, st.lists(NAMES, min_size=2, unique=True)),
)  # fmt: skip


def nested(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    fields = st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda each: {"type": "object", "additionalProperties": each}, inner),
        fields.flatmap(objects),
    )


def objects(fields: dict[str, Schema]) -> st.SearchStrategy[Schema]:
    required = st.lists(st.sampled_from(sorted(fields)), unique=True)
    return required.map(lambda must: {"type": "object", "properties": fields, "required": must})


SCHEMAS = st.dictionaries(NAMES, st.recursive(LEAVES, nested, max_leaves=6), min_size=1, max_size=4).flatmap(
    objects
)


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that a schema takes."""
    match schema:
        case {"enum": list(known)}:
            return st.sampled_from(known)
        case {"type": "integer"}:
            return st.integers(schema.get("minimum", -9), schema.get("maximum", 30))
        case {"type": "string"}:
            return st.text("abc", max_size=schema.get("maxLength", 12))
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "array"}:
            return st.lists(values(schema["items"]), max_size=3)
        case {"additionalProperties": dict(each)}:
            return st.dictionaries(NAMES, values(each), max_size=3)
    must = {name: values(each) for name, each in schema["properties"].items() if name in schema["required"]}
    may = {name: values(each) for name, each in schema["properties"].items() if name not in must}
    return st.fixed_dictionaries(must, optional=may)


def edits(schema: Schema) -> list[tuple[Schema, str]]:
    """Every place where a schema can be changed, and how."""
    found: list[tuple[Schema, str]] = []
    for part in walked(schema):
        if "enum" in part:
            found += [(part, "less values"), (part, "more values"), (part, "free")]
        elif part.get("type") == "integer":
            found += [(part, how) for how in ("raise", "lower", "extend", "shrink", "retype", "unbind")]
        elif part.get("type") == "string":
            found += [(part, how) for how in ("longer", "shorter", "retype", "unbind")]
        elif isinstance(part.get("properties"), dict) and part.get("type") == "object":
            found += [(part, "drop"), (part, "require")] + ([(part, "relax")] if part["required"] else [])
    return found


def edit(part: Schema, how: str) -> None:
    match how:
        case "less values":
            part["enum"].pop()
        case "more values":
            part["enum"].append("z")
        case "free":
            part.pop("enum")
        case "raise" | "lower":
            part["minimum"] += 1 if how == "raise" else -1
        case "extend" | "shrink":
            part["maximum"] += 1 if how == "extend" else -1
        case "longer" | "shorter":
            part["maxLength"] += 1 if how == "longer" else -1
        case "retype":
            part["type"] = "boolean"
        case "unbind":
            part.pop("maximum", part.pop("maxLength", None))
        case "drop":
            name = next(iter(part["properties"]))
            part["properties"].pop(name)
            part["required"] = [each for each in part["required"] if each != name]
        case "require":
            part["properties"]["new"] = {"type": "boolean"}
            part["required"] = [*part["required"], "new"]
        case "relax":
            part["required"] = part["required"][1:]


@settings(max_examples=300, deadline=None)
@given(SCHEMAS, st.data())
def test_a_planted_change_is_always_found(schema: Schema, data: st.DataObject) -> None:
    new = copy.deepcopy(schema)
    part, how = data.draw(st.sampled_from(edits(new)))
    edit(part, how)
    assert [*differences(bare(schema), bare(new), "event")], how
    if how != "drop":
        assert [*differences(bare(new), bare(schema), "event")], f"{how}, taken back"


@settings(max_examples=300, deadline=None)
@given(SCHEMAS, st.data())
def test_an_addition_always_passes_and_is_read_by_old_and_new(schema: Schema, data: st.DataObject) -> None:
    new = copy.deepcopy(schema)
    places = [part for part in walked(new) if "required" in part]
    for part in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        part["properties"][data.draw(st.sampled_from("xyz"))] = data.draw(LEAVES)
        part["description"] = "Said otherwise."
    assert [*differences(bare(schema), bare(new), "event")] == []
    Draft202012Validator(schema).validate(data.draw(values(new)))
    Draft202012Validator(new).validate(data.draw(values(schema)))


@settings(max_examples=300, deadline=None)
@given(SCHEMAS, st.data())
def test_where_nothing_is_said_each_reads_the_other(schema: Schema, data: st.DataObject) -> None:
    """Whatever is done to a schema: if a value of one is refused by the other, something was said."""
    new = copy.deepcopy(schema)
    sound = [each for each in edits(new) if each[1] not in ("shrink", "raise", "shorter", "less values")]
    for part, how in data.draw(st.lists(st.sampled_from(sound), max_size=1)):
        edit(part, how)
    said = [*differences(bare(schema), bare(new), "event")]
    forth = Draft202012Validator(new).is_valid(data.draw(values(schema)))
    back = Draft202012Validator(schema).is_valid(data.draw(values(new)))
    assert (forth and back) or said


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PUBLIC + PRIVATE), st.data())
def test_a_change_planted_in_any_event_is_found(type: str, data: st.DataObject) -> None:
    was = LAST.events[type].form
    new = copy.deepcopy(was)
    part = data.draw(st.sampled_from([each for each in walked(new) if "required" in each]))
    name = data.draw(st.sampled_from(sorted(part["properties"])))
    match data.draw(st.sampled_from(["gone", "other", "required"])):
        case "gone":
            part["properties"].pop(name)
        case "other":
            part["properties"][name] = {"type": "null"}
        case "required":
            must = {*part["required"]} ^ {name}
            part["required"] = sorted(must)
    assert [*differences(was, new, type)]
