"""Very many complaints in the databases: copies of some that really went through the chain, byte by byte.

A copy differs from its model in its id, its receipt number and its request. It is what the services have
stored, but nobody signed it: its journal is its model's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import uuid_utils
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient, WriteConcern

from deploy.provision import COLLECTIONS, SERVICES

AT_ONCE = 1_000
_REQUEST = re.compile(rb"[0-9a-f]{32}")


@dataclass(frozen=True)
class Model:
    """What the services have stored of one complaint; `id`, `number` and `request` tell it apart."""

    id: UUID
    number: bytes
    request: bytes
    documents: dict[str, bytes]

    def copy(self, number: int) -> Iterator[tuple[str, RawBSONDocument]]:
        id = UUID(bytes=uuid_utils.uuid7().bytes)
        changes = {
            self.id.bytes: id.bytes,
            str(self.id).encode(): str(id).encode(),
            self.id.hex.encode(): id.hex.encode(),
            self.number: f"RC-{number:010d}".encode(),
            self.request: id.hex[::-1].encode(),
        }
        for service, document in self.documents.items():
            for old, new in changes.items():
                document = document.replace(old, new)
            yield service, RawBSONDocument(document)


def models(client: MongoClient[RawBSONDocument], count: int) -> list[Model]:
    """So many complaints that are in all the databases."""
    records = client["intake"]["complaints"].find({"number": {"$exists": True}, "outbox": []}).limit(count)
    return [model for record in records if (model := _model(client, record)) is not None]


def _model(client: MongoClient[RawBSONDocument], record: RawBSONDocument) -> Model | None:
    about = {"_id": record["_id"]}
    found = {service: client[service][name].find_one(about) for service, name in COLLECTIONS.items()}
    documents = {service: bytes(each.raw) for service, each in found.items() if each is not None}
    request = _REQUEST.search(record["request"].encode())
    if request is None or documents.keys() != found.keys():
        return None
    return Model(record["_id"], record["number"].encode(), request[0], documents)


def fill(url: str, count: int, first: int) -> None:
    """So many more complaints, numbered from `first` on; blocks."""
    options: Any = {"document_class": RawBSONDocument, "uuidRepresentation": "standard"}
    with MongoClient[RawBSONDocument](url, **options) as client:
        known = models(client, 32)
        light = WriteConcern(1, j=False)
        for begin in range(first, first + count, AT_ONCE):
            waiting: dict[str, list[RawBSONDocument]] = {service: [] for service in SERVICES}
            for number in range(begin, min(begin + AT_ONCE, first + count)):
                for service, document in known[number % len(known)].copy(number):
                    waiting[service].append(document)
            for service, name in COLLECTIONS.items():
                client[service].get_collection(name, write_concern=light).insert_many(
                    waiting[service], ordered=False
                )
