"""What `redress policies` says about packs, and about facts."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.policies.grading import decision
from deploy.policies.opening import aligned, width
from shared.policy import available, build, draft_of, parse
from shared.policy.reading import trials

MINE = """pack: mine
version: 1
extends: base/1
title: {zh-CN: 我的规则, en: My rules}
source: "mine"
parameters:
  large: {title: {zh-CN: 大额, en: Large}, trial: 1000}
facts:
  room: {title: {zh-CN: 房号, en: Room}, type: choice, options: {suite: {zh-CN: 套房, en: Suite}}}
required: [{fields: [room], clause: "2"}]
schemes:
  severity:
    title: {zh-CN: 严重程度, en: Severity}
    grades: {grave: {title: {zh-CN: 严重, en: Grave}}, slight: {title: {zh-CN: 轻微, en: Slight}}}
    rows:
      - {rule: a large loss, grade: grave, when: {loss: {at_least: $large}}, clause: "3"}
      - {rule: a suite, decision: suite, when: {all: [{room: suite}], not: {loss: {known: true}}}}
    otherwise: slight
decisions:
  suite:
    title: {zh-CN: 套房, en: Suite}
    role: handler
    options: {bad: grave, fine: slight}
    meanwhile: slight
clocks: {accept: null, propose: null, resolve: null}
vectors:
  - {name: just large, facts: {loss: 1000}, expect: {grade: grave}}
  - {name: just not, facts: {loss: 999.99}, expect: {grade: slight}}
  - {name: nothing, facts: {}, expect: {grade: slight}}
"""


def redress(*words: object, facts: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["policies", *map(str, words)], input=facts)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, encoding="utf-8")
    return file


def graded(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


# list, check, show


def test_the_list_names_every_pack_and_what_keeps_it_from_use() -> None:
    found = json.loads(redress("list", "--json").stdout)
    assert [(each["pack"], each["version"]) for each in found] == available()
    lines = redress("list", "--language", "zh-CN").stdout.splitlines()
    assert len(lines) == len(found)
    for each, line in zip(found, lines, strict=True):
        assert each["usable"] is not bool(each["unbound"] or each["refused"])
        assert all(name in line for name in (each["title"]["zh-CN"], *each["schemes"], *each["unbound"]))


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
    assert result.stdout.splitlines() == [
        "REFUSED mine/1",
        f"{mine}:28  #/vectors/1  just not: grade is grave, expected slight",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{loss: {at_least",
            "{los: {at_least",
            "16  #/schemes/severity/rows/0/when/los  there is no fact los; did",
        ),
        (
            "required:",
            "requires:",
            "10  #/requires  there is no key 'requires' here; did you mean 'required'?",
        ),
        ("base/1", "base/99", "  #  There is no policy pack base of version 99 here"),
        ('"mine"', '"mine', "  #  "),
    ],
)
def test_a_fault_is_told_with_file_line_and_mend(mine: Path, old: str, new: str, said: str) -> None:
    mine.write_text(MINE.replace(old, new, 1), encoding="utf-8")
    result = redress("check", mine, "base")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("REFUSED ")
    assert lines[1].startswith(f"{mine}{'' if said.startswith(' ') else ':'}{said}")
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


def test_a_pack_is_shown_in_words(mine: Path) -> None:
    english, chinese = redress("show", mine).stdout, redress("show", mine, "--language", "zh-CN").stdout
    told = " ".join(english.split())
    for words in (
        "mine/1 My rules",
        "Vectors 3",
        "large not bound (trial 1000) Large",
        "room choice Room suite Suite",
        "Loss at least 1000 [3]",
        "asks suite Room is Suite and not (Loss known)",
        "bad → Grave, fine → Slight",
        "default: 24 hours",
    ):
        assert words in told
    for words in (
        "我的规则",
        "损失额不低于 1000",
        "房号为 套房，且 并非（损失额已知）",
        "未绑定 (试用值 1000)",
    ):
        assert words in chinese.replace("且并", "且 并")


@pytest.mark.parametrize(("pack", "version"), available())
def test_every_pack_can_be_shown_and_written_as_yaml(pack: str, version: int) -> None:
    shown = redress("show", f"{pack}/{version}", "--language", "zh-CN")
    assert shown.exit_code == 0, shown.output
    written = draft_of(pack, version).content
    again = parse(redress("show", pack, "--yaml").stdout, "again").content
    assert again == {name: each for name, each in written.items() if name not in ("extends", "abstract")}
    assert list(again["schemes"]) == list(written["schemes"])


# grade


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
