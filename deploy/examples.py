"""`python -m deploy.examples`: one real event of each public type, as the broker carried it in a demo."""

import asyncio
import json
import shutil
import sys
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aio_pika

from deploy.local.endpoints import Endpoints
from deploy.local.install import Failed, install
from deploy.local.play import Stuck
from deploy.local.scenes import (
    bad_batch,
    countered,
    desks,
    rules,
    supervision,
    telling,
    usual_batches,
    ways,
)
from deploy.local.servers import Servers
from deploy.local.stage import stage
from deploy.local.system import ROOT, NotReady
from shared.clock import machine_now
from shared.envelope import open_batch
from shared.events import CATALOGUE

FILE = ROOT / "shared" / "contract" / "examples.json"
FOLDER = ROOT / ".local" / "examples"
HISTORY = "redress.history"
FAST = 3600.0
"""Business seconds in a second."""
WEEKS, DAYS = 38, 40
"""Days until the bad batch arrives, and until it is signalled."""
PATIENCE_S = 120
PUBLIC = {type for type, kind in CATALOGUE.items() if not kind.private}
Event = dict[str, Any]


def main() -> None:
    """Exit 0 only if every public type has its example."""
    try:
        found = asyncio.run(play())
    except (Failed, NotReady, Stuck) as error:
        sys.exit(str(error))
    if missing := PUBLIC - found.keys():
        sys.exit(f"these did not come about: {', '.join(sorted(missing))}")
    text = json.dumps(
        {type: found[type] for type in CATALOGUE if type in found}, indent=1, ensure_ascii=False
    )
    FILE.write_text(text + "\n", encoding="utf-8")
    print(f"{len(found)} examples in {FILE.relative_to(ROOT)}")


async def play() -> dict[str, Event]:
    """Play all scenes on real servers; the fullest event of each type that came about."""
    install()
    shutil.rmtree(FOLDER, ignore_errors=True)
    servers = await Servers.start(FOLDER / "servers")
    try:
        await first_days(servers)
        await weeks_later(servers)
        return fullest(await history(servers))
    finally:
        await servers.stop()


async def first_days(servers: Endpoints) -> None:
    async with stage(servers, FOLDER / "services", FAST) as set_up, desks(set_up) as (staff, approver):
        await asyncio.gather(
            ways(set_up, staff, approver),
            rules(staff, approver),
            supervision(staff, approver),
            telling(set_up, staff, approver),
            usual_batches(staff),
        )
        await asyncio.sleep(10)


async def weeks_later(servers: Endpoints) -> None:
    """A batch goes bad, which takes weeks to be seen."""
    async with stage(servers, FOLDER / "services", ahead=at_noon(WEEKS)) as set_up, desks(set_up) as (at, _):
        await asyncio.gather(usual_batches(at, 4), bad_batch(at))
        await asyncio.sleep(5)
    async with stage(servers, FOLDER / "services", ahead=at_noon(DAYS)) as set_up, desks(set_up) as (at, _):
        await countered(at)
        await until_told(servers)


def at_noon(days: int) -> timedelta:
    """How far it is to noon so many days ahead, in the house's zone."""
    now = machine_now()
    noon = now.astimezone(ZoneInfo("Asia/Shanghai")).replace(hour=12, minute=0)
    return noon + timedelta(days=days) - now


async def until_told(servers: Endpoints) -> None:
    """Wait for the last of them."""
    ends = asyncio.get_running_loop().time() + PATIENCE_S
    while PUBLIC - {each["type"] for each in await history(servers)}:
        if asyncio.get_running_loop().time() > ends:
            return
        await asyncio.sleep(1)


async def history(servers: Endpoints) -> list[Event]:
    """Every public event, from the first on."""
    found: list[Event] = []
    connection = await aio_pika.connect(servers.operator_amqp_url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=500)
        stream = await channel.get_queue(HISTORY, ensure=False)
        try:
            async with stream.iterator(timeout=2, arguments={"x-stream-offset": "first"}) as messages:
                async for message in messages:
                    found += open_batch(message.body)
                    await message.ack()
        except TimeoutError:
            pass
    return found


def fullest(events: list[Event]) -> dict[str, Event]:
    """Of each type the event with the most said in it, the first of those."""
    found: dict[str, Event] = {}
    for each in events:
        known = found.get(each["type"])
        if known is None or said(each["data"]) > said(known["data"]):
            found[each["type"]] = each
    return found


def said(value: Any) -> int:
    """How many fields and members there are that say something."""
    match value:
        case dict():
            return sum(1 + said(each) for each in value.values() if each not in (None, "", 0, False, [], {}))
        case list():
            return sum(1 + said(each) for each in value[:3])
    return 0


if __name__ == "__main__":
    main()
