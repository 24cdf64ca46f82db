"""Recipients: who is told of what is the pack's, by every way they have; in any order, once for ever."""

from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from services.notify.domain.notices import hear
from shared.events import (
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintInvestigated,
    ComplaintRegistered,
    ContactErased,
    DeadlineBreached,
    DeadlineEscalated,
    DeadlineWarned,
    Fact,
    SolutionProposed,
    SurveyAnswered,
)
from shared.policy import pack_of
from tests.kit.complaint import START, plain, registered
from tests.kit.notices import CONTACT, DISPATCHED, DUE, RESOLVE, after, cause, of, only, pack_says, with_rule

Patch = pytest.MonkeyPatch

# whoever the pack says


@pytest.mark.parametrize(
    ("to", "told"),
    [
        (["lead"], {"quality"}),
        (["departments"], {"quality", "production"}),
        (["named"], {"quality", "production"}),
        (["supervisors"], {"supervisors"}),
        (["named", "departments", "lead", "supervisors"], {"quality", "production", "supervisors"}),
        ([], set()),
    ],
)
def test_an_assignment_goes_to_whom_the_pack_names_each_once(
    monkeypatch: Patch, to: Any, told: set[str]
) -> None:
    pack_says(monkeypatch, **with_rule("assignment", to=tuple(to)))
    for order in permutations([registered(), DISPATCHED]):
        state = after(order)
        assert [route for _, route in of(state, "assignment")] == ["email"] * len(told)
        assert {to for to, _ in of(state, "assignment")} == told
        assert [each.kind for each in state.wishes if each.to is not None] == []


def test_a_role_and_a_department_of_the_same_name_are_two(monkeypatch: Patch) -> None:
    pack_says(monkeypatch, **with_rule("assignment", to=("named", "sales")))
    state = after([registered(), ComplaintDispatched(cycle=1, lead="sales", departments=("sales",))])
    assert of(state, "assignment") == [("sales", "email"), ("sales", "email")]
    assert len({each.id for each in state.notices}) == 2


def test_a_notice_to_the_customer_can_be_switched_off_too(monkeypatch: Patch) -> None:
    pack_says(monkeypatch, **with_rule("acknowledgement", to=()))
    for order in permutations([registered(), CONTACT, ContactErased(reason="requested")]):
        state = after(order)
        assert (state.notices, state.wishes) == ([], [])


def test_whoever_has_a_chat_is_told_there_too_and_alone_if_there_is_no_mail(
    monkeypatch: Patch,
) -> None:
    pack = pack_of(registered(), None)
    quality = pack.departments["quality"].model_copy(update={"chat": "quality-robot"})
    head = pack.roles["department_head"].model_copy(update={"chat": "heads", "email": None})
    pack_says(
        monkeypatch,
        departments=pack.departments | {"quality": quality},
        roles=pack.roles | {"department_head": head},
    )
    late = DeadlineEscalated(cycle=1, clock="accept", due=DUE, rung=1, roles=("department_head",))
    state = after([registered(), DISPATCHED, late, DISPATCHED, late])
    told = {(each.kind, each.to, each.route, each.address) for each in state.notices}
    assert told == {
        ("assignment", "quality", "email", "quality@departments.invalid"),
        ("assignment", "quality", "chat", "quality-robot"),
        ("assignment", "production", "email", "production@departments.invalid"),
        ("deadline_escalated", "department_head", "chat", "heads"),
    }
    assert len({each.id for each in state.notices}) == 4
    assert {each.state for each in state.notices} == {"queued"}


def test_the_ladder_tells_each_role_of_its_rung_once() -> None:
    rungs = [
        DeadlineEscalated(cycle=1, clock="resolve", due=DUE, rung=1, roles=("service_manager",)),
        DeadlineEscalated(cycle=1, clock="resolve", due=DUE, rung=2, roles=("general_manager", "counsel")),
    ]
    state = after([*rungs, registered(), *rungs])
    told = [("counsel", "email"), ("general_manager", "email"), ("service_manager", "email")]
    assert of(state, "deadline_escalated") == told
    assert {each.details["rung"] for each in state.notices} == {"1", "2"}


def test_the_clock_of_a_department_is_its_own_matter_and_else_the_leads() -> None:
    own = DeadlineWarned(cycle=1, clock="accept", due=DUE, department="production")
    plainly = DeadlineBreached(cycle=1, clock="accept", due=DUE)
    state = after([registered(), own, plainly])
    assert (of(state, "deadline_warned"), of(state, "deadline_breached")) == ([("production", "email")], [])
    assert of(after([DISPATCHED], state), "deadline_breached") == [("quality", "email")]


def test_a_department_that_the_pack_does_not_know_any_more_is_called() -> None:
    state = after([registered(), ComplaintDispatched(cycle=1, lead="gone", departments=("gone",))])
    assert (only(state, "assignment").route, only(state, "assignment").state) == ("call", "task")


def test_what_is_urgent_is_the_catalogues_word_and_the_packs_counts_more(
    monkeypatch: Patch,
) -> None:
    late = DeadlineBreached(cycle=1, clock="accept", due=DUE, department="quality")
    assert only(after([registered(), late]), "deadline_breached").urgent is False
    pack_says(monkeypatch, **with_rule("deadline_breached", urgent=True))
    assert only(after([registered(), late]), "deadline_breached").urgent is True


# papers of the regulations


def test_the_slip_of_p20_goes_to_quality_and_sales_at_the_same_time() -> None:
    for order in permutations([registered(pack="cn-field-24-48-5"), CONTACT, DISPATCHED]):
        told = of(after(order), "information_slip")
        assert told == [("quality_manager", "email"), ("sales_director", "email")]
    assert of(after([registered(), CONTACT, DISPATCHED]), "information_slip") == []


P29 = "cn-kpi-95"
FOUND: list[Fact] = [
    registered(pack=P29),
    ComplaintInvestigated(cycle=1, cause="seal"),
    SolutionProposed(cycle=1, measure="new seal", department="production", due=DUE),
]


def test_the_corrective_action_of_p29_goes_to_who_does_it_follows_it_and_approves_it() -> None:
    for order in permutations(FOUND):
        state = after(order)
        told = {"production", "quality_manager", "management_representative"}
        assert {to for to, _ in of(state, "corrective_action")} == told
        assert state.causes == {1: "seal"}


def test_what_a_pack_never_tells_is_not_even_kept() -> None:
    state = after([registered()])
    for news in (*FOUND[1:], RESOLVE, SurveyAnswered(cycle=1, score=0)):
        assert hear(state, cause(news), START)[0] == state, news.type
    assert after([*FOUND[1:], RESOLVE, SurveyAnswered(cycle=1, score=0), registered()]) == state


@pytest.mark.parametrize(("score", "told"), [(0, 1), (4, 1), (5, 0), (10, 0)])
def test_a_low_score_is_told_to_those_whom_the_pack_names(monkeypatch: Patch, score: int, told: int) -> None:
    survey = pack_of(registered(), None).survey.model_copy(
        update={"escalate_below": 5, "escalate_to": ("service_manager",)}
    )
    pack_says(monkeypatch, survey=survey)
    for order in permutations([registered(), SurveyAnswered(cycle=1, score=score)]):
        state = after(order)
        assert of(state, "low_score") == [("service_manager", "email")] * told
        assert [each.kind for each in state.wishes] == ["acknowledgement"]


# once, in any order


STAFF: list[Fact] = [
    registered(pack=P29),
    CONTACT,
    ComplaintGraded(cycle=1, class_="usage", suggested=False, grade="minor", matches=()),
    DISPATCHED,
    DeadlineEscalated(cycle=1, clock="reply", due=DUE, rung=1, roles=("quality_manager",)),
    FOUND[2],
]


def test_whatever_the_order_everybody_is_told_the_same_once() -> None:
    whole = after(STAFF)
    for order in permutations(STAFF):
        assert plain(after(order)) == plain(whole)
    assert plain(after([*STAFF, *STAFF])) == plain(whole)
    assert len({each.id for each in whole.notices}) == len(whole.notices) == 8


def test_a_second_event_of_the_same_kind_is_another_notice() -> None:
    state = after(STAFF)
    twice, _ = hear(state, replace(cause(STAFF[4]), id=uuid4()), START)
    assert len(of(twice, "deadline_escalated")) == 2
    assert isinstance(STAFF[0], ComplaintRegistered)
