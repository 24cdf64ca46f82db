"""A stage: servers, the five services and the world outside, set up together and cleared away together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deploy.local.endpoints import Endpoints
from deploy.local.outside import Gateway, Mailbox
from deploy.local.system import System
from shared.clock import Clock, machine_now


@dataclass(frozen=True, slots=True)
class Stage:
    """All that a demo or a journey needs."""

    servers: Endpoints
    system: System
    mailbox: Mailbox
    gateway: Gateway


def sped_up(speed: float, ahead: timedelta = timedelta(0)) -> str:
    """A `REDRESS_CLOCK` that starts now, or so far ahead, and runs at this speed."""
    now = machine_now()
    return str(Clock(now, now + ahead, speed))


@asynccontextmanager
async def outside(mails: Path | None = None) -> AsyncIterator[tuple[Mailbox, Gateway]]:
    """A mail server and a message gateway for a while."""
    mailbox, gateway = Mailbox(mails), Gateway()
    await mailbox.start()
    await gateway.start()
    try:
        yield mailbox, gateway
    finally:
        await mailbox.stop()
        await gateway.stop()


@asynccontextmanager
async def stage(
    servers: Endpoints,
    folder: Path,
    speed: float = 1.0,
    traces: bool = False,
    mails: Path | None = None,
    ahead: timedelta = timedelta(0),
) -> AsyncIterator[Stage]:
    """The five services on these servers, ready to be used; stopped in order at the end."""
    async with outside(mails) as (mailbox, gateway):
        environment = {
            "REDRESS_SMTP_URL": mailbox.url,
            "REDRESS_GATEWAYS": gateway.setting,
            "REDRESS_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "REDRESS_CLOCK": sped_up(speed, ahead),
        }
        system = System(servers, folder, environment, traces)
        try:
            await system.start()
            yield Stage(servers, system, mailbox, gateway)
        finally:
            await system.stop()
