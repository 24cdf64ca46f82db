"""What triage does when time passes: it settles what a crash left unsettled."""

from time import monotonic
from uuid import UUID, uuid4

from services.triage.store import gradings, settle
from shared import clock
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
        for saved in found:
            if self._left.get(saved.id) == saved.version and saved.state is not None:
                await settle(saved, Cause(uuid4(), saved.id, saved.state.number, clock.now(), "triage", None))
        self._left = {saved.id: saved.version for saved in found}
        return False


sweep = Sweep().tick
