"""Watching: what changes in a collection, as the database tells of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from shared.driver import UNAUTHORIZED, told
from shared.problems import Fault, Invalid

Found = AsyncIterator[tuple[str, Mapping[str, Any] | None]]


@asynccontextmanager
async def watched(
    documents: AsyncCollection[dict[str, Any]], lifted: str, since: str | None, ended: asyncio.Event
) -> AsyncIterator[Found]:
    """Documents that have `lifted`, as they change, each with the token to go on after it.

    The first token is of the beginning, and of no document. It comes to its end within a second of `ended`.
    Raises Invalid for a token that the database does not know (any more), and Unavailable.
    """
    written = [
        {"operationType": "insert"},
        {"updateDescription.updatedFields.version": {"$exists": True}},
    ]
    pipeline: list[dict[str, Any]] = [
        {"$match": {f"fullDocument.{lifted}": {"$exists": True}, "$or": written}},
        {"$project": {"fullDocument._id": 1, "fullDocument.state": 1, "fullDocument.version": 1}},
    ]
    token = {"_data": since} if since else None
    with told():
        try:
            found = await documents.watch(
                pipeline, full_document="updateLookup", resume_after=token, max_await_time_ms=1_000
            )
        except OperationFailure as error:
            if since is None or error.code == UNAUTHORIZED:
                raise
            fault = Fault(detail="begin anew, without it", pointer="#/header/Last-Event-ID")
            raise Invalid("There is no going on after this event", [fault]) from None
    async with found as changes:
        yield _seen(changes, ended)


async def _seen(changes: AsyncChangeStream[dict[str, Any]], ended: asyncio.Event) -> Found:
    if changes.resume_token is not None:
        yield changes.resume_token["_data"], None
    with told():
        while changes.alive and not ended.is_set():
            change = await changes.try_next()
            if change is not None:
                yield change["_id"]["_data"], change["fullDocument"]
