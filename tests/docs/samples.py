"""Samples of the docs: JSON and YAML beside the forms that read them."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from typer.testing import CliRunner

from deploy.cli import program
from deploy.schemas import pack_schema
from shared.settings import Settings
from tests.docs.operations import meant, written
from tests.docs.reading import Block
from tests.docs.shell import loose_json

EXTENDING = {
    "pack": "sample",
    "version": 1,
    "extends": "base/1",
    "title": {"zh-CN": "例", "en": "Sample"},
    "source": "ours",
}
TITLE = "{zh-CN: 字, en: Word}"


class Wrong(Exception):
    """A sample that what it is for would refuse."""


def check_json(block: Block) -> None:
    """Well formed, and as its directive says. Raises Wrong."""
    try:
        values = loose_json(block.text)
    except ValueError as error:
        raise Wrong(f"{block.place}: {error}") from None
    for said in block.said("body"):
        ((method, path, _),) = written(said)
        schemas = [json.loads(each.body) for each in meant(method, path) if each.body]
        if not schemas:
            raise Wrong(f"{block.place}: {said} takes no JSON")
        for value in values:
            _check(block, value, schemas[0])
    for name in block.said("setting"):
        field = name.removeprefix("REDRESS_").lower()
        for value in values:
            Settings.__pydantic_validator__.validate_assignment(Settings.model_construct(), field, value)


def check_yaml(block: Block, folder: Path) -> None:
    """Well formed; a calendar as the command checks it, pieces of packs by their schema. Raises Wrong."""
    found = yaml.safe_load(block.text.replace("{...}", TITLE))
    sections = block.said("in")
    if isinstance(found, dict) and "calendar" in found and "pack" not in found:
        file = folder / f"{found['calendar']}.yaml"
        file.write_text(block.text, encoding="utf-8")
        result = CliRunner().invoke(program(), ["calendar", "check", str(file)])
        if result.exit_code:
            raise Wrong(f"{block.place}: {result.output}")
        return
    schema, piece = pack_schema(), {sections[0]: found} if sections else found
    if sections or (isinstance(found, dict) and set(found) <= set(schema["properties"])):
        _check(block, _plain(EXTENDING | piece), schema)
    elif not block.said("as"):
        raise Wrong(f"{block.place}: of what is this a piece? See tests/docs/__init__.py")


def _check(block: Block, value: Any, schema: dict[str, Any]) -> None:
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
    if error is not None:
        raise Wrong(f"{block.place}: {error.json_path}: {error.message}")


def _plain(value: Any) -> Any:
    """As JSON has it: names and dates are text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def check_http(block: Block) -> None:
    """Every line an operation that there is, with its query, and the fields of its body that are named."""
    for number, line in enumerate(block.lines, block.line):
        for method, path, query in written(line):
            found = [each for each in meant(method, path) if query <= each.query]
            if not found:
                raise Wrong(f"{block.page}:{number}: there is no {method} {path} with {sorted(query)}")


def check(block: Block, folder: Path) -> None:
    """A sample as its language wants it. Raises Wrong."""
    match block.language:
        case "json":
            check_json(block)
        case "yaml":
            check_yaml(block, folder)
        case "http":
            check_http(block)
