"""Whether sick endpoints of webhooks hold up the others: 200 of them, 20 hang and 20 answer 500.

The same events go through the broker to notify's processes and on to endpoints on this machine, first with
all endpoints well, then with the sick ones. Each endpoint belongs to a partner and must get the events of its
own complaints, every one of them, and no other. The delay is from an event's publication to its arrival.
"""

import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Annotated, cast
from uuid import UUID, uuid4, uuid5

import httpx
import typer
import uvloop

from bench.measure import Client
from deploy.local.endpoints import Endpoints
from deploy.local.install import Failed, install
from deploy.local.servers import Servers
from deploy.local.system import NotReady, System
from shared import clock
from shared.bus import EVENTS, PRIVATE, Parcel, Publisher
from shared.envelope import Cause, batch, to_cloudevent
from shared.events import ContactRecorded, EvidenceAdded, Fact

COMPLAINTS = 5
"""Of each partner."""
QUIET_S, PATIENCE_S = 5.0, 600.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SICK = b"HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n"
PARTNERS = UUID("9f1b6a52-7f0c-5d3e-8a53-2b1a5f4e6c10")


class Wrong(Exception):
    """Something was lost, or came where it does not belong."""


@dataclass
class Arrivals:
    """What came to which endpoint when, and how the endpoints behave."""

    hang: frozenset[int] = frozenset()
    fail: frozenset[int] = frozenset()
    at: dict[tuple[int, str], float] = field(default_factory=dict)
    calls: Counter[int] = field(default_factory=Counter)

    @property
    def sick(self) -> frozenset[int]:
        return self.hang | self.fail

    def take(self, endpoint: int, body: bytes) -> bytes:
        """Note an arrival; the answer, or nothing from one that hangs."""
        self.calls[endpoint] += 1
        if endpoint in self.hang:
            return b""
        if endpoint in self.fail:
            return SICK
        self.at.setdefault((endpoint, json.loads(body)["id"]), monotonic())
        return OK


class _Session(asyncio.Protocol):
    """A connection to any of the endpoints: they are told apart by their paths."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals, self._buffer = arrivals, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            endpoint = int(head.split(b" ", 2)[1].rpartition(b"/")[2])
            self._transport.write(self._arrivals.take(endpoint, rest[:length]))


@dataclass(frozen=True)
class Figures:
    """What a run came to: delays in seconds at endpoints that are well, and their rate."""

    delays: Sequence[float]
    took: float

    def share(self, part: float) -> float:
        return sorted(self.delays)[min(len(self.delays) - 1, int(part * len(self.delays)))]


@dataclass(frozen=True)
class Field:
    """The partners' endpoints, what is behind them, and the way to have something happen."""

    system: System
    publisher: Publisher
    arrivals: Arrivals
    endpoints: int

    def partner_of(self, event: int) -> int:
        return event % self.endpoints

    def complaint_of(self, event: int) -> UUID:
        return complaint(event % self.endpoints, event // self.endpoints % COMPLAINTS)

    async def publish(self, exchange: str, happened: Sequence[Cause[Fact]]) -> None:
        kind = happened[0].type
        body = batch([to_cloudevent(each, each.id) for each in happened])
        (taken,) = await self.publisher.publish([Parcel(exchange, kind, kind, body)])
        if not taken:
            raise Wrong("the broker did not take an event")


def complaint(partner: int, number: int) -> UUID:
    return uuid5(PARTNERS, f"{partner} {number}")


def happened(complaint: UUID, fact: Fact) -> Cause[Fact]:
    return Cause(uuid4(), complaint, "RC-TESTTESTAA", clock.now(), "intake", fact, 1, type=fact.type)


def name_of(partner: int) -> str:
    return f"partner-{partner}"


def keys(count: int) -> str:
    """The setting: each partner's key is its name."""
    names = [name_of(each) for each in range(count)]
    return json.dumps({name: {"keys": [{"digest": sha256(name.encode()).hexdigest()}]} for name in names})


@asynccontextmanager
async def prepared(servers: Endpoints, folder: Path, endpoints: int, replicas: int) -> AsyncIterator[Field]:
    """Notify's processes, with a partner for each endpoint, whose complaints they know."""
    arrivals = Arrivals()
    listening = await asyncio.get_running_loop().create_server(lambda: _Session(arrivals), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    environment = {"REDRESS_API_KEYS": keys(endpoints), "REDRESS_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    system = System(servers, folder, environment)
    publisher = Publisher(servers.amqp_url("intake"), "intake")
    names = ["notify", *(f"notify-{each}" for each in range(2, replicas + 1))]
    try:
        for name in names:
            system.launch("notify", name)
        await system.ready(names)
        found = Field(system, publisher, arrivals, endpoints)
        await _register(found, f"http://127.0.0.1:{port}")
        await _tell_who_handed_in(found)
        await asyncio.sleep(2)
        yield found
    finally:
        await publisher.close()
        await system.stop()
        listening.close()


async def _register(at: Field, url: str) -> None:
    address = f"{at.system.url('notify')}/v1/webhooks"
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for partner in range(at.endpoints):
            body = {"url": f"{url}/{partner}", "types": ["complaint.*.v1"]}
            headers = {"Authorization": f"Bearer {name_of(partner)}"}
            (await client.post(address, json=body, headers=headers)).raise_for_status()


async def _tell_who_handed_in(at: Field) -> None:
    for partner in range(at.endpoints):
        contact = ContactRecorded(name="Ann Example", partner=name_of(partner))
        told = [happened(complaint(partner, number), contact) for number in range(COMPLAINTS)]
        await at.publish(PRIVATE, told)


async def run(at: Field, events: int, rate: float, sick: tuple[int, int] = (0, 0)) -> Figures:
    """So many events, evenly over all complaints; (hanging, failing) endpoints among them. Raises Wrong."""
    hang, fail = frozenset(range(sick[0])), frozenset(range(sick[0], sum(sick)))
    at.arrivals.hang, at.arrivals.fail = hang, fail
    at.arrivals.at.clear()
    at.arrivals.calls.clear()
    began, published = monotonic(), dict[str, tuple[int, float]]()
    for event in range(events):
        await asyncio.sleep(max(0.0, began + event / rate - monotonic()))
        told = happened(at.complaint_of(event), EvidenceAdded(number=event, media_type="text/plain", size=1))
        published[str(told.id)] = (at.partner_of(event), monotonic())
        await at.publish(EVENTS, [told])
    due = {(partner, id) for id, (partner, _) in published.items() if partner not in at.arrivals.sick}
    await _until_all(at.arrivals, due)
    took = max(at.arrivals.at.values()) - began
    strangers = [each for each in at.arrivals.at if each not in due]
    if strangers:
        raise Wrong(f"{len(strangers)} deliveries to a wrong endpoint")
    return Figures([at.arrivals.at[partner, id] - published[id][1] for partner, id in due], took)


async def _until_all(arrivals: Arrivals, due: set[tuple[int, str]]) -> None:
    ended = monotonic() + PATIENCE_S
    while missing := due - arrivals.at.keys():
        if monotonic() > ended:
            raise Wrong(f"{len(missing)} of {len(due)} events did not arrive")
        await asyncio.sleep(0.2)


async def kept(servers: Endpoints, at: Field, events: int) -> int:
    """The events that wait for the sick endpoints, none of which may be missing. Raises Wrong."""
    expected = sum(at.partner_of(event) in at.arrivals.sick for event in range(events))
    async with Client(servers.admin_mongo_url, uuidRepresentation="standard") as database:
        found = await database["notify"]["notices"].count_documents({"webhook_state": "waiting"})
    if found != expected:
        raise Wrong(f"{found} events wait for the sick endpoints, not {expected}")
    return found


def line(title: str, found: Figures) -> str:
    p50, p99 = found.share(0.5) * 1_000, found.share(0.99) * 1_000
    rate = len(found.delays) / found.took
    return f"{title:12} {len(found.delays):6} delivered  p50 {p50:6.0f} ms  p99 {p99:6.0f} ms  {rate:5.0f}/s"


async def compare(folder: Path, endpoints: int, events: int, rate: float, replicas: int) -> float:
    """Both runs on the same processes; the ratio of their p99."""
    servers = await Servers.start(folder / "servers")
    tenth = endpoints // 10
    try:
        async with prepared(servers, folder / "services", endpoints, replicas) as at:
            await run(at, endpoints, rate)
            well = await run(at, events, rate)
            print(line("all well", well), flush=True)
            await asyncio.sleep(QUIET_S)
            sick = await run(at, events, rate, (tenth, tenth))
            print(line("with sick", sick), flush=True)
            ill = sum(at.arrivals.calls[each] for each in at.arrivals.sick)
            waiting = await kept(servers, at, events)
            print(f"{2 * tenth} sick endpoints: {ill} attempts, {waiting} events wait for them, none lost")
    finally:
        await servers.stop()
    ratio = sick.share(0.99) / well.share(0.99)
    print(
        f"endpoints={endpoints} events={events} lost=0 wrong=0 p50={sick.share(0.5) / well.share(0.5):.2f} "
        f"p99={ratio:.2f} times that of the run without sick ones"
    )
    return ratio


def main(
    endpoints: Annotated[int, typer.Option(help="Endpoints, a tenth hangs, a tenth fails.", min=10)] = 200,
    n: Annotated[int, typer.Option("--n", help="Events of each run.", min=100)] = 10_000,
    rate: Annotated[float, typer.Option(help="Events a second.", min=1)] = 100,
    replicas: Annotated[int, typer.Option(help="Processes of notify.", min=1)] = 1,
) -> None:
    """Measure delays at healthy endpoints with and without sick ones beside them."""
    try:
        install()
        with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
            uvloop.run(compare(Path(folder), endpoints, n, rate, replicas))
    except (Failed, NotReady, Wrong) as reason:
        sys.exit(f"bench: {reason}")


if __name__ == "__main__":
    typer.run(main)
