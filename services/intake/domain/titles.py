"""Titles: what pages call the words that answers bring, those of one pack beside those of all packs."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from services.intake.domain.vocabulary import CHANNELS, OUTCOMES, STAGES, Words
from shared.events import Language
from shared.policy import Pack, everywhere

Titles = Mapping[Language, str]
STEPS: Words = {
    "screen": ("受理审查", "Screen"),
    "accept": ("受理", "Accept"),
    "assign": ("指定经办人", "Name a handler"),
    "investigate": ("调查", "Investigate"),
    "disown": ("认定非我方责任", "Disown"),
    "own": ("收回非我方认定", "Own after all"),
    "propose": ("提出方案", "Propose a solution"),
    "approve": ("批准", "Approve"),
    "reject": ("退回", "Reject"),
    "offer": ("告知方案", "Offer the solution"),
    "agree": ("记录客户同意", "Note agreement"),
    "negotiate": ("继续协商", "Negotiate"),
    "disagree": ("记录客户不同意", "Note disagreement"),
    "start": ("开始执行", "Start"),
    "implement": ("执行完成", "Implement"),
    "audit": ("审核", "Audit"),
    "answer": ("答复客户", "Answer"),
    "close": ("结案", "Close"),
    "archive": ("归档", "Archive"),
    "reopen": ("重新处理", "Reopen"),
    "withdraw": ("客户撤回", "Withdraw"),
    "merge": ("并案", "Merge"),
    "relate": ("关联", "Link"),
    "emergency": ("启动应急预案", "Declare an emergency"),
    "adverse_event": ("不良事件", "Adverse event"),
    "pause": ("暂停计时", "Pause"),
    "resume": ("恢复计时", "Resume"),
}


class Vocabulary(BaseModel):
    """Words and their titles."""

    pack: str
    version: int
    title: Titles
    stages: Mapping[str, Titles]
    outcomes: Mapping[str, Titles]
    channels: Mapping[str, Titles]
    steps: Mapping[str, Titles]
    classes: Mapping[str, Titles]
    grades: Mapping[str, Titles] = Field(description="Gravest first, scheme by scheme")
    departments: Mapping[str, Titles]
    roles: Mapping[str, Titles]
    clocks: Mapping[str, Titles]


def vocabulary(pack: Pack) -> Vocabulary:
    """The words of complaints that are handled by this pack."""

    def named(things: Mapping[str, Any]) -> dict[str, Titles]:
        return {name: each.title for name, each in things.items()}

    return Vocabulary(
        pack=pack.pack,
        version=pack.version,
        title=pack.title,
        stages=titles(STAGES),
        outcomes=titles(OUTCOMES),
        channels=titles(CHANNELS),
        steps=titles(STEPS),
        classes=named(pack.classes),
        grades=named(pack.grades),
        departments=named(pack.departments),
        roles=named(pack.roles),
        clocks=named(pack.clocks),
    )


def titles(words: Words) -> dict[str, Titles]:
    """The same words as titles by language."""
    return {name: everywhere(*pair) for name, pair in words.items()}
