"""Serving: a server that takes its leave in order, and connections that nobody holds by being slow.

uvicorn waits for ever for the head of a request, and for a caller that does not read; it takes heads of any
length and any number of connections. How slow a body may be says `shared.http.bodies`.
"""

import asyncio
import socket
from collections.abc import Callable
from time import monotonic

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.settings import settings

HEAD_S = 10.0
"""How long the head of a request may take, from its first byte or from the connection on."""
REST_S = 75.0
"""How long what is left of a body may take that was answered before its end."""
UNREAD_S = 60.0
"""How long a caller may leave lying what no buffer takes any more."""
HEAD_BYTES = 32_768
"""The longest head, and the most that may come beside a body: trailers, extensions of chunks."""
SMALLEST_CHUNK = 6
"""Bytes on the wire for one of a body that comes in chunks of one: `1`, the byte, a line end after each."""


class Server(uvicorn.Server):
    """`leave` is called when the server is told to stop, and says for how many seconds it is to answer still.

    Meanwhile every answer ends its connection (RFC 9112, 9.6), so that the next request goes elsewhere.
    """

    def __init__(self, config: uvicorn.Config, leave: Callable[[], float]) -> None:
        super().__init__(config)
        self._leave = leave

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ended = monotonic() + self._leave()
        state = self.server_state
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        while monotonic() < ended and not self.force_exit:
            await asyncio.sleep(0.1)
        await super().shutdown(sockets)


class Connection(HttpToolsProtocol):
    """A connection that is cut when it is slow, or sends too much that is no body.

    No address has more than half of `max_connections`; when there are more in all, the one goes that has
    waited longest for a request.
    """

    _since = 0.0
    _taken = _body = 0
    _in_body = False
    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    @property
    def _waits(self) -> bool:
        """Whether no request is in hand."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def _address(self) -> str | None:
        return self.client[0] if self.client else None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = monotonic()
        self._late = self.loop.call_later(HEAD_S, transport.abort)
        most, here = settings().max_connections, [c for c in self.connections if isinstance(c, Connection)]
        if sum(each._address == self._address for each in here) > most // 2:
            transport.abort()
        elif len(here) > most:
            idlest = min((each for each in here if each._waits), key=lambda each: each._since)
            idlest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._taken += len(data)
        super().data_received(data)
        if self._taken > HEAD_BYTES + SMALLEST_CHUNK * self._body:
            self.transport.abort()
        elif self._waits and self._late is None:
            self._late = self.loop.call_later(REST_S if self._in_body else HEAD_S, self.transport.abort)

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise ValueError("the head is too long")
        self._in_time()
        self._in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        self._since = monotonic()
        super().on_response_complete()

    def on_message_complete(self) -> None:
        self._taken = self._body = 0
        self._in_body = False
        super().on_message_complete()

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()
