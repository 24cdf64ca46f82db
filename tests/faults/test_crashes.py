"""A crash at any input or output leaves nothing lost and nothing done twice; without a safety it would."""

import pytest

from tests.faults.crashes import enumerated, sequences
from tests.faults.mutant import MUTANTS


async def test_a_crash_at_every_point() -> None:
    points, found = await enumerated()
    assert points > 20
    assert found == []


async def test_random_sequences_with_repeats_disorder_and_a_crash() -> None:
    assert await sequences(100, seed=1) == []


@pytest.mark.parametrize("name", ["inbox_off", "outbox_cleared_first"])
async def test_a_safety_that_is_off_is_noticed(name: str) -> None:
    with MUTANTS[name]():
        _, found = await enumerated()
        assert found + await sequences(20, seed=1)
