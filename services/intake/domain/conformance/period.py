"""A period: how many complaints met each line, and whether each month reached the targets of its packs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from pydantic import BaseModel, Field

from services.intake.domain.conformance.case import Judgement
from services.intake.domain.conformance.lines import CLOCK, LINES, MEASURES, Kind, Line, expanded
from services.intake.domain.conformance.proving import clock_line
from shared.events import Language
from shared.policy import Pack, in_script, latest, load


class Tally(NamedTuple):
    """So many complaints of one pack, registered in one month (`2026-11`), of which the same was found."""

    pack: str
    month: str
    found: str
    complaints: int


class Count(BaseModel):
    """How many complaints met a line. `rate` is met / (met + not_met); none of both is no rate."""

    line: str
    kind: Kind
    pack: str | None = Field(description="Whose clock it is; none for the lines that all packs share")
    clause: str
    title: str
    met: int
    not_met: int
    open: int
    not_applicable: int
    rate: float | None


class Reached(BaseModel):
    """A target of a pack in one month of registration: `part` of `whole`, and whether that is enough.

    `reached` is null where there is nothing to count a share of. What is not `measured` here is counted
    elsewhere: checks, audits and reviews are no part of complaints, adjudications are triage's.
    """

    pack: str
    target: str
    title: str
    clause: str
    month: str
    at_least: float | None
    at_most: float | None
    share: bool
    measured: bool
    part: int | None
    whole: int | None
    actual: float | None
    reached: bool | None


Found = dict[str, Counter[Judgement]]


def _found(texts: Mapping[str, int]) -> Found:
    """How many complaints are judged how, by line, of so many for each text."""
    found: Found = {}
    for text, complaints in texts.items():
        for name, judgement in expanded(text).items():
            found.setdefault(name, Counter())[judgement] += complaints
    return found


def _texts(rows: Iterable[Tally]) -> dict[str, Counter[str]]:
    """How many complaints there are for each text, by pack."""
    texts: dict[str, Counter[str]] = {}
    for row in rows:
        texts.setdefault(row.pack, Counter())[row.found] += row.complaints
    return texts


def counted(rows: Sequence[Tally], language: Language) -> list[Count]:
    """Every line of the table, then every clock of the packs, with how many complaints stand where."""
    by_pack = _texts(rows)
    texts: Counter[str] = sum(by_pack.values(), Counter())
    found, total = _found(texts), texts.total()
    counts = [_count(line, None, found, total, language) for line in LINES]
    for name, own in sorted(by_pack.items()):
        pack, found, total = load(name, latest(name)), _found(own), own.total()
        clocks = [f"{CLOCK}{clock}" for clock in pack.clocks]
        for each in dict.fromkeys([*clocks, *sorted(n for n in found if n.startswith(CLOCK))]):
            counts.append(_count(clock_line(each, pack), name, found, total, language))
    return counts


def _count(line: Line, pack: str | None, found: Found, total: int, language: Language) -> Count:
    """What is not found of a complaint, such as a clock that never ran, is not applicable to it."""
    own = found.get(line.name, Counter())
    met, not_met, still_open = own["met"], own["not_met"], own["open"]
    decided = met + not_met
    return Count(
        line=line.name,
        kind=line.kind,
        pack=pack,
        clause=in_script(line.clause, language),
        title=line.title(language),
        met=met,
        not_met=not_met,
        open=still_open,
        not_applicable=total - decided - still_open,
        rate=met / decided if decided else None,
    )


def reached(rows: Sequence[Tally], asked: str | None, month: str, language: Language) -> list[Reached]:
    """The targets of the packs, month by month; of a pack `asked` for without complaints, of `month`."""
    by_month: dict[str, dict[str, list[Tally]]] = {asked: {}} if asked else {}
    for row in rows:
        by_month.setdefault(row.pack, {}).setdefault(row.month, []).append(row)
    lines = []
    for name, months in sorted(by_month.items()):
        pack = load(name, latest(name))
        for each, own in sorted(months.items() or [(month, [])]) if pack.targets else ():
            lines += [_reached(pack, target, each, own, language) for target in pack.targets]
    return lines


def _reached(pack: Pack, name: str, month: str, rows: Sequence[Tally], language: Language) -> Reached:
    """One target in one month, of which these are all the pack's complaints."""
    target = pack.targets[name]
    measured = target.of in pack.clocks or target.of in MEASURES
    of = f"{CLOCK}{target.of}" if target.of in pack.clocks else target.of
    own: Counter[Judgement] = Counter()
    for row in rows if measured else ():
        own[expanded(row.found).get(of, "not_applicable")] += row.complaints
    part, whole = own["met"], own["met"] + own["not_met"]
    actual = (part / whole if whole else None) if target.share else part
    return Reached(
        pack=pack.pack,
        target=name,
        title=target.title[language],
        clause=in_script(target.clause, language),
        month=month,
        at_least=None if target.at_least is None else float(target.at_least),
        at_most=None if target.at_most is None else float(target.at_most),
        share=target.share,
        measured=measured,
        part=part if measured else None,
        whole=whole if measured else None,
        actual=actual if measured else None,
        reached=target.reached(Decimal(part), Decimal(whole)) if measured else None,
    )
