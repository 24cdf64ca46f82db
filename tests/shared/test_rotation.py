"""A password is replaced: the new one opens, the old one does not, and nobody else notices."""

import json
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from typer.testing import CliRunner

from deploy.local.servers import Servers
from deploy.provision import SERVICES, Passwords, write_secrets
from deploy.provision.__main__ import app
from deploy.provision.database import open_database


def rotated(folder: Path, user: str) -> str:
    told = CliRunner().invoke(app, ["rotate", str(folder), user])
    assert told.exit_code == 0, told.output
    return told.output


def opens(url: str) -> bool:
    with MongoClient[dict[str, Any]](url) as client:
        try:
            client["triage"]["gradings"].find_one()
        except OperationFailure:
            return False
    return True


async def test_a_service_gets_new_passwords(breakable: Servers) -> None:
    old = {user: (breakable.amqp_url(user), breakable.mongo_url(user)) for user in SERVICES}
    assert "broker and database" in rotated(breakable.folder, "triage")
    breakable.passwords = Passwords.kept(breakable.folder)
    breakable._configure()
    await breakable.restart("broker")
    await open_database([breakable.database], breakable.passwords)
    async with await aio_pika.connect(breakable.amqp_url("triage")):
        assert opens(breakable.mongo_url("triage"))
    with pytest.raises(aio_pika.exceptions.AMQPError):
        await aio_pika.connect(old["triage"][0])
    assert not opens(old["triage"][1])
    for user in {*SERVICES} - {"triage"}:
        assert (breakable.amqp_url(user), breakable.mongo_url(user)) == old[user]
        async with await aio_pika.connect(old[user][0]):
            pass


def test_every_file_follows(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    before = {path: path.read_text() for path in tmp_path.rglob("redress_*_url")}
    rotated(tmp_path, "triage")
    write_secrets(tmp_path)
    after = {path: path.read_text() for path in tmp_path.rglob("redress_*_url")}
    changed = {path.parent.name for path in after if after[path] != before[path]}
    assert changed == {"triage"}


def test_nobody_is_locked_out_by_a_slip(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    before = json.loads((tmp_path / "passwords.json").read_text())
    refused = CliRunner().invoke(app, ["rotate", str(tmp_path), "nobody"])
    assert refused.exit_code == 1
    rotated(tmp_path, "admin")
    write_secrets(tmp_path)
    after = json.loads((tmp_path / "passwords.json").read_text())
    assert after["database"] == before["database"], "the database knows its administrator by this word alone"
    assert after["broker"]["admin"] != before["broker"]["admin"]
