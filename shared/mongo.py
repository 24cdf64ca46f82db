"""The database: documents changed by pure functions, written in groups, guarded by their version.

One atomic write answers a cause completely: the new state, the cause's id and the events owed. A lost race is
decided anew. All changes that wait while a write is under way go into the next one together (group commit).
This is the only module that knows the driver.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time_ns
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

import structlog
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from pydantic import BaseModel, ValidationError
from pymongo import AsyncMongoClient, IndexModel, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from shared import telemetry
from shared.documents import Change, Draft, Owed, owed_by
from shared.envelope import Cause
from shared.problems import Unavailable

S = TypeVar("S", bound=BaseModel)
C = TypeVar("C")

GROUP = 256
LEASE_MS = 5_000
PATIENCE_S = 10.0

_DUPLICATE, _TOO_LARGE = 11000, 10334
_log = structlog.get_logger()
_STALE = {"$expr": {"$lte": ["$owed_at", {"$subtract": ["$$NOW", LEASE_MS]}]}}
_DUE = {
    "next_due": {"$exists": True},
    "$expr": {"$lte": ["$next_due", "$$NOW"]},
}  # without $exists: a full scan


class Taken(Exception):
    """Another document already holds the value of this unique index."""


class Unwritable(Exception):
    """The database can never take this document: it is too large, or holds what cannot be stored."""


@dataclass(frozen=True, slots=True)
class Saved(Generic[S]):
    """A document as saved; `changed` is false when the cause had been handled before."""

    id: UUID
    state: S | None
    version: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Due(Generic[S]):
    """A document whose machine instant `since` has passed, as the database's own clock says."""

    id: UUID
    since: datetime
    state: S


@dataclass(slots=True)
class _Wish(Generic[S]):
    """A change that waits for its group; `written` is when its write began and ended (ns)."""

    id: UUID
    change: Change[S, Any]
    cause: Cause[Any]
    answer: asyncio.Future[Saved[S]]
    written: tuple[int, int] = (0, 0)


def index(*keys: str, unique: bool = False) -> IndexModel:
    """An index over the documents that have all the keys; a key with a leading `-` descends."""
    names = [key.lstrip("-") for key in keys]
    return IndexModel(
        [(name, -1 if key.startswith("-") else 1) for name, key in zip(names, keys, strict=True)],
        unique=unique,
        partialFilterExpression={name: {"$exists": True} for name in names},
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
        self.away: str | None = "not connected yet"
        self.on_owed: Callable[[list[Owed]], None] = lambda owed: None
        self._state = state
        self._lift = lift
        self._indexes = [index("owed_at"), *indexes]
        self._journal = journal

    def open(self, url: str) -> None:
        """Connect and start committing; returns at once and waits for the database in the background."""
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            url, serverSelectionTimeoutMS=2_000, connectTimeoutMS=2_000, socketTimeoutMS=15_000
        )
        options: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, tzinfo=UTC, uuid_representation=UuidRepresentation.STANDARD
        )
        self._documents = self._client[self.service].get_collection(
            self.name, codec_options=options, write_concern=WriteConcern("majority", wtimeout=10_000, j=True)
        )
        self._light = self._documents.with_options(write_concern=WriteConcern(1, j=False))
        self._wishes: asyncio.Queue[_Wish[S]] = asyncio.Queue()
        self._committer = asyncio.create_task(self._commit_for_ever(), name=f"commit {self.name}")

    async def close(self) -> None:
        """Stop committing and disconnect; whoever still waits is never answered, and asks again elsewhere."""
        self._committer.cancel()
        await asyncio.wait([self._committer])
        await self._client.close()

    async def ping(self) -> None:
        """Raise Unavailable if the database does not answer."""
        with _told():
            await self._client.admin.command("ping")

    # changing

    async def update(self, id: UUID, change: Change[S, C], cause: Cause[C]) -> Saved[S]:
        """Apply a pure `change` to document `id`, once for this cause; write the state and the events owed.

        Waits as long as the database is away. Raises what `change` raises, and Taken if the new state
        claims a unique value that another document has.
        """
        wish = _Wish(id, change, cause, asyncio.get_running_loop().create_future())
        self._wishes.put_nowait(wish)
        saved = await wish.answer
        if saved.changed:
            telemetry.record_write(self.service, self.name, *wish.written)
        return saved

    async def update_soon(self, id: UUID, change: Change[S, C], cause: Cause[C]) -> Saved[S]:
        """`update` for a caller who cannot wait for ever: raises Unavailable after PATIENCE_S."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self.update(id, change, cause)
        except TimeoutError:
            raise Unavailable(
                "The database is away; send the same again, same Idempotency-Key", (), 5
            ) from None

    async def _commit_for_ever(self) -> None:
        await self._patiently(lambda: self._documents.create_indexes(self._indexes))
        while True:
            group = [await self._wishes.get()]
            while len(group) < GROUP and not self._wishes.empty():
                group.append(self._wishes.get_nowait())
            await self._commit(group)

    async def _commit(self, group: list[_Wish[S]]) -> None:
        """Write a group; who lost a race is decided anew, and what can never be written fails alone."""
        while group := [wish for wish in group if not wish.answer.done()]:
            try:
                await self._patiently(lambda wishes=group: self._attempt(wishes))  # type: ignore[misc]
            except (BSONError, OverflowError, OperationFailure) as error:
                if len(group) == 1:
                    group[0].answer.set_exception(Unwritable(type(error).__name__))
                else:
                    for wish in group:
                        await self._commit([wish])

    async def _patiently(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do the work; while the database is away, wait in place with growing pauses."""
        pause = 0.1
        while True:
            try:
                done = await work()
            except PyMongoError as error:
                if getattr(error, "code", None) == _TOO_LARGE:
                    raise
                self._tell(type(error).__name__)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
                pause = min(pause * 2, 3.0)
            else:
                self._tell(None)
                return done

    def _tell(self, away: str | None) -> None:
        if away != self.away and away is None:
            _log.info("database there", service=self.service)
        elif away != self.away:
            _log.warning("database away", service=self.service, reason=away)
        self.away = away

    async def _attempt(self, group: list[_Wish[S]]) -> None:
        started = time_ns()
        drafts = await self._load({wish.id for wish in group})
        decided = [(wish, self._decide(drafts[wish.id], wish)) for wish in group]
        changed = [draft for draft in drafts.values() if draft.causes]
        lost, refused = await self._write(changed) if changed else (set(), {})
        for wish, fresh in decided:
            draft, wish.written = drafts[wish.id], (started, time_ns())
            if wish.answer.done():
                continue
            if wish.id in refused:
                wish.answer.set_exception(refused[wish.id])
            elif wish.id not in lost:
                wish.answer.set_result(Saved(draft.id, draft.state, draft.next_version, fresh))
        self.on_owed([owed for draft in changed if draft.id not in lost for owed in draft.owed])

    async def _load(self, ids: set[UUID]) -> dict[UUID, Draft[S]]:
        drafts: dict[UUID, Draft[S]] = {id: Draft(id) for id in ids}
        wanted = {"version": 1, "sequence": 1, "state": 1, "handled": 1}
        async for found in self._documents.find({"_id": {"$in": list(ids)}}, wanted):
            drafts[found["_id"]] = self._draft(found)
        return drafts

    def _draft(self, found: Mapping[str, Any]) -> Draft[S]:
        draft: Draft[S] = Draft(found["_id"], found["version"], found["sequence"], found["state"])
        draft.handled = set(found["handled"])
        try:
            draft.state = self._state.model_validate(found["state"])
        except ValidationError as error:
            draft.broken = error
        return draft

    def _decide(self, draft: Draft[S], wish: _Wish[S]) -> bool:
        """Whether the cause is new. A change that raises is answered with its error; the others go on."""
        try:
            return draft.decide(wish.change, wish.cause, self.service, journal=self._journal)
        except Exception as error:
            wish.answer.set_exception(error)
            return False

    async def _write(self, drafts: list[Draft[S]]) -> tuple[set[UUID], dict[UUID, Exception]]:
        """Write the drafts in one command. Returns those that lost a race, and those refused for good."""
        token = uuid4()
        operations = [self._operation(draft, token) for draft in drafts]
        refused: dict[UUID, Exception] = {}
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
        """Documents that match a query over lifted values, in the order of one of them (`-name` descends)."""
        cursor = self._documents.find(query, {"state": 1, "version": 1})
        with _told():
            found = (
                await cursor.sort(sort.lstrip("-"), -1 if sort.startswith("-") else 1).limit(limit).to_list()
            )
        return [
            Saved(each["_id"], self._state.model_validate(each["state"]), each["version"], False)
            for each in found
        ]

    async def journal(self, id: UUID) -> list[dict[str, Any]]:
        """Every cause and event of this complaint, by the time it happened."""
        with _told():
            found = await self._documents.find_one({"_id": id}, {"journal": 1})
        return sorted(found["journal"], key=lambda entry: entry["time"]) if found else []

    async def due(self, limit: int = 200) -> list[Due[S]]:
        """Documents whose `next_due` has passed by the database's clock, earliest first."""
        cursor = self._documents.find(_DUE, {"next_due": 1, "state": 1}).sort("next_due").limit(limit)
        with _told():
            found = await cursor.to_list()
        return [
            Due(each["_id"], each["next_due"], self._state.model_validate(each["state"])) for each in found
        ]

    # the outbox

    async def lease_owed(self, limit: int) -> list[Owed]:
        """Take over what documents have owed for longer than a lease: a crash or an outage left it behind."""
        stale = {"owed_at": {"$exists": True}} | _STALE
        with _told():
            waiting = self._documents.find(stale, {"_id": 1}).sort("owed_at").limit(limit)
            ids = [found["_id"] async for found in waiting]
            return await self._lease(ids) if ids else []

    async def _lease(self, ids: list[UUID]) -> list[Owed]:
        token = uuid4()
        mark = [{"$set": {"owed_at": "$$NOW", "relay": token}}]
        await self._light.update_many({"_id": {"$in": ids}} | _STALE, mark)
        mine = self._documents.find({"_id": {"$in": ids}, "relay": token}, {"outbox": 1})
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
    """Driver errors as the Problem they are to a caller."""
    try:
        yield
    except PyMongoError as error:
        raise Unavailable(f"The database is away ({type(error).__name__}); try again", (), 5) from None
