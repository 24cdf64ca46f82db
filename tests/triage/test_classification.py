"""Classification with the base pack: what a text says by its words, and when a person decides."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.domain.classification import Classified, Reading, classify, read, suggest
from shared.policy import Cues, Pack, latest, load

PACK = load("base", latest("base"))
LIMIT = PACK.classification.threshold


def classified(text: str) -> Classified:
    return classify(None, read(text, PACK), PACK)


def speaking(**cues: Cues) -> Pack:
    """The base pack with other words: a class each, and no other words."""
    kinds = {
        name: kind.model_copy(update={"cues": cues.get(name, Cues())}) for name, kind in PACK.classes.items()
    }
    return PACK.model_copy(update={"classes": kinds})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The kettle leaks and is broken", "product_quality"),
        ("The zip was torn when I opened the parcel and one button came off", "product_quality"),
        ("My phone won’t turn on any more", "product_quality"),
        ("用了一周就坏了，质量太差", "product_quality"),
        ("毛衣洗过一次就起球、掉色", "product_quality"),
        ("面条太咸，牛肉也不新鲜", "product_quality"),
        ("平板经常死机，屏幕还漏光", "product_quality"),
        ("How do I pair the speaker with my phone? The manual does not say.", "usage"),
        ("说明书看不懂，不知道怎么设置", "usage"),
        ("请问热水器的定时功能如何设置？", "usage"),
        ("The assistant was rude and hung up on me", "service"),
        ("I was charged my monthly fee twice and nobody answers", "service"),
        ("店员态度恶劣，让我等了两个小时", "service"),
        ("外卖送得太慢，打电话给骑手也不接", "service"),
        ("申请退款半个月了，客服一直不回复", "service"),
        ("昨天刚买，今天就降价了，要求补差价", "other"),
        ("The parking in front of your shop is too expensive", "other"),
        ("非常满意，值得推荐，谢谢你们", "not_a_complaint"),
        ("Excellent kettle, very happy, thank you for the quick help", "not_a_complaint"),
    ],
)
def test_the_class_is_read_off_the_text(text: str, expected: str) -> None:
    found = classified(text)
    assert (found.name, found.suggested, found.undecided) == (expected, True, False)


@pytest.mark.parametrize("text", ["", "   ", "你好", "The chocolate was brown", "？？？", "……"])
def test_a_text_that_says_nothing_is_for_a_person(text: str) -> None:
    found = classified(text)
    assert (found.name, found.suggested, found.undecided) == (PACK.fallback_class, True, True)
    assert found.confidence < LIMIT


def test_a_class_that_was_given_stands() -> None:
    given = classify("usage", read("it is broken", PACK), PACK)
    assert given == Classified(name="usage", suggested=False, confidence=Decimal(1), undecided=False)


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("My child was injured", "injury"),
        ("He was taken to hospital after an electric shock", "injury"),
        ("My father died in the accident", "injury"),
        ("孩子被开水烫伤，已经住院", "injury"),
        ("插上电就触电，手麻了一天", "injury"),
        ("电池冒烟，差点着火", "fire"),
        ("充电宝突然爆炸", "fire"),
        ("The toaster caught fire", "fire"),
        ("Smoke came out of the plug, then it exploded", "fire"),
        ("吃完以后上吐下泻", "food"),
        ("饼干里吃出一只虫子", "food"),
        ("We all got food poisoning", "food"),
        ("I found a piece of green glass in my soup", "food"),
    ],
)
def test_words_of_danger_are_heard(text: str, cue: str) -> None:
    assert cue in read(text, PACK).cues


@pytest.mark.parametrize(
    "text",
    [
        "店里生意火爆，排队太久",
        "着火爆款的衣服，到手却是旧货",
        "笑死我了，这也叫发货快",
        "热死了，空调也不开",
        "手机玩一会儿就死机",
        "只能吐槽一下",
        "The battery died after an hour",
        "Nobody was injured, I only want a refund",
        "The smoke alarm box was dented",
    ],
)
def test_false_friends_are_no_danger(text: str) -> None:
    assert not {"injury", "fire", "food"} & set(read(text, PACK).cues)


def test_a_latin_cue_is_a_whole_word_and_a_chinese_one_stands_anywhere() -> None:
    pack = speaking(usage=Cues(plain=("app", "设置")))
    assert read("The APP, please", pack).votes == {"usage": 2}
    assert read("我的app打不开", pack).votes == {"usage": 2}
    assert read("An apple happened", pack).votes == {}
    assert read("怎么设置呢", pack).votes == {"usage": 2}


def test_the_gap_stays_within_a_clause() -> None:
    pack = speaking(service=Cues(strong=("charged … twice", "态度…差", "overcharg…")))
    for text in ("they charged my card twice", "态度真的很差", "I was overcharged", "Overcharging again"):
        assert read(text, pack).votes == {"service": 3}, text
    for text in ("charged. I asked twice", "态度好，就是质量差", "undercharged"):
        assert read(text, pack).votes == {}, text


def test_the_longer_cue_takes_the_word_from_the_shorter() -> None:
    pack = speaking(service=Cues(plain=("服务",)), not_a_complaint=Cues(weak=("服务…不错",)))
    assert read("服务真不错", pack).votes == {"not_a_complaint": 1}
    assert read("服务真不错，可是服务费太高", pack).votes == {"service": 2, "not_a_complaint": 1}


def test_a_cue_speaks_three_times_at_most_and_once_more_in_the_heading() -> None:
    pack = speaking(service=Cues(weak=("快递",)))
    said = [
        read(text, pack).votes["service"]
        for text in ("快递", "快递，快递", "快递" * 9, "快递\n快递", "快递\n" + "快递" * 9)
    ]
    assert said == [1, 2, 3, 3, 4]


texts = st.lists(
    st.sampled_from(
        [*"我你的了很不太好差坏慢退货服务质量快递。，！ \n", "broken", "late", " rude ", "Manual", "’"]
    ),
    max_size=40,
).map("".join)
cues = st.sampled_from(
    [
        (name, cue)
        for name, kind in PACK.classes.items()
        for cue in (*kind.cues.strong, *kind.cues.plain)
        if "…" not in cue
    ]
)


@given(texts, cues)
def test_a_cue_of_a_class_never_lowers_its_votes(text: str, cue: tuple[str, str]) -> None:
    name, words = cue
    before, after = (read(each, PACK).votes.get(name, 0) for each in (text, f"{text}。{words}"))
    assert after >= before
    assert name in read(words, PACK).votes


@given(texts)
def test_the_reading_keeps_no_text_and_is_always_the_same(text: str) -> None:
    found = read(text, PACK)
    assert set(found.votes) <= set(PACK.classes)
    assert set(found.departments) <= set(PACK.departments)
    assert set(found.cues) <= set(PACK.cues)
    assert read(text, PACK.model_copy()) == found


def test_no_word_of_the_customer_is_kept() -> None:
    kept = read("Zhang San's kettle is broken", PACK).model_dump_json()
    assert "Zhang" not in kept
    assert "kettle" not in kept


votes = st.dictionaries(st.sampled_from(["one", "two", "three"]), st.integers(1, 60), min_size=1)


@given(votes, st.integers(1, 9))
def test_more_votes_for_the_best_never_lower_the_confidence(found: dict[str, int], more: int) -> None:
    best = suggest(found, Decimal(0))
    assert best.name is not None
    assert Decimal(0) < best.confidence < Decimal(1)
    surer = suggest(found | {best.name: found[best.name] + more}, Decimal(0))
    assert surer.name == best.name
    assert surer.confidence >= best.confidence


@given(votes, st.decimals(0, 1, places=2))
def test_below_the_threshold_nobody_is_named(found: dict[str, int], threshold: Decimal) -> None:
    suggestion = suggest(found, threshold)
    assert (suggestion.name is None) == (suggestion.confidence < threshold)


def test_no_votes_no_suggestion() -> None:
    assert suggest(Reading().votes, Decimal(0)).name is None
