"""A short run of the faults inside the suite; its audit is shown every fault that it must see."""

import pytest

from tests.kit.programs import ran

pytestmark = pytest.mark.timeout(1500)  # a kill in the middle of a mail costs a minute, a loaded machine more

ZEROS = "lost=0 duplicate_effects=0 orphan=0 out_of_order=0 timers_missed=0 timers_double=0 "
ZEROS += "timers_early=0 parked=0"


async def test_nothing_is_lost_or_done_twice_while_everything_fails_once() -> None:
    small = ("--quiet", "--n", "40", "--kills", "0", "--seed", "1", "--patience", "600", "--settle", "600")
    code, said = await ran("tests.faults", *small)
    assert f"accepted=40 {ZEROS}" in said.splitlines()[-1], said
    assert code == 0, said
