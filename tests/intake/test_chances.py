"""Chances: exact tests and intervals, beside exact arithmetic and known tables."""

from fractions import Fraction
from math import comb, inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.chances import at_least, exactly, ratio_between, share_between, successes

Drawn = tuple[int, int, int, int]


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    whole = draw(st.integers(1, 80))
    part, of = draw(st.integers(0, whole)), draw(st.integers(0, whole))
    return draw(st.integers(-1, of + 1)), of, part, whole


def by_fractions(seen: int, of: int, part: int, whole: int) -> Fraction:
    """The same in exact arithmetic."""
    fewest, most = max(seen, 0, of + part - whole), min(of, part)
    ways = sum(comb(part, k) * comb(whole - part, of - k) for k in range(fewest, most + 1))
    return Fraction(ways, comb(whole, of))


@given(drawn())
def test_a_chance_is_what_exact_arithmetic_says(case: Drawn) -> None:
    assert isclose(at_least(*case), by_fractions(*case), rel_tol=1e-9, abs_tol=1e-12)


@given(drawn())
def test_a_chance_is_between_0_and_1_and_falls_with_what_is_seen(case: Drawn) -> None:
    seen, *rest = case
    assert 0 <= at_least(seen + 1, *rest) <= at_least(seen, *rest) + 1e-12 <= 1 + 1e-12
    assert exactly(seen, *rest) <= at_least(seen, *rest) + 1e-12


@given(st.integers(-1, 40), st.integers(0, 39), st.integers(0, 20))
def test_so_is_that_of_successes(seen: int, of: int, twentieths: int) -> None:
    p = Fraction(twentieths, 20)
    exact = sum(comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(max(seen, 0), of + 1))
    assert isclose(successes(seen, of, float(p)), exact, rel_tol=1e-9, abs_tol=1e-12)


def test_known_intervals() -> None:
    """Clopper and Pearson's for 8 of 20 and for none of 10, as in any table."""
    assert share_between(8, 20) == pytest.approx((0.1912, 0.6395), abs=5e-5)
    assert share_between(0, 10) == pytest.approx((0.0, 0.3085), abs=5e-5)
    assert share_between(10, 10) == pytest.approx((0.6915, 1.0), abs=5e-5)


@given(st.integers(0, 60), st.integers(1, 900), st.integers(0, 60), st.integers(1, 900), st.integers(2, 9))
def test_a_ratio_depends_on_shares_not_on_how_much_there_is_of_all(
    after: int, of_after: int, before: int, of_before: int, times: int
) -> None:
    once = ratio_between(after, of_after, before, of_before)
    more = ratio_between(after, times * of_after, before, times * of_before)
    if once is None or more is None:
        assert once == more
        assert not after + before
        return
    assert once == pytest.approx(more)
    ratio, low, high = once
    assert low <= ratio <= high
    assert (high == inf) == (before == 0)
