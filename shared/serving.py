"""Serving: a server that, told to stop, goes on answering until balancers have turned away from it."""

import asyncio
import socket
from collections.abc import Callable
from time import monotonic

import uvicorn


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
