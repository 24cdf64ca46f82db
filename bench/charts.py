"""How often charts cry wolf, and how soon they see a batch go bad: made-up years, looked at daily.

Complaints come by chance (Poisson), more of them on Mondays than on Sundays, and half as many again at the
end of the year as at its beginning. What they are about never changes, but for one batch, and but for the
years in which batches come and go.
"""

import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import accumulate
from math import exp
from statistics import median
from time import perf_counter
from typing import Annotated

import typer

from services.intake.domain.chances import share_between
from services.intake.domain.charts import (
    AGO,
    BASELINE,
    KINDS,
    LENGTHS,
    Counts,
    Kind,
    Signal,
    Subject,
    Tally,
    counted_among,
    look,
    subjects_of,
)
from services.intake.domain.trends import Finding, Share, Trend, Verdict, effect
from shared import clock
from shared.events import About

YEAR, WARM_UP, SPANS = 365, BASELINE + max(LENGTHS), len(AGO) - 1
A_DAY = 60.0
WEEK = (1.2, 1.1, 1.0, 1.0, 1.0, 0.9, 0.8)
GROWTH = 0.5
PRODUCTS, BATCHES_EACH, DEPARTMENTS = 40, 10, 8
NAMES_BATCH, CAUSE_KNOWN = 0.476, 0.7
"""So that one of the 400 batches is named every other week."""
CLASSES = ("quality", "usage", "service", "other")
CAUSES = 5
USUAL, SHIFTED = 0.5, 4.0
"""Complaints a week of the batch that goes bad, before and after."""
SLOWER = 5
"""Years with batches that come and go have many more of them, and are played that much less often."""
OPEN_DAYS = 28
"""For how long a subject that was signalled counts as known."""
PLANTED = Subject("batch", batch="0-0")


def poisson(chance: random.Random, mean: float) -> int:
    """A Poisson number, by multiplying until it is small enough (Knuth)."""
    if mean > 30:
        return poisson(chance, mean / 2) + poisson(chance, mean / 2)
    limit, product, number = exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        number += 1
    return number


class Floor:
    """What complaints are about, day after day; with `turnover` each batch lives for 26 weeks only."""

    def __init__(self, seed: int, *, turnover: bool = False) -> None:
        self._chance = random.Random(seed)
        self._turnover = turnover
        self._products = list(accumulate(1 / (number + 5) for number in range(PRODUCTS)))
        self._births = [self._chance.uniform(0, 182) for _ in range(PRODUCTS * BATCHES_EACH)]

    def day(self, number: int, extra: float) -> list[Tally]:
        """One day's complaints; `extra` are those that the bad batch adds in a week."""
        grown = 1 + GROWTH * max(0, number - WARM_UP) / YEAR
        usual = poisson(self._chance, A_DAY * WEEK[number % 7] * grown)
        bad = poisson(self._chance, extra / 7 * WEEK[number % 7])
        return [self._one(number) for _ in range(usual)] + [self._bad() for _ in range(bad)]

    def _one(self, day: int) -> Tally:
        batch = self._batch(day) if self._chance.random() < NAMES_BATCH else None
        product = batch.split("-")[0] if batch else str(self._pick(self._products))
        class_ = self._chance.choices(CLASSES, (5, 2, 2, 1))[0]
        cause = str(self._chance.randrange(CAUSES)) if self._chance.random() < CAUSE_KNOWN else None
        return Tally(0, 1, product, batch, str(int(DEPARTMENTS * self._chance.random() ** 2)), class_, cause)

    def _pick(self, weights: Sequence[float]) -> int:
        return self._chance.choices(range(len(weights)), cum_weights=weights)[0]

    def _batch(self, day: int) -> str:
        number = self._chance.randrange(PRODUCTS * BATCHES_EACH)
        if not self._turnover:
            return f"{number // BATCHES_EACH}-{number % BATCHES_EACH}"
        # Complaints of a batch rise, then fall: it was made, sold, and used up.
        age = (day - self._births[number]) / 182
        life, where = divmod(age, 1)
        while self._chance.random() > 2 * min(where, 1 - where):
            number = self._chance.randrange(PRODUCTS * BATCHES_EACH)
            life, where = divmod((day - self._births[number]) / 182, 1)
        return f"{number // BATCHES_EACH}-{number % BATCHES_EACH}.{int(life)}"

    def _bad(self) -> Tally:
        return Tally(0, 1, "0", PLANTED.batch, "0", "quality", "0")


Rows = list[list[int]]
"""The counts that a complaint is part of."""


class Window:
    """The counts of the last days, moved on from day to day instead of counted anew."""

    def __init__(self) -> None:
        self.all: dict[Kind, list[int]] = {kind: [0] * SPANS for kind in KINDS}
        self._kinds: dict[Kind, dict[Subject, list[int]]] = {kind: {} for kind in KINDS}
        self._products: dict[Subject, str] = {}
        self.counts = {
            kind: Counts(self._kinds[kind], self.all[kind], self._products if kind == "batch" else {})
            for kind in KINDS
        }
        self._days: deque[list[Rows]] = deque(maxlen=AGO[0] + 1)

    def move(self, day: list[Tally]) -> None:
        """Another day is over; some days pass from one span to the one before."""
        self._days.appendleft([self._rows(complaint) for complaint in day])
        for span, ago in enumerate(AGO):
            if ago < len(self._days):
                for complaint in self._days[ago]:
                    _pass(complaint, span)

    def _rows(self, complaint: Tally) -> Rows:
        subjects, kinds = parts(complaint)
        return [*(self._row(subject) for subject in subjects), *(self.all[kind] for kind in kinds)]

    def _row(self, subject: Subject) -> list[int]:
        rows = self._kinds[subject.kind]
        if subject not in rows:
            rows[subject] = [0] * SPANS
            if subject.batch is not None:
                self._products[subject] = subject.batch.split("-")[0]
        return rows[subject]


def _pass(complaint: Rows, span: int) -> None:
    """A complaint leaves one span for the one before."""
    for row in complaint:
        if span < SPANS:
            row[span] -= 1
        if span:
            row[span - 1] += 1


@cache
def parts(complaint: Tally) -> tuple[tuple[Subject, ...], tuple[Kind, ...]]:
    """What a complaint is counted for, and among."""
    return tuple(subjects_of(complaint)), tuple(counted_among(complaint))


@dataclass
class Told:
    """What came of looks: by kind, those with a signal of any subject, and trends that were new."""

    looks: int = 0
    signalled: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)

    def add(self, found: Sequence[Signal], new: Sequence[Signal]) -> None:
        self.looks += 1
        self.signalled.update({each.subject.kind for each in found})
        self.new.update(each.subject.kind for each in new)


def warmed_up(floor: Floor) -> Window:
    """A window that is full."""
    window = Window()
    for number in range(WARM_UP):
        window.move(floor.day(number, 0))
    return window


def year(seed: int, told: Told, *, turnover: bool = False, days: int = YEAR) -> None:
    """A year in which nothing goes bad."""
    floor = Floor(seed, turnover=turnover)
    window, open_ = warmed_up(floor), dict[Subject, int]()
    for number in range(WARM_UP, WARM_UP + days):
        window.move(floor.day(number, 0))
        found = look(window.counts, {})
        new = [each for each in found if number - open_.get(each.subject, -YEAR) > OPEN_DAYS]
        open_ |= {each.subject: number for each in new}
        told.add(found, new)


@dataclass
class Planted:
    """A batch that goes bad: signalled after so many days; what was said of a measure without effect."""

    days: int | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict)


def planted(seed: int) -> Planted:
    """A year with the shift on its first day."""
    floor, told = Floor(seed), Planted()
    window = warmed_up(floor)
    own: list[tuple[int, int]] = []
    since = 0
    for number in range(YEAR):
        day = floor.day(WARM_UP + number, SHIFTED - USUAL)
        window.move(day)
        own.append((sum(each.batch == PLANTED.batch for each in day), len(day)))
        if told.days is None:
            hit = next((each for each in look(window.counts, {}) if each.subject == PLANTED), None)
            told.days, since = (number + 1, max(0, number + 1 - hit.days)) if hit else (None, 0)
    if told.days is not None:
        for name, first, begin in (("soon", since, told.days + 3), ("apart", told.days, told.days + 28)):
            told.verdicts[name] = verdict(own[first:begin], own[begin : begin + 56])
    return told


def verdict(before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]]) -> Verdict:
    """What is said of a measure between these days."""
    now = clock.now()
    found = Finding(since=now, until=now, observed=0, expected=0, probability=0)
    trend = Trend(kind="batch", about=About(), signalled_at=now, found=found, newest=found, evidence=[])
    spans = [
        Share(
            since=now,
            until=now + timedelta(days=len(days)),
            count=sum(mine for mine, _ in days),
            all=sum(all_ for _, all_ in days),
        )
        for days in (before, after)
    ]
    return effect(trend, *spans).verdict


def report(told: Told) -> Iterator[str]:
    """False alarms by kind."""
    for kind in KINDS:
        seen = told.signalled[kind]
        low, high = share_between(seen, told.looks)
        share = f"{seen / told.looks:.4f} ({low:.4f} to {high:.4f})"
        yield f"  {kind:<10} {share}   {told.new[kind] * YEAR / told.looks:.2f} new trends a year"


def main(
    runs: Annotated[int, typer.Option(help="Years")] = 100,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Say how often looks signal though nothing is wrong, and how soon a bad batch is seen."""
    tell_planted([planted(seed * 10_000 + number) for number in range(runs)])
    for title, turnover in (("nothing goes bad", False), ("batches come and go", True)):
        began, told = perf_counter(), Told()
        for number in range(max(1, runs // SLOWER) if turnover else runs):
            year(seed * 10_000 + number, told, turnover=turnover)
        typer.echo(f"{title}: share of {told.looks} looks with a signal ({perf_counter() - began:.0f} s)")
        typer.echo("\n".join(report(told)))


def tell_planted(found: Sequence[Planted]) -> None:
    days = sorted(each.days for each in found if each.days is not None)
    typer.echo(
        f"one batch from {USUAL} to {SHIFTED} a week: signalled in {len(days)} of {len(found)} years, after"
        f" {median(days):.0f} days (median), nine in ten within {days[len(days) * 9 // 10 - 1]},"
        f" the last after {days[-1]}"
    )
    for name in ("soon", "apart"):
        verdicts = Counter(each.verdicts[name] for each in found if each.verdicts)
        typer.echo(f"  a measure without effect, {name}: {dict(verdicts)}")


if __name__ == "__main__":
    typer.run(main)
