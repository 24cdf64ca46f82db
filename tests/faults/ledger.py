"""The ledger: what the load generator sent and what it was answered, kept apart from the system it tests."""

import json
import random
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from deploy.local.samples import read
from shared.clock import machine_now

SAMPLES = Path(__file__).parents[2] / "samples" / "complaints.jsonl"
SLOW_SHARE, LOW_SHARE = 0.04, 0.12


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
    milestones: int = 0
    closed: bool = False
    stuck: str = ""

    @property
    def id(self) -> str:
        return min(self.ids, default="")

    @property
    def cycles(self) -> int:
        """Every score opens or ends one cycle."""
        return len(self.scores)


@dataclass(frozen=True)
class Kill:
    """Who was killed (or came back), and when it was: in seconds of the run, and by the machine's clock."""

    name: str
    at: float
    instant: datetime


@dataclass
class Ledger:
    """Everything that one run did to the system."""

    entries: list[Entry]
    started: float = field(default_factory=monotonic)
    kills: list[Kill] = field(default_factory=list)
    returns: list[Kill] = field(default_factory=list)
    repeated_posts: int = 0
    double_clicks: int = 0
    retries: int = 0

    @property
    def accepted(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.ids]

    @property
    def milestones(self) -> int:
        return sum(entry.milestones for entry in self.entries)

    def now(self) -> float:
        return monotonic() - self.started

    def note(self, name: str) -> Kill:
        return Kill(name, self.now(), machine_now())


def plan(count: int, chance: random.Random) -> Ledger:
    """Complaints after the samples, varied; a few slow departments, some customers who are not content."""
    rows = read(SAMPLES).complaints
    chance.shuffle(rows)
    return Ledger([_entry(at, rows[at % len(rows)], chance) for at in range(count)])


def _entry(at: int, row: dict[str, Any], chance: random.Random) -> Entry:
    body = json.loads(json.dumps({name: value for name, value in row.items() if name != "play"}))
    body["description"] += f" ({at})"
    slow = at < 2 or chance.random() < SLOW_SHARE
    if slow:  # grave, so that its department has the least time
        body["facts"] = {**body.get("facts", {}), "injured": 1}
    low = chance.random() < LOW_SHARE
    scores = (chance.randint(0, 5), chance.randint(6, 10)) if low else (chance.randint(6, 10),)
    return Entry(f"key-{at}-{chance.getrandbits(48):012x}", body, scores, slow)
