"""Classification: what kind of matter a text is about, read off the pack's words."""

import re
from functools import cache

from pydantic import BaseModel

from shared.policy import Pack


class Reading(BaseModel):
    """What a text says, without the text: safety cues found, and how many words speak for each class."""

    cues: tuple[str, ...] = ()
    votes: dict[str, int] = {}


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words; a Latin one only as a whole word, a Chinese one anywhere."""
    forms = [rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word) for word in words]
    return re.compile("|".join(forms) or r"(?!)", re.IGNORECASE)


def read(text: str, pack: Pack) -> Reading:
    """Read a text once for all that grading and dispatching need."""
    cues = tuple(name for name, words in pack.cues.items() if _pattern(words).search(text))
    votes = {name: len(set(_pattern(kind.cues).findall(text.lower()))) for name, kind in pack.classes.items()}
    return Reading(cues=cues, votes={name: count for name, count in votes.items() if count})


def classify(given: str | None, reading: Reading, pack: Pack) -> tuple[str, bool]:
    """The class, and whether it is only suggested by the text. The first of equals wins."""
    if given is not None:
        return given, False
    if not reading.votes:
        return pack.fallback_class, True
    return max(pack.classes, key=lambda name: reading.votes.get(name, 0)), True
