"""Letters: notices as one page to print, each on sheets of its own."""

from collections.abc import Sequence

from services.notify.channels.wording import Words, texts, words
from services.notify.domain.record import Notice, Notices
from shared.telemetry import where


def letters(some: Sequence[tuple[Notices, Notice]]) -> str:
    """The printable pages of notices that go by post; of one that has no words only that is said."""
    sheets = [(_said(*each), *each) for each in some]
    return texts.get_template("letters.html").render(sheets=sheets)


def _said(state: Notices, notice: Notice) -> Words | str:
    """Its words, or why it has none: a fault in one is of that one alone."""
    try:
        return words(state, notice)
    except Exception as error:
        return where(error)
