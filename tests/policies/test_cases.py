"""Known answers to regulations in a form of their own: ours, and `policy-vectors.json` of REDRESS_CASES.

Without that folder ours still run. A key or word that nobody here understands fails its case.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from shared.policy import (
    Calendar,
    Duration,
    Entry,
    Pack,
    build,
    draft_of,
    facts_from,
    load_calendar,
    timetable,
    verdicts,
)
from tests.kit.cases import reference
from tests.policies import words

Case = dict[str, Any]

OURS: dict[str, list[Case]] = {
    "P05_points": [
        {"cls": "A", "faulty": 300, "batch_size": 100000, "floor": 40, "ceil": 40},
        {"cls": "B", "faulty": 101, "floor": 10, "ceil": 12, "proportional": Decimal("10.02")},
        {"cls": "C", "faulty": 3, "batch_size": 1000, "floor": 30, "ceil": 30},
    ],
    "P05_grade": [{"points": 5, "cost_yuan": 6000, "grade": "严重"}, {"cost_yuan": 2001, "grade": "一般"}],
    "P05_runs": [
        {
            "base_grades": ["轻微", "轻微", "轻微", "一般", "轻微", "轻微"],
            "counts_on_base": ["轻微", "轻微", "轻微", "一般", "轻微", "轻微"],
            "counts_on_effective": ["轻微", "轻微", "轻微", "一般", "一般", "一般"],
        }
    ],
    "P09": [
        {"loss": Decimal("999.99"), "grade": "D"},
        {"unrectified_repeats": 3, "grade": "B"},
        {"ret": "batch", "grade": "B"},
        {"phen": ["送货单据、标签等不合格"], "grade": "A"},
        {"phen": ["蚊虫"], "ret": None, "grade": "A"},
        {"phen": ["迟交货", "客户提醒"], "grade": "D"},
        {"phen": ["色差已放行"], "loss": 10, "grade": "C"},
    ],
    "P08": [
        {"score": None, "level": "待客服经理裁定(无评分)"},
        {"score": 10, "level": "无"},
        {"score": 10, "level": None},
        {"score": Decimal("5.999"), "level": "待客服经理裁定(0-6)"},
        {"score": 9, "external": True, "level": "A级投诉"},
        {"score": 9, "intent": True, "level": "B级投诉"},
        {"manager": "C", "level": "C级抱怨"},
    ],
    "P04": [
        {"offsets_s": [0, 172800], "result": "投诉"},
        {"offsets_s": [0], "key_customer": True, "result": "投诉"},
        {"offsets_s": [0], "channel": "工商部门", "result": "升级投诉"},
        {"offsets_s": [0], "demand": "赔偿损失", "result": "投诉"},
        {"offsets_s": [0], "customer": "重点客户", "channel": "微信", "result": "投诉"},
        {"offsets_s": [0, 172801, 345602], "channel": "电话", "result": "抱怨"},
    ],
    "calendar": [{"received": "2026-09-24T10:00", "working_days": 6, "due_date": "2026-10-10"}],
}


def cases() -> list[Any]:
    """Ours, and all of the folder's; a folder that is named must be there."""
    found: dict[str, list[Case]] = reference("policy-vectors.json") or {}
    return list(_numbered(OURS, "ours ")) + list(_numbered(found, ""))


def _numbered(sections: dict[str, list[Case]], whose: str) -> Iterator[Any]:
    for section, given in sections.items():
        yield from (
            pytest.param(section, each, id=f"{whose}{section} {number}")
            for number, each in zip(count(1), given, strict=False)
        )


@pytest.mark.parametrize(("section", "case"), cases())
def test_a_known_answer(section: str, case: Case) -> None:
    assert section in SECTIONS, f"nobody here understands the section {section}"
    answer, known, answers = SECTIONS[section]
    unknown = set(case) - {*known, *answers}
    assert not unknown, f"nobody here understands {', '.join(sorted(unknown))}"
    assert set(case) & set(answers), f"the case has no answer; it needs one of {', '.join(answers)}"
    answer({name: value for name, value in case.items() if value is not None})


@cache
def pack(name: str, **bind: Any) -> Pack:
    return build(draft_of(name, 1), name, bind)


def graded(name: str, facts: Case, decided: dict[str, str] | None = None) -> str:
    """The title of the grade, or of the question that people must answer first."""
    used = pack(name)
    verdict = verdicts(used, facts_from(used, facts), decided or {})[next(iter(used.schemes))]
    if verdict.pending:
        return used.decisions[verdict.pending[0]].title["zh-CN"]
    return used.scheme.grades[verdict.grade].title["zh-CN"]


def truth(said: Any) -> bool:
    assert isinstance(said, bool), f"{said!r} is neither true nor false"
    return said


def points(case: Case) -> None:
    given = {f"faulty_{case['cls'].lower()}": case["faulty"], "batch_size": case.get("batch_size")}
    for rounding in case.keys() & set(words.ROUNDINGS):
        facts = facts_from(pack("cn-quality-deduction", unit_rounding=rounding), given)
        assert facts["points"] == Decimal(str(case[rounding])), rounding


def points_grade(case: Case) -> None:
    facts = {"points": case.get("points"), "cost": case.get("cost_yuan")}
    assert graded("cn-quality-deduction", facts) == case["grade"]


def runs(case: Case) -> None:
    for counts_on in [name for name in ("base", "effective") if f"counts_on_{name}" in case]:
        scheme = pack("cn-quality-deduction", run_counts_on=counts_on).scheme
        titles = {grade.title["zh-CN"]: name for name, grade in scheme.grades.items()}
        assert scheme.run is not None
        found = scheme.run.effective([titles[each] for each in case["base_grades"]], list(scheme.grades))
        assert found == [titles[each] for each in case[f"counts_on_{counts_on}"]], counts_on


def packaging(case: Case) -> None:
    given = [case["phen"]] if isinstance(case.get("phen"), str) else case.get("phen", [])
    found = [words.phenomenon(each) for each in given] + ["released_defect"] * truth(
        case.get("released", False)
    )
    facts: Case = {name: case[name] for name in ("loss", "unrectified_repeats") if name in case}
    facts |= {"phenomena": found} if found else {}
    facts |= {"returned": words.RETURNS[case["ret"]]} if "ret" in case else {}
    assert graded("cn-packaging-abcd", facts) == case["grade"]


def dealer(case: Case) -> None:
    facts: Case = {name: case[name] for name in ("score", "external", "intent") if name in case}
    said = words.MANAGER[case["manager"]] if "manager" in case else None
    decided = dict.fromkeys(pack("cn-dealer-abc").decisions, said) if said else {}
    assert graded("cn-dealer-abc", facts, decided) == words.level(case.get("level"), scored="score" in case)


def upgrade(case: Case) -> None:
    used, start = pack("cn-ecommerce-upgrade"), datetime.fromisoformat("2026-03-02T09:00:00+08:00")
    entries = [
        Entry(complaint=UUID(int=number), at=start + timedelta(seconds=float(offset)))
        for number, offset in enumerate(sorted(case["offsets_s"]))
    ]
    facts: Case = {name: each.count(entries[-1], entries[:-1]) for name, each in used.counters.items()}
    facts |= {"channel": words.CHANNELS[case["channel"]]} if "channel" in case else {}
    for name in case.keys() & set(words.KEY_CUSTOMER):
        facts |= {"tier": "key" if truth(case[name]) else "ordinary"}
    for name in case.keys() & set(words.CUSTOMER):
        facts |= {"tier": words.TIERS[case[name]]}
    for name in case.keys() & set(words.DEMAND):
        said = case[name]
        facts |= {"demand_kind": said} if isinstance(said, str) else {"demand_explicit": truth(said)}
    assert graded("cn-ecommerce-upgrade", facts) == case["result"]


def calendar(case: Case) -> None:
    china = load_calendar("cn-mainland")
    without = china.model_copy(update={"days_worked": {}})
    received = datetime.fromisoformat(case["received"])
    start = received if received.tzinfo else received.replace(tzinfo=china.zone)
    if "due_date" in case:
        assert last_day(china, start, case["working_days"]) == case["due_date"]
    if "holidays_only" in case:
        assert last_day(without, start, case["working_days"]) == case["holidays_only"]


def last_day(calendar: Calendar, start: datetime, working_days: int) -> str:
    end = Duration(working_days=working_days).end(start, timetable(calendar))
    assert end is not None
    return (end - timedelta(microseconds=1)).date().isoformat()


COUNTED = ("counts_on_base", "counts_on_effective")
UPGRADING = ("offsets_s", "channel", *words.KEY_CUSTOMER, *words.CUSTOMER, *words.DEMAND)

SECTIONS: dict[str, tuple[Callable[[Case], None], tuple[str, ...], tuple[str, ...]]] = {
    "P05_points": (points, ("cls", "faulty", "batch_size"), words.ROUNDINGS),
    "P05_grade": (points_grade, ("points", "cost_yuan"), ("grade",)),
    "P05_runs": (runs, ("base_grades",), COUNTED),
    "P09": (packaging, ("loss", "unrectified_repeats", "ret", "phen", "released"), ("grade",)),
    "P08": (dealer, ("score", "manager", "external", "intent"), ("level",)),
    "P04": (upgrade, UPGRADING, ("result",)),
    "calendar": (calendar, ("received", "working_days"), ("due_date", "holidays_only")),
}
"""Section -> what its cases say, the keys that they may have, and those of the answers."""


def test_a_word_that_nobody_knows_fails() -> None:
    with pytest.raises(AssertionError, match="nobody here understands colour"):
        test_a_known_answer("P09", {"loss": 1, "colour": "red", "grade": "D"})
    with pytest.raises(AssertionError, match="nobody here understands the section P99"):
        test_a_known_answer("P99", {})
    with pytest.raises(AssertionError, match="has no answer"):
        test_a_known_answer("P08", {"score": 10})
    with pytest.raises(KeyError, match="漂亮"):
        test_a_known_answer("P09", {"phen": ["漂亮"], "grade": "D"})
