"""A crowd: very many complaints in intake's database, cloned from some that really went through the system.

Each clone has its own ids, receipt number, time, product and batch, in its record, its events and its row
of figures alike, and its events are chained and signed anew. Personal texts are left out: they are sealed for
the complaint that they came with.
"""

import asyncio
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from typing import Any
from uuid import UUID

import httpx
from bson.raw_bson import RawBSONDocument
from pydantic_core import from_json, to_json
from pymongo import MongoClient

from deploy.local.play import Case, Players, Stuck
from deploy.local.samples import read
from deploy.local.stage import Stage
from deploy.local.system import ROOT
from shared import sealing
from shared.chain import extended
from shared.driver import OPTIONS, as_it_is, encoded

PRODUCT, MODEL, BATCH = "@product@", "@model@", "@batch@"
PRODUCTS, BATCHES = 120, 2_400
AT_ONCE, HANDS = 500, 16
YOUNG = timedelta(days=25)
"""Younger complaints may still be open; of the older ones a few are."""
STILL_OPEN = 0.004
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


# models: complaints that really went through the system


async def models(stage: Stage, count: int, chance: random.Random) -> list[dict[str, Any]]:
    """Intake's documents of this many sample complaints, most of them carried to their end."""
    rows = [dict(row) for row in read(ROOT / "samples" / "complaints.jsonl").complaints]
    async with stage.system.client() as client:
        players = Players(stage.system, client, stage.mailbox, stage.gateway)
        hands = asyncio.Semaphore(HANDS)

        async def carried(number: int, case: Case) -> None:
            async with hands:
                await _carried(players, client, stage, case, number)

        cases = [_case(rows[number % len(rows)], number, chance) for number in range(count)]
        await asyncio.gather(*(carried(number, case) for number, case in enumerate(cases)))
    with MongoClient[dict[str, Any]](stage.servers.admin_mongo_url) as database:
        found = database["intake"].get_collection("complaints", codec_options=OPTIONS)
        return list(found.find({"number": {"$exists": True}, "outbox": []}))


def _case(row: Mapping[str, Any], number: int, chance: random.Random) -> Case:
    """A sample, told apart from the others of its kind."""
    body = dict(row) | {"product": {"name": PRODUCT, "model": MODEL, "batch": BATCH}}
    body["description"] += f" ({number})"
    play = body.pop("play", {})
    return Case(body, play | {"score": min(10, max(0, round(chance.gauss(7.5, 2))))})


async def _carried(
    players: Players, client: httpx.AsyncClient, stage: Stage, case: Case, number: int
) -> None:
    """To its end, but for every fifth: left where it is, or withdrawn."""
    try:
        if number % 5:
            await players.carry(case)
            return
        await players.hand_in(case)
        await players.until(case, "dispatched", 1)
        if number % 2:
            url = f"{stage.system.url('intake')}/v1/complaints/{case.id}/steps"
            await client.post(url, json={"step": "withdraw"})
    except Stuck as stuck:
        raise RuntimeError(f"{case.number} did not come to its end: {stuck}") from None


# clones


@dataclass(frozen=True, slots=True)
class Twist:
    """What makes one clone another than its model."""

    id: UUID
    model: UUID
    mask: int
    shift: timedelta
    words: Mapping[str, str]

    def uuid(self, known: UUID) -> UUID:
        return self.id if known == self.model else UUID(int=known.int ^ self.mask)

    def instant(self, known: datetime, written: str) -> str:
        moved = (known + self.shift).isoformat()
        return moved.replace("+00:00", "Z") if written.endswith("Z") else moved


Made = Callable[[Twist], Any]


def plan(value: Any) -> Made | None:
    """How a value is made anew for a clone; None for one that stays as it is."""
    match value:
        case datetime():
            return lambda twist: value + twist.shift
        case UUID():
            return lambda twist: twist.uuid(value)
        case dict():
            return _plan_of_fields(value)
        case list():
            return _plan_of_items(value)
        case str():
            return _plan_of_text(value)
    return None


def _plan_of_fields(value: dict[str, Any]) -> Made | None:
    plans = [(name, made) for name, each in value.items() if (made := plan(each)) is not None]
    if not plans:
        return None
    return lambda twist: value | {name: made(twist) for name, made in plans}


def _plan_of_items(value: list[Any]) -> Made | None:
    plans = [(each, plan(each)) for each in value]
    if not any(made for _, made in plans):
        return None
    return lambda twist: [made(twist) if made else each for each, made in plans]


def _plan_of_text(value: str) -> Made | None:
    if value in (PRODUCT, MODEL, BATCH):
        return lambda twist: twist.words[value]
    if _INSTANT.fullmatch(value):
        known = datetime.fromisoformat(value)
        return lambda twist: twist.instant(known, value)
    if _UUID.fullmatch(value):
        id = UUID(value)
        return lambda twist: str(twist.uuid(id))
    return None


class Model:
    """A document of which clones are made."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        known = dict(document)
        self.id: UUID = known["_id"]
        self.registered: datetime = known["registered_at"]
        self.is_open = "closed_at" not in known
        self._row = from_json(known["figures"])
        journal = [{name: each[name] for name in each if name != "hash"} for each in known.pop("journal")]
        known["state"] = known["state"] | {"personal": {}}
        self._document = plan(known)
        self._journal = [(each, plan(each)) for each in journal]

    def clone(self, twist: Twist, number: str) -> bytes:
        assert self._document is not None
        made = self._document(twist)
        bodies = (encoded(plan(twist) if plan else each) for each, plan in self._journal)
        written, head = extended(twist.id, None, bodies)
        request = f"register {twist.id.hex}"
        made |= {"number": number, "request": request, "figures": self._figures(twist)}
        made["state"] |= {"number": number, "request": request}
        return encoded(made | {"journal": [as_it_is(each) for each in written], "head": head.stored})

    def _figures(self, twist: Twist) -> str:
        moved = int(twist.shift / timedelta(milliseconds=1))
        row = dict(self._row)
        for name in ("registered", "closed", "due"):
            if name in row:
                row[name] += moved
        return to_json(row | {"product": twist.words[PRODUCT], "batch": twist.words[BATCH]}).decode()


def clones(
    found: Sequence[Model], count: int, first: int, until: datetime, span: timedelta
) -> Iterator[bytes]:
    """So many clones, registered in the time before `until`, more of them on weekdays and in later years."""
    chance = random.Random(f"crowd {first}")
    ended = [each for each in found if not each.is_open]
    for number in range(first, first + count):
        at = _time(until, span, chance)
        young = until - at < YOUNG or chance.random() < STILL_OPEN
        model = chance.choice(found if young else ended)
        product = min(PRODUCTS - 1, int(chance.expovariate(6 / PRODUCTS)))
        batch = product * (BATCHES // PRODUCTS) + int((at - (until - span)) / span * BATCHES / PRODUCTS)
        words = {PRODUCT: f"Product {product:03}", MODEL: f"P-{product:03}", BATCH: f"B{batch:05}"}
        id = UUID(int=(int(at.timestamp() * 1000) << 80) | 7 << 76 | 2 << 62 | number)
        shift = timedelta(milliseconds=round((at - model.registered) / timedelta(milliseconds=1)))
        twist = Twist(id, model.id, chance.getrandbits(60), shift, words)
        yield model.clone(twist, f"RC-{number:010d}")


def _time(until: datetime, span: timedelta, chance: random.Random) -> datetime:
    while True:
        at: datetime = until - span * (1 - chance.random() ** 0.8)
        if at.weekday() < 5 or chance.random() < 0.35:
            return min(until, at.replace(hour=min(23, max(0, round(chance.gauss(6, 3))))))


# loading


@dataclass(frozen=True, slots=True)
class Load:
    """What a process that loads is told."""

    url: str
    secret: bytes
    documents: list[dict[str, Any]]
    until: datetime
    span: timedelta


def load(wanted: Load, count: int, first: int) -> None:
    """Put clones into the database."""
    sealing.use_house_key(wanted.secret)
    found = [Model(each) for each in wanted.documents]
    with MongoClient[Any](wanted.url) as client:
        documents = client["intake"]["complaints"]
        waiting: list[RawBSONDocument] = []
        for each in clones(found, count, first, wanted.until, wanted.span):
            waiting.append(RawBSONDocument(each))
            if len(waiting) == AT_ONCE:
                documents.insert_many(waiting, ordered=False)
                waiting = []
        if waiting:
            documents.insert_many(waiting, ordered=False)


def crowd(wanted: Load, count: int, processes: int = 2) -> None:
    """Load so many with several processes."""
    each = -(-count // processes)
    shares = [(min(each, count - first), first) for first in range(0, count, each)]
    with get_context("spawn").Pool(processes) as pool:
        pool.starmap(partial(load, wanted), shares)


def before(now: datetime) -> datetime:
    """Until when clones were registered: some minutes ago."""
    return now.astimezone(UTC) - timedelta(minutes=10)
