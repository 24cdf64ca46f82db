"""What others read of our forms: `python -m deploy.schemas` writes the schemas and API documents in docs/."""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from deploy.provision import SERVICES
from shared import contract
from shared.contract.schemas import DRAFT, Schema
from shared.policy import Pack
from shared.policy.soundness import NAME, NAMED

DOCS = Path(__file__).parents[1] / "docs"
FOLDER, APIS, EVENTS = DOCS / "schemas", DOCS / "openapi", DOCS / "asyncapi.json"

PACK = "policy-pack.json"
DESCRIPTION = (
    "A policy pack as it is written in policies/<pack>/<version>.yaml. With `extends` all that is not here"
    " comes from that pack; named things are added by name, and null removes one. `$name` stands for the"
    " parameter of that name wherever a single value stands, but not in `parameters` and `vectors`. What is"
    " used must exist (facts, grades, roles ...) and every vector must hold: `redress policies check FILE`"
    " says so, this cannot."
)
PARAMETER = {"type": "string", "pattern": r"^\$\w+$", "description": "The parameter of this name"}
REFERENCE = {"$ref": "#/$defs/ParameterName"}
AS_THEY_ARE = ("pack", "version", "parameters", "vectors")
"""Sections in which no parameter is named."""
WHOLE = ("title", "survey", "money")
"""Sections that are replaced whole, not merged by name."""


def schemas() -> dict[str, str]:
    """File name -> schema; of an event's `data`, as `dataschema` in the envelope names it, and of a pack."""
    events = {f"{type}.json": _json(schema) for type, schema in contract.schemas().items()}
    head = {"$schema": DRAFT, "$id": f"/schemas/{PACK}"}
    return events | {PACK: _json(head | pack_schema())}


def asyncapi() -> str:
    """The AsyncAPI document of all public events."""
    return _json(contract.asyncapi())


def pack_schema() -> Schema:
    """A pack as written: it may extend another, bind a parameter by its value, and name parameters."""
    whole = Pack.model_json_schema(by_alias=True, mode="validation")
    definitions = dict(whole["$defs"])
    sections = {name: each for name, each in whole["properties"].items() if name not in AS_THEY_ARE}
    for name in _reached(sections, definitions):
        definitions[name] = _with_references(definitions[name])
    written = whole["properties"] | {name: _with_references(each) for name, each in sections.items()}
    for name, section in written.items():
        if "additionalProperties" in section and name not in WHOLE:
            section["additionalProperties"] = {"anyOf": [section["additionalProperties"], {"type": "null"}]}
            section.pop("minProperties", None)
        if name in NAMED:
            section["propertyNames"] = {"pattern": f"^{NAME.pattern}$"}
    bound = {"type": ["boolean", "number", "string"], "description": "The value of a parent's parameter"}
    written["parameters"]["additionalProperties"]["anyOf"].append(bound)
    written["extends"] = {
        "type": "string",
        "pattern": r"^[a-z0-9][a-z0-9-]{0,62}/[0-9]+$",
        "title": "Extends",
    }
    written["abstract"] = {"type": "boolean", "default": False, "title": "Abstract"}
    unfinished = {"required": ["abstract"], "properties": {"abstract": {"const": True}}}
    return whole | {
        "description": DESCRIPTION,
        "$defs": definitions | {"ParameterName": PARAMETER},
        "properties": written,
        "required": ["pack", "version", "title", "source"],
        "if": {"not": {"anyOf": [{"required": ["extends"]}, unfinished]}},
        "then": {"required": whole["required"]},
    }


def _reached(part: Any, definitions: Schema) -> set[str]:
    """The definitions that a part refers to, at any depth."""
    found: set[str] = set()
    waiting = list(_references(part))
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += _references(definitions[name])
    return found


def _references(part: Any) -> Iterator[str]:
    match part:
        case {"$ref": str(name)}:
            yield name.rpartition("/")[2]
        case dict():
            for each in part.values():
                yield from _references(each)
        case list():
            for each in part:
                yield from _references(each)


def _with_references(schema: Schema) -> Schema:
    """The same, but a parameter's name may stand for each single value; names themselves stay as they are."""
    told = {name: _inside(name, each) for name, each in schema.items()}
    if told.get("type") not in ("boolean", "integer", "number", "string") and "enum" not in told:
        return told
    shown = {name: told.pop(name) for name in ("default", "title", "description") if name in told}
    return shown | {"anyOf": [told, REFERENCE]} if _narrow(told) else shown | told


def _narrow(schema: Schema) -> bool:
    """Whether a text like `$name` would not pass."""
    return schema.get("type") != "string" or bool(schema.keys() & {"pattern", "enum", "const", "format"})


def _inside(keyword: str, part: Any) -> Any:
    match keyword, part:
        case "properties", dict():
            return {name: _with_references(each) for name, each in part.items()}
        case "additionalProperties" | "items", dict():
            return _with_references(part)
        case "anyOf" | "prefixItems", list():
            return [_with_references(each) for each in part]
    return part


def apis() -> dict[str, str]:
    """File name -> OpenAPI document of a service, as the service itself serves it."""
    return {f"{name}.json": _json(api(name)) for name in SERVICES}


def api(service: str) -> Schema:
    """The OpenAPI document of a service."""
    found: Schema = import_module(f"services.{service}.app").app.openapi()
    return found


def _json(content: Schema) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    _write(FOLDER, schemas())
    _write(APIS, apis())
    EVENTS.write_text(asyncapi(), encoding="utf-8")


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
