"""Control charts: whether a subject has more than its usual share of all complaints, and since when.

A subject is a product, a batch, a lead department, a nature (a class of complaints about a product), or a
cause of such. Each day's look asks of the last days, for each number of LENGTHS: had the subject kept its
share of the BASELINE days before, would so many of its complaints fall into them by chance? All complaints
are the measure, so that season and growth are no signal.

Source: ISO 7870-2 (p chart, with exact limits); R. E. Tarone (1990) for many comparisons of small counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple, TypeVar, get_args
from zoneinfo import ZoneInfo

from services.intake.domain.chances import at_least, exactly, successes

S = TypeVar("S")
Kind = Literal["product", "batch", "department", "nature", "cause"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LENGTHS = (7, 14, 42)
"""Days: a burst shows in a week, a rare subject that became less rare in some weeks."""
BASELINE = 182
FIGURES: Mapping[tuple[Kind, ...], tuple[str, ...]] = {
    ("product", "batch"): ("product", "batch"),
    ("department",): ("department",),
    ("nature", "cause"): ("product", "class_", "cause"),
}
"""By which figures complaints are told apart for which kinds; by all at once hardly two would be alike."""
AGO = sorted({0, *LENGTHS, *(length + BASELINE for length in LENGTHS)}, reverse=True)
"""How many days before the end of a look's day its spans begin and end."""
FALSE_ALARMS = 0.01
"""The chance of a false signal that one look may have for one kind of subject, at most."""
_SPANS = {days: (AGO.index(days + BASELINE), AGO.index(days)) for days in LENGTHS}
LEAST = 3
"""Fewer complaints are no cluster, however improbable."""
TOLERATED = 2.0
"""How many times as many complaints as the others of its product a batch in its prime may well have."""
LIMIT = 0.00135
"""What lies beyond three standard deviations of a normal distribution: the customary limit of one chart."""


class Subject(NamedTuple):
    """What complaints have in common; a class or cause, and that of one product, are two subjects."""

    kind: Kind
    product: str | None = None
    batch: str | None = None
    department: str | None = None
    class_: str | None = None
    cause: str | None = None

    @property
    def label(self) -> str:
        return "/".join(part for part in self if part is not None)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many complaints of one span of days have these figures; it counts for these `kinds` only."""

    span: int
    count: int
    product: str | None = None
    batch: str | None = None
    department: str | None = None
    class_: str | None = None
    cause: str | None = None
    kinds: tuple[Kind, ...] = KINDS


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one kind: complaints of each subject by span, and all that they are counted among.

    Batches have the `products` that they are of (empty: not named)."""

    subjects: Mapping[Subject, Sequence[int]]
    all: Sequence[int]
    products: Mapping[Subject, str] = field(default_factory=dict)


class Signal(NamedTuple):
    """A subject with more than its share in the last `days`; `expected` is by its share before."""

    subject: Subject
    days: int
    observed: int
    expected: float
    probability: float


def midnight(day: date, zone: str) -> datetime:
    """When a day of the house begins."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def midnight_before(instant: datetime, days: int, zone: str) -> datetime:
    """When the house's day began that lies so many days before the one beginning at this instant."""
    return midnight(instant.astimezone(ZoneInfo(zone)).date() - timedelta(days=days), zone)


def edges(day: date, zone: str) -> list[datetime]:
    """The instants between which a look at the end of `day` counts, the earliest first."""
    return [midnight(day + timedelta(days=1 - ago), zone) for ago in AGO]


def subjects_of(found: Tally) -> Iterator[Subject]:
    """All that complaints with these figures are counted for."""
    if found.product:
        yield Subject("product", product=found.product)
    if found.batch:
        yield Subject("batch", batch=found.batch)
    if found.department:
        yield Subject("department", department=found.department)
    if found.class_:
        for product in {None, found.product}:
            yield Subject("nature", product=product, class_=found.class_)
            if found.cause:
                yield Subject("cause", product=product, class_=found.class_, cause=found.cause)


def tell_apart(found: Iterable[Tally], spans: int = len(AGO) - 1) -> dict[Kind, Counts]:
    """Tallies by kind and subject.

    A department, class or cause is found out after registration, so these are counted among the complaints
    that have one: else the newest days would look too good, and the days before too bad.
    """
    counted: dict[Kind, dict[Subject, list[int]]] = {kind: {} for kind in KINDS}
    among: dict[Kind, list[int]] = {kind: [0] * spans for kind in KINDS}
    made: dict[Subject, Counter[str]] = {}
    for each in found:
        for subject in (one for one in subjects_of(each) if one.kind in each.kinds):
            counted[subject.kind].setdefault(subject, [0] * spans)[each.span] += each.count
            if subject.kind == "batch":
                made.setdefault(subject, Counter())[each.product or ""] += each.count
        for kind in set(counted_among(each)).intersection(each.kinds):
            among[kind][each.span] += each.count
    products = {batch: named.most_common(1)[0][0] for batch, named in made.items()}
    return {kind: Counts(counted[kind], among[kind], products if kind == "batch" else {}) for kind in KINDS}


def counted_among(found: Tally) -> Iterator[Kind]:
    """For which kinds such complaints are part of the whole."""
    yield from ("product", "batch")
    known: Mapping[Kind, str | None] = {
        "department": found.department, "nature": found.class_, "cause": found.cause
    }  # fmt: skip
    yield from (kind for kind, value in known.items() if value)


def look(found: Mapping[Kind, Counts], quiet: Mapping[Subject, int]) -> list[Signal]:
    """What one day's look signals, the least probable first, and of each subject only that.

    `quiet` subjects are looked at only over fewer days than these: those since their last trend was closed.
    """
    best: dict[Subject, Signal] = {}
    for counts in found.values():
        for days in LENGTHS:
            for signal in _beyond(counts, days):
                known = best.get(signal.subject)
                if quiet.get(signal.subject, days) >= days and (
                    known is None or signal.probability < known.probability
                ):
                    best[signal.subject] = signal
    return sorted(best.values(), key=lambda each: (each.probability, each.subject.label))


def find(found: Mapping[Kind, Counts], subject: Subject, days: int) -> Signal:
    """How a subject stands, signal or not."""
    counts = found[subject.kind]
    part, base = in_window(counts.all, days)
    observed, before = in_window(counts.subjects.get(subject, [0] * len(counts.all)), days)
    probability = at_least(observed, observed + before, part, part + base)
    return Signal(subject, days, observed, before * part / base if base else 0.0, probability)


def _beyond(counts: Counts, days: int) -> Iterator[Signal]:
    part, base = in_window(counts.all, days)
    rows = [(subject, *in_window(row, days)) for subject, row in counts.subjects.items()]
    sized = [(subject, observed, observed + before) for subject, observed, before in rows]
    level = FALSE_ALARMS / len(LENGTHS)
    sizes = Counter(of for _, _, of in sized if of >= LEAST)
    bound = level / comparisons(sizes, part, part + base, level)
    for subject, observed, of, probability in unusual(sized, part, part + base, bound):
        if beside_others(counts, subject, days) <= LIMIT:
            expected = (of - observed) * part / base if base else 0.0
            yield Signal(subject, days, observed, expected, probability)


def beside_others(counts: Counts, batch: Subject, days: int) -> float:
    """The chance of so many complaints of a batch if it had TOLERATED times those of the product's others.

    Each batch has more complaints than before while it is young; that alone makes it no bad one. Only those
    with complaints lately count as others. Of what is no batch, nothing more is asked.
    """
    if batch not in counts.products:
        return 0.0
    others = [
        row
        for other, row in counts.subjects.items()
        if other != batch and counts.products[other] == counts.products[batch]
    ]
    alive = sum(in_window(row, max(LENGTHS))[0] > 0 for row in others)
    seen, rest = in_window(counts.subjects[batch], days)[0], sum(in_window(row, days)[0] for row in others)
    return successes(seen, seen + rest, TOLERATED / (TOLERATED + alive))


def in_window(row: Sequence[int], days: int) -> tuple[int, int]:
    """How many of a look's counts fall into the last days, and into their baseline."""
    first, since = _SPANS[days]
    return sum(row[since:]), sum(row[first:since])


def unusual(
    counts: Iterable[tuple[S, int, int]], part: int, whole: int, bound: float
) -> Iterator[tuple[S, int, int, float]]:
    """Of (subject, how many of them lately, how many in all) those as improbable as `bound`, and how much."""
    for subject, seen, of in counts:
        # The single term first: it is cheap, and mostly already too large.
        if seen >= LEAST and seen * whole > of * part and exactly(seen, of, part, whole) <= bound:
            probability = at_least(seen, of, part, whole)
            if probability <= bound:
                yield subject, seen, of, probability


def comparisons(sizes: Mapping[int, int], part: int, whole: int, level: float) -> int:
    """Among how many subjects `level` must be divided: those that could ever be a signal (Tarone).

    `sizes` says how many subjects there are of each size; a small one is never improbable enough to count.
    The chance that any subject at all is a signal without a reason is then `level` at most.
    """
    least = [(at_least(min(of, part), of, part, whole), times) for of, times in sizes.items()]
    low, high = 1, max(1, sum(sizes.values()))
    while low < high:
        middle = (low + high) // 2
        if sum(times for chance, times in least if chance <= level / middle) <= middle:
            high = middle
        else:
            low = middle + 1
    return low


# charts


@dataclass(frozen=True, slots=True)
class Point:
    """A week of a subject: how many of all complaints, its usual share, and the most that chance explains."""

    date: date
    count: int
    all: int
    centre: float | None
    upper: float | None


def weeks(last: date, shown: int) -> list[date]:
    """The first days of the weeks that end before `last`, and of those their baselines are made of."""
    return [last - timedelta(days=7 * ago) for ago in range(shown + BASELINE // 7, -1, -1)]


def points(begins: Sequence[date], counts: Sequence[tuple[int, int]]) -> list[Point]:
    """A subject's chart: each week beside the BASELINE before it. `counts` are its own and all, by week."""
    base = BASELINE // 7
    return [
        _point(
            begins[week],
            *counts[week],
            *(sum(column) for column in zip(*counts[week - base : week], strict=True)),
        )
        for week in range(base, len(counts))
    ]


def _point(begin: date, count: int, all_: int, before: int, base: int) -> Point:
    centre = before / base if base else None
    return Point(begin, count, all_, centre, most_by_chance(before, base, all_) if base and all_ else None)


def most_by_chance(before: int, base: int, all_: int) -> float:
    """The highest share of `all_` that is within the LIMIT, given `before` of `base` before."""
    low, high = 0, all_ + 1
    while low < high:
        middle = (low + high) // 2
        if at_least(middle, before + middle, all_, all_ + base) <= LIMIT:
            high = middle
        else:
            low = middle + 1
    return max(0, min(low - 1, all_)) / all_
