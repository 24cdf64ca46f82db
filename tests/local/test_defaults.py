"""A command finds what it is not told in the files of secrets, and opens those alone that it needs."""

import os
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from deploy import cli
from deploy.backup import broker
from deploy.defaults import defaults
from deploy.provision import write_secrets
from shared.problems import Unavailable


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's, as it is mounted in containers; nothing stands in the environment."""
    for name in [each for each in os.environ if each.startswith("REDRESS_")]:
        monkeypatch.delenv(name)
    write_secrets(tmp_path)
    monkeypatch.setenv("REDRESS_SECRETS", str(tmp_path / "operator"))
    return tmp_path / "operator"


def told(monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[list[str], str]:
    """What `backup` asked the broker with, and what it printed."""
    asked: list[str] = []

    def stuck(url: str) -> dict[str, int]:
        asked.append(url)
        raise Unavailable("far away")

    monkeypatch.setattr(broker, "stuck", stuck)
    return asked, CliRunner().invoke(cli.program(), [*words]).output


def test_an_option_is_read_from_its_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = (folder / "redress_management_url").read_text()
    asked, output = told(monkeypatch, "backup", str(tmp_path / "copy"))
    assert (asked, output) == ([given], "far away\n")


def test_what_is_told_goes_before_the_environment_and_that_before_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.write_text("http://named\n")
    monkeypatch.setenv("REDRESS_MANAGEMENT_URL_FILE", str(other))
    words = ["backup", str(tmp_path / "copy")]
    assert told(monkeypatch, *words)[0] == ["http://named"]
    monkeypatch.setenv("REDRESS_MANAGEMENT_URL", "http://environment")
    assert told(monkeypatch, *words)[0] == ["http://environment"]
    assert told(monkeypatch, *words, "--management-url", "http://told")[0] == ["http://told"]


def test_a_command_opens_no_file_but_its_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def read(path: Path) -> str:
        opened.append(path.name)
        return "http://127.0.0.1:9"

    monkeypatch.setattr("deploy.defaults._read", read)
    CliRunner().invoke(cli.program(), ["subscribers", "list"])
    assert opened == ["redress_management_url"]


def test_a_file_that_is_named_and_not_there_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDRESS_OPERATOR_AMQP_URL_FILE", str(folder / "nowhere"))
    monkeypatch.setattr("sys.argv", ["redress", "parked", "list", "triage"])
    with pytest.raises(SystemExit, match="nowhere cannot be read"):
        cli.main()


def test_whoever_has_no_files_is_asked_as_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDRESS_SECRETS", str(folder / "nowhere"))
    assert defaults(get_command(cli.program())) == {}
    assert "--url" in CliRunner().invoke(cli.program(), ["parked", "list", "triage"]).output


def test_every_file_of_the_operator_is_some_options_or_is_named_by_hand(folder: Path) -> None:
    names: set[str] = set()

    def collect(read: object) -> None:
        if isinstance(read, dict):
            for each in read.values():
                collect(each)
        else:
            names.add(read.args[0].name)  # type: ignore[attr-defined]

    collect(defaults(get_command(cli.program())))
    by_hand = {"redress_approver_key", "redress_partner_key"}
    assert names | by_hand == {path.name for path in folder.iterdir()}
