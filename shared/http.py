"""HTTP manners that all five services share: problem documents, callers, body limit, one span a request.

Source: RFC 9457 (problem details), RFC 6750 (bearer tokens), W3C Trace Context.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from time import perf_counter
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import TypeAdapter
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry
from shared.events import Instant
from shared.problems import Fault, Invalid, Malformed, Problem, TooLarge, Unauthenticated, faults_of
from shared.settings import settings

_log = structlog.get_logger()
_TOKEN: TypeAdapter[tuple[Instant | None, UUID]] = TypeAdapter(tuple[Instant | None, UUID])
_bearer = HTTPBearer(auto_error=False, description="The caller's API key")


async def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """The name of the caller whose API key this is. Raises Unauthenticated."""
    given = hashlib.sha256((credentials.credentials if credentials else "").encode()).hexdigest()
    names = [name for name, digest in settings().api_keys.items() if hmac.compare_digest(digest, given)]
    if not names:
        raise Unauthenticated("Send a known API key: 'Authorization: Bearer <key>'")
    return names[0]


Caller = Annotated[str, Depends(caller)]


async def body_text(request: Request) -> str:
    """The body of a pack or a calendar. Raises Invalid unless it is UTF-8."""
    told = (await request.body()).decode("utf-8", "replace")
    if "\ufffd" in told:
        raise Invalid("Send it as YAML or JSON in UTF-8")
    return told


BodyText = Annotated[str, Depends(body_text)]


def page_token(at: datetime | None, id: UUID) -> str:
    """Where a page of a list ended: at which instant (None: the list has none), and with which document."""
    return base64.urlsafe_b64encode(to_json([at, id])).decode()


def read_page_token(token: str, *, dated: bool) -> tuple[datetime | None, UUID]:
    """Where the page before ended. Raises Invalid for a token of another list."""
    try:
        found = _TOKEN.validate_json(base64.urlsafe_b64decode(token))
    except ValueError:
        fault = Fault(detail="take next_page_token of the page before", pointer="#/page_token")
        raise Invalid("The page token is not one of this list", [fault]) from None
    if (found[0] is not None) != dated:
        fault = Fault(detail="take next_page_token of the same list", pointer="#/page_token")
        raise Invalid("The page token is one of another list", [fault])
    return found


def problem_response(problem: Problem) -> Response:
    """A problem as its RFC 9457 document."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = [fault.model_dump() for fault in problem.errors]
    if trace_id := telemetry.trace_id():
        body["trace_id"] = trace_id
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(to_json(body), problem.status, headers, "application/problem+json")


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = faults_of([_without_tag(each, error.body) for each in error.errors()])
    if any(each["type"] == "json_invalid" for each in error.errors()):
        return problem_response(Malformed("The body is not valid JSON", found))
    return problem_response(Invalid("The request does not have the form it must have", found))


def _without_tag(finding: dict[str, Any], body: Any) -> dict[str, Any]:
    """A finding whose place names fields only: the tag of a union, which is a value of the body, is none."""
    place = list(finding["loc"])
    if isinstance(body, dict) and len(place) > 1 and place[1] not in body and place[1] in body.values():
        del place[1]
    return finding | {"loc": place}


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        unreadable = Fault(detail="send one JSON value in UTF-8", pointer="#")
        return problem_response(Malformed("The body cannot be read", [unreadable]))
    response = _plain(error.status_code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


def _plain(status: int, title: str) -> Response:
    """A problem that needs no more words than its status."""
    body = {"type": "about:blank", "title": title, "status": status, "trace_id": telemetry.trace_id()}
    return Response(to_json(body, exclude_none=True), status, None, "application/problem+json")


def set_up(app: FastAPI) -> None:
    """Give an application these manners."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(Doorway)


class Doorway:
    """Outermost: one span, one measurement and the body limit for every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/health", "/metrics")):
            await self._app(scope, receive, send)
            return
        started, status, begun = perf_counter(), 500, False
        headers = dict(scope["headers"])

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                if trace := telemetry.traceparent():
                    message["headers"] = [*message["headers"], (b"traceresponse", trace.encode())]
            await send(message)

        with telemetry.request(scope["method"], headers.get(b"traceparent", b"").decode("latin-1")) as span:
            try:
                whole = await _whole_body(receive, settings().max_body)
                if whole is not None:
                    await self._app(scope, whole, answer)
            except TooLarge as problem:
                await problem_response(problem)(scope, receive, answer)
            except Exception as error:  # a bug: told without its words, which may repeat the input
                _log.error("request failed", path=scope["path"], reason=telemetry.where(error))
                if not begun:
                    await _plain(500, "Internal error")(scope, receive, answer)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                telemetry.REQUESTS.labels(route, str(status)).observe(perf_counter() - started)
            span.update_name(f"{scope['method']} {route}")
            span.set_attributes({"http.route": route, "http.response.status_code": status})


# Starlette has a body limit too, but it answers in plain text, not with a problem document.
async def _whole_body(receive: Receive, limit: int) -> Receive | None:
    """The whole body as a `receive` for the application; None if the caller went. Raises TooLarge."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        size, more = size + len(chunks[-1]), message.get("more_body", False)
        if size > limit:
            raise TooLarge(
                f"Send at most {limit} bytes", [Fault(detail=f"longer than {limit} bytes", pointer="#")]
            )
    body: Message | None = {"type": "http.request", "body": b"".join(chunks), "more_body": False}

    async def replay() -> Message:
        nonlocal body
        message, body = body, None
        return message if message is not None else await receive()

    return replay
