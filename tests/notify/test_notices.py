"""Notices: the right route, once for each event and recipient, and how attempts end."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notify.domain.notices import hear
from services.notify.domain.record import Notice, Notices, Outcome, Report
from services.notify.domain.sending import HOLD, PAUSES, claim, deliver, finish
from shared.envelope import Cause
from shared.events import (
    ComplaintAnswered,
    ComplaintDispatched,
    ContactRecorded,
    DeadlineBreached,
    Fact,
    ReplyRecorded,
    SurveyInvited,
)
from shared.problems import Conflict, NotFound
from tests.kit.complaint import COMPLAINT, NUMBER, START, registered

CONTACT = ContactRecorded(name="李雷", email="li@example.cn", phone="13800000001", address="示范路1号")


def cause(data: Any, id: UUID | None = None) -> Cause[Any]:
    return Cause(id or uuid4(), COMPLAINT, NUMBER, START, "test", data)


def told(*facts: Fact) -> Notices:
    state: Notices | None = None
    for fact in facts:
        state, _ = hear(state, cause(fact), START)
    assert state is not None
    return state


def only(state: Notices, kind: str) -> Notice:
    (found,) = (each for each in state.notices if each.kind == kind)
    return found


def answered(channel: Any, contact: ContactRecorded = CONTACT) -> Notice:
    facts = (registered(channel), contact, ComplaintAnswered(cycle=1), ReplyRecorded(cycle=1, text="好了"))
    return only(told(*facts), "result")


@pytest.mark.parametrize(
    ("channel", "route", "state"),
    [
        ("email", "email", "queued"),
        ("hotline", "call", "task"),
        ("letter", "letter", "task"),
        ("wechat", "message", "queued"),
    ],
)
def test_the_result_goes_the_way_the_complaint_came(channel: str, route: str, state: str) -> None:
    notice = answered(channel)
    assert (notice.route, notice.state) == (route, state)


def test_who_gave_no_such_address_is_reached_another_way() -> None:
    assert answered("letter", ContactRecorded(name="A", email="a@example.com")).route == "email"
    assert answered("email", ContactRecorded(name="A", phone="123456")).route == "call"


def test_a_notice_waits_for_what_it_needs() -> None:
    assert told(registered(), ComplaintAnswered(cycle=1), CONTACT).wishes[0].kind == "result"
    assert told(registered()).notices == []
    breach = DeadlineBreached(cycle=1, clock="accept", due=START)
    assert told(registered(), breach).notices == []
    dispatched = ComplaintDispatched(cycle=1, lead="quality", departments=("quality",))
    assert only(told(breach, dispatched, registered()), "deadline_breached").address.startswith("quality@")


def test_the_same_event_makes_one_notice_for_ever() -> None:
    event = cause(registered())
    state, _ = hear(told(CONTACT), event, START)
    again, _ = hear(state, event, START)
    assert again == state


def attempted(state: Notices, outcome: Outcome) -> tuple[Notices, list[Fact]]:
    """One attempt at everything that is due."""
    due = max(each.next_at for each in state.notices if each.next_at)
    taken = Cause(uuid4(), COMPLAINT, NUMBER, due, "notify", due)
    held, _ = claim(state, taken)
    ended = {each.id: outcome for each in held.notices if each.state == "sending"}
    report = Report(claim=taken.id, ended=ended)
    return deliver(held, Cause(uuid4(), COMPLAINT, NUMBER, due, "notify", report))


def test_what_is_claimed_is_held_and_cannot_be_claimed_again() -> None:
    state = told(registered(), CONTACT)
    held, _ = claim(state, cause(START))
    again, _ = claim(held, cause(START))
    assert only(held, "acknowledgement").state == "sending"
    assert only(again, "acknowledgement").attempts == 1


def test_delivered_is_said_once() -> None:
    state, said = attempted(told(registered(), CONTACT), Outcome(delivered=True))
    assert [fact.type for fact in said] == ["notice.sent.v1"]
    ended = {each.id: Outcome(delivered=True) for each in state.notices}
    late = Report(claim=state.notices[0].claim or uuid4(), ended=ended)
    assert deliver(state, cause(late))[1] == []


def test_a_report_of_a_claim_that_ran_out_is_ignored() -> None:
    state = told(registered(), CONTACT)
    first, second = cause(START), cause(START + HOLD)
    held, _ = claim(state, first)
    again, _ = claim(held, second)
    ended = {each.id: Outcome(reason="slow") for each in again.notices}
    assert deliver(again, cause(Report(claim=first.id, ended=ended))) == (again, [])


def test_a_notice_that_the_time_did_not_suffice_for_is_due_again_and_has_lost_nothing() -> None:
    taken = cause(START)
    held, _ = claim(told(registered(), CONTACT), taken)
    ended = {each.id: Outcome(untried=True) for each in held.notices}
    after, said = deliver(held, cause(Report(claim=taken.id, ended=ended)))
    assert said == []
    assert only(after, "acknowledgement").attempts == 0
    assert only(after, "acknowledgement").state == "queued"


def test_after_the_last_pause_it_is_a_persons_task_and_said_to_have_failed() -> None:
    state, said = told(registered(), CONTACT), list[Fact]()
    for _ in range(len(PAUSES)):
        state, said = attempted(state, Outcome(reason="refused"))
        assert said == []
        assert only(state, "acknowledgement").state == "queued"
    state, said = attempted(state, Outcome(reason="refused"))
    assert [fact.type for fact in said] == ["notice.failed.v1"]
    assert only(state, "acknowledgement").state == "task"
    _, said = finish(state, cause(only(state, "acknowledgement").id))
    assert [fact.type for fact in said] == ["notice.sent.v1"]


def test_pauses_grow() -> None:
    state, _ = attempted(told(registered(), CONTACT), Outcome(reason="busy"))
    again = only(state, "acknowledgement").next_at
    assert again is not None
    assert timedelta(seconds=PAUSES[0]) <= again - START <= timedelta(seconds=1.5 * PAUSES[0])


def test_without_a_gateway_a_message_becomes_a_call() -> None:
    invited = SurveyInvited(cycle=1, link="x", expires=START)
    state, _ = attempted(told(registered("wechat"), CONTACT, invited), Outcome(nobody=True))
    assert only(state, "survey").route == "call"


def test_only_an_open_task_can_be_finished() -> None:
    state = told(registered(), CONTACT)
    with pytest.raises(Conflict):
        finish(state, cause(only(state, "acknowledgement").id))
    with pytest.raises(NotFound):
        finish(state, cause(uuid4()))
