"""Mails under kill -9: notify dies at random points while it sends, and every notice must still arrive.

The mail server is a real one that keeps a ledger of the Message-IDs it has accepted; each is one notice's.
"""

import asyncio
import random
import secrets
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, cast
from uuid import UUID, uuid4

import typer
from aiosmtpd.smtp import SMTP, Envelope, Session
from pymongo import AsyncMongoClient

from deploy.local.endpoints import Endpoints
from deploy.local.install import Failed, install
from deploy.local.outside import MailServer
from deploy.local.servers import Servers
from deploy.local.system import System
from services.notify.domain.notices import hear
from services.notify.store.notices import notices
from services.notify.ticker.lanes import UNRECORDED
from shared import clock, sealing
from shared.envelope import Cause
from shared.events import ComplaintRegistered, ContactRecorded, Fact

LOADED_AT_ONCE = 500
PATIENCE_S = 600


class Ledger(MailServer):
    """A mail server that writes down what it has accepted, before it says so."""

    def __init__(self) -> None:
        self.arrivals: Counter[UUID] = Counter()
        self._milestones: list[tuple[int, asyncio.Event]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(cast(bytes, envelope.content))
        self.arrivals[UUID(str(mail["Message-ID"]).strip("<>").partition("@")[0])] += 1
        for count, event in self._milestones:
            if len(self.arrivals) >= count:
                event.set()
        return "250 written down"

    async def until(self, count: int, seconds: float) -> bool:
        """Wait for so many different mails; false if they do not come in time."""
        event = asyncio.Event()
        self._milestones.append((count, event))
        if len(self.arrivals) < count:
            try:
                await asyncio.wait_for(event.wait(), seconds)
            except TimeoutError:
                return False
        return True


@dataclass
class Outcome:
    """What arrived of `wanted` notices; `said` counts notices by state in the record."""

    wanted: set[UUID]
    arrivals: Counter[UUID]
    kills: int
    seconds: float
    said: Counter[str] = field(default_factory=Counter)

    @property
    def missing(self) -> set[UUID]:
        return self.wanted - self.arrivals.keys()

    @property
    def repeated(self) -> int:
        """Mails beyond the first of each notice."""
        return sum(self.arrivals.values()) - len(self.arrivals)

    @property
    def well(self) -> bool:
        """Whether none is missing, all are recorded as sent, and no more came twice than may."""
        recorded = self.said == Counter({"sent": len(self.wanted)})
        return not self.missing and recorded and self.repeated <= self.kills * UNRECORDED


@asynccontextmanager
async def opened(servers: Endpoints) -> AsyncIterator[None]:
    notices.open(servers.mongo_url("notify"))
    try:
        while notices.away:
            await asyncio.sleep(0.05)
        yield
    finally:
        await notices.close()


async def load(count: int, now: datetime) -> set[UUID]:
    """So many complaints whose acknowledgement is due; the notices' ids."""
    found: set[UUID] = set()
    for start in range(0, count, LOADED_AT_ONCE):
        some = [_complain(number, now) for number in range(start, min(count, start + LOADED_AT_ONCE))]
        found.update(await asyncio.gather(*some))
    return found


async def _complain(number: int, now: datetime) -> UUID:
    id, given = uuid4(), {"pack": "base", "pack_version": 1, "language": "en", "received_at": clock.now()}
    facts: tuple[Fact, ...] = (
        ContactRecorded(name=f"Customer {number}", email=f"customer-{number}@example.com"),
        ComplaintRegistered.model_validate({"channel": "email"} | given),
    )
    for fact in facts:
        cause: Cause[Any] = Cause(uuid4(), id, f"RC-BENCH{number:05d}", now, "bench", fact)
        saved = await notices.update(id, partial(hear, now=now), cause)
    assert saved.state is not None
    (made,) = saved.state.notices
    return made.id


def points(count: int, kills: int, chance: random.Random) -> Iterator[int]:
    """After how many mails notify is killed, each time."""
    yield from sorted(chance.randrange(1, max(2, count - 1)) for _ in range(kills))


async def send(servers: Endpoints, folder: Path, count: int, kills: int, seed: int) -> Outcome:
    """Send so many mails and kill notify so often meanwhile."""
    chance, ledger, secret = random.Random(seed), Ledger(), secrets.token_urlsafe(32)
    sealing.use_house_key(secret.encode())
    await ledger.start()
    async with opened(servers):
        wanted = await load(count, clock.machine_now())
        system = System(servers, folder, {"REDRESS_SMTP_URL": ledger.url, "REDRESS_SEALING_KEY": secret})
        began, killed = perf_counter(), 0
        system.launch("notify")
        try:
            for point in points(count, kills, chance):
                if await ledger.until(point, PATIENCE_S):
                    await asyncio.sleep(chance.random() * 0.05)
                    system.kill("notify")
                    killed += 1
                    system.launch("notify")
            await ledger.until(count, PATIENCE_S)
            said = await _settled(servers, wanted)
        finally:
            await system.stop()
            await ledger.stop()
    return Outcome(wanted, ledger.arrivals, killed, perf_counter() - began, said)


async def _settled(servers: Endpoints, wanted: set[UUID]) -> Counter[str]:
    """How the record stands once nothing is due any more: what was claimed by the dead is due in a minute."""
    async with AsyncMongoClient[dict[str, Any]](servers.admin_mongo_url, uuidRepresentation="standard") as db:
        documents = db["notify"]["notices"]
        for _ in range(PATIENCE_S * 2):
            if not await documents.count_documents({"due_email": {"$exists": True}}):
                break
            await asyncio.sleep(0.5)
        said: Counter[str] = Counter()
        async for each in documents.find({"state.notices.0": {"$exists": True}}, {"state.notices": 1}):
            said.update(n["state"] for n in each["state"]["notices"] if UUID(n["id"]) in wanted)
    return said


def tell(outcome: Outcome) -> bool:
    """Print the figures; whether all is well."""
    most = max(outcome.arrivals.values(), default=0)
    print(f"{len(outcome.wanted)} e-mails, notify killed -9 {outcome.kills} times, {outcome.seconds:.0f} s:")
    print(f"  arrived {len(outcome.arrivals)}, missing {len(outcome.missing)}, recorded {dict(outcome.said)}")
    print(f"  mails that came again {outcome.repeated} (most copies of one: {most}),", end=" ")
    print(f"at most {UNRECORDED} a kill are in the window")
    return outcome.well


async def measure(count: int, kills: int, seed: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        servers = await Servers.start(Path(folder) / "servers")
        try:
            return tell(await send(servers, Path(folder) / "system", count, kills, seed))
        finally:
            await servers.stop()


def main(
    n: Annotated[int, typer.Option(help="E-mails")] = 5_000,
    kills: Annotated[int, typer.Option(help="How often notify is killed")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed, the same points")] = 1,
) -> None:
    """Whether every notice arrives though notify is killed."""
    try:
        install()
        well = asyncio.run(measure(n, kills, seed))
    except Failed as error:
        raise SystemExit(str(error)) from None
    raise SystemExit(0 if well else 1)


if __name__ == "__main__":
    typer.run(main)
