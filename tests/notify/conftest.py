"""Fixtures: notify's documents on a real database, a mail server that it uses, and its webhooks."""

from collections.abc import AsyncIterator

import pytest

from services.notify.domain import deliveries as deliveries_domain
from tests.kit.doors import settled
from tests.kit.endpoints import Mails
from tests.kit.post import voice
from tests.kit.servers import AnyServers
from tests.kit.webhooks import Hooked, hooked


@pytest.fixture
async def mails(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mails]:
    """A mail server that notify uses, and documents of which there are none yet."""
    server = Mails()
    await server.start()
    async with voice(servers):
        with settled(monkeypatch, smtp_url=server.url):
            yield server
    await server.stop()


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hooked]:
    """Webhooks' doors and deliveries, whose pauses are short."""
    monkeypatch.setattr(deliveries_domain, "PAUSES", (0.2, 0.4, 1, 2))
    async with hooked(servers, monkeypatch) as found:
        yield found
