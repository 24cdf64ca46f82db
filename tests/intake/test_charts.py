"""Control charts: looks that signal what they should and nothing else, and the limits of each week."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.charts import PLANTED, WARM_UP, Floor, Window, planted, warmed_up
from services.intake.domain import charts
from services.intake.domain.chances import at_least
from services.intake.domain.charts import (
    AGO,
    FALSE_ALARMS,
    KINDS,
    Subject,
    Tally,
    comparisons,
    edges,
    look,
    midnight,
    most_by_chance,
    tell_apart,
)
from services.intake.domain.trends import about, named
from shared.events import About
from shared.problems import Invalid

LAST = len(AGO) - 2
"""The span of a look's last week."""


def steady(**counts: int) -> Iterator[Tally]:
    """Other complaints in every span, and of batch B-17 so many in the spans named `s0` to `s5`."""
    days = [early - late for early, late in pairwise(AGO)]
    for span, length in enumerate(days):
        for other in range(5):
            yield Tally(span, length, "pan", f"B-{other}", "quality", "product_quality")
        if more := counts.get(f"s{span}"):
            yield Tally(span, more, "pan", "B-17", "quality", "product_quality")


def signalled(found: Any, quiet: dict[Subject, int] | None = None) -> list[tuple[str, int, int]]:
    told = look(tell_apart(found), quiet or {})
    return [(each.subject.label, each.days, each.observed) for each in told]


def test_a_batch_with_more_than_its_share_is_signalled_and_nothing_else() -> None:
    assert signalled(steady()) == []
    assert signalled(steady(s2=2, s5=1)) == []
    assert signalled(steady(s2=2, s5=40)) == [("batch/B-17", 7, 40)]
    (found,) = look(tell_apart(steady(s2=2, s5=40)), {})
    assert found.probability < FALSE_ALARMS
    assert found.expected == pytest.approx(2 * (7 * 5 + 40) / (182 * 5 + 2))


def test_season_and_growth_are_no_signal() -> None:
    louder = [
        Tally(
            each.span,
            each.count * (9 if each.span == LAST else 1),
            each.product,
            each.batch,
            each.department,
            each.class_,
        )
        for each in steady(s0=4, s1=4, s2=84, s3=16, s4=4, s5=4)
    ]
    assert signalled(louder) == []


def test_a_young_batch_is_compared_with_the_others_of_its_product() -> None:
    """It never had complaints before; the others have as many now."""
    assert signalled(steady(s4=6, s5=6)) == []
    alone = [Tally(2, 500, "pan"), Tally(LAST, 20, "pan"), Tally(LAST, 9, "pan", "B-1")]
    assert signalled(alone) == []


def test_two_complaints_are_no_cluster() -> None:
    few = [Tally(2, 100_000, "pan"), Tally(LAST, 100, "pan"), Tally(LAST, 2, "lid", None, None, "usage")]
    assert [label for label, _, _ in signalled(few) if "lid" in label] == []
    more = [*few, Tally(LAST, 3, "lid")]
    assert ("product/lid", 7, 5) in signalled(more)


def test_a_subject_is_looked_at_only_since_its_trend_was_closed() -> None:
    batch, found = Subject("batch", batch="B-17"), list(steady(s2=2, s3=9, s4=9, s5=40))
    assert signalled(found, {batch: 0}) == []
    assert [days for _, days, _ in signalled(found, {batch: 7})] == [7]
    assert [days for _, days, _ in signalled(found, {batch: 13})] == [7]


def test_what_is_found_out_later_is_counted_among_what_was_found_out() -> None:
    """The newest complaints have no cause yet; that makes the old ones no cluster."""
    found = [
        *(Tally(span, 300, "pan", None, "quality", "usage", "wear") for span in range(LAST)),
        Tally(LAST, 300, "pan"),
        Tally(LAST, 6, "pan", None, "quality", "usage", "wear"),
    ]
    assert signalled(found) == []


@given(
    st.dictionaries(st.integers(1, 60), st.integers(1, 300), max_size=20),
    st.integers(0, 90),
    st.integers(1, 90),
)
def test_only_so_many_comparisons_as_there_can_be_signals(
    sizes: dict[int, int], part: int, rest: int
) -> None:
    """Tarone's condition, and no smaller number meets it."""
    whole, level = part + rest + 60, 0.01

    def possible(number: int) -> int:
        least = {of: at_least(min(of, part), of, part, whole) for of in sizes}
        return sum(times for of, times in sizes.items() if least[of] <= level / number)

    found = comparisons(sizes, part, whole, level)
    assert possible(found) <= found
    assert found == 1 or possible(found - 1) > found - 1


def test_the_windows_moved_on_are_those_counted_anew() -> None:
    floor, window = Floor(7), Window()
    days = [floor.day(number, 3) for number in range(AGO[0] + 9)]
    for day in days:
        window.move(day)
    anew = tell_apart(
        Tally(span, 1, each.product, each.batch, each.department, each.class_, each.cause)
        for span, (early, late) in enumerate(pairwise(AGO))
        for day in days[len(days) - early : len(days) - late]
        for each in day
    )
    for kind in KINDS:
        assert list(window.counts[kind].all) == list(anew[kind].all)
        moved = {subject: row for subject, row in window.counts[kind].subjects.items() if any(row)}
        assert moved == anew[kind].subjects
    assert look(window.counts, {}) == look(anew, {})


def test_a_planted_shift_is_signalled_and_nothing_is_without() -> None:
    """A few of the years that `make bench-charts` plays a hundred of."""
    assert [planted(seed).days is not None for seed in range(2)] == [True, True]
    window = warmed_up(floor := Floor(3))
    false = 0
    for number in range(WARM_UP, WARM_UP + 60):
        window.move(floor.day(number, 0))
        false += len({each.subject.kind for each in look(window.counts, {})})
    assert PLANTED not in {each.subject for each in look(window.counts, {})}
    assert false <= 60 * len(KINDS) * FALSE_ALARMS * 4


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)]
)
def test_days_are_those_of_the_house(day: date, hours: int) -> None:
    begin = midnight(day, "Europe/London")
    found = edges(day, "Europe/London")
    assert found[-1] - begin == timedelta(hours=hours)
    assert len(found) == len(AGO)
    assert found == sorted(found)


# charts


@given(st.integers(0, 300), st.integers(1, 3_000), st.integers(1, 200))
def test_the_limit_is_the_last_that_chance_explains(before: int, base: int, all_: int) -> None:
    before = min(before, base)
    most = round(most_by_chance(before, base, all_) * all_)

    def chance(count: int) -> float:
        return at_least(count, before + count, all_, all_ + base)

    assert most == 0 or chance(most) > charts.LIMIT
    assert most == all_ or chance(most + 1) <= charts.LIMIT


def test_a_point_stands_beside_the_half_year_before_it() -> None:
    begins = charts.weeks(date(2026, 9, 21), 2)
    rows = [(1, 100)] * 26 + [(1, 100), (14, 100)]
    first, second = charts.points(begins, rows)
    assert (first.date, second.date) == (date(2026, 9, 7), date(2026, 9, 14))
    assert first.centre == second.centre == pytest.approx(0.01)
    assert first.upper is not None
    assert first.count / first.all <= first.upper
    assert second.upper is not None
    assert second.count / second.all > second.upper


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"product": "pan"}, "product"),
        ({"batch": "B-17"}, "batch"),
        ({"department": "quality"}, "department"),
        ({"class": "usage"}, "nature"),
        ({"class": "usage", "product": "pan"}, "nature"),
        ({"class": "usage", "cause": "wear", "product": "pan"}, "cause"),
    ],
)
def test_a_subject_is_known_by_what_is_named(given: dict[str, str], kind: str) -> None:
    subject = named(About.model_validate(given))
    assert subject.kind == kind
    assert about(subject) == About.model_validate(given)


@pytest.mark.parametrize("given", [{}, {"cause": "wear"}, {"product": "pan", "batch": "B-17"}])
def test_of_anything_else_there_is_no_chart(given: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        named(About.model_validate(given))
