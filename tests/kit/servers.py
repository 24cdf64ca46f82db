"""The servers that tests use: given by the environment, in containers, or started on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.servers import Servers, install

AnyServers = Servers


@asynccontextmanager
async def servers_for_tests(folder: Path) -> AsyncIterator[AnyServers]:
    install()
    found = await Servers.start(folder)
    try:
        yield found
    finally:
        await found.stop()
