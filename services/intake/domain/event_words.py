"""What an event tells, in a line: the timeline's words, with the names of the fields that fill them in."""

import re

from services.intake.domain.timeline import WORDS
from shared.events import Language
from shared.policy import phrase

UNTOLD: dict[str, tuple[str, str]] = {
    "notice.queued": ("{to} is to be told: {kind}, by {channel}", "将告知 {to}：{kind}（{channel}）"),
    "webhook.failed": ("{event_type} could not be delivered to an endpoint", "{event_type} 未能送达接收端"),
    "webhook.disabled": ("An endpoint gets no more events: {reason}", "接收端已停用：{reason}"),
}
"""Events that no timeline shows, in en and zh-CN."""
_FIELD = re.compile(r"\{(\w+)[^}]*\}")


def parts_of(type: str, language: Language) -> list[tuple[str, bool]]:
    """Pieces of the line about an event, each with whether it is the name of a field."""
    name = type.rpartition(".v")[0]
    en, zh = (UNTOLD | WORDS)[name]
    pieces = _FIELD.split(phrase(language, zh, en))
    return [(piece, number % 2 == 1) for number, piece in enumerate(pieces) if piece]
