"""The world outside: a mail server and a message gateway, real ones that keep what they get."""

import asyncio
import json
from collections import defaultdict
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

REFUSED = "refused.example"
"""A mail domain where nobody is known."""


def text_of(mail: EmailMessage) -> str:
    """What a mail says in plain text, whether that is all of it or the plainest of its forms."""
    plain = mail.get_body(("plain",))
    return str(plain.get_content()) if plain is not None else ""


class MailServer:
    """An SMTP server on a free port of this machine; `handle_DATA` says what becomes of a mail."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raise NotImplementedError

    def session(self) -> asyncio.Protocol:
        """What speaks on one connection."""
        return SMTP(self, enable_SMTPUTF8=True)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.session, "127.0.0.1", 0)

    async def stop(self) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"


class Mailbox(MailServer):
    """An SMTP server whose mails can be looked at, also as files if there is a `folder` for them.

    `refuse` makes it refuse that many first; mails to REFUSED it refuses for good.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.mails: list[EmailMessage] = []
        self.refuse = 0
        self._threads: dict[str, list[EmailMessage]] = defaultdict(list)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.endswith(f"@{REFUSED}"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

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
            path.write_text(f"To: {mail['To']}\nSubject: {mail['Subject']}\n\n{text_of(mail)}", "utf-8")
        return "250 kept"

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

    @property
    def setting(self) -> str:
        """What `REDRESS_GATEWAYS` is, so that all messages come here."""
        return json.dumps({"default": {"url": self.url}})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            message = json.loads(await reader.readexactly(length))
            self.take(head.partition("idempotency-key:")[2].split("\r\n")[0].strip(), message)
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        finally:
            writer.close()

    def take(self, notice: str, message: dict[str, str]) -> None:
        """Keep a message; the notice's id is its Idempotency-Key."""
        self.messages.append(message)
        self._threads[message["number"]].append(message)

    def about(self, number: str) -> list[dict[str, str]]:
        """The messages about this receipt number."""
        return list(self._threads[number])
