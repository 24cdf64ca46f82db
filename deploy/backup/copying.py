"""A copy of the services' databases, all as they were at one moment, while everybody works on."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bson import Timestamp, encode
from bson.json_util import CANONICAL_JSON_OPTIONS
from bson.json_util import dumps as extended_json
from pydantic_core import from_json
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from deploy.backup.archive import Collection, InFlight, Packer
from deploy.provision import COLLECTIONS, SERVICES
from shared.driver import OPTIONS
from shared.problems import Unavailable

AT_ONCE = 1_000
HISTORY_LOST, SNAPSHOT_GONE = 286, 239
PATIENCE_S = 60.0
LEAST = timedelta(seconds=1)

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Copying:
    """The database, the folder that the copy goes to, and the session in which all is read."""

    client: Client
    folder: Path
    session: ClientSession
    tell: Any = field(default=lambda line: None)

    def collections(self) -> Iterator[Collection]:
        """Copy every collection of every service. Raises Unavailable if it takes too long for the database.

        The first read settles the moment; from then on the session reads everything as it was then.
        """
        for service in SERVICES:
            database = self.client[service]
            for name in sorted(database.list_collection_names(filter={"type": "collection"})):
                if not name.startswith("system."):
                    yield self._collection(service, name)

    def _collection(self, service: str, name: str) -> Collection:
        file = f"{service}.{name}.bson.gz"
        found = self.client[service].get_collection(name, codec_options=OPTIONS)
        indexes = [each for each in found.list_indexes() if each["name"] != "_id_"]
        with (self.folder / file).open("wb") as target:
            packer = Packer(target)
            try:
                batches: Iterator[Any] = found.find_raw_batches(session=self.session, batch_size=AT_ONCE)
                for some in batches:
                    packer.add(some, _count(some))
            except OperationFailure as error:
                raise _too_slow(error) from None
            packed = packer.end()
        self.tell(f"{service}.{name}: {packed.documents} documents, {packed.stored} bytes")
        told = tuple(from_json(extended_json(each, json_options=CANONICAL_JSON_OPTIONS)) for each in indexes)
        return Collection(database=service, name=name, file=file, packed=packed, indexes=told)

    @property
    def moment(self) -> Timestamp:
        """The moment that all is read as of; there is one after the first read."""
        found: Timestamp | None = self.session._snapshot_time
        assert found is not None
        return found

    def in_flight(self, window: timedelta) -> Iterator[InFlight]:
        """Copy what services had owed within so long before the moment.

        An event that the broker had confirmed and nobody handled yet lay nowhere but in its queues. It had
        been in a document's outbox, though, and what was written there the database still knows.
        """
        for service in SERVICES:
            since = self.moment.as_datetime() - window
            while True:
                try:
                    yield self._in_flight(service, since)
                    break
                except OperationFailure as error:
                    if error.code != HISTORY_LOST:
                        raise
                    since = self._later(since)
                    self.tell(f"{service}: the database remembers less; owed events since {since:%H:%M:%S}")

    def _later(self, since: datetime) -> datetime:
        """Half as long before the moment. Raises Unavailable once the moment itself is forgotten."""
        moment = self.moment.as_datetime()
        if moment - since < LEAST:
            raise Unavailable(
                "The database has forgotten its changes of the moment of this copy: nobody can tell what was "
                "on its way. Let its oplog keep more: replSetResizeOplog, minRetentionHours (docs/backup.md)"
            )
        return moment - (moment - since) / 2

    def _in_flight(self, service: str, since: datetime) -> InFlight:
        name, file = COLLECTIONS[service], f"{service}.owed.bson.gz"
        with (self.folder / file).open("wb") as target:
            packer = Packer(target)
            for document, owed in self._owed(service, name, since):
                line = encode({"document": document, "owed": owed}, codec_options=OPTIONS)
                packer.add(line, 1)
            packed = packer.end()
        self.tell(f"{service}: {packed.documents} events owed since {since:%Y-%m-%d %H:%M:%S}")
        return InFlight(database=service, collection=name, file=file, packed=packed, since=since)

    def _owed(self, service: str, name: str, since: datetime) -> Iterator[tuple[Any, Any]]:
        # Following one collection would end where it was dropped, as before a restore.
        database = self.client.get_database(service, codec_options=OPTIONS)
        pipeline = [{"$match": {"ns.coll": name}}, *OWED]
        start = Timestamp(int(since.timestamp()), 0)
        end, patience = _hex(self.moment), time.monotonic() + PATIENCE_S
        with database.watch(pipeline, start_at_operation_time=start, max_await_time_ms=200) as changes:
            while True:
                change = changes.try_next()
                if change is None:
                    if changes.resume_token is not None and changes.resume_token["_data"][2:18] >= end:
                        return
                    if time.monotonic() > patience:
                        raise Unavailable("The database does not tell its latest changes; is a member away?")
                elif change["clusterTime"] > self.moment:
                    return
                else:
                    yield from _entries(change)


OWED: Sequence[dict[str, Any]] = [
    {"$match": {"operationType": {"$in": ["insert", "update", "replace"]}}},
    {
        "$project": {
            "clusterTime": 1,
            "documentKey": 1,
            "whole": "$fullDocument.outbox",
            "parts": {
                "$filter": {
                    "input": {"$objectToArray": {"$ifNull": ["$updateDescription.updatedFields", {}]}},
                    "cond": {"$regexMatch": {"input": "$$this.k", "regex": r"^outbox(\.[0-9]+)?$"}},
                }
            },
        }
    },
]
"""What was written to outboxes: at a document's making, and by each later change."""


def _entries(change: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Whole events alone: a piece of one is told when it moves up as another one is struck out."""
    found = [change.get("whole") or [], *(part["v"] for part in change.get("parts") or [])]
    for each in found:
        for owed in each if isinstance(each, list) else [each]:
            if isinstance(owed, dict) and "id" in owed and "body" in owed:
                yield change["documentKey"]["_id"], owed


def _hex(moment: Timestamp) -> str:
    """A moment as a resume token begins with it, after the two digits of its kind."""
    return f"{moment.time:08X}{moment.inc:08X}"


def _count(documents: bytes) -> int:
    count = at = 0
    while at < len(documents):
        at += int.from_bytes(documents[at : at + 4], "little")
        count += 1
    return count


def _too_slow(error: OperationFailure) -> Exception:
    if error.code != SNAPSHOT_GONE:
        return error
    return Unavailable(
        "The copy took longer than the database remembers; let it remember longer while it is made: "
        "setParameter minSnapshotHistoryWindowInSeconds (docs/backup.md)"
    )
