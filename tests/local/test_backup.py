"""A copy is whole or refused; it goes into empty databases only, with the keys that fit."""

import asyncio
import gzip
import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aio_pika import Message
from bson import encode
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from typer.testing import CliRunner, Result

from deploy import management
from deploy.backup import archive, broker
from deploy.backup.archive import InFlight, Packer, documents, opened
from deploy.backup.copying import HISTORY_LOST, Copying
from deploy.backup.filling import AT_ONCE, batches
from deploy.cli import program
from deploy.provision import BACKUP, COLLECTIONS, RESTORE, SERVICES
from shared.driver import OPTIONS
from shared.problems import Invalid
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of, take_all

KEY = "00" * 32


def run(servers: AnyServers, *words: str | Path | int, key: str = KEY, management: str = "") -> Result:
    settings = {
        "REDRESS_BACKUP_MONGO_URL": servers.mongo_url(BACKUP),
        "REDRESS_RESTORE_MONGO_URL": servers.mongo_url(RESTORE),
        "REDRESS_PUBLIC_KEY": key,
        "REDRESS_MANAGEMENT_URL": management,
    }
    return CliRunner().invoke(program(), [str(each) for each in words], env=settings)


def contents(servers: AnyServers) -> dict[str, Any]:
    """Every document and every index of the services' databases."""
    found: dict[str, Any] = {}
    with MongoClient[dict[str, Any]](servers.admin_mongo_url) as client:
        for service in SERVICES:
            for name in sorted(client[service].list_collection_names()):
                collection = client[service].get_collection(name, codec_options=OPTIONS)
                if rows := sorted(map(encode_, collection.find())):
                    found[f"{service}.{name}"] = rows, sorted(map(str, collection.list_indexes()))
    return found


def encode_(document: dict[str, Any]) -> bytes:
    options: CodecOptions[dict[str, Any]] = OPTIONS
    return encode(document, codec_options=options)


def emptied(client: MongoClient[dict[str, Any]]) -> None:
    for service in SERVICES:
        for name in client[service].list_collection_names():
            client[service].drop_collection(name)


@pytest.fixture
def filled(servers: AnyServers) -> Iterator[AnyServers]:
    """Some of everything: all types, pieces of files, and the kinds of indexes that there are."""
    with MongoClient[dict[str, Any]](servers.admin_mongo_url) as client:
        emptied(client)
        for service in SERVICES:
            target = client[service].get_collection(COLLECTIONS[service], codec_options=OPTIONS)
            target.insert_many({"_id": uuid4(), "n": n, "text": "\u6295\u8bc9" * n} for n in range(50))
            target.create_index("n", partialFilterExpression={"n": {"$exists": True}})
            target.create_index([("n", -1), ("text", 1)], unique=True)
        client["intake"]["complaints"].create_index("ends", expireAfterSeconds=0)
        files = client["intake"].get_collection("complaints.chunks", codec_options=OPTIONS)
        files.insert_many({"files_id": uuid4(), "n": 0, "data": os.urandom(200_000)} for _ in range(20))
        yield servers
        emptied(client)


def test_what_comes_back_is_what_was_there(filled: AnyServers, tmp_path: Path) -> None:
    before = contents(filled)
    told = run(filled, "backup", tmp_path / "copy")
    assert told.exit_code == 0, told.output
    with MongoClient[dict[str, Any]](filled.admin_mongo_url) as client:
        client["triage"]["gradings"].delete_many({})
        client["sla"]["deadlines"].insert_one({"n": 99})
    assert run(filled, "restore", tmp_path / "copy", "--force").exit_code == 0
    assert contents(filled) == before
    sizes = [each.packed.documents for each in opened(tmp_path / "copy").collections]
    assert sum(sizes) == 5 * 50 + 20


def test_a_database_that_holds_something_is_left_as_it_is(filled: AnyServers, tmp_path: Path) -> None:
    run(filled, "backup", tmp_path / "copy")
    before = contents(filled)
    refused = run(filled, "restore", tmp_path / "copy")
    assert refused.exit_code == 1
    assert "--force" in refused.output
    assert contents(filled) == before


def spoilt(path: Path) -> None:
    bytes_ = bytearray(path.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    path.write_bytes(bytes_)


SPOILS: dict[str, Callable[[Path], None]] = {
    "a bit": lambda copy: spoilt(copy / "triage.gradings.bson.gz"),
    "a file": lambda copy: (copy / "intake.complaints.chunks.bson.gz").unlink(),
    "the end of a file": lambda copy: os.truncate(copy / "sla.deadlines.bson.gz", 100),
    "the manifest": lambda copy: (copy / "manifest.json").unlink(),
    "half the manifest": lambda copy: os.truncate(copy / "manifest.json", 500),
}


@pytest.mark.parametrize("what", SPOILS)
def test_nothing_is_deleted_for_a_copy_that_is_damaged(filled: AnyServers, tmp_path: Path, what: str) -> None:
    run(filled, "backup", tmp_path / "copy")
    SPOILS[what](tmp_path / "copy")
    before = contents(filled)
    refused = run(filled, "restore", tmp_path / "copy", "--force")
    assert refused.exit_code == 1
    assert contents(filled) == before


def test_a_copy_of_another_house_is_refused(filled: AnyServers, tmp_path: Path) -> None:
    run(filled, "backup", tmp_path / "copy")
    refused = run(filled, "restore", tmp_path / "copy", "--force", key="11" * 32)
    assert refused.exit_code == 1
    assert "sealing key" in refused.output


def test_a_copy_wants_a_folder_of_its_own(filled: AnyServers, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("x")
    refused = run(filled, "backup", tmp_path)
    assert refused.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_manifest_tells_no_secret(filled: AnyServers, tmp_path: Path) -> None:
    run(filled, "backup", tmp_path / "copy")
    told = (tmp_path / "copy" / "manifest.json").read_text()
    assert json.loads(told)["public_key"] == KEY
    assert not [word for word in filled.passwords.database.values() if word in told]
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def with_events_in(queue: str, readers: int = 0, acks: int = 0) -> dict[str, Any]:
    return {"name": queue, "messages": 3, "consumers": readers, "message_stats": {"ack": acks}}


async def test_events_that_lie_at_the_broker_alone_are_said_before_anything_is_copied(
    filled: AnyServers, tmp_path: Path
) -> None:
    """Nobody reads triage's inbox here: how long its event has waited is not known."""
    async with channel_of(filled.admin_amqp_url) as channel:
        for inbox in (f"{service}.inbox" for service in SERVICES):
            await (await channel.get_queue(inbox, ensure=False)).purge()
        await channel.default_exchange.publish(Message(b"[]", delivery_mode=2), "triage.inbox")
    words = ("backup", tmp_path / "copy")
    found = partial(run, filled, management=filled.management_url)
    try:
        async with asyncio.timeout(90):
            # The management's counts are seconds old: they still tell of what was purged.
            while await asyncio.to_thread(broker.stuck, filled.management_url, 0) != {"triage.inbox": 1}:
                await asyncio.sleep(0.5)
        refused = await asyncio.to_thread(found, *words)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "triage.inbox 1" in refused.output
        assert "--in-flight MINUTES" in refused.output
        covered = await asyncio.to_thread(found, *words, "--in-flight", 120)
        assert covered.exit_code == 0, covered.output
        assert "within 120 minutes: triage.inbox 1" in covered.output
        assert (await asyncio.to_thread(found, "backup", tmp_path / "more", "--force")).exit_code == 0
    finally:
        await take_all(filled, "triage.inbox", 0.3)


@pytest.mark.parametrize(
    ("looks", "stuck"),
    [
        ([with_events_in("sla.inbox", 1, 10), with_events_in("sla.inbox", 1, 13)], {}),
        ([with_events_in("sla.inbox", 1, 10), with_events_in("sla.inbox", 1, 12)], {"sla.inbox": 3}),
        ([with_events_in("sla.inbox")], {"sla.inbox": 3}),
        ([with_events_in("redress.retry.5m"), {"name": "redress.retry.5m", "messages": 0}], {}),
        ([with_events_in("redress.retry.5m")], {"redress.retry.5m": 3}),
        ([with_events_in("sla.parked"), with_events_in("redress.history"), with_events_in("team.crm")], {}),
    ],
)
def test_an_inbox_that_is_worked_off_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, looks: list[dict[str, Any]], stuck: dict[str, int]
) -> None:
    told = iter(looks)
    last = looks[-1]
    pages = httpx.MockTransport(lambda asked: httpx.Response(200, json=[next(told, last)]))
    monkeypatch.setattr(management, "client", lambda url: httpx.Client(base_url=url, transport=pages))
    assert broker.stuck("http://broker", 2.5) == stuck


def test_a_database_that_has_forgotten_the_moment_ends_the_copy(
    filled: AnyServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    def forgotten(self: Copying, service: str, since: datetime) -> InFlight:
        asked.append(since)
        raise OperationFailure("the oplog begins later", HISTORY_LOST)

    monkeypatch.setattr(Copying, "_in_flight", forgotten)
    refused = run(filled, "backup", tmp_path / "copy")
    assert refused.exit_code == 1
    assert "has forgotten its changes" in refused.output
    assert len(asked) < 20
    assert not (tmp_path / "copy" / "manifest.json").exists()


# the files


@given(st.lists(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.binary())))
def test_documents_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, given: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("packed") / "x.bson.gz"
    with path.open("wb") as file:
        packer = Packer(file)
        for each in given:
            packer.add(encode(each), 1)
        packed = packer.end()
    assert list(documents(path)) == [encode(each) for each in given]
    assert (packed.documents, packed.stored) == (len(given), path.stat().st_size)
    assert packed.sha256 == archive.sha256(path)


@pytest.mark.parametrize("content", [b"\x10", encode({"a": 1})[:-1], b"\x00" * 3, b"\xff\xff\xff\x7f"])
def test_half_a_document_is_no_document(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.bson.gz"
    path.write_bytes(gzip.compress(encode({"whole": 1}) + content))
    with pytest.raises(Invalid):
        list(documents(path))


def test_groups_are_small_in_number_and_in_bytes() -> None:
    large = [bytes(3 << 20)] * 7 + [bytes(5)] * (AT_ONCE + 1)
    found = list(batches(iter(large)))
    assert [each for some in found for each in some] == large
    assert max(map(len, found)) == AT_ONCE
    assert max(sum(map(len, some)) for some in found) <= 8 << 20
