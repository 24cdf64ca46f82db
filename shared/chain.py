"""The chain: each entry of a journal vouches for all before it, and the house signs for the last.

An entry's last field is `hash`: SHA-256 of the hash before it and of its own BSON without that field. The
first one goes on from SHA-256 of the document's id. The head says how many entries there are and which hash
is the last, signed with Ed25519 (RFC 8032), so that whoever has the public key can check all of it.

Before the house goes on from a head it asks the `mac` whether that is its own, which takes a fiftieth of the
time of asking the signature. A chain that somebody else had written would else be signed by the next change.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.sealing import derived, house_key

PURPOSE, SEED = "history", 32
_SIZE = hashlib.sha256().digest_size
_FIELD = b"\x05hash\x00" + _SIZE.to_bytes(4, "little") + b"\x00"
_ADDED = len(_FIELD) + _SIZE


@dataclass(frozen=True, slots=True)
class Head:
    """How many entries there are, the hash of the last, and who says so."""

    entries: int
    hash: bytes
    signature: bytes = b""
    mac: bytes = b""

    @classmethod
    def read(cls, stored: Any) -> "Head | None":
        """A head as it lies in a document; None for anything else."""
        try:
            head = cls(**stored)
        except TypeError:
            return None
        texts = (head.hash, head.signature, head.mac)
        return head if isinstance(head.entries, int) and all(isinstance(t, bytes) for t in texts) else None

    @property
    def stored(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def first(document: UUID) -> bytes:
    """What the first entry of a document goes on from."""
    return hashlib.sha256(document.bytes).digest()


def linked(before: bytes, body: bytes) -> bytes:
    """The hash of an entry in BSON without its hash."""
    return hashlib.sha256(before + body).digest()


def with_hash(body: bytes, hash: bytes) -> bytes:
    """An entry in BSON, with its hash as the last field."""
    size = (len(body) + _ADDED).to_bytes(4, "little")
    return b"".join((size, body[4:-1], _FIELD, hash, b"\x00"))


def parted(entry: bytes) -> tuple[bytes, bytes]:
    """An entry in BSON as its body and its hash, which is empty if the last field is none."""
    at = len(entry) - _ADDED - 1
    if entry[at : at + len(_FIELD)] != _FIELD:
        return entry, b""
    size = (len(entry) - _ADDED).to_bytes(4, "little")
    return b"".join((size, entry[4:at], b"\x00")), entry[-1 - _SIZE : -1]


def extended(document: UUID, head: Head | None, bodies: Iterable[bytes]) -> tuple[list[bytes], Head]:
    """Entries with their hashes, going on after a head (None: they are the first), and the new head.

    What goes on from a head that is not the house's own stays unsigned: the work goes on, and so does the
    evidence that somebody else wrote here.
    """
    hash, entries = (head.hash, head.entries) if head else (first(document), 0)
    written = []
    for body in bodies:
        hash = linked(hash, body)
        written.append(with_hash(body, hash))
    after = Head(entries + len(written), hash)
    return written, after if head and not is_own(document, head) else signed(document, after)


def signed(document: UUID, head: Head) -> Head:
    """The head with the house's signature."""
    told = _message(document, head)
    return Head(head.entries, head.hash, _signer(house_key(PURPOSE)).sign(told), _mac(told))


def is_own(document: UUID, head: Head) -> bool:
    """Whether this house wrote the head."""
    return hmac.compare_digest(head.mac, _mac(_message(document, head)))


def vouches(key: Ed25519PublicKey, document: UUID, head: Head) -> bool:
    """Whether the head was signed by whom this public key belongs to."""
    try:
        key.verify(head.signature, _message(document, head))
    except InvalidSignature:
        return False
    return True


def public_key(secret: bytes) -> bytes:
    """The public key, 32 bytes, of the house with this secret."""
    return _signer(derived(secret, PURPOSE)).public_key().public_bytes_raw()


@lru_cache(4)
def _signer(key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key[:SEED])


def _mac(told: bytes) -> bytes:
    return hmac.digest(house_key(PURPOSE)[SEED:], told, "sha256")


def _message(document: UUID, head: Head) -> bytes:
    return b"redress history\x00" + document.bytes + head.entries.to_bytes(8, "big", signed=True) + head.hash
