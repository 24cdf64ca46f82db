"""Rates: how often a caller, or an address that shows no good credentials, may ask one replica.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` tells how many requests
(`q`) fit in a window (`w` seconds), `RateLimit` how many are left (`r`) till the window ends (`t` seconds).
"""

from dataclasses import dataclass
from functools import cache
from math import ceil
from time import monotonic

from starlette.types import Scope

from shared.problems import TooManyRequests
from shared.settings import settings

ADDRESSES = 1024
"""So many counters for all addresses together, so that strangers cannot fill the memory with them."""
SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far somebody has come in their window."""

    policy: bytes
    rate: bytes

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"ratelimit-policy", self.policy), (b"ratelimit", self.rate)]


class Rate:
    """Counts requests in fixed windows, in memory: for each caller their window's beginning and number.

    `limit` is a number of requests in a unit of time, as in `6000/minute`.
    """

    def __init__(self, name: str, limit: str) -> None:
        amount, _, unit = limit.partition("/")
        self._name, self._amount, self._window = name, int(amount), SECONDS[unit]
        self._policy = f'"{name}";q={amount};w={self._window}'.encode()
        self._counted: dict[str, tuple[float, int]] = {}

    def take(self, scope: Scope, who: str) -> None:
        """Count a request, and leave in its scope how many are left. Raises TooManyRequests."""
        now = monotonic()
        began, count = self._counted.get(who, (now, 0))
        if now - began >= self._window:
            began, count = now, 0
        self._counted[who] = began, count + 1
        pause = max(1, ceil(self._window - (now - began)))
        left = max(0, self._amount - count - 1)
        scope["standing"] = Standing(self._policy, f'"{self._name}";r={left};t={pause}'.encode())
        if count >= self._amount:
            raise TooManyRequests(f"Wait {pause} seconds", retry_after=pause)


@cache
def of_callers() -> Rate:
    return Rate("caller", settings().rate_limit)


@cache
def of_addresses() -> Rate:
    """For requests without credentials, and with wrong ones: keys cannot be guessed any faster."""
    return Rate("address", settings().rate_limit)


def address(scope: Scope) -> str:
    """Where a request comes from: one of the counters for addresses."""
    return str(hash((scope.get("client") or ("",))[0]) % ADDRESSES)
