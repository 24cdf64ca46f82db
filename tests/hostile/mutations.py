"""Mutations: events as the house publishes them, made hostile by Hypothesis; a seed repeats them."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from shared.events import CATALOGUE

Event = dict[str, Any]
Way = tuple[str | int, ...]
LONG = "x" * 100_000


def nested(depth: int) -> Any:
    """A list in a list, so many times."""
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


VALUES: list[Any] = [
    None, True, False, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**40, 0.5, 1e308, -0.0,
    float("nan"), float("inf"), "", " ", "0", "-1", "1e400", "1e999999", "NaN", "Infinity", "\x00", "a\x00b",
    "\ud800", "\u202e", "\U0001f600" * 200, LONG, "null", "$where", "__proto__", "../../etc/passwd",
    "{{7*7}}", "{% for a in b %}", "<script>", "'; drop", "intake", "base", "staff:1", "zh-CN",
    "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "1989-12-31T00:00:00Z", "2201-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "2026-11-22T08:00:00", "2026-11-22T08:00:00+23:59", 1e300, -62135596800,
    [], {}, [[]], [None], {"": ""}, {"$gt": ""}, {"a.b": 1}, {"$set": {"x": 1}}, {"\x00": 1},
    {"x" * 10_000: 1}, ["x"] * 5_000, {str(at): at for at in range(2_000)},
    "00000000-0000-0000-0000-000000000000", str(UUID(int=2**128 - 1)),
]  # fmt: skip
"""What programs trip over, in place of what belongs there."""


def ways(value: Any, so_far: Way = ()) -> Iterator[Way]:
    """Every place inside."""
    if so_far:
        yield so_far
    if isinstance(value, dict):
        for key, each in value.items():
            yield from ways(each, (*so_far, key))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from ways(each, (*so_far, at))


def _holder(event: Event, way: Way) -> Any:
    here: Any = event
    for part in way[:-1]:
        here = here[part]
    return here


def _at(event: Event, way: Way) -> Any:
    return _holder(event, way)[way[-1]]


def put(event: Event, way: Way, value: Any) -> None:
    _holder(event, way)[way[-1]] = deepcopy(value)


@st.composite
def mutated(draw: st.DrawFn, valid: Event) -> Event:
    """An event changed in one to three places."""
    event = deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        known = list(ways(event))
        way = draw(st.sampled_from(known))
        match draw(
            st.sampled_from(("value", "value", "any", "drop", "more", "swap", "list", "deep", "type"))
        ):
            case "value":
                put(event, way, draw(st.sampled_from(VALUES)))
            case "any":
                put(event, way, draw(ANYTHING))
            case "drop":
                del _holder(event, way)[way[-1]]
            case "more":
                holder = _holder(event, way)
                if isinstance(holder, dict):
                    holder[
                        draw(st.sampled_from(("more", "$where", "a.b", "", "\x00", "_id", "__class__")))
                    ] = 1
                else:
                    holder.append(deepcopy(draw(st.sampled_from(VALUES))))
            case "swap":
                other = draw(st.sampled_from(known))
                if not _inside(way, other):
                    one, two = _at(event, way), _at(event, other)
                    put(event, way, two)
                    put(event, other, one)
            case "list":
                put(event, way, [_at(event, way)] * draw(st.sampled_from((1, 2, 300))))
            case "deep":
                put(event, way, nested(draw(st.sampled_from((5, 90, 190)))))
            case "type":
                event["type"] = draw(st.sampled_from(sorted(CATALOGUE)))
    return event


def _inside(one: Way, other: Way) -> bool:
    short = min(len(one), len(other))
    return one[:short] == other[:short]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.uuids().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def written(events: list[Event]) -> bytes:
    """A batch as a careless program writes it: NaN, and halves of surrogate pairs, escaped."""
    return json.dumps(events).encode()


@st.composite
def broken(draw: st.DrawFn, body: bytes) -> bytes:
    """A batch whose bytes were damaged."""
    match draw(st.sampled_from(("cut", "flip", "insert", "deep", "many", "other"))):
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "flip":
            at, bit = draw(st.integers(0, len(body) - 1)), draw(st.integers(0, 7))
            return body[:at] + bytes([body[at] ^ 1 << bit]) + body[at + 1 :]
        case "insert":
            at = draw(st.integers(0, len(body)))
            return body[:at] + draw(st.binary(max_size=8)) + body[at:]
        case "deep":
            depth = draw(st.sampled_from((100, 10_000, 1_000_000)))
            return b"[" * depth + draw(st.sampled_from((b"", b"]" * depth)))
        case "many":
            return b"[" + b",".join([draw(st.sampled_from((b"1", b"{}", b"[]")))] * 1_001) + b"]"
    return draw(
        st.sampled_from(
            (b"", b"null", b"{}", b'""', b"NaN", b"\xef\xbb\xbf[]", body.decode().encode("utf-16"),
             b"\x00" * 1_000, b"\xff\xfe", b"[1e999999999]", b"[" + b"9" * 5_000 + b"]", body + body)
        )
    )  # fmt: skip


def fresh(event: Event, id: UUID, complaint: UUID, sequence: int) -> Event:
    """The same event as news of this complaint."""
    return event | {"id": str(id), "correlationid": str(complaint), "sequence": f"{sequence:010d}"}
