"""Telling and asking: mails that are refused, customers erased or silent, endpoints that are gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pymongo import AsyncMongoClient

from deploy.local.outside import REFUSED
from deploy.local.play import links_sent
from deploy.local.scenes.callers import CUSTOMER, Desk, there
from deploy.local.scenes.ways import SORRY, proposed
from deploy.local.stage import Stage
from shared.clock import machine_now

AGED = timedelta(days=5)
TYPES = ["complaint.registered.v1"]


async def telling(set_up: Stage, staff: Desk, approver: Desk) -> None:
    await asyncio.gather(
        unreachable(staff), erased(staff, approver), asked(set_up, staff, approver), webhooks(set_up, staff)
    )


async def unreachable(staff: Desk) -> None:
    await staff.dispatched(complainant={"name": CUSTOMER["name"], "email": f"nobody@{REFUSED}"})


async def erased(staff: Desk, approver: Desk) -> None:
    """A letter that lies there when its customer is erased is not posted."""
    who = {"name": CUSTOMER["name"], "address": CUSTOMER["address"]}
    id = await staff.dispatched(channel="letter", complainant=who)

    async def queued() -> bool:
        answer = await staff.client.get(staff.url(f"notices/{id}", "notify"))
        return answer.is_success and any(each["state"] == "task" for each in answer.json()["notices"])

    await there("a letter to post", queued)
    await approver.post("people:erase", {"complaint": id})


async def asked(set_up: Stage, staff: Desk, approver: Desk) -> None:
    """One customer does not want to answer the survey, another one is erased before they do."""
    for declines in (True, False):
        id = await proposed(staff)
        for step in ("offer", "agree", "implement"):
            await staff.step(id, step)
        await staff.step(id, "audit", passed=True)
        await staff.step(id, "answer", text=SORRY)
        number = (await staff.until(id, "fed_back"))["number"]
        if declines:
            await decline(set_up, staff, number)
        else:
            await opened(staff, id)
            await approver.post("people:erase", {"complaint": id})


async def opened(staff: Desk, id: str) -> None:
    async def asked() -> bool:
        answer = await staff.client.get(staff.url(f"surveys/{id}", "survey"))
        return answer.is_success and bool(answer.json()["surveys"])

    await there("a survey", asked)


async def decline(set_up: Stage, staff: Desk, number: str) -> None:
    links: list[str] = []

    async def sent() -> bool:
        links[:] = links_sent(number, set_up.mailbox, set_up.gateway)
        return bool(links)

    await there("a link to a survey", sent)
    (await staff.client.post(links[0], data={"decline": "yes"})).raise_for_status()


@asynccontextmanager
async def answering(status: int) -> AsyncIterator[str]:
    """The URL of an endpoint that answers everything with this status."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    finally:
        server.close()


async def webhooks(set_up: Stage, staff: Desk) -> None:
    """An endpoint that is gone, and one that fails until its time is over."""
    async with answering(410) as gone, answering(500) as broken:
        for url in (gone, broken):
            await staff.post("webhooks", {"url": url, "types": TYPES}, "notify")
        await staff.made()
        await there("an endpoint that failed", lambda: aged(set_up, staff))


async def aged(set_up: Stage, staff: Desk) -> bool:
    """Whether a delivery has failed for good; those that wait are made to have waited for days.

    Pauses between attempts are of the machine's own time, which no clock of ours speeds up.
    """
    async with AsyncMongoClient[dict[str, object]](
        set_up.servers.admin_mongo_url, uuidRepresentation="standard"
    ) as client:
        kept, long_ago = client["notify"]["notices"], machine_now() - AGED
        told = long_ago.isoformat().replace("+00:00", "Z")
        enabled = {"$set": {"state.enabled_at": told}, "$inc": {"version": 1}}
        await kept.update_many({"state.enabled_at": {"$gt": told}}, enabled)
        due = {"state.since": told, "state.next_at": told, "webhook_due": long_ago}
        waiting = {"webhook_state": "waiting", "state.tried": {"$gt": 0}, "state.since": {"$gt": told}}
        await kept.update_many(waiting, {"$set": due, "$inc": {"version": 1}})
        return await kept.find_one({"webhook_state": "failed"}) is not None
