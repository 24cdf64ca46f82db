"""What `redress policies` says about packs, and about facts."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from deploy.policies.grading import decision
from deploy.telling import aligned, width
from shared.policy import available, build, draft_of
from shared.policy.reading import trials
from tests.local.typed import MINE, redress


def graded(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


# list, check


def test_the_list_names_every_pack_and_what_keeps_it_from_use() -> None:
    found = json.loads(redress("list", "--json").stdout)
    usable = [(each["pack"], each["version"]) for each in found if not each["abstract"]]
    assert usable == available()
    lines = redress("list", "--language", "zh-CN").stdout.splitlines()
    assert len(lines) == len(found)
    for each, line in zip(found, lines, strict=True):
        assert each["usable"] is not bool(each["unbound"] or each["refused"] or each["abstract"])
        assert all(name in line for name in (each["title"]["zh-CN"], *each["schemes"], *each["unbound"]))


def test_what_is_only_for_others_to_stand_on_is_listed_as_such() -> None:
    [line] = [line for line in redress("list").stdout.splitlines() if line.startswith("foundation/1 ")]
    assert line.endswith("abstract: others extend it")
    [told] = [each for each in json.loads(redress("list", "--json").stdout) if each["pack"] == "foundation"]
    assert (told["abstract"], told["usable"]) == (True, False)


def test_chinese_characters_take_two_columns() -> None:
    lines = aligned([["投诉", "a"], ["word", "b"], ["字", "c"]])
    assert [width(line) for line in lines] == [7, 7, 7]


def test_every_pack_of_the_box_passes_and_open_parameters_are_named() -> None:
    result = redress("check")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines] == [f"{pack}/{version}" for pack, version in available()]
    assert {line.split()[0] for line in lines} <= {"ok", "unbound"}


def test_an_open_parameter_keeps_a_pack_from_being_activated_until_it_is_bound(mine: Path) -> None:
    asked = redress("check", mine)
    assert (asked.exit_code, asked.stdout.split()[:2]) == (0, ["unbound", "mine/1"])
    assert asked.stdout.strip().endswith("large")
    refused = redress("check", mine, "--activate")
    assert refused.exit_code == 1
    assert refused.stdout.splitlines()[1].startswith(f"{mine}:7  #/parameters/large  ")
    bound = redress("check", mine, "--activate", "--set", "large=1000")
    assert (bound.exit_code, bound.stdout) == (0, "ok  mine/1  3 vectors\n")


def test_a_vector_that_does_not_hold_is_named_with_its_line(mine: Path) -> None:
    result = redress("check", mine, "--set", "large=500")
    assert result.exit_code == 1
    refused, wrong = result.stdout.splitlines()
    assert refused == "REFUSED mine/1"
    assert wrong.startswith(f"{mine}:28  #/vectors/1  just not: ")
    assert wrong.endswith("grade is grave, expected slight")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{loss: {at_least",
            "{los: {at_least",
            "16  #/schemes/severity/rows/0/when/los  a large loss, 3: there is no fact los; did",
        ),
        (
            "required:",
            "requires:",
            "10  #/requires  there is no key 'requires' here; did you mean 'required'?",
        ),
        ("base/1", "base/99", "3  #/extends  There is no policy pack base of version 99 here; did you"),
        ('"mine"', '"mine', "10  #  did not find expected key; "),
    ],
)
def test_a_fault_is_told_with_file_line_and_mend(mine: Path, old: str, new: str, said: str) -> None:
    mine.write_text(MINE.replace(old, new, 1), encoding="utf-8")
    result = redress("check", mine, "base")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("REFUSED ")
    assert lines[1].startswith(f"{mine}:{said}")
    assert lines[-1].startswith("ok  base/1  ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "bass"], "There is no policy pack bass; did you mean base?"),
        (["check", "base/9"], "There is no policy pack base of version 9 here"),
        (["check", "nowhere.yaml"], "nowhere.yaml cannot be read: No such file"),
        (["check", "base", "--set", "large=1"], "There is no parameter large; there is none here"),
        (["check", "base", "--set", "large"], "write --set name=value"),
        (["show", "base/one"], "write PACK, PACK/VERSION or the path of a file"),
        (["show", "bass"], "did you mean base?"),
        (["publish", "base/1"], "base/1 is no file"),
    ],
)
def test_what_cannot_be_found_is_refused_with_a_mend(words: list[str], said: str) -> None:
    result = redress(*words)
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_an_abstract_pack_is_no_fault_but_cannot_be_activated() -> None:
    assert redress("check", "foundation/1").stdout.startswith("abstract  foundation/1")
    assert redress("check", "foundation/1", "--activate").exit_code == 1


@pytest.mark.parametrize(
    ("place", "noted"), [("mine/1", False), ("mine/2", True), ("other/1", True), ("other/mine", False)]
)
def test_a_file_where_nobody_finds_its_pack_gets_a_note(tmp_path: Path, place: str, noted: bool) -> None:
    file = tmp_path / f"{place}.yaml"
    file.parent.mkdir()
    file.write_text(MINE, encoding="utf-8")
    result = redress("check", file)
    assert result.exit_code == 0, result.output
    told = f"note  {file}  says mine/1 inside; to be found it must lie as mine/1.yaml, not {place}.yaml"
    assert result.stdout.splitlines()[1:] == ([told] if noted else [])


# grade


def test_an_abstract_pack_grades_nothing() -> None:
    result = redress("grade", "foundation", facts="{}\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "name a pack that extends it" in result.stderr


@pytest.mark.parametrize(("pack", "version"), available())
def test_the_command_line_gives_every_known_answer(pack: str, version: int) -> None:
    """Through triage's own code; what happens over time (`earlier`, `sequence`) cannot be given here."""
    draft = draft_of(pack, version)
    for vector in draft.content["vectors"]:
        if {"earlier", "sequence"} & set(vector):
            continue
        built = build(draft, pack, trials(draft) | vector.get("with", {}))
        got = decision(vector.get("facts", {}) | {"decided": vector.get("decided", {})}, built)
        wanted = vector["expect"]
        for name in ("grade", "lead", "gates", "departments", "approvers"):
            if name in wanted:
                assert (vector["name"], _listed(got[name])) == (vector["name"], _listed(wanted[name]))
        assert wanted.get("grades", {}).items() <= got["grades"].items()


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value


def test_facts_are_graded_line_by_line(mine: Path) -> None:
    lines = [
        '{"loss": 1000.0, "class": "service"}',
        "",
        '{"room": "套房"}',
        '{"room": "suite", "decided": {"suite": "bad"}}',
        '{"text": "水壶爆炸，烫伤了手", "loss": {"value": 0.1, "currency": "CNY"}}',
    ]
    result = redress("grade", mine, "--set", "large=1000", facts="\n".join(lines))
    assert result.exit_code == 0, result.output
    large, asked, answered, burnt = graded(result)
    assert (large["grade"], large["class"], large["lead"]) == ("grave", "service", "service_desk")
    assert large["matches"] == [
        {
            "scheme": "severity",
            "rule": "a large loss",
            "clause": "3",
            "grade": "grave",
            "fact": "loss",
            "value": "1000",
            "comparison": ">= 1000",
        }
    ]
    assert large["explanation"]["zh-CN"] == ["严重：损失额 1000 (不低于 1000) [a large loss · 3]"]
    assert "room" in large["required_missing"]
    assert (large["pack"], large["version"]) == ("mine", 1)
    assert (asked["grade"], asked["pending"], asked["provisional"]) == ("slight", ["suite"], True)
    assert (answered["grade"], answered["pending"]) == ("grave", [])
    assert (burnt["grade"], burnt["gates"]) == ("grave", ["harm", "fire"])


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        ("no json", "#"),
        ("[1]", "#"),
        (b"\xff{}", "#"),
        ('{"room": "\\ud800"}', "#"),
        ('{"loss": NaN}', "#"),
        ('{"loss": 1e999999}', "#/loss"),
        ('{"loss": "much"}', "#/loss"),
        ('{"los": 1}', "#/los"),
        ('{"room": "hall"}', "#/room"),
        ('{"class": "porcelain"}', "#/class"),
        ('{"channel": "pigeon"}', "#/channel"),
        ('{"text": 7}', "#/text"),
        ('{"decided": {"suite": "maybe"}}', "#/decided/suite"),
        ('{"decided": {"sweet": "bad"}}', "#/decided/sweet"),
        ('{"decided": ["suite"]}', "#/decided"),
    ],
)
def test_a_line_that_cannot_be_read_stands_in_its_place(mine: Path, line: str | bytes, pointer: str) -> None:
    said = line.encode() if isinstance(line, str) else line
    result = redress("grade", mine, "--set", "large=1000", facts=b"{}\n\n" + said + b"\n{}\n")
    assert result.exit_code == 1
    before, wrong, after = graded(result)
    assert before["grade"] == after["grade"] == "slight"
    assert (wrong["line"], set(wrong)) == (3, {"line", "error", "errors"})
    assert [(each["pointer"], bool(each["detail"])) for each in wrong["errors"]] == [(pointer, True)]


def test_a_pack_with_an_open_parameter_grades_nothing(mine: Path) -> None:
    result = redress("grade", mine, facts="{}\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "--set large=..." in result.stderr


def test_a_pack_may_come_from_outside_by_standard_input(mine: Path) -> None:
    told = redress("check", "-", facts=mine.read_text(encoding="utf-8"))
    kept = redress("check", mine)
    assert (told.exit_code, told.stdout.split("/")[0]) == (kept.exit_code, kept.stdout.split("/")[0])
