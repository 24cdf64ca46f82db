"""Chances: exact tests and intervals for counts, by sums of logarithms instead of tables and approximations.

Source: R. A. Fisher's exact test (1935) for shares; J. Przyborowski and H. Wilenski (1940) for the ratio of
two rates, given the sum of their counts; C. J. Clopper and E. S. Pearson (1934) for the interval.
"""

from collections.abc import Iterable
from functools import lru_cache
from math import exp, inf, lgamma, log

NEGLIGIBLE = 1e-17
HALVINGS = 60
TAIL = 0.025
"""What a two-sided interval of 95 % leaves out on each side."""


def _choose(n: int, k: int) -> float:
    """The logarithm of how many ways there are to take k of n."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


@lru_cache(maxsize=10_000)
def exactly(seen: int, of: int, part: int, whole: int) -> float:
    """The chance that of `of` among `whole` just `seen` are in `part` of them (hypergeometric)."""
    if not max(0, of + part - whole) <= seen <= min(of, part):
        return 0.0
    ways = _choose(part, seen) + _choose(whole - part, of - seen) - _choose(whole, of)
    return min(1.0, exp(ways))


def at_least(seen: int, of: int, part: int, whole: int) -> float:
    """The chance that at least `seen` of them are."""
    fewest, most = max(0, of + part - whole), min(of, part)
    if seen <= fewest or seen > most:
        return float(seen <= fewest)
    if seen * whole <= of * part:
        return max(0.0, 1.0 - at_least(of - seen + 1, of, whole - part, whole))
    rest = whole - part - of + 1
    ratios = ((part - k) * (of - k) / ((k + 1) * (rest + k)) for k in range(seen, most))
    return min(1.0, _sum(exactly(seen, of, part, whole), ratios))


def _sum(first: float, ratios: Iterable[float]) -> float:
    """The sum of terms, each so many times the one before, until they no longer count."""
    total = term = first
    for ratio in ratios:
        term *= ratio
        total += term
        if term <= total * NEGLIGIBLE:
            break
    return total


def successes(seen: int, of: int, chance: float) -> float:
    """The chance of at least `seen` successes in `of` trials (binomial)."""
    if seen > of or seen <= 0:
        return float(seen <= 0)
    if chance in (0, 1):
        return float(chance)
    if seen <= of * chance:
        return max(0.0, 1.0 - successes(of - seen + 1, of, 1 - chance))
    first = exp(_choose(of, seen) + seen * log(chance) + (of - seen) * log(1 - chance))
    odds = chance / (1 - chance)
    return min(1.0, _sum(first, (odds * (of - k) / (k + 1) for k in range(seen, of))))


def share_between(seen: int, of: int) -> tuple[float, float]:
    """Between which shares the true one lies, with 95 % confidence at least (Clopper and Pearson)."""
    return _lowest(seen, of), 1.0 - _lowest(of - seen, of)


def _lowest(seen: int, of: int) -> float:
    """The share below which so many would be a surprise."""
    if seen == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if successes(seen, of, middle) < TAIL else (low, middle)
    return low


def ratio_between(
    after: int, of_after: int, before: int, of_before: int
) -> tuple[float, float, float] | None:
    """How many times as often it happens after as before, and between which values, with 95 % confidence.

    `of_after` and `of_before` are what the counts are counted among. None where nothing can be compared;
    an upper limit without end is infinite.
    """
    if not (after + before and of_after and of_before):
        return None
    low, high = share_between(after, after + before)
    scale = of_before / of_after
    ratio = after / before * scale if before else inf
    return ratio, scale * low / (1 - low) if low < 1 else inf, scale * high / (1 - high) if high < 1 else inf
