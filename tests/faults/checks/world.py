"""What one run left behind of some complaints, and what is found wrong with it, by category."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from shared.clock import Clock
from tests.faults.expected import Key, key_of
from tests.faults.ledger import Entry, Ledger
from tests.faults.witness import Told, unique

CATEGORIES = (
    "lost", "duplicate_effects", "orphan", "out_of_order", "timers_missed", "timers_double", "timers_early",
    "parked",
)  # fmt: skip
SLACK = timedelta(seconds=10)
Document = dict[str, Any]


@dataclass
class Findings:
    """Faults and remarks, and how often each effect was expected, there once, missing, there twice."""

    faults: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CATEGORIES})
    notes: Counter[str] = field(default_factory=Counter)
    table: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def fault(self, category: str, about: str, what: str) -> None:
        self.faults[category].append(f"{about}: {what}")

    def add(self, other: "Findings") -> None:
        for category, faults in other.faults.items():
            self.faults[category] += faults
        self.notes += other.notes
        for name, row in other.table.items():
            self.table[name].update(row)

    @property
    def all_well(self) -> bool:
        return not any(self.faults.values())


@dataclass
class World:
    """Some complaints of the ledger with all that was told of them, and their documents by service.

    `stopped` is when sla was, by the machine's clock; None if nothing was still to become due. `arrived` are
    the notices and digests that somebody got, `digests` the digests that still wait.
    """

    ledger: Ledger
    entries: list[Entry]
    told: list[Told]
    documents: Mapping[str, dict[str, Document]]
    clock: Clock
    stopped: datetime | None = None
    arrived: Set[str] = frozenset()
    digests: Set[str] = frozenset()
    findings: Findings = field(default_factory=Findings)

    @cached_property
    def facts(self) -> list[Told]:
        return unique(self.told)

    @cached_property
    def by_key(self) -> dict[Key, list[Told]]:
        return {key: found for keys in self.by_complaint.values() for key, found in keys.items()}

    @cached_property
    def by_complaint(self) -> dict[str, dict[Key, list[Told]]]:
        found: dict[str, dict[Key, list[Told]]] = defaultdict(dict)
        for each in self.facts:
            found[each.complaint].setdefault(key_of(each), []).append(each)
        return found

    @cached_property
    def known(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.entries if entry.ids}

    def at(self, key: Key) -> list[Told]:
        return self.by_key.get(key, [])

    def state(self, service: str, complaint: str) -> Document:
        state: Document = self.documents[service].get(complaint, {}).get("state", {})
        return state
