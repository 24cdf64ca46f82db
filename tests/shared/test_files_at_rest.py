"""Files at rest: unreadable without their key, noticed when changed, removed by their service alone."""

import os
from typing import Any
from uuid import UUID, uuid4

import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure

from deploy.provision import ACTIONS, BUCKETS, SERVICES
from shared.files import PIECE
from shared.mongo import Store
from shared.sealing import Unsealable, new_key, seal, unseal
from tests.kit.files import KEY, all_of, filed, kept, pour
from tests.kit.servers import AnyServers
from tests.kit.toy import Count, admin_of

UNAUTHORIZED = 13
"""What the server says of a few collections of its own, which not even the administrator may read."""


def test_zeros_and_nothing_are_sealed_apart() -> None:
    for content in (b"", b"\0", b"\0\0", b"\0a", b"a\0"):
        assert unseal(seal(content, KEY, "here"), KEY, "here") == content


async def flip(chunks: Any, id: UUID, other: UUID) -> None:
    found = await chunks.find_one({"files_id": id, "n": 1})
    changed = bytearray(found["data"])
    changed[100] ^= 1
    await chunks.update_one({"_id": found["_id"]}, {"$set": {"data": bytes(changed)}})


async def swap(chunks: Any, id: UUID, other: UUID) -> None:
    for n, to in ((0, 100), (1, 0), (100, 1)):
        await chunks.update_one({"files_id": id, "n": n}, {"$set": {"n": to}})


async def cut_off(chunks: Any, id: UUID, other: UUID) -> None:
    await chunks.delete_one({"files_id": id, "n": 2})


async def behead(chunks: Any, id: UUID, other: UUID) -> None:
    await chunks.delete_one({"files_id": id, "n": 0})


async def take_out(chunks: Any, id: UUID, other: UUID) -> None:
    await chunks.delete_one({"files_id": id, "n": 1})


async def empty(chunks: Any, id: UUID, other: UUID) -> None:
    await chunks.delete_many({"files_id": id})


async def lengthen(chunks: Any, id: UUID, other: UUID) -> None:
    found = await chunks.find_one({"files_id": id, "n": 2})
    await chunks.insert_one({"files_id": id, "n": 3, "data": found["data"]})


async def mix(chunks: Any, id: UUID, other: UUID) -> None:
    found = await chunks.find_one({"files_id": other, "n": 1})
    await chunks.update_one({"files_id": id, "n": 1}, {"$set": {"data": found["data"]}})


async def misuse(chunks: Any, id: UUID, other: UUID) -> None:
    await chunks.update_one({"files_id": id, "n": 1}, {"$set": {"data": "text"}})


@pytest.mark.parametrize(
    "harm", [flip, swap, cut_off, behead, take_out, empty, lengthen, mix, misuse], ids=lambda f: f.__name__
)
async def test_whoever_changes_a_file_is_noticed(servers: AnyServers, harm: Any) -> None:
    content = os.urandom(3 * PIECE)
    async with filed(servers) as files, admin_of(servers) as client:
        id, other = await kept(files, content), await kept(files, content)
        await harm(client["intake"]["complaints.chunks"], id, other)
        got: list[bytes] = []
        with pytest.raises(Unsealable):
            await pour(files.read(id, KEY), got)
        assert await all_of(files, other) == content
    assert content.startswith(b"".join(got))


async def test_another_key_opens_nothing(servers: AnyServers) -> None:
    async with filed(servers) as files:
        id = await kept(files, b"a photo")
        with pytest.raises(Unsealable):
            await all_of(files, id, new_key())


async def test_no_collection_anywhere_holds_the_content(servers: AnyServers) -> None:
    marker = b"what the customer saw " + uuid4().hex.encode()
    async with filed(servers) as files:
        id = await kept(files, marker * 20_000)
        short = await kept(files, marker)
        assert await all_of(files, short) == marker
    searched, places = set(), set()
    async with admin_of(servers) as client:
        for database in await client.list_database_names():
            for name in await client[database].list_collection_names():
                raw = await everything(client[database][name])
                searched |= {(database, name)} if any(id.bytes in each for each in raw) else set()
                places |= {(database, name)} if any(marker[:40] in each for each in raw) else set()
    assert searched == {
        ("intake", "complaints.files"),
        ("intake", "complaints.chunks"),
        ("local", "oplog.rs"),
    } | (searched & {("config", "transactions"), ("config", "image_collection")})
    assert places == set()


async def everything(collection: Any) -> list[bytes]:
    """Each document's bytes as the server sends them; it keeps a few of its own collections to itself."""
    raw: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
    try:
        return [bytes(each.raw) async for each in collection.with_options(codec_options=raw).find({})]
    except OperationFailure as refused:
        if refused.code != UNAUTHORIZED or collection.database.name not in ("admin", "config", "local"):
            raise
        return []


async def test_only_files_can_be_removed_and_only_by_their_service(servers: AnyServers) -> None:
    granted: dict[tuple[str, str], list[str]] = {}
    async with admin_of(servers) as client:
        for service in SERVICES:
            (role,) = (await client[service].command("rolesInfo", service, showPrivileges=True))["roles"]
            for each in role["privileges"]:
                where = each["resource"]["db"], each["resource"]["collection"]
                assert where[0] == service
                assert where not in granted
                granted[where] = each["actions"]
    files = {("intake", name): sorted(actions) for name, actions in BUCKETS["intake"].items()}
    assert {where: sorted(actions) for where, actions in granted.items() if "remove" in actions} == files
    others = {where: actions for where, actions in granted.items() if where not in files}
    assert len(others) == len(SERVICES)
    assert all({*actions} - {"changeStream"} == {*ACTIONS} for actions in others.values())
    assert [where for where, actions in others.items() if "changeStream" in actions] == [
        ("intake", "complaints")
    ]


async def test_the_database_itself_refuses_what_the_rights_leave_out(servers: AnyServers) -> None:
    async with filed(servers) as files:
        intake = files._store._client["intake"]
        with pytest.raises(OperationFailure, match="not authorized"):
            await intake["complaints"].delete_many({})
        with pytest.raises(OperationFailure, match="not authorized"):
            await intake["complaints.chunks"].update_one({}, {"$set": {"n": 9}})
        with pytest.raises(OperationFailure, match="not authorized"):
            await intake["complaints.files"].drop()
    store = Store("triage", "gradings", Count)
    store.open(servers.mongo_url("triage"))
    for name in ("complaints.files", "complaints.chunks"):
        with pytest.raises(OperationFailure, match="not authorized"):
            await store._client["intake"][name].find_one({})
    await store.close()
