"""Copies: every service keeps the packs that were published, among its own documents and on its shelf."""

from time import monotonic
from typing import Any

from pydantic import BaseModel

from shared import policy
from shared.envelope import Cause
from shared.events import Fact, PolicyPublished
from shared.mongo import Store, index

EVERY_S = 1.0


class Copy(BaseModel):
    """A published version of a pack."""

    pack: str
    version: int
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.pack}/{self.version}"


def keep(state: Copy | None, cause: Cause[PolicyPublished]) -> tuple[Copy, list[Fact]]:
    """A version never changes: the first that was heard stays."""
    given = cause.data
    return state or Copy(pack=given.pack, version=given.version, content=given.content), []


class Copies:
    """The copies of one service, in the collection of its store."""

    def __init__(self, store: Store[Any]) -> None:
        self._store = store.beside(Copy, lift=lambda copy: {"policy": copy.name}, indexes=[index("policy")])
        self._known: set[str] = set()
        self._looked = 0.0

    async def keep(self, event: Cause[PolicyPublished]) -> None:
        """Take in what was published."""
        saved = await self._store.update(event.complaint, keep, event)
        self._shelve(saved.state)

    async def refresh(self) -> bool:
        """Put on the shelf what another replica took in; a tick."""
        if monotonic() - self._looked >= EVERY_S:
            self._looked = monotonic()
            new = {"policy": {"$exists": True, "$nin": sorted(self._known)}}
            for saved in await self._store.find(new):
                self._shelve(saved.state)
        return False

    def _shelve(self, copy: Copy | None) -> None:
        if copy is not None and copy.name not in self._known:
            policy.publish(copy.content)
            self._known.add(copy.name)
