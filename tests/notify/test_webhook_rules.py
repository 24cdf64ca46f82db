"""Deliveries without any server: pauses, giving up, claims, and sending again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain import deliveries
from services.notify.domain.deliveries import GIVE_UP, HOLD, PAUSES, Attempt, Delivery, Outcome, Report
from shared.envelope import Cause
from shared.events import Fact, WebhookFailed
from shared.problems import Conflict

START = datetime(2026, 11, 22, tzinfo=UTC)
ID = UUID(int=7)


def cause(data: Any, at: datetime = START, id: UUID | None = None) -> Cause[Any]:
    return Cause(id or uuid4(), ID, "webhooks/7", at, "test", data)


# deliveries


def waiting(type: str = "complaint.accepted.v1") -> Delivery:
    about = {"endpoint": ID, "event": uuid4(), "subject": "RC-X", "body": "{}"}
    return Delivery(type=type, made_at=START, since=START, next_at=START, **about)


def claimed(state: Delivery, at: datetime) -> tuple[Delivery, UUID]:
    taken = cause(at, at)
    return deliveries.claim(state, taken)[0], taken.id


def reported(
    state: Delivery, claim: UUID, at: datetime, chance: float = 1.0, **outcome: Any
) -> tuple[Delivery, list[Fact]]:
    tried = Attempt(at=at, ms=5, status=None if outcome.get("delivered") else 500, reason="it answered 500")
    told = Outcome(attempt=tried, **outcome)
    return deliveries.record(
        state, cause(Report(claim=claim, outcome=told, chance=chance, enabled_at=START), at)
    )


def tried(state: Delivery, at: datetime, chance: float = 1.0, **outcome: Any) -> tuple[Delivery, list[Fact]]:
    held, claim = claimed(state, at)
    return reported(held, claim, at, chance, **outcome)


def test_what_is_claimed_is_held_and_nobody_else_has_it() -> None:
    held, claim = claimed(waiting(), START)
    assert held.claim == claim
    assert held.next_at == START + HOLD
    assert claimed(held, START + HOLD - timedelta(seconds=1))[0] == held
    assert claimed(held, START + HOLD)[0].claim != claim, "after a crash it is tried again"


def test_an_attempt_that_hangs_ends_before_its_claim_does() -> None:
    from services.notify.channels.webhooks import ATTEMPT_S

    assert timedelta(seconds=2 * ATTEMPT_S) < HOLD


def test_pauses_grow_to_three_days_in_all() -> None:
    assert list(PAUSES) == sorted(PAUSES)
    state, now, pauses = waiting(), START, list[float]()
    while state.state == "waiting":
        now = state.next_at
        state, told = tried(state, now)
        pauses.append((state.next_at - now).total_seconds())
    assert pauses[: len(PAUSES) - 1] == list(PAUSES[:-1])
    assert now == START + GIVE_UP
    assert state.state == "failed"
    (fact,) = told
    assert isinstance(fact, WebhookFailed)
    assert (fact.endpoint, fact.event, fact.attempts) == (ID, state.event, state.tried)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_whatever_the_dice_say_it_ends_and_never_later_than_it_should(chances: list[float]) -> None:
    state, now = waiting(), START
    for chance in chances * 60:
        if state.state != "waiting":
            break
        assert now <= state.next_at <= START + GIVE_UP
        now = state.next_at
        before = state.tried
        state, _ = tried(state, now, chance)
        longest = PAUSES[min(before, len(PAUSES) - 1)]
        assert state.state == "failed" or (state.next_at - now).total_seconds() <= max(1, longest)
    assert state.state == "failed"


def test_success_ends_it_and_counts_even_when_it_comes_late() -> None:
    done, told = tried(waiting(), START, delivered=True)
    assert (done.state, told) == ("delivered", [])
    held, first = claimed(waiting(), START)
    again, _ = claimed(held, START + HOLD)
    late, _ = reported(again, first, START + HOLD, delivered=True)
    assert late.state == "delivered"
    assert reported(late, again.claim or uuid4(), START + HOLD)[0] == late


def test_a_late_failure_does_not_disturb_the_next_attempt() -> None:
    held, first = claimed(waiting(), START)
    again, _ = claimed(held, START + HOLD)
    assert reported(again, first, START + HOLD)[0] == again


def test_an_endpoint_that_asks_to_wait_is_waited_for() -> None:
    state, _ = tried(waiting(), START, chance=0.0, wait=60)
    assert state.next_at == START + timedelta(seconds=60)


def test_telling_of_a_failure_that_fails_is_not_told_of() -> None:
    late = START + GIVE_UP
    assert tried(waiting(), late)[1]
    assert tried(waiting("webhook.failed.v1"), late)[1] == []


def test_what_was_held_has_its_three_days_once_its_endpoint_is_enabled() -> None:
    held, claim = claimed(waiting(), START + timedelta(days=10))
    now = START + timedelta(days=10)
    told = Outcome(attempt=Attempt(at=now, ms=1, reason="x"))
    report = Report(claim=claim, outcome=told, chance=1, enabled_at=now)
    assert deliveries.record(held, cause(report, now))[0].state == "waiting"


def test_410_is_no_end_of_a_delivery_for_the_endpoint_may_be_enabled_again() -> None:
    state, told = tried(waiting(), START + GIVE_UP, gone=True)
    assert (state.state, told) == ("waiting", [])


def test_the_same_event_makes_one_delivery_for_ever() -> None:
    first, second = waiting(), waiting()
    assert deliveries.make(first, cause(second))[0] == first
    event = uuid4()
    assert deliveries.delivery_id(event, ID) == deliveries.delivery_id(event, ID)
    assert deliveries.delivery_id(event, ID) != deliveries.delivery_id(event, uuid4())


def test_a_replay_begins_anew_and_keeps_what_was() -> None:
    done, _ = tried(waiting(), START, delivered=True)
    later = START + timedelta(days=9)
    again, _ = deliveries.replay(done, cause(later, later))
    assert (again.state, again.tried, again.replays, len(again.attempts)) == ("waiting", 0, 1, 1)
    assert again.since == later
    with pytest.raises(Conflict):
        deliveries.replay(again, cause(later, later))
    assert deliveries.replay_ended(again, cause(later, later))[0] == again


def test_what_waits_is_due_when_its_endpoint_is_enabled_but_for_what_was_tried_since() -> None:
    state, _ = tried(waiting(), START)
    state = state.model_copy(update={"next_at": START + timedelta(hours=20)})
    enabled = START + timedelta(hours=1)
    assert deliveries.hasten(state, cause(enabled))[0].next_at == enabled
    assert deliveries.hasten(state, cause(START))[0] == state, "tried since"
    held, _ = claimed(waiting(), enabled)
    assert deliveries.hasten(held, cause(enabled))[0] == held, "under way"
    done, _ = tried(waiting(), START, delivered=True)
    assert deliveries.hasten(done, cause(enabled))[0] == done


def test_a_claim_that_is_given_back_costs_no_attempt() -> None:
    held, claim = claimed(waiting(), START)
    free, told = deliveries.release(held, cause(claim))
    assert (free.claim, free.tried, free.attempts, told) == (None, 0, (), [])
    assert START < free.next_at < START + HOLD
    assert deliveries.release(held, cause(uuid4()))[0] == held
