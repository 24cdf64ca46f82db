"""How long history is kept: a policy of the definitions, which an operator's own goes before."""

import asyncio
from typing import Any

import httpx

from shared.history import HISTORY, History
from tests.kit.history import batches, message, stream
from tests.kit.servers import AnyServers


async def asked(servers: AnyServers, path: str) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as client:
        found: dict[str, Any] = (await client.get(f"{servers.management_url}/api/{path}")).json()
    return found


async def test_the_broker_keeps_history_as_the_definitions_say(servers: AnyServers) -> None:
    async with asyncio.timeout(90):
        while "effective_policy_definition" not in (
            queue := await asked(servers, f"queues/redress/{HISTORY}")
        ):
            await asyncio.sleep(0.5)
    assert queue["policy"] == "history"
    assert queue["effective_policy_definition"] == {
        "max-age": "30D",
        "max-length-bytes": 20_000_000_000,
        "stream-max-segment-size-bytes": 100_000_000,
    }


async def test_an_operators_policy_takes_old_segments_away_from_a_stream_that_runs(
    servers: AnyServers,
) -> None:
    """Age and size alike; the last segment stays, however old it is."""
    async with stream(servers, **{"x-stream-max-segment-size-bytes": 20_000}) as (name, channel):
        history = History(servers.admin_amqp_url, name)

        async def written(count: int) -> int:
            for type, some in batches(count):
                await channel.default_exchange.publish(message(type, some), name)
            async with history.reading("first") as reading:
                assert reading.first is not None
                return reading.first

        assert await written(1_000) == 0
        for definition in ({"max-length-bytes": 60_000}, {"max-age": "1s"}):
            first = await written(100)
            policy = {"pattern": f"^{name}$", "definition": definition, "priority": 1, "apply-to": "queues"}
            async with httpx.AsyncClient(trust_env=False) as client:
                path = f"{servers.management_url}/api/policies/redress/ours"
                assert (await client.put(path, json=policy)).status_code in (201, 204)
                async with asyncio.timeout(90):
                    while await written(150) <= first:
                        await asyncio.sleep(0.5)
                assert (await client.delete(path)).status_code == 204
        await history.close()
