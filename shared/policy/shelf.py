"""The shelf: the packs and calendars that this process can use, from the box and as published since."""

import difflib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from shared.events import ComplaintMigrated, ComplaintRegistered
from shared.policy.calendar import Calendar, contradictions
from shared.policy.drafts import Draft, extend, parse
from shared.policy.pack import NAME, Pack
from shared.policy.proof import failures
from shared.policy.reading import build, fit, trials
from shared.problems import Fault, Invalid, Problem, Unavailable

FOLDERS = [
    Path(__file__).parents[2] / "policies",
    *([Path(os.environ["REDRESS_POLICIES"])] if os.environ.get("REDRESS_POLICIES") else []),
]
"""The box, and the house's own folder of the same form."""
_NAMES = UUID("1f0a7c52-9b1e-5c39-8d5b-7a4e6f2c9d10")

_published: dict[tuple[str, int], tuple[Draft, Pack]] = {}
_published_calendars: dict[str, dict[int, Calendar]] = {}


def pack_id(pack: str, version: int) -> UUID:
    """The id under which a pack's version is known to stores and events."""
    return uuid5(_NAMES, f"{pack}/{version}")


def load(pack: str, version: int) -> Pack:
    """A pack that may be used: published, or from the box. Raises Invalid, naming what keeps it from use.

    Raises Unavailable for one that is not here (yet): it may have been published this very moment.
    """
    found = _published.get((pack, version))
    return found[1] if found else _from_box(pack, version)


def pack_of(registered: ComplaintRegistered, migrated: ComplaintMigrated | None) -> Pack:
    """The pack that holds for a complaint. Raises what `load` raises."""
    pinned = migrated or registered
    return load(pinned.pack, pinned.pack_version)


def publish(content: Mapping[str, Any]) -> Pack:
    """Put a published pack on the shelf. Raises Invalid.

    Its vectors held when it was published; a calendar that came later does not take it off again.
    """
    name = f"{content.get('pack')}/{content.get('version')}"
    draft = Draft(dict(content))
    found = build(draft, name)
    _calendar_of(found, draft, name)
    _published[found.pack, found.version] = draft, found
    return found


def latest(pack: str) -> int:
    """The newest version on the shelf. Raises Invalid if there is no such pack."""
    versions = [version for name, version in available() if name == pack]
    if not versions:
        known = sorted({name for name, _ in available()})
        raise Invalid(
            f"There is no policy pack {pack}",
            [Fault(detail=f"use one of {', '.join(known)}", pointer="#/pack")],
        )
    return max(versions)


def available() -> list[tuple[str, int]]:
    """Every pack and version on the shelf, usable or not."""
    return sorted({*in_box(), *_published})


@cache
def in_box() -> frozenset[tuple[str, int]]:
    """Every pack and version that lies in a folder."""
    return frozenset((path.parent.name, int(path.stem)) for path in files() if not _abstract(path))


def files() -> Iterator[Path]:
    """Every file with a version of a pack, those that are only for others to stand on among them."""
    return (path for folder in FOLDERS for path in folder.glob("*/*.yaml") if path.stem.isdigit())


def _abstract(path: Path) -> bool:
    return re.search(r"^abstract: true", path.read_text(encoding="utf-8"), re.MULTILINE) is not None


@cache
def _from_box(pack: str, version: int) -> Pack:
    name = f"policies/{pack}/{version}.yaml"
    found = _proven(build(draft := draft_of(pack, version), name), draft, name, _calendar_in_box)
    if (found.pack, found.version) != (pack, version):
        raise Invalid(f"{name} is {found.pack}/{found.version} inside; name file and folder so")
    return found


def draft_of(pack: str, version: int) -> Draft:
    """A pack as written, upon all that it extends. Raises Unavailable if there is none."""
    if (pack, version) in _published:
        return _published[pack, version][0]
    path = _file(pack, version)
    if path is None:
        raise Unavailable(f"There is no policy pack {pack} of version {version} here", (), 5)
    return _written(path, f"policies/{pack}/{version}.yaml")


@lru_cache(8)
def _written(path: Path, name: str) -> Draft:
    """A file of the box; the few that many extend are read again and again."""
    return draft_from(path.read_text(encoding="utf-8"), name)


def _file(pack: str, version: int) -> Path | None:
    paths = (folder / pack / f"{version}.yaml" for folder in FOLDERS)
    return next((path for path in paths if re.fullmatch(NAME, pack) and path.is_file()), None)


def draft_from(text: str, name: str) -> Draft:
    """A text upon all that it extends (`extends: pack/version`). Raises Invalid."""
    draft = parse(text, name)
    try:
        return _extended(draft, name)
    except Unavailable as problem:
        near = difflib.get_close_matches(
            str(draft.content.get("extends")), [f"{p}/{v}" for p, v in available()], 1
        )
        told = f"{problem.detail}" + (f"; did you mean {near[0]}?" if near else "")
        raise Invalid(f"{name} extends nothing known", [draft.fault(["extends"], told)]) from None


def _extended(draft: Draft, name: str) -> Draft:
    above = draft.content.get("extends")
    if above is None:
        return draft
    pack, _, version = str(above).partition("/")
    if not re.fullmatch(r"[0-9]{1,7}", version):
        fault = draft.fault(["extends"], "write it as <pack>/<version>")
        raise Invalid(f"{name} extends nothing known", [fault])
    if above == f"{draft.content.get('pack')}/{draft.content.get('version')}":
        raise Invalid(f"{name} extends itself", [draft.fault(["extends"], "name another pack or version")])
    return extend(draft, draft_of(pack, int(version)), name)


def activate(draft: Draft, name: str) -> Pack:
    """The pack, if every parameter is bound and every vector holds. Raises Invalid, saying which do not."""
    return _proven(build(draft, name), draft, name)


def prove(draft: Draft, name: str) -> Pack:
    """Run all vectors, unbound parameters at their trial values. Raises Invalid, naming those that fail."""
    return _proven(build(draft, name, trials(draft)), draft, name)


def _proven(
    pack: Pack, draft: Draft, name: str, calendars: Callable[[str], Calendar | None] = lambda name: None
) -> Pack:
    """The pack, if its vectors hold; one of the box by the calendars of the box, whatever came later."""
    faults = []
    for number, vector in enumerate(pack.vectors):
        if unknown := sorted(set(vector.with_) - set(pack.parameters)):
            told = f"there is no parameter {unknown[0]}"
            faults.append(draft.fault(["vectors", number, "with"], told))
            continue
        trial = build(draft, name, trials(draft) | vector.with_) if vector.with_ else pack
        calendar = calendars(trial.calendar) or _calendar_of(trial, draft, name)
        faults += [draft.fault(["vectors", number], wrong) for wrong in failures(trial, calendar, vector)]
    if faults:
        raise Invalid(f"{name} does not give its own known answers", faults)
    _calendar_of(pack, draft, name)
    return pack


def _calendar_of(pack: Pack, draft: Draft, name: str) -> Calendar:
    try:
        return load_calendar(pack.calendar)
    except Invalid as problem:
        raise Invalid(f"{name} cannot be used", [draft.fault(["calendar"], problem.detail)]) from None


def load_calendar(name: str, version: int | None = None) -> Calendar:
    """A calendar in the newest version, or in this one if it is still here.

    Raises Invalid if there is none, or it breaks its form.
    """
    found = dict(_published_calendars.get(name, {}))
    if (boxed := _calendar_in_box(name)) is not None:
        found.setdefault(boxed.version, boxed)
    if not found:
        raise Invalid(f"There is no calendar {name}; use one of {', '.join(calendars())}")
    return found[version] if version in found else found[max(found)]


@cache
def _calendar_in_box(name: str) -> Calendar | None:
    """The newest in any folder; of two alike, that of the house's own."""
    paths = [folder / "calendars" / f"{name}.yaml" for folder in FOLDERS if re.fullmatch(NAME, name)]
    found = [_calendar_from(path) for path in paths if path.is_file()]
    return max(reversed(found), key=lambda each: each.version, default=None)


def _calendar_from(path: Path) -> Calendar:
    name = f"policies/calendars/{path.name}"
    found = _calendar(parse(path.read_text(encoding="utf-8"), name), name)
    if found.calendar != path.stem:
        raise Invalid(f"{name} is {found.calendar} inside; name file and calendar alike")
    return found


def calendars() -> list[str]:
    """The names of all calendars on the shelf that can be used."""
    return sorted({*_published_calendars, *_calendars_in_box()})


@cache
def _calendars_in_box() -> frozenset[str]:
    names = {path.stem for folder in FOLDERS for path in folder.glob("calendars/*.yaml")}
    return frozenset(name for name in names if _usable(name))


def _usable(name: str) -> bool:
    try:
        return _calendar_in_box(name) is not None
    except Invalid:
        return False


def calendar_draft(text: str, name: str) -> Draft:
    """A calendar as written. Raises Invalid with a fault for everything wrong."""
    draft = parse(text, name)
    _calendar(draft, name)
    return draft


def _calendar(draft: Draft, name: str) -> Calendar:
    found = fit(Calendar, draft.content, draft, name)
    if faults := [draft.fault(place, wrong) for place, wrong in contradictions(found)]:
        raise Invalid(f"{name} contradicts itself", faults)
    return found


def publish_calendar(content: Mapping[str, Any]) -> Calendar:
    """Put a version of a calendar on the shelf. Raises Invalid."""
    draft = Draft(dict(content))
    found = _calendar(draft, str(content.get("calendar")))
    _published_calendars.setdefault(found.calendar, {})[found.version] = found
    return found


def in_use() -> Iterator[tuple[str, int, str]]:
    """Every pack on the shelf, its version, and what keeps it from use (empty: nothing)."""
    for pack, version in available():
        try:
            load(pack, version)
        except Problem as problem:
            yield pack, version, str(problem)
        else:
            yield pack, version, ""
