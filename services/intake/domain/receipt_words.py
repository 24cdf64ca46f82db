"""The words in which customers are told where their complaint stands.

What people of the house find, decide and approve among themselves makes no difference to them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from services.intake.domain.stages import Stage
from shared.events import Outcome, Party

Public = Literal[
    "received", "reopened", "examining", "solving", "offered", "carrying_out", "answered", "closed"
]
"""The steps that customers see, in the order of the usual way; `reopened` begins another round."""
Pair = tuple[str, str]
"""Words in en, zh-CN."""


class Words(NamedTuple):
    """What a stage is to the customer: the step, where it stands, what happens next."""

    step: Public
    stage: Pair
    next: Pair


NAMES: Mapping[Public, Pair] = {
    "received": ("Received", "已收到"),
    "reopened": ("Taken up again", "重新受理"),
    "examining": ("Looking into it", "调查处理"),
    "solving": ("Preparing a solution", "拟定方案"),
    "offered": ("Solution offered to you", "征求您的意见"),
    "carrying_out": ("Carrying it out", "落实方案"),
    "answered": ("Our answer", "答复"),
    "closed": ("Closed", "办结"),
}
_RECEIVED = Words(
    "received",
    ("We have received your complaint", "我们已收到您的投诉"),
    (
        "We find out what it is about, and give it to the people who can solve it.",
        "我们正在了解情况，随后交由能够解决问题的人员处理。",
    ),
)
REOPENED = Words(
    "reopened",
    ("We have taken your complaint up again", "我们已重新受理您的投诉"),
    ("We look into it once more.", "我们会再次了解情况并处理。"),
)
_EXAMINING = Words(
    "examining",
    ("We are looking into your complaint", "我们正在调查处理您的投诉"),
    (
        "We find out what happened and why. Then we prepare a solution.",
        "我们会查明事情经过和原因，然后拟定解决方案。",
    ),
)
_SOLVING = Words(
    "solving",
    ("We are preparing a solution", "我们正在拟定解决方案"),
    ("We put the solution to you, and ask whether you agree.", "方案确定后，我们会告知您并征求您的意见。"),
)
_OFFERED = Words(
    "offered",
    ("We have offered you a solution", "我们已向您提出解决方案"),
    (
        "Please tell us whether you agree: answer our message, or call us and name your number.",
        "请告诉我们您是否同意：回复我们的消息，或来电并说明投诉编号。",
    ),
)
_DISAGREED = Words(
    "solving",
    ("We have not come to an agreement", "双方未能达成一致"),
    (
        "You will hear from us. Our answer names the other ways that are open to you.",
        "我们会给您答复，并告知您可以选择的其他途径。",
    ),
)
_CARRYING_OUT = Words(
    "carrying_out",
    ("We are carrying out what we agreed", "我们正在落实约定的方案"),
    ("When it is done we check the result, and answer you.", "完成后我们会核对结果并答复您。"),
)
_DONE = Words(
    "carrying_out",
    ("What we agreed has been done", "约定的方案已落实"),
    ("We check the result. Then you get our answer.", "我们正在核对结果，随后给您答复。"),
)
_ANSWERED = Words(
    "answered",
    ("Our answer is on its way to you", "我们的答复正在送达"),
    ("It comes to you on the way you chose to reach us.", "答复会按您联系我们的方式送达。"),
)
_TOLD = Words(
    "answered",
    ("We have answered you", "我们已答复您"),
    (
        "We ask you how content you are. What you say helps us to do better.",
        "我们会请您评价处理结果，您的意见有助于我们改进。",
    ),
)
_ASKED = Words(
    "answered",
    ("Your complaint has been dealt with", "您的投诉已处理完毕"),
    ("We close it. If something is still open, tell us.", "我们即将办结。如仍有问题，请告诉我们。"),
)
STAGES: Mapping[Stage, Words] = {
    Stage.REGISTERED: _RECEIVED,
    Stage.SCREENED: _RECEIVED,
    Stage.REOPENED: REOPENED,
    Stage.GRADED: _RECEIVED,
    Stage.DISPATCHED: _EXAMINING,
    Stage.ACCEPTED: _EXAMINING,
    Stage.INVESTIGATING: _EXAMINING,
    Stage.INVESTIGATED: _SOLVING,
    Stage.PROPOSED: _SOLVING,
    Stage.APPROVED: _SOLVING,
    Stage.OFFERED: _OFFERED,
    Stage.AGREED: _CARRYING_OUT,
    Stage.DISAGREED: _DISAGREED,
    Stage.IMPLEMENTING: _CARRYING_OUT,
    Stage.IMPLEMENTED: _DONE,
    Stage.AUDITED: _DONE,
    Stage.DISOWNED: _EXAMINING,
    Stage.NOT_OURS: _EXAMINING,
    Stage.ANSWERED: _ANSWERED,
    Stage.FED_BACK: _TOLD,
    Stage.SURVEYED: _ASKED,
}
"""Every stage before the end."""
_AGAIN: Pair = (
    "If it is not settled for you, tell us and name your number. We will look at it again.",
    "如问题仍未解决，请联系我们并说明投诉编号，我们会再次核实。",
)
_WHERE: Pair = (
    "Our message to you says why, and where you may turn.",
    "我们已告知您原因，以及您可以寻求帮助的途径。",
)
ENDINGS: Mapping[Outcome, tuple[Pair, Pair]] = {
    "resolved": (("Your complaint is closed", "您的投诉已办结"), _AGAIN),
    "disagreed": (
        ("Your complaint is closed without an agreement", "您的投诉已办结，双方未能达成一致"),
        ("Our answer names the other ways that are open to you.", "我们的答复已写明您可以选择的其他途径。"),
    ),
    "refused": (("We could not take this up as a complaint", "此事项不属于投诉受理范围"), _WHERE),
    "transferred": (
        ("Another part of our organisation takes care of it", "此事项已转交我们的其他单位处理"),
        ("Our message to you says why, and who will answer you.", "我们已告知您原因，以及由谁答复您。"),
    ),
    "referred": (("Another organisation is in charge of this", "此事项应由其他机构处理"), _WHERE),
    "not_ours": (("We are not the ones who are responsible for it", "经核实，此事项非我方责任"), _WHERE),
    "withdrawn": (
        ("You took your complaint back", "您已撤回投诉"),
        (
            "If you change your mind, tell us and name your number.",
            "如您改变主意，请联系我们并说明投诉编号。",
        ),
    ),
    "merged": (
        (
            "It goes on together with another complaint about the same matter",
            "已与同一事项的另一投诉合并处理",
        ),
        ("Call us and name your number to hear how it goes on.", "如需了解进展，请来电并说明投诉编号。"),
    ),
}
"""Outcome -> how it ended, and what is left to do."""
WAITS: Mapping[Party, Pair] = {
    "customer": (
        "We need something from you to go on. Please look at our last message, or call us.",
        "我们需要您补充信息才能继续。请查看我们最近的消息，或来电联系。",
    ),
    "third_party": (
        "We are waiting for word from outside our house. Then we go on.",
        "我们正在等待外部单位的答复，收到后继续处理。",
    ),
}
ERASED: Pair = (
    "What pointed to you has been erased, so we can no longer write to you.",
    "您的个人信息已删除，我们无法再主动联系您。",
)
PROMISED: Pair = ("We promised you an answer by {when}.", "我们承诺在 {when} 前答复您。")
LATE: Pair = (
    "We promised you an answer by {when}. We are late, and we are sorry.",
    "我们曾承诺在 {when} 前答复您，现已超时，我们深表歉意。",
)
STANDS_STILL: Pair = ("While we wait, the time for our answer stands still.", "等待期间，答复时限暂停计算。")
NO_DATE: Pair = ("No date is set for our answer yet.", "答复日期尚未确定。")


def spoken(at: datetime) -> Pair:
    """A local instant by which something is promised; midnight is the end of the day before."""
    if (at.hour, at.minute) != (0, 0):
        return written(at)
    en, zh = day_of(at - timedelta(days=1))
    return f"the end of {en}", f"{zh} 24:00"


def written(at: datetime) -> Pair:
    """A local instant."""
    en, zh = day_of(at)
    return f"{en}, {at:%H:%M}", f"{zh} {at:%H:%M}"


def day_of(at: datetime) -> Pair:
    return f"{at.day} {at:%B %Y}", f"{at.year}年{at.month}月{at.day}日"
