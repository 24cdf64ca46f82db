"""Every user of the real database: what each may do, and that all else is refused."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import OperationFailure

from deploy.provision import AUDITOR, BACKUP, BUCKETS, COLLECTIONS, RESTORE, SERVICES
from shared.bus import OPERATOR
from tests.kit.servers import AnyServers

REFUSED = 13
"""The database's code for what somebody may not do."""


def own_collections(user: str) -> dict[str, list[str]]:
    """What may be found, by database."""
    if user in SERVICES:
        return {user: [COLLECTIONS[user], *BUCKETS.get(user, {})]}
    if user == AUDITOR:
        return {"intake": [COLLECTIONS["intake"]]}
    return {each: [COLLECTIONS[each], *BUCKETS.get(each, {})] for each in SERVICES}


def may(client: MongoClient[Any], database: str, command: dict[str, Any]) -> bool:
    try:
        client[database].command(command)
    except OperationFailure as error:
        if error.code == REFUSED:
            return False
        raise
    return True


def reading(collection: str) -> dict[str, dict[str, Any]]:
    whole = {"aggregate": collection, "cursor": {}}
    return {
        "find": {"find": collection, "limit": 1},
        "count": {"count": collection},
        "distinct": {"distinct": collection, "key": "_id"},
        "aggregate": whole | {"pipeline": [{"$limit": 1}]},
    }


def writing(collection: str) -> dict[str, dict[str, Any]]:
    never = {"_id": "never"}
    return {
        "insert": {"insert": collection, "documents": [never]},
        "update": {"update": collection, "updates": [{"q": never, "u": {"$set": {"a": 1}}}]},
        "remove": {"delete": collection, "deletes": [{"q": never, "limit": 1}]},
        "drop": {"drop": collection},
        "rename": {"renameCollection": f"x.{collection}", "to": "x.y"},
        "index": {"createIndexes": collection, "indexes": [{"key": {"a": 1}, "name": "a"}]},
        "drop index": {"dropIndexes": collection, "index": "a"},
        "modify": {"collMod": collection, "validator": {}},
    }


DATABASE_USERS = [*SERVICES, AUDITOR, BACKUP, RESTORE]


@pytest.mark.parametrize("user", DATABASE_USERS)
def test_a_database_user_reads_its_own_collections_and_no_others(servers: AnyServers, user: str) -> None:
    wrong = []
    with MongoClient[Any](servers.mongo_url(user)) as client:
        for database in (*SERVICES, "admin", "local", "config", "invented"):
            known = own_collections(user).get(database, [])
            whole = user in (BACKUP, RESTORE) and database in SERVICES
            for name in {*COLLECTIONS.values(), "complaints.files", "oplog.rs", "system.users", "theirs"}:
                wanted = name in known or (whole and not name.startswith("system."))
                for what, command in reading(name).items():
                    if may(client, database, command) is not wanted:
                        wrong.append(f"{what} {database}.{name}: {'refused' if wanted else 'allowed'}")
    assert wrong == []


WRITES = {
    **{each: {"insert", "update", "index"} for each in SERVICES},
    AUDITOR: set[str](),
    BACKUP: set[str](),
    RESTORE: {"insert", "update", "index", "drop"},
}


@pytest.mark.parametrize("user", DATABASE_USERS)
def test_a_database_user_writes_what_it_must_and_nowhere_else(servers: AnyServers, user: str) -> None:
    wrong = []
    with MongoClient[Any](servers.mongo_url(user)) as client:
        for database, name in [*COLLECTIONS.items(), ("admin", "theirs"), ("invented", "theirs")]:
            mine = (user == RESTORE and database in SERVICES) or user == database
            for what, command in writing(name).items():
                wanted = mine and what in WRITES[user]
                if what == "drop" and wanted:
                    continue  # the other tests of this session need the collection
                if may(client, "admin" if what == "rename" else database, command) is not wanted:
                    wrong.append(f"{what} {database}.{name}: {'refused' if wanted else 'allowed'}")
    with MongoClient[Any](servers.admin_mongo_url) as admin:
        for database, name in COLLECTIONS.items():
            admin[database][name].delete_one({"_id": "never"})
            admin[database].command({"dropIndexes": name, "index": ["a"]}, check=False)
    assert wrong == []


@pytest.mark.parametrize("user", [*SERVICES, AUDITOR])
def test_no_pipeline_reaches_into_another_database(servers: AnyServers, user: str) -> None:
    home = "intake" if user == AUDITOR else user
    others = [each for each in SERVICES if each != home]
    allowed = []
    with MongoClient[Any](servers.mongo_url(user)) as client:
        for other in others:
            there = {"db": other, "coll": COLLECTIONS[other]}
            pipelines: dict[str, list[dict[str, Any]]] = {
                "lookup": [{"$lookup": {"from": COLLECTIONS[other], "pipeline": [], "as": "x"}}],
                "union": [{"$unionWith": COLLECTIONS[other]}],
                "out": [{"$out": there}],
                "merge": [{"$merge": {"into": there}}],
            }
            for what, pipeline in pipelines.items():
                command = {"aggregate": COLLECTIONS[home], "pipeline": pipeline, "cursor": {}}
                if may(client, home, command):
                    allowed.append(f"{what} {other}")
    assert allowed == []


@pytest.mark.parametrize("user", DATABASE_USERS)
async def test_changes_are_followed_by_whom_they_concern(servers: AnyServers, user: str) -> None:
    followed = {each for each in SERVICES if await may_watch(servers, user, each)}
    wanted = {"intake": {"intake"}, BACKUP: {*SERVICES}}
    assert followed == wanted.get(user, set())


async def may_watch(servers: AnyServers, user: str, service: str) -> bool:
    async with AsyncMongoClient[dict[str, Any]](servers.mongo_url(user)) as client:
        with suppress(OperationFailure):
            async with await client[service][COLLECTIONS[service]].watch(max_await_time_ms=1):
                return True
    return False


ADMINISTRATION: dict[str, dict[str, Any]] = {
    "users": {"usersInfo": {"forAllDBs": True}},
    "a new user": {"createUser": "mine", "pwd": "x", "roles": []},
    "more rights": {"grantRolesToUser": "intake", "roles": ["root"]},
    "shutdown": {"shutdown": 1},
    "parameters": {"setParameter": 1, "logLevel": 0},
    "operations": {"currentOp": 1, "$all": True},
    "log": {"getLog": "global"},
    "reconfiguration": {"replSetReconfig": {}},
    "drop": {"dropDatabase": 1},
}


@pytest.mark.parametrize("user", DATABASE_USERS)
@pytest.mark.parametrize("what", ADMINISTRATION)
def test_nobody_administers_the_database(servers: AnyServers, user: str, what: str) -> None:
    with MongoClient[Any](servers.mongo_url(user)) as client:
        assert not may(client, "admin", ADMINISTRATION[what])


@pytest.mark.parametrize("user", DATABASE_USERS)
def test_nobody_sees_the_collections_of_others(servers: AnyServers, user: str) -> None:
    with MongoClient[Any](servers.mongo_url(user)) as client:
        listed = {each for each in SERVICES if may(client, each, {"listCollections": 1})}
        dropped = {each for each in SERVICES if may(client, each, {"dropDatabase": 1})}
    assert listed == ({*SERVICES} if user in (BACKUP, RESTORE) else set())
    assert dropped == set()


@pytest.mark.parametrize("user", DATABASE_USERS)
def test_a_broker_password_opens_no_database_nor_the_other_way_round(servers: AnyServers, user: str) -> None:
    words = servers.passwords
    assert len({*words.broker.values(), *words.database.values()}) == len(words.broker) + len(words.database)
    other = servers.mongo_url(user).replace(words.database[user], words.broker[OPERATOR])
    with MongoClient[Any](other) as client, pytest.raises(OperationFailure):
        client.admin.command({"listDatabases": 1})


def test_somebody_without_a_name_is_told_nothing(servers: AnyServers) -> None:
    with MongoClient[Any](f"mongodb://{servers.database}/?directConnection=true") as client:
        for service, name in COLLECTIONS.items():
            with pytest.raises(OperationFailure):
                client[service][name].insert_one({"_id": str(uuid4())})
            with pytest.raises(OperationFailure):
                client[service][name].find_one()
