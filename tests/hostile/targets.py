"""Targets: what reads files from outside, each with seeds; it may raise a Problem, and nothing else."""

import io
import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from deploy.calendars import opening
from deploy.calendars.importing import imported
from services.intake.domain.rows import Form, read_rows
from shared import policy
from shared.problems import Problem
from tests.hostile.mutations import VALUES, put, ways

ROOT = Path(__file__).parents[2]
PACKS = sorted(ROOT.glob("policies/[!c]*/*.yaml"), key=lambda path: path.stat().st_size)[:8]
CALENDARS = sorted(ROOT.glob("policies/calendars/*.yaml"))
NOTICES = (ROOT / "tests" / "docs" / "notice.txt",)
ROWS = (
    b"channel,description,complainant.name,complainant.email,details.x\nstore,The bolt broke,Di,d@e.com,1\n",
    b'{"channel":"store","description":"x","complainant":{"name":"Di"},"loss":{"value":"1","currency":"EUR"}}\n',
)
BOMBS = (
    b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
    b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\n",
    b"a: &a\n  <<: *a\n",
    b"&a [*a]",
    b"a: &a {b: *a}",
    b"{" * 5_000,
    b"- " * 5_000,
    b"!!python/object/apply:os.system [id]",
    b"? ? ? ? a",
    b"pack: !!binary aGk=\nversion: 0x7fffffffffffffffff\n",
    b"pack: a\nversion: 190:20:30\nfrom: 2026-99-99\n",
    b"pack: base\nversion: 1e400\n<<: [a, {b: c}]\n",
)
"""What YAML loaders have died of."""


@dataclass(frozen=True)
class Target:
    """`read` is given bytes; `seeds` are files that are read well, and known bad ones."""

    name: str
    read: Callable[[bytes], None]
    seeds: Sequence[bytes]
    longest: int = 8_192


def _text(given: bytes) -> str:
    """As a door takes it: what is no UTF-8 has been refused before."""
    return given.decode("utf-8", "replace")


def pack(given: bytes) -> None:
    """A pack as somebody uploads it, its vectors run."""
    policy.activate(policy.draft_from(_text(given), "fuzz.yaml"), "fuzz.yaml")


@cache
def _small() -> tuple[Any, ...]:
    loaded = (yaml.safe_load(path.read_text("utf-8")) for path in PACKS if path.parent.name != "calendars")
    return tuple(_as_json(each) for each in islice(loaded, 4))


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return str(value) if isinstance(value, date) else value


def pack_tree(given: bytes) -> None:
    """A real pack in which some values are replaced by hostile ones, or by others of its own."""
    if len(given) < 4:
        return
    content = deepcopy(_small()[given[0] % len(_small())])
    for at in range(1, len(given) - 2, 3):
        known = list(ways(content))
        way = known[int.from_bytes(given[at : at + 2]) % len(known)]
        put(content, way, VALUES[given[at + 2] % len(VALUES)])
    text = json.dumps(content)
    policy.prove(policy.draft_from(text, "fuzz.json"), "fuzz.json")


def calendar(given: bytes) -> None:
    """A calendar as somebody writes it."""
    found = opening.read(_text(given), "fuzz.yaml")
    opening.notes(found)
    policy.timetable(found.calendar)


@cache
def _mainland() -> opening.Opened:
    return opening.opened("cn-mainland")


def notice(given: bytes) -> None:
    """A yearly holiday notice."""
    imported(_mainland(), 2027, _text(given), "fuzz.txt")


def rows(given: bytes) -> None:
    """A table of complaints, and the same as JSON lines."""
    forms: tuple[Form, ...] = ("csv", "jsonl")
    for form in forms:
        lines = io.TextIOWrapper(io.BytesIO(given), "utf-8-sig", "surrogateescape", newline="")
        for _ in read_rows(lines, form):
            pass


TARGETS = {
    each.name: each
    for each in (
        Target("pack", pack, [*(path.read_bytes() for path in PACKS), *BOMBS], 32_768),
        Target("pack-tree", pack_tree, [bytes(4), b"\x00\x01\x02\x03\x04\x05\x06", bytes(range(20))], 16),
        Target("calendar", calendar, [*(path.read_bytes() for path in CALENDARS), *BOMBS]),
        Target("notice", notice, [path.read_bytes() for path in NOTICES], 4_096),
        Target("rows", rows, ROWS),
    )
}


def tried(target: Target, given: bytes) -> str | None:
    """What went wrong, if anything: an exception that is no refusal."""
    try:
        target.read(given)
    except Problem:
        return None
    except Exception as error:
        return f"{type(error).__name__} at {_where(error)}"
    return None


def _where(error: BaseException) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and ".venv" not in path.parts:
            place = f"{path.relative_to(ROOT)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
