"""What `python -m deploy.evaluate` says about a file of known texts, and about one that it cannot use."""

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from deploy.evaluate import evaluate

TOOL = Typer()
TOOL.command()(evaluate)


def told(folder: Path, *rows: object, pack: str | None = None) -> Result:
    file = folder / "known.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(lines), encoding="utf-8")
    return CliRunner().invoke(TOOL, [str(file), *(["--pack", pack] if pack else [])])


def test_it_counts_what_is_right_and_what_is_left_to_a_person(tmp_path: Path) -> None:
    result = told(
        tmp_path,
        {"text": "杯子坏了，质量太差", "type": "product_quality"},
        {"text": "客服态度恶劣", "type": "product_quality", "also_acceptable": ["service"]},
        {"text": "客服态度恶劣，不退款", "type": "服务"},
        {"text": "你好", "type": "other"},
    )
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("4 rows, pack base")
    figures = " ".join(next(line for line in lines if line.startswith("decided")).split())
    assert figures == "decided 3 of 4 (75.0 %) 3 of 3 (100.0 %) 2 of 3 (66.7 %)"
    confusion = lines[lines.index("Rows: what it is. Columns: what the pack says.") + 1 :]
    assert confusion[0].endswith("to be decided")
    assert next(line for line in confusion if line.startswith("other")).split()[-1] == "1"


def test_labels_that_the_pack_does_not_know_are_named(tmp_path: Path) -> None:
    known = {"text": "杯子坏了", "type": "product_quality"}
    result = told(tmp_path, known, {"text": "杯子坏了", "type": "porcelain"})
    assert result.exit_code == 0
    assert "1 rows" in result.stdout
    assert "porcelain (1 times)" in result.stdout
    only = told(tmp_path, {"text": "杯子坏了", "type": "porcelain"})
    assert only.exit_code == 1
    assert "product_quality" in only.stderr


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"text": "a", "type"', "line 2: not JSON"),
        ('["a"]', "line 2: not an object"),
        ({"type": "service"}, 'line 2: there is no "text"'),
        ({"text": 7, "type": "service"}, 'line 2: there is no "text"'),
        ({"text": "slow"}, 'line 2: there is no "type"'),
        ({"text": "slow", "type": "service", "also_acceptable": "other"}, 'line 2: "also_acceptable"'),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_mend(tmp_path: Path, row: object, said: str) -> None:
    result = told(tmp_path, {"text": "slow", "type": "service"}, row)
    assert result.exit_code == 1
    assert said in result.stderr


def test_an_empty_file_and_an_absent_one_and_an_unknown_pack(tmp_path: Path) -> None:
    assert "is empty" in told(tmp_path, "", "  ").stderr
    absent = CliRunner().invoke(TOOL, [str(tmp_path / "nowhere.jsonl")])
    assert absent.exit_code == 1
    assert "cannot be read" in absent.stderr
    unknown = told(tmp_path, {"text": "slow", "type": "service"}, pack="nowhere")
    assert unknown.exit_code == 1
    assert "There is no policy pack nowhere" in unknown.stderr
