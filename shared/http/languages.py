"""Languages: which of ours a browser asks for first."""

from collections.abc import Mapping

from shared.events import Language

NAMES: Mapping[Language, str] = {"zh-CN": "简体中文", "zh-TW": "繁體中文", "en": "English"}
"""What each calls itself, in the order in which they are offered."""

TAIWAN = {"hant", "tw", "hk", "mo"}
"""Parts of a language tag that say that Chinese is to be written in traditional characters (RFC 5646)."""


def preferred_language(accepted: str) -> Language:
    """The best of `Accept-Language` that there is (RFC 9110, 12.5.4); English where there is none of it."""
    ranges = [_weighed(each) for each in accepted.split(",")]
    for tag, weight in sorted(ranges, key=lambda each: -each[1]):
        language, *parts = tag.split("-")
        if weight > 0 and language == "zh":
            return "zh-TW" if TAIWAN & {*parts} and "hans" not in parts else "zh-CN"
        if weight > 0 and language == "en":
            return "en"
    return "en"


def chosen_language(wanted: str | None, otherwise: Language) -> Language:
    """The language that is asked for by name, if there is such a one."""
    return next((each for each in NAMES if each == wanted), otherwise)


def _weighed(given: str) -> tuple[str, float]:
    """A range with its weight; one that is malformed weighs nothing."""
    tag, _, rest = given.strip().lower().partition(";")
    weight = rest.replace(" ", "").removeprefix("q=") or "1"
    fit = weight.replace(".", "", 1).isdecimal() and weight.isascii()
    return tag.strip(), float(weight) if fit else 0.0
