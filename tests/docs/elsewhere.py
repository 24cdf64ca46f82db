"""Commands that the docs show and that cannot run inside a suite: why, and what tests them instead."""

import re
from typing import NamedTuple

SMOKE = "tests/docs/test_elsewhere.py"
COMMANDS = "tests/docs/test_commands.py"
BENCHES = "tests/docs/test_benches.py"
WEBHOOKS = "tests/docs/test_webhook_samples.py"
SUPPLY = "tests/house/test_supply.py"
ASSIGNMENTS = re.compile(r"^(?:[A-Z_]+=\S* )+")


class Elsewhere(NamedTuple):
    """Why a command does not run here; `tested_by` is the file of the test that does without."""

    reason: str
    tested_by: str


LONG = "takes minutes; a small run of it is a test"
ELSEWHERE = {
    "make up": Elsewhere("stays up; what it starts and prints is what all pages are typed at", COMMANDS),
    "make test": Elsewhere("the suite would run itself", ".ci/run"),
    "make check": Elsewhere("runs beside the suite", ".ci/run"),
    "make demo": Elsewhere("32 complaints at leisure on servers of their own", BENCHES),
    "make evaluate": Elsewhere("wants labelled texts", "tests/local/test_evaluate.py"),
    "make bench": Elsewhere(LONG, BENCHES),
    "make bench-charts": Elsewhere(LONG, "tests/intake/test_charts.py"),
    "make bench-ledger": Elsewhere(LONG, "tests/intake/test_ledger.py"),
    "make bench-mails": Elsewhere(LONG, "tests/notify/test_kills.py"),
    "make bench-webhooks": Elsewhere(LONG, "tests/notify/test_webhook_bench.py"),
    "make crashes": Elsewhere(LONG, "tests/crashes/test_crashes.py"),
    "make faults": Elsewhere(LONG, "tests/faults/test_faults.py"),
    "make mutants": Elsewhere(LONG, "tests/faults/test_mutants.py"),
    "make schemathesis": Elsewhere(LONG, "tests/openapi/test_explored.py"),
    "make smoke": Elsewhere("wants running containers", SMOKE),
    "make sbom ARGS=--image": Elsewhere("wants an engine and the image", SUPPLY),
    "make audit": Elsewhere("asks the vulnerability service", SUPPLY),
    "docker compose": Elsewhere("wants an engine and images; its parts are looked at", SMOKE),
    "kubectl": Elsewhere("wants a cluster; its parts are looked at", SMOKE),
    "pip install standardwebhooks": Elsewhere("a development dependency already", WEBHOOKS),
    "npm install standardwebhooks": Elsewhere("kept for the next time", WEBHOOKS),
}
"""A command's beginning -> why not here. A test asks that the docs still show each."""


def elsewhere(command: str) -> Elsewhere | None:
    """The entry for a command, if it has one; variables set before it do not count."""
    bare = ASSIGNMENTS.sub("", command) + " "
    return next((why for start, why in ELSEWHERE.items() if bare.startswith(start + " ")), None)
