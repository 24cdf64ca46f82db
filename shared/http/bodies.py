"""Bodies: taken whole or as they come, up to so many bytes, and not for ever."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from shared.problems import Fault, Invalid, TooLarge, TooSlow

PATIENCE_S = 30.0
"""How long a body may pause; and how much longer than at SLOWEST it may take in all."""
SLOWEST = 500
"""Bytes a second: who trickles a body holds no connection by it."""


async def body_text(request: Request) -> str:
    """The body of a pack or a calendar. Raises Invalid unless it is UTF-8."""
    told = (await request.body()).decode("utf-8", "replace")
    if "\ufffd" in told:
        raise Invalid("Send it as YAML or JSON in UTF-8")
    return told


BodyText = Annotated[str, Depends(body_text)]


def limited(receive: Receive, limit: int, headers: Mapping[bytes, bytes]) -> Receive:
    """A `receive` whose body ends with TooLarge beyond the limit, with TooSlow when it pauses or trickles.

    Raises TooLarge at once for a body that is announced to be longer.
    """
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    size, more, waited = 0, True, 0.0

    async def counted() -> Message:
        nonlocal size, more, waited
        if not more:
            return await receive()
        begun = monotonic()
        message = await _in_time(receive, PATIENCE_S + min(0, size / SLOWEST - waited))
        waited += monotonic() - begun
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
        if size > limit:
            raise _too_large(limit)
        return message

    return counted


# Starlette has a body limit too, but it answers in plain text, not with a problem document.
async def whole(receive: Receive) -> Receive:
    """The whole body as one message. Raises ClientDisconnect if the caller went."""
    chunks, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    body: Message | None = {"type": "http.request", "body": b"".join(chunks), "more_body": False}

    async def replay() -> Message:
        nonlocal body
        message, body = body, None
        return message if message is not None else await receive()

    return replay


async def _in_time(receive: Receive, patience: float) -> Message:
    try:
        async with asyncio.timeout(patience):
            return await receive()
    except TimeoutError:
        raise TooSlow("Send the body without long pauses; send the request again") from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"Send at most {limit} bytes", [Fault(detail=f"longer than {limit} bytes", pointer="#")])
