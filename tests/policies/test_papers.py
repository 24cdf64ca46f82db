"""What a pack's papers cannot print is refused when the pack is read, not when somebody prints."""

import re

import pytest

from shared.policy import draft_from
from shared.policy.reading import build
from shared.problems import Invalid

HEAD = """
extends: base/1
pack: mine
version: 1
title: {zh-CN: 甲, en: A}
source: a test
papers:
  slip: """
SOUND = (
    "{title: {zh-CN: 单, en: Slip}, fields: [name, number, fire], stage: screened,"
    " signed_by: {approved: counsel}}"
)


def test_a_sound_paper_is_taken_and_has_its_title_for_taiwan() -> None:
    paper = build(draft_from(HEAD + SOUND, "mine"), "mine").papers["slip"]
    assert (paper.over, paper.signed_by) == ("complaint", {"approved": "counsel"})
    assert paper.title["zh-TW"] == "單"


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("number", "nummer", "there is no field nummer; did you mean number?"),
        ("[name, number, fire]", "[]", "a paper has at least one field"),
        ("[name, number, fire]", "[name, name]", "name stands there twice"),
        ("screened", "screend", "there is no stage screend; did you mean screened?"),
        ("counsel", "the_king", "there is no role the_king"),
        ("approved:", "blessed:", "'prepared'"),
        ("en: Slip", "en: ''", "there is no title in en"),
        ("stage: screened", "over: century", "'complaint' or 'period'"),
    ],
)
def test_what_no_paper_can_print_is_told_with_its_line(right: str, wrong: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        build(draft_from(HEAD + SOUND.replace(right, wrong), "mine"), "mine")
    [fault] = refused.value.errors
    assert told in fault.detail
    assert re.match(r"mine:8: ", fault.detail)
    assert fault.pointer.startswith("#/papers/slip")


def test_a_grade_calls_for_a_paper_that_there_is() -> None:
    low = "{title: {zh-CN: 低, en: Low}, paper: slpi}"
    scheme = f"{{title: {{zh-CN: 级, en: Grade}}, grades: {{low: {low}}}, rows: [], otherwise: low}}"
    more = f"{HEAD}{SOUND}\nschemes:\n  severity: {scheme}\n"
    with pytest.raises(Invalid) as refused:
        build(draft_from(more, "mine"), "mine")
    assert "there is no paper slpi; did you mean slip?" in str([each.detail for each in refused.value.errors])
