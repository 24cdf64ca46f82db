"""`redress keys`: what it prints, what the file keeps, and that services take the one for the other."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy import provision
from deploy.cli import program
from shared import clock
from shared.principals import Gatekeeper
from shared.problems import WrongCredentials
from shared.settings import settings
from tests.kit.doors import digest, settled


def keys(*words: object) -> Result:
    return CliRunner().invoke(program(), ["keys", *map(str, words)])


def made(*words: object) -> str:
    result = keys(*words)
    assert result.exit_code == 0, result.output
    key = result.stdout.strip()
    assert re.fullmatch(r"[\w-]{43}", key)
    return key


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "api_keys.json"


def shown(file: Path) -> str:
    """What is in it; nobody else may look."""
    assert file.stat().st_mode & 0o777 == 0o600
    return file.read_text()


def kept(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown(file))
    return found


async def admitted(monkeypatch: pytest.MonkeyPatch, file: Path, key: str) -> Any:
    with settled(monkeypatch, api_keys=shown(file)):
        return await Gatekeeper(settings()).admit(key)


async def test_a_new_caller_gets_a_key_that_is_stored_nowhere(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    shop = made("new", "shop", "--file", file)
    desk = made(
        "new", "desk", "--role", "handler", "--role", "sales", "--department", "sales", "--file", file
    )
    assert shop not in shown(file)
    assert kept(file)["shop"]["keys"] == [{"digest": digest(shop)}]
    assert (await admitted(monkeypatch, file, shop)).is_partner
    who = await admitted(monkeypatch, file, desk)
    assert (who.name, who.roles, who.departments) == ("desk", {"handler", "sales"}, {"sales"})


async def test_a_key_is_replaced_without_a_pause(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    old = made("new", "shop", "--file", file)
    new = made("rotate", "shop", "--within", "12h", "--file", file)
    for key in (old, new):
        assert (await admitted(monkeypatch, file, key)).name == "shop"
    until = datetime.fromisoformat(kept(file)["shop"]["keys"][0]["until"])
    assert timedelta(hours=11.9) < until - clock.now() <= timedelta(hours=12)
    newer = made("rotate", "shop", "--within", "7d", "--file", file)
    first, second, third = kept(file)["shop"]["keys"]
    assert datetime.fromisoformat(first["until"]) == until, "an end is not put off"
    assert datetime.fromisoformat(second["until"]) > until
    assert third == {"digest": digest(newer)}


async def test_a_key_that_leaked_ends_at_once(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    old = made("new", "shop", "--file", file)
    new = made("rotate", "shop", "--within", "0m", "--file", file)
    assert (await admitted(monkeypatch, file, new)).name == "shop"
    with pytest.raises(WrongCredentials):
        await admitted(monkeypatch, file, old)
    newer = made("rotate", "shop", "--file", file)
    assert [each["digest"] for each in kept(file)["shop"]["keys"]] == [digest(new), digest(newer)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "shop"], "shop has a key already; replace it with: redress keys rotate shop"),
        (["new", "staff:ann"], "no space, colon or bar"),
        (["new", "mall", "--role", "partner", "--role", "handler"], "no role beside it but subscriber"),
        (["rotate", "nobody"], "There is no nobody in"),
        (["rotate", "shop", "--within", "soon"], "say 30m, 12h or 7d"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(file: Path, words: list[str], said: str) -> None:
    made("new", "shop", "--file", file)
    before = file.read_text()
    result = keys(*words, "--file", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert file.read_text() == before


def test_a_file_of_another_form_is_left_alone(file: Path) -> None:
    file.write_text('{"shop": "0123"}')
    result = keys("new", "desk", "--file", file)
    assert result.exit_code == 1
    assert "cannot be read as the setting api_keys" in result.stderr
    assert file.read_text() == '{"shop": "0123"}'


def test_a_role_that_no_pack_has_is_remarked_on(file: Path) -> None:
    result = keys("new", "desk", "--role", "handlr", "--role", "reviewer", "--file", file)
    assert result.exit_code == 0
    assert "no pack in the box has the role handlr" in result.stderr
    assert "reviewer" not in result.stderr


async def test_what_is_provisioned_opens_the_services(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provision.write_secrets(tmp_path)
    shop = made("new", "shop", "--file", tmp_path / provision.API_KEYS)
    provision.write_secrets(tmp_path)
    operator = tmp_path / "operator"
    for service in provision.SERVICES:
        file = tmp_path / service / "redress_api_keys"
        for caller, name in provision.CALLERS.items():
            who = await admitted(monkeypatch, file, (operator / f"redress_{name}").read_text())
            assert (who.name, who.roles) == (caller, {*provision.ROLES[caller]})
        assert (await admitted(monkeypatch, file, shop)).name == "shop", "who was added stays"
