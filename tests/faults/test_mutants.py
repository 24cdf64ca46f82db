"""Each safety is needed: with it off, its experiment fails; with it on, it does not."""

import pytest

from tests.faults.mutant import MUTANTS
from tests.faults.mutants import EXPERIMENTS, killed
from tests.kit.servers import AnyServers


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_safety_that_is_off_is_noticed(servers: AnyServers, name: str) -> None:
    sound, wrong = await killed(name, servers)
    assert sound == ""
    assert wrong != ""


def test_there_is_an_experiment_for_each() -> None:
    assert {*EXPERIMENTS} == {*MUTANTS}
