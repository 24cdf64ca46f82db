"""A database as the driver shows it: documents written one by one, each whole or not at all, in any order.

It keeps its documents as bytes, so that nobody holds a part of one in hand. `audit` hears of every document
that is written, before and after.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from bson import decode, encode
from pymongo import IndexModel, InsertOne, UpdateOne, WriteConcern
from pymongo.errors import AutoReconnect, BulkWriteError
from pymongo.results import BulkWriteResult

from shared.driver import OPTIONS
from tests.crashes.gate import Gate, Weight
from tests.crashes.queries import Document, matches, reach, updated

Operation = InsertOne[dict[str, Any]] | UpdateOne

Audit = Callable[[str, Document, Document], None]


class Database:
    """All databases of the cluster; every collection is a `service.name`."""

    def __init__(self, gate: Gate, now: Callable[[], datetime], audit: Audit) -> None:
        self.gate, self.now, self.audit = gate, now, audit
        self.stored: dict[str, dict[UUID, bytes]] = {}
        self.unique: dict[str, set[str]] = {}

    def documents(self, collection: str) -> Iterator[Document]:
        """Every document of a collection, read beside the gate."""
        for each in self.stored.get(collection, {}).values():
            yield decode(each, OPTIONS)

    def client(self, *given: Any, **named: Any) -> "Client":
        return Client(self)


class Client:
    """What a service takes for its `AsyncMongoClient`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getitem__(self, service: str) -> "_Named":
        return _Named(self._database, service)

    async def close(self) -> None:
        return


class _Named:
    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name

    def get_collection(self, name: str, **options: Any) -> "Collection":
        return Collection(self._database, f"{self._name}.{name}")


class Taken(Exception):
    """A unique value is another document's."""


class Collection:
    """What a service takes for its collection; with a weak write concern it is `light`."""

    def __init__(self, database: Database, name: str, *, light: bool = False) -> None:
        self._database, self._name, self._light = database, name, light

    def with_options(self, *, write_concern: WriteConcern, **options: Any) -> "Collection":
        return Collection(self._database, self._name, light=write_concern.document.get("w") == 1)

    async def create_indexes(self, indexes: Sequence[IndexModel]) -> None:
        unique = {next(iter(each.document["key"])) for each in indexes if each.document.get("unique")}
        self._database.unique.setdefault(self._name, set()).update(unique)

    def find(self, query: Mapping[str, Any], wanted: Mapping[str, Any], **how: Any) -> "Cursor":
        return Cursor(partial(self._find, query, wanted))

    async def _find(
        self, query: Mapping[str, Any], wanted: Mapping[str, Any], order: Sequence[tuple[str, int]]
    ) -> list[Document]:
        def read() -> list[Document]:
            now = self._database.now()
            found = [each for each in self._database.documents(self._name) if matches(each, query, now)]
            for name, direction in reversed(order):
                found.sort(key=lambda each: reach(each, name), reverse=direction < 0)
            return [_shown(each, wanted, now) for each in found]

        found: list[Document]
        [found] = await self._request("find", [read])
        return found

    async def bulk_write(self, operations: Sequence[Operation], *, ordered: bool) -> BulkWriteResult:
        """Raises BulkWriteError for those that a unique index refuses, as the database does."""
        done = await self._request("bulk write", [partial(self._try, each) for each in operations])
        faults = [fault | {"index": at} for at, (_, fault) in enumerate(done) if fault]
        counts = {key: sum(outcome == key for outcome, _ in done) for key in ("nMatched", "nInserted")}
        if faults:
            raise BulkWriteError({**counts, "writeErrors": faults, "writeConcernErrors": []})
        return BulkWriteResult(counts, acknowledged=True)

    def _try(self, operation: Operation) -> tuple[str, dict[str, Any] | None]:
        try:
            if isinstance(operation, InsertOne):
                self._insert(operation._doc)
                return "nInserted", None
            query = operation._filter
            return ("nMatched" if self._change(query["_id"], query, operation._doc) else ""), None
        except Taken as taken:
            return "", {"code": 11000, "keyPattern": {str(taken): 1}}

    async def update_one(self, query: Mapping[str, Any], update: Any) -> None:
        await self._request("update", [partial(self._change, query["_id"], query, update)])

    async def update_many(self, query: Mapping[str, Any], update: Any) -> None:
        ids = list(self._database.stored.get(self._name, {}))
        concerned = [id for id in ids if id in query["_id"]["$in"]]
        await self._request("update many", [partial(self._change, id, query, update) for id in concerned])

    def _change(self, id: UUID, query: Mapping[str, Any], update: Any) -> bool:
        stored = self._database.stored.setdefault(self._name, {})
        now = self._database.now()
        if id not in stored or not matches(before := decode(stored[id], OPTIONS), query, now):
            return False
        self._keep(before, updated(decode(stored[id], OPTIONS), update, now))
        return True

    def _insert(self, document: Mapping[str, Any]) -> None:
        if document["_id"] in self._database.stored.setdefault(self._name, {}):
            raise Taken("_id")
        self._keep({}, dict(document))

    def _keep(self, before: Document, after: Document) -> None:
        others = [each for each in self._database.documents(self._name) if each["_id"] != after["_id"]]
        for name in self._database.unique.get(self._name, ()):
            if name in after and any(each.get(name) == after[name] for each in others):
                raise Taken(name)
        stored = encode(after, codec_options=OPTIONS)
        self._database.stored[self._name][after["_id"]] = stored
        self._database.audit(self._name, before, decode(stored, OPTIONS))

    async def _request(self, what: str, effects: Sequence[Callable[[], Any]]) -> list[Any]:
        weight: Weight = "reads" if what == "find" else "light" if self._light else "lasts"
        named = f"{self._name}: {what}"
        return await self._database.gate.request(named, effects, AutoReconnect, weight=weight)


def _shown(document: Document, wanted: Mapping[str, Any], now: datetime) -> Document:
    names = {"_id", *(name for name, what in wanted.items() if what)} - {
        n for n, w in wanted.items() if w == 0
    }
    shown = {name: document[name] for name in names if name in document}
    return shown | {name: now for name, what in wanted.items() if what == "$$NOW"}


class Cursor:
    """What a query will find, once it is asked for."""

    def __init__(self, find: Callable[[Sequence[tuple[str, int]]], Awaitable[list[Document]]]) -> None:
        self._find = find
        self._order: Sequence[tuple[str, int]] = ()
        self._most: int | None = None
        self._found: list[Document] | None = None

    def sort(self, order: Any) -> "Cursor":
        self._order = [(order, 1)] if isinstance(order, str) else order
        return self

    def limit(self, most: int) -> "Cursor":
        self._most = most
        return self

    async def to_list(self, most: int | None = None) -> list[Document]:
        if self._found is None:
            self._found = (await self._find(self._order))[: self._most]
        some, self._found = self._found[:most], self._found[len(self._found[:most]) :]
        return some

    async def __aiter__(self) -> AsyncIterator[Document]:
        for each in await self.to_list():
            yield each
