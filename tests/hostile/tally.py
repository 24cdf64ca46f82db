"""Tallies: how many hostile inputs were tried, and what went wrong, once for each way of going wrong."""

from dataclasses import dataclass, field

SHOWN = 400


@dataclass
class Tally:
    """What came of one kind of attack; `failures` holds one input for each way in which the house failed."""

    what: str
    inputs: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def wrong(self, how: str, given: object = "") -> None:
        self.failures.setdefault(how, str(given)[:SHOWN])

    def lines(self) -> list[str]:
        """A row of the table, and below it what went wrong."""
        row = f"{self.what:<58} {self.inputs:>10,} {len(self.failures):>9}"
        return [row, *(f"  {how}: {given}" for how, given in self.failures.items())]


HEAD = f"{'what':<58} {'inputs':>10} {'failures':>9}"
