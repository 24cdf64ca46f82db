"""Drafts: packs as written, with the file and line of every place, and what they extend."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from shared.problems import Fault, Invalid, pointer

Place = tuple[str, ...]
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BYTES = 262_144
MOST_PLACES = 20_000
"""Values that a pack may have, each counted where it stands, since one anchor may be used in many places."""
DEEPEST = 30
WHOLE = ("title", "survey", "money")
"""Mappings that are replaced, not merged by name."""
CALLED = ("rule", "gate", "name", "clause")
"""How parts of a list say what they are called."""


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
        """What is wrong at a place, with file, line, and what the rule around it is called."""
        told = ": ".join(part for part in (self.where(place), self._called(place), detail) if part)
        return Fault(detail=told, pointer=pointer([*map(str, place)]))

    def _called(self, place: Sequence[Any]) -> str:
        """The names by which people know the innermost rule around a place."""
        here: Any = self.content
        called = ""
        for part in place:
            if isinstance(here, list) and str(part).isdigit() and int(part) < len(here):
                here = here[int(part)]
                told = [str(here[key]) for key in CALLED if key in here] if isinstance(here, dict) else []
                called = f"{', '.join(told)}" if told else called
            else:
                here = here.get(part) if isinstance(here, dict) else None
        return called


def parse(text: str, name: str) -> Draft:
    """A YAML (or JSON) text. Raises Invalid if it is none, no mapping, or says something twice."""
    if len(text.encode()) > _BYTES:
        raise Invalid(f"{name} is longer than {_BYTES} bytes")
    try:
        if deep := next(_too_deep(text), None):
            raise Invalid(
                f"{name} is nested too deeply", [Fault(detail=f"{name}:{deep}: too deep", pointer="#")]
            )
        places, content = _read(text, name)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(f"{name} is not YAML", [_broken(error, name)]) from None
    if len(places) > MOST_PLACES:
        raise Invalid(f"{name} has more than {MOST_PLACES} places, anchors followed; make it smaller")
    if not isinstance(content, dict):
        raise Invalid(f"{name} is not a mapping; begin with `pack: <name>`")
    if faults := list(_twice(places)):
        raise Invalid(f"{name} says something twice", faults)
    return Draft(content, dict(places))


def _read(text: str, name: str) -> tuple[list[tuple[Place, str]], Any]:
    """Where each value of the one document stands, then what it says: to say it changes the nodes (`<<`)."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return [], None
        places = list(islice(_places(node, (), name), MOST_PLACES + 1))
        return places, loader.construct_document(node)
    finally:
        loader.dispose()


def _too_deep(text: str) -> Iterator[int]:
    """The lines where brackets open beyond DEEPEST; the composer recurses, the parser does not."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                yield event.start_mark.line + 1 if event.start_mark else 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _places(node: yaml.Node, place: Place, name: str) -> Iterator[tuple[Place, str]]:
    """Every place and its line; a key stands where its value does."""
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                here = (*place, str(key.value))
                yield here, f"{name}:{key.start_mark.line + 1}"
                yield from _places(value, here, name)
        case yaml.SequenceNode():
            for number, value in enumerate(node.value):
                here = (*place, str(number))
                yield here, f"{name}:{value.start_mark.line + 1}"
                yield from _places(value, here, name)


def _twice(places: Iterable[tuple[Place, str]]) -> Iterator[Fault]:
    """The keys that stand twice in one mapping; what lies inside the second is not told again."""
    seen: dict[Place, str] = {}
    told: set[Place] = set()
    for place, line in places:
        if place in seen and not any(place[:end] in told for end in range(1, len(place))):
            told.add(place)
            yield Fault(
                detail=f"{line}: {place[-1]} stands at {seen[place]} too; keep one of them",
                pointer=pointer(place),
            )
        seen.setdefault(place, line)


def _broken(error: Exception, name: str) -> Fault:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = f"{name}:{mark.line + 1}: " if mark else ""
    mend = "indent with spaces, exactly as the lines beside it, and quote texts that hold : # { } [ ] ,"
    return Fault(detail=f"{where}{problem or ' '.join(str(error).split())[:200]}; {mend}", pointer="#")


def extend(child: Draft, parent: Draft, name: str) -> Draft:
    """The child upon its parent: named things merge by name (null removes one), all else replaces.

    A parameter given as a plain value binds the parent's. Raises Invalid unless the child says what it is.
    """
    if missing := [key for key in ("pack", "version") if key not in child.content]:
        told = [
            child.fault([key], f"{key} is missing; a pack that extends another says its own")
            for key in missing
        ]
        raise Invalid(f"{name} does not say what it is", told)
    content = dict(parent.content) | {"abstract": False}
    for section, given in child.content.items():
        ours = content.get(section)
        if section == "parameters" and isinstance(given, dict) and isinstance(ours, dict):
            given = {name: _bound(ours.get(name), value) for name, value in given.items()}
        if isinstance(given, dict) and isinstance(ours, dict) and section not in WHOLE:
            merged = ours | given
            content[section] = {name: value for name, value in merged.items() if value is not None}
        else:
            content[section] = given
    return Draft(content, _lines_of_both(child, parent))


def _lines_of_both(child: Draft, parent: Draft) -> dict[Place, str]:
    """The child's lines, and the parent's for what the child does not replace."""
    whole = {(key,) for key, value in child.content.items() if not isinstance(value, dict) or key in WHOLE}
    replaced = whole | {place[:2] for place in child.lines if len(place) > 1}
    kept = {p: line for p, line in parent.lines.items() if p[:1] not in replaced and p[:2] not in replaced}
    return kept | dict(child.lines)


def _bound(parameter: Any, value: Any) -> Any:
    return value if isinstance(value, dict) or parameter is None else parameter | {"value": value}
