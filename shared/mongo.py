"""The database: one document for each complaint, written whole or not at all, guarded by its version.

One atomic write answers a cause completely: the new state, the cause's id and the events owed.
This is the only module that knows the driver.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

import structlog
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from pydantic import BaseModel, ValidationError
from pymongo import AsyncMongoClient, IndexModel, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.read_concern import ReadConcern

from shared.commit import Committer
from shared.documents import Change, Draft, Due, Owed, Saved, owed_by
from shared.envelope import Cause
from shared.problems import Unavailable
from shared.tasks import end

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T", bound=BaseModel)
C = TypeVar("C")

LEASE_MS = 5_000
UNREADABLE = timedelta(minutes=5)
_DUPLICATE, _TOO_LARGE = 11000, 10334
# Without $exists, both conditions would scan the whole collection and hold for documents without the field.
_STALE = {"owed_at": {"$exists": True}, "$expr": {"$lte": ["$owed_at", {"$subtract": ["$$NOW", LEASE_MS]}]}}
DUE = {"next_due": {"$exists": True}, "$expr": {"$lte": ["$next_due", "$$NOW"]}}

_log = structlog.get_logger()


class Taken(Exception):
    """Another document already holds the value of this unique index."""


class Unwritable(Exception):
    """The database can never take this document: it is too large, or holds what cannot be stored."""


def index(*keys: str, unique: bool = False) -> IndexModel:
    """An index over the documents that have the first key; a key with a leading `-` descends."""
    names = [key.lstrip("-") for key in keys]
    return IndexModel(
        [(name, -1 if key.startswith("-") else 1) for name, key in zip(names, keys, strict=True)],
        unique=unique,
        partialFilterExpression={names[0]: {"$exists": True}},
    )


class Store(Generic[S]):
    """The documents of one service. Declared at import, usable between `open` and `close`.

    `lift` names the values that must stand beside the state for an index to find them (None: absent);
    with `journal` every cause and event stays in the document. `next_due`, if lifted, is a machine instant
    (`clock.wake_at`) and drives `due`.
    """

    def __init__(
        self,
        service: str,
        collection: str,
        state: type[S],
        *,
        lift: Callable[[S], dict[str, Any]] = lambda state: {},
        indexes: Sequence[IndexModel] = (),
        journal: bool = False,
    ) -> None:
        self.service = service
        self.name = collection
        self._state = state
        self._lift = lift
        self._indexes = [index("owed_at"), *indexes]
        self._journal = journal
        self._committer = Committer(self, service, collection, journal=journal)
        self._beside: list[Store[Any]] = []

    def beside(
        self,
        state: type[T],
        *,
        lift: Callable[[T], dict[str, Any]] = lambda state: {},
        indexes: Sequence[IndexModel] = (),
    ) -> "Store[T]":
        """Another kind of document in the same collection, opened and closed with this store."""
        other = Store(self.service, self.name, state, lift=lift, indexes=indexes)
        self._beside.append(other)
        return other

    def open(
        self, url: str, on_owed: Callable[[list[Owed]], None] = lambda owed: None
    ) -> "list[asyncio.Task[None]]":
        """Connect and begin to commit; returns at once and waits for the database in the background.

        `on_owed` hears of every debt once it is written. The tasks end only by `close`.
        """
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            url, serverSelectionTimeoutMS=2_000, connectTimeoutMS=2_000, socketTimeoutMS=15_000
        )
        options: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, tzinfo=UTC, uuid_representation=UuidRepresentation.STANDARD
        )
        self._documents = self._client[self.service].get_collection(
            self.name,
            codec_options=options,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority", wtimeout=10_000, j=True),
        )
        self._light = self._documents.with_options(
            read_concern=ReadConcern("local"), write_concern=WriteConcern(1, j=False)
        )
        for store in (self, *self._beside):
            store._client, store._documents, store._light = self._client, self._documents, self._light
            store._committer.on_owed = on_owed
        self._committing = [
            asyncio.create_task(store._committer.run(store._prepare), name="committer")
            for store in (self, *self._beside)
        ]
        return self._committing

    async def close(self) -> None:
        """Stop committing and disconnect; whoever still waits is never answered, and asks again elsewhere."""
        await end(*self._committing)
        await self._client.close()

    @property
    def away(self) -> str | None:
        """Why the database does not answer, if so."""
        return next((store._committer.away for store in (self, *self._beside) if store._committer.away), None)

    async def ping(self) -> None:
        """Raise Unavailable if the database does not answer."""
        with _told():
            async with asyncio.timeout(1):
                await self._client.admin.command("ping")

    async def _prepare(self) -> None:
        with _told():
            await self._documents.create_indexes(self._indexes)

    # changing

    async def update(self, id: UUID, change: Change[S, C], cause: Cause[C]) -> Saved[S]:
        """Apply a pure `change` to document `id`, once for this cause; write the state and the events owed.

        Waits as long as the database is away. Raises what `change` raises, and Taken if the new state
        claims a unique value that another document has.
        """
        return await self._committer.update(id, change, cause)

    async def update_soon(self, id: UUID, change: Change[S, C], cause: Cause[C]) -> Saved[S]:
        """`update` for a caller who cannot wait for ever: raises Unavailable after some seconds."""
        return await self._committer.update_soon(id, change, cause)

    async def load(self, ids: set[UUID]) -> dict[UUID, Draft[S]]:
        """A draft for every id."""
        drafts: dict[UUID, Draft[S]] = {id: Draft(id) for id in ids}
        wanted = {"version": 1, "sequence": 1, "state": 1, "handled": 1, "now": "$$NOW"}
        with _told():
            async for found in self._documents.find({"_id": {"$in": list(ids)}}, wanted):
                drafts[found["_id"]] = self._draft(found)
        return drafts

    def _draft(self, found: Mapping[str, Any]) -> Draft[S]:
        draft: Draft[S] = Draft(found["_id"], found["version"], found["sequence"], found["state"])
        draft.handled, draft.read_at = set(found["handled"]), found["now"]
        try:
            draft.state = self._state.model_validate(found["state"])
        except ValidationError as error:
            draft.broken = error
        return draft

    async def write(self, drafts: list[Draft[S]]) -> tuple[set[UUID], dict[UUID, Exception]]:
        """Write drafts in one command; which of them lost a race, and which are refused for good."""
        token = uuid4()
        operations = [self._operation(draft, token) for draft in drafts]
        refused: dict[UUID, Exception] = {}
        with _told():
            try:
                result = await self._documents.bulk_write(operations, ordered=False)
                if result.matched_count + result.upserted_count == len(drafts):
                    return set(), refused
            except BulkWriteError as error:
                if error.details["writeConcernErrors"]:
                    raise
                for fault in error.details["writeErrors"]:
                    if "_id" not in fault.get("keyPattern", {}):
                        refused[drafts[fault["index"]].id] = _refusal(fault)
            ids = [draft.id for draft in drafts]
            mine = self._documents.find({"_id": {"$in": ids}, "commit": token}, {"_id": 1})
            won = {found["_id"] async for found in mine}
        return {id for id in ids if id not in won}, refused

    def _operation(self, draft: Draft[S], token: UUID) -> UpdateOne:
        assert draft.state is not None
        update = draft.update(self._lift(draft.state), token, journal=self._journal)
        return UpdateOne({"_id": draft.id, "version": draft.version}, update, upsert=draft.version == 0)

    # reading

    async def get(self, id: UUID) -> Saved[S] | None:
        """The document of this complaint, if there is one."""
        found = await self.find({"_id": id}, limit=1)
        return found[0] if found else None

    async def find(self, query: Mapping[str, Any], *, sort: str = "_id", limit: int = 100) -> list[Saved[S]]:
        """Documents that match a query over lifted values, sorted by some (`-name,name`: `-` descends)."""
        found, _ = await self.page(query, sort=sort, limit=limit)
        return found

    async def page(self, query: Mapping[str, Any], *, sort: str, limit: int) -> tuple[list[Saved[S]], bool]:
        """The same, and whether there are more; one that cannot be read is left out and hides no other."""
        cursor = self._documents.find(query, {"state": 1, "version": 1})
        order = [(name.lstrip("-"), -1 if name.startswith("-") else 1) for name in sort.split(",")]
        with _told():
            found = await cursor.sort(order).limit(limit + 1).to_list()
        states = ((each, self._readable(each)) for each in found[:limit])
        readable = [
            Saved(each["_id"], state, each["version"], False) for each, state in states if state is not None
        ]
        return readable, len(found) > limit

    async def scan(self, query: Mapping[str, Any]) -> AsyncIterator[Saved[S]]:
        """Every document that matches a query over lifted values, a batch of them in memory at a time."""
        cursor = self._documents.find(query, {"state": 1, "version": 1}, batch_size=500)
        with _told():
            async for each in cursor:
                if (state := self._readable(each)) is not None:
                    yield Saved(each["_id"], state, each["version"], False)

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What a pipeline over lifted values makes of the documents; for figures, not for states."""
        with _told():
            return await (await self._documents.aggregate(pipeline)).to_list()

    async def journal(self, id: UUID) -> list[dict[str, Any]]:
        """Every cause and event of this complaint."""
        with _told():
            found = await self._documents.find_one({"_id": id}, {"journal": 1})
        return list(found["journal"]) if found else []

    async def due(self, limit: int = 200) -> list[Due[S]]:
        """Documents whose `next_due` has passed by the database's clock, earliest first."""
        cursor = (
            self._documents.find(DUE, {"version": 1, "state": 1, "now": "$$NOW"})
            .sort("next_due")
            .limit(limit)
        )
        with _told():
            found = await cursor.to_list()
            return [due for each in found if (due := await self._due(each)) is not None]

    async def _due(self, found: Mapping[str, Any]) -> Due[S] | None:
        """One that can be read; another one is put off, so that it does not stand before the others."""
        state = self._readable(found)
        if state is None:
            later = {"$set": {"next_due": found["now"] + UNREADABLE}}
            await self._documents.update_one({"_id": found["_id"], "version": found["version"]}, later)
            return None
        return Due(found["_id"], found["version"], found["now"], state)

    def _readable(self, found: Mapping[str, Any]) -> S | None:
        """The state of one document among several; one that cannot be read does not hide the others."""
        try:
            return self._state.model_validate(found["state"])
        except ValidationError:
            _log.error("state cannot be read", complaint=str(found["_id"]))
            return None

    # the outbox

    async def lease_owed(self, limit: int) -> list[Owed]:
        """Take over what documents have owed for longer than a lease: a crash or an outage left it behind."""
        with _told():
            waiting = self._documents.find(_STALE, {"_id": 1}).sort("owed_at").limit(limit)
            ids = [found["_id"] async for found in waiting]
            return await self._lease(ids) if ids else []

    async def _lease(self, ids: list[UUID]) -> list[Owed]:
        token = uuid4()
        mark = [{"$set": {"owed_at": "$$NOW", "relay": token}}]
        await self._light.update_many({"_id": {"$in": ids}} | _STALE, mark)
        mine = self._light.find({"_id": {"$in": ids}, "relay": token}, {"outbox": 1})
        return [owed async for found in mine for owed in owed_by(found)]

    async def strike_out(self, owed: Sequence[Owed]) -> None:
        """Remove events that the broker has confirmed. Losing this write costs a repeat, never an event."""
        ids = [each.id for each in owed]
        rest = {"$filter": {"input": "$outbox", "cond": {"$not": {"$in": ["$$this.id", ids]}}}}
        waits = {"$cond": [{"$eq": ["$outbox", []]}, "$$REMOVE", "$owed_at"]}
        documents = {"_id": {"$in": list({each.document for each in owed})}}
        with _told():
            await self._light.update_many(
                documents, [{"$set": {"outbox": rest}}, {"$set": {"owed_at": waits}}]
            )

    async def release_owed(self, owed: Sequence[Owed]) -> None:
        """Give up the lease on what could not be published, so that another replica need not wait for it."""
        documents = {"_id": {"$in": list({each.document for each in owed})}, "owed_at": {"$exists": True}}
        with _told():
            await self._light.update_many(documents, {"$set": {"owed_at": datetime.fromtimestamp(0, UTC)}})


def _refusal(fault: Mapping[str, Any]) -> Exception:
    """Why one write of a command can never succeed; the database's own words may repeat the document."""
    if fault["code"] == _DUPLICATE:
        return Taken(", ".join(fault.get("keyPattern", {})))
    return Unwritable(f"code {fault['code']}")


@contextmanager
def _told() -> Iterator[None]:
    """The driver's errors as what they mean: the database is away, or will never take this."""
    try:
        yield
    except (BSONError, OverflowError) as error:
        raise Unwritable(type(error).__name__) from None
    except (PyMongoError, TimeoutError) as error:
        if getattr(error, "code", None) == _TOO_LARGE:
            raise Unwritable("too large") from None
        code = f" {code}" if (code := getattr(error, "code", None)) else ""
        raise Unavailable(f"The database is away ({type(error).__name__}{code})", (), 5) from None
