"""The samples tell the same events, each once, whatever is killed: over real complaints and a real broker."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import aio_pika
import pytest
from aio_pika.exceptions import DeliveryError

from deploy.local.servers import Servers
from deploy.local.stage import Stage
from shared.bus import EVENTS
from shared.envelope import BATCH
from tests.kit.desk import desks
from tests.kit.npm import installed
from tests.kit.toy import events_in
from tests.subscribers.gate import Gate, logged_in, taken, until
from tests.subscribers.samples import COMMANDS, EXAMPLES, FILES, Sample, running

TYPE = "complaint.closed.v1"
Made = Callable[[Gate], dict[str, Sample]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(gate: Gate) -> dict[str, Sample]:
        """A team for each sample, subscribed to everything."""
        found = {}
        for name in COMMANDS:
            folder = tmp_path / name
            folder.mkdir()
            found[name] = Sample(name, folder, gate.add(name.replace("_", "-")))
        shutil.copy(EXAMPLES / "subscriber.mjs", tmp_path / "subscriber")
        (tmp_path / "subscriber" / "node_modules").symlink_to(installed(EXAMPLES))
        return found

    return make


@pytest.fixture
async def busy(played: Stage) -> AsyncIterator[Gate]:
    """The gate of the whole system."""
    gate = Gate.at(played.servers)
    yield gate
    for team in gate.rows() if gate.said("list") != "no team subscribes\n" else ():
        gate.said("remove", team)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_sample_is_short_and_knows_nothing_of_our_code(name: str) -> None:
    text = (EXAMPLES / FILES[name]).read_text("utf-8")
    assert len(text.splitlines()) < 40
    assert not {"services", "shared", "deploy", "redress"} & {*text.replace(".", " ").split()}


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((EXAMPLES / "package-lock.json").read_text("utf-8"))
    assert not [name for name, each in lock["packages"].items() if "resolved" in each]
    assert all("integrity" in each for name, each in lock["packages"].items() if name)


async def test_all_three_tell_the_same_events_though_they_are_killed(
    played: Stage, busy: Gate, made: Made
) -> None:
    reference = busy.add("reference")
    expected: list[str] = []
    with running(made(busy)) as samples:
        async with desks(played) as (desk, _, _):
            for number in range(30):
                await desk.made()
                for sample in samples.values():
                    if number in (10, 20):
                        sample.kill()
                        sample.start()

        async def same() -> bool:
            expected.extend(str(event.id) for event in events_in(await taken(reference)))
            return all({*sample.ids} == {*expected} for sample in samples.values())

        async with asyncio.timeout(120):
            while not await same():
                await asyncio.sleep(1)
        assert len({*expected}) > 150
        for sample in samples.values():
            again = len(sample.ids) - len({*sample.ids})
            assert again <= 2, "only what a kill cut off between telling and noting may be told again"
            assert sample.complaints.count("left out") == 0


async def test_repeats_are_told_once_and_poison_is_left_out(gate: Gate, made: Made) -> None:
    one, two, three, four = ({"source": "/redress/intake", "id": str(at)} for at in range(4))
    told = {"time": "2026-11-22T08:00:00Z", "type": TYPE, "subject": "RC-1"}
    batches: list[object] = [
        [one | told, two | told], [two | told], [5, "ab", None, {"source": {}, "id": "x"}, three | told],
        5, None, {"a": 1}, [four | told],
    ]  # fmt: skip
    bodies = [json.dumps(each).encode() for each in batches]
    bodies[3:3] = [b"", b"\xff\xfe", b"[" * 5]
    with running(made(gate)) as samples:
        async with logged_in(gate.servers.admin_amqp_url) as channel:
            exchange = await channel.get_exchange(EVENTS, ensure=False)
            for body in bodies:
                message = aio_pika.Message(body, content_type=BATCH, delivery_mode=2)
                await exchange.publish(message, TYPE)
        await until(lambda: all(len(sample.ids) >= 4 for sample in samples.values()), 30)
        await until(lambda: all(row["waiting"] == "0" for row in gate.rows().values()))
        for sample in samples.values():
            assert sorted(sample.ids) == ["0", "1", "2", "3"], sample.name  # in any order, as is documented
            assert sample.complaints.count("left out") >= 8, sample.name
            assert sample.runs


async def test_they_come_back_when_the_broker_does(breakable: Servers, made: Made) -> None:
    gate = Gate.at(breakable)
    with running(made(gate)) as samples:
        await closed(gate, "before")
        await until(lambda: all(sample.ids == ["before"] for sample in samples.values()), 30)
        await asyncio.sleep(3)  # a broker may forget where a queue's log lies if it dies in its first second
        breakable.kill("broker")
        await breakable.restart("broker")
        await closed(gate, "after")
        await until(lambda: all(sample.ids == ["before", "after"] for sample in samples.values()), 60)
        assert all(sample.runs for sample in samples.values())


async def closed(gate: Gate, id: str) -> None:
    """Say it until the broker takes it: just back, its queues may be without a leader."""
    event = {"source": "/redress/intake", "id": id, "time": "2026", "type": TYPE, "subject": "RC-1"}
    async with logged_in(gate.servers.admin_amqp_url) as channel:
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        body = json.dumps([event]).encode()
        message = aio_pika.Message(body, content_type=BATCH, delivery_mode=2)
        async with asyncio.timeout(90):
            while True:
                with suppress(DeliveryError):
                    await exchange.publish(message, TYPE)
                    return
                await asyncio.sleep(0.2)


async def test_work_that_may_go_well_later_comes_again(gate: Gate, made: Made) -> None:
    """Their database is locked: nothing is acknowledged, the process ends; started again it does the work."""
    samples = made(gate)
    with running(samples):
        await until(lambda: all(row["readers"] == "1" for row in gate.rows().values()), 30)
        locks = [sqlite3.connect(sample.folder / "done.db") for sample in samples.values()]
        for lock in locks:
            lock.execute("begin exclusive")
        await closed(gate, "late")
        await until(lambda: not any(sample.runs for sample in samples.values()), 30)
        for lock in locks:
            lock.close()
        assert [sample.ids for sample in samples.values()] == [[], [], []]
        for sample in samples.values():
            sample.start()
        await until(lambda: all(sample.ids == ["late"] for sample in samples.values()), 30)
