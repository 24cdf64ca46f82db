"""A short rolling restart inside the suite, and the proof that its audit sees requests that were cut off."""

import re

import pytest

from tests.kit.programs import ran

pytestmark = pytest.mark.timeout(1500)  # ten services start one after the other

ROLLING = "tests.faults.rolling"
ZEROS = "failed_requests=0 lost=0 duplicate_effects=0 orphan=0 out_of_order=0 timers_missed=0 "
ZEROS += "timers_double=0 timers_early=0 parked=0"


async def test_replicas_are_restarted_in_turn_and_nobody_notices() -> None:
    """Those of the door, where callers would notice first; `make rolling` restarts all ten."""
    code, said = await ran(ROLLING, "--quiet", "--rate", "5", "--only", "intake", "--carried", "25")
    assert re.search(rf"restarts=2 rolled_s=\d+ {ZEROS}", said.splitlines()[-1]), said
    assert code == 0, said


async def test_a_service_that_leaves_at_once_fails_requests() -> None:
    """Its balancer knows it for a second longer."""
    code, said = await ran(
        ROLLING, "--quiet", "--rate", "8", "--drain", "0", "--only", "intake", "--carried", "10000"
    )
    assert code != 0
    assert int(re.findall(r"failed_requests=(\d+)", said)[-1]) > 0, said
