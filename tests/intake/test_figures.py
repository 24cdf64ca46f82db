"""Figures: exact to the complaint, parts that sum to the whole, and no rate of nothing."""

import math
from array import array
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.complaint import Complaint
from services.intake.domain.estimates import times, wilson
from services.intake.domain.figures import (
    DIMENSIONS,
    Figures,
    Months,
    Table,
    Tally,
    kept,
    milliseconds,
    next_month,
    row,
)
from services.intake.domain.ledger import facets
from services.intake.domain.reporting import EVERY, House, Selection, Sums, link, month_period, part, period
from shared.policy import load
from shared.problems import Invalid
from tests.kit.intake import Record

SHANGHAI = Months(ZoneInfo("Asia/Shanghai"))
NOW = datetime(2026, 9, 15, 4, tzinfo=UTC)
HOUSE = House(
    months=SHANGHAI,
    now=NOW,
    usual=load("base", 1),
    pack=lambda name: load(name, 1),
    address=lambda path, query: f"{path}?{sorted(query.items())}",
)
MS = st.integers(0, 10**9)
SOME = st.sampled_from(["a", "b", None])
ROWS = st.fixed_dictionaries(
    {
        "registered": st.datetimes(datetime(2026, 6, 1), datetime(2026, 9, 15)).map(
            lambda at: milliseconds(at.replace(tzinfo=UTC))
        ),
        "stage": st.sampled_from(["graded", "closed"]),
        "pack": st.just("base"),
        "channel": st.sampled_from(["hotline", "letter"]),
        "rounds": st.integers(1, 3),
        "repeat": st.booleans(),
        "stays": st.dictionaries(st.sampled_from(["registered", "graded"]), MS),
        "clocks": st.dictionaries(st.sampled_from(["accept", "resolve"]), st.booleans()),
        "asked": st.booleans(),
    },
    optional={
        "class": st.sampled_from("ab"),
        "cause": st.sampled_from("ab"),
        "batch": st.sampled_from("abc"),
        "outcome": st.sampled_from(["resolved", "withdrawn"]),
        "closed": MS,
        "due": st.integers(milliseconds(NOW) - 10, milliseconds(NOW) + 10),
        "took": MS,
        "score": st.integers(0, 10),
        "survey": st.sampled_from(["answered", "declined", "expired", "open", "skipped"]),
    },
)


def counts(found: Figures) -> dict[str, int]:
    """Every number in it that counts complaints."""
    plain = found.model_dump()

    def walk(value: Mapping[str, Any], path: str) -> dict[str, int]:
        numbers: dict[str, int] = {}
        for name, each in value.items():
            if isinstance(each, dict):
                numbers |= walk(each, f"{path}/{name}")
            elif isinstance(each, int):
                numbers[f"{path}/{name}"] = each
        return numbers

    return walk(plain, "")


def tallied(rows: list[dict[str, Any]]) -> Figures:
    tally = Tally()
    for at in range(0, len(rows), 7):
        tally.add(rows[at : at + 7])
    return tally.figures(NOW)


@given(st.lists(ROWS, max_size=30), st.sampled_from(DIMENSIONS), st.sampled_from(DIMENSIONS))
def test_the_parts_sum_to_the_whole(rows: list[dict[str, Any]], one: Any, other: Any) -> None:
    table = Table([one, other], SHANGHAI)
    for at in range(0, len(rows), 7):
        table.add(rows[at : at + 7])
    whole = counts(tallied(rows))
    summed = dict.fromkeys(whole, 0)
    for _, tally, _ in table.groups():
        for name, number in counts(tally.figures(NOW)).items():
            summed[name] += number
    assert summed == whole


@given(st.lists(ROWS, max_size=30))
def test_every_rate_is_of_its_own_counts(rows: list[dict[str, Any]]) -> None:
    found = tallied(rows)
    kept_all = [row for row in rows if row["clocks"] and all(row["clocks"].values())]
    judged = [row for row in rows if row["clocks"]]
    assert (found.on_time.in_time, found.on_time.judged) == (len(kept_all), len(judged))
    assert found.on_time.rate == (len(kept_all) / len(judged) if judged else None)
    scores = [row["score"] for row in rows if "score" in row]
    assert found.satisfaction.mean == (pytest.approx(sum(scores) / len(scores)) if scores else None)
    assert found.overdue == sum(row.get("due", math.inf) < milliseconds(NOW) for row in rows)
    took = sorted(row["took"] for row in rows if "took" in row)
    if took:
        assert found.resolution.median_s == took[(len(took) - 1) // 2] / 1000
        assert found.resolution.p90_s in [each / 1000 for each in took]


def test_a_month_without_cases_has_no_rate() -> None:
    found = tallied([])
    assert found.on_time.rate is None
    assert found.first_time.rate is None
    assert found.satisfaction.rate is None
    assert found.resolution.median_s is None


@pytest.mark.parametrize(("in_time", "judged", "rate"), [(19, 20, 0.95), (18, 19, 18 / 19)])
def test_the_reply_rate_of_p29(in_time: int, judged: int, rate: float) -> None:
    row = {"rounds": 1, "repeat": False, "asked": False, "stays": {}}
    rows = [row | {"clocks": {"reply": n < in_time}} for n in range(judged)]
    assert tallied(rows).clocks["reply"].rate == pytest.approx(rate)


@pytest.mark.parametrize(
    ("part_", "whole", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (8, 10, 0.4902, 0.9433), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval(part_: int, whole: int, low: float, high: float) -> None:
    """The last one is the worked example of Newcombe (1998)."""
    assert list(wilson(part_, whole)) == pytest.approx([low, high], abs=1e-4)


def test_percentiles_are_times_of_complaints() -> None:
    found = times(array("q", [10_000, 1_000, 3_000, 2_000]))
    assert (found.complaints, found.median_s, found.p90_s) == (4, 2.0, 10.0)


def test_a_clock_is_kept_if_it_never_ran_out() -> None:
    def due(late: bool, outcome: str | None, sequence: int = 1) -> dict[str, Any]:
        return {"sequence": sequence, "due": None, "breached": late, "outcome": outcome}

    clocks = {
        "1:accept:quality": due(False, "met"),
        "1:accept:production": due(True, "missed"),
        "2:accept:quality": due(False, "met"),
        "1:propose:": due(False, "met"),
        "1:resolve:": due(True, None),
        "1:running:": due(False, None),
        "1:stopped:": due(False, "cancelled"),
    }
    state = Record("base").state
    told = Complaint.model_validate(state.model_dump() | {"deadlines": clocks})
    assert kept(told) == {"accept": False, "propose": True, "resolve": False}


@given(
    st.datetimes(datetime(1995, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "Asia/Kathmandu"]),
)
def test_an_instant_lies_in_the_month_of_its_house(at: datetime, zone: str) -> None:
    months, aware = Months(ZoneInfo(zone)), at.replace(tzinfo=UTC)
    month = months.of_instant(aware)
    assert months.begins(month) <= aware < months.begins(next_month(month))
    assert month == f"{aware.astimezone(ZoneInfo(zone)):%Y-%m}"


def test_a_link_narrows_to_the_group_and_names_what_is_unknown() -> None:
    during = period(datetime(2026, 8, 10, tzinfo=UTC), datetime(2026, 9, 10, tzinfo=UTC), NOW, SHANGHAI)
    found = link(during, Selection(lead="quality"), {"grade": None, "month": "2026-09", "cause": "x"}, HOUSE)
    assert "('lead', 'quality')" in found
    assert "('cause', 'x')" in found
    assert "('unknown', 'grade')" in found
    assert "('registered_from', '2026-09-01T00:00:00+08:00')" in found
    assert "('registered_to', '2026-09-10T00:00:00+00:00')" in found


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Invalid):
        period(NOW, NOW - timedelta(days=1), NOW, SHANGHAI)
    assert period(None, None, NOW, SHANGHAI).since == datetime(2026, 8, 31, 16, tzinfo=UTC)


def test_a_report_sums_up_what_it_does_not_show() -> None:
    row: dict[str, Any] = {"rounds": 1, "repeat": False, "asked": False, "stays": {}, "clocks": {}}
    row |= {"pack": "base", "registered": milliseconds(NOW)}
    sums = Sums(Tally(), [Table(["batch"], SHANGHAI)])
    rows = [
        row | {"batch": f"b{n}", "registered": milliseconds(NOW)} for n in range(30) for _ in range(n + 1)
    ]
    sums.add(rows, EVERY.takes())
    found = part(sums.tables[0], month_period("2026-09", SHANGHAI), HOUSE)
    shown = sum(group.figures.complaints for group in found.groups)
    assert len(found.groups) == 20
    assert found.groups[0].key == {"batch": "b29"}
    assert (found.other_groups, shown + found.other_complaints) == (10, len(rows))


@pytest.mark.parametrize(
    ("scores", "told"), [({}, None), ({1: None}, None), ({1: 3, 2: None}, 3), ({2: 9, 1: 3}, 9)]
)
def test_a_list_shows_the_score_that_figures_count(scores: dict[int, int | None], told: int | None) -> None:
    state = Record("base").state.model_copy(update={"scores": scores})
    assert facets(state)["score"] == told
    assert row(state).get("score") == told
    assert row(state)["asked"] is bool(scores)
