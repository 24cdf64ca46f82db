"""The ledger: what the load generator sent and what it was answered, kept apart from the system it tests."""

import json
import random
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from deploy.local.samples import read
from shared.clock import machine_now

SAMPLES = Path(__file__).parents[2] / "samples" / "complaints.jsonl"
SLOW_SHARE, LOW_SHARE = 0.04, 0.12
OF_A_CUSTOMER = 10
"""How often somebody complains before another customer takes their place."""


@dataclass
class Entry:
    """One complaint: what was sent under which key, all ids that were ever answered, the scores given.

    One without scores is handed in, and nobody takes it up.
    """

    key: str
    body: dict[str, Any]
    scores: tuple[int, ...]
    slow: bool
    ids: set[str] = field(default_factory=set)
    number: str = ""
    given: dict[int, int] = field(default_factory=dict)
    closed: bool = False
    stuck: str = ""

    @property
    def id(self) -> str:
        return min(self.ids, default="")

    @property
    def cycles(self) -> int:
        """Every score opens or ends one cycle."""
        return len(self.scores)


@dataclass
class Blow:
    """What the adversary did to whom, and from when to when, by the machine's clock; no end: it lasts."""

    kind: str
    victim: str
    began: datetime
    ended: datetime | None = None

    def near(self, at: datetime, slack: timedelta) -> bool:
        return self.began - slack <= at and (self.ended is None or at <= self.ended + slack)


@dataclass
class Ledger:
    """Everything that one run did to the system; `milestones` is how much of the work is done."""

    entries: list[Entry]
    started: float = field(default_factory=monotonic)
    blows: list[Blow] = field(default_factory=list)
    milestones: int = 0
    repeated_posts: int = 0
    double_clicks: int = 0
    retries: int = 0
    closed: int = 0

    @property
    def accepted(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.ids]

    def now(self) -> float:
        return monotonic() - self.started

    def instant(self, at: float) -> datetime:
        """The machine's instant of a second of the run."""
        return machine_now() - timedelta(seconds=self.now() - at)

    def note(self, kind: str, victim: str) -> Blow:
        self.blows.append(Blow(kind, victim, machine_now()))
        return self.blows[-1]

    def against(self, *victims: str) -> list[Blow]:
        """The blows that met one of these: services, their replicas and links, or servers."""
        return [blow for blow in self.blows if blow.victim.startswith(victims)]


def plan(count: int, chance: random.Random, carried: int) -> Ledger:
    """Complaints after the samples, varied; a few slow departments, some customers who are not content.

    Of very many only so many are `carried` to their end, evenly among the others, which nobody takes up.
    """
    rows = read(SAMPLES).complaints
    chance.shuffle(rows)
    entries = [_entry(at, rows[at % len(rows)], len(rows), chance) for at in range(count)]
    carried = min(carried, count)
    for at, entry in enumerate(entries):
        if at * carried // count == (at - 1) * carried // count:
            entry.scores, entry.slow = (), False
    return Ledger(entries)


def _neighbour(complainant: dict[str, Any], house: int) -> dict[str, Any]:
    """Somebody of the same name who is reached elsewhere."""
    ways = {"email": ("@", f".{house}@"), "phone": (r"\b(\d)\d{3}\b", rf"\g<1>{house % 1_000:03}")}
    moved = {way: re.sub(*ways[way], complainant[way], count=1) for way in ways if way in complainant}
    if "address" in complainant:
        moved["address"] = f"{complainant['address']} {house}"
    return complainant | moved


def _entry(at: int, row: dict[str, Any], customers: int, chance: random.Random) -> Entry:
    body = json.loads(json.dumps({name: value for name, value in row.items() if name != "play"}))
    body["description"] += f" ({at})"
    if (house := at // customers // OF_A_CUSTOMER) > 0:
        body["complainant"] = _neighbour(body["complainant"], house)
    slow = at < 2 or chance.random() < SLOW_SHARE
    if slow:  # grave, so that its department has the least time
        body["facts"] = {**body.get("facts", {}), "injured": 1}
    low = chance.random() < LOW_SHARE
    scores = (chance.randint(0, 5), chance.randint(6, 10)) if low else (chance.randint(6, 10),)
    return Entry(f"key-{at}-{chance.getrandbits(48):012x}", body, scores, slow)
