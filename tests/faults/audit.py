"""The audit: the whole run against its ledger, some complaints in memory at a time."""

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from deploy.local.servers import Servers
from deploy.local.system import ROOT
from deploy.provision import AUDITOR
from shared.clock import Clock
from tests.faults import state, tampering
from tests.faults.checks import Findings, World, checked
from tests.faults.checks.world import SLACK
from tests.faults.ledger import Entry, Ledger
from tests.faults.poison import Poison, judged, parked
from tests.faults.post import Arrivals
from tests.faults.state import Document
from tests.faults.witness import Witness

CHUNK = 250
REDRESS = "from deploy.cli import main; main()"


@dataclass
class Audited:
    """What the audit found; `tampered` are its rules, and whether each saw what was put before it."""

    findings: Findings
    arrived: int
    wire_duplicates: int
    verified: str
    tampered: dict[str, bool]


@dataclass
class Audit:
    """Everything one run left behind."""

    ledger: Ledger
    witness: Witness
    servers: Servers
    clock: Clock
    public_key: str
    arrivals: Arrivals
    poisons: list[Poison]
    stopped: datetime | None = None

    async def run(self) -> Audited:
        self.findings, self.tampered = Findings(), dict[str, bool]()
        await self.witness.complete(self.servers.admin_amqp_url)
        await self.witness.read_stream(self.servers.admin_amqp_url)
        known = {id for entry in self.ledger.entries for id in entry.ids}
        strangers = await state.others(self.servers, known)
        self.arrived = {notice for notice, _ in self.arrivals}
        self._digests(strangers["notify"])
        for entries in self._chunks():
            world = await self._world(entries)
            if not self.tampered and checked(replace(world, findings=Findings())).all_well:
                self.tampered = tampering.seen(world)
            self.findings.add(checked(world))
        self._strangers(strangers, known)
        await self._parked()
        self._repeated()
        return Audited(
            self.findings, len(self.arrivals), self.witness.repeats, await self._verified(), self.tampered
        )

    def _chunks(self) -> Iterator[list[Entry]]:
        entries = self.ledger.entries
        yield from (entries[at : at + CHUNK] for at in range(0, len(entries), CHUNK))

    async def _world(self, entries: list[Entry]) -> World:
        ids = [id for entry in entries for id in entry.ids]
        documents = await state.documents(self.servers, ids)
        told, here = self.witness.of(ids), (self.arrived, self.waiting)
        return World(self.ledger, entries, told, documents, self.clock, self.stopped, *here)

    def _digests(self, found: Mapping[str, Document]) -> None:
        """Those that are told as sent have arrived."""
        held = [each for one in found.values() for each in one.get("state", {}).get("digests", [])]
        digests = {str(each["id"]): each["state"] for each in held}
        self.waiting = {id for id, how in digests.items() if how != "sent"}
        for id in digests.keys() - self.waiting - self.arrived:
            self.findings.fault("lost", id, "this digest is told as sent, and never arrived")

    def _strangers(self, strangers: Mapping[str, Mapping[str, Document]], known: set[str]) -> None:
        """Nothing is about complaints that nobody handed in; digests are about several, and owe nothing."""
        for stranger in set(self.witness.complaints()) - known:
            kinds = Counter(each.type for each in self.witness.of([stranger]))
            self.findings.fault("orphan", stranger, f"{dict(kinds)} about a complaint nobody handed in")
        for service, found in strangers.items():
            for id, document in found.items():
                if document.get("outbox"):
                    self.findings.fault("lost", id, f"{service} still owes {len(document['outbox'])} events")
                held = document.get("state", {})
                about = set() if "digests" in held else set(held.get("entries", [id]))
                for name in about - known:
                    told = f"{service} has a document of a complaint nobody handed in"
                    self.findings.fault("orphan", name, told)

    async def _parked(self) -> None:
        wrong, notes = judged(self.poisons, await parked(self.servers))
        self.findings.faults["parked"] += wrong
        self.findings.notes += notes

    def _repeated(self) -> None:
        """A notice may come twice only if notify could not note that it had sent it."""
        arrivals: dict[str, list[float]] = defaultdict(list)
        for notice, at in self.arrivals:
            arrivals[notice].append(at)
        blows = self.ledger.against("notify", "database")
        for notice, times in arrivals.items():
            for at in times[:-1]:
                then = self.ledger.instant(at)
                excused = any(blow.near(then, SLACK) for blow in blows)
                self.findings.notes["notices sent again after a blow against notify"] += excused
                if not excused:
                    told = f"this notice came {len(times)} times, no blow near"
                    self.findings.fault("duplicate_effects", notice, told)

    async def _verified(self) -> str:
        """The last line of `redress verify`; any fault of it is one of the histories."""
        pipe = asyncio.subprocess.PIPE
        asked = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", REDRESS, "verify", "--url", self.servers.mongo_url(AUDITOR)),
            *("--public-key", self.public_key),
            cwd=ROOT,
            stdout=pipe,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asked.communicate()
        lines = said.decode().strip().splitlines() or ["redress verify said nothing"]
        for line in lines if asked.returncode else []:
            self.findings.fault("out_of_order", "redress verify", line)
        if f"verified={len(self.ledger.accepted)} " not in lines[-1]:
            self.findings.fault("lost", "redress verify", lines[-1])
        return lines[-1]
