"""What a run stands on: servers of its own, the world outside, and a system that is yet to start."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.servers import Servers
from deploy.local.system import System
from shared.clock import Clock
from tests.faults.links import Linked, linked
from tests.faults.post import Messages, Post

PORTS = range(12_000, 19_000)
"""Below the kernel's own range, so that no outgoing connection takes one that is free now."""


@dataclass(frozen=True)
class Ground:
    """The servers, the links by which services reach them, the world outside, and the services."""

    servers: Servers
    linked: Linked
    gateway: Messages
    system: System


@asynccontextmanager
async def ground(
    folder: Path, post: Post, clock: Clock, names: Sequence[str], **more: str
) -> AsyncIterator[Ground]:
    """Replicas of these names may be launched; URLs lead to the first of intake's and of survey's."""
    servers, gateway = await Servers.start(folder / "servers"), Messages(post)
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
    try:
        async with linked(servers) as doors:
            system = System(doors, folder / "services", environment | more)
            system.ports.update(ports)
            try:
                yield Ground(servers, doors, gateway, system)
            finally:
                for name in system.names:
                    system.kill(name)
    finally:
        await post.stop()
        await gateway.stop()
        await servers.stop()
