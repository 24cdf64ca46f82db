"""`python -m tests.faults`: run, print one table and the seed, and fail on any miss."""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Iterator

import uvloop

from tests.faults.chaos import Outcome, Wanted, chaos
from tests.faults.checks import CATEGORIES
from tests.faults.mutant import SAFETIES

SHOWN = 8


def main() -> int:
    logging.disable(logging.CRITICAL)  # libraries tell of every connection that is refused
    outcome = uvloop.run(chaos(_wanted()))
    sys.stdout.write("\n".join(report(outcome)) + "\n")
    return 0 if outcome.passed else 1


def _wanted() -> Wanted:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--n", type=int, default=Wanted.n, help="complaints")
    parser.add_argument(
        "--kills",
        type=int,
        default=Wanted.kills,
        help="kills besides one of each process, broker and database",
    )
    parser.add_argument("--seed", type=int, default=Wanted.seed)
    parser.add_argument("--carried", type=int, default=Wanted.carried, help="of these so many to the end")
    parser.add_argument("--replicas", type=int, default=Wanted.replicas, help="processes of each service")
    parser.add_argument("--mutant", default="", choices=["", *SAFETIES], help="switch one safety off")
    parser.add_argument("--speed", type=float, default=0.0, help="how fast time passes; 0: as fits the size")
    parser.add_argument("--patience", type=float, default=Wanted.patience, help="seconds a step may take")
    parser.add_argument(
        "--settle",
        type=float,
        default=Wanted.settle,
        help="seconds to wait for rest, once no less is left to do",
    )
    parser.add_argument("--quiet", action="store_true")
    return Wanted(**vars(parser.parse_args()))


def report(outcome: Outcome) -> Iterator[str]:
    yield from _table(outcome)
    yield from _circumstances(outcome)
    for category, faults in outcome.audited.findings.faults.items():
        yield from (f"{category}: {fault}" for fault in faults[:SHOWN])
        if len(faults) > SHOWN:
            yield f"{category}: and {len(faults) - SHOWN} more"
    yield summary(outcome)


def _table(outcome: Outcome) -> Iterator[str]:
    columns = ("expected", "once", "missing", "twice")
    yield f"\n{'effect':<36}" + "".join(f"{column:>10}" for column in columns)
    for name, row in outcome.audited.findings.table.items():
        yield f"{name:<36}" + "".join(f"{row[column]:>10}" for column in columns)


def _circumstances(outcome: Outcome) -> Iterator[str]:
    ledger, audited = outcome.ledger, outcome.audited
    blows = Counter(f"{blow.kind} {blow.victim}" for blow in ledger.blows)
    kinds = Counter(blow.kind for blow in ledger.blows)
    yield "\n" + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    yield "blows: " + ", ".join(f"{blow} {count}" for blow, count in sorted(blows.items()))
    yield (
        f"calls repeated {ledger.retries}, posts repeated on purpose {ledger.repeated_posts}, "
        f"steps clicked twice {ledger.double_clicks}, carried to the end {ledger.closed}, "
        f"notices that arrived {audited.arrived}, run {outcome.seconds:.0f} s"
    )
    yield from (f"{what}: {count}" for what, count in audited.findings.notes.items() if count)
    before, after = outcome.hashes
    for service in before:
        same = "unchanged" if before[service] == after[service] else f"CHANGED to {after[service]}"
        yield f"storm of {outcome.redelivered} events: {service:<7} {before[service]} {same}"
    yield f"histories: {audited.verified}"
    yield f"faults put before the audit and seen: {sum(audited.tampered.values())}/{len(audited.tampered)}"
    yield from (f"not seen: {each}" for each in outcome.unseen)
    yield from (f"died: {each}" for each in outcome.own_deaths)
    yield from (f"not ready: {each}" for each in outcome.unready)
    if outcome.settled.restless:
        yield f"not settled: {outcome.settled.restless}"


def summary(outcome: Outcome) -> str:
    counts = {category: len(outcome.audited.findings.faults[category]) for category in CATEGORIES}
    counts["duplicate_effects"] += len(outcome.changed)
    return (
        f"accepted={len(outcome.ledger.accepted)} "
        + " ".join(f"{category}={count}" for category, count in counts.items())
        + f" wire_duplicates={outcome.audited.wire_duplicates} settle_s={outcome.settled.seconds:.0f}"
        + f" seed={outcome.wanted.seed}"
    )


if __name__ == "__main__":
    sys.exit(main())
