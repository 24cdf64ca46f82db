"""What a complaint costs in messages, commands, flushes and bytes: times vary, these do not.

The limits are what was measured and some more. A change that raises a count above its limit has to be wanted;
then measure again (`make bench ARGS="--parts counters"`) and set the limit anew.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.counters import NAMES, measure
from bench.ground import Place
from bench.measure import Client
from bench.sink import Sink
from tests.kit.servers import servers_for_tests

LIMITS = {
    "messages": 13.5,
    "events": 18,
    "wire": 12_500,
    "loads": 30,
    "writes": 39,
    "flushes": 40,
    "journal": 75_000,
    "stored": 27_000,
}
TOGETHER = {"messages": 0.5, "loads": 0.5, "writes": 0.5}
"""The share of the cost alone that a complaint may cost among others."""


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Servers that nothing else uses: what others do would count."""
    sink = Sink()
    async with (
        servers_for_tests(tmp_path / "servers") as servers,
        Client(servers.admin_mongo_url, uuidRepresentation="standard") as mongo,
    ):
        await sink.start()
        yield Place(servers, mongo, sink, tmp_path)
        await sink.stop()


async def test_a_complaint_costs_no_more_than_it_did(place: Place) -> None:
    alone, together = await measure(place, 12, 60)
    assert LIMITS.keys() == NAMES.keys()
    assert {name: cost for name, cost in alone.items() if cost > LIMITS[name]} == {}, dict(alone)
    shared = {name: together[name] / alone[name] for name in TOGETHER}
    assert {name: share for name, share in shared.items() if share > TOGETHER[name]} == {}, dict(together)
