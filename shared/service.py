"""A service: one HTTP application with its store, inbox, relay and tickers, started and stopped in order."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic_core import to_json

from shared import http, telemetry
from shared.bus import Inbox, Publisher
from shared.mongo import Store
from shared.outbox import Relay
from shared.problems import Unavailable
from shared.settings import settings
from shared.tasks import end

Tick = Callable[[], Awaitable[bool]]
"""One round of work that time brings; true if there may be more at once."""

TICK_S = 0.25
_log = structlog.get_logger()


class Service:
    """The hall that all five services share. `app` is the ASGI application, `run` serves it.

    `warnings` are what an operator should see to, though the service works.
    """

    def __init__(
        self,
        name: str,
        *,
        store: Store[Any],
        inbox: Inbox,
        routers: Sequence[APIRouter],
        ticks: Sequence[Tick] = (),
        needs: Sequence[str] = (),
        warnings: Callable[[], Awaitable[list[str]]] | None = None,
    ) -> None:
        self.name = name
        self._warnings = warnings
        self._needs = needs
        self._store = store
        self._inbox = inbox
        self._ticks = ticks
        self._stopping = False
        # http.Doorway makes the one span that a request gets.
        own_spans: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
        self.app = FastAPI(
            title=f"Redress {name}", version="1", lifespan=self._life, redoc_url=None, telemetry=own_spans
        )
        http.set_up(self.app)
        self.app.include_router(self._health())
        for router in routers:
            self.app.include_router(router)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        known = settings()
        if missing := [name for name in self._needs if getattr(known, name) is None]:
            sys.exit(f"{self.name} needs REDRESS_{', REDRESS_'.join(missing).upper()}")
        telemetry.set_up(self.name, known)
        uvicorn.run(
            self.app,
            host=known.host,
            port=known.port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )

    @asynccontextmanager
    async def _life(self, app: FastAPI) -> AsyncIterator[None]:
        known = settings()
        self._publisher = Publisher(known.amqp_url.get_secret_value(), self.name)
        self._relay = Relay(self._store, self._publisher)
        committing = self._store.open(known.mongo_url.get_secret_value(), self._relay.owe)
        relay = asyncio.create_task(self._relay.run(), name="relay")
        listening = self._inbox.start(known.amqp_url.get_secret_value(), self._publisher)
        inbox = asyncio.create_task(listening, name="inbox")
        ticks = [asyncio.create_task(self._tick(tick), name="ticker") for tick in self._ticks]
        ticks.append(asyncio.create_task(self._tell_of_broker(), name="broker watch"))
        for task in (*committing, relay, inbox, *ticks):
            task.add_done_callback(self._watch)
        _log.info("started", port=known.port)
        yield
        await self._stop(relay, inbox, ticks)

    def _watch(self, task: "asyncio.Task[None]") -> None:
        """A part that ends by an error takes the process with it, so that whoever runs it starts it anew."""
        error = None if task.cancelled() else task.exception()
        if not self._stopping and (error is not None or task.cancelled()):
            reason = telemetry.where(error) if error else "cancelled by nobody"
            _log.critical("a part of the service died", part=task.get_name(), reason=reason)
            os.kill(os.getpid(), signal.SIGTERM)

    async def _stop(
        self, relay: "asyncio.Task[None]", inbox: "asyncio.Task[None]", ticks: Sequence["asyncio.Task[None]"]
    ) -> None:
        """Not ready; take nothing new; finish what is in hand; publish what is owed; disconnect.

        A part that hangs (a frozen broker, say) does not keep the later ones from their turn.
        """
        self._stopping = True
        if not inbox.done():
            inbox.cancel()
        await _within(13, self._inbox.stop())
        await asyncio.wait(ticks, timeout=5)
        await _within(5, end(relay, *ticks))
        await _within(3, self._relay.stop())
        await _within(2, self._publisher.close())
        await _within(2, self._store.close())
        await _within(2, asyncio.to_thread(telemetry.flush))
        _log.info("stopped")

    async def _tick(self, tick: Tick) -> None:
        while not self._stopping:
            try:
                more = await tick()
            except Exception as error:  # a ticker must outlive whatever befalls one round
                _log.warning("tick failed", tick=tick.__module__, reason=telemetry.where(error))
                more = False
            if not more:
                await asyncio.sleep(TICK_S)

    async def _tell_of_broker(self) -> None:
        """Log when the broker goes and when it comes back."""
        there = None
        while not self._stopping:
            if self._inbox.ready != there:
                there = self._inbox.ready
                _log.info("broker there") if there else _log.warning("broker away")
            await asyncio.sleep(TICK_S)

    # health

    async def _troubles(self) -> list[str]:
        """Why this replica should get no traffic; empty if it should."""
        troubles = ["is stopping"] if self._stopping else []
        if not self._inbox.ready:
            troubles.append("broker: no consumer on the inbox")
        if self._store.away:
            troubles.append(f"database: {self._store.away}")
        if monotonic() - self._relay.beat > 5 + 5 * self._relay.away:
            troubles.append("relay: no heartbeat")
        if self._relay.away:
            troubles.append("relay: cannot publish")
        try:
            await self._store.ping()
        except Unavailable as problem:
            troubles.append(f"database: {problem}")
        return troubles

    def _health(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)

        @router.get("/health/live")
        async def live() -> Response:
            return Response(b'{"status":"live"}', media_type="application/json")

        @router.get("/health/ready")
        async def ready() -> Response:
            troubles = await self._troubles()
            status = "waiting" if troubles else "ready"
            body: dict[str, Any] = {"status": status, "service": self.name, "troubles": troubles}
            if self._warnings is not None and not troubles:
                body["warnings"] = await self._warnings()
            return Response(to_json(body), 503 if troubles else 200, media_type="application/json")

        @router.get("/metrics")
        async def metrics() -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return router


async def _within(seconds: float, work: Awaitable[None]) -> None:
    """Do the work; give it up when it takes too long or fails."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except Exception as error:
        _log.warning("not ended in order", reason=telemetry.where(error))
