"""Group commit: changes that wait while a write is under way go into the next one together.

A lost race is decided anew; whatever befalls one change, the others of its group go on; while the database is
away everybody waits in place.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import time_ns
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import structlog
from pydantic import BaseModel

from shared import metrics, telemetry
from shared.documents import Change, Draft, Keep, Owed, Saved
from shared.envelope import Cause
from shared.problems import Unavailable

S = TypeVar("S", bound=BaseModel)
C = TypeVar("C")

GROUP = 256
CROWD = 4 * GROUP
PATIENCE_S = 10.0

_log = structlog.get_logger()


class Documents(Protocol[S]):
    """Where drafts come from and go to. Both raise Unavailable while the database is away."""

    async def load(self, ids: set[UUID]) -> dict[UUID, Draft[S]]:
        """A draft for every id, blank where there is no document yet."""

    async def write(self, drafts: list[Draft[S]]) -> tuple[set[UUID], dict[UUID, Exception]]:
        """Write all at once; which of them lost a race, and which are refused for good and why."""


@dataclass(slots=True)
class _Wish(Generic[S]):
    """A change that waits for its group; `written` is when its write began and ended (ns).

    `fresh`: nobody else knows the id, so that there is nothing to load until it was tried to be written.
    """

    id: UUID
    change: Change[S, Any]
    cause: Cause[Any]
    answer: asyncio.Future[Saved[S]]
    fresh: bool = False
    written: tuple[int, int] = (0, 0)

    def settle(self, outcome: Saved[S] | Exception) -> None:
        """Answer, unless whoever asked has gone."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class Committer(Generic[S]):
    """Carries out the changes of one store; `away` says why the database does not answer, if so."""

    def __init__(self, documents: Documents[S], service: str, name: str, *, journal: Keep[S] | None) -> None:
        self.away: str | None = "not connected yet"
        self.on_owed: Callable[[list[Owed]], None] = lambda owed: None
        self._documents = documents
        self._service = service
        self._name = name
        self._journal = journal
        self._wishes: asyncio.Queue[_Wish[S]] = asyncio.Queue()
        self._hurried = 0

    async def update(
        self, id: UUID, change: Change[S, C], cause: Cause[C], *, fresh: bool = False
    ) -> Saved[S]:
        """Have the change made, however long the database is away. Raises what the change raises."""
        wish = _Wish(id, change, cause, asyncio.get_running_loop().create_future(), fresh)
        self._wishes.put_nowait(wish)
        saved = await wish.answer
        if saved.changed:
            telemetry.record_write(self._service, self._name, *wish.written)
        return saved

    async def update_soon(
        self, id: UUID, change: Change[S, C], cause: Cause[C], *, fresh: bool = False
    ) -> Saved[S]:
        """The same for a caller in a hurry: raises Unavailable after PATIENCE_S, or in a crowd."""
        told = "The database is away or overrun; send the same again, with the same Idempotency-Key"
        if self._hurried >= CROWD:
            raise Unavailable(told, (), 5)
        self._hurried += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self.update(id, change, cause, fresh=fresh)
        except TimeoutError:
            raise Unavailable(told, (), 5) from None
        finally:
            self._hurried -= 1

    async def run(self, prepare: Callable[[], Awaitable[Any]]) -> None:
        """Prepare the database, then commit until cancelled."""
        await self._patiently(prepare)
        while True:
            group = [await self._wishes.get()]
            while len(group) < GROUP and not self._wishes.empty():
                group.append(self._wishes.get_nowait())
            await self._commit(group)

    async def _commit(self, group: list[_Wish[S]]) -> None:
        while group := [wish for wish in group if not wish.answer.done()]:
            try:
                await self._patiently(lambda wishes=group: self._attempt(wishes))  # type: ignore[misc]
            except Exception as error:  # the group holds something that can never be written: single it out
                if len(group) == 1:
                    group[0].settle(error)
                else:
                    for wish in group:
                        await self._commit([wish])

    async def _patiently(self, work: Callable[[], Awaitable[Any]]) -> None:
        pause = 0.1
        while True:
            try:
                await work()
            except Unavailable as problem:
                self._tell(problem.detail)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
                pause = min(pause * 2, 3.0)
            else:
                self._tell(None)
                return

    def _tell(self, away: str | None) -> None:
        if away != self.away and away is None:
            _log.info("database there")
        elif away != self.away:
            _log.warning("database away", reason=away)
        self.away = away

    async def _attempt(self, group: list[_Wish[S]]) -> None:
        """One try. Nobody is answered before the write, or a try that fails could not be repeated."""
        started = time_ns()
        group = [wish for wish in group if not wish.answer.done()]
        drafts = await self._drafts(group)
        decided = [(wish, self._decide(drafts[wish.id], wish)) for wish in group]
        changed = [draft for draft in drafts.values() if draft.causes]
        lost, refused = await self._documents.write(changed) if changed else (set(), {})
        # What was decided on a document in memory, and not written, is decided again on what is stored.
        lost |= {draft.id for draft in drafts.values() if draft.remembered and not draft.causes}
        metrics.GROUPS.observe(len(group))
        for wish, outcome in decided:
            wish.written = (started, time_ns())
            if wish.id in refused:
                wish.settle(refused[wish.id])
            elif wish.id not in lost:
                wish.settle(
                    outcome if isinstance(outcome, Exception) else drafts[wish.id].saved(changed=outcome)
                )
        self.on_owed([owed for draft in changed if draft.id not in lost for owed in draft.owed])

    async def _drafts(self, group: list[_Wish[S]]) -> dict[UUID, Draft[S]]:
        """What there is of each document. A write that fails may have been made: then none is fresh."""
        known = {wish.id for wish in group if not wish.fresh}
        drafts: dict[UUID, Draft[S]] = {wish.id: Draft(wish.id) for wish in group if wish.fresh}
        for wish in group:
            wish.fresh = False
        return drafts | await self._documents.load(known) if known else drafts

    def _decide(self, draft: Draft[S], wish: _Wish[S]) -> bool | Exception:
        """Whether the cause is new, or why the change was refused."""
        try:
            return draft.decide(wish.change, wish.cause, self._service, journal=self._journal)
        except StopIteration:
            return RuntimeError("a change ran out of items")
        except Exception as error:
            return error
