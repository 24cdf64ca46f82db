"""The doorway: outermost, one span, one measurement and the limits of body and rate for every request."""

import re
from time import perf_counter

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import clear_contextvars

from shared import metrics, telemetry
from shared.http import rates, sessions
from shared.http.answers import plain, problem_response
from shared.http.bodies import limited, whole
from shared.problems import Problem
from shared.settings import settings

GONE = 499
"""The status that measurements give to a caller who left; nobody is sent it."""

_log = structlog.get_logger()


class Doorway:
    """Where `streams` matches the path, a route gets the body as it comes, elsewhere when it is whole."""

    def __init__(self, app: ASGIApp, streams: re.Pattern[str] | None = None) -> None:
        self._app = app
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/health", "/metrics")):
            await self._app(scope, receive, send)
            return
        clear_contextvars()
        started, answer = perf_counter(), _Answer(scope, receive, send)
        headers = dict(scope["headers"])
        parent = headers.get(b"traceparent", b"").decode("latin-1")
        with metrics.ACTIVE.track_inprogress(), telemetry.request(scope["method"], parent) as span:
            try:
                await self._let_in(scope, headers, receive, answer)
            except ClientDisconnect:
                answer.status = GONE
            except Problem as problem:
                await answer.refuse(problem_response(problem))
            except Exception as error:  # a bug: told without its words, which may repeat the input
                _log.error("request failed", route=_route(scope), reason=telemetry.where(error))
                await answer.refuse(plain(500, "Internal error"))
            finally:
                _measure(scope, answer.status, perf_counter() - started)
            route = _route(scope)
            span.update_name(f"{scope['method']} {route}")
            span.set_attributes({"http.route": route, "http.response.status_code": answer.status})

    async def _let_in(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, answer: Send
    ) -> None:
        shows = b"authorization" in headers or sessions.comes_with_one(headers)
        if not shows or not scope["path"].startswith("/v1/"):
            rates.of_addresses().take(scope, rates.address(scope))
        if self._streams is not None and self._streams.fullmatch(scope["path"]):
            body = limited(receive, settings().max_upload, headers)
        else:
            body = await whole(limited(receive, settings().max_body, headers))
        await self._app(scope, body, answer)


def _route(scope: Scope) -> str:
    """The path with its parameters by name: a path as asked for may hold what points to a person."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


def _measure(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in metrics.METHODS else "_OTHER"
    metrics.REQUESTS.labels(method, _route(scope), str(status)).observe(seconds)


class _Answer:
    """A `send` that keeps the status, and adds the trace and how many requests are left."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.status, self._begun = 500, False
        self._scope, self._receive, self._send = scope, receive, send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self._begun = message["status"], True
            more = []
            if trace := telemetry.traceparent():
                more.append((b"traceresponse", trace.encode()))
            if standing := self._scope.get("standing"):
                more += standing.headers()
            message["headers"] = [*message["headers"], *more]
        await self._send(message)

    async def refuse(self, response: Response) -> None:
        """Answer this, unless something was answered already."""
        if not self._begun:
            await response(self._scope, self._receive, self)
