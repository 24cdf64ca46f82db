"""Trends: signalled once, countered by measures that are judged fairly, and closed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from services.intake.domain.charts import Subject
from services.intake.domain.trends import (
    Finding,
    Measure,
    NewMeasure,
    Piece,
    Share,
    Trend,
    check_measure,
    close,
    compared,
    effect,
    record_measure,
    renew,
    signal,
    trend_id,
)
from shared.envelope import Cause
from shared.events import About, TrendClosed, TrendMeasureRecorded, TrendSignalled
from shared.problems import Conflict, Invalid, NotFound

END = datetime(2026, 9, 18, 16, tzinfo=UTC)
ASKED = {"what": "thicker lid", "department": "quality", "owner": "Li", "due": END, "effective_from": END}


def trend(**changes: Any) -> Trend:
    found = Finding(since=END - timedelta(days=7), until=END, observed=12, expected=0.5, probability=1e-6)
    plain = {
        "kind": "batch", "about": About(batch="B-17"), "signalled_at": END, "found": found, "newest": found,
        "evidence": [Piece(id=UUID(int=n), number=f"RC-{n}") for n in range(100)],
    }  # fmt: skip
    return Trend.model_validate(plain | changes)


def measure(**changes: Any) -> Measure:
    plain = {
        "id": UUID(int=7), "what": "thicker lid", "department": "quality", "owner": "Li", "by": "desk",
        "at": END, "due": END + timedelta(days=9), "effective_from": END + timedelta(days=20),
    }  # fmt: skip
    return Measure.model_validate(plain | changes)


def cause(data: Any) -> Cause[Any]:
    return Cause(uuid4(), uuid4(), "batch/B-17", END, "desk", data)


def test_a_trend_is_signalled_once() -> None:
    first, facts = signal(None, cause(trend()))
    (fact,) = facts
    assert isinstance(fact, TrendSignalled)
    assert (fact.observed, fact.subject.batch, len(fact.evidence)) == (12, "B-17", 100)
    assert signal(first, cause(trend(signalled_at=END + timedelta(days=1)))) == (first, [])
    batch = Subject("batch", batch="B-17")
    assert trend_id(batch, END) == trend_id(batch, END)
    assert (
        len(
            {
                trend_id(batch, END),
                trend_id(batch, END + timedelta(days=1)),
                trend_id(Subject("batch", batch="B-18"), END),
                trend_id(Subject("product", product="B-17"), END),
            }
        )
        == 4
    )


def test_a_look_renews_an_open_trend_and_no_closed_one() -> None:
    later = trend().found.model_copy(update={"until": END + timedelta(days=1), "observed": 15})
    renewed, facts = renew(trend(), cause((later, {})))
    assert renewed is not None
    assert (renewed.newest.observed, renewed.found.observed, facts) == (15, 12, [])
    assert renew(renewed, cause((trend().found, {}))) == (renewed, [])
    closed = trend(closed_at=END)
    assert renew(closed, cause((later, {}))) == (closed, [])


def test_a_measure_is_recorded_once_and_says_nothing_in_words() -> None:
    state, facts = record_measure(trend(), cause(measure()))
    (fact,) = facts
    assert isinstance(fact, TrendMeasureRecorded)
    assert "thicker" not in fact.model_dump_json()
    assert "Li" not in fact.model_dump_json()
    assert record_measure(state, cause(measure())) == (state, [])
    with pytest.raises(Invalid):
        check_measure(state, measure(what="thinner lid"))
    two, _ = record_measure(state, cause(measure(id=UUID(int=8))))
    assert [each.number for each in two.measures] == [1, 2]


@pytest.mark.parametrize("department", ["Q" * 100, "Quality\nAssurance", "质检 A"])
def test_a_measure_may_be_given_to_whom_no_pack_names(department: str) -> None:
    asked = NewMeasure.model_validate(ASKED | {"department": department})
    _, (fact,) = record_measure(trend(), cause(measure(department=asked.department)))
    assert isinstance(fact, TrendMeasureRecorded)
    assert fact.department == department


@pytest.mark.parametrize("department", ["Q" * 101, "Q\x00", " "])
def test_what_no_event_can_tell_is_refused_when_it_is_asked(department: str) -> None:
    with pytest.raises(ValidationError):
        NewMeasure.model_validate(ASKED | {"department": department})


def test_what_refuses_a_measure() -> None:
    with pytest.raises(NotFound):
        record_measure(None, cause(measure()))
    with pytest.raises(Conflict):
        record_measure(trend(closed_at=END), cause(measure()))
    with pytest.raises(Invalid):
        record_measure(trend(), cause(measure(effective_from=END - timedelta(days=7))))


def test_a_trend_is_closed_with_one_conclusion() -> None:
    closed, facts = close(trend(), cause("The lid is thicker now."))
    (fact,) = facts
    assert isinstance(fact, TrendClosed)
    assert "lid" not in fact.model_dump_json()
    assert close(closed, cause("The lid is thicker now.")) == (closed, [])
    with pytest.raises(Conflict):
        close(closed, cause("It was nothing."))


def judged(before: tuple[int, int], after: tuple[int, int], days: int = 56) -> str:
    found = trend()
    begin = measure().effective_from
    spans = [
        Share(since=END, until=begin, count=before[0], all=before[1]),
        Share(since=begin, until=begin + timedelta(days=days), count=after[0], all=after[1]),
    ]
    return effect(found, *spans).verdict


def test_a_measure_is_judged_by_shares_and_not_too_early() -> None:
    assert judged((20, 1_000), (4, 1_000)) == "reduced"
    assert judged((20, 1_000), (4, 200)) == "not_shown", "there were only fewer of all"
    assert judged((4, 1_000), (20, 1_000)) == "increased"
    assert judged((20, 1_000), (16, 1_000)) == "not_shown"
    assert judged((20, 1_000), (0, 1_000), days=27) == "too_early"
    assert judged((0, 1_000), (0, 1_000)) == "not_shown"


def test_the_days_of_the_signal_are_left_out_where_there_are_others() -> None:
    now = END + timedelta(days=90)
    since, begin, until = compared(trend(), measure(), now)
    assert (since, begin, until) == (END, END + timedelta(days=20), now)
    soon = measure(effective_from=END + timedelta(days=3))
    assert compared(trend(), soon, now)[0] == END - timedelta(days=7)
    assert compared(trend(), measure(), END)[2] == measure().effective_from, "not in force yet"
