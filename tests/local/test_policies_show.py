"""What `redress policies show` says of a pack, and what the document says of packs and commands."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from deploy.policies.commands import app as policies
from shared.events import Channel
from shared.policy import UNIVERSAL, Mark, Pack, available, draft_of, parse
from shared.policy.pack import StepName
from tests.local.typed import MINE, redress

ROOT = Path(__file__).parents[2]


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


TERMS = """
without: [screen, archive]
clocks:
  resolve:
    title: {zh-CN: 答复, en: Answer}
    start: received
    stop: fed_back
    due: {grave: {hours: 24}, default: {days: 3, roll: true}}
    customer_deadline: true
    when: {urgent: true}
    pauses: [customer, third_party]
    warn: [0.8, {hours: 2}]
    ladder: [{role: handler}, {role: general_manager, after: {working_hours: 4}}]
    internal: true
    hours_of: lead
    clause: "4"
  part:
    title: {zh-CN: 分办, en: Part}
    start: dispatched
    stop: accepted
    due: {default: {hours: 9}}
    each_department: true
  reply:
    title: {zh-CN: 回复, en: Reply}
    start: received
    stop: answered
    due: {default: {working_days: 2, ends: closing, from_opening: true}}
    warn: [{working_hours: 1}]
    target: true
marks: {reported: {when: {urgent: true}}}
approvals: [{when: {}, roles: [handler], distinct: false}]
steps: [{step: close, needs: {room: suite}}]
visibility: [{fields: [phone], roles: [handler]}]
papers: {form: {title: {zh-CN: 单, en: Form}, fields: [room], stage: closed}}
targets: {calls: {title: {zh-CN: 数, en: Calls}, of: calls, at_most: 3, share: false}}
survey: {expires_days: 9, reopen_below: 5, routes: [letter], reminders_days: [3, 7], consent: true}
retention_years: 12
quotas:
  - {scheme: severity, grade: grave, clause: "9", total: 9, by: product, each: {cup: 2}, otherwise: 5,
     penalty: {bonus: minus two, zh-CN: 扣分, en: a penalty}}
measures:
  worth: {title: {zh-CN: 价值, en: Worth}, of: loss, steps: [{base: 3, over: 2, unit: 7, adds: $large}]}
  most: {title: {zh-CN: 最大, en: Most}, combine: [worth, demand], by: worst}
"""


def test_nothing_that_a_pack_says_is_left_out(mine: Path) -> None:
    text = MINE.replace("clocks: {accept: null, propose: null, resolve: null}\n", TERMS)
    text = text.replace("clocks:\n", "clocks:\n  accept: null\n  propose: null\n")
    run = "{same: [customer, product], after: 2, becomes: {slight: grave}, counts_on: effective}"
    more = f"    verified_when: {{urgent: true}}\n    marks: {{hot: {{fire: true}}}}\n    run: {run}\n"
    mine.write_text(text.replace("decisions:\n", more + "decisions:\n"), encoding="utf-8")
    told = " ".join(redress("show", mine).stdout.split())
    for words in (
        "Without the steps screen, archive",
        "resolve Answer received → fed_back [4]",
        "due Grave: 24 hours, default: 3 calendar days, moved on to a working day, the customer's own dead",
        "when Urgent is yes",
        "pauses for customer, third_party",
        "warns after 80 % of the time, 2 hours before the end",
        "then calls Handler at once, General manager after 4 working hours",
        "hours of the department in the lead internal not shown outside",
        "for each every department that must answer",
        "due default: 2 working days, from the next opening, till closing time",
        "warns 1 working hours before the end target counted only",
        "Marks reported Urgent",
        "always Handler one person may do several",
        "open for 9 days reopens below 5 when always by letter reminders after 3, 7 days asks first",
        "close always needs Room is Suite",
        "phone from Handler",
        "form Form from stage closed room",
        "calls Calls counts calls at most 3",
        "Records kept 12 years",
        "Grave in all 9 [9] Grave Product cup 2 [9] Grave Product all others together 5 [9]",
        "bonus: minus two [9] Grave penalty for each beyond a penalty [9]",
        "worth Worth steps of Loss always: 3 + 1000 for every 7 beyond 2 (floor)",
        "most Most the largest of Worth, Sum demanded",
        "provisional until Urgent is yes",
        "in a row same customer, Product; after 2: Slight → Grave; counted on effective",
        "mark hot Fire is yes",
    ):
        assert words in told


def test_what_others_stand_on_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = redress("show", "foundation").stdout.splitlines()
    assert lines[0].startswith("foundation/1  ")
    assert lines[1] == "Abstract  only for others to stand on; it cannot be used alone"
    assert {"Roles", "Departments", "Safety gates", "Counters", "Papers", "Survey"} <= set(lines)
    assert not {"Clocks", "Classes"} & set(lines)
    assert not any(line.startswith("Scheme") for line in lines)
    own = tmp_path / "own.yaml"
    waits = (
        "clocks: {c: {title: {zh-CN: 答, en: A}, start: received, stop: closed, due: {grave: {hours: $h}}}}"
    )
    own.write_text(
        "{abstract: true, pack: own, version: 1, title: {zh-CN: 自, en: Own},"
        f" parameters: {{h: {{title: {{zh-CN: 时, en: H}}, trial: 7}}}}, {waits}}}",
        encoding="utf-8",
    )
    assert "grave: 7 hours" in redress("show", own).stdout
    own.write_text(own.read_text(encoding="utf-8").replace("trial: 7", "value: [7]"), encoding="utf-8")
    assert redress("show", own).exit_code == 1


@pytest.mark.parametrize(("pack", "version"), available())
def test_every_pack_can_be_shown_and_written_as_yaml(pack: str, version: int) -> None:
    shown = redress("show", f"{pack}/{version}", "--language", "zh-CN")
    assert shown.exit_code == 0, shown.output
    written = draft_of(pack, version).content
    again = parse(redress("show", pack, "--yaml").stdout, "again").content
    assert again == {name: each for name, each in written.items() if name not in ("extends", "abstract")}
    assert list(again["schemes"]) == list(written["schemes"])
    told = "".join(shown.stdout.split())
    ours = {name: each for name, each in written.items() if name not in ("cues", "vectors")}
    assert [each for each in said(ours) if "".join(each.split()) not in told] == []
    headings = [line for line in shown.stdout.splitlines()[1:] if line[:1].strip()]
    assert [line for line in headings if line.isascii()] == []


def said(part: Any) -> Iterator[str]:
    """Everything that a pack says to people in Chinese, and where the regulation says it."""
    if isinstance(part, dict):
        yield from (str(part[key]) for key in ("zh-CN", "clause", "rule", "gate") if key in part)
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for each in inner:
        yield from said(each)


# the document


def test_the_document_holds_word_for_word(tmp_path: Path) -> None:
    """Its example is saved as it says, and its commands are typed one after the other."""
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "my-rules.yaml").write_text(example, encoding="utf-8")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    script = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    ran = subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    check, tried, activated, bound = ran.stdout.splitlines()
    assert check.startswith("unbound  larkspur-hotel/1  6 vectors hold")
    assert json.loads(tried)["grade"] == json.loads(bound)["grade"] == "grave"
    assert activated.startswith("ok  larkspur-city/1  6 vectors")


def test_the_document_names_what_there_is() -> None:
    """Channels, marks, steps, roles, commands and options: all of them, and spelt as the code spells them."""
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    base = draft_of("base", 1).content
    names = [*get_args(Channel), *get_args(Mark), *get_args(StepName), *UNIVERSAL, *base["roles"]]
    names += [*base["departments"], *base["classes"], *base["clocks"], *Pack.model_fields]
    assert [name for name in names if not re.search(rf"`{name}`|`{name}[ :,]", text)] == []
    table = text.partition("## The commands")[2]
    commands = typer.main.get_command(policies).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        row = " ".join(re.findall(rf"^\| `{name}\b.*$", table, re.MULTILINE))
        options = {option for each in command.params for option in each.opts if option.startswith("--")}
        assert [option for option in options if option not in row] == []
