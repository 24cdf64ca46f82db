"""Backlogs: what waits for one endpoint, or cannot be handled, stands before nothing else."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notify.domain.posting import Box, box_id, claim_digests
from services.notify.domain.record import Outcome
from services.notify.domain.sending import GIVE_UP, Verdict
from services.notify.store.notices import notices
from services.notify.ticker.lanes import Crew, Lane
from services.notify.ticker.notices import Desk
from shared import clock, policy
from shared.envelope import Cause
from shared.events import EmergencyDeclared
from tests.kit.complaint import START, registered
from tests.kit.doors import settled
from tests.kit.endpoints import Mails, Robot, told
from tests.kit.post import (
    acknowledged,
    at_work,
    breached,
    digest,
    messaged,
    of,
    only,
    posting,
    tell,
    until,
    until_state,
)

AWAY = Outcome(away=True, reason="away")


@pytest.fixture
async def robot() -> AsyncIterator[Robot]:
    server = Robot()
    await server.start()
    yield server
    await server.stop()


async def fails(lane: Lane, times: int = 1) -> None:
    """Let the lane know that its endpoint is away."""

    async def forget(outcome: Outcome) -> None:
        pass

    for _ in range(times):
        lane._down_until = 0.0
        await lane.attempt(lambda: told(AWAY), float("inf"), forget)


async def rewritten(complaint: UUID, **given: Any) -> None:
    """Let a complaint's notices have these values."""

    def other(state: Any, cause: Any) -> Any:
        there = [each.model_copy(update=given) for each in state.notices]
        return state.model_copy(update={"notices": there}), []

    await notices.update(complaint, other, Cause(uuid4(), complaint, "RC", START, "test", None))


async def versions(some: Sequence[UUID]) -> list[int]:
    found = [await notices.get(each) for each in some]
    return [each.version for each in found if each]


async def test_a_backlog_of_one_gateway_is_not_rewritten_and_stands_before_no_other(
    mails: Mails, robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notify.ticker.notices.AT_A_TIME", 4)
    gone = {"url": "http://127.0.0.1:1"}
    with settled(monkeypatch, smtp_url=mails.url, gateways={"sms": gone, "wechat": robot.gateway()}):
        stuck = [await messaged("sms") for _ in range(8)]
        before, well = await versions(stuck), await messaged("wechat")
        crew = Crew()
        desk = Desk("message", crew)
        await fails(crew.lane("sms"), 8)
        for _ in range(4):
            await desk.tick()
        await crew.rest()
        assert await versions(stuck) == before
        assert (await only(well, "result")).state == "sent"


async def test_a_lane_with_room_for_one_takes_one(
    mails: Mails, robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with settled(monkeypatch, smtp_url=mails.url, gateways={"sms": robot.gateway()}):
        some = [await messaged("sms") for _ in range(10)]
        crew = Crew()
        await fails(crew.lane("sms"))
        crew.lane("sms")._down_until = 0.0
        await Desk("message", crew).tick()
        await crew.rest()
        tried = [each for complaint in some for each in await of(complaint) if each.attempts or each.reason]
    assert (len(tried), len(robot.requests)) == (1, 1)


async def test_one_that_cannot_be_handled_is_put_off_and_hinders_no_other(mails: Mails) -> None:
    broken, well = await breached("research"), await breached("quality")
    for id in {box_id(each) for each in await of(broken)}:
        await notices._documents.insert_one(
            {"_id": id, "version": 1, "sequence": 0, "handled": [], "state": {"route": "?"}}
        )
    async with at_work():
        await until_state(well, "sent", "deadline_breached")
    assert {each.state for each in await of(broken)} == {"queued"}
    (put_off,) = [some async for some in notices.lifted({"_id": broken}, ["due_email"])]
    assert put_off[0]["due_email"] > clock.machine_now() + timedelta(minutes=1)


async def test_what_waited_for_days_for_a_mail_server_that_is_away_is_somebodys_task(mails: Mails) -> None:
    old, young = await acknowledged(), await acknowledged()
    await rewritten(old, at=clock.machine_now() - GIVE_UP - timedelta(minutes=1))
    crew = Crew()
    await fails(crew.lane("email"), 8)
    await Desk("email", crew).tick()
    given_up = await only(old)
    assert (given_up.state, given_up.reason) == ("task", "its endpoint is away")
    assert (await only(young)).state == "queued"


def test_a_digest_gives_up_after_two_days_too() -> None:
    found = digest("deadline_breached", "en")
    box = Box(
        route="email",
        address="q@example.com",
        digests=[found.model_copy(update={"next_at": START})],
    )
    away = {found.id: Verdict("away", START + timedelta(days=3), "its endpoint is away")}
    for late, state in ((timedelta(hours=47), "open"), (timedelta(hours=49), "task")):
        now = START + late
        after, _ = claim_digests(box, Cause(uuid4(), uuid4(), "box", now, "notify", now), away)
        assert after.digests[0].state == state


async def test_what_is_urgent_goes_before_a_backlog(mails: Mails) -> None:
    for _ in range(6):
        await acknowledged()
    urgent = uuid4()
    await tell(urgent, registered(), EmergencyDeclared(cycle=1, roles=("general_manager",)))
    crew = Crew()
    crew.lane("email")._window = 1
    await Desk("email", crew).tick()
    await crew.rest()
    assert [to for _, to, _ in mails.taken] == ["general-manager@departments.invalid"]


async def test_an_attempt_begins_only_while_the_claim_surely_holds(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim counts from the database's instant, so the time to ask it is lost already."""
    now, due, complaint = 1_000.0, notices.due, await acknowledged()
    for module in ("notices", "lanes"):
        monkeypatch.setattr(f"services.notify.ticker.{module}.monotonic", lambda: now)

    async def slow(*given: Any) -> Any:
        nonlocal now
        found = await due(*given)
        now += 30
        return found

    monkeypatch.setattr(notices, "due", slow)
    crew = Crew()
    await Desk("email", crew).tick()
    await crew.rest()
    assert (mails.taken, (await only(complaint)).state) == ([], "queued")


def around_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet hours that are now."""
    now = clock.now().astimezone(policy.load_calendar(policy.load("base", 1).calendar).zone)
    begin, end = ((now + timedelta(hours=hours)).time() for hours in (-1, 1))
    posting(monkeypatch, quiet_from=begin, quiet_until=end)


async def test_what_was_tried_before_the_night_is_not_tried_again_in_it(
    mails: Mails, robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    around_now(monkeypatch)
    with settled(monkeypatch, smtp_url=mails.url, gateways={"sms": robot.gateway()}):
        phone, staff = await messaged("sms"), await breached()
        for each in (phone, staff):
            await rewritten(each, admitted=True, attempts=1)
        async with at_work():
            await until(lambda: quiet(phone, "result"))
            await until(lambda: quiet(staff, "deadline_breached"))
    assert (robot.requests, mails.to("quality@departments.invalid")) == ([], [])


async def quiet(complaint: UUID, kind: str) -> bool:
    found = await only(complaint, kind)
    return (found.state, found.reason) == ("queued", "quiet hours")
