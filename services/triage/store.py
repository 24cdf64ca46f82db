"""The gradings, one document for each complaint, and beside them the series that complaints form."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from services.triage.domain.adjudication import Adjudicated, adjudicated
from services.triage.domain.grading import Grading, count
from services.triage.domain.grading import migrate as go_over
from services.triage.domain.publishing import Proposal
from services.triage.domain.rehearsal import Rehearsal
from services.triage.domain.series import Joining, Membership, Series, Tally, join
from shared import clock, policy
from shared.copies import Copies
from shared.documents import Change, Saved
from shared.envelope import Cause, in_course_of
from shared.mongo import Store, index
from shared.problems import NotFound

gradings = Store(
    "triage",
    "gradings",
    Grading,
    lift=lambda state: {
        "pack": state.pack_name,
        "unsettled": state.unsettled or None,
        "decided": bool(state.decided) or None,
    },
    indexes=[index("pack", "decided"), index("unsettled")],
)
series = gradings.beside(Series)
proposals = gradings.beside(
    Proposal, lift=lambda state: {"proposed": state.pack}, indexes=[index("proposed")]
)
copies = Copies(gradings)

NEVER_NEWER = 2**53
BREATH = 50


async def judge(complaint: UUID, change: Change[Grading, Any], cause: Cause[Any]) -> Saved[Grading]:
    """Change what is known of a complaint, then carry it to its series until all of them have spoken."""
    saved = await gradings.update(complaint, change, cause)
    await settle(saved, cause)
    return saved


async def settle(saved: Saved[Grading], cause: Cause[Any]) -> None:
    """Tell series of new entries, and whom these concern what the series say; again while that changes more.

    Whoever dies in between leaves the document marked as unsettled.
    """
    open_ = [saved]
    while open_:
        told: dict[UUID, list[Tally]] = defaultdict(list)
        for member in open_:
            for tallies in await asyncio.gather(*_movements(member, cause)):
                for whom, tally in tallies.items():
                    told[whom].append(tally)
        counted = await asyncio.gather(
            *(gradings.update(whom, count, in_course_of(cause, whom, said)) for whom, said in told.items())
        )
        open_ = [each for each in counted if each.state is not None and each.state.unsettled]


def _movements(member: Saved[Grading], cause: Cause[Any]) -> list[Awaitable[dict[UUID, Tally]]]:
    """Every entering and leaving that a grading waits for."""
    assert member.state is not None
    entering = [_enter(wanted, cause) for wanted in member.state.entering]
    return [*entering, *(_leave(member.id, each, cause) for each in member.state.leaving)]


async def _enter(wanted: Membership, cause: Cause[Any]) -> dict[UUID, Tally]:
    """Enter a series: what it tells to whom."""
    joining = in_course_of(cause, wanted.series, Joining(entry=wanted.entry))
    saved = await series.update(wanted.series, join, joining)
    found = saved.state or Series(id=wanted.series)
    mine = found.tally(wanted.entry.complaint).model_copy(update={"mine": wanted.entry})
    return {whom: found.tally(whom) for whom in found.after(wanted)} | {wanted.entry.complaint: mine}


async def _leave(complaint: UUID, left: UUID, cause: Cause[Any]) -> dict[UUID, Tally]:
    """Leave a series: what it tells to whom."""
    found = await series.get(left)
    entry = found.state.entries.get(str(complaint)) if found and found.state else None
    gone = {complaint: Tally(series=left, version=NEVER_NEWER, number=0, mine=None)}
    if entry is None:
        return gone
    saved = await series.update(left, join, in_course_of(cause, left, Joining(entry=entry, leaves=True)))
    rest = saved.state or Series(id=left)
    return {whom: rest.tally(whom) for whom in rest.after(Membership(series=left, entry=entry))} | gone


async def one(complaint: UUID) -> Grading:
    """The grading of a complaint. Raises NotFound."""
    found = await gradings.get(complaint)
    if found is None or found.state is None:
        raise NotFound("No grading is known for this complaint id")
    return found.state


async def rehearse(rehearsal: Rehearsal, pack: str, version: int | None = None) -> Rehearsal:
    """Play the gradings on record under a pack (of one version, if given), one after the other."""
    played = 0
    async for saved in gradings.scan({"pack": pack}):
        if saved.state and (version is None or saved.state.pinned[1] == version):
            rehearsal.play(saved.id, saved.state)
            played += 1
            if played % BREATH == 0:
                await asyncio.sleep(0)  # others have their turn
    return rehearsal


async def migrate(pack: str, old: int, new: int, by: str) -> int:
    """Take all complaints on one version over to another; how many."""
    moving: list[Awaitable[Saved[Grading]]] = []
    count = 0
    async for saved in gradings.scan({"pack": pack}):
        if saved.state is None or saved.state.pinned[1] != old:
            continue
        count += 1
        cause = Cause(uuid4(), saved.id, saved.state.number, clock.now(), by, new)
        moving.append(judge(saved.id, go_over, replace(cause, traceparent=saved.state.traceparent)))
        if len(moving) == BREATH:
            await asyncio.gather(*moving)
            moving.clear()
    await asyncio.gather(*moving)
    return count


async def adjudications(pack: str, month: datetime) -> list[Adjudicated]:
    """The figures of a pack's questions in a month of its calendar."""
    found = policy.load(pack, policy.latest(pack))
    zone = policy.load_calendar(found.calendar).zone
    decided = [
        each
        async for saved in gradings.scan({"pack": pack, "decided": True})
        if saved.state
        for each in saved.state.decided
        if (at := each.at.astimezone(zone)).year == month.year and at.month == month.month
    ]
    return list(adjudicated(found, decided))
