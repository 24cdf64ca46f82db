"""What a run stands on: servers of its own, the world outside, and a system that is yet to start."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.outside import Gateway
from deploy.local.servers import Servers
from deploy.local.system import System
from shared.clock import Clock
from tests.faults.driver import Post

PORTS = range(12_000, 19_000)
"""Below the kernel's own range, so that no outgoing connection takes one that is free now."""


@asynccontextmanager
async def ground(
    folder: Path, post: Post, clock: Clock, names: Sequence[str], **more: str
) -> AsyncIterator[tuple[Servers, Gateway, System]]:
    """Replicas of these names may be launched; links lead to the first of intake's and of survey's."""
    servers, gateway = await Servers.start(folder / "servers"), Gateway()
    await post.start()
    await gateway.start()
    ports = dict(zip(names, random.SystemRandom().sample(PORTS, len(names)), strict=True))
    survey, intake = (
        next(port for name, port in ports.items() if name.startswith(service))
        for service in ("survey", "intake")
    )
    environment = {
        "REDRESS_SMTP_URL": post.url,
        "REDRESS_GATEWAYS": gateway.setting,
        "REDRESS_SURVEY_URL": f"http://127.0.0.1:{survey}",
        "REDRESS_RECEIPT_URL": f"http://127.0.0.1:{intake}",
        "REDRESS_CLOCK": str(clock),
    }
    system = System(servers, folder / "services", environment | more)
    system.ports.update(ports)
    try:
        yield servers, gateway, system
    finally:
        for name in system.names:
            system.kill(name)
        await post.stop()
        await gateway.stop()
        await servers.stop()
