"""A mail server that counts: it speaks just enough SMTP to take every mail and throws it away."""

import asyncio
from time import perf_counter
from typing import cast

from deploy.local.outside import MailServer

END = b"\r\n.\r\n"


class Sink(MailServer):
    """Counts the mails that it takes; `taken_at` is when the latest to an address came (`perf_counter`)."""

    def __init__(self) -> None:
        self.taken = 0
        self.taken_at: dict[str, float] = {}

    def session(self) -> asyncio.Protocol:
        return _Session(self)


class _Session(asyncio.Protocol):
    """One connection: commands line by line, a mail's text up to its lone dot."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._in_text = False
        self._to = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := END if self._in_text else b"\r\n") in self._buffer:
            said, _, self._buffer = self._buffer.partition(end)
            self._transport.write(self._mail_taken() if self._in_text else self._answer(said))

    def _mail_taken(self) -> bytes:
        self._sink.taken += 1
        self._sink.taken_at[self._to] = perf_counter()
        self._in_text = False
        return b"250 taken\r\n"

    def _answer(self, said: bytes) -> bytes:
        verb = said[:4].upper()
        if verb == b"RCPT":
            self._to = said.partition(b"<")[2].partition(b">")[0].decode()
        if verb == b"EHLO":
            return b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
        if verb == b"DATA":
            self._in_text = True
            return b"354 go on\r\n"
        return b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n"
