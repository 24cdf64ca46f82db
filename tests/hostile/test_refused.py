"""What hostile runs have found once, each by itself: it is refused, in words of ours."""

import json
from typing import Any

import pytest

from services.notify.domain.signing import fault, secret_text
from shared import clock
from shared.envelope import LARGEST_BODY, from_cloudevent, open_batch
from shared.events import (
    ComplaintDispatched,
    ComplaintGraded,
    DeadlineSet,
    Fact,
    PolicyPublished,
    TrendSignalled,
)
from shared.problems import Invalid, Malformed
from tests.kit.complaint import registered
from tests.kit.history import event

GRADED = ComplaintGraded(cycle=1, class_="quality", suggested=False, grade="minor", matches=())
DUE: Any = {"cycle": 1, "clock": "reply", "due": "2026-11-22T08:00:00Z", "started": "2026-11-22T08:00:00Z"}


def nested(levels: int) -> dict[str, Any]:
    return {"a": nested(levels - 1)} if levels else {}


BOUNDS: list[tuple[Fact, dict[str, Any], dict[str, Any]]] = [
    (GRADED, {"time": "9999-12-31T23:59:59Z"}, {}),
    (GRADED, {"time": "0001-01-01T00:00:00Z"}, {}),
    (GRADED, {"time": "1989-12-31T23:59:59Z"}, {}),
    (GRADED, {"sequence": "9" * 19}, {}),
    (GRADED, {"subject": "x" * 201}, {}),
    (GRADED, {}, {"cycle": 2**63}),
    (registered(), {}, {"received_at": "9999-12-31T23:59:59Z"}),
    (registered(), {}, {"received_at": "2026-11-22T08:00:00"}),
    (registered(), {}, {"details": {"weight": 1e308}}),
    (registered(), {}, {"pack": "x" * 65_537}),
    (DeadlineSet(**DUE), {}, {"due": "2301-01-01T00:00:00Z"}),
    (PolicyPublished(pack="base", version=2, content={}), {}, {"content": {"a": [{"b\x00": 1}]}}),
    (PolicyPublished(pack="base", version=2, content={}), {}, {"content": {"a": [10**40]}}),
    (PolicyPublished(pack="base", version=2, content={}), {}, {"content": nested(100)}),
    (ComplaintDispatched(cycle=1, lead="a", departments=("a",)), {}, {"departments": ["a\x00b"]}),
    (ComplaintDispatched(cycle=1, lead="a", departments=("a",)), {}, {"lead": "x" * 101}),
]


@pytest.mark.parametrize(("fact", "envelope", "data"), BOUNDS)
def test_an_event_out_of_bounds_is_refused(
    fact: Fact, envelope: dict[str, Any], data: dict[str, Any]
) -> None:
    given = json.loads(event(fact, 1))
    assert from_cloudevent(given).data == fact
    given |= envelope
    given["data"] |= data
    with pytest.raises(Invalid):
        from_cloudevent(given)


def test_no_number_is_infinite() -> None:
    common: Any = {"kind": "share", "subject": {}, "observed": 1, "probability": 0.1}
    window = {"from": "2026-11-22T08:00:00Z", "to": "2026-11-23T08:00:00Z"}
    fact = TrendSignalled.model_validate(common | {"window": window, "expected": 1.0})
    given = json.loads(event(fact, 1))
    for expected in (float("nan"), float("inf")):
        given["data"]["expected"] = expected
        with pytest.raises(Invalid):
            from_cloudevent(given)


def test_due_times_may_lie_beyond_what_callers_may_give() -> None:
    given = json.loads(event(DeadlineSet(**DUE | {"due": "2202-01-01T00:00:00Z"}), 1))
    assert from_cloudevent(given).type == DeadlineSet.type


def test_a_body_beyond_reason_is_not_read() -> None:
    with pytest.raises(Malformed, match="send at most"):
        open_batch(b"[" + b" " * LARGEST_BODY + b"]")


@pytest.mark.parametrize("stamp", ["9" * 13, "9" * 400, "9" * 5_000])
def test_a_timestamp_that_is_no_time_is_refused(stamp: str) -> None:
    told = fault([secret_text(b"secret")], "id", stamp, "v1,AAAA", b"", clock.machine_now())
    assert told == "webhook-timestamp is not a number of seconds"


def test_half_a_character_is_no_signature() -> None:
    stamp = str(int(clock.machine_now().timestamp()))
    assert fault([secret_text(b"secret")], "id", stamp, "v1,\ud800", b"", clock.machine_now())
