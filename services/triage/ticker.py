"""What triage does when time passes: it settles what a crash left unsettled."""

import asyncio
from time import monotonic
from uuid import UUID, uuid4

from services.triage.domain.record import Grading
from services.triage.store import gradings, settle
from shared import clock
from shared.documents import Saved
from shared.envelope import Cause

EVERY_S = 5.0


class Sweep:
    """Looks for gradings that series must still hear of, and that stood still since the last look."""

    def __init__(self) -> None:
        self._left: dict[UUID, int] = {}
        self._looked = 0.0

    async def tick(self) -> bool:
        if monotonic() - self._looked < EVERY_S:
            return False
        self._looked = monotonic()
        found = await gradings.find({"unsettled": True})
        left = [each for each in found if self._left.get(each.id) == each.version]
        await asyncio.gather(*(settle(each, self._cause(each)) for each in left), return_exceptions=True)
        self._left = {saved.id: saved.version for saved in found}
        return False

    def _cause(self, saved: Saved[Grading]) -> Cause[None]:
        number = saved.state.number if saved.state else ""
        return Cause(uuid4(), saved.id, number, clock.now(), "triage", None)


sweep = Sweep().tick
