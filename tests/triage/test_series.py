"""Repeats, windows and quotas: what the complaints before mean for this one, in any order of news."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.domain import grading
from services.triage.domain.series import Joining, join
from shared.events import (
    QuotaExceeded,
)
from shared.policy import Entry
from tests.kit.complaint import START
from tests.kit.triage import House, cause, money

# repeats


def test_the_same_customer_and_matter_on_another_channel_is_linked_and_counted() -> None:
    house = House()
    first = house.complain(prints=("p", "e"), class_="service", product={"name": "Kettle"})
    second = house.complain(
        START + timedelta(hours=1),
        prints=("p",),
        channel="hotline",
        class_="service",
        product={"name": " kettle"},
    )
    assert house.judged(first).repeats == 1
    assert house.judged(second).repeats == 2
    assert house.gradings[second].linked == [first]
    other = house.complain(
        START + timedelta(hours=2), prints=("q",), class_="service", product={"name": "Kettle"}
    )
    assert house.judged(other).repeats == 1


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [((0,), "抱怨"), ((0, 172_800), "投诉"), ((0, 172_801), "抱怨"), ((0, 169_200, 345_600), "投诉")],
)
def test_the_window_of_48_hours(gaps: tuple[int, ...], expected: str) -> None:
    house = House("cn-ecommerce-upgrade")
    ids = [house.complain(START + timedelta(seconds=gap), prints=("p",), channel=channel)
           for gap, channel in zip(gaps, ["hotline", "website", "wechat"], strict=False)]  # fmt: skip
    scheme = next(iter(house.judged(ids[-1]).grades))
    grades = grading.pack_of(house.gradings[ids[-1]]).schemes[scheme].grades
    assert grades[house.judged(ids[-1]).grade].title["zh-CN"] == expected


@given(st.permutations(range(6)))
def test_late_news_ends_in_the_same_counts(order: list[int]) -> None:
    house, ids = House(), {}
    for number in order:
        ids[number] = house.complain(START + timedelta(hours=number), prints=("p",), class_="service")
    assert [house.judged(ids[number]).repeats for number in range(6)] == [1, 2, 3, 4, 5, 6]


def test_a_complaint_whose_class_changes_leaves_its_series() -> None:
    house = House()
    first = house.complain(prints=("p",), class_="service")
    second = house.complain(START + timedelta(hours=1), prints=("p",), class_="service")
    assert house.judged(second).repeats == 2
    house.revise(second, class_="usage")
    assert house.judged(second).repeats == 1
    assert house.judged(first).repeats == 1


# quotas


def test_the_case_after_the_quota_exceeds_it_in_all_and_by_department() -> None:
    house = House("cn-packaging-abcd")
    for number in range(11):
        given: dict[str, Any] = {"department": "printing"} if number < 4 else {}
        house.complain(START + timedelta(hours=number), loss=money("1000"), **given)
    told = [fact for _, fact in house.said if isinstance(fact, QuotaExceeded)]
    exceeded = [each for each in told if each.value in (None, "printing")]
    assert [(each.number, each.limit, each.value) for each in exceeded] == [
        (4, 3, "printing"),
        (11, 10, None),
    ]


def test_a_case_beyond_its_quota_is_told_once_whatever_is_revised_later() -> None:
    house = House("cn-packaging-abcd")
    hours = [START + timedelta(hours=number) for number in range(12)]
    ids = [house.complain(at, loss=money("1000"), prints=(f"p{at}",)) for at in hours]
    told = len([fact for _, fact in house.said if isinstance(fact, QuotaExceeded)])
    house.revise(ids[0], loss=money("1000"), product={"name": "Box"})
    house.complain(START - timedelta(hours=1), loss=money("1000"))
    again = [fact for _, fact in house.said if isinstance(fact, QuotaExceeded)]
    assert (told, len(again)) == (2, 3), "a late letter makes the tenth the eleventh, and tells it once"


def test_whoever_follows_a_series_that_was_asked_before_is_in_its_order() -> None:
    entries = [Entry(complaint=uuid4(), at=START + timedelta(hours=hours)) for hours in (1, 0, 2)]
    series = None
    for entry in entries:
        series, _ = join(series, cause(Joining(entry=entry)))
        assert entry in series.ordered
    assert series is not None
    assert series.ordered == sorted(entries, key=lambda entry: entry.order)
    left, _ = join(series, cause(Joining(entry=entries[0], leaves=True)))
    assert left.ordered == [entries[1], entries[2]]
