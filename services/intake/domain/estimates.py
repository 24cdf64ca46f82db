"""Estimates: shares, times and scores of many complaints, with how far they may be off.

Source: the score interval of Wilson (1927); ranks after ISO 3534-1 (order statistics).
"""

from array import array
from collections.abc import Mapping
from math import ceil, sqrt

from pydantic import BaseModel, Field

SATISFIED_FROM = 8
"""Scores from here on count as satisfied: above all bands in which the dealer rules (P08) see a grievance."""
Z95 = 1.959964
"""The 97.5 % quantile of the normal distribution."""


class Times(BaseModel):
    """How long something took, in seconds: of how many complaints, and by the nearest rank of them."""

    complaints: int
    median_s: float | None
    p90_s: float | None


class Satisfaction(BaseModel):
    """What customers say, 0 to 10. `mean` and the share of those satisfied have 95 % intervals."""

    asked: int = Field(description="To whom a survey was opened, whatever became of it")
    answered: int
    declined: int = Field(description="Asked, did not want to answer")
    expired: int = Field(description="Asked, did not answer in time or before another round began")
    open: int = Field(description="Asked, may still answer")
    skipped: int = Field(description="Not asked, by rule or by lot; not among those asked")
    response_rate: float | None = Field(description="Answered of asked, with Wilson's interval")
    response_low: float | None
    response_high: float | None
    mean: float | None
    mean_low: float | None
    mean_high: float | None
    satisfied: int = Field(description=f"Scores of {SATISFIED_FROM} and more")
    rate: float | None
    low: float | None
    high: float | None


def share(part: int, whole: int) -> float | None:
    """A rate; of nothing there is none, neither 100 % nor 0 % (P29)."""
    return part / whole if whole else None


def times(found: "array[int]") -> Times:
    """Milliseconds as seconds: the median and the 90th percentile, each the time of one of them."""
    ranked = sorted(found)

    def rank(percent: int) -> float | None:
        return ranked[ceil(len(ranked) * percent / 100) - 1] / 1000 if ranked else None

    return Times(complaints=len(ranked), median_s=rank(50), p90_s=rank(90))


def satisfaction(asked: int, scores: Mapping[int, int], surveys: Mapping[str, int]) -> Satisfaction:
    """How many gave each score, and how asking came out. Wilson's interval for shares, for the mean (of
    some) the normal one.
    """
    answered = sum(scores.values())
    satisfied = sum(count for score, count in scores.items() if score >= SATISFIED_FROM)
    mean = sum(score * count for score, count in scores.items()) / answered if answered else None
    low, high = wilson(satisfied, answered)
    least, most = wilson(min(answered, asked), asked)
    reach = None
    if mean is not None and answered > 1:
        variance = sum(count * (score - mean) ** 2 for score, count in scores.items()) / (answered - 1)
        reach = Z95 * sqrt(variance / answered)
    return Satisfaction(
        asked=asked,
        answered=answered,
        declined=surveys.get("declined", 0),
        expired=surveys.get("expired", 0),
        open=surveys.get("open", 0),
        skipped=surveys.get("skipped", 0),
        response_rate=share(answered, asked),
        response_low=least,
        response_high=most,
        mean=mean,
        mean_low=None if mean is None or reach is None else max(0.0, mean - reach),
        mean_high=None if mean is None or reach is None else min(10.0, mean + reach),
        satisfied=satisfied,
        rate=share(satisfied, answered),
        low=low,
        high=high,
    )


def wilson(part: int, whole: int) -> tuple[float | None, float | None]:
    """The 95 % score interval of a share (Wilson 1927)."""
    if not whole:
        return None, None
    p, z2 = part / whole, Z95 * Z95
    centre = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    reach = Z95 * sqrt(p * (1 - p) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    return max(0.0, centre - reach), min(1.0, centre + reach)
