"""Surveys in the record: how asking went in each round, what a score leads to, and the figures of both."""

from itertools import permutations
from typing import Any

import pytest

from services.intake.domain.estimates import wilson
from services.intake.domain.facts import facts_of
from services.intake.domain.figures import Table, Tally, row
from services.intake.domain.roles import Actor
from services.intake.domain.surveys import asking, rounds
from services.intake.domain.timeline import words
from services.intake.domain.views import view
from shared.events import (
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintReopened,
    Fact,
    HandlerNamed,
    SurveyAnswered,
    SurveyDeclined,
    SurveyExpired,
    SurveyOpened,
    SurveySkipped,
)
from shared.policy import load
from tests.intake.test_figures import NOW, SHANGHAI
from tests.kit.conformance import implemented, verdict
from tests.kit.intake import OTHER, PARTNER, STAFF, Record, at_dispatched, at_proposed

PACK = "cn-dealer-abc"


def opened(cycle: int = 1) -> SurveyOpened:
    return SurveyOpened(cycle=cycle, expires=NOW)


def skipped(reason: Any = "not_sampled", cycle: int = 1) -> SurveySkipped:
    return SurveySkipped(cycle=cycle, reason=reason)


def told(pack: str = "base") -> Record:
    """The answer has reached the customer."""
    record = at_proposed(pack)
    if pack == PACK:
        record.do("approve", role="service_manager", by=OTHER)
    return record.through("offer", "agree", "implement").do("audit", OTHER).do("answer").told()


def once_more(record: Record) -> Record:
    """Another round, until its answer has reached the customer."""
    record.graded().dispatched().through("accept", "investigate", "propose", "offer", "agree", "implement")
    return record.do("audit", OTHER).do("answer").told()


def seen(record: Record) -> list[Any]:
    """What staff see of each round's survey."""
    shown = view(record.state, {}, STAFF)["surveys"]
    return [(cycle, each["ended"], each["score"], each["reason"]) for cycle, each in shown.items()]


# how asking went


ENDS: list[tuple[list[Fact], Any, str]] = [
    ([opened(), SurveyAnswered(cycle=1, score=7)], (1, "answered", 7, None), "answered"),
    ([opened(), SurveyDeclined(cycle=1)], (1, "declined", None, None), "declined"),
    ([opened(), SurveyExpired(cycle=1)], (1, "expired", None, None), "expired"),
    ([skipped()], (1, "skipped", None, "not_sampled"), "skipped"),
    ([opened(), skipped("reopened")], (1, "skipped", None, "reopened"), "expired"),
    ([opened()], (1, None, None, None), "open"),
]


@pytest.mark.parametrize(("news", "shown", "came_to"), ENDS)
def test_how_a_round_s_survey_ended_is_seen_by_staff_alone_in_any_order(
    news: list[Fact], shown: Any, came_to: str
) -> None:
    for order in permutations(news):
        record = told().hear(*order, *order)
        assert seen(record) == [shown]
        assert asking(record.state) == came_to
        assert record.stage == ("fed_back" if came_to == "open" else "closed"), "nobody waits for ever"
    assert "surveys" not in view(record.state, {}, PARTNER)


def test_an_interviewer_s_answer_is_known_as_such() -> None:
    record = told().hear(opened(), SurveyAnswered(cycle=1, score=7, by="interviewer"))
    shown = view(record.state, {}, STAFF)["surveys"][1]
    assert (shown["by"], shown["opened"] is not None) == ("interviewer", True)


def test_an_answer_stands_whatever_else_is_told_of_its_survey() -> None:
    record = told().hear(SurveyAnswered(cycle=1, score=7), SurveyExpired(cycle=1), skipped("reopened"))
    assert (record.state.scores, seen(record)) == ({1: 7}, [(1, "answered", 7, None)])


def test_a_record_of_which_only_the_score_is_known_has_its_survey_all_the_same() -> None:
    state = told().state.model_copy(update={"scores": {1: 3, 2: None}})
    assert [(each.ended, each.asked) for each in rounds(state).values()] == [
        ("answered", True),
        ("expired", True),
    ]


def test_why_nobody_was_asked_is_told_in_words() -> None:
    data = skipped().model_dump(mode="json")
    assert words("survey.skipped.v1", data, load("base", 1), "en") == "No survey: not drawn by lot"
    assert words("survey.skipped.v1", data, load("base", 1), "zh-CN") == "不发起调查：未被抽中"


def test_whoever_was_not_to_be_asked_breaks_no_rule_of_the_standard() -> None:
    record = implemented().do("audit", OTHER).do("answer").told().hear(skipped("rule"))
    assert verdict(record, "satisfaction") == "not_applicable"
    assert verdict(told().hear(SurveyDeclined(cycle=1)), "satisfaction") == "met"


# what follows from a score


def test_a_low_score_reopens_every_time_but_never_without_people() -> None:
    record = told()
    for cycle in (1, 2, 3):
        assert record.state.cycle == cycle
        record.hear(opened(cycle), SurveyAnswered(cycle=cycle, score=1))
        assert (record.stage, record.state.cycle) == ("reopened", cycle + 1)
        for late in (*range(1, cycle + 1), cycle + 1):
            record.hear(SurveyAnswered(cycle=late, score=0), SurveyExpired(cycle=late))
        assert (record.stage, record.state.cycle) == ("reopened", cycle + 1), "no score moves it now"
        record.state = record.state.model_copy(
            update={"scores": {c: s for c, s in record.state.scores.items() if c <= cycle}}
        )
        once_more(record)
    begun = [fact for fact in record.facts if isinstance(fact, ComplaintReopened)]
    assert [each.cycle for each in begun] == [2, 3, 4]
    assert record.said.count("complaint.answered") == 4, "each round was answered by people"


def test_a_regrade_after_the_end_reopens_nothing_and_sends_nobody_anything() -> None:
    record = told(PACK).hear(opened(), SurveyAnswered(cycle=1, score=3))
    assert (record.stage, record.state.cycle) == ("closed", 1), "the manager decides, nothing by itself"
    ended, edition, said = record.state, record.state.edition, [*record.said]
    record.hear(
        ComplaintGraded(
            cycle=1, class_="usage", suggested=False, grade="grievance_a", matches=(), revision=9,
            reason="score",
        ),
        ComplaintDispatched(cycle=1, lead="quality", departments=("quality",), revision=9),
    )  # fmt: skip
    assert record.state.graded[1].grade == "grievance_a"
    assert record.said == said
    assert record.state.edition > edition, "but readers see it"
    moved = ("stage", "cycle", "since", "closed_at", "deadlines", "outcome", "stays", "accepted")
    assert {name: getattr(record.state, name) for name in moved} == {
        name: getattr(ended, name) for name in moved
    }


def test_rules_of_the_record_see_the_score_of_the_present_round() -> None:
    record = told(PACK).revise(details={"score": "9.5"})
    assert facts_of(record.state)["score"] == pytest.approx(9.5)
    record.hear(SurveyAnswered(cycle=1, score=3))
    assert facts_of(record.state)["score"] == 3
    record.do("reopen")
    assert "score" not in facts_of(record.state)


# who handles it


def named(record: Record) -> list[tuple[int, str]]:
    return [(each.cycle, each.handler) for each in record.facts if isinstance(each, HandlerNamed)]


def test_whoever_handles_it_is_named_in_every_round() -> None:
    record = at_dispatched().do("assign").do("assign", handler="Wang")
    assert named(record) == [(1, "Li"), (1, "Wang")]
    record.through("accept", "investigate", "propose", "offer", "agree", "implement")
    record.do("audit", OTHER).do("answer").told().scored(2)
    assert named(record)[2:] == [(1, "desk"), (2, "Wang")], "reopened by a score"
    once_more(record).scored(9).do("reopen")
    assert named(record)[4:] == [(2, "desk"), (3, "Wang")], "and by hand"


def test_whoever_takes_a_step_of_the_handling_is_named_once_a_round_though_nobody_assigned_them() -> None:
    by = {
        step: Actor(step, STAFF.roles) for step in ("accept", "investigate", "propose", "implement", "answer")
    }
    record = at_dispatched().do("assign", handler="accept")
    for step in ("accept", "investigate", "propose", "offer", "agree", "implement"):
        record.do(step, by.get(step, OTHER))
    record.do("audit", OTHER).do("answer", by["answer"])
    assert named(record) == [(1, name) for name in by]
    again = told()
    assert named(again) == [(1, "desk")]
    once_more(again.scored(2))
    assert named(again) == [(1, "desk"), (2, "desk")]


def test_whom_it_is_about_is_named_too_and_once() -> None:
    record = at_dispatched().revise(respondents=["staff:li", "Wang"]).revise(respondents=["Wang", "Zhao"])
    told = [each for each in record.facts if isinstance(each, HandlerNamed)]
    assert [(each.handler, each.duty) for each in told] == [
        ("staff:li", "respondent"), ("Wang", "respondent"), ("Zhao", "respondent"),
    ]  # fmt: skip


# figures


def test_rates_and_intervals_against_a_count_by_hand() -> None:
    """Twelve complaints: ten asked, six answered, one declined, two ran out, one open, one skipped."""
    answers: list[list[Fact]] = [
        [opened(), SurveyAnswered(cycle=1, score=score)] for score in (10, 9, 8, 8, 7, 6)
    ]
    came: list[list[Fact]] = [
        *answers,
        [opened(), SurveyDeclined(cycle=1)],
        [opened(), SurveyExpired(cycle=1)],
        [SurveyExpired(cycle=1)],
        [opened()],
        [skipped()],
        [],
    ]
    records = [told().hear(*news).state for news in came]
    tally = Tally()
    tally.add([row(state) for state in records])
    found = tally.figures(NOW).satisfaction
    assert (found.asked, found.answered, found.satisfied) == (10, 6, 4)
    assert (found.declined, found.expired, found.open, found.skipped) == (1, 2, 1, 1)
    assert found.asked == found.answered + found.declined + found.expired + found.open
    assert [found.response_rate, found.mean, found.rate] == pytest.approx([0.6, 8.0, 4 / 6])
    assert [found.response_low, found.response_high] == pytest.approx([0.3127, 0.8318], abs=1e-4)
    assert [found.low, found.high] == pytest.approx([0.3000, 0.9032], abs=1e-4)
    assert [found.low, found.high] == list(wilson(4, 6))
    assert [found.mean_low, found.mean_high] == pytest.approx([6.8684, 9.1316], abs=1e-4)


def test_a_complaint_counts_once_however_many_rounds_it_was_asked_in() -> None:
    record = told().hear(opened(), SurveyAnswered(cycle=1, score=1))
    once_more(record).hear(opened(2), SurveyDeclined(cycle=2))
    line = row(record.state)
    assert (line["asked"], line["survey"], line["score"]) == (True, "answered", 1)
    other = told().hear(opened(), SurveyDeclined(cycle=1)).do("reopen")
    once_more(other).hear(skipped(cycle=2))
    assert row(other.state)["survey"] == "declined", "they were asked once"


def test_departments_products_and_months_sum_to_the_whole() -> None:
    lines = []
    for n in range(12):
        record = told()
        record.hear(opened(), SurveyAnswered(cycle=1, score=6 + n % 4 + n % 2))
        line = dict(row(record.state)) | {"department": f"d{n % 3}", "product": f"p{n % 2}"}
        lines.append(line)
    for by in ("department", "product", "month"):
        table = Table([by], SHANGHAI)
        table.add(lines)
        parts = [tally.figures(NOW).satisfaction for _, tally, _ in table.groups()]
        assert sum(each.answered for each in parts) == sum(each.asked for each in parts) == 12


def test_without_anybody_asked_there_is_no_rate() -> None:
    tally = Tally()
    tally.add([row(told().hear(skipped()).state)])
    found = tally.figures(NOW).satisfaction
    assert (found.asked, found.skipped, found.response_rate, found.response_low) == (0, 1, None, None)
