"""Rectification orders: the table, separate people, and deadlines that are told of once."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.rectification import (
    TABLE,
    Because,
    Giving,
    Order,
    OrderStep,
    Stand,
    Wish,
    give,
    possible,
    possible_for,
    take,
    wake,
)
from services.intake.domain.roles import Actor
from shared import clock
from shared.events import RectificationBreached, RectificationVerified
from shared.problems import Conflict, Forbidden, Invalid
from tests.kit.complaint import START
from tests.kit.intake import PARTNER, actor, cause

DAY = timedelta(days=1)
SUPERVISOR, OTHER = actor("sun", "supervisors"), actor("wu", "service_manager")
WORKER = Actor("li", frozenset({"handler"}), frozenset({"quality"}))
DUE = START + 7 * DAY
STEPS = sorted({each.step for each in TABLE})


def order(**changes: Any) -> Order:
    plain: dict[str, Any] = {
        "number": "orders/1", "traceparent": None, "digest": "", "department": "quality", "due": DUE,
        "what": "Check every lid.", "because": Because(kind="trend", id=UUID(int=1)), "criticised": True,
        "by": "sun", "at": START,
    }  # fmt: skip
    return Order(**plain | changes)


def taken(of: Order, step: str, by: Actor, at: datetime = START, **more: Any) -> tuple[Order, list[Any]]:
    said = OrderStep.model_validate({"step": step, "words": "So it is."} | more)
    return take(of, cause(Wish(said, by, None, ""), at=at))


def by_table(*steps: str) -> Order:
    found = order()
    for step in steps:
        found, _ = taken(found, step, WORKER if step == "report" else SUPERVISOR)
    return found


WAYS = [(), ("report",), ("report", "verify"), ("withdraw",), ("report", "withdraw"), ("report", "send_back")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", STEPS)
def test_the_table_is_the_law(way: tuple[str, ...], step: str) -> None:
    before = by_table(*way)
    arrows = [each for each in TABLE if each.step == step and before.state in each.sources]
    if not arrows:
        told = ", ".join(possible(before.state)) or "nothing"
        with pytest.raises(Conflict, match=f"possible now: {told}"):
            taken(before, step, WORKER if step == "report" else SUPERVISOR)
        return
    after, _ = taken(before, step, WORKER if step == "report" else SUPERVISOR)
    assert after.state is arrows[0].target
    assert [each.step for each in after.steps] == [*way, step]


def test_every_stand_is_reached() -> None:
    assert {by_table(*way).state for way in WAYS} == set(Stand)


def test_a_department_reports_and_another_person_judges() -> None:
    boss = Actor("boss", WORKER.roles | SUPERVISOR.roles)
    stranger = replace(WORKER, departments=frozenset({"sales"}))
    for who in (stranger, PARTNER, SUPERVISOR):
        with pytest.raises(Forbidden):
            taken(order(), "report", who)
    done, _ = taken(order(), "report", boss)
    for step in ("verify", "send_back"):
        with pytest.raises(Forbidden, match="another supervisor"):
            taken(done, step, boss)
    assert possible_for(done, boss) == ["withdraw"]
    assert possible_for(done, OTHER) == ["verify", "send_back", "withdraw"]
    assert possible_for(done, WORKER) == []


def test_a_step_says_why_and_verifying_need_not() -> None:
    with pytest.raises(Invalid, match="takes words"):
        taken(order(), "report", WORKER, words=None)
    after, _ = taken(by_table("report"), "verify", SUPERVISOR, words=None)
    assert after.state is Stand.VERIFIED


def test_a_key_is_for_one_step() -> None:
    said = OrderStep(step="report", words="Done.")
    first, _ = take(order(), cause(Wish(said, WORKER, "k", "one")))
    assert take(first, cause(Wish(said, WORKER, "k", "one"))) == (first, [])
    with pytest.raises(Invalid, match="another payload"):
        take(first, cause(Wish(said, WORKER, "k", "two")))


@pytest.mark.parametrize(
    ("changes", "pointer"), [({"due": START}, "#/due"), ({"department": "moon"}, "#/department")]
)
def test_an_order_is_for_a_known_department_and_a_time_to_come(changes: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        give(None, cause(Giving(order(**changes), {"quality"})))
    assert refused.value.errors[0].pointer == pointer
    assert give(None, cause(Giving(order(), {"quality"})))[0] == order()


# deadlines


def woken(of: Order, at: datetime) -> tuple[Order | None, Any]:
    return wake(of, cause(clock.wake_at(at), at=at))


def test_it_is_told_of_once_after_its_deadline() -> None:
    assert woken(order(), DUE - DAY)[1] == []
    late, told = woken(order(), DUE + DAY)
    assert [type(each) for each in told] == [RectificationBreached]
    assert late is not None
    assert late.wakes_at is None
    assert woken(late, DUE + 2 * DAY)[1] == []


@given(st.lists(st.tuples(st.sampled_from([*STEPS, "wake"]), st.integers(0, 3)), max_size=12))
def test_it_is_told_of_at_most_once_and_only_when_late(
    ways: list[tuple[str, int]],
) -> None:
    found, at, facts = order(due=START + 4 * DAY), START, list[Any]()
    owed_late = False
    for step, days in ways:
        at += days * DAY
        owed_late |= found.is_overdue(at)
        if step == "wake":
            after, told = woken(found, at)
            assert after is not None
        elif step in possible(found.state):
            after, told = taken(found, step, WORKER if step == "report" else SUPERVISOR, at)
        else:
            continue
        found, facts = after, facts + list(told)
    breaches = [each for each in facts if isinstance(each, RectificationBreached)]
    assert len(breaches) == (found.breached_at is not None)
    assert len(breaches) <= 1
    assert owed_late or not breaches


def test_a_late_report_tells_of_the_breach_that_no_ticker_saw() -> None:
    done, told = taken(order(), "report", WORKER, DUE + DAY)
    assert [type(each) for each in told] == [RectificationBreached]
    _, [verified] = taken(done, "verify", SUPERVISOR, DUE + DAY)
    assert isinstance(verified, RectificationVerified)
    assert not verified.in_time


def test_reported_in_time_is_in_time_however_late_it_is_judged() -> None:
    done, told = taken(order(), "report", WORKER, DUE)
    assert told == []
    assert woken(done, DUE + DAY)[1] == []
    _, [verified] = taken(done, "verify", SUPERVISOR, DUE + 9 * DAY)
    assert verified.in_time
