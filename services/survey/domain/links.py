"""Survey links: a survey's id and its expiry, signed, so that a link can be neither guessed nor altered."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from uuid import UUID

VERSION = "v1"


def sign(survey: UUID, expires: datetime, key: bytes) -> str:
    """`v1.<id>.<expiry in unix seconds>.<signature>`, safe in a path."""
    body = f"{VERSION}.{_text(survey.bytes)}.{int(expires.timestamp())}"
    return f"{body}.{_text(_signature(body, key))}"


def opens(token: str, key: bytes) -> UUID | None:
    """The survey that a token was signed for, whether or not it is over; None for any other text.

    The signature is compared as text, so that no other spelling of the same bytes passes.
    """
    if not token.isascii():
        return None
    body, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_text(_signature(body, key)), signature):
        return None
    return UUID(bytes=urlsafe_b64decode(body.split(".")[1] + "=="))


def _signature(body: str, key: bytes) -> bytes:
    return hmac.digest(key, body.encode(), hashlib.sha256)[:20]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
