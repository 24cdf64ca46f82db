"""Words that people read: every title stands in all languages."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Annotated, TypeVar, get_args

from opencc import OpenCC
from pydantic import AfterValidator

from shared.events import CONTROL, Language

T = TypeVar("T")


OF_THE_TRADE = {
    "質量": "品質", "稽核": "審核", "臺賬": "臺帳", "渠道": "管道", "程式碼": "代碼", "程式": "程序",
    "應用程序": "應用程式", "物件": "對象", "(?<![大小])型別": "類型", "許可權": "權限",
    "(?<![解註])釋出": "發布", "檔案儲存": "檔案保存", "最佳化": "優化", "反饋": "回饋", "審批": "核准",
    "跟蹤": "追蹤", "營銷": "行銷", "運營": "營運", "(?<!專)門店": "門市", "營業網點": "營業據點",
    "自然日": "日曆天", "養老金": "退休金", "(?<!調)整改": "改善", "糾正": "矯正", "評審": "審查",
    "序列號": "序號", "車架號": "車身號碼", "醫療器械": "醫療器材", "使用者": "用戶", "牽頭": "主辦",
    "超時": "逾時", "編制": "編製", "保潔": "清潔", "應急預案": "緊急應變計畫", "應急小組": "應變小組",
    "計劃": "計畫", "身份": "身分", "服務檯": "服務臺", "簽字": "簽名", "關鍵詞": "關鍵字",
    "退出登入": "登出", "社交媒體": "社群媒體", "會議紀要": "會議紀錄", "廠家": "廠商", "原材料": "原料",
    "監管轉辦": "主管機關轉辦", "監管": "監理", "培訓": "訓練", "一次性解決": "一次解決",
    "生成於": "產生於", "個人資訊": "個人資料", "令牌": "權杖", "裝置": "設備", "合作方": "合作夥伴",
    "隨時檢視": "隨時查看", "即可檢視": "即可查看", "“": "「", "”": "」",
}  # fmt: skip
"""Words of complaint handling as Taiwan has them, for those of OpenCC; patterns, one after another."""


@cache
def _to_taiwan() -> OpenCC:
    return OpenCC("s2twp")


@lru_cache(maxsize=10_000)
def traditional(simplified: str) -> str:
    """Simplified Chinese in the characters and words of Taiwan."""
    converted: str = _to_taiwan().convert(simplified)
    for mainland, taiwan in OF_THE_TRADE.items():
        converted = re.sub(mainland, taiwan, converted)
    return converted


def phrase(language: Language, zh: str, en: str) -> str:
    """What is written in Chinese and English, in any language; never for what customers wrote."""
    return en if language == "en" else zh if language == "zh-CN" else traditional(zh)


def in_script(text: str, language: Language) -> str:
    """What the house wrote in one language only, such as the name of a clause, in the script of another."""
    return traditional(text) if language == "zh-TW" else text


def everywhere(zh: str, en: str) -> dict[Language, str]:
    """The same in all languages."""
    return {language: phrase(language, zh, en) for language in get_args(Language)}


def in_all(words: Mapping[Language, T]) -> dict[Language, T]:
    """Tables of words by language, with one for zh-TW made from that for zh-CN."""
    return {**words, "zh-TW": _converted(words["zh-CN"])}


def _converted(words: T) -> T:
    """Texts in mappings and tuples of any depth; their keys stay."""
    match words:
        case str():
            return traditional(words)  # type: ignore[return-value]
        case dict():
            return {key: _converted(each) for key, each in words.items()}  # type: ignore[return-value]
        case tuple():
            return tuple(_converted(each) for each in words)  # type: ignore[return-value]
    return words


def _all(titles: dict[Language, str]) -> dict[Language, str]:
    """All languages; zh-TW is made from zh-CN where nobody wrote it."""
    given = {language: title for language, title in titles.items() if title.strip()}
    if "zh-CN" in given:
        given.setdefault("zh-TW", traditional(given["zh-CN"]))
    if absent := {language for language in get_args(Language) if language not in given}:
        raise ValueError(f"there is no title in {', '.join(sorted(absent))}")
    return given


Titles = Annotated[dict[Language, str], AfterValidator(_all)]


def _printable(text: str) -> str:
    if len(text) > 100 or CONTROL.search(text):
        raise ValueError("give up to 100 characters, none of them a control character")
    return text


Option = Annotated[str, AfterValidator(_printable)]
"""What is chosen, or counted for, as records and events can tell it."""
