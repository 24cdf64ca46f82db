"""A balancer as Kubernetes or compose have one, and people who come through it and repeat nothing.

Its list of replicas is that of a second ago: whoever was ready then gets requests, stopped meanwhile or not.
A connection that is open stays with its replica until either side ends it, as connections do.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx

from deploy.local.system import System
from deploy.provision import SERVICES
from tests.faults.driver import Driver, Stuck
from tests.faults.ledger import Entry

PERIOD_S, ANSWER_S, LOOK_S = 1.0, 3.0, 3.0


class Balancer:
    """Which replicas of a service were ready when they were last asked."""

    def __init__(self, system: System, client: httpx.AsyncClient) -> None:
        self._system, self._client = system, client
        self._ready: dict[str, set[str]] = {service: set() for service in SERVICES}

    async def __aenter__(self) -> "Balancer":
        self._asking = [asyncio.create_task(self._keep_asking(name)) for name in self._system.names]
        for name in self._system.names:
            await self.seen(name)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._asking:
            task.cancel()

    def choice(self, service: str, chance: random.Random) -> str:
        """One of those that were ready; any if none was."""
        return chance.choice(sorted(self._ready[service]) or [f"{service}-1"])

    async def seen(self, name: str) -> None:
        """Wait until this replica gets requests."""
        while name not in self._ready[name.partition("-")[0]]:
            await asyncio.sleep(0.05)

    async def _keep_asking(self, name: str) -> None:
        """Out at once by its own word, or after two questions without an answer."""
        ready, silent = self._ready[name.partition("-")[0]], 0
        while True:
            said = await self._says(name)
            silent = silent + 1 if said is None else 0
            if said:
                ready.add(name)
            elif said is False or silent > 1:
                ready.discard(name)
            await asyncio.sleep(PERIOD_S)

    async def _says(self, name: str) -> bool | None:
        """Whether it is ready; nothing if it does not say."""
        try:
            answer = await self._client.get(f"{self._system.url(name)}/health/ready", timeout=ANSWER_S)
        except httpx.ConnectError:
            return False
        except httpx.HTTPError:
            return None
        return answer.status_code == 200


class BalancedDriver(Driver):
    """Notes every request that fails, though it repeats it, so that the ledger knows what became of it."""

    balancer: Balancer

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.failed: list[str] = []
        self.took: list[float] = []

    async def carry(self, entry: Entry) -> None:
        await self._carry(entry)

    async def hand_in(self, entry: Entry) -> None:
        await self._hand_in(entry)

    async def _wait(self, there: Callable[[], Awaitable[bool]], wanted: str) -> None:
        """Looks seldom, so that what is measured is the system under its load and not under their looking."""
        ended = monotonic() + self.patience
        while not await there():
            if monotonic() > ended:
                raise Stuck(wanted)
            await asyncio.sleep(LOOK_S * (0.7 + 0.6 * self.chance.random()))

    async def look(self, entry: Entry) -> None:
        await self._view(entry)

    async def _call(
        self, service: str, method: str, path: str, key: str = "", **content: Any
    ) -> httpx.Response:
        if not service:
            service, path = "survey", urlsplit(path).path
        named = content.pop("headers", {}) | ({"Idempotency-Key": key} if key else {})
        ended = monotonic() + self.patience
        while monotonic() < ended:
            name, began = self.balancer.choice(service, self.chance), monotonic()
            try:
                answer = await self.client.request(
                    method, self.system.url(name) + path, headers=named, **content
                )
            except httpx.HTTPError as error:
                why = f"{type(error).__name__} {error}"
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    self.took.append(monotonic() - began)
                    return answer
                why = f"{answer.status_code} {answer.text[:200]}"
            self.failed.append(f"{self.ledger.now():.1f} s: {method} {name}{path}: {why}")
            self.ledger.retries += 1
            await asyncio.sleep(0.5)
        raise Stuck(f"{method} {service}{path} is never answered")


async def redelivered(management_url: str) -> int:
    """How many messages the broker has given to an inbox's consumers once more, as it counts them itself."""
    parts = urlsplit(management_url)
    login = httpx.BasicAuth(parts.username or "", parts.password or "")
    async with httpx.AsyncClient(auth=login, trust_env=False, timeout=30) as client:
        url = f"http://{parts.hostname}:{parts.port}/api/queues/redress"
        queues = (await client.get(url)).json()
    inboxes = [queue for queue in queues if queue["name"].endswith(".inbox")]
    return sum(queue.get("message_stats", {}).get("redeliver", 0) for queue in inboxes)
