"""Lanes: one for each endpoint, so that one that hangs or is away holds up nothing but its own messages.

A lane takes on few at once, and after trouble one alone; each that goes well lets one more in. So whoever has
been away is not hit by everything that waited.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter
from pydantic import BaseModel

from services.notify.domain.record import Outcome
from services.notify.domain.sending import Verdict
from shared import clock, telemetry
from shared.documents import Due
from shared.mongo import Store

S = TypeVar("S", bound=BaseModel)
Take = Callable[[Due[S]], Awaitable[bool]]

AT_ONCE = 4
"""Attempts of one lane at a time in this process."""
UNRECORDED = 2 * AT_ONCE
"""Attempts that may be under way or not yet written down: so many are repeated at most after a crash."""
AHEAD = 96
"""What a lane takes on before it comes to it; for staff most of that goes into digests."""
FIRST_PAUSE_S, MOST_PAUSE_S = 1.0, 60.0
FULL_S = 5.0
"""How long a message waits, on the average, before it asks a full lane again."""
ATTEMPTS = Counter("redress_attempts_total", "Attempts at notices and digests", ["endpoint", "outcome"])
_log = structlog.get_logger()


class Lane:
    """What goes to one endpoint from this process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._window, self._taken, self._failures, self._down_until = AHEAD, 0, 0, 0.0
        self._begun, self._at_once = asyncio.Semaphore(UNRECORDED), asyncio.Semaphore(AT_ONCE)

    @property
    def pause(self) -> float:
        """Seconds until it is tried again; 0 if it works."""
        return max(0.0, self._down_until - monotonic())

    @property
    def room(self) -> int:
        return 0 if self.pause else max(0, self._window - self._taken)

    def refusal(self, now: datetime) -> Verdict | None:
        """When a message shall ask again that this lane cannot take on at `now`; None if it can."""
        if self.room:
            return None
        told = "its endpoint is away" if self.pause else None
        wait = self.pause + random.uniform(0.5, 1.5) * FULL_S  # noqa: S311
        return Verdict("away", now + timedelta(seconds=wait), told)

    def enter(self) -> None:
        self._taken += 1

    def leave(self) -> None:
        self._taken -= 1

    async def attempt(
        self,
        make: Callable[[], Awaitable[Outcome]],
        until: float,
        record: Callable[[Outcome], Awaitable[None]],
    ) -> None:
        """Make an attempt once it is its turn, if that is before `until`, then have it written down."""
        async with self._begun:
            async with self._at_once:
                outcome = self._no_longer(until) or await make()
                self._learn(outcome)
            await record(outcome)

    def _no_longer(self, until: float) -> Outcome | None:
        """Why one is given back without an attempt: its claim may run out, or the endpoint went away."""
        if self.pause:
            again = clock.machine_now() + timedelta(seconds=self.pause * random.uniform(1, 2))  # noqa: S311
            return Outcome(untried=True, again_at=again, reason="its endpoint is away")
        return Outcome(untried=True) if monotonic() > until else None

    def _learn(self, outcome: Outcome) -> None:
        ATTEMPTS.labels(self._name, _word_for(outcome)).inc()
        if not outcome.away:
            if not outcome.untried:
                self._failures, self._window = 0, min(AHEAD, self._window + 1)
            return
        if self.pause:
            return
        self._failures, self._window = self._failures + 1, 1
        pause = min(MOST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._failures - 1)) * random.uniform(0.75, 1.25)  # noqa: S311
        if outcome.again_at is not None:
            pause = max(pause, (outcome.again_at - clock.machine_now()).total_seconds())
        self._down_until = monotonic() + pause


def _word_for(outcome: Outcome) -> str:
    if outcome.delivered:
        return "delivered"
    return "untried" if outcome.untried else "away" if outcome.away else "failed"


class Crew:
    """The attempts of this process that are under way, and the lanes that they are on."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    def lane(self, endpoint: str | None) -> Lane:
        """The lane of an endpoint; what nobody takes has one of its own."""
        name = endpoint or "nobody"
        if name not in self._lanes:
            self._lanes[name] = Lane(name)
        return self._lanes[name]

    def holds(self, id: UUID) -> bool:
        """Whether this is under way here."""
        return id in self._tasks

    def start(self, id: UUID, lane: Lane, work: Coroutine[Any, Any, None]) -> None:
        lane.enter()
        task = asyncio.create_task(work)
        self._tasks[id] = task
        task.add_done_callback(partial(self._end, id, lane))

    def _end(self, id: UUID, lane: Lane, done: "asyncio.Task[None]") -> None:
        lane.leave()
        del self._tasks[id]
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.warning("attempt failed", id=str(id), reason=telemetry.where(error))

    async def change(self, seconds: float) -> None:
        """Wait until one of them has ended, but not longer than this."""
        if running := list(self._tasks.values()):
            await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    async def rest(self) -> None:
        """Wait until all have ended."""
        while running := list(self._tasks.values()):
            await asyncio.wait(running)


crew = Crew()


async def apart(store: Store[S], field: str, found: Sequence[Due[S]], take: Take[S]) -> list[bool]:
    """Take on documents that are due by `field`; whether each has changed.

    One that cannot be handled is put off, and hinders none of the others.
    """
    taken = await asyncio.gather(*(take(each) for each in found), return_exceptions=True)
    for each, how in zip(found, taken, strict=True):
        if isinstance(how, BaseException):
            _log.error("cannot be handled", document=str(each.id), reason=telemetry.where(how))
            await store.put_off(each.id, each.version, field, each.now)
    return [how is True for how in taken]
