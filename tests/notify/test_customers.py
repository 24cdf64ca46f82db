"""Customers: progress, offers, questions and surveys reach them once, in time, on their channel."""

from datetime import datetime, timedelta
from itertools import permutations
from uuid import uuid4

import pytest

from services.notify.domain import promises
from services.notify.domain.notices import hear
from services.notify.domain.record import Notices, Outcome, Report
from services.notify.domain.sending import HOLD, claim, deliver
from shared.envelope import Cause
from shared.events import (
    ComplaintAnswered,
    ContactErased,
    DeadlineSet,
    Fact,
    InformationRequested,
    OfferRecorded,
    ReplyRecorded,
    SurveyInvited,
    SurveyReminded,
)
from shared.policy import pack_of
from tests.kit.complaint import COMPLAINT, NUMBER, START, plain, registered
from tests.kit.notices import CONTACT, DISPATCHED, DUE, P02, RESOLVE, after, cause, of, only, pack_says

Patch = pytest.MonkeyPatch


def test_progress_is_told_once_a_round_when_both_are_known_in_any_order() -> None:
    known: list[Fact] = [registered(**P02), CONTACT, DISPATCHED, RESOLVE]
    again = DISPATCHED.model_copy(update={"revision": 2, "departments": ("quality", "research")})
    for order in permutations(known):
        state = after(order)
        assert [each.kind for each in state.wishes] == []
        assert only(state, "progress").route == "call"
        assert plain(after([again, RESOLVE, DISPATCHED], state).routes[1]) == plain(again)
        assert len(of(after([again, RESOLVE], state), "progress")) == 1
    for few in permutations(known, 3):
        assert of(after(few), "progress") == []


def test_a_clock_that_promises_the_customer_nothing_is_no_progress() -> None:
    internal = DeadlineSet(cycle=1, clock="accept", due=DUE, started=START)
    state = after([registered(**P02), CONTACT, DISPATCHED, internal])
    assert (of(state, "progress"), state.promises) == ([], {})


def test_the_promise_that_is_told_is_the_last_that_was_made() -> None:
    later = RESOLVE.model_copy(update={"due": DUE + timedelta(days=1)})
    for order in ([(RESOLVE, 1), (later, 2)], [(later, 2), (RESOLVE, 1)]):
        state = after([registered(**P02)])
        for fact, number in order:
            state, _ = hear(state, cause(fact, number, str(number)), START)
        assert promises.promised(state, 1) == later.due


def test_progress_after_the_answer_is_not_told_and_that_is_recorded() -> None:
    answer: list[Fact] = [ComplaintAnswered(cycle=1), ReplyRecorded(cycle=1, text="好了")]
    known: list[Fact] = [
        registered(pack="cn-bank-7cat"),
        CONTACT,
        DISPATCHED,
        RESOLVE,
        ComplaintAnswered(cycle=1),
    ]
    for order in permutations(known):
        state, said = Notices(), list[Fact]()
        for fact in order:
            state, facts = hear(state, cause(fact), START)
            said += facts
        progress = only(state, "progress")
        assert (progress.state, progress.reason, progress.next_at) == ("suppressed", "superseded", None)
        assert [
            (fact.type, fact.model_dump()["reason"]) for fact in said if fact.type == "notice.suppressed.v1"
        ] == [("notice.suppressed.v1", "superseded")]
    assert only(after(answer, state), "result").state == "queued"
    assert of(after([registered(), *known[1:]]), "progress") == [], "this pack has it off"


def test_what_was_sent_before_the_answer_stays_sent() -> None:
    state = after([registered(**P02), CONTACT, DISPATCHED, RESOLVE])
    sent = [each.model_copy(update={"state": "sent"}) for each in state.notices]
    done = after([ComplaintAnswered(cycle=1)], state.model_copy(update={"notices": sent}))
    assert only(done, "progress").state == "sent"


def test_an_offer_and_a_question_go_the_way_the_complaint_came() -> None:
    asked = InformationRequested(cycle=1, number=1, text="Which model?")
    offers = [OfferRecorded(cycle=1, number=n, text=f"Offer {n}") for n in (1, 2)]
    for order in permutations([registered("wechat"), CONTACT, asked, *offers]):
        state = after(order)
        told = sorted(
            (e.kind, e.route, e.details.get("offer")) for e in state.notices if e.kind != "acknowledgement"
        )
        assert told[:2] == [("information_request", "message", None), ("offer", "message", "Offer 1")]
        assert len(told) == 3


def test_a_survey_and_its_reminder_go_by_the_packs_routes_first(monkeypatch: Patch) -> None:
    invited = SurveyInvited(cycle=1, link="https://s.invalid/1", expires=DUE)
    reminded = SurveyReminded(cycle=1, number=1, link="https://s.invalid/1", expires=DUE)
    state = after([registered("wechat"), CONTACT, invited, reminded])
    assert (only(state, "survey").route, only(state, "survey_reminder").route) == ("message", "message")
    survey = pack_of(registered(), None).survey.model_copy(update={"routes": ("letter", "email")})
    pack_says(monkeypatch, survey=survey)
    state = after([registered("wechat"), CONTACT, invited, reminded])
    assert only(state, "survey").route == "email", "there is no address for a letter"
    assert only(state, "survey_reminder").route == "email"


def test_an_erased_customer_is_told_of_no_progress_whatever_the_order() -> None:
    known: list[Fact] = [registered(**P02), CONTACT, DISPATCHED, RESOLVE, ContactErased(reason="requested")]
    whole = after(known)
    assert (only(whole, "progress").state, only(whole, "progress").details) == ("suppressed", {})
    for order in permutations(known):
        assert plain(after(order)) == plain(whole)


def test_words_for_a_customer_who_was_erased_meanwhile_are_not_kept_until_the_pack_is_known() -> None:
    asked = InformationRequested(cycle=1, number=1, text="Secret question")
    for order in permutations([asked, ContactErased(reason="requested")]):
        state = after(order)
        assert "Secret" not in str(state.model_dump())
        assert only(after([registered()], state), "information_request").state == "suppressed"


@pytest.mark.parametrize("ends", ["untried", "failed", "lost"])
def test_progress_that_was_being_sent_when_the_answer_came_is_not_tried_again(ends: str) -> None:
    state = after([registered(pack="cn-bank-7cat"), CONTACT, DISPATCHED, RESOLVE])
    first: Cause[datetime] = Cause(uuid4(), COMPLAINT, NUMBER, START, "notify", START)
    state, _ = claim(state, first)
    state = after([ComplaintAnswered(cycle=1)], state)
    assert only(state, "progress").state == "sending"
    if ends == "lost":
        later = START + HOLD
        state, said = claim(state, Cause(uuid4(), COMPLAINT, NUMBER, later, "notify", later))
    else:
        outcome = Outcome(untried=ends == "untried", reason="no")
        report = Report(claim=first.id, ended={each.id: outcome for each in state.notices})
        state, said = deliver(state, Cause(uuid4(), COMPLAINT, NUMBER, START, "notify", report))
    assert only(state, "progress").reason == "superseded"
    assert "notice.suppressed.v1" in {fact.type for fact in said}


def test_an_older_dispatch_that_comes_late_tells_no_department_any_more() -> None:
    routes = [
        DISPATCHED.model_copy(update={"revision": number, "departments": names})
        for number, names in enumerate([("quality", "production"), ("quality",), ("quality", "research")], 1)
    ]
    for order in permutations(routes):
        told = {each for each, _ in of(after([registered(), *order]), "assignment")}
        assert {"quality", "research"} <= told
    late = after([registered(), routes[2], *routes[:2]])
    assert {each for each, _ in of(late, "assignment")} == {"quality", "research"}
