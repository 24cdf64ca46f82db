"""Words that people read: every title stands in all languages."""

from typing import Annotated, get_args

from pydantic import AfterValidator

from shared.events import Language


def _all(titles: dict[Language, str]) -> dict[Language, str]:
    if absent := {language for language in get_args(Language) if not titles.get(language, "").strip()}:
        raise ValueError(f"there is no title in {', '.join(sorted(absent))}")
    return titles


Titles = Annotated[dict[Language, str], AfterValidator(_all)]
