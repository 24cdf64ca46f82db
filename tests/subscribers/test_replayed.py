"""A replay into a queue that a team was given: it waits for its reader, and never says done over a loss."""

import asyncio
from time import monotonic
from typing import Any

import aio_pika
import pytest
from typer.testing import CliRunner

from deploy.cli import program
from deploy.events import team as into
from deploy.events.replaying import Lost, Replay, replayed
from deploy.events.team import Team
from deploy.provision import VHOST
from shared.envelope import batch
from shared.history import History
from shared.problems import Unavailable
from shared.wanted import Wanted
from tests.kit.history import FACTS, event, message, stream
from tests.subscribers.gate import Gate, taken, until

CLOSED = FACTS[2]
COUNT, EVENTS = 400, 40
"""Messages of some 20 kB: eight times what a queue of one megabyte holds."""


async def fill(channel: Any, name: str) -> list[str]:
    """The ids of what is in the stream."""
    body = [event(CLOSED, at) for at in range(EVENTS)]
    sent = [message(CLOSED.type, body) for _ in range(COUNT)]
    assert len(batch(body)) > 15_000
    for each in sent:
        await channel.default_exchange.publish(each, name)
    return [str(each.message_id) for each in sent]


async def replay(gate: Gate, name: str, done: Replay, unread: int, start: Any = "first") -> None:
    async with await aio_pika.connect(gate.servers.operator_amqp_url) as connection:
        sink = await Team.of(connection, "team.crm", unread)
        await replayed(History(gate.servers.admin_amqp_url, name), start, None, Wanted(), sink, done)


async def test_a_loss_breaks_it_off_and_it_goes_on_before_what_was_lost(gate: Gate) -> None:
    url, done = gate.add("crm", "deadline.met.v1", megabytes=1), Replay(began=monotonic())
    async with stream(gate.servers) as (name, channel):
        ids = await fill(channel, name)
        with pytest.raises(Lost, match=r"team\.crm dropped messages"):
            await replay(gate, name, done, unread=200)
        assert done.next is not None
        await until(lambda: gate.rows()["crm"]["lost"] != "0")
        kept = {str(each.message_id) for each in await taken(url)}
        assert done.next.offset <= min(at for at, id in enumerate(ids) if id not in kept)
        reading = asyncio.create_task(read(url, len(ids[done.next.offset :])))
        await replay(gate, name, done, unread=10, start=done.next)
        assert kept | {*await reading} == {*ids}


async def read(url: str, count: int) -> list[str]:
    """So many messages, one after the other, by a team that is in no hurry."""
    found: list[str] = []
    async with asyncio.timeout(120):
        while len(found) < count:
            found += [str(each.message_id) for each in await taken(url)]
            await asyncio.sleep(0.02)
    return found


async def test_a_team_that_reads_slowly_is_waited_for_and_loses_nothing(gate: Gate) -> None:
    url, done = gate.add("crm", "deadline.met.v1", megabytes=1), Replay(began=monotonic())
    async with stream(gate.servers) as (name, channel):
        ids = await fill(channel, name)
        reading = asyncio.create_task(read(url, COUNT))
        await replay(gate, name, done, unread=10)
        assert await reading == ids
    assert (done.next and done.next.offset, done.batches) == (COUNT, COUNT)
    assert gate.rows()["crm"]["lost"] == "0"


async def test_a_team_that_does_not_read_is_not_waited_for_for_ever(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(into, "PATIENCE_S", 2.0)
    url, done = gate.add("crm", "deadline.met.v1", megabytes=50), Replay(began=monotonic())
    async with stream(gate.servers) as (name, channel):
        ids = await fill(channel, name)
        with pytest.raises(Unavailable, match="nobody reads them"):
            await replay(gate, name, done, unread=50)
    had = [str(each.message_id) for each in await taken(url)]
    assert had == ids[: len(had)]
    assert 50 < len(had) <= 100
    assert done.next is not None
    assert done.next.offset == len(had), "what is there is not sent again"


async def test_the_history_is_kept_as_long_as_it_is_said(gate: Gate) -> None:
    words = ("events", "keep", "--days", "90", "--gigabytes", "50")
    result = CliRunner().invoke(program(), words, env={"REDRESS_MANAGEMENT_URL": gate.url})
    assert (result.exit_code, result.stdout) == (0, "history: 90 days, at most 50 GB on each replica\n")
    wanted = {
        "max-age": "90D",
        "max-length-bytes": 50_000_000_000,
        "stream-max-segment-size-bytes": 100_000_000,
    }
    await until(lambda: effective(gate) == wanted)
    refused = CliRunner().invoke(
        program(), words, env={"REDRESS_MANAGEMENT_URL": f"http://x:y@{gate.servers.management}"}
    )
    assert (refused.exit_code, "with 401" in refused.stderr) == (1, True)
    gate.root.delete("policies", VHOST, "history-ours")
    await until(lambda: effective(gate) == wanted | {"max-age": "30D", "max-length-bytes": 20_000_000_000})


def effective(gate: Gate) -> Any:
    return gate.root.get("queues", VHOST, "redress.history").get("effective_policy_definition")
