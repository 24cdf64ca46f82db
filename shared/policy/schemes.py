"""Schemes: rows that match are all kept, the gravest wins, and people have the last word."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from shared.policy.clocks import Duration
from shared.policy.conditions import Facts, Finding, Section, Test
from shared.policy.counters import Run
from shared.policy.words import Option, Titles


class Grade(Section):
    """A grade; people never compare those of different families; `paper` is the form it calls for."""

    title: Titles
    family: str | None = None
    paper: str | None = None


class Row(Section):
    """A row of a scheme: when its test holds, it gives a grade, or asks a person for it."""

    rule: str
    clause: str = ""
    when: Test
    grade: str | None = None
    decision: str | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> "Row":
        if (self.grade is None) == (self.decision is None):
            raise ValueError("a row gives either a grade or a decision")
        return self


class Share(Section):
    """The share of decisions that the regulation wants to end with `option`, reported and never enforced."""

    option: str
    share: Annotated[Decimal, Field(ge=0, le=1)]


class Decision(Section):
    """A question for a person: who answers, with which options, and what holds meanwhile."""

    title: Titles
    role: str
    options: Annotated[dict[Option, str], Field(min_length=1)]
    meanwhile: str
    due: Duration | None = None
    target: Share | None = None


class Scheme(Section):
    """A way of grading. `grades` stand gravest first; `otherwise` is the grade when no row matches.

    Until `verified_when` holds, a grade is provisional. `marks` are remarks that a decision carries.
    """

    title: Titles
    grades: Annotated[dict[str, Grade], Field(min_length=1)]
    rows: tuple[Row, ...]
    otherwise: str
    verified_when: Test = Test.model_validate({"verified": True})
    run: Run | None = None
    marks: dict[str, Test] = {}

    def gravest(self, grades: set[str]) -> str:
        return min(grades, key=list(self.grades).index)


class Matched(Section):
    """A row that matched, and what made it match."""

    row: Row
    findings: tuple[Finding, ...]


class Verdict(Section):
    """What a scheme says: the grade before runs, every row that matched, what a person must still say."""

    grade: str
    matched: tuple[Matched, ...]
    pending: tuple[str, ...] = ()
    provisional: bool
    marks: tuple[str, ...] = ()


def judge(
    scheme: Scheme, decisions: Mapping[str, Decision], facts: Facts, decided: Mapping[str, str]
) -> Verdict:
    """The verdict on these facts; `decided` holds the options that people chose, by decision.

    A question stays open only while one of its options would be graver than what the rows give without it.
    """
    found = [(row, row.when.findings(facts)) for row in scheme.rows]
    matched = tuple(Matched(row=row, findings=tuple(each)) for row, each in found if each is not None)
    grades = {each.row.grade for each in matched if each.row.grade}
    asked = [each.row.decision for each in matched if each.row.decision]
    grades |= {decisions[name].options[decided[name]] for name in asked if name in decided}
    order = list(scheme.grades).index
    floor = min((order(grade) for grade in grades), default=len(scheme.grades))
    pending = tuple(
        dict.fromkeys(
            name
            for name in asked
            if name not in decided and min(map(order, decisions[name].options.values())) < floor
        )
    )
    grades |= {decisions[name].meanwhile for name in pending}
    return Verdict(
        grade=scheme.gravest(grades or {scheme.otherwise}),
        matched=matched,
        pending=pending,
        provisional=bool(pending) or not scheme.verified_when.holds(facts),
        marks=tuple(name for name, test in scheme.marks.items() if test.holds(facts)),
    )
