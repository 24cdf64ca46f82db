"""Digests that fall due: delivered on the same lanes as notices, with the same patience."""

from contextlib import ExitStack
from datetime import datetime
from functools import partial
from time import monotonic
from uuid import UUID, uuid4

from services.notify.channels import delivery
from services.notify.domain.posting import Box, Digest, claim_digests, deliver_digest
from services.notify.domain.record import Outcome, Report
from services.notify.domain.sending import SEND, Verdict, is_due
from services.notify.store.boxes import boxes
from services.notify.ticker.lanes import Crew, Lane, apart, crew
from services.notify.ticker.notices import PATIENCE_S
from shared import clock
from shared.documents import Due
from shared.envelope import Cause

AT_A_TIME, DUE = 32, "digest_due"


class Post:
    """The digests of all boxes."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    async def tick(self) -> bool:
        """Take on the digests that are due; true if there may be more."""
        until = monotonic() + PATIENCE_S
        found = await boxes.due(AT_A_TIME, DUE)
        return any(await apart(boxes, DUE, found, partial(self._take, until=until)))

    async def _take(self, due: Due[Box], until: float) -> bool:
        """Claim the digests of one box that are due, or put them off while their lane takes none."""
        with ExitStack() as places:
            return await self._claim(due, until, places)

    async def _claim(self, due: Due[Box], until: float, places: ExitStack) -> bool:
        lane = self._crew.lane(delivery.endpoint(due.state.route, due.state.address))
        mine = [each for each in due.state.digests if is_due(each, due.now)]
        verdicts = {
            each.id: _verdict(lane, due.now, places) for each in mine if not self._crew.holds(each.id)
        }
        if not verdicts:
            return False
        cause = Cause(uuid4(), due.id, str(due.id), clock.machine_now(), "notify", due.now)
        saved = await boxes.update(due.id, partial(claim_digests, verdicts=verdicts), cause)
        for each in saved.state.digests if saved.state else []:
            if saved.state and each.claim == cause.id and each.state == "sending":
                make = partial(delivery.deliver_digest, saved.state, each)
                work = lane.attempt(make, until, partial(_record, due.id, each))
                self._crew.start(each.id, lane, work)
        return saved.changed


def _verdict(lane: Lane, now: datetime, places: ExitStack) -> Verdict:
    if (refused := lane.refusal(now)) is not None:
        return refused
    lane.enter()
    places.callback(lane.leave)
    return SEND


async def _record(box: UUID, digest: Digest, outcome: Outcome) -> None:
    assert digest.claim is not None
    report = Report(claim=digest.claim, ended={digest.id: outcome})
    cause = Cause(uuid4(), box, str(box), clock.machine_now(), "notify", report)
    await boxes.update(box, deliver_digest, cause)


tick = Post(crew).tick
