"""A real Prometheus for tests: it asks what it is told to by our own configuration, but every second."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.local.install import install_prometheus
from deploy.local.ports import free_ports
from deploy.local.servers import Servers
from tests.kit.monitoring import ROOT, RULES


class WatchedServers(Servers):
    """Servers whose broker tells of itself, as the one in compose does."""

    def _configure(self) -> None:
        super()._configure()
        self.exporter = free_ports("exporter")["exporter"]
        plugins = self.folder / "enabled_plugins"
        plugins.write_text("[rabbitmq_management, rabbitmq_prometheus].\n")
        told = f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {self.exporter}\n"
        file = self.folder / "rabbitmq.conf"
        file.write_text(file.read_text() + told)


class Prometheus:
    """Its answers."""

    def __init__(self, port: int) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)

    async def get(self, path: str, **given: str) -> Any:
        answer = await self._client.get(f"/api/v1/{path}", params=given)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Labels and value of everything that the expression finds."""
        return list((await self.get("query", query=expression))["result"])

    async def value(self, expression: str) -> float:
        """The only value that the expression finds."""
        (found,) = await self.query(expression)
        return float(found["value"][1])

    async def until(self, expression: str, seconds: float = 60) -> list[dict[str, Any]]:
        """What the expression finds, once it finds something."""
        async with asyncio.timeout(seconds):
            while not (found := await self.query(expression)):
                await asyncio.sleep(0.5)
        return found

    async def firing(self) -> set[tuple[str, str]]:
        """The alerts that fire, each with the service it is about."""
        found = await self.query('ALERTS{alertstate="firing"}')
        return {(each["metric"]["alertname"], each["metric"].get("job", "")) for each in found}

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def prometheus(folder: Path, targets: Mapping[str, str]) -> AsyncIterator[Prometheus]:
    """One that watches these targets, as `host:port` by job, until the end."""
    process, port = _launched(folder, targets)
    found = Prometheus(port)
    try:
        async with asyncio.timeout(90):
            await _ready(found)
        yield found
    finally:
        await found.close()
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


def _launched(folder: Path, targets: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    folder.mkdir()
    (folder / "prometheus.yml").write_text(configuration(targets))
    (folder / "alerts.yaml").write_text(re.sub(r"(?m)^( +for:) .*$", r"\1 1s", RULES.read_text()))
    port = free_ports("prometheus")["prometheus"]
    command = [
        "setpriv", "--pdeathsig", "KILL", "--", str(install_prometheus() / "prometheus"),
        f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL), port


def configuration(targets: Mapping[str, str]) -> str:
    """Our configuration, with fixed targets in place of names that only a network of containers knows."""
    told = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    told["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in told["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    return yaml.safe_dump(told)


async def _ready(found: Prometheus) -> None:
    while True:
        with suppress(httpx.HTTPError, AssertionError):
            await found.get("status/buildinfo")
            return
        await asyncio.sleep(0.1)
