"""Conformance: what the standard, a complaint's regulation and its own targets ask, line by line.

ISO 10002 is GB/T 19012. The numbers of its clauses are general knowledge, those of the editions of 2004 and
2014 (GB/T 19012-2008: chapter 7 is the operation of the process); the edition of 2018 was not read. Nothing
hangs on them: lines are known by their names, and every title is in our own words. What counts as immediate,
or as satisfied, is the pack's own figure. `case` is what is judged, `receiving`, `deciding` and `measuring`
judge, `lines` is the table, `proving` finds the events behind it, `period` counts over many complaints.
"""

from services.intake.domain.conformance.case import Judgement, Verdict
from services.intake.domain.conformance.lines import CLOCK, LINES, Kind, behind, compact, expanded, judged
from services.intake.domain.conformance.period import Count, Reached, Tally, counted, reached
from services.intake.domain.conformance.proving import Judged, report

__all__ = [
    "CLOCK",
    "LINES",
    "Count",
    "Judged",
    "Judgement",
    "Kind",
    "Reached",
    "Tally",
    "Verdict",
    "behind",
    "compact",
    "counted",
    "expanded",
    "judged",
    "reached",
    "report",
]
