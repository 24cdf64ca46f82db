"""Straight routes: for the one that every complaint takes, from bytes to a model and back without detours.

The framework reads a body twice, solves a tree of dependencies and validates what it answers; together that
takes as long as handing in a complaint itself. A straight route does what is plain by its own function, and
leaves to the framework whatever is not: a query, another media type, a body that does not fit. So OpenAPI
shows it as any other route, and it refuses in the same words.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import Message, Receive, Scope, Send

G = TypeVar("G", bound=BaseModel)
_JSON = "application/json"


def straight(form: type[G], answer: Callable[[G, Request], Awaitable[Response]]) -> type[APIRoute]:
    """The class of a route that gives `answer` a `form`, as far as a request is plain JSON of this form.

    `answer` does what the route's function and its dependencies do, and raises the same.
    """

    class Straight(APIRoute):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            if not self._is_plain(request):
                await super().handle(scope, receive, send)
                return
            body = await request.body()
            try:
                given = form.model_validate_json(body)
            except ValidationError:
                await super().handle(scope, _again(body, receive), send)
                return
            response = await answer(given, request)
            await response(scope, receive, send)

        def _is_plain(self, request: Request) -> bool:
            taken = request.method in (self.methods or ())
            queries = request.scope["query_string"]
            return taken and not queries and request.headers.get("content-type") == _JSON

    return Straight


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that brings a body once more that was read already."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return unread.pop() if unread else await receive()

    return replay
