"""A flood: 500 deadlines of one department pass at once, and its people get a few mails and one digest."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from shared.events import ComplaintDispatched
from tests.kit.complaint import registered
from tests.kit.endpoints import Mails
from tests.kit.post import (
    all_boxes,
    at_work,
    hurry_boxes,
    late,
    of,
    posting,
    settle,
    tell,
    until_digests,
)

BREACHES, MOST = 500, 10
LEAD = "quality@departments.invalid"


@pytest.mark.parametrize("replicas", [1, 2])
async def test_500_breaches_at_once(mails: Mails, monkeypatch: pytest.MonkeyPatch, replicas: int) -> None:
    posting(monkeypatch, most_per_hour=MOST, digest_minutes=30)
    complaints = [uuid4() for _ in range(BREACHES)]
    lead = ComplaintDispatched(cycle=1, lead="quality", departments=())
    await asyncio.gather(*(tell(each, registered(), lead, late()) for each in complaints))
    async with at_work(replicas):
        await settle(*complaints)
        assert len(mails.to(LEAD)) == MOST
        await hurry_boxes()
        (digest,) = await until_digests("sent")
    notices = {each: (await of(each))[0] for each in complaints}
    states = Counter(each.state for each in notices.values())
    assert states == {"sent": MOST, "folded": BREACHES - MOST}
    assert digest.counts == {"deadline_breached": BREACHES - MOST}
    listed = set(digest.items["deadline_breached"])
    assert listed == {each.id for each in notices.values() if each.state == "folded"}
    assert {each.into for each in notices.values() if each.state == "folded"} == {digest.id}
    assert len(mails.to(LEAD)) == len(mails.taken) == MOST + 1
    assert Counter(mails.ids) == Counter(dict.fromkeys(mails.ids, 1))
    assert f"Subject: {BREACHES - MOST} deadlines breached in ".encode() in mails.taken[-1][2]
    (box,) = await all_boxes()
    assert len(box.hour) == MOST


async def test_a_storm_that_is_broken_off_again_and_again_tells_nothing_twice(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the box's word and the notice's own changes neither the number nor who is told."""
    posting(monkeypatch, most_per_hour=MOST, digest_minutes=30)
    complaints = [uuid4() for _ in range(100)]
    lead = ComplaintDispatched(cycle=1, lead="quality", departments=())
    await asyncio.gather(*(tell(each, registered(), lead, late()) for each in complaints))
    for pause in range(8):
        async with at_work():
            await asyncio.sleep(pause * 0.02)
    boxed = [notice for box in await all_boxes() for each in box.digests for notice in each.items.values()]
    async with at_work():
        for each in complaints:
            if {"sending"} == {notice.state for notice in await of(each)}:
                continue
            await settle(each)
    (box,) = await all_boxes()
    notices = [(await of(each))[0] for each in complaints]
    folded = {each.id for each in notices if each.state == "folded"}
    assert folded == set(box.digests[0].items["deadline_breached"])
    assert len(folded) == len(complaints) - MOST
    assert all(set(some) <= folded for some in boxed)
