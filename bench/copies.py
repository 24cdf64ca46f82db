"""How fast a copy of very many complaints is made, and how fast a database is filled from it."""

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bench import crowd
from bench.ledger import SPAN, SPEED
from deploy.local.install import install
from deploy.local.servers import Servers
from deploy.local.stage import stage
from deploy.provision import BACKUP, RESTORE
from shared.clock import machine_now

COMMAND = "from deploy.cli import main\nif __name__ == '__main__': main()"


async def measure(folder: Path, count: int, seeds: int) -> None:
    servers = await Servers.start(folder / "servers")
    try:
        async with stage(servers, folder / "services", speed=SPEED) as played:
            documents = await crowd.models(played, seeds, random.Random(1))
        secret = json.loads((folder / "services" / "kept.json").read_text())["sealing_key"].encode()
        until = crowd.before(machine_now())
        wanted = crowd.Load(servers.admin_mongo_url, secret, documents, until, SPAN)
        await asyncio.to_thread(crowd.crowd, wanted, count)
        print(f"{count} complaints loaded", flush=True)
        for words in (("backup", folder / "copy"), ("restore", folder / "copy", "--force")):
            await asyncio.to_thread(run, servers, *words)
    finally:
        await servers.stop()


def run(servers: Servers, *words: str | Path) -> None:
    """One command in a process of its own; what it said, and the most memory that any has held."""
    settings = {
        "REDRESS_BACKUP_MONGO_URL": servers.mongo_url(BACKUP),
        "REDRESS_RESTORE_MONGO_URL": servers.mongo_url(RESTORE),
    }
    said = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, words)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{words[0]}: {said.splitlines()[0]} memory<={most} MB", flush=True)


def main(
    n: Annotated[int, typer.Option(help="Complaints")] = 20_000,
    seeds: Annotated[int, typer.Option(help="Models that really go through the system")] = 20,
) -> None:
    """Load, copy, and fill again."""
    install()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), n, seeds))


if __name__ == "__main__":
    typer.run(main)
