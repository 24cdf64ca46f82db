"""A short run of every kind, and that such a run sees what is wrong; `make hostile` goes on for longer."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

import pytest
from hypothesis import strategies as st

from tests.hostile import fuzzing, wire
from tests.hostile.__main__ import told
from tests.hostile.drawing import tried
from tests.hostile.tally import Tally
from tests.hostile.targets import TARGETS, Target
from tests.hostile.targets import tried as read
from tests.kit.programs import ran

ROW = re.compile(r"^(.{58}) +([\d,]+) +(\d+)$", re.MULTILINE)
KINDS = 5 + 5 + 4 + 3 + 5
"""Files, forgeries, the broker, the door, inboxes."""


async def test_a_short_run_finds_nothing() -> None:
    """In a process of its own: packs that hostile events publish stay on its shelf."""
    code, said = await ran("tests.hostile", "--n", "4", "--seed", "1")
    rows = ROW.findall(said)
    assert (code, len(rows)) == (0, KINDS), said
    assert all(inputs != "0" and failures == "0" for _, inputs, failures in rows), said
    assert re.fullmatch(r"inputs=\d+ failures=0 seed=1", said.splitlines()[-1]), said


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read_or_refused(name: str) -> None:
    """What a fuzzer begins with, at the speed of reading it once."""
    assert {read(TARGETS[name], each) for each in TARGETS[name].seeds} == {None}


# a run sees what is wrong


def _stumbles(given: bytes) -> None:
    if given[:2] == b"ab":
        raise KeyError("planted")


@pytest.fixture
def planted() -> Iterator[str]:
    TARGETS["planted"] = Target("planted", _stumbles, [b"ab", b"xx"])
    yield "planted"
    del TARGETS["planted"]


def test_a_reader_that_stumbles_is_found(planted: str) -> None:
    tally = fuzzing.unled(planted, 50, 1)
    assert (tally.inputs, list(tally.failures)) == (50, [f"KeyError at {_place('_stumbles', 2)}"])


async def test_the_fuzzer_is_led_by_coverage_where_it_can_be() -> None:
    """Where atheris has no wheel, Hypothesis takes its place, and the table says so."""
    tally = await asyncio.to_thread(fuzzing.fuzzed, "rows", 30, 1)
    assert (tally.inputs >= 30, tally.failures) == (True, {})
    by = "atheris" if find_spec("atheris") else "Hypothesis"
    assert tally.what == f"files into rows ({by})"


def _place(function: str, line: int) -> str:
    begins = globals()[function].__code__.co_firstlineno
    return f"tests/hostile/test_hostile.py:{begins + line}"


async def test_whatever_an_attempt_raises_or_says_is_a_failure() -> None:
    async def attempt(number: int) -> str | None:
        if number % 2:
            raise ValueError("odd")
        return "even" if number else None

    tally = await tried(Tally("numbers"), 50, 1, st.integers(0, 10**6), attempt)
    assert (tally.inputs, set(tally.failures)) == (50, {"ValueError: odd", "even"})


async def test_a_run_with_a_failure_ends_badly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def found(n: int, chance: int) -> AsyncIterator[Tally]:
        yield Tally("well", 3)
        yield Tally("badly", 2, {"how": "what"})

    monkeypatch.setattr("tests.hostile.__main__.attacked", found)
    assert await told(1, 7) is False
    assert capsys.readouterr().out.splitlines()[-1] == "inputs=5 failures=1 seed=7"


@asynccontextmanager
async def _careless() -> AsyncIterator[wire.Door]:
    """A server that waits for ever, and answers who has said all with an error of its own."""

    held: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        told = await reader.read(65_536)
        if told.startswith(b"GET /health/live HTTP/1.1\r\nHost: 127"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif reader.at_eof():
            writer.write(b"HTTP/1.1 500 Oh\r\n\r\n")
        else:
            return
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield wire.Door(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for writer in held:
            writer.transport.abort()


async def test_a_server_that_holds_slow_callers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CUT_S", 1)
    async with _careless() as door:
        assert (await wire.slow(door, 1, wire.SOON)).failures == {"connections were held": "3"}


async def test_a_server_that_answers_with_errors_or_not_at_all_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "ANSWER_S", 1)
    monkeypatch.setattr(wire, "ODD", [b"GET / HTTP/1.1\r\n", b"x" * 3_000_000])
    async with _careless() as door:
        found = (await wire.odd(door, 3, 1)).failures
    assert {"answered b'HTTP/1.1 500 Oh\\r\\n\\r\\n'", wire.HELD} <= found.keys()
