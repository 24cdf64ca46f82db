"""`redress events replay`: to the output and into a team's queue, identical for whoever was away."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from aio_pika.abc import AbstractIncomingMessage
from aiormq.abc import FieldTable

from bench.replay import measure
from shared import clock
from shared.envelope import lines
from shared.events import Fact
from shared.history import HISTORY, History
from tests.kit.history import FACTS, batches, event, message
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of, take_all

REDRESS = [sys.executable, "-c", "from deploy.cli import main; main()"]
GRADED, ACCEPTED, CLOSED = FACTS


async def run(servers: AnyServers, *words: object) -> tuple[int, bytes, str]:
    """Exit code, output, and what was said beside it."""
    command = await asyncio.create_subprocess_exec(
        *REDRESS, "events", "replay", *map(str, words),
        env=os.environ | {"REDRESS_OPERATOR_AMQP_URL": servers.operator_amqp_url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, beside = await command.communicate()
    assert command.returncode is not None
    return command.returncode, output, beside.decode()


async def replayed(servers: AnyServers, *words: object) -> list[bytes]:
    code, output, beside = await run(servers, *words)
    assert code == 0, beside
    return output.splitlines()


def go_on(beside: str) -> int:
    """The offset that the last line names."""
    return int(re.findall(r"next=([0-9]+)", beside)[-1])


async def end(servers: AnyServers) -> int:
    history = History(servers.operator_amqp_url)
    async with history.reading("first") as reading:
        found = reading.end
    await history.close()
    return found


async def publish(servers: AnyServers, facts: Sequence[Fact]) -> list[bytes]:
    """One event a message, in this order, as their services would."""
    made = [(fact, event(fact, at)) for at, fact in enumerate(facts)]
    for fact, each in made:
        async with channel_of(servers.amqp_url(fact.owner)) as channel:
            exchange = await channel.get_exchange("redress.events", ensure=False)
            await exchange.publish(message(fact.type, [each], fact.owner), fact.type)
    return [each for _, each in made]


async def test_it_prints_one_event_a_line_in_order_and_again_the_same(servers: AnyServers) -> None:
    begin = await end(servers)
    events = await publish(servers, [GRADED, CLOSED, GRADED, ACCEPTED])
    code, first, beside = await run(servers, "--from", begin)
    assert (code, first.splitlines()) == (0, events), beside
    assert (await run(servers, "--from", begin))[1] == first
    assert go_on(beside) == await end(servers)
    assert await replayed(servers, "--from", go_on(beside)) == []
    assert await replayed(servers, "--from", begin, "--to", begin + 2) == events[:2]
    assert await replayed(servers, "--from", begin + 2, "--to", begin + 3) == events[2:3]
    assert await replayed(servers, "--from", begin, "--type", "complaint.graded.v1") == events[::2]
    types = ("--type", "*.accepted.v1", "--type", "complaint.clo*")
    assert await replayed(servers, "--from", begin, *types) == [events[1], events[3]]
    assert await replayed(servers, "--from", begin, "--complaint", "RC-0000000003") == events[3:]


async def test_dates_are_when_it_happened(servers: AnyServers) -> None:
    before = clock.now()
    events = await publish(servers, [CLOSED])
    after = clock.now()
    await publish(servers, [CLOSED])
    assert await replayed(servers, "--from", before.isoformat(), "--to", after.isoformat()) == events
    assert events[0] in await replayed(servers, "--from", before.date().isoformat())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "yesterday"), "no place in the history"),
        (("--from", "2026-09-18T09:00"), "no place in the history"),
        (("--from", "99999999"), "not the one it was"),
        (("--type", "contact.recorded.v1"), "No public event"),
        (("--team", "nobody"), "There is no queue team.nobody"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    servers: AnyServers, words: tuple[str, ...], told: str
) -> None:
    await publish(servers, [CLOSED])
    code, output, beside = await run(servers, *words)
    assert (code, output) == (1, b"")
    assert told in beside
    assert "Traceback" not in beside


async def test_whoever_reads_no_further_ends_it_without_a_fuss(servers: AnyServers) -> None:
    async with channel_of(servers.admin_amqp_url) as channel:
        for type, some in batches(3_000):
            await channel.default_exchange.publish(message(type, some), HISTORY)
    words = " ".join(f"'{each}'" for each in REDRESS)
    command = await asyncio.create_subprocess_shell(
        f"({words} events replay; echo $? >&2) | head -n 3 | wc -l",
        env=os.environ | {"REDRESS_OPERATOR_AMQP_URL": servers.operator_amqp_url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, beside = await command.communicate()
    assert output.strip() == b"3"
    assert beside.split()[-1] == b"141", "as a shell has it of a command that nobody reads on"
    assert b"Traceback" not in beside
    assert b"Exception" not in beside


async def test_an_output_that_takes_no_more_breaks_it_off_and_it_says_where(servers: AnyServers) -> None:
    begin = await end(servers)
    await publish(servers, [CLOSED])
    words = " ".join(f"'{each}'" for each in REDRESS)
    command = await asyncio.create_subprocess_shell(
        f"{words} events replay --from {begin} >/dev/full",
        env=os.environ | {"REDRESS_OPERATOR_AMQP_URL": servers.operator_amqp_url},
        stderr=asyncio.subprocess.PIPE,
    )
    _, beside = await command.communicate()
    assert command.returncode == 1
    assert beside.decode().splitlines()[-1] == "No space left on device"
    assert f"broken off: next={begin} " in beside.decode()
    assert b"broker" not in beside
    assert b"Traceback" not in beside


def test_a_file_that_is_not_there_is_not_called_a_broker() -> None:
    code = "from deploy import cli; cli.program = lambda: open('/nowhere/x'); cli.main()"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (1, "/nowhere/x: No such file or directory\n")


async def test_next_is_of_the_stream_that_it_was_said_of(servers: AnyServers) -> None:
    await publish(servers, [CLOSED])
    beside = (await run(servers, "--from", await end(servers) - 1))[2]
    place = re.findall(r"next=([0-9]+:[0-9a-f]{16}) ", beside)[-1]
    late = await publish(servers, [GRADED])
    assert await replayed(servers, "--from", place) == late
    assert await replayed(servers, "--from", place, "--to", place) == []
    offset = place.partition(":")[0]
    code, output, beside = await run(servers, "--from", f"{offset}:{'0' * 16}")
    assert (code, output) == (1, b"")
    assert "the stream is not the one it was" in beside


async def test_it_goes_on_where_it_was_interrupted(servers: AnyServers) -> None:
    """What the reader had until then, and what comes from the named offset on, is the whole."""
    begin = await end(servers)
    async with channel_of(servers.admin_amqp_url) as channel:
        for type, some in batches(20_000):
            await channel.default_exchange.publish(message(type, some), HISTORY)
    whole = (await run(servers, "--from", begin))[1]
    command = await asyncio.create_subprocess_exec(
        *REDRESS, "events", "replay", "--from", str(begin),
        env=os.environ | {"REDRESS_OPERATOR_AMQP_URL": servers.operator_amqp_url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert command.stdout is not None
    assert command.stderr is not None
    head = await command.stdout.readline()
    command.send_signal(signal.SIGINT)
    rest, beside = await asyncio.gather(command.stdout.read(), command.stderr.read())
    assert await command.wait() == 130, beside
    assert b"stopped: next=" in beside
    assert b"Traceback" not in beside
    tail = (await run(servers, "--from", go_on(beside.decode())))[1]
    assert head + rest + tail == whole
    assert len(tail) < len(whole)


async def test_the_bench_finds_a_second_replay_identical(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await measure(tmp_path / "servers", 5_000)
    said = capsys.readouterr().out
    assert "5000 events in" in said
    assert "identical=True" in said


# teams


async def team(servers: AnyServers, name: str) -> None:
    """Let a team in, from now on."""
    async with channel_of(servers.admin_amqp_url) as channel:
        queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind("redress.events", "#")


async def gone(servers: AnyServers, name: str) -> None:
    async with channel_of(servers.admin_amqp_url) as channel:
        await channel.queue_delete(name)


def known(messages: list[AbstractIncomingMessage]) -> dict[bytes, int]:
    """Events by their text (source, id and all else), and how often each came."""
    found: dict[bytes, int] = {}
    for each in messages:
        for line in lines(each.body).split(b"\n"):
            found[line] = found.get(line, 0) + 1
    return found


async def test_a_team_that_was_off_and_replays_has_what_the_other_has(servers: AnyServers) -> None:
    """Its queue has even gone: from the date on it has the identical set, and the same bodies."""
    name = uuid4().hex[:8]
    live, off = f"team.live{name}", f"team.off{name}"
    await team(servers, live)
    await team(servers, off)
    both = await publish(servers, [GRADED, CLOSED])
    seen = known(await take_all(servers, off, 0.5))
    await gone(servers, off)
    since = clock.now()
    missed = await publish(servers, [CLOSED, GRADED, ACCEPTED] * 20)
    await team(servers, off)
    late = await publish(servers, [ACCEPTED])
    code, output, beside = await run(
        servers, "--from", since.isoformat(), "--team", off.removeprefix("team.")
    )
    assert (code, output) == (0, b""), beside
    there = await take_all(servers, live, 0.5)
    again = await take_all(servers, off, 0.5)
    await gone(servers, live)
    await gone(servers, off)
    assert {*known(there)} == {*seen} | {*known(again)} == {*both, *missed, *late}
    assert known(again)[late[0]] == 2, "what came live after it was back is a repeat, known by source and id"
    assert [each for each in known(again) if each not in late] == missed, "in their order"
    ids = {each.message_id for each in again}
    assert ids == {each.message_id for each in there[2:]}
    (whole,) = {(each.content_type, each.delivery_mode, each.app_id) for each in again + there}
    assert whole[1] == 2
    assert {each.user_id for each in again[1:]} == {"operator"}


async def test_batches_reach_a_team_as_they_were_or_as_much_of_them_as_is_wanted(servers: AnyServers) -> None:
    name, mine = f"team.{uuid4().hex[:8]}", uuid4()
    begin = await end(servers)
    events = [event(CLOSED, 1, mine), event(CLOSED, 2), event(CLOSED, 3, mine)]
    async with channel_of(servers.amqp_url("intake")) as channel:
        exchange = await channel.get_exchange("redress.events", ensure=False)
        sent = message(CLOSED.type, events, "intake")
        await exchange.publish(sent, CLOSED.type)
    await team(servers, name)
    short = name.removeprefix("team.")
    assert await replayed(servers, "--from", begin, "--team", short) == []
    assert await replayed(servers, "--from", begin, "--team", short, "--complaint", mine) == []
    whole, some = await take_all(servers, name, 0.5)
    await gone(servers, name)
    assert whole.body == sent.body
    assert lines(some.body).split(b"\n") == [events[0], events[2]]
    assert {each.message_id for each in (whole, some)} == {sent.message_id}
    assert {each.type for each in (whole, some)} == {CLOSED.type}


async def test_a_queue_that_is_full_breaks_it_off_and_it_can_go_on(servers: AnyServers) -> None:
    name = f"team.{uuid4().hex[:8]}"
    begin = await end(servers)
    events = await publish(servers, [CLOSED] * 10)
    full: FieldTable = {"x-queue-type": "classic", "x-max-length": 4, "x-overflow": "reject-publish"}
    async with channel_of(servers.admin_amqp_url) as channel:
        await channel.declare_queue(name, durable=True, arguments=full)
    words = ("--team", name.removeprefix("team."))
    code, _, beside = await run(servers, "--from", begin, *words)
    assert code == 1
    assert f"{name} does not take" in beside
    assert go_on(beside) == begin
    had = known(await take_all(servers, name, 0.5))
    assert {*had} <= {*events}
    await gone(servers, name)
