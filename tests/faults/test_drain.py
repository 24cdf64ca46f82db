"""Very many deadlines at once, with replicas killed while they fire: each is told once, none early."""

from pathlib import Path

from bench.deadlines import measure_on, tell_costs
from deploy.local.servers import Servers


async def test_each_deadline_fires_once_though_replicas_are_killed(
    breakable: Servers, tmp_path: Path
) -> None:
    tell_costs(rounds=2)
    assert await measure_on(breakable, tmp_path, claims=200, due=1_000, seconds=8, seed=1)
