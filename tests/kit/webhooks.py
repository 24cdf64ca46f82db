"""Webhooks in hand: endpoints that answer as told and keep a ledger, and notify's doors over a database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext, create_default_context
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook

from services.notify.api import webhook_deliveries, webhooks
from services.notify.channels.guard import resolve
from services.notify.channels.webhooks import Sender
from services.notify.domain.notices import hear
from services.notify.store import deliveries as deliveries_store
from services.notify.store.deliveries import hand_over
from services.notify.store.endpoints import directory
from services.notify.store.notices import notices
from services.notify.ticker import webhooks as ticker
from services.notify.ticker.webhooks import Lanes, tick
from shared import clock, http
from shared.envelope import Cause
from shared.events import ContactRecorded, Fact, SurveyOpened
from shared.tasks import end
from tests.kit.complaint import START
from tests.kit.doors import api_keys, settled
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CALLERS = api_keys(
    shop=["partner"], rival=["partner"], boss=["service_manager"], watcher=["supervisors"], clerk=["handler"]
)
LOCAL = "127.0.0.0/8"


def answering(status: int, *headers: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {status} Told", *headers, "Content-Length: 0", "", ""]).encode()


@dataclass
class Message:
    """What arrived: the path, headers in small letters, the body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Behaviour = Callable[[Message, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """A web server on this machine; `answers` are given one after the other, the last one for ever."""

    answers: list[bytes] = field(default_factory=lambda: [OK])
    behave: Behaviour | None = None
    received: list[Message] = field(default_factory=list)
    connections: int = 0

    async def start(self, tls: SSLContext | None = None) -> None:
        self._open: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def stop(self) -> None:
        """Accept nothing more first: a server that is closed in the midst of accepting leaks the socket."""
        for each in self._server.sockets:
            asyncio.get_running_loop().remove_reader(each.fileno())
        await asyncio.sleep(0.01)
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            while True:
                message = await _read(reader)
                self.received.append(message)
                if self.behave is not None:
                    await self.behave(message, writer)
                else:
                    writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def until(self, count: int, seconds: float = 30) -> list[Message]:
        """Wait for so many messages."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                await asyncio.sleep(0.02)
        return self.received


async def _read(reader: asyncio.StreamReader) -> Message:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Message(first.split(" ")[1], headers, body)


@asynccontextmanager
async def receiver(*answers: bytes, behave: Behaviour | None = None) -> AsyncIterator[Receiver]:
    found = Receiver(list(answers) or [OK], behave)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()


async def hanging(message: Message, writer: asyncio.StreamWriter) -> None:
    """Takes everything and says nothing."""
    await asyncio.sleep(3_600)


async def dripping(message: Message, writer: asyncio.StreamWriter) -> None:
    """One byte of a header at a time, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)


def genuine(message: Message, secret: str) -> Any:
    """The content, as the standard's public library verifies it. Raises what that raises."""
    return Webhook(secret).verify(message.body, dict(message.headers))


class Hooked:
    """notify's doors for webhooks, to be asked as any caller, and its ticker, which runs beside."""

    def __init__(self, app: FastAPI) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notify.test")

    async def ask(self, by: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {by}", **more.pop("headers", {})}
        return await self._client.request(method, f"/v1/webhooks{path}", headers=headers, **more)

    async def register(self, by: str, url: str, *types: str) -> dict[str, Any]:
        """A new endpoint, with its secret."""
        answer = await self.ask(by, "POST", "", json={"url": url, "types": list(types) or ["*"]})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def shown(self, id: str, by: str = "boss") -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(by, "GET", f"/{id}")).json()
        return found

    async def until_enabled(self, id: str) -> None:
        """Wait until an endpoint is healthy."""
        async with asyncio.timeout(90):
            while (await self.shown(id))["state"] != "enabled":
                await asyncio.sleep(0.05)

    async def log(self, id: str, by: str = "boss", **query: Any) -> list[dict[str, Any]]:
        answer = await self.ask(by, "GET", f"/{id}/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    async def until(self, id: str, state: str, count: int = 1, seconds: float = 40) -> list[dict[str, Any]]:
        """The deliveries of an endpoint, once so many are in this state."""
        async with asyncio.timeout(seconds):
            while len(found := [e for e in await self.log(id) if e["state"] == state]) < count:
                await asyncio.sleep(0.05)
        return found


async def handed_in(complaint: UUID, partner: str | None) -> None:
    """The news of who handed a complaint in."""
    contact = ContactRecorded(name="Ann", partner=partner)
    event = Cause(uuid4(), complaint, "RC-TESTTESTAA", START, "intake", contact, 1, type=contact.type)

    await notices.update(complaint, lambda state, cause: hear(state, cause, clock.machine_now()), event)


def event(complaint: UUID, fact: Fact | None = None) -> Cause[Any]:
    """News of a complaint, as the inbox gives it to a listener."""
    told = fact or SurveyOpened(cycle=1, expires=START)
    return Cause(uuid4(), complaint, "RC-TESTTESTAA", START, told.owner, told, 1, type=told.type)


async def happens(partner: str | None = None, fact: Fact | None = None) -> Cause[Any]:
    """Something happens to a new complaint, and is handed over."""
    complaint = uuid4()
    await handed_in(complaint, partner)
    told = event(complaint, fact)
    await hand_over(told)
    return told


async def forget_endpoints(servers: AnyServers) -> None:
    async with admin_of(servers) as admin:
        marks = [{name: {"$exists": True}} for name in ("webhook", "webhook_owner", "webhook_ends")]
        await admin["notify"]["notices"].delete_many({"$or": marks})
    directory.__init__()  # type: ignore[misc]
    deliveries_store._handed_in.clear()


@asynccontextmanager
async def hooked(
    servers: AnyServers, patch: pytest.MonkeyPatch, networks: str = LOCAL
) -> AsyncIterator[Hooked]:
    """The doors open and the ticker running, on an empty directory."""
    app = FastAPI()
    http.set_up(app)
    app.include_router(webhooks.router)
    app.include_router(webhook_deliveries.router)
    await forget_endpoints(servers)
    with settled(patch, api_keys=CALLERS, webhook_networks=networks):
        patch.setattr(ticker, "lanes", Lanes())
        sender = Sender(resolve, create_default_context())
        patch.setattr(ticker, "sender", lambda: sender)
        notices.open(servers.mongo_url("notify"))
        ticking = asyncio.create_task(_tick())
        try:
            yield Hooked(app)
        finally:
            await end(ticking)
            # Attempts end by themselves; one that is cancelled while it tidies up leaves connections open.
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0)), *ticker.lanes.tasks], timeout=20)
            await end(*ticker.lanes.tasks)
            await sender.close()
            await notices.close()


async def _tick() -> None:
    while True:
        if not await tick():
            await asyncio.sleep(0.05)
