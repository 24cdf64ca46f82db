"""Checking packs: their form, their parameters, their vectors; and what stands on the shelf."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deploy.policies.opening import Opened, everything
from deploy.telling import aligned, fault_line
from shared.events import Language
from shared.policy import draft_of, in_script, prove
from shared.problems import Fault, Problem

UNBOUND = "this parameter is not bound; give it a value"


@dataclass(frozen=True)
class Checked:
    """What came of it: `faults` as lines, `unbound` parameters, each with such a line, too."""

    title: str
    vectors: int
    unbound: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    abstract: bool = False
    note: str = ""

    def refused(self, *, activate: bool) -> bool:
        return bool(self.faults) or (activate and bool(self.unbound or self.abstract))

    def lines(self, *, activate: bool) -> Iterator[str]:
        """`ok`, `unbound`, `abstract` or `REFUSED`, then a line for each fault; and a note."""
        yield from self._found(activate=activate)
        if self.note:
            yield f"note  {self.note}"

    def _found(self, *, activate: bool) -> Iterator[str]:
        parameters = ", ".join(self.unbound)
        if self.refused(activate=activate):
            yield f"REFUSED {self.title}"
            yield from self.faults
            yield from self.unbound.values()
            if self.abstract and not self.faults:
                yield f"{self.title}  #/abstract  only for others to stand on; activate one that extends it"
        elif self.abstract:
            yield f"abstract  {self.title}  only for others to stand on; check one that extends it"
        elif self.unbound:
            held = f"{self.vectors} vectors hold with trial values"
            yield f"unbound  {self.title}  {held}; it cannot be activated until these are bound: {parameters}"
        else:
            yield f"ok  {self.title}  {self.vectors} vectors"


def checked(pack: Opened) -> Checked:
    """Prove one pack, unbound parameters at their trial values."""
    return replace(_proved(pack), note=_misplaced(pack))


def _proved(pack: Opened) -> Checked:
    if pack.abstract:
        return Checked(pack.title, 0, abstract=True)
    try:
        found = prove(pack.draft, pack.name)
    except Problem as problem:
        return Checked(pack.title, 0, faults=tuple(lines(problem, pack.name)))
    title = f"{found.pack}/{found.version}"
    if pack.name.startswith("policies/") and pack.name != (place := f"policies/{title}.yaml"):
        fault = pack.draft.fault(["pack"], f"{title} belongs into {place}")
        return Checked(title, len(found.vectors), faults=(fault_line(fault, pack.name),))
    told = {name: pack.draft.fault(["parameters", name], UNBOUND) for name in pack.unbound}
    return Checked(
        title, len(found.vectors), {name: fault_line(fault, pack.name) for name, fault in told.items()}
    )


def _misplaced(pack: Opened) -> str:
    """What to tell of a file that lies where nobody who looks for the pack would find it."""
    path = Path(pack.name).absolute()
    place = f"{path.parent.name}/{path.stem}"
    if pack.name.startswith("policies/") or not path.stem.isdigit() or place == pack.title:
        return ""
    mend = f"to be found it must lie as {pack.title}.yaml, not {place}.yaml"
    return f"{pack.name}  says {pack.title} inside; {mend}"


def lines(problem: Problem, name: str) -> Iterator[str]:
    """A refusal, one line for each fault."""
    for fault in problem.errors or (Fault(detail=problem.detail, pointer="#"),):
        yield fault_line(fault, name)


@dataclass(frozen=True)
class Shelved:
    """A version on the shelf, and what keeps it from use (empty: nothing)."""

    pack: str
    version: int
    title: dict[Language, str]
    schemes: list[str]
    vectors: int
    unbound: list[str]
    refused: str
    abstract: bool = False

    @property
    def usable(self) -> bool:
        return not (self.unbound or self.refused or self.abstract)

    def row(self, language: Language) -> list[str]:
        unbound = f"unbound: {', '.join(self.unbound)}" if self.unbound else "usable"
        state = "abstract: others extend it" if self.abstract else self.refused or unbound
        name, count = f"{self.pack}/{self.version}", f"{self.vectors} vectors"
        title = self.title.get(language) or in_script(str(self.title.get("zh-CN", "")), language)
        return [name, str(title), ", ".join(self.schemes), count, state]

    def told(self) -> dict[str, Any]:
        return vars(self) | {"usable": self.usable}


def shelf() -> Iterator[Shelved]:
    """Every pack and version that there is."""
    for pack, version in everything():
        try:
            found = Opened(f"policies/{pack}/{version}.yaml", draft_of(pack, version))
        except Problem as problem:
            yield Shelved(pack, version, {}, [], 0, [], f"broken: {_first(problem)}")
            continue
        content, result = found.draft.content, checked(found)
        title, schemes, vectors = (content.get(key) for key in ("title", "schemes", "vectors"))
        yield Shelved(
            pack,
            version,
            title if isinstance(title, dict) else {},
            list(schemes) if isinstance(schemes, dict) else [],
            len(vectors) if isinstance(vectors, list) else 0,
            list(result.unbound),
            f"broken: {result.faults[0]}" if result.faults else "",
            result.abstract,
        )


def _first(problem: Problem) -> str:
    return next(lines(problem, ""))


def table(shelved: list[Shelved], language: Language) -> list[str]:
    return aligned([each.row(language) for each in shelved])
