"""Wording: what the survey page says to customers, in their language."""

from collections.abc import Mapping

from services.survey.domain.answering import Why
from shared.events import Language

Triple = tuple[str, str, str]
_PAGE: Mapping[str, Triple] = {
    "title": ("Customer survey", "满意度调查", "滿意度調查"),
    "form": (
        "How content are you with the way we handled your complaint?",
        "您对我们处理投诉的方式满意吗？",
        "您對我們處理投訴的方式滿意嗎？",
    ),
    "number": ("Your complaint", "投诉编号", "投訴編號"),
    "mistakes": ("Something is missing", "还有内容需要补充", "還有內容需要補充"),
    "mistake": ("To mend: ", "请更正：", "請更正："),
    "score": ("Your score", "请打分", "請評分"),
    "scale": (
        "0: not content at all. 10: fully content.",
        "0 分：非常不满意；10 分：非常满意。",
        "0 分：非常不滿意；10 分：非常滿意。",
    ),
    "worst": ("Not at all", "非常不满意", "非常不滿意"),
    "best": ("Fully", "非常满意", "非常滿意"),
    "comment": ("What would you like to tell us?", "您想对我们说的话", "您想對我們說的話"),
    "below": (
        "With a score below {below}, please tell us why, so that we can put it right.",
        "评分低于 {below} 分时，请告诉我们原因，以便我们改进。",
        "評分低於 {below} 分時，請告訴我們原因，以便我們改進。",
    ),
    "optional": ("optional", "选填", "選填"),
    "yes": ("Yes", "是", "是"),
    "no": ("No", "否", "否"),
    "none": ("No answer", "不作答", "不作答"),
    "consent": (
        "I agree that my answers are used to improve the service",
        "我同意将我的答复用于改进服务",
        "我同意將我的答覆用於改善服務",
    ),
    "send": ("Send", "提交", "送出"),
    "decline": ("I do not want to answer", "我不想作答", "我不想作答"),
    "thanks": ("Thank you for your answer", "感谢您的反馈", "感謝您的回饋"),
    "thanks_more": ("It helps us to do better.", "您的意见将帮助我们改进。", "您的意見將幫助我們改善。"),
    "declined": ("You have declined to answer", "您已选择不作答", "您已選擇不作答"),
    "answered": ("You have answered already", "您已经回答过了", "您已經回答過了"),
    "answered_more": (
        "Thank you. The answer that we have counts; there is nothing more to do.",
        "感谢您。已收到的答复有效，无需再次作答。",
        "感謝您。已收到的答覆有效，無需再次作答。",
    ),
    "ended": ("This survey is no longer open", "本次调查已结束", "本次調查已結束"),
    "nothing": ("There is nothing more to do.", "您无需再做任何事情。", "您無需再做任何事情。"),
    "unknown": ("This link is not valid", "此链接无效", "此連結無效"),
    "unknown_more": (
        "Please open the whole link as we sent it to you.",
        "请使用我们发给您的完整链接。",
        "請使用我們寄給您的完整連結。",
    ),
}
_WRONG: Mapping[Why, Triple] = {
    "score": ("Choose a score from 0 to 10", "请选择 0 到 10 分", "請選擇 0 到 10 分"),
    "comment": ("Tell us why you are not content", "请告诉我们您不满意的原因", "請告訴我們您不滿意的原因"),
    "consent": (
        "Tick the box, or choose not to answer",
        "请勾选同意，或选择不作答",
        "請勾選同意，或選擇不作答",
    ),
    "required": ("Answer this question", "请回答此问题", "請回答此問題"),
    "number": ("Choose a score from 0 to 10", "请选择 0 到 10 分", "請選擇 0 到 10 分"),
    "option": ("Choose one of the answers", "请选择一个选项", "請選擇一個選項"),
    "yes_no": ("Choose yes or no", "请选择是或否", "請選擇是或否"),
    "long": ("Write at most 2,000 characters", "最多 2000 字", "最多 2000 字"),
    "unknown": ("This question is not asked", "没有此问题", "沒有此問題"),
    "both": ("Either score or decline", "请打分或选择不作答", "請評分或選擇不作答"),
}
_ORDER: tuple[Language, ...] = ("en", "zh-CN", "zh-TW")


def words(language: Language) -> dict[str, str]:
    """What the page says."""
    return {name: told[_ORDER.index(language)] for name, told in _PAGE.items()}


def mend(why: Why, language: Language) -> str:
    """What the customer is asked to mend."""
    return _WRONG[why][_ORDER.index(language)]
