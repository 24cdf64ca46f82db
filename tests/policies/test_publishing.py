"""What is published is what was checked: whole, without anything that its text removed."""

import json

import pytest

from services.triage.api.policies import whole
from shared import policy
from shared.policy import draft_from
from shared.problems import Invalid

CHILD = """
pack: cn-samr
version: 7
extends: cn-samr/1
title: {zh-CN: 七, en: Seven}
clocks: {propose: null}
vectors: [{name: an injury, facts: {injured: 1}, expect: {grade: critical}}]
"""
BOMB = "pack: x\nversion: 1\na: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


def test_what_a_version_removes_stays_removed_when_it_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.policy.shelf._published", {})
    checked = policy.activate(draft_from(CHILD, "child"), "child")
    assert "propose" not in checked.clocks
    content = json.loads(json.dumps(whole(draft_from(CHILD, "child"))))
    assert policy.publish(content) == checked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "[" * 28_000, "nested too deeply"),
        (BOMB, "more than"),
        ("pack: x\npack: y\nversion: 1", "stands at"),
        ("a: [1,", "quote texts"),
        ("- 1", "is not a mapping"),
        ("a: &a [*a]", "breaks its form|nested|not YAML|places"),
    ],
    ids=["deep", "bomb", "twice", "broken", "list", "cycle"],
)
def test_a_hostile_text_is_refused_at_once(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        policy.activate(draft_from(text, "text"), "text")


@pytest.mark.parametrize("option", ["a\0b", "a\nb", "a" * 101])
def test_an_option_that_no_record_can_hold_is_refused(option: str) -> None:
    title = {"zh-CN": "甲", "en": "A"}
    head = {"pack": "x", "version": 1, "extends": "base/1", "title": title}
    colour = {"title": title, "type": "choice", "options": {option: title}}
    with pytest.raises(Invalid) as refused:
        policy.activate(draft_from(json.dumps(head | {"facts": {"colour": colour}}), "text"), "text")
    assert [each.detail for each in refused.value.errors if "up to 100 characters" in each.detail]


def test_a_run_that_would_never_end_is_refused() -> None:
    text = """
pack: x
version: 1
extends: base/1
title: {zh-CN: 一, en: X}
schemes:
  severity:
    title: {zh-CN: 一, en: S}
    grades: {a: {title: {zh-CN: 一, en: A}}, b: {title: {zh-CN: 二, en: B}}}
    rows: []
    otherwise: b
    run: {same: [class], after: 1, becomes: {b: a, a: b}, counts_on: effective}
clocks: {accept: null, propose: null, resolve: null}
vectors: [{name: two, sequence: [{class: other}, {class: other}], expect: {sequence: [b, a]}}]
"""
    with pytest.raises(Invalid, match="not graver"):
        policy.activate(draft_from(text, "text"), "text")
