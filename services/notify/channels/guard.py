"""The guard: webhooks connect only to addresses that were checked, whatever a name says a moment later.

A name is resolved here, every address is checked, and the connection goes to one of those very addresses;
TLS is still verified against the name. Lookups have threads of their own, one at a time for each name, so
that a name server that does not answer holds up its own names alone; those that requests ask for have others
than those of deliveries, and each caller few of them.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpcore
import httpx

from services.notify.domain.addresses import Network, is_usual, is_within, may_reach, networks, plain
from shared.problems import Fault, Invalid, TooManyRequests
from shared.settings import settings

Resolver = Callable[[str, int], Awaitable[list[str]]]
LOOKUPS, CHECKS, CHECKS_OF_ONE = 64, 32, 2
LOOKUP_S, CONNECT_S = 5.0, 5.0
LONGEST_URL = 2_000


class Refused(Exception):
    """A place that webhooks may not reach; its words are for the owner of the endpoint."""


class Crowded(Exception):
    """No thread is free for a lookup, which says nothing of the name."""


def allowed() -> tuple[Network, ...]:
    """The private networks that the operator lets webhooks reach."""
    return networks(settings().webhook_networks)


class Lookups:
    """Lookups of names: so many at a time until they have ended, and so many of one caller."""

    def __init__(self, most: int, of_one: int) -> None:
        self._threads = ThreadPoolExecutor(most, "lookup")
        self._most, self._of_one = most, of_one
        self._asked: dict[tuple[str, str, int], asyncio.Future[list[str]]] = {}

    async def resolve(self, host: str, port: int, by: str = "") -> list[str]:
        """Every address of a name. Raises OSError, Crowded."""
        key, loop = (by, host, port), asyncio.get_running_loop()
        under_way = {each: asked for each, asked in self._asked.items() if asked.get_loop() is loop}
        asked = under_way.get(key)
        if asked is None:
            own = sum(caller == by for caller, *_ in under_way)
            if len(under_way) >= self._most or own >= self._of_one:
                raise Crowded
            asked = self._asked[key] = loop.run_in_executor(self._threads, _look_up, host, port)
            asked.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(asked)

    def _forget(self, key: tuple[str, str, int], done: "asyncio.Future[list[str]]") -> None:
        self._asked.pop(key, None)
        if not done.cancelled():
            done.exception()


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


resolve = Lookups(LOOKUPS, LOOKUPS).resolve
_checks = Lookups(CHECKS, CHECKS_OF_ONE)


async def checked(host: str, port: int, resolver: Resolver, *, tls: bool) -> list[str]:
    """The addresses of a name, all of which may be reached. Raises Refused, and what the resolver raises."""
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await resolver(host, port)
    except TimeoutError:
        raise Refused("the name could not be looked up in time") from None
    except (OSError, UnicodeError):
        raise Refused("the name has no address") from None
    private = allowed()
    if not found or not all(may_reach(each, private, tls=tls) for each in found):
        raise Refused("the name leads to an address that webhooks may not reach")
    if not is_usual(port) and not all(is_within(plain(each), private) for each in found):
        raise Refused("webhooks go to port 443, or to one from 1024 on")
    return found


class Guarded(httpcore.AsyncNetworkBackend):
    """Connections to checked addresses, for one kind of URL: with TLS or without."""

    def __init__(self, resolver: Resolver, *, tls: bool) -> None:
        self._resolver = resolver
        self._tls = tls
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises Refused, or what the library raises for a connection that fails."""
        addresses = await checked(host, port, self._resolver, tls=self._tls)
        return await self._first(addresses, port, local_address)

    async def _first(
        self, addresses: Sequence[str], port: int, local_address: str | None
    ) -> httpcore.AsyncNetworkStream:
        """The first address that answers; the time is for all of them together."""
        error: Exception = httpcore.ConnectError("no address")
        each = CONNECT_S / len(addresses)
        for address in addresses:
            try:
                return await self._plain.connect_tcp(address, port, each, local_address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def check(url: str, by: str, resolver: Resolver | None = None) -> None:
    """Whether webhooks may go to a URL as its name is resolved now.

    Raises Invalid, naming the mend, and TooManyRequests while other lookups have not ended.
    """
    try:
        found = httpx.URL(url)
        fault = _fault(url, found)
        if fault is None:
            tls = found.scheme == "https"
            port = (443 if tls else 80) if found.port is None else found.port
            await checked(found.host, port, resolver or partial(_checks.resolve, by=by), tls=tls)
    except httpx.InvalidURL:
        fault = "give a URL such as https://example.com/hooks"
    except Refused as refused:
        fault = str(refused)
    except Crowded:
        raise TooManyRequests("Other names are still being looked up; try again in a minute") from None
    if fault is not None:
        raise Invalid("Webhooks cannot be sent there", [Fault(detail=fault, pointer="#/url")])


def _fault(text: str, url: httpx.URL) -> str | None:
    """What is wrong with the URL itself."""
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        return f"give at most {LONGEST_URL} visible ASCII characters (names in punycode, the rest in %XX)"
    if url.scheme not in ("https", "http") or not url.host:
        return "give a URL that begins with https://"
    if url.userinfo:
        return "give it without a user name and password: every message is signed"
    if url.fragment:
        return "give it without a fragment"
    if url.scheme == "http" and not allowed():
        return "give a URL that begins with https://"
    return None
