"""Counters: what earlier complaints mean for this one: repeats, windows, runs, quotas.

A complaint belongs to a series of those that are the same in the facts that a rule names. `customer` among
them means: reached by the same e-mail address, telephone or postal address.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from shared.policy.conditions import Section
from shared.policy.words import Option, Titles


class Entry(Section):
    """One complaint in a series: when it came, when it was put right (if it was), its grade before runs.

    Without a grade it does not belong to any run (yet): it is not verified.
    """

    complaint: UUID
    number: str = ""
    at: AwareDatetime
    rectified: AwareDatetime | None = None
    grade: str | None = None

    @property
    def order(self) -> tuple[datetime, UUID]:
        return self.at, self.complaint


class Counter(Section):
    """A count, as a fact for rules.

    `all`: the how-manieth of its series this one is. `window`: the most of the series that came within
    `hours` of each other, up to this one (natural hours, both ends included). `unrectified`: how many have
    come in a row without the matter having been put right in between, this one included. With `retroactive`
    those that come within the hours after it count for it too.
    """

    title: Titles
    same: Annotated[tuple[str, ...], Field(min_length=1)]
    counts: Literal["all", "window", "unrectified"]
    hours: Annotated[Decimal, Field(gt=0, le=100_000)] | None = None
    retroactive: bool = False

    @model_validator(mode="after")
    def _window(self) -> "Counter":
        if self.counts == "window" and self.hours is None:
            raise ValueError("a window needs hours")
        return self

    def count(self, mine: Entry, others: Iterable[Entry]) -> int:
        """The count for `mine` among the others of its series."""
        span = timedelta(hours=float(self.hours)) if self.hours else timedelta.max
        before = [each for each in others if each.order < mine.order and each.complaint != mine.complaint]
        match self.counts:
            case "all":
                return 1 + sum(mine.at - each.at <= span for each in before)
            case "unrectified":
                return 1 + _unrectified(mine, before, span)
            case "window":
                after = [e for e in others if mine.order < e.order and e.at - mine.at <= span]
                known = [*before, mine, *(after if self.retroactive else [])]
                return max(sum(timedelta(0) <= end.at - e.at <= span for e in known) for end in known)


def _unrectified(mine: Entry, before: list[Entry], span: timedelta) -> int:
    count = 0
    for each in sorted(before, key=lambda entry: entry.order, reverse=True):
        if mine.at - each.at > span or (each.rectified is not None and each.rectified <= mine.at):
            break
        count += 1
    return count


class Run(Section):
    """Consecutive complaints of one series and grade: after so many, the following ones count as graver.

    `counts_on: base` counts the grades before runs; then `broken_by` says whether any other grade ends a run,
    or a lighter one alone. `effective` counts the grades after runs, so that those made graver count towards
    the next run; there a graver one always continues a run.
    """

    same: Annotated[tuple[str, ...], Field(min_length=1)]
    after: Annotated[int, Field(ge=1)]
    becomes: dict[str, str]
    counts_on: Literal["base", "effective"] = "base"
    broken_by: Literal["other_grade", "lighter_grade"] = "other_grade"

    def effective(self, bases: Sequence[str], gravest_first: Sequence[str]) -> list[str]:
        """The grades after runs, for the grades before them in the order in which the complaints came."""
        rank = {grade: number for number, grade in enumerate(gravest_first)}
        effective: list[str] = []
        for number, base in enumerate(bases):
            grade, past = base, effective if self.counts_on == "effective" else bases[:number]
            while grade in self.becomes and self._length(past, grade, rank) >= self.after:
                grade = self.becomes[grade]
                if self.counts_on == "base":
                    break
            effective.append(grade)
        return effective

    def _length(self, past: Sequence[str], grade: str, rank: dict[str, int]) -> int:
        """How many at the end of `past` belong to a run of this grade."""
        strict = self.counts_on == "base" and self.broken_by == "other_grade"
        length = 0
        for each in reversed(past):
            if each != grade and (strict or rank[each] > rank[grade]):
                break
            length += 1
        return length


class Quota(Section):
    """How many of a grade a calendar year may see, in all and for each value of a fact; more is `exceeded`.

    `otherwise` is one quota for all values together that `each` does not name.

    `penalty` is what the regulation attaches to each case beyond the quota; it is told, never carried out.
    """

    scheme: str
    grade: str
    clause: str
    total: Annotated[int, Field(ge=0)] | None = None
    by: str | None = None
    each: dict[Option, Annotated[int, Field(ge=0)]] = {}
    otherwise: Annotated[int, Field(ge=0)] | None = None
    penalty: dict[Option, str] = {}

    def limit(self, value: str | None) -> int | None:
        """The quota for one value of `by`; None for the whole: the total. None if there is none."""
        return self.total if value is None else self.each.get(value, self.otherwise)
