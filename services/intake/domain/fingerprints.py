"""Fingerprints: the same customer is known again on another channel, without being known by name."""

import hmac
import re
from collections.abc import Iterator

from services.intake.domain.forms import Complainant

COMPARED_DIGITS = 10
"""Of a telephone number the last digits, so that it is the same with and without a country's prefix."""


def fingerprints(complainant: Complainant, key: bytes) -> tuple[str, ...]:
    """A keyed hash (HMAC-SHA-256) for each way to reach the customer, written as people write it or not."""
    return tuple(hmac.digest(key, way.encode(), "sha256").hex() for way in sorted(set(_ways(complainant))))


def _ways(complainant: Complainant) -> Iterator[str]:
    if complainant.email:
        yield f"email {complainant.email.casefold()}"
    if complainant.phone and not re.search(r"[*xX]", complainant.phone):
        yield f"phone {re.sub(r'[^0-9]', '', complainant.phone)[-COMPARED_DIGITS:]}"
    if complainant.address:
        yield f"address {_plain(complainant.name)} {_plain(complainant.address)}"


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
