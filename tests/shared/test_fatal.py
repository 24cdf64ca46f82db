"""An event that ends the process each time is parked alone; whatever came with it is handled."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import pytest

from deploy.local.system import ROOT
from deploy.provision import ADMIN
from shared.bus import FOREIGN, REASON
from shared.envelope import batch, from_cloudevent, open_batch
from shared.inbox import SUSPECT
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of, take_all
from tests.shared.test_bus import changed, clean, event, listening, send

__all__ = ["clean"]
pytestmark = pytest.mark.usefixtures("clean")
TOGETHER, BESIDE = 20, 25


@asynccontextmanager
async def dying(url: str, fatal: UUID) -> AsyncIterator[asyncio.StreamReader]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kit.fatal", url, str(fatal),
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert program.stdout
    try:
        yield program.stdout
    finally:
        os.killpg(program.pid, 9)
        await program.wait()


async def test_only_the_fatal_event_is_parked(servers: AnyServers) -> None:
    fatal, *well = [uuid4() for _ in range(TOGETHER + BESIDE)]
    await send(servers, batch([event(id=id) for id in (*well[: TOGETHER - 1], fatal)]))
    for id in well[TOGETHER - 1 :]:
        await send(servers, batch([event(id=id)]))
    said = Counter[str]()
    async with dying(servers.amqp_url("triage"), fatal) as program, asyncio.timeout(200):
        while not said.keys() >= {str(id) for id in well}:
            said[(await program.readline()).decode().strip()] += 1
        while not (parked := await take_all(servers, "triage.parked", 0.5)):
            pass
    assert [from_cloudevent(*open_batch(each.body)).complaint for each in parked] == [fatal]
    assert said["died"] >= SUSPECT
    assert await take_all(servers, "triage.inbox", 0.3) == []


async def test_an_event_in_anothers_name_is_not_taken_apart(servers: AnyServers) -> None:
    """Nor passed on in ours, though a newer version may know what we cannot read."""
    foreign = [event(), changed(type="complaint.sung.v1")]
    async with listening(servers) as (ear, _), channel_of(servers.admin_amqp_url) as channel:
        exchange = await channel.get_exchange("redress.retry.5s", ensure=False)
        for body in (batch(foreign), batch([foreign[1]])):
            counted: dict[str, Any] = {"x-delivery-count": SUSPECT}
            message = aio_pika.Message(body, user_id=ADMIN, headers=counted)
            await exchange.publish(message, "triage.inbox")
        parked = list[str]()
        async with asyncio.timeout(90):
            while len(parked) < 3:
                parked += [
                    str(each.headers[REASON]) for each in await take_all(servers, "triage.parked", 0.3)
                ]
    assert not ear.heard
    assert sum(FOREIGN in each for each in parked) == 1
    assert sum("No event of type" in each for each in parked) == 2
