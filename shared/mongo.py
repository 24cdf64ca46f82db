"""The database: one document for each complaint, written whole or not at all, guarded by its version.

One atomic write answers a cause completely: the new state, the cause's id and the events owed.
Only this module, `shared.files`, `shared.watching` and `shared.driver` know the driver.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

import structlog
from pydantic import BaseModel, ValidationError
from pymongo import AsyncMongoClient, IndexModel, InsertOne, UpdateOne, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from shared.chain import extended, is_own
from shared.commit import Committer
from shared.documents import PARTS, Change, Draft, Due, Keep, Owed, Saved, owed_by
from shared.driver import OPTIONS, STALE, as_it_is, encoded, index, order, passed, refusal, told, without
from shared.envelope import Cause
from shared.recent import Recent
from shared.tasks import end
from shared.watching import watched

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T", bound=BaseModel)
C = TypeVar("C")
Lift = Callable[[S], dict[str, Any]]
Changes = AsyncIterator[tuple[str, Saved[S] | None]]
"""Documents as they change, each with the token to go on after it."""

UNREADABLE = timedelta(minutes=5)
AT_ONCE = 2_000
"""Ids that are in memory at a time."""
_log = structlog.get_logger()


class Store(Generic[S]):
    """The documents of one service. Declared at import, usable between `open` and `close`.

    `lift` names the values that must stand beside the state for an index to find them (None: absent);
    with `journal` every cause and event stays in the document, and of commands what it says. `next_due`, if
    lifted, is a machine instant (`clock.wake_at`) and drives `due`.
    """

    def __init__(
        self,
        service: str,
        collection: str,
        state: type[S],
        *,
        lift: Lift[S] = lambda state: {},
        indexes: Sequence[IndexModel] = (),
        journal: Keep[S] | None = None,
    ) -> None:
        self.service = service
        self.name = collection
        self._state = state
        self._lift = lift
        self._indexes = [index("owed_at"), index("outbox.at", having="owed_at"), *indexes]
        self._journal = journal is not None
        self._recent = Recent()
        self._committer = Committer(self, service, collection, journal=journal)
        self._beside: list[Store[Any]] = []
        self.unwatched = asyncio.Event()

    def beside(
        self, state: type[T], *, lift: Lift[T] = lambda state: {}, indexes: Sequence[IndexModel] = ()
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
        self._documents = self._client[self.service].get_collection(
            self.name,
            codec_options=OPTIONS,
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
        with told():
            async with asyncio.timeout(1):
                await self._client.admin.command("ping")

    async def _prepare(self) -> None:
        with told():
            await self._documents.create_indexes(self._indexes)

    def part(self, name: str) -> AsyncCollection[dict[str, Any]]:
        """The collection `<collection>.<name>`, written and read as the documents are; only while open."""
        documents = self._documents
        return documents.database.get_collection(
            f"{self.name}.{name}",
            codec_options=documents.codec_options,
            read_concern=documents.read_concern,
            write_concern=documents.write_concern,
        )

    # changing

    async def update(self, id: UUID, change: Change[S, C], cause: Cause[C]) -> Saved[S]:
        """Apply a pure `change` to document `id`, once for this cause; write the state and the events owed.

        Waits as long as the database is away. Raises what `change` raises, and Taken if the new state
        claims a unique value that another document has.
        """
        return await self._committer.update(id, change, cause)

    async def update_soon(
        self, id: UUID, change: Change[S, C], cause: Cause[C], *, fresh: bool = False
    ) -> Saved[S]:
        """`update`, but raises Unavailable after some seconds. Of a `fresh` id there is no document yet."""
        return await self._committer.update_soon(id, change, cause, fresh=fresh)

    async def load(self, ids: set[UUID]) -> dict[UUID, Draft[S]]:
        """A draft for every id."""
        drafts: dict[UUID, Draft[S]] = {id: Draft(id) for id in ids}
        for known in self._recent.take(ids):
            drafts[known["_id"]] = self._draft(known, remembered=True)
        if unknown := [id for id, draft in drafts.items() if not draft.remembered]:
            with told():
                found = await self._documents.find({"_id": {"$in": unknown}}, PARTS).to_list()
            drafts |= {each["_id"]: self._draft(each) for each in found}
            self._recent.hear(each["now"] for each in found)
        return drafts

    def _draft(self, found: Mapping[str, Any], *, remembered: bool = False) -> Draft[S]:
        draft = Draft.of(found, self._state, remembered=remembered)
        if self._journal and (draft.head is None or not is_own(draft.id, draft.head)):
            _log.error("history was changed; see redress verify", complaint=str(draft.id))
        return draft

    async def write(self, drafts: list[Draft[S]]) -> tuple[set[UUID], dict[UUID, Exception]]:
        """Write drafts in one command; which of them lost a race, and which are refused for good."""
        lost, refused = await self._write(drafts)
        self._recent.keep(draft.written() for draft in drafts if draft.id not in lost)
        return lost, refused

    async def _write(self, drafts: list[Draft[S]]) -> tuple[set[UUID], dict[UUID, Exception]]:
        token = uuid4()
        operations = [self._operation(draft, token) for draft in drafts]
        refused: dict[UUID, Exception] = {}
        with told():
            try:
                result = await self._documents.bulk_write(operations, ordered=False)
                if result.matched_count + result.inserted_count == len(drafts):
                    return set(), refused
            except BulkWriteError as error:
                if error.details["writeConcernErrors"]:
                    raise
                for fault in error.details["writeErrors"]:
                    if "_id" not in fault.get("keyPattern", {}):
                        refused[drafts[fault["index"]].id] = refusal(fault)
            ids = [draft.id for draft in drafts]
            mine = self._documents.find({"_id": {"$in": ids}, "commit": token}, {"_id": 1})
            won = {found["_id"] async for found in mine}
        return {id for id in ids if id not in won}, refused

    def _operation(self, draft: Draft[S], token: UUID) -> InsertOne[dict[str, Any]] | UpdateOne:
        assert draft.state is not None
        values, entries = self._lift(draft.state), list[Mapping[str, Any]]()
        if draft.journal:
            written, head = extended(draft.id, draft.goes_on_from, map(encoded, draft.journal))
            values, entries = values | {"head": head.stored}, [as_it_is(each) for each in written]
            draft.head = head
        if draft.version == 0:
            return InsertOne(draft.document(values, entries, token))
        return UpdateOne({"_id": draft.id, "version": draft.version}, draft.update(values, entries, token))

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
        with told():
            found = await cursor.sort(order(sort)).limit(limit + 1).to_list()
        states = ((each, self._readable(each)) for each in found[:limit])
        readable = [
            Saved(each["_id"], state, each["version"], False) for each, state in states if state is not None
        ]
        return readable, len(found) > limit

    async def scan(self, query: Mapping[str, Any], *, sort: str = "") -> AsyncIterator[Saved[S]]:
        """Every document that matches a query over lifted values, a batch of them in memory at a time."""
        cursor = self._documents.find(query, {"state": 1, "version": 1}, batch_size=500)
        cursor = cursor.sort(order(sort)) if sort else cursor
        with told():
            async for each in cursor:
                if (state := self._readable(each)) is not None:
                    yield Saved(each["_id"], state, each["version"], False)

    async def lifted(
        self, query: Mapping[str, Any], names: Sequence[str], *, sort: str = "", hint: str | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """These lifted values of all that match, so many at a time.

        From an index alone, if one holds all that is asked: no document is read then.
        """
        wanted = dict.fromkeys(names, 1) | ({} if "_id" in names else {"_id": 0})
        cursor = self._documents.find(query, wanted, batch_size=AT_ONCE, hint=hint)
        cursor = cursor.sort(order(sort)) if sort else cursor
        with told():
            while some := await cursor.to_list(AT_ONCE):
                yield some

    async def count(self, query: Mapping[str, Any]) -> int:
        """How many documents match a query over lifted values."""
        with told():
            return await self._documents.count_documents(query)

    @asynccontextmanager
    async def watch(self, lifted: str, since: str | None = None) -> AsyncIterator[Changes[S]]:
        """Every change from now on, or after the one with this token, to documents that have `lifted`.

        Each comes with its token; the first token is of the beginning, and of no document. Raises Invalid
        for a token that the database does not know (any more), and Unavailable. `unwatched` ends all.
        """
        async with watched(self._documents, lifted, since, self.unwatched) as changes:
            yield self._seen(changes)

    async def _seen(self, changes: AsyncIterator[tuple[str, Mapping[str, Any] | None]]) -> Changes[S]:
        async for token, found in changes:
            if found is None:
                yield token, None
            elif (state := self._readable(found)) is not None:
                yield token, Saved(found["_id"], state, found["version"], True)

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What a pipeline over lifted values makes of the documents; for figures, not for states."""
        with told():
            return await (await self._documents.aggregate(pipeline)).to_list()

    async def journal(self, id: UUID) -> list[dict[str, Any]]:
        """Every event of this complaint, each after the one that caused it."""
        return [each for each in (await self.history(id))[1] if each["type"]]

    async def history(self, id: UUID) -> tuple[Saved[S] | None, list[dict[str, Any]]]:
        """A document with all of its journal, commands (of no type) and events, read at one time."""
        with told():
            found = await self._documents.find_one({"_id": id}, {"state": 1, "version": 1, "journal": 1})
        if found is None or (state := self._readable(found)) is None:
            return None, []
        return Saved(id, state, found["version"], False), list(found["journal"])

    async def due(
        self, limit: int = 200, field: str = "next_due", among: Mapping[str, Any] = {}
    ) -> list[Due[S]]:
        """Documents of which this instant has passed by the database's clock, earliest first.

        Only those `among` which a query over other lifted values finds them.
        """
        wanted = {"version": 1, "state": 1, field: 1, "now": "$$NOW"}
        cursor = self._documents.find({**among, **passed(field)}, wanted).sort(field).limit(limit)
        with told():
            found = await cursor.to_list()
            return [due for each in found if (due := await self._due(each, field)) is not None]

    async def _due(self, found: Mapping[str, Any], field: str) -> Due[S] | None:
        """One that can be read; another one is put off, so that it does not stand before the others."""
        state = self._readable(found)
        if state is None:
            await self.put_off(found["_id"], found["version"], field, found["now"])
            return None
        return Due(found["_id"], found["version"], found["now"], state, found[field])

    async def put_off(self, id: UUID, version: int, field: str, now: datetime) -> None:
        """Let one that cannot be handled be due some minutes later, or after its next write."""
        with told():
            later = {"$set": {field: now + UNREADABLE}}
            await self._documents.update_one({"_id": id, "version": version}, later)

    def _readable(self, found: Mapping[str, Any]) -> S | None:
        """The state of one document among several; one that cannot be read does not hide the others."""
        try:
            return self._state.model_validate(found["state"], context=found["_id"])
        except ValidationError:
            _log.error("state cannot be read", complaint=str(found["_id"]))
            return None

    # the outbox

    async def lease_owed(self, limit: int) -> list[Owed]:
        """Take over what documents have owed for longer than a lease: a crash or an outage left it behind."""
        with told():
            waiting = self._documents.find(STALE, {"_id": 1}).sort("owed_at").limit(limit)
            ids = [found["_id"] async for found in waiting]
            return await self._lease(ids) if ids else []

    async def _lease(self, ids: list[UUID]) -> list[Owed]:
        token = uuid4()
        mark = [{"$set": {"owed_at": "$$NOW", "relay": token}}]
        await self._light.update_many({"_id": {"$in": ids}} | STALE, mark)
        mine = self._light.find({"_id": {"$in": ids}, "relay": token}, {"outbox": 1})
        return [owed async for found in mine for owed in owed_by(found)]

    async def strike_out(self, owed: Sequence[Owed]) -> None:
        """Remove events that the broker has confirmed. Losing this write costs a repeat, never an event."""
        documents = {"_id": {"$in": list({each.document for each in owed})}}
        with told():
            await self._light.update_many(documents, without([each.id for each in owed]))

    async def release_owed(self, owed: Sequence[Owed]) -> None:
        """Give up the lease on what could not be published, so that another replica need not wait for it."""
        documents = {"_id": {"$in": list({each.document for each in owed})}, "owed_at": {"$exists": True}}
        with told():
            await self._light.update_many(documents, {"$set": {"owed_at": datetime.fromtimestamp(0, UTC)}})
