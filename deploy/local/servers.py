"""A real RabbitMQ and a real mongod without containers: started, killed and stopped here."""

import asyncio
import json
import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import Literal, Self

import aio_pika

from deploy import provision
from deploy.local.endpoints import Endpoints
from deploy.local.install import MONGOD, Failed
from deploy.local.ports import accepts, free_ports
from deploy.provision import ADMIN, REPLICA_SET, VHOST, Passwords, certificates, write_secret
from deploy.provision.database import open_database

BROKER, CONTROL = (Path("/usr/lib/rabbitmq/bin") / name for name in ("rabbitmq-server", "rabbitmqctl"))
NODE = "redress@localhost"
Name = Literal["broker", "database"]
HERE = {"broker": ["127.0.0.1", "localhost"], "database": ["127.0.0.1", "localhost"]}
DISK_FULL_S = 120
"""Within so long the database writes something."""
DOORS = ("ssl_options", "management.ssl")
PORTS = ("broker", "database", "management", "epmd", "erlang")


class Servers(Endpoints):
    """One broker and one database of our own below one folder; they die with the thread that started them.

    With `tls` they take no other connections, and have certificates of an authority of their own.
    """

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        self.folder = folder
        self.tls = tls
        self.ports = _kept_ports(folder / "ports.json")
        hosts = (f"127.0.0.1:{self.ports[name]}" for name in ("broker", "database", "management"))
        ca = str(folder / "tls" / "ca.pem") if tls else None
        broker, database, management = hosts
        super().__init__(Passwords.kept(folder), broker, database, management, ca)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    async def start(cls, folder: Path, *, tls: bool = False) -> Self:
        """Ready to use when it returns; a folder used before keeps its ports, passwords and data."""
        servers = cls(_made(folder), tls=tls)
        servers._configure()
        try:
            servers._launch("epmd")
            await asyncio.gather(servers._boot("broker"), servers._boot("database"))
        except BaseException:
            servers.kill_all()
            raise
        return servers

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items() if process.poll() is None}

    def kill(self, name: Name) -> None:
        self._signal(name, signal.SIGKILL)
        self._processes[name].wait()

    async def fill_disk(self) -> None:
        """No file of the database may grow any more, as if its disk were full; returns when it has ended."""
        process = self._processes["database"]
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, most))
        await asyncio.to_thread(process.wait, DISK_FULL_S)

    async def restart(self, name: Name) -> None:
        """Same port, same data; one that still runs is asked to end first."""
        await self._end(name)
        await self._boot(name)

    async def control(self, *command: str, seconds: float = 30) -> bool:
        """A command of rabbitmqctl to the broker; false if it failed, or took longer than that."""
        asked = await asyncio.create_subprocess_exec(
            str(CONTROL),
            *("-n", NODE, *command),
            env=self._erlang_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(seconds):
                return await asked.wait() == 0
        except TimeoutError:
            os.killpg(asked.pid, signal.SIGKILL)
            await asked.wait()
            return False

    async def stop(self) -> None:
        await asyncio.gather(self._end("broker"), self._end("database"))
        self.kill_all()

    def _configure(self) -> None:
        write_secret(self.folder / "definitions.json", definitions_for_tests(self.passwords))
        provision.keep_keyfile(self.folder / "keyfile")
        write_secret(self.folder / "rabbitmq.conf", self._broker_configuration())
        write_secret(self.folder / "enabled_plugins", "[rabbitmq_management].\n")
        for name in ("broker", "database"):
            (self.folder / name).mkdir(exist_ok=True)
        if self.tls:
            self._certify()

    def _certify(self) -> None:
        """The database wants its key and its certificate in one file."""
        kept = certificates.keep(self.folder / "tls", HERE)
        pair = kept.servers["database"]
        write_secret(self.folder / "database.pem", pair.certificate + pair.key)

    def _broker_configuration(self) -> str:
        lines = [
            *(self._secure_doors() if self.tls else self._open_doors()),
            # Loading unchanged definitions again can fail while the stream is still recovering.
            "definitions.import_backend = local_filesystem",
            f"definitions.local.path = {self.folder / 'definitions.json'}",
            "definitions.skip_if_unchanged = true",
            "disk_free_limit.absolute = 50MB",
            "vm_memory_high_watermark.relative = 0.6",
            "raft.wal_max_size_bytes = 134217728",
        ]
        return "\n".join(lines) + "\n"

    def _open_doors(self) -> list[str]:
        return [
            f"listeners.tcp.1 = 127.0.0.1:{self.ports['broker']}",
            "management.tcp.ip = 127.0.0.1",
            f"management.tcp.port = {self.ports['management']}",
        ]

    def _secure_doors(self) -> list[str]:
        folder = self.folder / "tls"
        files = {"cacertfile": "ca.pem", "certfile": "broker.pem", "keyfile": "broker.key"}
        newest = {"versions.1": "tlsv1.3", "versions.2": "tlsv1.2"}
        options = {name: str(folder / file) for name, file in files.items()} | newest
        return [
            "listeners.tcp = none",
            f"listeners.ssl.1 = 127.0.0.1:{self.ports['broker']}",
            "management.ssl.ip = 127.0.0.1",
            f"management.ssl.port = {self.ports['management']}",
            *(f"{door}.{name} = {value}" for door in DOORS for name, value in options.items()),
        ]

    async def _boot(self, name: Name) -> None:
        if accepts(self.ports[name]):
            raise Failed(f"port {self.ports[name]} is taken: does {name} of {self.folder} run already?")
        self._launch(name)
        try:
            async with asyncio.timeout(90):
                await self._until_listening(name)
                await (self._greet_broker() if name == "broker" else self._greet_database())
        except TimeoutError:
            raise Failed(f"{name} did not answer within 90 s:\n{self._said(name)}") from None

    def _launch(self, name: str) -> None:
        """The parent's death is the child's, whatever the parent died of."""
        commands = {
            "epmd": self._epmd_command,
            "broker": self._broker_command,
            "database": self._database_command,
        }
        with open(self.folder / f"{name}.log", "ab") as log:
            self._processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *commands[name]()],
                env=self._erlang_environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                restore_signals=False,  # a file that may not grow is an error, as a full disk is, not the end
            )

    def _epmd_command(self) -> list[str]:
        return ["epmd", "-address", "127.0.0.1", "-port", str(self.ports["epmd"])]

    def _broker_command(self) -> list[str]:
        """Debian's own wrapper would switch to the user rabbitmq, who may not enter our folder."""
        return [str(BROKER)]

    def _erlang_environment(self) -> dict[str, str]:
        data = self.folder / "broker"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(data),
            "ERL_EPMD_PORT": str(self.ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_DIST_PORT": str(self.ports["erlang"]),
            "RABBITMQ_CONF_ENV_FILE": str(data / "none"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(data / "none.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(data / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(data / "schema"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(data),
            "RABBITMQ_LOG_BASE": str(data),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(data / "pid"),
            # Keeps the shell from staying in between: the process we started is the Erlang machine.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_START_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
            # Bound schedulers of several brokers would share one core and leave the next one idle.
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
        }

    def _database_command(self) -> list[str]:
        place = ["--dbpath", str(self.folder / "database"), "--nounixsocket"]
        door = ["--bind_ip", "127.0.0.1", "--port", str(self.ports["database"])]
        trust = ["--auth", "--keyFile", str(self.folder / "keyfile"), "--replSet", REPLICA_SET]
        size = ["--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "512"]
        return [
            str(MONGOD),
            *place,
            *door,
            *trust,
            *(self._sealed() if self.tls else []),
            *size,
            "--setParameter",
            "diagnosticDataCollectionEnabled=false",
        ]

    def _sealed(self) -> list[str]:
        files = ["--tlsCertificateKeyFile", str(self.folder / "database.pem"), "--tlsCAFile", str(self.ca)]
        return ["--tlsMode", "requireTLS", *files, "--tlsAllowConnectionsWithoutCertificates"]

    async def _until_listening(self, name: Name) -> None:
        while not accepts(self.ports[name]):
            if (status := self._processes[name].poll()) is not None:
                raise Failed(f"{name} ended with {status} while starting:\n{self._said(name)}")
            await asyncio.sleep(0.05)

    async def _greet_broker(self) -> None:
        async with await aio_pika.connect(self.admin_amqp_url):
            pass

    async def _greet_database(self) -> None:
        await open_database([self.database], self.passwords, ca=self.ca)

    def _said(self, name: str) -> str:
        log = self.folder / f"{name}.log"
        end = log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join([*end, f"(all of it: {log})"])

    async def _end(self, name: str) -> None:
        self._signal(name, signal.SIGTERM)
        waited = asyncio.to_thread(self._processes[name].wait, 15)
        try:
            await waited
        except subprocess.TimeoutExpired:
            self._signal(name, signal.SIGKILL)
            self._processes[name].wait()

    def _signal(self, name: str, number: signal.Signals) -> None:
        """To the whole group; a process already collected has no group of ours any more."""
        if self._processes[name].poll() is None:
            os.killpg(self._processes[name].pid, number)

    def kill_all(self) -> None:
        """At once and without a word, for those whose data nobody wants any more."""
        for name, process in self._processes.items():
            self._signal(name, signal.SIGKILL)
            process.wait()


def definitions_for_tests(passwords: Passwords) -> str:
    """The one topology, but here the administrator may look at everything and change anything."""
    definitions = json.loads(provision.broker_definitions(passwords))
    others = [each for each in definitions["permissions"] if each["user"] != ADMIN]
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    definitions["permissions"] = [*others, {"user": ADMIN, "vhost": VHOST, **rights}]
    return json.dumps(definitions, indent=1)


def _kept_ports(path: Path) -> dict[str, int]:
    ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    if missing := [name for name in PORTS if name not in ports]:
        ports |= free_ports(*missing)
        write_secret(path, json.dumps(ports))
    return ports


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
