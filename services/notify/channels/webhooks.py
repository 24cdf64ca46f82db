"""Webhooks: one attempt to hand an event to an endpoint, signed, bounded in time and in what is read.

Success is 2xx and nothing else. Redirects are not followed and no proxy is used. What the endpoint answers
is read for a moment so that the connection can serve again, and thrown away.
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from time import monotonic
from uuid import UUID

import httpcore
import httpx
from prometheus_client import Counter, Gauge

from services.notify.channels.guard import CONNECT_S, Crowded, Guarded, Refused, Resolver, resolve
from services.notify.domain.deliveries import LONGEST_WAIT_S, Attempt, Delivery, Outcome
from services.notify.domain.signing import sign
from shared import clock
from shared.calling import RESET

ATTEMPTS = Counter("redress_webhook_attempts_total", "Attempts to deliver webhooks, by outcome", ["outcome"])
WAITING = Gauge("redress_webhooks_waiting", "Deliveries to enabled endpoints that have not ended")
ATTEMPT_S, READ_S = 15.0, 1.0
MOST_READ = 65_536
IDLE_S = 20.0
KEPT_OPEN, POOLS = 3, 1_000
AGENT = "Redress-Webhooks/1"


class Sender:
    """Connections to endpoints, kept for a while: a small pool for each, so that none waits for another's."""

    def __init__(self, resolver: Resolver, trust: ssl.SSLContext) -> None:
        self._resolver, self._trust = resolver, trust
        self._pools: OrderedDict[tuple[UUID, bool], httpcore.AsyncConnectionPool] = OrderedDict()

    async def _pool(self, endpoint: UUID, *, tls: bool) -> httpcore.AsyncConnectionPool:
        """The pool of an endpoint; the one that was used longest ago gives way if it is not in use."""
        found = self._pools.get((endpoint, tls))
        if found is None:
            found = self._pools[endpoint, tls] = httpcore.AsyncConnectionPool(
                ssl_context=self._trust,
                max_connections=None,
                max_keepalive_connections=KEPT_OPEN,
                keepalive_expiry=IDLE_S,
                network_backend=Guarded(self._resolver, tls=tls),
            )
        self._pools.move_to_end((endpoint, tls))
        if len(self._pools) > POOLS:
            key, oldest = next(iter(self._pools.items()))
            if all(each.is_idle() for each in oldest.connections):
                del self._pools[key]
                await oldest.aclose()
        return found

    async def attempt(self, id: UUID, delivery: Delivery, url: str, secrets: Sequence[str]) -> Outcome | None:
        """Send it once, and tell how that ended; nothing if it was not tried, for want of a lookup."""
        at, began = clock.machine_now(), monotonic()
        status, reason, wait = None, None, 0.0
        try:
            async with asyncio.timeout(ATTEMPT_S):
                status, wait = await self._send(id, delivery, url, secrets, at)
        except Crowded:
            return None
        except TimeoutError:
            reason = f"no answer within {ATTEMPT_S:.0f} s"
        except Refused as refused:
            reason = f"not sent: {refused}"
        except (httpcore.ConnectError, httpcore.ConnectTimeout, ssl.SSLError) as error:
            reason = f"no connection ({type(error).__name__})"
        except RESET:
            reason = "no connection (ConnectError)"
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            reason = f"the connection broke ({type(error).__name__})"
        except (httpcore.UnsupportedProtocol, httpx.InvalidURL, ValueError) as error:
            reason = f"not sent ({type(error).__name__})"
        if status is not None:
            reason = _reason(status)
        ATTEMPTS.labels(_word(status, reason)).inc()
        tried = Attempt(at=at, ms=round((monotonic() - began) * 1_000), status=status, reason=reason)
        return Outcome(attempt=tried, delivered=reason is None, gone=status == 410, wait=wait)

    async def _send(
        self, id: UUID, delivery: Delivery, url: str, secrets: Sequence[str], at: datetime
    ) -> tuple[int, float]:
        """The status of the answer, and how long the endpoint wants to be left alone."""
        timestamp, body = int(at.timestamp()), delivery.body.encode()
        target = httpx.URL(url)
        headers: dict[str | bytes, str | bytes] = {
            "host": target.netloc.decode(),
            "content-type": "application/cloudevents+json",
            "user-agent": AGENT,
            "webhook-id": str(id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(secrets, str(id), timestamp, body),
        }
        pool = await self._pool(delivery.endpoint, tls=target.scheme == "https")
        limits = {"connect": CONNECT_S, "read": ATTEMPT_S, "write": ATTEMPT_S, "pool": ATTEMPT_S}
        made = httpcore.URL(
            scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path
        )
        async with pool.stream(
            "POST", made, headers=headers, content=body, extensions={"timeout": limits}
        ) as answer:
            found = answer.status, waits(answer.headers, at)
            await _thrown_away(answer)
        return found

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


async def _thrown_away(answer: httpcore.Response) -> None:
    """Read a little, a moment long; what is more than that costs the endpoint its connection."""
    size = 0
    try:
        async with asyncio.timeout(READ_S):
            async for chunk in answer.aiter_stream():
                size += len(chunk)
                if size > MOST_READ:
                    return
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        return


def waits(headers: Sequence[tuple[bytes, bytes]], now: datetime) -> float:
    """Seconds that a `Retry-After` asks for, in either of its forms, up to the longest that is heard."""
    said = next((value.decode("latin-1") for name, value in headers if name.lower() == b"retry-after"), "")
    if said.isascii() and said.isdigit():
        seconds = float(said[:9])
    else:
        try:
            then = parsedate_to_datetime(said)
            seconds = (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()
        except ValueError:
            seconds = 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def _reason(status: int) -> str | None:
    """Why an answer is no success."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"it answered {status}; redirects are not followed"
    return f"it answered {status}"


def _word(status: int | None, reason: str | None) -> str:
    """An outcome as a metric names it."""
    if status is not None:
        return "delivered" if reason is None else f"{status // 100}xx"
    if reason is not None and reason.startswith("not sent"):
        return "refused"
    return "timeout" if reason is not None and reason.startswith("no answer") else "unreachable"


@cache
def sender() -> Sender:
    """The one of this process."""
    return Sender(resolve, httpx.create_ssl_context())
