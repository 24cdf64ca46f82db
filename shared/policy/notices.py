"""Notices: everything that somebody can be told, with the words that its text may use.

A pack may say otherwise who is told, whether it is urgent, and in which words; the service that sends has
texts for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from shared.events import Language, Text
from shared.policy.conditions import Section
from shared.policy.words import traditional

NoticeKind = Literal[
    "acknowledgement", "progress", "information_request", "offer", "result", "survey", "survey_reminder",
    "assignment", "information_slip", "corrective_action", "deadline_warned", "deadline_breached",
    "deadline_escalated", "escalation", "emergency", "adverse_event", "low_score",
]  # fmt: skip
KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
TO_CUSTOMER: tuple[NoticeKind, ...] = (
    "acknowledgement", "progress", "information_request", "offer", "result", "survey", "survey_reminder",
)  # fmt: skip
ALWAYS = ("number", "title", "cycle", "received_at")
"""What every text may name: the receipt number, the pack's title, the round of handling, the day it came."""
CUSTOMER = ("name", "receipt_url")
STAFF = ("recipient", "class", "grade")
PAPER = ("paper", "paper_url")
"""The form that the regulation wants filled in, and where staff find it."""
NAMING: tuple[NoticeKind, ...] = (
    "assignment", "corrective_action", "deadline_escalated", "escalation", "emergency", "low_score",
)  # fmt: skip
"""Those whose event, or for a low score the pack's `survey`, says who is to know: `named`."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One kind of notice: the words of its own that its text may name, and who is told.

    `to` is `customer`; or roles of the pack, `lead` (the lead department, or the one whose clock it is),
    `departments` (all that must answer) and `named` (those that the event names). An `urgent` one waits for
    nothing: no quiet hours, no digest.
    """

    words: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    urgent: bool = False


_CUSTOMER = ("customer",)
TELLINGS: Mapping[NoticeKind, Telling] = {
    "acknowledgement": Telling((), _CUSTOMER),
    "progress": Telling(("departments", "due"), _CUSTOMER),
    "information_request": Telling(("question",), _CUSTOMER),
    "offer": Telling(("offer",), _CUSTOMER),
    "result": Telling(("reply",), _CUSTOMER),
    "survey": Telling(("link", "expires"), _CUSTOMER),
    "survey_reminder": Telling(("link", "expires"), _CUSTOMER),
    "assignment": Telling((), ("named",)),
    "information_slip": Telling(("departments", *PAPER)),
    "corrective_action": Telling(("cause", "measure", "due", "cost", *PAPER)),
    "deadline_warned": Telling(("clock", "due"), ("lead",)),
    "deadline_breached": Telling(("clock", "due"), ("lead",)),
    "deadline_escalated": Telling(("clock", "due", "rung"), ("named",)),
    "escalation": Telling(("gate",), ("named",), urgent=True),
    "emergency": Telling((), ("named",), urgent=True),
    "adverse_event": Telling((), ("quality_manager",), urgent=True),
    "low_score": Telling(("score",), ("named",)),
}


def words_for(kind: NoticeKind) -> tuple[str, ...]:
    """Every word that a text of this kind may name."""
    return (*ALWAYS, *(CUSTOMER if kind in TO_CUSTOMER else STAFF), *TELLINGS[kind].words)


def _in_all(texts: dict[Language, str]) -> dict[Language, str]:
    """The text in all languages; zh-TW is made from zh-CN where nobody wrote it."""
    if "zh-CN" in texts:
        texts = texts | {"zh-TW": texts.get("zh-TW") or traditional(texts["zh-CN"])}
    absent = {language for language in get_args(Language) if language not in texts}
    if texts and absent:
        raise ValueError(f"there is no text in {', '.join(sorted(absent))}")
    return texts


class NoticeRule(Section):
    """What a pack says of one kind of notice. A text's first line is the subject.

    `to` as in `Telling`; an empty one switches the notice off, also one to the customer. `paper` is the one
    of the pack's papers that a slip or a corrective action is about. Texts stand in all languages, or none.
    """

    to: tuple[str, ...] | None = None
    urgent: bool | None = None
    texts: Annotated[dict[Language, Text], AfterValidator(_in_all)] = {}
    paper: str | None = None
    clause: str = ""


class Posting(Section):
    """When staff and customers are left in peace, and how many notices one address gets.

    Between `quiet_from` and `quiet_until` of the calendar's zone nothing but the urgent is sent to staff, and
    no message to a customer's phone. Beyond `most_per_hour` notices to one address of the staff, what is not
    urgent is folded into a digest, at most every `digest_minutes`.
    """

    quiet_from: time | None = None
    quiet_until: time | None = None
    most_per_hour: Annotated[int, Field(ge=1, le=1_000)] = 10
    digest_minutes: Annotated[int, Field(ge=1, le=1_440)] = 30
