"""A peer that resets every connection as it is made is one that is away, whatever the libraries call it."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
import uvloop
from pydantic import SecretStr

from services.notify.channels import gateway
from services.notify.channels.gateway import Message
from services.notify.channels.guard import resolve
from services.notify.channels.webhooks import Sender
from services.notify.channels.wording import Words
from services.notify.domain.deliveries import Delivery
from services.notify.domain.signing import secret_text
from shared import clock
from shared.settings import Gateway
from tests.kit.doors import settled
from tests.kit.webhooks import LOCAL

ROUNDS, AT_ONCE = 100, 20
"""Of so many some meet the instant that the libraries have no name for."""
NO_LINGER = struct.pack("ii", 1, 0)


@pytest.fixture
def peer() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=2 * AT_ONCE) as server:
        Thread(target=_reset_all, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hooks"
        server.shutdown(socket.SHUT_RDWR)


def _reset_all(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        connection.close()


async def many(attempt: Callable[[], Awaitable[Any]]) -> list[Any]:
    rounds = [await asyncio.gather(*(attempt() for _ in range(AT_ONCE))) for _ in range(ROUNDS)]
    return [outcome for each in rounds for outcome in each]


async def test_a_gateway(peer: str) -> None:
    at = Gateway(form="plain", url=SecretStr(peer), secret=None)
    message = Message(uuid4(), "RC-1", "message", "sms", "1380000")
    words = Words("Complaint RC-1", "It is overdue.", "en")

    async def attempts() -> list[bool]:
        outcomes = await many(lambda: gateway.send(at, message, words))
        await gateway.hang_up()
        return [each.away for each in outcomes]

    assert all(await asyncio.to_thread(uvloop.run, attempts()))


async def test_an_endpoint(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.machine_now()
    about = {"endpoint": uuid4(), "event": uuid4(), "type": "complaint.accepted.v1", "subject": "RC-X"}
    delivery = Delivery(**about, body="{}", made_at=now, since=now, next_at=now)
    secrets = [secret_text(b"a secret of an endpoint")]

    async def attempts() -> set[str]:
        sender = Sender(resolve, ssl.create_default_context())
        tried = await many(lambda: sender.attempt(uuid4(), delivery, peer, secrets))
        await sender.close()
        return {each.attempt.reason or "none" for each in tried if each is not None}

    with settled(monkeypatch, webhook_networks=LOCAL):
        reasons = await asyncio.to_thread(uvloop.run, attempts())
    assert reasons <= {
        "no connection (ConnectError)",
        "the connection broke (ReadError)",
        "the connection broke (WriteError)",
    }
