"""Rates: how often a caller, or an address that shows no good credentials, may ask one replica.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` tells how many requests
(`q`) fit in a window (`w` seconds), `RateLimit` how many are left (`r`) till the window ends (`t` seconds).
"""

from dataclasses import dataclass
from functools import cache
from math import ceil

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.types import Scope

from shared import clock
from shared.problems import TooManyRequests
from shared.settings import settings

ADDRESSES = 1024
"""So many counters for all addresses together: the library looks through all that it has at each request."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far somebody has come in their window."""

    policy: bytes
    rate: bytes

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"ratelimit-policy", self.policy), (b"ratelimit", self.rate)]


class Rate:
    """Counts requests in fixed windows, in memory."""

    def __init__(self, name: str, limit: str) -> None:
        self._item = parse(limit)
        self._name = name
        self._policy = f'"{name}";q={self._item.amount};w={self._item.get_expiry()}'.encode()
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def take(self, scope: Scope, who: str) -> None:
        """Count a request, and leave in its scope how many are left. Raises TooManyRequests."""
        allowed = await self._limiter.hit(self._item, who)
        pause = await self._tell(scope, who)
        if not allowed:
            raise TooManyRequests(f"Wait {pause} seconds", retry_after=pause)

    async def _tell(self, scope: Scope, who: str) -> int:
        left = await self._limiter.get_window_stats(self._item, who)
        till_end = ceil(left.reset_time - clock.machine_now().timestamp())
        pause = min(max(1, till_end), self._item.get_expiry())
        told = f'"{self._name}";r={left.remaining};t={pause}'.encode()
        scope["standing"] = Standing(self._policy, told)
        return pause


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
