"""Which events are wanted, told from their envelopes, whoever wrote them."""

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.envelope import batch
from shared.problems import Invalid
from shared.wanted import Wanted, fits
from tests.kit.history import FACTS, event

GRADED, ACCEPTED, CLOSED = FACTS
MINE, NOW = uuid4(), clock.now()
EVENTS = (
    event(GRADED, 1, MINE, timedelta(hours=3)),
    event(GRADED, 2, None, timedelta(hours=2)),
    event(CLOSED, 3, MINE, timedelta(hours=1)),
    event(ACCEPTED, 4),
)
BATCHES = ((GRADED.type, EVENTS[:2]), (CLOSED.type, EVENTS[2:3]), (ACCEPTED.type, EVENTS[3:]))


def picked(events: Sequence[tuple[str, Sequence[bytes]]], **wanted: Any) -> tuple[bytes, ...]:
    chosen = Wanted(**wanted)
    return tuple(line for kind, some in events for _, line in chosen.picked(kind, batch(list(some))))


def foreign(one: bytes) -> bytes:
    """The same event with its members in another order."""
    return json.dumps(dict(sorted(json.loads(one).items(), reverse=True)), separators=(",", ":")).encode()


AT = datetime.fromisoformat(json.loads(EVENTS[1])["time"])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [0, 1, 2, 3]),
        ({"types": ("complaint.graded.v1",)}, [0, 1]),
        ({"types": ("complaint.clo*", "*.accepted.v1")}, [2, 3]),
        ({"types": ("complaint.*.v1",)}, [0, 1, 2, 3]),
        ({"complaint": str(MINE).upper()}, [0, 2]),
        ({"complaint": "rc-0000000004"}, [3]),
        ({"complaint": "RC-000000000"}, []),
        ({"complaint": json.loads(EVENTS[0])["id"]}, []),
        ({"since": NOW - timedelta(minutes=90)}, [2, 3]),
        ({"until": NOW - timedelta(minutes=90)}, [0, 1]),
        ({"since": AT, "until": AT + timedelta(milliseconds=1)}, [1]),
        ({"since": AT + timedelta(milliseconds=1), "until": AT}, []),
        ({"types": ("*.graded.v1",), "complaint": str(MINE)}, [0]),
    ],
)
def test_types_complaints_and_times_narrow_it_event_by_event(
    wanted: dict[str, Any], found: list[int]
) -> None:
    assert picked(BATCHES, **wanted) == tuple(EVENTS[at] for at in found)
    untold = [("", EVENTS)]
    assert picked(untold, **wanted) == tuple(EVENTS[at] for at in found), "the message does not say its type"
    others = [foreign(each) for each in EVENTS]
    whole = [json.loads(each) for each in picked([("", others)], **wanted)]
    assert whole == [json.loads(EVENTS[at]) for at in found], "somebody else wrote them"


@pytest.mark.parametrize(
    "body",
    [b"", b"{nonsense", b"{}", b"[1]", b'["\xff"]', b"[[]]", b'[{"specversion":"1.0"}]', b"[null]",
     batch([b'{"specversion":"1.0","id":"x","time":"now"}'])],
)  # fmt: skip
def test_what_is_no_event_is_left_out_and_stops_nobody(body: bytes) -> None:
    for wanted in (Wanted(), Wanted(types=("complaint.*",)), Wanted(since=NOW), Wanted(complaint=str(MINE))):
        assert list(wanted.picked("", body)) == list(wanted.picked(CLOSED.type, body)) == []


def test_events_beside_something_else_are_found() -> None:
    assert list(Wanted().picked("", b"[1," + EVENTS[0] + b"]")) == [(1, EVENTS[0])]


@pytest.mark.parametrize(
    "pattern", ["complaint.sung.v1", "contact.recorded.v1", "", "graded", "*.*.*.*.*.*.*.*.*"]
)
def test_a_pattern_that_means_no_public_event_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid, match="No public event"):
        Wanted((pattern,))


@given(st.text("a.*", max_size=9), st.text("a.", max_size=12))
def test_a_star_is_any_text_wherever_it_stands(pattern: str, type: str) -> None:
    meant = re.escape(pattern).replace(r"\*", ".*")
    assert fits(pattern, type) == (re.fullmatch(meant, type) is not None)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", ["*" * 10 + "!", "*" * 999, ",".join(["*a" * 8 + "!"] * 58)])
def test_no_pattern_takes_longer_than_a_look(pattern: str) -> None:
    with pytest.raises(Invalid, match="No public event"):
        Wanted(tuple(pattern.split(",")))
    assert not fits("*a" * 400 + "!", "a" * 100_000)


def test_a_type_of_a_newer_sender_is_found_by_its_pattern() -> None:
    sung = EVENTS[0].replace(b"complaint.graded.v1", b"complaint.sung.v1")
    newer = [("", [sung]), ("complaint.sung.v1", [sung])]
    assert picked(newer, types=("complaint.*",)) == (sung, sung)
    assert picked(newer, types=("complaint.graded.*",)) == picked(newer, types=("deadline.*",)) == ()
    told = [("", [sung.replace(b"sung.v1", b"x" * 100_000)])]
    assert picked(told, types=("*a*e*.v1", "complaint.*.v1")) == ()
