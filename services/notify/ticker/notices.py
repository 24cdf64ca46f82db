"""Notices that fall due: each is delivered on the lane of its endpoint and written down by itself.

Every route has a tick of its own, so that none waits for another.
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import inf
from time import monotonic, time_ns
from typing import Any
from uuid import UUID, uuid4, uuid5

from services.notify.channels import delivery, gateway, smtp
from services.notify.domain.posting import Ask, answer, ask, box_id, quiet_until, rule_of
from services.notify.domain.record import BY_MACHINE, MIXED, Notice, Notices, Outcome, Report, Route
from services.notify.domain.sending import GIVE_UP, HOLD, SEND, Verdict, claim, deliver, gives_up, is_due
from services.notify.store.boxes import boxes
from services.notify.store.notices import notices
from services.notify.ticker.lanes import Crew, Lane, apart, crew
from shared import clock, telemetry
from shared.documents import Due, Saved
from shared.envelope import Cause

PATIENCE_S = HOLD.total_seconds() - delivery.ATTEMPT_S - 5
"""How long after its claim an attempt may begin."""
AT_A_TIME = 128
WAIT_S, EVERY_S = 0.25, 10.0
FULL = timedelta(minutes=10)
UNKNOWN_PACK = timedelta(seconds=5)


class Desk:
    """Everything that goes by one route."""

    def __init__(self, route: Route, crew: Crew) -> None:
        self._route, self._crew, self._looked = route, crew, -inf
        self._urgent, self._due, self._via = f"urgent_{route}", f"due_{route}", f"via_{route}"

    async def tick(self) -> bool:
        """Take on what is due by the database's clock, what is urgent first; true if there may be more.

        Lanes that have no room are left out of the question, so that a backlog stands before no other.
        """
        until = monotonic() + PATIENCE_S
        lanes = {name: self._lane(name) for name in delivery.channels()}
        paused = [name for name, lane in lanes.items() if lane.pause]
        if paused and monotonic() - self._looked > EVERY_S:
            self._looked = monotonic()
            await self._give_up(paused, until)
        full = [name for name, lane in lanes.items() if not lane.room]
        most = min(AT_A_TIME, self._lane(delivery.MAIL).room) if self._route == "email" else AT_A_TIME
        if not most:
            await self._crew.change(WAIT_S)
            return not paused
        among = {self._via: {"$nin": full}} if full else {}
        urgent = await self._take_all(most, self._urgent, among, until)
        taken = [*urgent, *await self._take_all(most, self._due, among, until)]
        if taken and not any(taken):
            await self._crew.change(WAIT_S)
        return any(taken)

    def _lane(self, channel: str) -> Lane:
        return self._crew.lane(delivery.endpoint(self._route, channel))

    async def _give_up(self, paused: list[str], until: float) -> None:
        """Settle what has waited too long for an endpoint that is away."""
        since = {f"since_{self._route}": {"$lt": clock.machine_now() - GIVE_UP}}
        for field in (self._urgent, self._due):
            await self._take_all(AT_A_TIME, field, since | {self._via: {"$in": paused}}, until)

    async def _take_all(self, most: int, field: str, among: Mapping[str, Any], until: float) -> list[bool]:
        found = await notices.due(most, field, among)
        return await apart(notices, field, found, partial(self._take, until=until))

    async def _take(self, due: Due[Notices], until: float) -> bool:
        """Claim what can be sent of one complaint, and settle what cannot; whether anything changed."""
        with ExitStack() as places:
            mine = [
                each
                for each in due.state.waiting(self._route)
                if is_due(each, due.now) and not self._crew.holds(each.id)
            ]
            told = await asyncio.gather(*(self._verdict(due, each, places) for each in mine))
            verdicts = {each.id: said for each, said in zip(mine, told, strict=True) if said is not None}
            return bool(verdicts) and await self._claim(due, verdicts, until)

    async def _verdict(self, due: Due[Notices], notice: Notice, places: ExitStack) -> Verdict | None:
        """What becomes of one now, with a place on its lane kept for it; None: it waits as it is."""
        lane = self._crew.lane(delivery.endpoint_of(due.state, notice))
        if not lane.room:
            mixed = due.state.via(self._route) == MIXED
            return lane.refusal(due.now) if mixed or (lane.pause and gives_up(notice, due.now)) else None
        lane.enter()
        places.callback(lane.leave)
        return await may_go(due, notice) or SEND

    async def _claim(self, due: Due[Notices], verdicts: Mapping[UUID, Verdict], until: float) -> bool:
        cause = Cause(uuid4(), due.id, due.state.number, clock.machine_now(), "notify", due.now)
        started = time_ns()
        saved = await notices.update(due.id, partial(claim, verdicts=verdicts), cause)
        for each in saved.state.notices if saved.state else []:
            if saved.state and each.claim == cause.id and each.state == "sending":
                lane = self._crew.lane(delivery.endpoint_of(saved.state, each))
                make = partial(delivery.deliver, saved.state, each)
                work = lane.attempt(make, until, partial(record, saved, each, started))
                self._crew.start(each.id, lane, work)
        return saved.changed


async def may_go(due: Due[Notices], notice: Notice) -> Verdict | None:
    """Why a notice is not sent now, if so: quiet hours, or a box that folds it.

    A box is asked once; what is tried again is folded no more, but waits for the end of the quiet hours.
    """
    phone = notice.to_customer and notice.route == "message"
    if notice.urgent or (notice.to_customer and not phone):
        return None
    rule = rule_of(due.state)
    if rule is None or due.state.registered is None:
        return Verdict("wait", due.now + UNKNOWN_PACK, "its policy pack is not here yet")
    if phone or notice.admitted:
        quiet = quiet_until(rule, clock.now())
        return Verdict("wait", clock.wake_at(quiet), "quiet hours") if quiet else None
    asked = Ask(notice, due.state.number, due.state.registered.language, rule, clock.now())
    cause = Cause(
        uuid5(notice.id, "ask"), box_id(notice), due.state.number, clock.machine_now(), "notify", asked
    )
    box = await boxes.update(box_id(notice), ask, cause)
    told = answer(box.state, notice.id)
    return None if told.what == "send" else replace(told, until=due.now + FULL)


async def record(saved: Saved[Notices], notice: Notice, started: int, outcome: Outcome) -> None:
    """Write down how an attempt at one notice ended."""
    assert saved.state is not None
    assert notice.claim is not None
    report = Report(claim=notice.claim, ended={notice.id: outcome})
    cause = Cause(uuid4(), saved.id, saved.state.number, clock.machine_now(), "notify", report)
    first = notice.attempts == 1
    with telemetry.following(
        "deliver notice", cause, notice.traceparent, soon=first, started=started
    ) as traced:
        await notices.update(saved.id, deliver, traced)


async def rest() -> None:
    """Wait until all attempts have ended, then hang up."""
    await crew.rest()
    smtp.hang_up()
    await gateway.hang_up()


desks = [Desk(route, crew) for route in BY_MACHINE]
ticks = [each.tick for each in desks]
