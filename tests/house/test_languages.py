"""Every table of words speaks every language, and what it says for Taiwan is in Taiwan's script."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import deploy.calendars.wording as calendars
import deploy.policies.wording as packs
from deploy.calendars.commands import Spoken as SpokenByCalendars
from deploy.policies.commands import Spoken as SpokenByPolicies
from deploy.policies.wording import Wording
from services.intake.api.board import PAGES, _with_taiwan
from services.intake.domain import receipt_words, vocabulary
from services.intake.domain.conformance.case import NEVER_CAME, Verdict
from services.intake.domain.conformance.lines import LINES
from services.intake.domain.papers import record, wording
from services.intake.domain.papers.layout import ACTS
from services.intake.domain.receipts import texts
from services.intake.domain.timeline import REASONS, WAITS_FOR, WORDS, words
from services.intake.domain.titles import STEPS, titles
from services.intake.domain.vocabulary import said
from services.notify.channels.wording import TEMPLATES
from services.notify.domain.record import Route
from services.survey.domain.wording import words as page_words
from shared.events import Language, NoticeSuppressed, SurveySkipped
from shared.http import LANGUAGE_NAMES, preferred_language
from shared.policy import conditions as comparisons
from shared.policy import everywhere, in_script, phrase, traditional
from shared.policy import explaining as reasons
from shared.policy.notices import KINDS
from tests.kit.papers import PACKS, pack_for

SPOKEN: tuple[Language, ...] = get_args(Language)
BY_LANGUAGE: dict[str, Mapping[Any, Any]] = {
    "calendars": calendars.WORDS,
    "weekdays": calendars.NAMES,
    "packs": packs.WORDS,
    "comparisons": comparisons.WORDS,
    "colon": reasons.COLON,
    "comma": reasons.COMMA,
    **{f"reasons {name}": each for name, each in reasons.WORDS.items()},
}
"""Tables with words for each language."""
PAIRS: dict[str, Mapping[Any, tuple[str, str]]] = {
    "stages": vocabulary.STAGES,
    "outcomes": vocabulary.OUTCOMES,
    "channels": vocabulary.CHANNELS,
    "dimensions": vocabulary.DIMENSIONS,
    "causes": vocabulary.CAUSES,
    "demands": vocabulary.DEMANDS,
    "languages": vocabulary.LANGUAGES,
    "steps": STEPS,
    "acts": ACTS,
    "notices": vocabulary.NOTICES,
    "routes": vocabulary.ROUTES,
    "reasons": REASONS,
    "waits for": WAITS_FOR,
    "holders": wording.HOLDERS,
    "purposes": wording.PURPOSES,
    "fields": {name: (each.zh, each.en) for name, each in record.FIELDS.items()},
    "solution": {name: (zh, en) for name, (zh, en, _) in wording.SOLUTION.items()},
    "lines": {line.name: (line.zh, line.en) for line in LINES},
}
"""Tables with pairs of words in zh-CN and en."""


def texts_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts_in(each)
        case tuple() | list():
            for each in value:
                yield from texts_in(each)


@pytest.mark.parametrize("name", BY_LANGUAGE)
def test_a_table_by_language_has_all_of_them_alike(name: str) -> None:
    table = BY_LANGUAGE[name]
    assert table.keys() == {*SPOKEN}
    if isinstance(table["en"], Mapping):
        assert {frozenset(each) for each in table.values()} == {frozenset(table["en"])}
    assert [each for each in texts_in(table["zh-TW"]) if traditional(each) != each] == []


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_of_words_are_said_in_every_language(name: str) -> None:
    for key, pair in PAIRS[name].items():
        assert [said(pair, each) for each in SPOKEN] == [pair[0], traditional(pair[0]), pair[1]], key
        assert traditional(said(pair, "zh-TW")) == said(pair, "zh-TW"), key
        assert pair[0] != pair[1], key
    assert {frozenset(each) for each in titles({"a": ("单", "form")}).values()} == {frozenset(SPOKEN)}


def test_what_customers_read_of_their_complaint_is_there_in_every_language() -> None:
    tables = (receipt_words.NAMES, receipt_words.WAITS)
    pairs = [pair for table in tables for pair in table.values()]
    pairs += [pair for stage in receipt_words.STAGES.values() for pair in (stage.stage, stage.next)]
    pairs += [pair for ending in receipt_words.ENDINGS.values() for pair in ending]
    pairs += [receipt_words.PROMISED, receipt_words.LATE, receipt_words.NO_DATE, receipt_words.STANDS_STILL]
    for pair in pairs:
        found = texts(pair)
        assert found.keys() == {*SPOKEN}
        assert traditional(found["zh-TW"]) == found["zh-TW"]
        assert found["en"].isascii()
    assert LANGUAGE_NAMES.keys() == {*SPOKEN}


def test_the_timeline_speaks_every_language() -> None:
    pack = pack_for("base")
    for name in WORDS:
        data: dict[str, Any] = dict.fromkeys(_placed("".join(WORDS[name])), "5")
        data |= {"passed": True, "role": "handler"}
        data |= {"waits_for": "customer"} if "waits_for" in data else {}
        told = {each: words(f"{name}.v1", data, pack, each) for each in SPOKEN}
        assert traditional(told["zh-TW"]) == told["zh-TW"], name
        assert told["en"].isascii(), name


def _placed(text: str) -> set[str]:
    return {each.partition("}")[0] for each in text.split("{")[1:]}


def test_a_verdict_is_given_in_every_language() -> None:
    verdict = Verdict("open", *NEVER_CAME)
    assert [verdict.reason(each) for each in SPOKEN] == ["在此之前已终结", "在此之前已終結", NEVER_CAME[0]]


def for_taiwan(part: Any) -> Iterator[str]:
    """Every title in a part of a pack."""
    if isinstance(part, dict) and part.keys() >= {*SPOKEN}:
        yield part["zh-TW"]
    elif isinstance(part, dict | list | tuple):
        for each in part.values() if isinstance(part, dict) else part:
            yield from for_taiwan(each)


@pytest.mark.parametrize("pack", PACKS)
def test_every_title_of_every_pack_is_in_the_script_of_taiwan(pack: str) -> None:
    found = list(for_taiwan(pack_for(pack).model_dump()))
    assert found
    assert [each for each in found if traditional(each) != each] == []


FOREIGN = (
    "程式", "物件", "型別", "許可權", "釋出", "檔案儲存", "最佳化", "反饋", "回馈", "審批", "跟蹤", "營銷",
    "運營", "門店", "自然日", "養老金", "整改", "糾正", "評審", "序列號", "車架號", "器械", "使用者",
    "牽頭", "超時", "編制", "保潔", "預案", "計劃", "身份", "服務檯", "簽字", "關鍵詞", "社交媒體", "紀要",
    "廠家", "原材料", "監管", "培訓", "一次性", "個人資訊", "令牌", "裝置", "批次退貨", "批次無法", "批次(",
    "低階", "質量", "臺賬", "渠道", "信息", "報事", "“",
)  # fmt: skip
"""Words that a reader in Taiwan takes for another thing, or would not use of complaints."""


def foreign(texts: Iterable[str]) -> list[str]:
    return [f"{word} in {each}" for each in texts for word in FOREIGN if word in each]


@pytest.mark.parametrize("pack", PACKS)
def test_packs_speak_the_words_of_taiwan(pack: str) -> None:
    assert foreign(for_taiwan(pack_for(pack).model_dump())) == []


def test_our_own_tables_speak_the_words_of_taiwan() -> None:
    said_of_events = [phrase("zh-TW", zh, en) for en, zh in WORDS.values()]
    pairs = [phrase("zh-TW", *pair) for table in PAIRS.values() for pair in table.values()]
    tables = [text for table in BY_LANGUAGE.values() for text in texts_in(table["zh-TW"])]
    assert foreign([*said_of_events, *pairs, *tables]) == []


def test_pages_and_mails_speak_the_words_of_taiwan() -> None:
    board = _with_taiwan((PAGES / "words.js").read_text(encoding="utf-8")).partition('  "zh-TW": {')[2]
    mails = {each.name: each.read_text(encoding="utf-8") for each in (TEMPLATES / "zh-TW").iterdir()}
    assert board
    assert mails
    assert foreign([*board.splitlines(), *mails.values(), *page_words("zh-TW").values()]) == []
    assert [name for name, text in mails.items() if "申訴" in text] == []
    assert "投訴" in page_words("zh-TW")["form"]


def test_words_that_only_look_alike_stay() -> None:
    for each in ("调整改进", "大型别墅", "解释出错", "专门店", "应用程序"):
        assert traditional(each) in {"調整改進", "大型別墅", "解釋出錯", "專門店", "應用程式"}


def test_the_values_of_events_are_told_in_words() -> None:
    told = {
        "notice.sent.v1": ({"kind": "offer", "channel": "call"}, "通知已發出：解決方案告知（電話）"),
        "notice.failed.v1": ({"kind": "survey", "channel": "none"}, "通知失敗：滿意度調查（無可用方式）"),
        "notice.suppressed.v1": (
            {"kind": "result", "reason": "folded"}, "通知未單獨發出：處理結果（已併入彙總通知）"
        ),
        "complaint.registered.v1": ({"channel": "store"}, "已登記，來源：門市"),
        "complaint.solution_approved.v1": ({"role": "general_manager"}, "方案已由總經理批准"),
    }  # fmt: skip
    for type, (data, said_of_it) in told.items():
        assert words(type, data, pack_for("base"), "zh-TW") == said_of_it
    assert vocabulary.NOTICES.keys() == {*KINDS}
    assert vocabulary.ROUTES.keys() == {*get_args(Route), "none"}
    assert {*get_args(NoticeSuppressed.model_fields["reason"].annotation)} <= REASONS.keys()
    assert {*get_args(SurveySkipped.model_fields["reason"].annotation)} <= REASONS.keys()


def test_the_commands_take_every_language() -> None:
    assert {each.value for each in SpokenByCalendars} == {each.value for each in SpokenByPolicies}
    assert {each.value for each in SpokenByPolicies} == {*SPOKEN}
    for each in SPOKEN:
        told = Wording(pack_for("cn-dealer-abc"), each)
        assert told.clause("B级投诉") == f"[{in_script('B级投诉', each)}]"
        assert told.say("Papers") == phrase(each, "表单", "Papers")


def test_the_board_has_words_for_taiwan() -> None:
    script = (
        'const WORDS = {\n  en: { a: "A" },\n  "zh-CN": {\n    a: "台账", n: number(n, "zh-CN"),\n  },\n};\n'
    )
    made = _with_taiwan(script)
    assert made.startswith(script.partition("\n};")[0])
    assert '  "zh-TW": {\n    a: "臺帳", n: number(n, "zh-TW"),\n  },\n};' in made


# what a browser asks for


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-Hans-HK", "zh-CN"),
        ("zh-SG", "zh-CN"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("zh-MO", "zh-TW"),
        ("ZH-hant", "zh-TW"),
        ("zh-Hant-CN", "zh-TW"),
        ("fr, zh-TW;q=0.5", "zh-TW"),
        ("en;q=0.3, zh-TW;q=0.5", "zh-TW"),
        ("zh-TW;q=0, en", "en"),
        ("zh-TW;q=wrong, zh-CN;q=0.1", "zh-CN"),
        ("en-GB,zh-TW;q=0.5", "en"),
        ("de", "en"),
        ("", "en"),
        ("*", "en"),
        (";;,,q=", "en"),
    ],
)
def test_the_best_language_that_there_is_is_spoken(accepted: str, language: Language) -> None:
    assert preferred_language(accepted) == language


@given(st.text())
def test_whatever_is_sent_is_taken_for_some_language(accepted: str) -> None:
    assert preferred_language(accepted) in SPOKEN


def test_everywhere_says_the_same_in_all() -> None:
    assert everywhere("稽核质量渠道", "x") == {"zh-CN": "稽核质量渠道", "zh-TW": "審核品質管道", "en": "x"}
