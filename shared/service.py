"""A service: one HTTP application with its store, inbox, relay and tickers, started and stopped in order."""

import asyncio
import gc
import logging
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic_core import to_json

from shared import http, metrics, sealing, telemetry
from shared.bus import Publisher
from shared.inbox import Inbox
from shared.measuring import Measure, Measuring
from shared.mongo import Store
from shared.outbox import Relay
from shared.problems import Unavailable
from shared.serving import Server
from shared.settings import settings
from shared.tasks import end

Tick = Callable[[], Awaitable[bool]]
"""One round of work that time brings; true if there may be more at once."""

TICK_S = 0.25
KEEP_ALIVE_S = 75
"""Longer than balancers keep idle connections (mostly 60 s): none is closed while one writes to it."""
PATIENCE_S = {
    "inbox": 13,
    "ticks": 5,
    "rest": 15,
    "tasks": 5,
    "relay": 3,
    "publisher": 2,
    "store": 2,
    "telemetry": 2,
}
"""How long each part may take to stop, in their order."""
STOPPING_S = sum(PATIENCE_S.values())
"""How long all together may take, once no request is served any more."""
COLLECT_AFTER = 20_000
"""Objects more than were freed, after which the collector looks for cycles."""
_log = structlog.get_logger()


class Service:
    """The hall that all five services share. `app` is the ASGI application, `run` serves it.

    Told to stop, it is not ready at once, but answers for `drain_s` more: balancers need a while to notice.

    `warnings` are what an operator should see to, though the service works; `measures` look now and then at
    what its metrics tell. Requests whose path `streams`
    matches bring their bodies piece by piece. `rest` waits for what ticks have set going. `about` and `tags`
    are for readers of the OpenAPI document.
    """

    def __init__(
        self,
        name: str,
        *,
        store: Store[Any],
        inbox: Inbox,
        routers: Sequence[APIRouter],
        ticks: Sequence[Tick] = (),
        rest: Callable[[], Awaitable[None]] | None = None,
        needs: Sequence[str] = (),
        warnings: Callable[[], Awaitable[list[str]]] | None = None,
        measures: Sequence[Measure] = (),
        streams: re.Pattern[str] | None = None,
        about: str | None = None,
        tags: Mapping[str, str] = {},
    ) -> None:
        self.name = name
        self._warnings = warnings
        self._measures = measures
        self._needs = needs
        self._store = store
        self._inbox = inbox
        self._ticks = ticks
        self._rest = rest
        self._leaving = self._stopping = self._broken = False
        # http.Doorway makes the one span that a request gets.
        own_spans: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
        self.app = FastAPI(
            title=f"Redress {name}",
            version="1",
            summary=about,
            openapi_tags=[{"name": tag, "description": what} for tag, what in tags.items()] or None,
            lifespan=self._life,
            redoc_url=None,
            telemetry=own_spans,
        )
        http.set_up(self.app, streams)
        for router in (*routers, self._health()):
            self.app.include_router(router)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        known = settings()
        if missing := [name for name in ("sealing_key", *self._needs) if getattr(known, name) is None]:
            sys.exit(f"{self.name} needs REDRESS_{', REDRESS_'.join(missing).upper()}")
        telemetry.set_up(self.name, known)
        _spare_collector()
        config = uvicorn.Config(
            self.app,
            host=known.host,
            port=known.port,
            proxy_headers=True,
            forwarded_allow_ips=known.trusted_proxies,
            loop="uvloop",
            http="httptools",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=3 + round(known.drain_s),
        )
        with suppress(KeyboardInterrupt):
            Server(config, self._leave).run()

    def _leave(self) -> float:
        """Not ready from now on, and no stream goes on; how long to answer requests still."""
        self._leaving = True
        self._store.unwatched.set()
        return 0 if self._broken else settings().drain_s

    @asynccontextmanager
    async def _life(self, app: FastAPI) -> AsyncIterator[None]:
        known = settings()
        sealing.use_house_key(known.house_secret)
        self._publisher = Publisher(known.amqp_url.get_secret_value(), self.name)
        self._relay = Relay(self._store, self._publisher)
        committing = self._store.open(known.mongo_url.get_secret_value(), self._relay.owe)
        relay = asyncio.create_task(self._relay.run(), name="relay")
        listening = self._inbox.start(known.amqp_url.get_secret_value(), self._publisher)
        inbox = asyncio.create_task(listening, name="inbox")
        ticks = [asyncio.create_task(self._tick(tick), name="ticker") for tick in self._ticks]
        ticks.append(asyncio.create_task(self._tell_of_broker(), name="broker watch"))
        ticks.append(asyncio.create_task(self._tick(self._measure()), name="measuring"))
        for task in (*committing, relay, inbox, *ticks):
            task.add_done_callback(self._watch)
        _log.info("started", port=known.port)
        yield
        await self._stop(relay, inbox, ticks)

    def _watch(self, task: "asyncio.Task[None]") -> None:
        """A part that ends by an error takes the process with it, so that whoever runs it starts it anew."""
        error = None if task.cancelled() else task.exception()
        if not self._stopping and (error is not None or task.cancelled()):
            self._broken = True
            reason = telemetry.where(error) if error else "cancelled by nobody"
            _log.critical("a part of the service died", part=task.get_name(), reason=reason)
            os.kill(os.getpid(), signal.SIGTERM)

    async def _stop(
        self, relay: "asyncio.Task[None]", inbox: "asyncio.Task[None]", ticks: Sequence["asyncio.Task[None]"]
    ) -> None:
        """Take nothing new; finish what is in hand; publish what is owed; disconnect.

        A part that hangs (a frozen broker, say) does not keep the later ones from their turn.
        """
        self._stopping = True
        if not inbox.done():
            inbox.cancel()
        await _within("inbox", self._inbox.stop())
        await asyncio.wait(ticks, timeout=PATIENCE_S["ticks"])
        if self._rest is not None:
            await _within("rest", self._rest())
        await _within("tasks", end(relay, *ticks))
        await _within("relay", self._relay.stop())
        await _within("publisher", self._publisher.close())
        await _within("store", self._store.close())
        await _within("telemetry", asyncio.to_thread(telemetry.flush))
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

    def _measure(self) -> Tick:
        """What looks after the metrics; whether parts are there is asked at every scrape."""
        metrics.BROKER.set_function(lambda: float(self._inbox.ready))
        metrics.RELAY.set_function(lambda: float(not self._relay.away))
        return Measuring(self._store, self._publisher, self._measures).tick

    async def _troubles(self) -> list[str]:
        """Why this replica should get no traffic; empty if it should."""
        troubles = ["is stopping"] if self._leaving or self._stopping else []
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
        async def measured() -> Response:
            troubles = await self._troubles()
            metrics.READY.set(not troubles)
            metrics.DATABASE.set(not any(each.startswith("database") for each in troubles))
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return router


def _spare_collector() -> None:
    """Have the garbage collector leave alone what was imported, and look less often at what comes and goes.

    By default it goes through all of that again and again; what a service makes is mostly freed by counting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


async def _within(part: str, work: Awaitable[None]) -> None:
    """Do the work; give it up when it takes too long or fails."""
    try:
        async with asyncio.timeout(PATIENCE_S[part]):
            await work
    except Exception as error:
        _log.warning("not ended in order", part=part, reason=telemetry.where(error))
