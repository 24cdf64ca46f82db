"""Empty databases filled from a copy, and every event owed again that may have been on its way then."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bson import decode
from bson.json_util import CANONICAL_JSON_OPTIONS
from bson.json_util import loads as from_extended_json
from bson.raw_bson import RawBSONDocument
from pydantic_core import to_json
from pymongo import MongoClient, UpdateOne

from deploy.backup.archive import Collection, InFlight, documents
from deploy.provision import SERVICES
from shared.driver import OPTIONS
from shared.problems import Invalid, Problem

AT_ONCE = 1_000
AT_ONCE_BYTES = 8 << 20
LONG_AGO = datetime.fromtimestamp(0, UTC)

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Filling:
    """The database to be filled and the folder with the copy."""

    client: Client
    folder: Path
    tell: Callable[[str], None]

    def clear(self, *, force: bool) -> None:
        """Go on only with empty databases; with `force`, empty them. Raises Problem."""
        full = [
            (service, name)
            for service in SERVICES
            for name in self._names(service)
            if self._holds(service, name)
        ]
        if full and not force:
            told = ", ".join(f"{service}.{name}" for service, name in full)
            raise Problem(f"The database is not empty ({told}); --force deletes what is there")
        for service, name in full:
            self.client[service].drop_collection(name)

    def _names(self, service: str) -> list[str]:
        return self.client[service].list_collection_names(filter={"type": "collection"})

    def _holds(self, service: str, name: str) -> bool:
        return self.client[service][name].find_one({}, {"_id": 1}) is not None

    def fill(self, copied: Collection) -> None:
        """All documents of a collection, then its indexes. Raises Invalid if one is missing."""
        target = self.client[copied.database].get_collection(copied.name, codec_options=OPTIONS)
        count = 0
        for some in batches(documents(self.folder / copied.file)):
            target.insert_many([RawBSONDocument(each) for each in some], ordered=False)
            count += len(some)
        if count != copied.packed.documents:
            raise Invalid(f"{copied.file} has {count} documents instead of {copied.packed.documents}")
        if indexes := [_index(each) for each in copied.indexes]:
            self.client[copied.database].command({"createIndexes": copied.name, "indexes": indexes})
        self.tell(f"{copied.database}.{copied.name}: {count} documents, {len(indexes)} indexes")

    def owe_again(self, copied: InFlight) -> None:
        """Put what was owed into its document's outbox again; whoever had it before knows it by its id."""
        target = self.client[copied.database].get_collection(copied.collection, codec_options=OPTIONS)
        count = 0
        for some in batches(documents(self.folder / copied.file)):
            lines = [decode(each, codec_options=OPTIONS) for each in reversed(some)]
            count += target.bulk_write([_owing(line) for line in lines], ordered=True).modified_count
        self.tell(f"{copied.database}: {count} events are published again")


def _owing(line: Mapping[str, Any]) -> UpdateOne:
    owed = line["owed"]
    return UpdateOne(
        {"_id": line["document"], "outbox.id": {"$ne": owed["id"]}},
        {"$push": {"outbox": {"$each": [owed], "$position": 0}}, "$set": {"owed_at": LONG_AGO}},
    )


def _index(copied: Mapping[str, Any]) -> dict[str, Any]:
    """As it is asked for, without what the database has added."""
    told = from_extended_json(to_json(copied).decode(), json_options=CANONICAL_JSON_OPTIONS)
    return {name: value for name, value in told.items() if name not in ("v", "ns")}


def batches(found: Iterator[bytes]) -> Iterator[Sequence[bytes]]:
    """Documents in groups that are small in number and in bytes."""
    some: list[bytes] = []
    size = 0
    for each in found:
        if some and (len(some) == AT_ONCE or size + len(each) > AT_ONCE_BYTES):
            yield some
            some, size = [], 0
        some.append(each)
        size += len(each)
    if some:
        yield some
