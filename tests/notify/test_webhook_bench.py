"""A small run of the bench, through broker, processes and endpoints: nothing lost, nothing at a wrong one."""

from pathlib import Path

from bench.webhooks import kept, prepared, run
from tests.kit.servers import AnyServers
from tests.kit.webhooks import forget_endpoints


async def test_sick_endpoints_take_nothing_from_the_others(servers: AnyServers, tmp_path: Path) -> None:
    await forget_endpoints(servers)
    async with prepared(servers, tmp_path, endpoints=10, replicas=2) as at:
        well = await run(at, 100, rate=100)
        sick = await run(at, 200, rate=100, sick=(1, 1))
        assert (len(well.delays), len(sick.delays)) == (100, 160)
        assert await kept(servers, at, 200) == 40
        assert len({*at.arrivals.at}) == 160
    await forget_endpoints(servers)
