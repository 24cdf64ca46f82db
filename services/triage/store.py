"""The gradings, one document for each complaint, and beside them the series that complaints form."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from services.triage.domain.adjudication import Adjudicated, adjudicated, label, labels
from services.triage.domain.grading import Plan, count
from services.triage.domain.grading import migrate as go_over
from services.triage.domain.publishing import Proposal
from services.triage.domain.record import Grading
from services.triage.domain.rehearsal import Rehearsal
from services.triage.domain.series import Joining, Membership, Series, Tally, join
from shared import clock, policy
from shared.copies import Copies
from shared.documents import Change, Saved
from shared.driver import index
from shared.envelope import Cause, in_course_of
from shared.mongo import Store
from shared.problems import NotFound, Problem

gradings = Store(
    "triage",
    "gradings",
    Grading,
    lift=lambda state: {
        "pack": state.pack_name,
        "unsettled": state.unsettled or None,
        "asked": (state.pack_name and labels(state.pack_name, state.asked)) or None,
        "asked_since": min((each.since for each in state.asked), default=None),
        "answered": [each.model_dump(include={"name", "choice", "at"}) for each in state.answered] or None,
    },
    indexes=[
        index("pack", "answered.at"),
        index("asked", "asked_since", "_id"),
        index("unsettled"),
    ],
)
series = gradings.beside(Series)
proposals = gradings.beside(
    Proposal,
    lift=lambda state: {"proposed": state.pack if state.state == "proposed" else None},
    indexes=[index("proposed")],
)
copies = Copies(gradings)

NEVER_NEWER = 2**53
BREATH = 50
PATIENCE_S = 5.0


async def judge(complaint: UUID, change: Change[Grading, Any], cause: Cause[Any]) -> None:
    """Change what is known of a complaint, then carry it to its series until all of them have spoken."""
    await settle(await gradings.update(complaint, change, cause), cause)


async def judge_soon(complaint: UUID, change: Change[Grading, Any], cause: Cause[Any]) -> None:
    """`judge` for a caller who cannot wait for ever; the sweep ends what this one does not."""
    saved = await gradings.update_soon(complaint, change, cause)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await settle(saved, cause)
    except TimeoutError:
        return


async def settle(saved: Saved[Grading], cause: Cause[Any]) -> None:
    """Tell series of new entries, and whom these concern what the series say; again while that changes more.

    Whoever dies in between leaves the document marked as unsettled.
    """
    open_ = [saved] if saved.state is not None and saved.state.unsettled else []
    while open_:
        told: dict[UUID, list[Tally]] = defaultdict(list)
        for member in open_:
            for tallies in await asyncio.gather(*_movements(member, cause)):
                for whom, tally in tallies.items():
                    told[whom].append(tally)
        mine = {each.id: told.pop(each.id, []) for each in open_}
        # The others first: while one of them has not heard, the documents that tell them stay unsettled.
        counted = [*await _count(told, cause), *await _count(mine, cause)]
        open_ = [each for each in counted if each.state is not None and each.state.unsettled]


async def _count(told: dict[UUID, list[Tally]], cause: Cause[Any]) -> list[Saved[Grading]]:
    """Give each grading what its series told."""
    given = [
        (whom, tallies, next((t.mine.number for t in tallies if t.mine), ""))
        for whom, tallies in told.items()
    ]
    return await asyncio.gather(
        *(
            gradings.update(whom, count, in_course_of(cause, whom, each, number))
            for whom, each, number in given
        )
    )


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
    complaint = wanted.entry.complaint
    told = found.tallies([complaint, *found.after(wanted)], wanted.alone)
    if found.forgot(wanted.entry):
        told[complaint] = told[complaint].model_copy(update={"mine": wanted.entry})
    return told


async def _leave(complaint: UUID, left: UUID, cause: Cause[Any]) -> dict[UUID, Tally]:
    """Leave a series: what it tells to whom."""
    found = await series.get(left)
    entry = found.state.entries.get(str(complaint)) if found and found.state else None
    gone = {complaint: Tally(series=left, version=NEVER_NEWER, number=0, mine=None)}
    if entry is None:
        return gone
    saved = await series.update(left, join, in_course_of(cause, left, Joining(entry=entry, leaves=True)))
    rest = saved.state or Series(id=left)
    return rest.tallies(rest.after(Membership(series=left, entry=entry, back=True))) | gone


async def one(complaint: UUID) -> Grading:
    """The grading of a complaint. Raises NotFound."""
    found = await gradings.get(complaint)
    if found is None or found.state is None or found.state.registered is None:
        raise NotFound("No grading is known for this complaint id")
    return found.state


async def rehearse(rehearsal: Rehearsal, pack: str, plan: Plan | None = None) -> Rehearsal:
    """Play the gradings on record under a pack (those of a plan, if given), one after the other."""
    played = 0
    async for saved in gradings.scan({"pack": pack}):
        if saved.state and (plan is None or plan.takes(saved.state)):
            rehearsal.play(saved.id, saved.state)
            played += 1
            if played % BREATH == 0:
                await asyncio.sleep(0)  # others have their turn
    return rehearsal


async def migrate(pack: str, plan: Plan, by: str) -> tuple[int, int]:
    """Take all complaints of a plan over; how many went, and how many were refused."""
    moving: list[Awaitable[None]] = []
    ended: list[BaseException | None] = []
    async for saved in gradings.scan({"pack": pack}):
        if saved.state is None or not plan.takes(saved.state):
            continue
        cause = Cause(uuid4(), saved.id, saved.state.number, clock.now(), by, plan.to_version)
        moving.append(judge(saved.id, go_over, replace(cause, traceparent=saved.state.traceparent)))
        if len(moving) == BREATH:
            ended += await asyncio.gather(*moving, return_exceptions=True)
            moving.clear()
    ended += await asyncio.gather(*moving, return_exceptions=True)
    refused = [each for each in ended if each is not None]
    if serious := [each for each in refused if not isinstance(each, Problem)]:
        raise serious[0]
    return len(ended) - len(refused), len(refused)


async def waiting(
    wanted: str, limit: int, after: tuple[datetime, UUID] | None
) -> tuple[list[Saved[Grading]], bool]:
    """Complaints with questions of this label that wait for people, the oldest first; whether there are more.

    `after` is when the questions of the last one before were first asked, and its id.
    """
    query: dict[str, Any] = {"asked": wanted}
    if after is not None:
        at, id = after
        query |= {"$or": [{"asked_since": {"$gt": at}}, {"asked_since": at, "_id": {"$gt": id}}]}
    return await gradings.page(query, sort="asked_since,_id", limit=limit)


async def adjudications(pack: str, since: datetime, until: datetime) -> list[Adjudicated]:
    """The figures of a pack's questions, by the answers that people gave in a period."""
    found = policy.load(pack, policy.latest(pack))
    within = {"$gte": since, "$lt": until}
    answers = await gradings.aggregate(
        [
            {"$match": {"pack": pack, "answered": {"$elemMatch": {"at": within}}}},
            {"$project": {"_id": 0, "answered": 1}},
            {"$unwind": "$answered"},
            {"$match": {"answered.at": within}},
            {"$group": {"_id": ["$answered.name", "$answered.choice"], "count": {"$sum": 1}}},
        ]
    )
    names = list(found.decisions)
    open_ = await asyncio.gather(*(gradings.count({"asked": label(pack, None, name)}) for name in names))
    given = {(each["_id"][0], each["_id"][1]): each["count"] for each in answers}
    return list(adjudicated(found, given, dict(zip(names, open_, strict=True))))
