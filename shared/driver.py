"""The database's words as ours: indexes, orders, what is due, and what its errors mean."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import Any
from uuid import UUID

from bson import encode
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel
from pymongo.errors import PyMongoError

from shared.problems import Unavailable

LEASE_MS = 5_000
OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, tzinfo=UTC, uuid_representation=UuidRepresentation.STANDARD
)
"""How values become BSON, and what they are when they are read."""
UNAUTHORIZED, _DUPLICATE, _TOO_LARGE = 13, 11000, 10334
# Without $exists, these conditions would scan the whole collection and hold for documents without the field.
STALE = {
    "owed_at": {"$exists": True},
    "$or": [
        {"$expr": {"$lte": ["$owed_at", {"$subtract": ["$$NOW", LEASE_MS]}]}},
        # A machine whose clock is ahead wrote this one and may have died since.
        {"$expr": {"$gte": ["$owed_at", {"$add": ["$$NOW", LEASE_MS]}]}},
    ],
}


def passed(field: str) -> dict[str, Any]:
    return {field: {"$exists": True}, "$expr": {"$lte": [f"${field}", "$$NOW"]}}


def without(owed: Sequence[UUID]) -> list[dict[str, Any]]:
    """The update that strikes these events out of an outbox, and its date with the last of them."""
    rest = {"$filter": {"input": "$outbox", "cond": {"$not": {"$in": ["$$this.id", owed]}}}}
    waits = {"$cond": [{"$eq": ["$outbox", []]}, "$$REMOVE", "$owed_at"]}
    return [{"$set": {"outbox": rest}}, {"$set": {"owed_at": waits}}]


class Taken(Exception):
    """Another document already holds the value of this unique index."""


class Unwritable(Exception):
    """The database can never take this document: it is too large, or holds what cannot be stored."""


def encoded(value: Mapping[str, Any]) -> bytes:
    """A value in the bytes in which the database keeps it."""
    return encode(value, codec_options=OPTIONS)


def as_it_is(encoded: bytes) -> Mapping[str, Any]:
    """Such bytes as a value, to be written as they are."""
    return RawBSONDocument(encoded)


def index(*keys: str, unique: bool = False, ends: bool = False, having: str | None = None) -> IndexModel:
    """An index over the documents that have the first key; a key with a leading `-` descends.

    `having` names another key that they must have instead.

    If it `ends` them, the key is an instant, and the database removes a document once that has passed.
    """
    names = [key.lstrip("-") for key in keys]
    return IndexModel(
        [(name, -1 if key.startswith("-") else 1) for name, key in zip(names, keys, strict=True)],
        unique=unique,
        partialFilterExpression={having or names[0]: {"$exists": True}},
        **({"expireAfterSeconds": 0} if ends else {}),
    )


def order(sort: str) -> list[tuple[str, int]]:
    return [(name.lstrip("-"), -1 if name.startswith("-") else 1) for name in sort.split(",")]


def refusal(fault: Mapping[str, Any]) -> Exception:
    """Why one write of a command can never succeed; the database's own words may repeat the document."""
    if fault["code"] == _DUPLICATE:
        return Taken(", ".join(fault.get("keyPattern", {})))
    return Unwritable(f"code {fault['code']}")


@contextmanager
def told() -> Iterator[None]:
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
