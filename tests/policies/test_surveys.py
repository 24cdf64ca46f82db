"""A survey that cannot be put to anybody is no part of a pack."""

import json
from typing import Any

import pytest

from shared.policy import build, draft_from
from shared.problems import Invalid

TITLE = {"zh-CN": "问题", "en": "Question"}
OPTIONS = {"one": TITLE, "two": TITLE}


def pack(survey: dict[str, Any], **more: Any) -> Any:
    content = {
        "pack": "mine",
        "version": 1,
        "extends": "base/1",
        "survey": {"expires_days": 14, "reopen_below": 6} | survey,
    }
    draft = draft_from(json.dumps(content | more), "mine.yaml")
    return build(draft, "mine.yaml")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"reminders_days": [14]}, "#/survey/reminders_days", "before it expires"),
    ({"reminders_days": [0]}, "#/survey/reminders_days", "before it expires"),
    ({"expires_days": 3_651}, "#/survey/expires_days", "less than or equal to 3650"),
    ({"reminders_days": [1] * 21}, "#/survey/reminders_days", "at most 20 items"),
    ({"when": {"grade": "minor"}}, "#/survey/when/grade", "not known to surveys"),
    ({"when": {"class": "usage"}}, "#/survey/when/class", "not known to surveys"),
    ({"when": {"repeats": {"at_least": 2}}}, "#/survey/when/repeats", "not known to surveys"),
    ({"when": {"not": {"cue.fire": True}}}, "#/survey/when/cue.fire", "not known to surveys"),
    ({"when": {"colour": "red"}}, "#/survey/when/colour", "there is no fact"),
    ({"when": {"outcome": ["solved"]}}, "#/survey/when/outcome", "there is no outcome solved"),
    ({"when": {"secret": "x"}}, "#/survey/when/secret", "not known to surveys"),
    ({"questions": {"One?": {"title": TITLE, "type": "text"}}}, "#/survey/questions/One?", "is no name"),
    ({"questions": {"one": {"title": TITLE, "type": "choice"}}}, "#/survey/questions/one/options", "2 to 20"),
    (
        {"questions": {"one": {"title": TITLE, "type": "text", "options": OPTIONS}}},
        "#/survey/questions/one/options",
        "only a choice",
    ),
    (
        {"questions": {"one": {"title": TITLE, "type": "choice", "options": OPTIONS | {"A b": TITLE}}}},
        "#/survey/questions/one/options/A b",
        "is no name",
    ),
    (
        {"questions": {f"q{n}": {"title": TITLE, "type": "text"} for n in range(21)}},
        "#/survey/questions",
        "at most 20",
    ),
]


@pytest.mark.parametrize(("survey", "place", "told"), WRONG)
def test_what_cannot_be_asked_is_refused_with_its_place(
    survey: dict[str, Any], place: str, told: str
) -> None:
    with pytest.raises(Invalid) as refused:
        pack(survey, facts={"secret": {"title": TITLE, "type": "text"}})
    found = {fault.pointer: fault.detail for fault in refused.value.errors}
    assert told in found.get(place, str(found))
    assert place in found, found


def test_what_can_be_asked_is_taken() -> None:
    when = {"channel": ["email"], "outcome": "resolved", "cycle": 1, "shop": "north", "not": {"tier": "gold"}}
    questions = {"one": {"title": TITLE, "type": "choice", "options": OPTIONS, "required": True}}
    shop = {"title": TITLE, "type": "choice", "options": {"north": TITLE, "south": TITLE}}
    survey = {"when": when, "questions": questions, "reminders_days": [3, 7], "sample": 0.5}
    found = pack(survey, facts={"shop": shop}).survey
    assert list(found.questions) == ["one"]
    assert found.questions["one"].title["zh-TW"] == "問題"
