"""Survey links: a survey's id and its expiry, signed, so that a link can be neither guessed nor altered."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

from shared.problems import NotFound

VERSION = "v1"


def sign(survey: UUID, expires: datetime, key: bytes) -> str:
    """`v1.<id>.<expiry in unix seconds>.<signature>`, safe in a path."""
    body = f"{VERSION}.{_text(survey.bytes)}.{int(expires.timestamp())}"
    return f"{body}.{_text(_signature(body, key))}"


def verify(token: str, key: bytes, now: datetime) -> UUID:
    """The survey that a token opens. Raises NotFound for a forged or expired one, without telling which."""
    body, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_text(_signature(body, key)).encode(), signature.encode()):
        raise NotFound("This link is not valid (any more)")
    _, id, expires = body.split(".")
    if now >= datetime.fromtimestamp(int(expires), UTC):
        raise NotFound("This link is not valid (any more)")
    return UUID(bytes=urlsafe_b64decode(id + "=="))


def _signature(body: str, key: bytes) -> bytes:
    return hmac.digest(key, body.encode(), hashlib.sha256)[:20]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
