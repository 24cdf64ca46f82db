"""Who may enter: passwords, the broker's definitions and the database's users, made once and kept."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

SERVICES = ("intake", "triage", "sla", "notify", "survey")
COLLECTIONS = {
    "intake": "complaints",
    "triage": "gradings",
    "sla": "deadlines",
    "notify": "notices",
    "survey": "surveys",
}
ACTIONS = ["find", "insert", "update", "createIndex", "listIndexes"]
DEFINITIONS = Path(__file__).parent / "broker" / "definitions.json"
VHOST = REPLICA_SET = "redress"
ADMIN = "admin"
CALLERS = {"front-end": "api_key", "approver": "approver_key"}
"""The first callers, and the files with their API keys; publishing a policy takes two."""
NOBODY_ELSE = -1
AUTHENTICATION_FAILED, ALREADY_INITIALIZED = 18, 23

Client = AsyncMongoClient[dict[str, Any]]


@dataclass(frozen=True)
class Passwords:
    """One password per user and server; a leaked broker password opens no database."""

    broker: Mapping[str, str]
    database: Mapping[str, str]

    @classmethod
    def kept(cls, folder: Path) -> "Passwords":
        """The folder's passwords, made on the first call."""
        path = folder / "passwords.json"
        if not path.exists():
            write_secret(path, json.dumps(asdict(cls.fresh()), indent=1))
        return cls(**json.loads(path.read_text()))

    @classmethod
    def fresh(cls) -> "Passwords":
        broker = [user["name"] for user in json.loads(DEFINITIONS.read_text())["users"]]
        return cls(_passwords([*broker, ADMIN]), _passwords([*SERVICES, ADMIN]))


def _passwords(users: Sequence[str]) -> dict[str, str]:
    return {user: secrets.token_urlsafe(24) for user in users}


def write_secret(path: Path, text: str, owner: int = NOBODY_ELSE) -> None:
    """Nobody but `owner` can read it at any moment, and a crash leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchown(file.fileno(), owner, -1)
        file.write(text)
    half.replace(path)


def keep_keyfile(path: Path) -> Path:
    """What the members of the replica set know each other by."""
    if not path.exists():
        write_secret(path, base64.b64encode(secrets.token_bytes(512)).decode())
    return path


def keep_token(path: Path) -> str:
    """A random word, made on the first call."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32))
    return path.read_text()


def amqp_url(user: str, passwords: Passwords, host: str) -> str:
    return f"amqp://{user}:{quote(passwords.broker[user], safe='')}@{host}/{VHOST}?heartbeat=10"


def mongo_url(user: str, passwords: Passwords, hosts: str) -> str:
    options = f"authSource={user}&replicaSet={REPLICA_SET}&w=majority&journal=true&wtimeoutMS=10000"
    return f"mongodb://{user}:{quote(passwords.database[user], safe='')}@{hosts}/?{options}"


def broker_definitions(passwords: Passwords) -> str:
    """The topology file as the broker loads it: every user with a password hash, and no guest."""
    definitions = json.loads(DEFINITIONS.read_text())
    definitions["users"] = [broker_user(user, passwords) for user in definitions["users"]]
    return json.dumps(definitions, indent=1)


def broker_user(user: Mapping[str, Any], passwords: Passwords) -> dict[str, Any]:
    return {
        **user,
        "password_hash": password_hash(passwords.broker[user["name"]]),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
    }


def password_hash(password: str) -> str:
    """The same each time: a broker that finds its definitions unchanged need not load them again."""
    salt = hmac.digest(password.encode(), b"salt", "sha256")[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


async def open_database(members: Sequence[str], passwords: Passwords, door: str | None = None) -> None:
    """A replica set with its users, from whatever state it is in; `door` is a member's local address."""
    door = door or members[0]
    login = f"{ADMIN}:{quote(passwords.database[ADMIN], safe='')}@"
    options = "?directConnection=true&serverSelectionTimeoutMS=60000"
    bare: Client = AsyncMongoClient(f"mongodb://{door}/{options}")
    admin: Client = AsyncMongoClient(f"mongodb://{login}{door}/{options}")
    async with bare, admin:
        if await knows(admin):
            await initiate_replica_set(admin, members)
        else:
            await initiate_replica_set(bare, members)
            await create_admin(bare, passwords)
    whole: Client = AsyncMongoClient(mongo_url(ADMIN, passwords, ",".join(members)))
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
    """Every service gets its one collection; roles and passwords follow this file on every run."""
    await asyncio.gather(*(_provision(admin, service, passwords) for service in SERVICES))


async def _provision(admin: Client, service: str, passwords: Passwords) -> None:
    resource = {"db": service, "collection": COLLECTIONS[service]}
    privileges = [{"resource": resource, "actions": ACTIONS}]
    user = {"pwd": passwords.database[service], "mechanisms": ["SCRAM-SHA-256"], "roles": [service]}
    await _put(admin, "role", service, {"privileges": privileges, "roles": []})
    await _put(admin, "user", service, user)


async def _put(admin: Client, kind: str, service: str, body: Mapping[str, Any]) -> None:
    database = admin[service]
    found = (await database.command(f"{kind}sInfo", service))[f"{kind}s"]
    verb = "update" if found else "create"
    await database.command(f"{verb}{kind.title()}", service, **body)


commands = typer.Typer(help=__doc__, no_args_is_help=True)


@commands.command("secrets")
def write_secrets(
    folder: Path,
    amqp_host: Annotated[str, typer.Option(help="Where the services find the broker.")] = "rabbitmq:5672",
    mongo_hosts: Annotated[str, typer.Option(help="The replica set's members.")] = "mongo1,mongo2,mongo3",
    owner: Annotated[int, typer.Option(help="User id that reads the services' files.")] = NOBODY_ELSE,
    database_owner: Annotated[int, typer.Option(help="User id that reads the keyfile.")] = NOBODY_ELSE,
) -> None:
    """Write passwords, keyfile, definitions, each service's URLs and the first API keys below FOLDER."""
    passwords = Passwords.kept(folder)
    os.chown(keep_keyfile(folder / "mongo" / "keyfile"), database_owner, -1)
    write_secret(folder / "mongo" / "admin_password", passwords.database[ADMIN])
    definitions = folder / "broker" / "definitions.json"
    write_secret(definitions, broker_definitions(passwords))
    definitions.chmod(0o644)  # hashes of random words only, and the broker's user id differs by image
    keys = {caller: keep_token(folder / name) for caller, name in CALLERS.items()}
    files = service_files(passwords, amqp_host, mongo_hosts, keys)
    files["survey"]["redress_survey_key"] = keep_token(folder / "survey_key")
    files["intake"]["redress_fingerprint_key"] = keep_token(folder / "fingerprint_key")
    for user, named in files.items():
        for name, text in named.items():
            write_secret(folder / user / name, text, owner)


def service_files(
    passwords: Passwords, amqp_host: str, mongo_hosts: str, keys: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """What each service finds in its folder of secrets, and the operator in theirs."""
    hashed = {caller: hashlib.sha256(key.encode()).hexdigest() for caller, key in keys.items()}
    services = {
        service: {
            "redress_amqp_url": amqp_url(service, passwords, amqp_host),
            "redress_mongo_url": mongo_url(service, passwords, mongo_hosts),
            "redress_api_keys": json.dumps(hashed),
        }
        for service in SERVICES
    }
    operator = {"redress_amqp_url": amqp_url("operator", passwords, amqp_host)}
    operator |= {f"redress_{CALLERS[caller]}": key for caller, key in keys.items()}
    return services | {"operator": operator}


@commands.command("database")
def prepare_database(
    folder: Path,
    mongo_hosts: Annotated[str, typer.Option(help="The replica set's members.")] = "mongo1,mongo2,mongo3",
    door: Annotated[str | None, typer.Option(help="A member's address on its own machine.")] = None,
) -> None:
    """Make the replica set, its roles and its users; run it again at any time."""
    members = [host if ":" in host else f"{host}:27017" for host in mongo_hosts.split(",")]
    asyncio.run(open_database(members, Passwords.kept(folder), door))


if __name__ == "__main__":
    commands()
