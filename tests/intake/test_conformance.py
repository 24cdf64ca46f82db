"""Conformance: each line read off its clause, by complaints that meet it and complaints that do not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.intake.domain.conformance import LINES, behind, judged, report
from services.intake.domain.handling import AddEvidence
from services.intake.domain.person import Erasure, erase
from services.intake.domain.steps import Communicate
from services.intake.domain.timeline import WORDS
from shared.events import CATALOGUE, DeadlineMissed
from shared.problems import NotFound
from tests.intake.test_stages import REQUIRED
from tests.kit.conformance import (
    acknowledged,
    at_sea,
    disagreed,
    ended,
    ended_with_question,
    expired,
    harmful_after,
    implemented,
    on,
    overdue,
    quoted,
    refused,
    regraded,
    rejected_late,
    solved,
    solved_until_answer,
    verdict,
)
from tests.kit.intake import OTHER, Record, actor, at_dispatched, at_proposed, cause, evidence, money

CASES: dict[str, tuple[Callable[[], Record], Callable[[], Record] | None]] = {
    "communication": (Record, lambda: Record(channel="hotline")),
    "receipt": (
        lambda: Record("cn-retail-4level", **REQUIRED["cn-retail-4level"]).ask(AddEvidence(evidence(), {})),
        lambda: (
            Record("cn-retail-4level", **REQUIRED["cn-retail-4level"])
            .do("screen", decision="refused", reason="No.")
            .told()
            .do("close")
        ),
    ),
    "remedy": (lambda: Record(demand={"type": "refund"}), solved),
    "tracking": (solved, overdue),
    "acknowledgement": (lambda: acknowledged(Record()), solved),
    "assessment": (lambda: Record().graded(), ended_with_question),
    "safety": (lambda: at_sea().revise(verified=True), lambda: at_sea().do("withdraw")),
    "investigation": (at_proposed, lambda: regraded(solved_until_answer()).told().scored(9)),
    "response": (lambda: at_proposed().do("offer"), None),
    "prevention": (lambda: solved(permanent="thicker lid"), solved),
    "approval": (
        lambda: (
            at_dispatched()
            .through("accept", "investigate")
            .do("propose", cost=money("6000"))
            .do("approve", actor("head", "department_head"))
        ),
        lambda: harmful_after(implemented()),
    ),
    "separation": (solved, lambda: implemented().do("audit").do("answer").told().scored(9)),
    "decision": (solved, None),
    "carried_out": (
        solved,
        lambda: ended(at_proposed().through("offer", "agree", "implement")),
    ),
    "recourse": (disagreed, rejected_late),
    "satisfaction": (expired, None),
    "quota": (
        lambda: Record("cn-packaging-abcd", **REQUIRED["cn-packaging-abcd"]).graded("c"),
        lambda: quoted(Record("cn-packaging-abcd", **REQUIRED["cn-packaging-abcd"]).graded("a")),
    ),
}
"""Line -> a complaint that meets it, and one that does not (None: the way through the house allows none)."""


def test_there_is_a_case_for_every_line() -> None:
    assert list(CASES) == [line.name for line in LINES]


@pytest.mark.parametrize("line", CASES)
def test_a_complaint_meets_it(line: str) -> None:
    record = CASES[line][0]()
    assert verdict(record, line) == "met"
    [found] = [each for each in report(record.state, record.journal, "en") if each.line == line]
    assert found.evidence


@pytest.mark.parametrize("line", [line for line, (_, breaks) in CASES.items() if breaks])
def test_a_complaint_does_not_meet_it(line: str) -> None:
    breaks = CASES[line][1]
    assert breaks is not None
    assert verdict(breaks(), line) == "not_met"


# read off the clauses


def test_a_deadline_that_passed_is_made_good_by_a_word_to_the_customer() -> None:
    record = overdue()
    record.ask(Communicate(text="It takes longer.", direction="out", channel="email"))
    assert verdict(record, "tracking") == "open"
    assert verdict(record.do("withdraw"), "tracking") == "met"


def test_a_word_from_the_customer_tells_them_nothing() -> None:
    record = overdue()
    record.ask(Communicate(text="Where is it?", direction="in", channel="email"))
    assert verdict(record, "tracking") == "not_met"


@pytest.mark.parametrize(("hours", "found"), [(24, "met"), (24.1, "not_met")])
def test_without_a_clock_immediately_is_within_a_day(hours: float, found: str) -> None:
    assert verdict(acknowledged(Record("cn-kpi-95"), hours), "acknowledgement") == found


def test_with_a_clock_immediately_is_what_the_clock_says() -> None:
    late = acknowledged(Record(), 30).hear(on(DeadlineMissed, "acknowledge"))
    assert verdict(late, "acknowledgement") == "not_met"
    [line] = [each for each in report(late.state, late.journal, "zh-CN") if each.line == "acknowledgement"]
    assert "deadline.missed.v1" in {each.type for each in line.evidence}


def test_whoever_takes_it_back_at_once_is_owed_nothing_more() -> None:
    found = {name: each.judgement for name, each in judged(Record().do("withdraw").state).items()}
    assert {name for name, each in found.items() if each == "not_met"} == set()
    assert found["communication"] == "met"
    assert found["decision"] == "not_applicable"


def test_whoever_is_refused_gets_reasons() -> None:
    record = refused()
    assert record.stage == "closed"
    assert verdict(record, "response") == "met"
    assert verdict(record, "recourse") == "met"
    assert verdict(record, "investigation") == "not_applicable"


def test_an_open_line_names_the_event_that_is_missing() -> None:
    record = Record()
    lines = {each.line: each for each in report(record.state, record.journal, "en")}
    assert lines["acknowledgement"].missing == ["notice.sent"]
    assert lines["acknowledgement"].evidence == []
    assert lines["receipt"].missing == []


def test_a_round_is_judged_anew() -> None:
    record = implemented().do("audit", OTHER).do("answer").told().scored(1)
    assert record.stage == "reopened"
    for line in ("assessment", "investigation", "decision", "carried_out"):
        assert verdict(record, line) == "open"


def test_what_was_erased_is_not_asked_for() -> None:
    record = implemented().do("audit", OTHER)
    state, _ = erase(record.state, cause(Erasure(why="requested")))
    assert state is not None
    assert judged(state)["carried_out"].judgement == "not_applicable"
    assert judged(state)["acknowledgement"].judgement == "not_applicable"


# the table


def test_every_sign_is_an_event_that_has_words() -> None:
    signs = {sign.type for line in LINES for sign in (*line.proofs, *line.against)}
    assert signs <= WORDS.keys()
    assert signs <= {type.rpartition(".")[0] for type in CATALOGUE}


def test_no_such_line() -> None:
    with pytest.raises(NotFound):
        behind("no_such", "met")


def test_the_document_has_the_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines()]
    found = [row for row in rows if row[0].strip("`") in {line.name for line in LINES}]
    assert found == [
        [
            f"`{line.name}`",
            line.clause or "–",
            line.en,
            line.zh,
            ", ".join(f"`{sign.type}`" for sign in line.proofs),
        ]
        for line in LINES
    ]
