"""The five services as processes of this machine: started, watched, killed and stopped here."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from deploy.local.endpoints import Endpoints
from deploy.local.ports import free_ports
from deploy.provision import API_KEYS, CALLERS, SERVICES, keep_api_keys, write_secret
from shared.chain import public_key

ROOT = Path(__file__).resolve().parents[2]
READY_S = 180
"""A loaded machine takes a minute until six of them have begun."""
KEYS = (*CALLERS.values(), "survey_key", "fingerprint_key", "sealing_key")


class NotReady(Exception):
    """A service that did not become ready, with the end of its log."""


class System:
    """One process for each service on a free port, besides any replicas asked for.

    `environment` goes to all of them. Logs lie in `folder`, spans too where `traces` are wanted. A folder
    used before keeps its ports and keys; `key` is the front end's. Nobody's requests are limited here.
    """

    def __init__(
        self,
        servers: Endpoints,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        traces: bool = False,
    ) -> None:
        kept = _kept(folder / "kept.json")
        self.folder = folder
        self.key: str = kept["api_key"]
        self.approver_key: str = kept["approver_key"]
        self.partner_key: str = kept["partner_key"]
        self.public_key = public_key(kept["sealing_key"].encode()).hex()
        self.ports: dict[str, int] = kept["ports"]
        self._servers = servers
        self._traces = traces
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            "REDRESS_API_KEYS": keep_api_keys(
                folder / API_KEYS, {caller: kept[name] for caller, name in CALLERS.items()}
            ),
            "REDRESS_RATE_LIMIT": "1000000/minute",
            "REDRESS_FINGERPRINT_KEY": kept["fingerprint_key"],
            "REDRESS_SEALING_KEY": kept["sealing_key"],
            "REDRESS_SURVEY_KEY": kept["survey_key"],
            "REDRESS_SURVEY_URL": self.url("survey"),
            "REDRESS_RECEIPT_URL": self.url("intake"),
            **(environment or {}),
        }

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        """A client with an API key or a token, else the front end's key; requests name whole URLs."""
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        return httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key or self.key}"},
            timeout=httpx.Timeout(60, pool=None),
            limits=limits,
            trust_env=False,
        )

    @property
    def names(self) -> list[str]:
        """The processes that were started, replicas included."""
        return list(self._processes)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    async def start(self) -> None:
        """Start all five and wait until they are ready. Raises NotReady."""
        for service in SERVICES:
            self.launch(service)
        await self.ready()

    def launch(self, service: str, name: str | None = None, command: Sequence[str] = ()) -> None:
        """Start a service, or under another `name` a replica of it; `command` replaces the ordinary one."""
        name = name or service
        port = self.ports.setdefault(name, free_ports(name)[name])
        own = self._servers.environment(service) | {"REDRESS_PORT": str(port)}
        if self._traces:
            own |= {
                "REDRESS_TRACE_FILE": str(self.folder / f"{name}.spans"),
                "OTEL_TRACES_SAMPLER": "always_on",
            }
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*(command or [sys.executable, "-m", f"services.{service}.app"])],
                cwd=ROOT,
                env=os.environ | self._environment | own,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ready(self, names: Sequence[str] = ()) -> None:
        """Wait until these processes (default: all) say so themselves. Raises NotReady."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            for name in names or self.names:
                await self._until_ready(client, name)

    async def _until_ready(self, client: httpx.AsyncClient, name: str) -> None:
        said = ""
        for _ in range(READY_S * 20):
            if self._processes[name].poll() is not None:
                break
            with suppress(httpx.HTTPError):
                answer = await client.get(f"{self.url(name)}/health/ready")
                said = answer.text
                if answer.status_code == 200:
                    return
            await asyncio.sleep(0.05)
        raise NotReady(f"{name} is not ready: {said}\n{self.log(name)[-2000:]}")

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would."""
        self._processes[name].kill()
        self._processes[name].wait()

    async def end(self, name: str) -> None:
        """SIGTERM, and wait for the orderly end."""
        process = self._processes.pop(name)
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 60)

    async def stop(self) -> None:
        """End all of them; kill whoever takes too long."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                await asyncio.to_thread(process.wait, 25)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()


def _kept(path: Path) -> dict[str, Any]:
    """Ports and keys: made once for a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    made: dict[str, Any] = {name: secrets.token_urlsafe(32) for name in KEYS if name not in known}
    if "ports" not in known:
        made["ports"] = free_ports(*SERVICES)
    if made:
        write_secret(path, json.dumps(known | made))
    return known | made
