"""What a holiday is called: by its heading, by the words of its sentence, or by its dates."""

import re
from collections.abc import Collection, Iterable
from datetime import date

WORDS = {
    "元旦": r"元旦|新年", "春节": r"春节|除夕|正月|大年", "清明节": r"清明", "劳动节": r"劳动节|五一",
    "端午节": r"端午|五月初五", "中秋节": r"中秋|八月十五", "国庆节": r"国庆",
}  # fmt: skip
FIXED = {(1, 1): "元旦", (5, 1): "劳动节", (10, 1): "国庆节"} | dict.fromkeys(
    [(4, 4), (4, 5), (4, 6)], "清明节"
)
_HEADING = re.compile(r"([^,。;:]{1,40}):")
_OTHER = re.compile(r".*[节日旦]")
_NO_NAME = re.compile(r"其中|放假|上班|调休|休息|时间|日期|假[期日]")


def heading(text: str) -> tuple[str, str]:
    """A holiday's name that stands before a colon, and the text behind it; no name, and all of the text."""
    found = _HEADING.match(text)
    if found is None or _NO_NAME.search(found[1]):
        return "", text
    name = "、".join(named(found[1])) or (found[1] if _OTHER.fullmatch(found[1]) else "")
    return (name, text[found.end() :]) if name else ("", text)


def named(text: str) -> list[str]:
    """The holidays that a text names, in its order."""
    places = {name: found.start() for name, words in WORDS.items() if (found := re.search(words, text))}
    return sorted(places, key=lambda name: places[name])


def festival(text: str, remarks: Iterable[str], days: Collection[date]) -> str:
    """What days without a heading belong to; empty if nothing tells."""
    spoken = named(re.sub(r"\([^()]*\)", "", text))
    fixed = {name: None for day in sorted(days) if (name := FIXED.get((day.month, day.day)))}
    return "、".join(spoken or fixed or named("".join(remarks)))
