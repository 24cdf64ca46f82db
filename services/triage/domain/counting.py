"""Counting: the series a complaint belongs to, and the quotas that it exceeds."""

from collections.abc import Iterator
from uuid import UUID

from services.triage.domain import outcome
from services.triage.domain.case import Case, alike
from services.triage.domain.series import Membership, series_id
from shared.events import ComplaintGraded, QuotaExceeded
from shared.policy import Quota, load_calendar

OTHERS = ""
"""What all values without a quota of their own count as, together."""


def memberships(case: Case, graded: ComplaintGraded | None) -> Iterator[Membership]:
    """Every series that this complaint belongs to now: of counters, of runs, and once graded of quotas."""
    back: dict[UUID, bool] = {}
    for counter in case.pack.counters.values():
        for series in case.counted_in(counter):
            back[series] = back.get(series, False) or counter.retroactive
    for series, both in back.items():
        yield Membership(series=series, entry=case.known.entry(), back=both)
    if all(str(series) in case.known.tallies for series in back):
        yield from _runs(case)
    if graded is not None and not case.waits:
        plain = case.known.entry().model_copy(update={"rectified": None})
        for series, *_ in quota_series(case, graded):
            yield Membership(series=series, entry=plain, alone=True)


def _runs(case: Case) -> Iterator[Membership]:
    for name, scheme in case.pack.schemes.items():
        if (series := case.run_in(name, scheme)) is not None:
            word, verified = outcome.word_on(case, name), scheme.verified_when.holds(case.facts)
            grade = word.choice if word else case.verdicts[name].grade
            yield Membership(series=series, entry=case.known.entry(grade if verified or word else None))


def quota_series(case: Case, graded: ComplaintGraded) -> Iterator[tuple[UUID, Quota, str | None]]:
    """The year's series of each quota that the grade counts in, and the value that it is counted for."""
    for quota in case.pack.quotas:
        if graded.grades.get(quota.scheme) != quota.grade:
            continue
        about = [("scheme", quota.scheme), ("grade", quota.grade), ("year", str(year_of(case)))]
        if quota.total is not None:
            yield series_id(case.pack.pack, "quota", about), quota, None
        value = alike(case.facts.get(quota.by)) if quota.by else ""
        if quota.by and value and quota.limit(value) is not None:
            shared = value if value in quota.each else OTHERS
            yield series_id(case.pack.pack, "quota", [*about, (quota.by, shared)]), quota, value


def about(each: QuotaExceeded) -> tuple[str, ...]:
    """What a case beyond a quota is told once for, whatever its number becomes when older cases come late."""
    return each.scheme, each.grade, str(each.year), each.by or "", each.value or ""


def year_of(case: Case) -> int:
    """The calendar year that the complaint came in, where the pack's calendar is."""
    assert case.known.registered is not None
    return case.known.registered.received_at.astimezone(load_calendar(case.pack.calendar).zone).year


def exceeded(case: Case, graded: ComplaintGraded) -> Iterator[QuotaExceeded]:
    """The quotas beyond which this complaint lies."""
    for series, quota, value in quota_series(case, graded):
        tally, limit = case.known.tallies.get(str(series)), quota.limit(value)
        if tally is not None and limit is not None and tally.number > limit:
            yield QuotaExceeded(
                scheme=quota.scheme,
                grade=quota.grade,
                year=year_of(case),
                number=tally.number,
                limit=limit,
                by=quota.by if value is not None else None,
                value=value,
                clause=quota.clause,
                penalty=quota.penalty,
            )
