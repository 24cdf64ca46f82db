"""The world outside: a mail server and a message gateway, real ones that keep what they get."""

import asyncio
import json
from collections import defaultdict
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """An SMTP server whose mails can be looked at, also as files if there is a `folder` for them.

    `refuse` makes it refuse that many first.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.mails: list[EmailMessage] = []
        self.refuse = 0
        self._threads: dict[str, list[EmailMessage]] = defaultdict(list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse > 0:
            self.refuse -= 1
            return "451 try again later"
        mail = message_from_bytes(cast(bytes, envelope.content), policy=policy.default)
        self.mails.append(mail)
        self._threads[str(mail["References"]).strip("<").partition("@")[0]].append(mail)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{len(self.mails):05d}.txt"
            path.write_text(f"To: {mail['To']}\nSubject: {mail['Subject']}\n\n{mail.get_content()}", "utf-8")
        return "250 kept"

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=True), "127.0.0.1", 0)

    async def stop(self) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def about(self, number: str) -> list[EmailMessage]:
        """The mails whose thread is this receipt number."""
        return list(self._threads[number])


class Gateway:
    """An HTTP server that takes messages as an SMS or chat gateway would."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        self._threads: dict[str, list[dict[str, str]]] = defaultdict(list)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/messages"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            message = json.loads(await reader.readexactly(length))
            self.messages.append(message)
            self._threads[message["number"]].append(message)
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        finally:
            writer.close()

    def about(self, number: str) -> list[dict[str, str]]:
        """The messages about this receipt number."""
        return list(self._threads[number])
