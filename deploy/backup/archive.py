"""A folder with a copy: packed files of BSON documents, one after another, and a manifest with checksums.

A file is what `mongodump --gzip` writes for a collection (documents in BSON, gzip, RFC 1952), so that other
tools read it, too. The manifest is written last: a folder without one is no copy.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ValidationError

from shared.problems import Invalid

MANIFEST = "manifest.json"
FORMAT = 1
_PIECE = 1 << 20
_SMALLEST = 5
_GZIP = 16 + zlib.MAX_WBITS


class Packed(BaseModel, frozen=True):
    """One file: how many documents it holds, their bytes, its own bytes, and its SHA-256 (FIPS 180-4)."""

    documents: int
    size: int
    stored: int
    sha256: str


class Collection(BaseModel, frozen=True):
    """A collection's documents and its indexes as the database describes them."""

    database: str
    name: str
    file: str
    packed: Packed
    indexes: tuple[dict[str, Any], ...]


class InFlight(BaseModel, frozen=True):
    """Events that a service had owed since a time before the copy: some may have been on their way."""

    database: str
    collection: str
    file: str
    packed: Packed
    since: datetime


class Manifest(BaseModel, frozen=True):
    """What a copy is: of which moment, in which format, of which version of the database, in which files."""

    format: int = FORMAT
    at: datetime
    database: str
    public_key: str | None
    collections: tuple[Collection, ...]
    in_flight: tuple[InFlight, ...]
    broker: str | None
    broker_sha256: str | None = None

    @property
    def packed(self) -> tuple["Collection | InFlight", ...]:
        """Everything that came from the databases."""
        return (*self.collections, *self.in_flight)

    @property
    def files(self) -> Mapping[str, str]:
        """Every file's SHA-256."""
        found = {each.file: each.packed.sha256 for each in self.packed}
        return found | ({self.broker: self.broker_sha256 or ""} if self.broker else {})


class Packer:
    """Writes one file; bytes in, packed bytes and their checksum out, a piece of it in memory at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # The fastest level: a copy must be done before the database forgets its moment.
        self._zip = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
        self._digest = hashlib.sha256()
        self._documents = self._size = self._stored = 0

    def add(self, documents: bytes, count: int) -> None:
        self._documents, self._size = self._documents + count, self._size + len(documents)
        self._write(self._zip.compress(documents))

    def end(self) -> Packed:
        self._write(self._zip.flush())
        return Packed(
            documents=self._documents, size=self._size, stored=self._stored, sha256=self._digest.hexdigest()
        )

    def _write(self, packed: bytes) -> None:
        self._digest.update(packed)
        self._stored += len(packed)
        self._file.write(packed)


def documents(path: Path) -> Iterator[bytes]:
    """The documents of a file in BSON. Raises Invalid if it ends within one."""
    held = bytearray()
    with gzip.open(path) as file:
        while piece := file.read(_PIECE):
            held += piece
            at = 0
            for size in _sizes(held):
                yield bytes(held[at : at + size])
                at += size
            del held[:at]
    if held:
        raise Invalid(f"{path.name} ends within a document")


def _sizes(held: bytearray) -> Iterator[int]:
    """Of the documents that are here whole: each begins with its size."""
    at = 0
    while len(held) - at >= _SMALLEST:
        size = max(_SMALLEST, int.from_bytes(held[at : at + 4], "little"))
        if len(held) - at < size:
            return
        yield size
        at += size


def sha256(path: Path) -> str:
    """A file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def opened(folder: Path) -> Manifest:
    """The manifest of a folder whose files are all there and as they were written. Raises Invalid."""
    try:
        found = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        raise Invalid(f"{folder} is no copy: its {MANIFEST} is missing or cannot be read") from None
    if found.format != FORMAT:
        raise Invalid(f"{folder} is of format {found.format}; this version reads format {FORMAT}")
    if wrong := [name for name, digest in found.files.items() if not _is_whole(folder / name, digest)]:
        raise Invalid(f"{folder} is damaged: {', '.join(wrong)} are not as they were written")
    return found


def _is_whole(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def total(packed: Sequence[Packed]) -> Packed:
    """Several files as one, without a checksum."""
    return Packed(
        documents=sum(each.documents for each in packed),
        size=sum(each.size for each in packed),
        stored=sum(each.stored for each in packed),
        sha256="",
    )
