"""Sealing: personal data is unreadable wherever it is stored, and for good once its key is gone.

AES-SIV (RFC 5297) with 512-bit keys: the same text under the same key for the same place gives the same
bytes, so that a state that has not changed is not written again. `about` is the place, and belongs to the
seal: in another document or field the same text gives other bytes, and bytes that were moved there cannot be
unsealed. The house's own key seals the keys of persons, what services keep for their work, and private events
in an outbox.
"""

import base64
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BeforeValidator, PlainSerializer, SerializationInfo, ValidationInfo
from pydantic_core import from_json, to_json

KEY_BITS = 512
RECENT = 16
"""Keys that are ready for use: to make one so takes longer than to seal a name with it."""
_ZERO = b"\x00"
_house: dict[str, bytes] = {}


class Unsealable(ValueError):
    """These bytes were not sealed under this key for this place, or were changed since."""


def use_house_key(secret: bytes) -> None:
    """Name the secret from which the house's keys are derived; a service does so before anything else."""
    _house.clear()
    _house["secret"] = secret


def house_key(purpose: str) -> bytes:
    """The house's key for one purpose (HKDF, RFC 5869). Raises RuntimeError if none was named."""
    if "secret" not in _house:
        raise RuntimeError("no house key: call use_house_key first")
    if purpose not in _house:
        _house[purpose] = derived(_house["secret"], purpose)
    return _house[purpose]


def derived(secret: bytes, purpose: str) -> bytes:
    """The key for one purpose that follows from a house's secret."""
    return HKDF(hashes.SHA256(), KEY_BITS // 8, salt=None, info=purpose.encode()).derive(secret)


def new_key() -> bytes:
    """A random key."""
    return AESSIV.generate_key(KEY_BITS)


def seal(content: bytes, key: bytes, about: str) -> bytes:
    """The content sealed, 16 bytes longer; what is empty or nothing but zeros grows by one more."""
    padded = content if content.strip(_ZERO) else content + _ZERO
    return _cipher(key).encrypt(padded, [about.encode()])


def unseal(sealed: bytes, key: bytes, about: str) -> bytes:
    """What was sealed. Raises Unsealable."""
    try:
        content = _cipher(key).decrypt(sealed, [about.encode()])
    except (InvalidTag, ValueError):
        raise Unsealable(f"cannot be unsealed: {about}") from None
    return content if content.strip(_ZERO) else content[:-1]


@lru_cache(RECENT)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(key)


def seal_text(text: str, key: bytes, about: str) -> str:
    """The same for text, as text."""
    return base64.b64encode(seal(text.encode(), key, about)).decode()


def unseal_text(sealed: str, key: bytes, about: str) -> str:
    """What `seal_text` sealed. Raises Unsealable."""
    try:
        whole = base64.b64decode(sealed, validate=True)
    except ValueError:
        raise Unsealable(f"cannot be unsealed: {about}") from None
    return unseal(whole, key, about).decode()


def at_rest(field: str) -> tuple[BeforeValidator, PlainSerializer]:
    """`Annotated[T, *at_rest("field")]` in a state: sealed under the house's key wherever it is stored.

    Whoever dumps a state as JSON, or validates a stored one, gives its document's id as `context`. So nobody
    can tell from two documents whether they hold the same, and what lies in one means nothing in another.
    Inside one document equal values of a field do look alike. A random salt would hide that too, but every
    save would write what has not changed: of a complaint's whole way notify would write 48 KB instead of 36.
    Dumping without the id raises pydantic's PydanticSerializationError; reading without it opens nothing, and
    what is sealed is no text.
    """

    def opened(stored: Any, info: ValidationInfo) -> Any:
        """A stored value as it was; one that comes from elsewhere, so for no document yet, stays as it is."""
        if isinstance(stored, dict) and stored.keys() == {"sealed"} and info.context is not None:
            return from_json(unseal(base64.b64decode(stored["sealed"]), house_key("at rest"), place(info)))
        return stored

    def closed(value: Any, info: SerializationInfo) -> dict[str, str]:
        return {"sealed": base64.b64encode(seal(to_json(value), house_key("at rest"), place(info))).decode()}

    def place(info: ValidationInfo | SerializationInfo) -> str:
        if not isinstance(info.context, UUID):
            raise Unsealable("give the document's id as context")
        return f"{info.context}/{field}"

    return BeforeValidator(opened), PlainSerializer(closed, when_used="json-unless-none")
