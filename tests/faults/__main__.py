"""`python -m tests.faults`: run, print one table and the seed, and fail on any miss."""

import argparse
import asyncio
import sys
from collections.abc import Iterator

from tests.faults.audit import CATEGORIES
from tests.faults.chaos import Outcome, Wanted, chaos
from tests.faults.mutant import MUTANTS

SHOWN = 8


def main() -> int:
    outcome = asyncio.run(chaos(_wanted()))
    sys.stdout.write("\n".join(report(outcome)) + "\n")
    return 0 if outcome.passed else 1


def _wanted() -> Wanted:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--n", type=int, default=Wanted.n, help="complaints")
    parser.add_argument("--kills", type=int, default=Wanted.kills, help="kills besides one of each process")
    parser.add_argument("--seed", type=int, default=Wanted.seed)
    parser.add_argument("--replicas", type=int, default=Wanted.replicas, help="processes of each service")
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS], help="switch one safety off")
    parser.add_argument("--patience", type=float, default=Wanted.patience, help="seconds a step may take")
    parser.add_argument("--settle", type=float, default=Wanted.settle, help="seconds until all must rest")
    parser.add_argument("--quiet", action="store_true")
    return Wanted(**vars(parser.parse_args()))


def report(outcome: Outcome) -> Iterator[str]:
    yield from _table(outcome)
    yield from _circumstances(outcome)
    for category, faults in outcome.audit.faults.items():
        yield from (f"{category}: {fault}" for fault in faults[:SHOWN])
        if len(faults) > SHOWN:
            yield f"{category}: and {len(faults) - SHOWN} more"
    yield summary(outcome)


def _table(outcome: Outcome) -> Iterator[str]:
    columns = ("expected", "once", "missing", "twice")
    yield f"\n{'effect':<36}" + "".join(f"{column:>10}" for column in columns)
    for name, row in outcome.audit.table.items():
        yield f"{name:<36}" + "".join(f"{row[column]:>10}" for column in columns)


def _circumstances(outcome: Outcome) -> Iterator[str]:
    ledger, audit = outcome.ledger, outcome.audit
    killed = [kill.name for kill in ledger.kills]
    yield f"\nkilled {len(killed)}: " + ", ".join(
        f"{name} {killed.count(name)}" for name in sorted(set(killed))
    )
    yield (
        f"calls repeated {ledger.retries}, posts repeated on purpose {ledger.repeated_posts}, "
        f"steps clicked twice {ledger.double_clicks}, mails {len(audit.mails)}, run {outcome.seconds:.0f} s"
    )
    yield from (f"{what}: {count}" for what, count in audit.notes.items() if count)
    before, after = outcome.hashes
    for service in before:
        same = "unchanged" if before[service] == after[service] else f"CHANGED to {after[service]}"
        yield f"storm of {outcome.redelivered} events: {service:<7} {before[service]} {same}"
    yield from (f"died: {each}" for each in outcome.own_deaths)
    yield from (f"not ready: {each}" for each in outcome.unready)
    if outcome.restless:
        yield f"not settled: {outcome.restless}"


def summary(outcome: Outcome) -> str:
    counts = {category: len(outcome.audit.faults[category]) for category in CATEGORIES}
    counts["duplicate_effects"] += len(outcome.changed)
    return (
        f"accepted={len(outcome.ledger.accepted)} "
        + " ".join(f"{category}={count}" for category, count in counts.items())
        + f" wire_duplicates={outcome.audit.wire_duplicates} settle_s={outcome.settle_s:.0f}"
        + f" seed={outcome.wanted.seed}"
    )


if __name__ == "__main__":
    sys.exit(main())
