"""Showing a pack: every part of it in words, section by section."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from deploy.policies import showing_facts, showing_grades, showing_work
from deploy.policies.opening import Opened
from deploy.policies.wording import Wording
from deploy.telling import aligned
from shared.events import Channel, Language
from shared.policy import Draft, Pack, build, everywhere, plain
from shared.policy.reading import fit, parameters, trials

_NONE = {"title": everywhere("–", "–")}
LEFT_OPEN: dict[str, Any] = {
    **_NONE, "source": "–", "calendar": "–", "money": {"currency": "–"}, "clocks": {}, "feedback": {},
    "classes": {"none": {**_NONE, "lead": "none", "departments": ["none"]}}, "fallback_class": "none",
    "schemes": {"none": {**_NONE, "grades": {"none": _NONE}, "rows": [], "otherwise": "none"}},
    "departments": {"none": {**_NONE, "email": "none@departments.invalid"}},
    "survey": {"expires_days": 1, "reopen_below": 0},
}  # fmt: skip
"""What stands in where an abstract pack leaves a section to others; it is not shown."""


def shown(pack: Opened, language: Language) -> Iterator[str]:
    """The pack for people; unbound parameters at their trial values. Raises Invalid if it breaks its form."""
    content = pack.draft.content
    built = _abstract(pack) if pack.abstract else build(pack.draft, pack.name, trials(pack.draft))
    wording = Wording(built, language)
    yield f"{built.pack}/{built.version}  {wording.title(built)}"
    rows = [row for key, row in _head(wording, content) if not pack.abstract or key in ("", *content)]
    yield from aligned(rows)
    for part in (showing_facts, showing_grades, showing_work):
        for key, heading, found in part.sections(wording):
            if found and (not pack.abstract or key in content):
                yield from ["", heading, *(f"  {line}" for line in aligned(_even(found)))]


def _abstract(pack: Opened) -> Pack:
    """A pack that only others can stand on, as far as it goes. Raises Invalid if that breaks its form."""
    values, faults = parameters(pack.draft, trials(pack.draft))
    given = {key: each for key, each in pack.draft.content.items() if key not in ("extends", "abstract")}
    bound = {
        key: each if key in ("parameters", "vectors") else _bound(each, values) for key, each in given.items()
    }
    return fit(Pack, LEFT_OPEN | bound, Draft(given, pack.draft.lines), pack.name, faults)


def _bound(value: Any, values: Mapping[str, Any]) -> Any:
    match value:
        case dict():
            return {key: _bound(each, values) for key, each in value.items()}
        case list():
            return [_bound(each, values) for each in value]
        case str() if value.startswith("$"):
            return values.get(value[1:], value)
    return value


def _head(wording: Wording, content: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What is said in a line each, with the key that says it (empty: shown in any case)."""
    pack, say = wording.pack, wording.say
    if content.get("abstract") is True:
        yield "", [say("Abstract"), say("only for others to stand on; it cannot be used alone")]
    yield "source", [say("Source"), " ".join(pack.source.split())]
    if above := content.get("extends"):
        yield "", [say("Extends"), str(above)]
    yield "calendar", [say("Calendar"), pack.calendar]
    rates = wording.listed(f"{name} = {plain(rate)}" for name, rate in pack.money.rates.items())
    yield "money", [say("Currency"), pack.money.currency + (f" ({rates})" if rates else "")]
    everything = set(pack.channels) == set(get_args(Channel))
    yield "channels", [say("Channels"), say("all") if everything else wording.listed(pack.channels)]
    if pack.without:
        yield "without", [say("Without the steps"), wording.listed(pack.without)]
    yield "classification", [say("Class sure enough from"), plain(pack.classification.threshold)]
    yield "retention_years", [say("Records kept"), f"{pack.retention_years} {say('years')}"]
    yield "vectors", [say("Vectors"), str(len(pack.vectors))]


def _even(rows: list[list[str]]) -> list[list[str]]:
    """Rows of the same number of cells."""
    most = max(map(len, rows))
    return [row + [""] * (most - len(row)) for row in rows]
