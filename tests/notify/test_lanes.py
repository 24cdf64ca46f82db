"""Lanes: an endpoint that was away is not hit by all that waited, and quiet hours hold a customer's phone."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from services.notify.domain.record import Notices, Outcome
from services.notify.domain.sending import GIVE_UP, HOLD, Verdict, claim
from services.notify.store.notices import notices
from services.notify.ticker.lanes import AHEAD, AT_ONCE, UNRECORDED, Crew, Lane
from shared import clock, policy
from shared.envelope import Cause
from tests.kit.complaint import START
from tests.kit.doors import settled
from tests.kit.endpoints import Mails, Robot, told
from tests.kit.post import (
    acknowledged,
    at_work,
    breached,
    messaged,
    only,
    posting,
    until,
    until_state,
    waiting,
)


async def attempts(lane: Lane, *outcomes: Outcome) -> list[Outcome]:
    """What is written down of attempts that end so, one after another."""
    found: list[Outcome] = []

    async def record(outcome: Outcome) -> None:
        found.append(outcome)

    for each in outcomes:
        await lane.attempt(lambda each=each: told(each), float("inf"), record)  # type: ignore[misc]
    return found


AWAY = Outcome(away=True, reason="away")
WELL = Outcome(delivered=True)


async def test_after_trouble_a_lane_takes_one_and_then_one_more_for_each_that_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr("services.notify.ticker.lanes.monotonic", lambda: now)
    lane = Lane("email")
    assert lane.room == AHEAD
    await attempts(lane, AWAY)
    assert lane.room == 0
    refused = lane.refusal(START)
    assert refused is not None
    assert refused.until is not None
    assert (refused.what, refused.until > START) == ("away", True)
    now += 2
    assert lane.room == 1
    await attempts(lane, WELL, WELL)
    assert lane.room == 3


async def test_pauses_of_a_lane_grow_up_to_a_minute_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("services.notify.ticker.lanes.monotonic", lambda: now)
    lane, pauses = Lane("email"), []
    for _ in range(12):
        await attempts(lane, AWAY)
        pauses.append(lane.pause)
        now += lane.pause + 1
    assert 0.75 <= pauses[0] <= 1.25
    assert all(45 <= pause <= 75 for pause in pauses[7:])
    assert len(set(pauses[7:])) > 1


async def test_while_an_endpoint_is_away_the_others_in_its_lane_lose_no_attempt() -> None:
    lane = Lane("email")
    found = await attempts(lane, AWAY, WELL, WELL)
    assert [each.untried for each in found] == [False, True, True]
    assert all(each.again_at is not None for each in found[1:])


async def test_so_many_at_once_and_so_many_not_written_down() -> None:
    lane, going, waits, most = Lane("email"), 0, 0, [0, 0]
    go_on = asyncio.Event()

    async def make() -> Outcome:
        nonlocal going
        going += 1
        most[0] = max(most[0], going)
        await asyncio.sleep(0.01)
        going -= 1
        return WELL

    async def record(outcome: Outcome) -> None:
        nonlocal waits
        waits += 1
        most[1] = max(most[1], waits + going)
        await go_on.wait()
        waits -= 1

    tasks = [asyncio.create_task(lane.attempt(make, float("inf"), record)) for _ in range(40)]
    await asyncio.sleep(0.2)
    assert (waits, most) == (UNRECORDED, [AT_ONCE, UNRECORDED])
    go_on.set()
    await asyncio.gather(*tasks)


async def test_a_fault_in_an_attempt_is_logged_and_leaves_the_lane() -> None:
    crew = Crew()
    lane = crew.lane("email")

    async def fails() -> None:
        raise RuntimeError("a fault")

    crew.start(uuid4(), lane, fails())
    with structlog.testing.capture_logs() as logs:
        await crew.rest()
    assert [each["event"] for each in logs] == ["attempt failed"]
    assert lane.room == AHEAD


async def test_a_mail_server_that_comes_back_gets_everything_and_not_at_once(mails: Mails) -> None:
    port, asked = mails.port, list[int]()
    await mails.stop()
    some = [await acknowledged() for _ in range(30)]
    async with at_work():
        await until(lambda: told_away(some))
        back = Mails()
        back.answer = lambda address: noted(asked, back)
        await back.start(port)
        for each in some:
            await until_state(each, "sent")
    assert len(back.ids) == len(set(back.ids)) == len(some)
    assert sum(count == 0 for count in asked) == 1, "one goes first"
    assert max([(await only(each)).attempts for each in some]) <= 5
    await back.stop()


async def noted(asked: list[int], mails: Mails) -> None:
    """Take note of how many had passed when one more came."""
    asked.append(len(mails.taken))


async def told_away(some: list[UUID]) -> bool:
    states = [(await only(each)).reason for each in some]
    return any(str(each).startswith("the mail server is away") for each in states)


def test_what_waits_for_days_is_somebodys_task() -> None:
    old = waiting().model_copy(update={"at": START - GIVE_UP - timedelta(seconds=1)})
    young = waiting().model_copy(update={"at": START})
    state = Notices(notices=[old, young])
    away = Verdict("away", START + HOLD, "its endpoint is away")
    cause = Cause(uuid4(), uuid4(), "RC", START, "notify", START)
    after, facts = claim(state, cause, {old.id: away, young.id: away})
    assert [each.state for each in after.notices] == ["task", "queued"]
    assert [fact.type for fact in facts] == ["notice.failed.v1"]


async def test_a_customers_phone_is_quiet_at_night_and_mails_are_not(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now().astimezone(policy.load_calendar(policy.load("base", 1).calendar).zone)
    begin, end = ((now + timedelta(hours=hours)).time() for hours in (-1, 1))
    posting(monkeypatch, quiet_from=begin, quiet_until=end)
    robot = Robot()
    await robot.start()
    with settled(monkeypatch, smtp_url=mails.url, gateways={"default": robot.gateway()}):
        message, mail = await messaged("sms"), await acknowledged()
        async with at_work():
            await until_state(mail, "sent")
            await until(lambda: told_quiet(message))
    held = await only(message, "result")
    assert held.next_at is not None
    assert timedelta(minutes=58) < held.next_at - clock.machine_now() < timedelta(minutes=61)
    assert (held.state, held.attempts, robot.requests) == ("queued", 0, [])
    await robot.stop()


async def told_quiet(complaint: UUID) -> bool:
    return (await only(complaint, "result")).reason == "quiet hours"


async def test_a_chat_whose_gateway_is_unknown_is_a_task_with_its_reason(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = await breached()

    def by_chat(state: Any, cause: Any) -> Any:
        update = {"route": "chat", "address": "nobody-knows"}
        return state.model_copy(update={"notices": [e.model_copy(update=update) for e in state.notices]}), []

    await notices.update(complaint, by_chat, Cause(uuid4(), complaint, "RC", START, "test", None))
    async with at_work():
        failed = await until_state(complaint, "task", "deadline_breached")
    assert failed.reason == "no gateway of the house has this name"
