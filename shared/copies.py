"""Copies: every service keeps what was published of packs and calendars, and has it on its shelf."""

from time import monotonic
from typing import Any
from uuid import uuid5

import structlog
from pydantic import BaseModel

from shared import policy
from shared.driver import index
from shared.envelope import Cause
from shared.events import CalendarPublished, Fact, PolicyPublished
from shared.mongo import Store
from shared.problems import Problem, Unavailable

EVERY_S, MOST = 1.0, 100
CONTENT_BYTES = 60_000
"""How much content fits into an event."""
_log = structlog.get_logger()


Published = PolicyPublished | CalendarPublished


class Copy(BaseModel):
    """A published version of a pack, or of a calendar."""

    pack: str = ""
    calendar: str = ""
    version: int
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.pack}/{self.version}" if self.pack else f"calendar {self.calendar}/{self.version}"


def keep(state: Copy | None, cause: Cause[Published]) -> tuple[Copy, list[Fact]]:
    """A version never changes: the first that was heard stays."""
    return state or Copy.model_validate(cause.data.model_dump()), []


class Copies:
    """The copies of one service, in the collection of its store; `loaded` once all have been read."""

    def __init__(self, store: Store[Any]) -> None:
        self.loaded = False
        self._store = store.beside(Copy, lift=lambda copy: {"policy": copy.name}, indexes=[index("policy")])
        self._known: set[str] = set()
        self._refused: list[Copy] = []
        self._looked = 0.0

    async def keep(self, event: Cause[Published]) -> None:
        """Take in what was published."""
        saved = await self._store.update(uuid5(event.complaint, "copy"), keep, event)
        self._shelve(saved.state)

    async def refresh(self) -> bool:
        """Put on the shelf what another replica took in; a tick."""
        if monotonic() - self._looked >= EVERY_S:
            self._looked = monotonic()
            new = {"policy": {"$exists": True, "$nin": sorted(self._known)}}
            found = await self._store.find(new, limit=MOST)
            states = [saved.state for saved in found if saved.state is not None]
            for state in sorted(states, key=lambda copy: bool(copy.pack)):  # a pack may need a calendar
                self._shelve(state)
            self.loaded = self.loaded or len(found) < MOST
        return False

    def latest(self, pack: str) -> int:
        """The newest version of a pack. Raises Invalid if there is none, Unavailable right after a start."""
        if not self.loaded:
            raise Unavailable("This service has just started; send the same again", (), 1)
        return policy.latest(pack)

    def _shelve(self, copy: Copy | None) -> None:
        """One that cannot be used here (a newer language, say) does not keep the others off the shelf.

        It is tried again when another one has come: a pack may be heard of before its calendar.
        """
        if copy is None or copy.name in self._known:
            return
        self._known.add(copy.name)
        if not self._put(copy):
            self._refused.append(copy)
            return
        self._refused = [each for each in self._refused if not self._put(each)]

    def _put(self, copy: Copy) -> bool:
        try:
            put = policy.publish if copy.pack else policy.publish_calendar
            put(copy.content)
        except Problem as problem:
            _log.error("what was published cannot be used here", name=copy.name, reason=str(problem)[:500])
            return False
        return True
