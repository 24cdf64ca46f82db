"""Reading packs: YAML with line numbers, `extends`, parameters; faults name file, line, clause and mend."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.policy.pack import Pack
from shared.policy.soundness import unsound
from shared.problems import Fault, Invalid, pointer

M = TypeVar("M", bound=BaseModel)
Place = tuple[str, ...]
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BYTES = 262_144
MOST_PLACES = 20_000
"""Values that a pack may have, each counted where it stands, since one anchor may be used in many places."""


@dataclass(frozen=True)
class Draft:
    """A pack as written: its content, and for every place the file and line where it stands."""

    content: dict[str, Any]
    lines: Mapping[Place, str] = field(default_factory=dict)

    def where(self, place: Sequence[Any]) -> str:
        """The file and line of a place, or of the nearest one around it."""
        known = tuple(map(str, place))
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, "")

    def fault(self, place: Sequence[Any], detail: str) -> Fault:
        where = self.where(place)
        return Fault(detail=f"{where}: {detail}" if where else detail, pointer=pointer([*map(str, place)]))


def parse(text: str, name: str) -> Draft:
    """A YAML (or JSON) text. Raises Invalid if it is none, or no mapping."""
    if len(text.encode()) > _BYTES:
        raise Invalid(f"{name} is longer than {_BYTES} bytes")
    try:
        node = yaml.compose(text, Loader=_Loader)
        lines = dict(islice(_lines(node, (), name), MOST_PLACES + 1)) if node else {}
        content = yaml.load(text, Loader=_Loader)  # noqa: S506  # the safe loader, in C where there is one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(f"{name} is not YAML: {' '.join(str(error).split())}") from None
    if len(lines) > MOST_PLACES:
        raise Invalid(f"{name} has more than {MOST_PLACES} places, anchors followed; make it smaller")
    if not isinstance(content, dict):
        raise Invalid(f"{name} is not a mapping; begin with `pack: <name>`")
    return Draft(content, lines)


def _lines(node: yaml.Node, place: Place, name: str) -> Iterable[tuple[Place, str]]:
    yield place, f"{name}:{node.start_mark.line + 1}"
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                here = (*place, str(key.value))
                yield from _lines(value, here, name)
                yield here, f"{name}:{key.start_mark.line + 1}"
        case yaml.SequenceNode():
            for number, value in enumerate(node.value):
                yield from _lines(value, (*place, str(number)), name)


def extend(child: Draft, parent: Draft) -> Draft:
    """The child upon its parent: named things merge by name (null removes one), all else replaces.

    A parameter given as a plain value binds the parent's.
    """
    content = dict(parent.content) | {"abstract": False}
    for section, given in child.content.items():
        ours = content.get(section)
        if section == "parameters" and isinstance(given, dict) and isinstance(ours, dict):
            given = {name: _bound(ours.get(name), value) for name, value in given.items()}
        if isinstance(given, dict) and isinstance(ours, dict) and section not in ("title", "survey", "money"):
            merged = ours | given
            content[section] = {name: value for name, value in merged.items() if value is not None}
        else:
            content[section] = given
    replaced = {place[:2] for place in child.lines if len(place) > 1}
    kept = {place: line for place, line in parent.lines.items() if place[:2] not in replaced}
    return Draft(content, kept | dict(child.lines))


def _bound(parameter: Any, value: Any) -> Any:
    return value if isinstance(value, dict) or parameter is None else parameter | {"value": value}


def build(draft: Draft, name: str, bind: Mapping[str, Any] | None = None) -> Pack:
    """The pack. `bind` gives parameters other values. Raises Invalid with a fault for everything wrong."""
    raw = {key: value for key, value in draft.content.items() if key not in ("extends", "abstract")}
    values, faults = parameters(draft, bind or {})
    unknown: list[Place] = []
    written = {section: raw[section] for section in ("parameters", "vectors") if section in raw}
    content = _bind({key: raw[key] for key in raw if key not in written}, values, (), unknown) | written
    faults += [
        draft.fault(place, "there is no such parameter; define it in `parameters`") for place in unknown
    ]
    pack = fit(Pack, content, draft, name, faults)
    if faults := [draft.fault(place, wrong) for place, wrong in unsound(pack)]:
        raise Invalid(f"{name} contradicts itself", faults)
    return pack


def parameters(draft: Draft, bind: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Every parameter's value, and what is wrong with them."""
    given = _parameters(draft)
    known = {name: each if isinstance(each, dict) else {"value": each} for name, each in given.items()}
    values = {name: bind.get(name, each.get("value")) for name, each in known.items()}
    faults = [
        draft.fault(["parameters", name], f"the parameter {name} is not bound; give it a value")
        for name, value in values.items()
        if value is None
    ]
    for name, value in values.items():
        options = known[name].get("options")
        if value is not None and options and value not in options:
            faults.append(draft.fault(["parameters", name], f"use one of {', '.join(map(str, options))}"))
    unknown = set(bind) - set(known)
    faults += [draft.fault(["parameters"], f"there is no parameter {each}") for each in sorted(unknown)]
    return values, faults


def _parameters(draft: Draft) -> dict[str, Any]:
    given = draft.content.get("parameters")
    return given if isinstance(given, dict) else {}


def trials(draft: Draft) -> dict[str, Any]:
    """For every unbound parameter the value that vectors run with."""
    given = _parameters(draft)
    return {
        name: each["trial"]
        for name, each in given.items()
        if isinstance(each, dict) and each.get("value") is None and each.get("trial") is not None
    }


def _bind(value: Any, values: Mapping[str, Any], place: Place, unknown: list[Place]) -> Any:
    """A value with every `$name` replaced; the places of names that no parameter has go to `unknown`."""
    match value:
        case dict():
            return {key: _bind(each, values, (*place, str(key)), unknown) for key, each in value.items()}
        case list():
            return [_bind(each, values, (*place, str(n)), unknown) for n, each in enumerate(value)]
        case str() if value.startswith("$"):
            if value[1:] not in values:
                unknown.append(place)
            return values.get(value[1:])
    return value


def fit(kind: type[M], content: Any, draft: Draft, name: str, faults: Sequence[Fault] = ()) -> M:
    """Content as a model. Raises Invalid; faults already known (unbound parameters) are told alone."""
    if faults:
        raise Invalid(f"{name} cannot be used yet", list(faults))
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        told = [draft.fault(_place(each["loc"]), _mend(each, kind)) for each in found]
        raise Invalid(f"{name} breaks its form", told) from None


def _place(location: Sequence[str | int]) -> list[str | int]:
    """Where pydantic found it, without the names of types that it tried."""
    return [part for part in location if not (isinstance(part, str) and (part[:1].isupper() or "[" in part))]


def _mend(found: Mapping[str, Any], kind: type[BaseModel]) -> str:
    match found["type"]:
        case "extra_forbidden":
            name = str(found["loc"][-1])
            near = difflib.get_close_matches(name, _keys(kind), 1)
            return f"there is no key {name!r} here" + (f"; did you mean {near[0]!r}?" if near else "")
        case "missing":
            return f"{found['loc'][-1]} is missing"
        case "literal_error":
            return f"use one of {found['ctx']['expected']}"
    return str(found["msg"]).removeprefix("Value error, ")


def _keys(kind: type[BaseModel], seen: frozenset[type[BaseModel]] = frozenset()) -> set[str]:
    """Every key that the form knows anywhere."""
    definitions = kind.model_json_schema()
    parts = [definitions, *definitions.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}
