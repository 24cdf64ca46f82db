"""Conformance of many: clocks and targets, and what holds of every record and every period."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.api.conformance import Period
from services.intake.domain.conformance import (
    CLOCK,
    LINES,
    Tally,
    behind,
    compact,
    counted,
    expanded,
    judged,
    reached,
    report,
)
from services.intake.domain.conformance.lines import MEASURES, NAMES
from services.intake.domain.handling import allowed
from services.intake.domain.hearing import clocks
from services.intake.domain.ledger import query
from services.intake.domain.stages import ENDED
from shared.events import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineFact,
    DeadlineMet,
    DeadlineMissed,
    DeadlineSet,
)
from tests.intake.test_stages import EVENTS, PACKS, PEOPLE, REQUIRED, heard, walk
from tests.kit.complaint import START
from tests.kit.conformance import acknowledged, ended, on, verdict
from tests.kit.intake import STAFF, Record, at_dispatched

# clocks


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ([DeadlineSet], "open"),
        ([DeadlineSet, DeadlineMet], "met"),
        ([DeadlineSet, DeadlineBreached], "not_met"),
        ([DeadlineSet, DeadlineBreached, DeadlineMissed], "not_met"),
        ([DeadlineSet, DeadlineCancelled], "not_applicable"),
        ([], "not_applicable"),
    ],
)
def test_a_clock_is_judged_by_what_sla_said(told: list[type[DeadlineFact]], found: str) -> None:
    record = Record("fast-reply-24h").hear(*(on(each, "reply", target=True) for each in told))
    assert verdict(record, f"{CLOCK}reply") == found


def test_one_late_department_is_late() -> None:
    record = at_dispatched().hear(
        on(DeadlineMet, "accept", department="quality"), on(DeadlineMissed, "accept", department="sales")
    )
    assert verdict(record, f"{CLOCK}accept") == "not_met"


def test_a_target_is_never_due_in_the_ledger() -> None:
    record = Record("fast-reply-24h").hear(on(DeadlineSet, "reply", target=True))
    assert [each.due for each in record.state.deadlines.values()] == [None]


@given(st.permutations([DeadlineSet, DeadlineBreached, DeadlineSet, DeadlineMissed]))
def test_news_of_a_clock_may_come_in_any_order(order: list[type[DeadlineFact]]) -> None:
    state = Record().state
    numbers = {DeadlineSet: 1, DeadlineBreached: 2, DeadlineMissed: 3}
    for each in order:
        state = state.model_copy(update={"deadlines": clocks(state, on(each, "accept"), numbers[each])})
    [due] = state.deadlines.values()
    assert (due.sequence, due.due, due.outcome, due.breached) == (3, None, "missed", True)


# what holds of every record


CLOCKS: tuple[type[DeadlineFact], ...] = (
    DeadlineSet,
    DeadlineMet,
    DeadlineBreached,
    DeadlineMissed,
    DeadlineCancelled,
)


def wander(pack: str, data: st.DataObject) -> Record:
    """A random walk through the house, with news of clocks and notices."""
    record = Record(pack, **REQUIRED.get(pack, {}))
    for _ in range(data.draw(st.integers(1, 18))):
        move = data.draw(st.sampled_from([*allowed(record.state), *EVENTS, "clock", "acknowledged", "gate"]))
        match move:
            case "clock":
                kind: type[DeadlineFact] = data.draw(st.sampled_from(CLOCKS))
                name = data.draw(st.sampled_from(["accept", "reply", "acknowledge"]))
                record.hear(on(kind, name, cycle=record.state.cycle))
            case "acknowledged":
                acknowledged(record, data.draw(st.sampled_from([1, 30])))
            case "gate":
                record.graded(gates=("harm",), pending=("how bad",))
            case _ if move in EVENTS:
                heard(record, move)
            case _:
                walk(record, move, data.draw(st.sampled_from(PEOPLE)), record.stage)
    return record


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PACKS), st.data())
def test_every_line_has_a_verdict_and_what_is_met_is_proven(pack: str, data: st.DataObject) -> None:
    record = wander(pack, data)
    found = judged(record.state)
    assert [*found][: len(LINES)] == [line.name for line in LINES]
    over = record.state.stage in ENDED
    for line in report(record.state, record.journal, "en"):
        assert line.judgement == found[line.line].judgement
        assert bool(line.evidence) or line.judgement != "met", line
        assert not (over and line.judgement == "open"), line
        assert (line.evidence == []) or line.judgement in ("met", "not_met")
    known = expanded(compact(record.state))
    said = {name: each.judgement for name, each in found.items()}
    assert {name: each for name, each in known.items() if name not in MEASURES} == {
        name: said[name] for name in known if name not in MEASURES
    }
    assert all(said[name] == "not_applicable" for name in said.keys() - known.keys())
    assert not over or "open" not in known.values()
    for name in (*NAMES, *(n for n in said if n.startswith(CLOCK))):
        for judgement in ("met", "not_met", "open", "not_applicable"):
            wanted = known.get(name, "not_applicable") == judgement
            assert bool(re.search(behind(name, judgement), compact(record.state))) == wanted, name


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_counts_of_a_period_sum_to_its_complaints(data: st.DataObject) -> None:
    packs = data.draw(st.lists(st.sampled_from(PACKS), max_size=4))
    found = Counter((pack, compact(wander(pack, data).state)) for pack in packs)
    rows = [Tally(pack, "2026-11", text, number) for (pack, text), number in found.items()]
    for line in counted(rows, "zh-CN"):
        mine = [pack for pack in packs if line.pack in (None, pack)]
        assert line.met + line.not_met + line.open + line.not_applicable == len(mine)
        assert (line.rate is None) == (line.met + line.not_met == 0)


# targets


def replies(*letters: str) -> list[Tally]:
    """Complaints under cn-kpi-95, of whose reply this was said."""
    plain = compact(Record("cn-kpi-95").state)
    return [Tally("cn-kpi-95", "2026-11", f"{plain}\nreply {each}", 1) for each in letters]


@pytest.mark.parametrize(
    ("met", "missed", "expected"),
    [(19, 1, True), (18, 1, False), (20, 0, True), (0, 3, False), (0, 0, None)],
)
def test_ninety_five_in_a_hundred_replies_are_in_time(met: int, missed: int, expected: bool | None) -> None:
    rows = replies(*"m" * met, *"n" * missed, "o", "-")
    [target] = reached(rows, None, "2026-11", "en")
    assert (target.part, target.whole, target.reached) == (met, met + missed, expected)


def test_a_month_without_complaints_has_no_rate() -> None:
    [target] = reached([], "cn-kpi-95", "2026-11", "en")
    assert (target.month, target.actual, target.reached) == ("2026-11", None, None)


def test_months_are_not_mixed() -> None:
    rows = [*replies("m"), *(row._replace(month="2026-10") for row in replies("n"))]
    found = [(each.month, each.reached) for each in reached(rows, None, "2026-11", "en")]
    assert found == [("2026-10", False), ("2026-11", True)]


def test_what_is_no_part_of_complaints_is_not_measured_here() -> None:
    text = compact(Record("cn-cleaning-1h").state)
    targets = reached([Tally("cn-cleaning-1h", "2026-11", text, 1)], None, "2026-11", "en")
    assert {(each.target, each.measured, each.reached) for each in targets} == {
        ("checks", False, None),
        ("questionnaires", False, None),
    }


def test_the_resolution_rate_counts_what_was_ours_to_its_end() -> None:
    known: dict[str, Any] = {"place": "at home"}
    agreed = Record("cn-complaint-6step", **known).graded().dispatched()
    agreed.through("accept", "investigate", "propose", "offer", "agree", "implement")
    over = [ended(agreed), Record("cn-complaint-6step", **known).do("withdraw")]
    rows = [Tally("cn-complaint-6step", "2026-11", compact(each.state), 1) for each in over]
    [target] = reached(rows, None, "2026-11", "en")
    assert (target.part, target.whole, target.reached) == (1, 1, True)


def test_a_period_takes_what_was_registered_in_it_and_no_more() -> None:
    asked = Period.model_validate(
        {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "class": "x"}
    )
    wanted = query(asked, STAFF, START)
    assert wanted["registered_at"] == {
        "$gte": datetime(2026, 1, 1, tzinfo=UTC),
        "$lt": datetime(2026, 2, 1, tzinfo=UTC),
    }
    assert wanted["class"] == "x"
