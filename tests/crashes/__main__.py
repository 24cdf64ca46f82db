"""`python -m tests.crashes N SEED`: every crash point, N sequences; fail on a violation."""

import logging
import os
import sys

os.environ.setdefault("REDRESS_AMQP_URL", "-")
os.environ.setdefault("REDRESS_MONGO_URL", "-")

import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.crashes.enumeration import faults_of, judged, played
from tests.crashes.sequences import Sequences

STEPS = 20


def main(sequences: int, start: int) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    calm = played(seed=start)
    faults = faults_of(calm)
    found = {fault: told for fault in faults if (told := judged(calm, fault, seed=start))}
    violations = [*calm.violations, *(each for told in found.values() for each in told)]
    for fault, told in found.items():
        say(f"{fault} at {calm.points[fault.index]}: " + "; ".join(told))
    missed = sum("did not strike" in each for each in violations)
    failed = failing_sequence(sequences, start)
    say(
        f"crash points {100 * (len(faults) - missed) // len(faults)}% "
        f"({len(faults)} at {len(calm.points)} requests), "
        f"sequences {sequences}, violations {len(violations) + failed} seed={start}"
    )
    return 1 if violations or failed else 0


def failing_sequence(count: int, start: int) -> bool:
    """Whether one of so many sequences breaks a law; one that does is told."""
    how = settings(
        max_examples=count,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(start)(Sequences), settings=how)
    except AssertionError as error:
        say("\n".join([str(error), *getattr(error, "__notes__", ())]))
        return True
    return False


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
