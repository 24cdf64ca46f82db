"""The servers that tests use: in containers if there is an engine, else started on this machine.

`REDRESS_TEST_SERVERS` names a folder made by `python -m deploy.provision secrets`, to use servers that run
already; `hosts.json` in it says where: `{"broker": "host:port", "database": ..., "management": ...}`.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aio_pika
from testcontainers.core.container import DockerContainer

from deploy import provision
from deploy.local.endpoints import Endpoints
from deploy.local.install import install
from deploy.local.ports import free_ports
from deploy.local.servers import Servers, definitions_for_tests
from deploy.provision import ADMIN, REPLICA_SET, Passwords, write_secret
from deploy.provision.database import open_database

AnyServers = Endpoints
BROKER, DATABASE = "rabbitmq:4-management", "mongo:8"


def servers_for_tests(folder: Path) -> AbstractAsyncContextManager[AnyServers]:
    """The first that there is: given, in containers, local."""
    ways: dict[bool, Callable[[Path], AbstractAsyncContextManager[AnyServers]]] = {
        True: in_containers,
        False: on_this_machine,
    }
    return given() if "REDRESS_TEST_SERVERS" in os.environ else ways[has_engine()](folder)


def has_engine() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, timeout=20).returncode == 0


@asynccontextmanager
async def given() -> AsyncIterator[AnyServers]:
    folder = Path(os.environ["REDRESS_TEST_SERVERS"])
    hosts = json.loads((folder / "hosts.json").read_text(encoding="utf-8"))
    yield Endpoints(Passwords.kept(folder), hosts["broker"], hosts["database"], hosts["management"])


@asynccontextmanager
async def on_this_machine(folder: Path) -> AsyncIterator[AnyServers]:
    install()
    found = await Servers.start(folder)
    try:
        yield found
    finally:
        await found.stop()


@asynccontextmanager
async def in_containers(folder: Path) -> AsyncIterator[AnyServers]:
    ports = free_ports("broker", "database", "management")
    hosts = (f"127.0.0.1:{ports[name]}" for name in ("broker", "database", "management"))
    found = Endpoints(Passwords.kept(folder), *hosts)
    with (
        broker_container(folder, found, ports),
        database_container(folder, found, ports["database"]),
    ):
        await until_open(found)
        yield found


def broker_container(folder: Path, found: Endpoints, ports: Mapping[str, int]) -> DockerContainer:
    """A broker that has the topology before it takes a connection."""
    write_secret(folder / "definitions.json", definitions_for_tests(found.passwords))
    write_secret(folder / "rabbitmq.conf", "load_definitions = /redress/definitions.json\n")
    for name in ("definitions.json", "rabbitmq.conf"):
        (folder / name).chmod(0o644)
    return (
        DockerContainer(BROKER)
        .with_volume_mapping(str(folder / "definitions.json"), "/redress/definitions.json")
        .with_volume_mapping(str(folder / "rabbitmq.conf"), "/etc/rabbitmq/conf.d/90-redress.conf")
        .with_kwargs(hostname="redress-broker")
        .with_bind_ports(5672, ports["broker"])
        .with_bind_ports(15672, ports["management"])
    )


def database_container(folder: Path, found: Endpoints, port: int) -> DockerContainer:
    """A replica set of one, its port the same inside and outside: members name each other by it."""
    provision.keep_keyfile(folder / "keyfile")
    key = "install -m 400 -o mongodb -g mongodb /redress/keyfile /tmp/keyfile"
    serve = f"docker-entrypoint.sh mongod --port {port} --replSet {REPLICA_SET} --keyFile /tmp/keyfile"
    return (
        DockerContainer(DATABASE)
        .with_volume_mapping(str(folder / "keyfile"), "/redress/keyfile")
        .with_env("MONGO_INITDB_ROOT_USERNAME", ADMIN)
        .with_env("MONGO_INITDB_ROOT_PASSWORD", found.passwords.database[ADMIN])
        .with_kwargs(entrypoint=["bash", "-c"])
        .with_command([f"{key} && exec {serve}"])
        .with_bind_ports(port, port)
    )


async def until_open(found: Endpoints) -> None:
    async with asyncio.timeout(120):
        while True:
            try:
                async with await aio_pika.connect(found.admin_amqp_url):
                    break
            except (OSError, aio_pika.exceptions.AMQPError):
                await asyncio.sleep(0.5)
        await open_database([found.database], found.passwords)
