"""What a pack says of notices is checked before it is used: nobody learns of a broken text by its silence."""

from typing import Any

import pytest
import yaml

from shared.policy import TELLINGS, available, build, draft_from, draft_of, publish, words_for, wrong_in
from shared.policy.reading import trials
from shared.policy.texts import FILTERS, filled, template
from shared.problems import Invalid

HEAD = {"pack": "house", "version": 1, "extends": "base/1"}
TEXTS = {"zh-CN": "投诉 {{ number }}\n您好", "en": "Complaint {{ number }}\nHello"}


def built(**notices: Any) -> Any:
    text = yaml.safe_dump(HEAD | {"notices": notices}, allow_unicode=True, sort_keys=False)
    return build(draft_from(text, "house/1.yaml"), "house/1.yaml")


def faults(**notices: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refusal:
        built(**notices)
    return [(each.pointer, each.detail) for each in refusal.value.errors]


def own(**texts: str) -> dict[str, Any]:
    return {"texts": TEXTS | {name.replace("_", "-"): text for name, text in texts.items()}}


@pytest.mark.parametrize("change", FILTERS)
def test_a_word_that_is_not_known_now_is_left_blank_by_every_filter(change: str) -> None:
    text = template("S\n<{{ due | " + change + " }}>")
    assert filled(text, {"due": None})[2] == "<>"
    assert filled(text, {"due": "x"})[2].lower() == "<x>"


@pytest.mark.parametrize(
    ("kind", "rule", "place", "told"),
    [
        ("progress", own(en="S\nby {{ deu }}"), "texts/en", "no word deu; did you mean due?"),
        ("progress", own(zh_CN="你好\n{{ link }}"), "texts/zh-CN", "there is no word link;"),
        ("assignment", own(en="S\n{{ name }}"), "texts/en", "there is no word name;"),
        ("progress", own(en="S\n\n{% if due %}x"), "texts/en", "line 3 of the text: Unexpected end"),
        ("progress", own(en="S\n{{ due"), "texts/en", "line 2 of the text: "),
        ("progress", own(en="S\n{% for x in due %}x{% endfor %}"), "texts/en", "a text may only name words"),
        ("progress", own(en="S\n{{ due.__class__.__mro__ }}"), "texts/en", "a text may only name words"),
        ("progress", own(en="S\n{{ cycler }}"), "texts/en", "there is no word cycler;"),
        ("progress", own(en="S\n{{ lipsum() }}"), "texts/en", "a text may only name words"),
        ("progress", own(en="S\n{% include 'en/result.txt' %}"), "texts/en", "a text may only name words"),
        ("progress", own(en="S\n{{ 'x' * 999999999 }}"), "texts/en", "a text may only name words"),
        ("progress", own(en="S\n{{ due > 3 }}"), "texts/en", "a text may only name words"),
        ("progress", own(en="S\n{{ " + "not " * 50 + "due }}"), "texts/en", "nested too deeply"),
        ("progress", own(en="S\n{{ " + "(" * 4000 + ")" * 4000 + " }}"), "texts/en", "a text may only"),
        ("progress", own(en="S\n{{ 1" + "0" * 5000 + " }}"), "texts/en", "a text may only name words"),
        ("progress", own(en="{{ due }}\nHello"), "texts/en", "the first line is the subject"),
        ("progress", own(en="Hello"), "texts/en", "the first line is the subject"),
        ("assignment", {"to": ["qualty_manager"]}, "to", "did you mean quality_manager?"),
        ("assignment", {"to": ["customer"]}, "to", "there is no recipient customer;"),
        ("result", {"to": ["lead"]}, "to", "there is no recipient lead; use one of customer"),
        ("information_slip", {"to": ["named"]}, "to", "there is no recipient named;"),
        ("information_slip", {"paper": "slip"}, "paper", "there is no paper slip;"),
        ("result", {"paper": "receipt"}, "paper", "only an information_slip and a corrective_action"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_place_and_mend(
    kind: Any, rule: dict[str, Any], place: str, told: str
) -> None:
    found = [detail for pointer, detail in faults(**{kind: rule}) if pointer == f"#/notices/{kind}/{place}"]
    assert found
    assert told in found[0]
    assert found[0].startswith("house/1.yaml:")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"texts": {"en": "S\nx"}}, "there is no text in zh-CN, zh-TW"),
        ({"texts": {"zh-CN": "S\nx"}}, "there is no text in en"),
        ({"texts": {"fr": "S\nx"}}, "use one of"),
        ({"text": "S\nx"}, "did you mean 'texts'?"),
        ({"texts": "S\nx"}, "write {zh-CN: ..., en: ...}"),
        ("quality_manager", "write {to: [role, ...]"),
    ],
)
def test_a_rule_of_another_form_is_mended(rule: Any, told: str) -> None:
    assert any(told in detail for _, detail in faults(progress=rule))


def test_a_good_rule_is_taken_and_taiwan_gets_its_text_from_the_mainlands() -> None:
    rule = built(progress={"to": ["customer"]} | own()).notices["progress"]
    assert (rule.to, rule.texts["zh-TW"]) == (("customer",), "投訴 {{ number }}\n您好")
    assert built(assignment={"to": ["lead", "named", "departments", "counsel"]}).notices["assignment"].to


def test_a_broken_text_is_not_published_either() -> None:
    text = yaml.safe_dump(HEAD | {"notices": {"progress": own(en="S\n{{ deu }}")}}, allow_unicode=True)
    with pytest.raises(Invalid) as refusal:
        publish(draft_from(text, "house/1.yaml").content)
    assert "did you mean due?" in str(refusal.value.errors)


@pytest.mark.parametrize(("pack", "version"), available())
def test_the_packs_texts_are_sound(pack: str, version: int) -> None:
    written = draft_of(pack, version)
    for kind, rule in build(written, pack, trials(written)).notices.items():
        for text in rule.texts.values():
            assert list(wrong_in(text, words_for(kind))) == []
            assert "{{ number }}" in text.splitlines()[0]


def test_the_catalogue_has_somebody_for_every_kind_but_those_that_a_pack_must_want() -> None:
    nobody = {kind for kind, telling in TELLINGS.items() if not telling.to}
    assert nobody == {"information_slip", "corrective_action"}
