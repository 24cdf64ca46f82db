"""What judging costs: a grading under every pack, and a rehearsal over many gradings in a real database."""

import asyncio
import random
import resource
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from pymongo import AsyncMongoClient

from deploy.local.install import Failed, install
from deploy.local.servers import Servers
from services.triage import store
from services.triage.domain import outcome
from services.triage.domain.case import Case
from services.triage.domain.classification import read
from services.triage.domain.grading import hear
from services.triage.domain.record import Grading
from services.triage.domain.rehearsal import Rehearsal, Rehearsed, results
from shared import clock, policy
from shared.envelope import Cause
from shared.events import ComplaintRegistered, StatementRecorded
from shared.policy import Pack
from shared.problems import Invalid

TEXTS = [
    "用了一周就坏了，质量太差",
    "店员态度恶劣，让我等了两个小时",
    "The kettle leaks",
    "电池冒烟，差点着火",
    "说明书看不懂",
]
CHANGED = """
pack: base
version: 2
extends: base/1
schemes:
  severity:
    title: {zh-CN: 严重程度, en: Severity}
    grades:
      critical: {title: {zh-CN: 重大, en: Critical}}
      serious: {title: {zh-CN: 严重, en: Serious}}
      ordinary: {title: {zh-CN: 一般, en: Ordinary}}
      minor: {title: {zh-CN: 轻微, en: Minor}}
    rows:
      - {rule: large sum, grade: serious, when: {any: [{loss: {at_least: 3000}}, {demand: {at_least: 3000}}]}}
      - {rule: noticeable sum, grade: ordinary, when: {loss: {at_least: 500}}}
    otherwise: minor
vectors:
  - {name: the large sum, facts: {loss: 3000}, expect: {grade: serious}}
"""


def gradings(count: int, seed: int) -> Iterator[Grading]:
    """Gradings as they come to be, with their clocks running."""
    chance = random.Random(seed)
    for _ in range(count):
        id, now = uuid4(), clock.now()
        loss = {"value": str(chance.randrange(0, 9_000)), "currency": "CNY"}
        registered = ComplaintRegistered.model_validate(
            {
                "pack": "base",
                "pack_version": 1,
                "channel": chance.choice(["email", "hotline", "regulator"]),
                "language": "zh-CN",
                "received_at": now,
                "loss": loss if chance.random() < 0.7 else None,
                "facts": {"urgent": chance.random() < 0.1, "injured": int(chance.random() < 0.05)},
            }
        )
        statement = StatementRecorded(pack="base", pack_version=1, text=chance.choice(TEXTS))
        state, _ = hear(None, Cause(uuid4(), id, "RC-BENCH", now, "bench", registered))
        state, _ = hear(state, Cause(uuid4(), id, "RC-BENCH", now, "bench", statement))
        yield state


def memory() -> float:
    """The most that this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cost(pack: Pack, states: list[Grading]) -> float:
    """Microseconds for one judgement with all its reasons."""
    times = []
    for state in states:
        began = perf_counter()
        outcome.graded(Case.of(state, 1, pack))
        times.append(perf_counter() - began)
    return median(times) * 1e6


def tell_costs(states: list[Grading]) -> None:
    """The cost under every pack that can be used, all of them loaded."""
    packs = [policy.load(name, version) for name, version, why in policy.in_use() if not why]
    costs = {pack.pack: cost(pack, states) for pack in packs}
    slowest = max(costs, key=lambda name: costs[name])
    texts = []
    for text in TEXTS * 20:
        began = perf_counter()
        read(text, packs[0])
        texts.append(perf_counter() - began)
    print(f"{len(packs)} packs loaded; one grading: median {median(costs.values()):.0f} us a pack,")
    print(f"  base {costs['base']:.0f} us, slowest {slowest} {costs[slowest]:.0f} us;", end=" ")
    print(f"reading a short text {median(texts) * 1e6:.0f} us")


async def rehearsed(servers: Servers, count: int, seed: int) -> None:
    """Load, rehearse, and compare with grading each anew."""
    async with AsyncMongoClient[dict[str, Any]](
        servers.admin_mongo_url, uuidRepresentation="standard"
    ) as admin:
        await load(admin, count, seed)
    store.gradings.open(servers.mongo_url("triage"))
    pack = policy.activate(policy.draft_from(CHANGED, "changed"), "changed")
    before, began = memory(), perf_counter()
    told = (await store.rehearse(Rehearsal(pack), "base")).told
    seconds, grown = perf_counter() - began, memory() - before
    same = await anew(pack) == ((changes := counted(told)), told.changed)
    await store.gradings.close()
    print(f"rehearsal over {told.gradings} gradings: {seconds:.2f} s, memory grew by {grown:.1f} MiB,")
    print(
        f"  {told.changed} would change, {told.deadlines_moved} of {told.deadlines_open} open deadlines move;"
    )
    print(f"  the same as grading each anew: {'yes' if same else f'NO: {changes}'}")


async def load(admin: AsyncMongoClient[dict[str, Any]], count: int, seed: int) -> None:
    documents, collection = [], admin["triage"]["gradings"]
    for state in gradings(count, seed):
        common: dict[str, Any] = {"version": 1, "sequence": 2, "handled": [], "outbox": [], "pack": "base"}
        documents.append(common | {"_id": state.id, "state": state.model_dump(mode="json", by_alias=True)})
        if len(documents) == 1_000:
            await collection.insert_many(documents)
            documents.clear()
    if documents:
        await collection.insert_many(documents)


def counted(told: Rehearsed) -> dict[tuple[str, str, str], int]:
    return {(each.of, each.before, each.after): each.complaints for each in told.changes}


async def anew(pack: Pack) -> tuple[dict[tuple[str, str, str], int], int]:
    """The same figures, by grading every complaint on record without the rehearsal."""
    changes, changed, seen = Counter[tuple[str, str, str]](), 0, set[UUID]()
    async for saved in store.gradings.scan({"pack": "base"}):
        assert saved.state is not None
        old = results(saved.state.records[-1].graded)
        new = results(outcome.graded(Case.of(saved.state, saved.state.cycle, pack)))
        moved = [(name, old[name], new[name]) for name in new if old[name] != new[name]]
        changes.update(moved)
        changed += bool(moved) and saved.id not in seen
        seen.add(saved.id)
    return dict(changes), changed


async def measure(count: int, seed: int) -> None:
    install()
    with tempfile.TemporaryDirectory() as folder:
        servers = await Servers.start(Path(folder))
        try:
            await rehearsed(servers, count, seed)
        finally:
            await servers.stop()


def main(
    n: Annotated[int, typer.Option(help="Gradings to rehearse on")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the gradings")] = 1,
) -> None:
    """Print what judging and rehearsing cost."""
    tell_costs(list(gradings(min(n, 500), seed)))
    try:
        asyncio.run(measure(n, seed))
    except (Failed, Invalid) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    typer.run(main)
