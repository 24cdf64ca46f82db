"""Erasure: nobody is written to any more, what was sent stays a fact, and no late news brings data back."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.notices import hear
from services.notify.domain.record import Notices, Outcome, Report
from services.notify.domain.sending import HOLD, claim, deliver, finish
from shared.envelope import Cause
from shared.events import (
    ComplaintAnswered,
    ComplaintDispatched,
    ContactErased,
    ContactRecorded,
    DeadlineBreached,
    Fact,
    ReplyRecorded,
    SurveyInvited,
)
from shared.problems import Conflict
from tests.kit.complaint import COMPLAINT, NUMBER, START, plain, registered

CONTACT = ContactRecorded(
    name="Ann Secret", email="ann@secret.example", phone="1380000", address="1 Secret Rd",
    receipt_url="https://intake.invalid/receipts/R?secret=HUSH",
)  # fmt: skip
ERASED = ContactErased(reason="requested")
NEWS: list[Fact] = [
    registered("letter"),
    CONTACT,
    ComplaintDispatched(cycle=1, lead="quality", departments=("quality", "production")),
    DeadlineBreached(cycle=1, clock="accept", due=START),
    ComplaintAnswered(cycle=1),
    ReplyRecorded(cycle=1, text="Secret reply"),
    SurveyInvited(cycle=1, link="https://survey.invalid/s/secret", expires=START),
    ERASED,
]
SECRETS = ("ecret", "1380000", "survey.invalid", "HUSH")


def cause(data: Any, id: UUID | None = None, at: Any = START) -> Cause[Any]:
    return Cause(id or uuid4(), COMPLAINT, NUMBER, at, "test", data)


EVENTS = [cause(fact) for fact in NEWS]


def after(events: list[Cause[Any]], state: Notices | None = None) -> Notices:
    for event in events:
        state, _ = hear(state, event, START)
    assert state is not None
    return state


def test_who_is_erased_is_written_to_no_more_and_departments_are() -> None:
    state = after(EVENTS)
    told = {each.kind: each for each in state.notices}
    assert {told[kind].state for kind in ("acknowledgement", "result", "survey")} == {"suppressed"}
    assert {told[kind].state for kind in ("assignment", "deadline_breached")} == {"queued"}
    assert told["assignment"].details["recipient"]
    assert not [secret for secret in SECRETS if secret in str(state.model_dump())]
    held, _ = claim(state, cause(START))
    assert {each.kind for each in held.notices if each.state == "sending"} == {
        "assignment",
        "deadline_breached",
    }


@given(st.lists(st.sampled_from(EVENTS), max_size=8).flatmap(lambda more: st.permutations(EVENTS + more)))
def test_the_erasure_wins_whatever_the_order_of_news(order: list[Cause[Any]]) -> None:
    assert plain(after(order)) == plain(after(EVENTS))


def test_what_was_sent_stays_a_fact_without_address_and_words() -> None:
    state = after(EVENTS[:2])
    taken = cause(START)
    held, _ = claim(state, taken)
    ended = {each.id: Outcome(delivered=True) for each in held.notices}
    sent, _ = deliver(held, cause(Report(claim=taken.id, ended=ended)))
    (notice,) = after([cause(ERASED)], sent).notices
    assert (notice.state, notice.route, notice.attempts) == ("sent", "email", 1)
    assert (notice.address, notice.details) == ("", {})


ERASED_FACT = ("notice.suppressed.v1", "erased")


def test_every_notice_that_an_erasure_stops_is_said_to_be_suppressed() -> None:
    state = after(EVENTS[:-1])
    _, said = hear(state, EVENTS[-1], START)
    assert [fact.type for fact in said] == ["notice.suppressed.v1"] * 3
    assert {fact.model_dump()["kind"] for fact in said} == {"acknowledgement", "result", "survey"}
    assert {(fact.type, fact.model_dump()["reason"]) for fact in said} == {ERASED_FACT}


def on_its_way() -> tuple[Notices, UUID, UUID]:
    """One that is being sent while its customer is erased: the state, the claim, the notice."""
    taken = cause(START)
    held, _ = claim(after(EVENTS[:2]), taken)
    return after([cause(ERASED)], held), taken.id, held.notices[0].id


def test_a_notice_that_left_the_house_meanwhile_is_told_to_have_been_sent() -> None:
    state, claimed, notice = on_its_way()
    assert (state.notices[0].state, state.notices[0].address) == ("sending", "")
    report = Report(claim=claimed, ended={notice: Outcome(delivered=True)})
    done, said = deliver(state, cause(report))
    assert done.notices[0].state == "sent"
    assert [fact.type for fact in said] == ["notice.sent.v1"]


@pytest.mark.parametrize("outcome", [Outcome(reason="busy"), Outcome(nobody=True), Outcome(untried=True)])
def test_one_that_did_not_is_never_tried_again(outcome: Outcome) -> None:
    state, claimed, notice = on_its_way()
    done, said = deliver(state, cause(Report(claim=claimed, ended={notice: outcome})))
    assert (done.notices[0].state, done.next_due) == ("suppressed", None)
    assert [(fact.type, fact.model_dump()["reason"]) for fact in said] == [ERASED_FACT]


def test_one_whose_claim_ran_out_is_never_tried_again() -> None:
    state, claimed, notice = on_its_way()
    done, said = claim(state, cause(START + HOLD))
    assert [(fact.type, fact.model_dump()["reason"]) for fact in said] == [ERASED_FACT]
    assert (done.notices[0].state, done.next_due) == ("suppressed", None)
    late = Report(claim=claimed, ended={notice: Outcome(delivered=True)})
    assert deliver(done, cause(late)) == (done, [])


def test_a_call_to_make_is_no_task_any_more() -> None:
    state = after(
        [cause(fact) for fact in (registered("hotline"), CONTACT.model_copy(update={"email": None}))]
    )
    assert state.notices[0].state == "task"
    done = after([cause(ERASED)], state)
    with pytest.raises(Conflict, match="suppressed"):
        finish(done, cause(done.notices[0].id))
