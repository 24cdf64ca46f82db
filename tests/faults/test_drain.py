"""Very many deadlines at once, with replicas killed while they fire: each is told once, none early."""

from pathlib import Path

from bench.deadlines import drain
from deploy.local.servers import Servers


async def test_each_deadline_fires_once_though_replicas_are_killed(
    breakable: Servers, tmp_path: Path
) -> None:
    assert await drain(breakable, tmp_path / "sla", count=1_000, seconds=8, seed=1)
