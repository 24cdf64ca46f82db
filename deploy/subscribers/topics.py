"""Topics: which public events a pattern of the broker means.

Source: AMQP 0-9-1, topic exchange: words parted by dots, `*` is one word, `#` is none, one or several.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from shared.events import CATALOGUE
from shared.problems import Fault, Invalid

PUBLIC = tuple(type for type, kind in CATALOGUE.items() if not kind.private)
_FORM = re.compile(r"([a-z0-9_]+|\*|#)(\.([a-z0-9_]+|\*|#))*")


def matched(pattern: str) -> list[str]:
    """The public events that a pattern means."""
    return [type for type in PUBLIC if fits(pattern, type)]


def fits(pattern: str, type: str) -> bool:
    """Whether the broker would route an event of this type by this pattern."""
    return _fits(pattern.split("."), type.split("."))


def _fits(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    first, rest = pattern[0], pattern[1:]
    if first == "#":
        return any(_fits(rest, words[at:]) for at in range(len(words) + 1))
    return bool(words) and first in ("*", words[0]) and _fits(rest, words[1:])


def checked(patterns: Sequence[str]) -> list[str]:
    """The patterns, each once. Raises Invalid, naming the mend, for one that means no public event."""
    faults = [
        Fault(detail=detail, pointer=f"#/topics/{at}")
        for at, pattern in enumerate(patterns)
        if (detail := _wrong(pattern))
    ]
    if faults:
        raise Invalid("These topics cannot be subscribed to", faults)
    return list(dict.fromkeys(patterns))


def _wrong(pattern: str) -> str:
    if not _FORM.fullmatch(pattern) or len(pattern) > 200:
        told = "words of small letters, digits and _, parted by dots; * is one word, # any number of them"
        return f"{pattern[:80]!r} is no topic: write {told}"
    if matched(pattern):
        return ""
    if any(fits(pattern, type) for type in CATALOGUE):
        return f"{pattern} is private: it may hold personal data, and no team gets it"
    nearer = [each for each in (f"{pattern}.v1", f"{pattern}.*.v1", f"{pattern}.#") if matched(each)]
    meant = nearer[:1] or get_close_matches(pattern, PUBLIC, 1, 0.5)
    mend = f"did you mean {meant[0]}?" if meant else "docs/schemas/ has one file for each event"
    return f"{pattern} means no event; {mend}"
