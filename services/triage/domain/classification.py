"""Classification: what kind of matter a text is about and who should answer it, read off the pack's words.

A cue of the pack is a word or phrase. A Latin one matches as whole words, one with Chinese anywhere, both in
any case. `…` in a cue stands for a few characters of the same clause (at most 8, in a Latin cue 30), as in
`态度…差`, `charged … twice`, and in `leak…` for leaks, leaked, leaking. A cue inside a longer match does not
count, so that `服务…不错` (praise) silences `服务`. A cue speaks with its weight as often as it is said, at
most three times; said in the heading (the first of several lines), it speaks once more.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel

from shared.policy import Cues, Pack

WEIGHTS = {"strong": 3, "plain": 2, "weak": 1}
MOST_SAID = 3
RESERVE = 2
"""Votes that nobody casts: with few words the confidence stays low even if all agree."""

_TOKEN = re.compile(r"[a-z0-9]+|[^\x00-\x7f]")
_CLAUSE = r"[^\n,.;:!?，。；：！？、]"
_WORD_END = r"(?![a-z0-9])"


class Reading(BaseModel):
    """What a text says, without the text: safety cues found, and how the words speak for each class."""

    cues: tuple[str, ...] = ()
    votes: dict[str, int] = {}
    departments: dict[str, int] = {}


class Suggestion(BaseModel):
    """What the votes come to. Without a name it is to be decided by a person."""

    name: str | None
    confidence: Decimal


class Classified(NamedTuple):
    """The class of a complaint; undecided, it holds the fallback until a person has decided."""

    name: str
    suggested: bool
    confidence: Decimal
    undecided: bool


class _Cues(NamedTuple):
    """Cues that begin with one character, longest first: a group of the pattern each, and how each speaks."""

    pattern: re.Pattern[str]
    votes: list[dict[str, int]]


_Lexicon = dict[str, _Cues]
"""Cues by their first character."""


class _Words(NamedTuple):
    safety: _Lexicon
    classes: _Lexicon
    departments: _Lexicon


class _Same:
    """A pack as a key: the same object, which never changes."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack

    def __hash__(self) -> int:
        return id(self.pack)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.pack is other.pack


def read(text: str, pack: Pack) -> Reading:
    """Read a text once for all that grading and dispatching need."""
    plain = _plain(text)
    starts = [found.start() for found in _TOKEN.finditer(plain)]
    safety, votes, departments = (_votes(lexicon, plain, starts) for lexicon in _words(_Same(pack)))
    return Reading(
        cues=tuple(name for name in pack.cues if name in safety),
        votes={name: votes[name] for name in pack.classes if name in votes},
        departments={name: departments[name] for name in pack.departments if name in departments},
    )


def suggest(votes: Mapping[str, int], threshold: Decimal) -> Suggestion:
    """The name with most votes, if its share reaches the threshold; the first of equals."""
    if not votes:
        return Suggestion(name=None, confidence=Decimal("0.00"))
    best = max(votes, key=lambda name: votes[name])
    share = Decimal(votes[best]) / (sum(votes.values()) + RESERVE)
    confidence = share.quantize(Decimal("0.01"))
    return Suggestion(name=best if confidence >= threshold else None, confidence=confidence)


def classify(given: str | None, reading: Reading, pack: Pack) -> Classified:
    """The class that was given; else the one that the text suggests."""
    if given is not None:
        return Classified(name=given, suggested=False, confidence=Decimal("1.00"), undecided=False)
    votes = {name: count for name, count in reading.votes.items() if name in pack.classes}
    found = suggest(votes, pack.classification.threshold)
    return Classified(
        name=found.name or pack.fallback_class,
        suggested=True,
        confidence=found.confidence,
        undecided=found.name is None,
    )


def suggest_department(reading: Reading, pack: Pack) -> Suggestion:
    """The department that the text itself speaks of."""
    votes = {name: count for name, count in reading.departments.items() if name in pack.departments}
    return suggest(votes, pack.classification.threshold)


@lru_cache(maxsize=64)
def _words(key: _Same) -> _Words:
    pack = key.pack
    return _Words(
        safety=_lexicon((name, cue, 1) for name, cues in pack.cues.items() for cue in cues),
        classes=_lexicon(_weighted({name: kind.cues for name, kind in pack.classes.items()})),
        departments=_lexicon(_weighted({name: each.cues for name, each in pack.departments.items()})),
    )


def _weighted(groups: Mapping[str, Cues]) -> Iterator[tuple[str, str, int]]:
    for name, cues in groups.items():
        for level, weight in WEIGHTS.items():
            yield from ((name, cue, weight) for cue in getattr(cues, level))


def _lexicon(cues: Iterable[tuple[str, str, int]]) -> _Lexicon:
    votes: dict[str, dict[str, int]] = {}
    for name, cue, weight in cues:
        known = votes.setdefault(_plain(cue).strip(), {})
        known[name] = max(weight, known.get(name, 0))
    first: dict[str, list[str]] = {}
    for cue in sorted(votes, key=lambda cue: (-len(cue), cue)):
        first.setdefault(cue[:1], []).append(cue)
    return {
        start: _Cues(re.compile("|".join(map(_pattern, found))), [votes[cue] for cue in found])
        for start, found in first.items()
    }


def _pattern(cue: str) -> str:
    parts = cue.split("…")
    latin = all(part.isascii() for part in parts)
    gap, end = (_CLAUSE + "{0,30}?", _WORD_END) if latin else (_CLAUSE + "{0,8}?", "")
    return f"({gap.join(map(re.escape, parts))}{end})"


def _plain(text: str) -> str:
    return text.lower().replace("’", "'")


def _votes(lexicon: _Lexicon, text: str, starts: list[int]) -> dict[str, int]:
    heading, end = text.find("\n"), 0
    said = Counter[tuple[str, int]]()
    headed = set[tuple[str, int]]()
    for start in starts:
        cues = lexicon.get(text[start])
        found = cues.pattern.match(text, start) if cues else None
        if found and found.end() > end:
            end, cue = found.end(), (text[start], found.lastindex or 0)
            said[cue] += 1
            if start < heading:
                headed.add(cue)
    votes = Counter[str]()
    for cue, times in said.items():
        for name, weight in lexicon[cue[0]].votes[cue[1] - 1].items():
            votes[name] += weight * (min(times, MOST_SAID) + (cue in headed))
    return votes
