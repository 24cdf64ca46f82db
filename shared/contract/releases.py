"""Releases of the contract: what subscribers were promised, and what a change would break.

`released.json` beside this file is the last one. Only `python -m deploy.contract release` writes it, and not
over a breaking change.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from shared.contract.attributes import envelope_schema
from shared.contract.differences import Difference, bare, differences
from shared.contract.schemas import Schema, schemas
from shared.events import CATALOGUE, FOR_PARTNERS

FILE = Path(__file__).parent / "released.json"
EXAMPLES = Path(__file__).parent / "examples.json"
Example = dict[str, Any]
NEVER = "events of its kind have been read by those who may, and by nobody else"


class Entry(BaseModel):
    """An event as it was promised: by whom, to whom, since which release, in which form.

    `added` says of later fields since when they are there. `examples` are real events, one for each form
    that it ever had: today's code must still read them.
    """

    owner: str
    private: bool
    partners: bool
    since: str
    added: dict[str, str] = {}
    form: Schema
    examples: list[Example] = []


class Release(BaseModel):
    """The contract at one time. `version` is major.minor; nothing has ever needed another major one."""

    version: str
    envelope: Schema
    events: dict[str, Entry]


@cache
def released() -> Release:
    """The last release."""
    return Release.model_validate(from_json(FILE.read_bytes())["release"])


@cache
def examples() -> Mapping[str, Example]:
    """A real event of each public type."""
    found: Mapping[str, Example] = from_json(EXAMPLES.read_bytes())
    return found


def written(release: Release) -> str:
    """The file's text; the digest is there so that a change by hand is seen."""
    body = release.model_dump(mode="json", exclude_defaults=True)
    digest = sha256(to_json(body)).hexdigest()
    return to_json({"digest": digest, "release": body}, indent=1).decode() + "\n"


def current(last: Release | None = None) -> Release:
    """The contract as the code has it, as the release after `last`."""
    before = last or Release(version="1.0", envelope={}, events={})
    release = Release(
        version=before.version,
        envelope=bare(envelope_schema()),
        events={type: _entry(type, schema) for type, schema in schemas().items()},
    )
    if last is None:
        return _dated(release, before, "1.0")
    dated = _dated(release, before, before.version)
    return dated if dated == before else _dated(release, before, _next(before.version))


@cache
def at_work() -> Release:
    """The contract as this code keeps it: the last release, or the one that comes next."""
    return current(released())


def _entry(type: str, schema: Schema) -> Entry:
    kind = CATALOGUE[type]
    example = [] if kind.private or type not in examples() else [examples()[type]]
    return Entry(
        owner=kind.owner,
        private=kind.private,
        partners=type in FOR_PARTNERS,
        since="",
        form=bare(schema),
        examples=example,
    )


def _next(version: str) -> str:
    major, _, minor = version.partition(".")
    return f"{major}.{int(minor) + 1}"


def _dated(release: Release, before: Release, version: str) -> Release:
    """What was there before keeps its dates and its examples."""
    events: dict[str, Entry] = {}
    for type, entry in release.events.items():
        was = before.events.get(type)
        if was is None:
            events[type] = entry.model_copy(update={"since": version})
            continue
        new = entry.form.get("properties", {}).keys() - was.form.get("properties", {}).keys()
        same = was.form == entry.form and bool(was.examples)
        kept = {
            "since": was.since,
            "added": was.added | dict.fromkeys(sorted(new), version),
            "examples": was.examples if same else [*was.examples, *entry.examples],
        }
        events[type] = entry.model_copy(update=kept)
    return release.model_copy(update={"version": version, "events": events})


def breaking(old: Release, new: Release) -> list[Difference]:
    """Every promise of `old` that `new` breaks."""
    found = [*differences(old.envelope, new.envelope, "envelope")]
    for type, was in old.events.items():
        now = new.events.get(type)
        found += _retired(type, old.events) if now is None else _event(type, was, now)
    return found


def _retired(type: str, known: Mapping[str, Entry]) -> Sequence[Difference]:
    """An event may go once a later version of it stood beside it in a release."""
    name, _, number = type.rpartition(".v")
    later = [each for each in known if each.rpartition(".v")[0] == name and _number(each) > int(number)]
    if later:
        return []
    mend = "leave it; or release its next version beside it first, and let it go when no history holds it"
    return [Difference(type, "the event is gone", "subscribers wait for it in vain", mend)]


def _number(type: str) -> int:
    return int(type.rpartition(".v")[2])


def _event(type: str, was: Entry, now: Entry) -> Iterator[Difference]:
    if was.owner != now.owner:
        what = f"{was.owner} published it, now {now.owner} does"
        breaks = "`source` tells repeats and counts `sequence`"
        yield Difference(type, what, breaks, "publish a new version of the event from its new owner")
    if was.private != now.private:
        what = "it was private and is public" if was.private else "it was public and is private"
        yield Difference(type, what, NEVER, "publish another event for the others")
    if was.partners and not now.partners:
        what = "partners do not get it any more"
        yield Difference(type, what, "their webhooks wait for it in vain", "leave it in FOR_PARTNERS")
    yield from differences(was.form, now.form, type)
