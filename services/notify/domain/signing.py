"""Signatures of webhooks: made with every secret of an endpoint, and checked as a subscriber checks them.

Source: Standard Webhooks 1.0.0, symmetric signatures (`v1`): HMAC-SHA-256 over id, timestamp and body.
"""

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime

PREFIX, VERSION = "whsec_", "v1"
SECRET_BYTES = 32
TOLERANCE_S = 300
"""How far the timestamp of a genuine message may be from now, either way."""
STAMP_LENGTH = 12
"""Digits of seconds, until the year 33658."""


def secret_text(random: bytes) -> str:
    """Random bytes as a secret is written."""
    return PREFIX + base64.b64encode(random).decode()


def key_of(secret: str) -> bytes:
    """The key that a secret stands for, with its prefix or without. Raises ValueError for none."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    if not key:
        raise ValueError("an empty secret signs nothing")
    return key


def sign(secrets: Iterable[str], id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret, parted by spaces."""
    message = f"{id}.{timestamp}.".encode() + body
    return " ".join(f"{VERSION},{_digest(secret, message)}" for secret in secrets)


def _digest(secret: str, message: bytes) -> str:
    return base64.b64encode(hmac.digest(key_of(secret), message, "sha256")).decode()


def fault(
    secrets: Iterable[str],
    id: str | None,
    timestamp: str | None,
    signature: str | None,
    body: bytes,
    now: datetime,
) -> str | None:
    """What is wrong with a message that claims to be genuine; None if it is."""
    if not id or not timestamp or not signature:
        return "a header is missing: webhook-id, webhook-timestamp and webhook-signature are needed"
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= STAMP_LENGTH):
        return "webhook-timestamp is not a number of seconds"
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
        return f"webhook-timestamp is more than {TOLERANCE_S} seconds from now"
    given = [each.encode("utf-8", "replace") for each in signature.split()]
    right = [each.encode() for each in sign(secrets, id, int(timestamp), body).split()]
    if any(hmac.compare_digest(one, other) for one in given for other in right):
        return None
    return "no signature fits: another secret, or the id, the timestamp or the body was changed"
