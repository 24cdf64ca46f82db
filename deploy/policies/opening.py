"""Opening a pack: from the box by its name, or from any file, parameters bound."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from shared.policy import Draft, available, draft_from, draft_of, files
from shared.problems import Invalid

SUFFIXES = (".yaml", ".yml", ".json")
Bound = Mapping[str, bool | int | float | str]
"""Parameters' values by name."""


@dataclass(frozen=True)
class Opened:
    """A pack as written, upon all that it extends; `name` is what faults call it."""

    name: str
    draft: Draft

    @property
    def title(self) -> str:
        return f"{self.draft.content.get('pack')}/{self.draft.content.get('version')}"

    @property
    def abstract(self) -> bool:
        """Whether it is only for others to stand on."""
        return self.draft.content.get("abstract") is True

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        given = self.draft.content.get("parameters")
        named = given if isinstance(given, dict) else {}
        return {name: each if isinstance(each, dict) else {"value": each} for name, each in named.items()}

    @property
    def unbound(self) -> list[str]:
        return [name for name, each in self.parameters.items() if each.get("value") is None]

    def bind(self, values: Bound) -> "Opened":
        """The same with other values for those of its parameters that are named."""
        mine = {
            name: self.parameters[name] | {"value": values[name]}
            for name in values
            if name in self.parameters
        }
        if not mine:
            return self
        content = self.draft.content | {"parameters": self.parameters | mine}
        return replace(self, draft=Draft(content, self.draft.lines))


def opened(given: str) -> Opened:
    """PACK, PACK/VERSION or a file. Raises Problem, naming the mend."""
    if is_file(given):
        return Opened(given, draft_from(text_of(given), given))
    pack, version = named(given)
    return Opened(f"policies/{pack}/{version}.yaml", draft_of(pack, version))


def named(given: str) -> tuple[str, int]:
    """PACK/VERSION, or the newest version of PACK. Raises Invalid."""
    pack, slash, version = given.partition("/")
    if slash and not (version.isascii() and version.isdigit()):
        raise Invalid(f"{given} is neither a file nor a pack; write PACK, PACK/VERSION or the path of a file")
    if slash:
        return pack, int(version)
    known = everything()
    if versions := [number for name, number in known if name == pack]:
        return pack, max(versions)
    near = get_close_matches(pack, sorted({name for name, _ in known}), 1)
    raise Invalid(f"There is no policy pack {pack}; " + (f"did you mean {near[0]}?" if near else NO_PACK))


NO_PACK = "`redress policies list` names those that there are; a file's name ends in .yaml"


def everything() -> list[tuple[str, int]]:
    """Every pack and version: those on the shelf, and those that are only for others to stand on."""
    return sorted({*available(), *((path.parent.name, int(path.stem)) for path in files())})


STDIN = "-"


def is_file(given: str) -> bool:
    return given == STDIN or given.endswith(SUFFIXES) or Path(given).is_file()


def text_of(file: str) -> str:
    """A file's text; `-` is standard input, since a container sees no files of its host. Raises Invalid."""
    try:
        if file == STDIN:
            return sys.stdin.read()
        return Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Invalid(f"{file} is not UTF-8 text; save it as UTF-8") from None


def bindings(given: Sequence[str]) -> Bound:
    """`name=value`, the values as YAML reads them. Raises Invalid."""
    return dict(map(_binding, given))


def _binding(given: str) -> tuple[str, bool | int | float | str]:
    name, equals, text = given.partition("=")
    try:
        value = yaml.safe_load(text) if equals and name.strip() else None
    except yaml.YAMLError:
        value = None
    if not isinstance(value, bool | int | float | str):
        raise Invalid(f"--set {given} binds nothing; write --set name=value, with a number or a word")
    return name.strip(), value


def all_known(values: Bound, packs: Iterable[Opened]) -> None:
    """Whether every parameter exists in one of the packs at least. Raises Invalid."""
    known = sorted({name for each in packs for name in each.parameters})
    if unknown := sorted(set(values) - set(known)):
        told = f"use one of {', '.join(known)}" if known else "there is none here"
        raise Invalid(f"There is no parameter {', '.join(unknown)}; {told}")


# refusals and tables
