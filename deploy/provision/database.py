"""The database's replica set, its roles and its users, from whatever state it is in."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from deploy.provision.addresses import mongo_url
from deploy.provision.parts import (
    ADMIN,
    AUDITOR,
    COLLECTIONS,
    COMPLAINTS,
    COPYING,
    REPLICA_SET,
    SERVICES,
    Rights,
    rights_of,
)
from deploy.provision.passwords import Passwords

AUTHENTICATION_FAILED, ALREADY_INITIALIZED = 18, 23

Client = AsyncMongoClient[dict[str, Any]]


async def open_database(
    members: Sequence[str], passwords: Passwords, door: str | None = None, ca: str | None = None
) -> None:
    """A replica set with its users, from whatever state it is in; `door` is a member's local address.

    With `ca`, a file, over TLS.
    """
    door = door or members[0]
    login = f"{ADMIN}:{quote(passwords.database[ADMIN], safe='')}@"
    options = "?directConnection=true&serverSelectionTimeoutMS=60000"
    options += f"&tls=true&tlsCAFile={quote(ca, safe='')}" if ca else ""
    bare: Client = AsyncMongoClient(f"mongodb://{door}/{options}")
    admin: Client = AsyncMongoClient(f"mongodb://{login}{door}/{options}")
    async with bare, admin:
        if await knows(admin):
            await initiate_replica_set(admin, members)
        else:
            await initiate_replica_set(bare, members)
            await create_admin(bare, passwords)
    whole: Client = AsyncMongoClient(mongo_url(ADMIN, passwords, ",".join(members), ca))
    async with whole:
        await let_all_stand_for_election(whole)
        await provision_database(whole, passwords)


async def knows(client: Client) -> bool:
    try:
        await client.admin.command("ping")
    except OperationFailure as refused:
        if refused.code != AUTHENTICATION_FAILED:
            raise
        return False
    return True


async def initiate_replica_set(client: Client, members: Sequence[str]) -> None:
    """A set that exists stays as it is; the client must speak to the first member directly.

    No other member can win the first election: the first user is made here, where this client is.
    """
    if "setName" in await client.admin.command("hello"):
        return
    named = [{"_id": at, "host": host, "priority": int(at == 0)} for at, host in enumerate(members)]
    try:
        await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": named})
    except OperationFailure as refused:
        if refused.code != ALREADY_INITIALIZED:
            raise


async def let_all_stand_for_election(admin: Client) -> None:
    config = (await admin.admin.command("replSetGetConfig"))["config"]
    if all(member["priority"] for member in config["members"]):
        return
    members = [{**member, "priority": 1} for member in config["members"]]
    changed = {**config, "members": members, "version": config["version"] + 1}
    await admin.admin.command("replSetReconfig", changed)


async def create_admin(client: Client, passwords: Passwords) -> None:
    """Works only from the database's own machine, and only while it has no user at all."""
    async with asyncio.timeout(60):
        while not (await client.admin.command("hello"))["isWritablePrimary"]:
            await asyncio.sleep(0.02)
    await client.admin.command(
        "createUser", ADMIN, pwd=passwords.database[ADMIN], roles=["root"], mechanisms=["SCRAM-SHA-256"]
    )


async def provision_database(admin: Client, passwords: Passwords) -> None:
    """Every service gets its one collection and its files; roles and passwords follow these files."""
    await asyncio.gather(
        *(_let_in(admin, each, each, _privileges(each, rights_of(each)), passwords) for each in SERVICES)
    )
    read = _privileges(COMPLAINTS, {COLLECTIONS[COMPLAINTS]: ["find"]})
    await _let_in(admin, COMPLAINTS, AUDITOR, read, passwords)
    for user, actions in COPYING.items():
        everything = [each for service in SERVICES for each in _privileges(service, {"": actions})]
        await _let_in(admin, ADMIN, user, everything, passwords)


def _privileges(database: str, rights: Rights) -> list[dict[str, Any]]:
    """What a role may do; the collection without a name stands for all of the database."""
    return [
        {"resource": {"db": database, "collection": collection}, "actions": [*actions]}
        for collection, actions in rights.items()
    ]


async def _let_in(
    admin: Client, database: str, user: str, privileges: Sequence[Mapping[str, Any]], passwords: Passwords
) -> None:
    """A user, kept in this database, with these rights by a role of its own name."""
    login = {"pwd": passwords.database[user], "mechanisms": ["SCRAM-SHA-256"], "roles": [_role(user)]}
    await _put(admin, "role", database, _role(user), {"privileges": [*privileges], "roles": []})
    await _put(admin, "user", database, user, login)


def _role(user: str) -> str:
    """Two of the database's own roles are called as two of our users."""
    return f"redress_{user}" if user in COPYING else user


async def _put(admin: Client, kind: str, database: str, name: str, body: Mapping[str, Any]) -> None:
    found = (await admin[database].command(f"{kind}sInfo", name))[f"{kind}s"]
    verb = "update" if found else "create"
    await admin[database].command(f"{verb}{kind.title()}", name, **body)
