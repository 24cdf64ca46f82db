"""The wire: a real service process, spoken to by callers who are slow, greedy, many, or speak no HTTP.

They come from 127.0.0.2, so that their share of the connections is theirs alone; everybody else must be
served all the while.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

import httpx
from hypothesis import strategies as st

from tests.hostile.drawing import tried
from tests.hostile.tally import Tally

STRANGER = ("127.0.0.2", 0)
CUT_S = 100
"""By then every slow connection must be gone; the service itself allows 10 s for a head, 30 s for a pause."""
ANSWER_S = 60
AT_ONCE_S = 8
"""Whoever is gone by then was not waited for: that takes ten seconds."""
HELD = "neither answered nor cut"
GONE = (ConnectionError, asyncio.IncompleteReadError, BrokenPipeError)


@dataclass(frozen=True)
class Door:
    """Where a service listens."""

    url: str

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        at = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port, local_addr=STRANGER)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def serves(self) -> bool:
        """Whether an ordinary caller is answered."""
        async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False) as client:
            return (await client.get(f"{self.url}/health/live")).status_code == 200


async def _drip(door: Door, first: bytes, drop: bytes, pause: float) -> bool:
    """Send a drop now and then; whether the service puts an end to it."""
    try:
        async with asyncio.timeout(CUT_S), door.connected() as (reader, writer):
            writer.write(first)
            cut = asyncio.ensure_future(reader.read())
            while not cut.done():
                await asyncio.wait([cut], timeout=pause)
                with suppress(*GONE):
                    writer.write(drop)
                    await writer.drain()
            with suppress(*GONE):
                cut.result()
    except GONE:
        return True
    except TimeoutError:
        return False
    return True


async def _meanwhile(door: Door, tally: Tally, attack: Awaitable[list[bool]]) -> None:
    """All the while, others are served; in the end nobody is left."""
    under_way = asyncio.ensure_future(attack)
    while not under_way.done():
        if not await door.serves():
            tally.wrong("an ordinary caller was not served")
        await asyncio.wait([under_way], timeout=0.5)
    left = under_way.result().count(False)
    if left:
        tally.wrong("connections were held", left)


HEAD = b"POST /v1/nothing HTTP/1.1\r\nHost: a\r\n"
DRIPS: dict[str, tuple[bytes, bytes]] = {
    "heads that drip": (HEAD + b"X-Slow: ", b"x"),
    "nothing at all": (b"", b""),
    "line ends without a request": (b"", b"\r\n"),
    "a second head that drips": (b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\nGET /he", b"x"),
    "bodies that drip": (HEAD + b"Content-Length: 60000\r\n\r\n", b"x"),
    "chunks that drip": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "half a body": (HEAD + b"Content-Length: 60000\r\n\r\nhalf", b""),
    "extensions of a chunk without end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 4_096),
}
SOON = {name: DRIPS[name] for name in ("heads that drip", "nothing at all", "a second head that drips")}
"""Those who are cut after the ten seconds that a head may take."""


async def slow(door: Door, many: int, kinds: dict[str, tuple[bytes, bytes]] = DRIPS) -> Tally:
    """So many connections of each kind at once, a drop every half second."""
    tally = Tally("slow callers, others served meanwhile", many * len(kinds))
    drips = [_drip(door, first, drop, 0.5) for first, drop in kinds.values() for _ in range(many)]
    await _meanwhile(door, tally, asyncio.gather(*drips))
    return tally


async def crowd(door: Door, many: int, let_in: int) -> Tally:
    """So many connections from one address, none of which says anything; all but some are turned away."""
    tally, turned_away = Tally("idle connections from one address", many), 0

    async def one() -> bool:
        nonlocal turned_away
        began = monotonic()
        gone = await _drip(door, b"", b"", 5)
        turned_away += gone and monotonic() - began < AT_ONCE_S
        return gone

    await _meanwhile(door, tally, asyncio.gather(*(one() for _ in range(many))))
    if turned_away < many - let_in:
        tally.wrong(f"only {turned_away} of {many} connections were turned away at once")
    return tally


# what is no HTTP, or too much of it

LONG = b"x" * 70_000
ODD = [
    b"\x00" * 100, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n", b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /%ff%00%2e%2e/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /" + LONG + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: " + LONG + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    HEAD + b"Content-Length: 999999999999999\r\n\r\n", HEAD + b"Content-Length: -1\r\n\r\n",
    HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", HEAD + b"Content-Length: 1e3\r\n\r\n",
    HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"ffff\r\n" + b"x" * 65_535 + b"\r\n") * 40,
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"T: " + LONG + b"\r\n" * 2,
    HEAD + b"Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Type: \xff\xfe\r\n"
    b"Authorization: Bearer \xff\r\nCookie: redress=\xff\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\ntraceparent: " + b"0" * 20_000 + b"\r\n"
    b"Accept-Language: " + b"a,;q=" * 4_000 + b"\r\n\r\n",
]  # fmt: skip
PLAIN = HEAD + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Bytes that are almost a request, and that the caller then leaves at that."""
    text = draw(st.sampled_from([*ODD, PLAIN, PLAIN, PLAIN]))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, min(len(text), 400)))
        match draw(st.sampled_from(("flip", "insert", "cut"))):
            case "flip" if at < len(text):
                text = text[:at] + bytes([text[at] ^ 1 << draw(st.integers(0, 7))]) + text[at + 1 :]
            case "insert":
                text = (
                    text[:at]
                    + draw(st.sampled_from((b"\r\n", b"\n", b"\x00", b":", b" ", b"\xff", b"0")))
                    + text[at:]
                )
            case "cut":
                text = text[:at]
    return text


async def _asked(door: Door, text: bytes) -> str | None:
    """What is wrong with the answer, if anything; the caller says all, and then no more."""
    told = b""
    try:
        async with asyncio.timeout(ANSWER_S), door.connected() as (reader, writer):
            writer.write(text)
            writer.write_eof()
            told = await reader.read(64)
    except GONE:
        return None
    except TimeoutError:
        return HELD
    status = told[9:12]
    if told and (not told.startswith(b"HTTP/1.1 ") or status >= b"500"):
        return f"answered {told[:40]!r}"
    return None


async def odd(door: Door, examples: int, chance: int) -> Tally:
    """Requests that are none."""
    tally = Tally("malformed and oversized requests")

    async def attempt(text: bytes) -> str | None:
        return await _asked(door, text)

    for text in ODD:
        tally.inputs += 1
        if how := await attempt(text):
            tally.wrong(how, text)
    await tried(tally, examples, chance, requests(), attempt)
    if not await door.serves():
        tally.wrong("the service is no longer served")
    return tally
