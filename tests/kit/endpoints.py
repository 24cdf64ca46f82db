"""Mail servers and gateways that misbehave as a test wants it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from shared.tasks import end

HANGS_S = 60
T = TypeVar("T")


class Mails:
    """An SMTP server that keeps what it takes; `answer` may say otherwise to a recipient, or take long."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.asked: list[str] = []
        self._sessions: list[SMTP] = []
        self.answer: Callable[[str], Awaitable[str | None]] | None = None

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        if self.answer is not None and (told := await self.answer(address)) is not None:
            return told
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = cast(bytes, envelope.content)
        head = content.partition(b"\r\n\r\n")[0].decode()
        id = head.lower().partition("message-id: <")[2].partition("@")[0]
        self.taken.append((id, envelope.rcpt_tos[0], content))
        return "250 kept"

    @property
    def ids(self) -> list[str]:
        return [id for id, *_ in self.taken]

    def to(self, address: str) -> list[bytes]:
        return [content for _, recipient, content in self.taken if recipient == address]

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Break off every session, too."""
        self._server.close()
        for each in self._sessions:
            if each.transport is not None:
                each.transport.close()

    def _session(self) -> SMTP:
        self._sessions.append(SMTP(self, enable_SMTPUTF8=True))
        return self._sessions[-1]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


@dataclass
class Request:
    """One request to a gateway."""

    path: str
    headers: Mapping[str, str]
    content: Any


@dataclass
class Robot:
    """An HTTP server that answers as a gateway does; it may hang for as long as the test runs."""

    status: int = 200
    said: Any = None
    hangs: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        self._server.close()
        await end(*self._tasks)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/robot?access_token=HUSH"

    def gateway(self, form: str = "plain", **given: Any) -> dict[str, Any]:
        """What `REDRESS_GATEWAYS` says of it."""
        return {"form": form, "url": self.url} | given

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (line.partition(": ") for line in lines[1:] if line)
            headers = {name.lower(): value for name, _, value in pairs}
            content = json.loads(await reader.readexactly(int(headers.get("content-length", 0))))
            self.requests.append(Request(lines[0].split(" ")[1], headers, content))
            if self.hangs:
                await asyncio.sleep(HANGS_S)
            body = json.dumps(self.said).encode()
            more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            head = f"HTTP/1.1 {self.status} -\r\n{more}Content-Length: {len(body)}\r\nConnection: close"
            writer.write(f"{head}\r\n\r\n".encode() + body)
            await writer.drain()
        finally:
            writer.close()
            self._tasks.discard(task)


async def told(answer: T, after: float = 0) -> T:
    """What somebody says, so many seconds later."""
    await asyncio.sleep(after)
    return answer
