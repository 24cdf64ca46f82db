"""Series and gradings agree in the end, however the writes of many complaints fall between each other."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.triage import store
from services.triage.domain import grading
from services.triage.domain.record import Grading
from services.triage.domain.series import Series
from shared.events import (
    ComplaintReopened,
    ContactErased,
    Fact,
    FactsRevised,
    Product,
    SolutionAudited,
    StatementRecorded,
    SurveyAnswered,
)
from tests.kit.complaint import START, registered
from tests.kit.triage import House, cause, money

PACKS = ["cn-packaging-abcd", "cn-ecommerce-upgrade", "cn-quality-deduction", "cn-dealer-abc", "base"]
SEEDS = 25


def news(chance: random.Random, pack: str) -> list[Fact]:
    """What is heard of one complaint, of one customer, about one of two products."""

    def product() -> Product:
        return Product(name=chance.choice(["p", "q"]))

    pinned: dict[str, Any] = {"pack": pack, "pack_version": 1}
    at = START + timedelta(hours=chance.randrange(60))
    told: list[Fact] = [registered(**pinned | {"received_at": at, "product": product()})]
    told.append(StatementRecorded(**pinned, text="-", fingerprints=("f",)))
    for revision in (1, 2):
        loss, department = chance.choice(["10", "2000", "6000"]), chance.choice(["printing", None])
        known = {"product": product(), "loss": money(loss), "department": department}
        told.append(FactsRevised(revision=revision, verified=True, **known))
    told += [SolutionAudited(cycle=1, passed=True)] if chance.random() < 0.5 else []
    told += [SurveyAnswered(cycle=1, score=chance.randrange(11))] if chance.random() < 0.7 else []
    told += [ComplaintReopened(cycle=2)] if chance.random() < 0.3 else []
    return [*told, *([ContactErased(reason="requested")] if chance.random() < 0.3 else [])]


async def played(house: House, chance: random.Random) -> None:
    """Six complaints at once, then a sweep of what is left unsettled."""
    heard = [(id, fact) for id in (uuid4() for _ in range(6)) for fact in news(chance, house.pack)]
    await asyncio.gather(*(store.judge(id, grading.hear, cause(fact, id)) for id, fact in heard))
    left = [each for each in house.memory.documents.values() if each.state and each.state.unsettled]
    for each in left:
        await store.settle(each, cause(None, each.id))


def disagreements(house: House) -> Iterator[str]:
    """Where a grading and a series tell different things."""
    series: dict[UUID, Series] = {id: each.state for id, each in house.series.documents.items() if each.state}
    for id, state in house.gradings.items():
        yield from (f"{id} is unsettled" for _ in range(state.unsettled))
        yield from (f"{id} has cycles to judge anew" for _ in state.outdated)
        yield from _unasked(id, state)
        yield from _stale(id, state, series)
    for key, one in series.items():
        strangers = [id for id in one.entries if str(key) not in house.gradings[UUID(id)].joined]
        yield from (f"{id} left the series {key}, which does not know" for id in strangers)


def _unasked(id: UUID, state: Grading) -> Iterator[str]:
    """Where the queue does not hold what the judgements leave open."""
    latest = [found for cycle in range(1, state.cycle + 1) if (found := state.latest(cycle))]
    open_ = {(each.cycle, name) for each in latest for name in each.pending}
    if len(latest) != state.cycle or {(each.cycle, each.question) for each in state.asked} != open_:
        yield f"{id} has {open_} open, and {state.asked} waits for people"
    for cycle, score in state.scores.items():
        pending = next((each.pending for each in latest if each.cycle == cycle), ())
        if state.pack_name == "cn-dealer-abc" and ("score_0_6" in pending) != (score < 6):
            yield f"{id} is not judged by its score {score}: {pending}"


def _stale(id: UUID, state: Grading, series: dict[UUID, Series]) -> Iterator[str]:
    for key, entry in state.joined.items():
        told, known = series[UUID(key)].tallies([id])[id], state.tallies[key]
        if told.mine != entry:
            yield f"the series has {told.mine}, {id} believes {entry}"
        elif told.number != known.number:
            yield f"{id} is number {told.number} and believes {known.number}"


@pytest.mark.parametrize("pack", PACKS)
def test_series_and_gradings_agree_at_rest(pack: str) -> None:
    for seed in range(SEEDS):
        chance = random.Random(seed)

        async def breath(chance: random.Random = chance) -> None:
            for _ in range(chance.randrange(5)):
                await asyncio.sleep(0)

        house = House(pack, breath)
        with house.open():
            asyncio.run(played(house, chance))
        assert list(disagreements(house)) == [], f"seed {seed}"
        assert {subject for id, subject, _ in house.memory.said if subject != f"RC-{id}"} == set()
