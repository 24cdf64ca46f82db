"""The ceiling: the same chain by hand, in batches.

`python -m bench.ceiling <service>` is one of five processes. Each takes all that has come, reads the
documents concerned at once, decides, writes them at once, publishes what they owe as few messages, and
acknowledges; while that is under way, the next batch is decided. Same queues, durability and decisions as the
floor's, the product's sizes of batches, and its memory of what it wrote last; no validation, no tracing, no
retries.
"""

import asyncio
import os
import sys
from asyncio import Future, Queue
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aio_pika
import aiosmtplib
import uvicorn
import uvloop
from aio_pika.abc import AbstractIncomingMessage
from bson.codec_options import CodecOptions
from pydantic_core import from_json, to_json
from pymongo import AsyncMongoClient, InsertOne, UpdateOne, WriteConcern
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.decisions import DECISIONS, Facts, Json, event, fresh, is_mailed, mail, registered, untold
from bench.floor import mail_server
from bench.topology import exchange

DATABASE = "ceiling"
GROUP, BATCH, PREFETCH, RECENT = 256, 100, 32, 1_000
"""The product's numbers: documents in a write, events in a message, messages on the way, documents known."""
LINES = 8
"""Connections to the mail server."""


@dataclass
class Work:
    """What has come: a message of events, or a complaint handed in, whose `stored` somebody waits for."""

    message: AbstractIncomingMessage | None = None
    complaint: tuple[Json, Facts] | None = None
    stored: "Future[None] | None" = None


@dataclass
class Draft:
    """A document, and what was decided on it in this batch."""

    document: Json
    causes: list[Json] = field(default_factory=list)
    owed: list[Json] = field(default_factory=list)
    journal: list[Json] = field(default_factory=list)

    def note(self, service: str, cause: Json | None, facts: Facts) -> None:
        self.owed += [event(service, self.document, cause, fact) for fact in facts]

    def operation(self) -> "InsertOne[Json] | UpdateOne":
        known = self.document["version"]
        if known == 0:
            return InsertOne({**self.document, "version": 1, "outbox": self.owed, "journal": self.journal})
        handled = {"$each": [cause["id"] for cause in self.causes], "$slice": -256}
        update = {
            "$set": {"state": self.document["state"], "version": known + 1},
            "$push": {
                "handled": handled,
                "outbox": {"$each": self.owed},
                "journal": {"$each": self.journal},
            },
        }
        return UpdateOne({"_id": self.document["_id"], "version": known}, update)


class Process:
    """One service: its collection, its queue, its publisher."""

    def __init__(self, service: str, environment: Mapping[str, str]) -> None:
        self.service = service
        self._environment = environment
        self._decide = DECISIONS[service]
        self._arrived: Queue[Work] = Queue()
        self._written: Queue[tuple[list[Work], list[Draft]]] = Queue(2)
        self._told: Counter[str] = Counter()
        self._recent: OrderedDict[UUID, Json] = OrderedDict()
        self._lines: Queue[aiosmtplib.SMTP] = Queue()

    async def start(self) -> None:
        client: AsyncMongoClient[Json] = AsyncMongoClient(self._environment["CHAIN_MONGO_URL"])
        options: CodecOptions[Json] = CodecOptions(tz_aware=True, uuid_representation=4)
        self._documents = client[DATABASE].get_collection(self.service, codec_options=options)
        self._light = self._documents.with_options(write_concern=WriteConcern(1, j=False))
        for _ in range(LINES if self.service == "notify" else 0):
            self._lines.put_nowait(await mail_server(self._environment["CHAIN_SMTP_URL"]))
        connection = await aio_pika.connect(self._environment["CHAIN_AMQP_URL"])
        out = await connection.channel(publisher_confirms=True, on_return_raises=True)
        names = ("events", "private")
        self._exchanges = {name: await out.get_exchange(f"{DATABASE}.{name}") for name in names}
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        inbox = await channel.get_queue(f"{DATABASE}.{self.service}")
        await inbox.consume(self._take)
        self._tasks = [asyncio.create_task(self._write_all()), asyncio.create_task(self._publish_all())]

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._arrived.put_nowait(Work(message))

    async def register(self, body: Json) -> UUID:
        """Take a complaint in, as intake; back when it is stored."""
        stored: Future[None] = asyncio.get_running_loop().create_future()
        complaint = registered(body)
        self._arrived.put_nowait(Work(None, complaint, stored))
        await stored
        id: UUID = complaint[0]["_id"]
        return id

    async def _write_all(self) -> None:
        while True:
            works = [await self._arrived.get()]
            while len(works) < GROUP and not self._arrived.empty():
                works.append(self._arrived.get_nowait())
            drafts = [each for each in (await self._drafts(works)) if each.causes or each.owed]
            if drafts:
                operations = [each.operation() for each in drafts]
                await self._documents.bulk_write(operations, ordered=False)
                self._remember(drafts)
            for work in works:
                if work.stored is not None:
                    work.stored.set_result(None)
            await self._written.put((works, drafts))

    async def _drafts(self, works: Sequence[Work]) -> Iterable[Draft]:
        """All that has come, decided, and what is to be told of it sent."""
        causes = [each for work in works if work.message for each in from_json(work.message.body)]
        drafts = await self._load({UUID(cause["correlationid"]) for cause in causes})
        telling = []
        for cause in causes:
            draft = drafts[UUID(cause["correlationid"])]
            state = draft.document["state"]
            if cause["id"] not in draft.document["handled"]:
                draft.document["handled"].append(cause["id"])
                draft.causes.append(cause)
                draft.note(self.service, cause, self._decide(state, cause["type"], cause["data"]))
                notices = untold(state, cause["type"]) if self.service == "notify" else []
                telling += [self._tell(draft, cause, notice) for notice in notices]
        await asyncio.gather(*telling)
        if self.service == "intake":
            for draft in drafts.values():
                draft.journal += draft.causes
        return [*drafts.values(), *(self._handed_in(work) for work in works if work.complaint)]

    async def _load(self, ids: set[UUID]) -> dict[UUID, Draft]:
        found = {id: Draft(self._recent.get(id) or fresh(id)) for id in ids}
        if unknown := [id for id in ids if id not in self._recent]:
            wanted = {"state": 1, "version": 1, "handled": 1}
            async for each in self._documents.find({"_id": {"$in": unknown}}, wanted):
                found[each["_id"]] = Draft(each)
        return found

    def _remember(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            draft.document["version"] += 1
            self._recent[draft.document["_id"]] = draft.document
            self._recent.move_to_end(draft.document["_id"])
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def _handed_in(self, work: Work) -> Draft:
        assert work.complaint is not None
        document, facts = work.complaint
        draft = Draft(document)
        draft.note(self.service, None, facts)
        draft.journal += [document["state"]["given"], *draft.owed]
        return draft

    async def _tell(self, draft: Draft, cause: Json, notice: Json) -> None:
        state = draft.document["state"]
        if is_mailed(self._told, notice):
            line = await self._lines.get()
            await line.send_message(mail(notice, state))
            self._lines.put_nowait(line)
        state.setdefault("notices", []).append(notice)
        draft.note(self.service, cause, [("notice.sent.v1", {**notice, "channel": "email", "cycle": 1})])

    async def _publish_all(self) -> None:
        """All that has been written meanwhile goes out together; then it is struck out and acknowledged."""
        while True:
            groups = [await self._written.get()]
            while not self._written.empty():
                groups.append(self._written.get_nowait())
            drafts = [each for _, drafts in groups for each in drafts if each.owed]
            await asyncio.gather(*(self._publish(some) for some in batches(drafts)))
            messages = [work.message for works, _ in groups for work in works if work.message]
            if messages:
                await messages[-1].ack(multiple=True)
            if drafts:
                ids = [each["id"] for draft in drafts for each in draft.owed]
                documents = {"_id": {"$in": list({draft.document["_id"] for draft in drafts})}}
                await self._light.update_many(documents, {"$pull": {"outbox": {"id": {"$in": ids}}}})

    async def _publish(self, events: list[Json]) -> None:
        type = events[0]["type"]
        durably = aio_pika.DeliveryMode.PERSISTENT
        message = aio_pika.Message(to_json(events), delivery_mode=durably, message_id=events[0]["id"])
        await self._exchanges[exchange(type)].publish(message, type, mandatory=True)


def batches(drafts: Iterable[Draft]) -> Iterator[list[Json]]:
    """What is owed, by type, so many at a time."""
    kinds: dict[str, list[Json]] = defaultdict(list)
    for draft in drafts:
        for each in draft.owed:
            kinds[each["type"]].append(each)
    for events in kinds.values():
        for begin in range(0, len(events), BATCH):
            yield events[begin : begin + BATCH]


def served(process: Process) -> Starlette:
    """Intake also has its door."""

    @asynccontextmanager
    async def life(app: Starlette) -> Any:
        await process.start()
        yield

    async def register(request: Request) -> Response:
        id = await process.register(from_json(await request.body()))
        return Response(to_json({"id": id}), 201, media_type="application/json")

    return Starlette(routes=[Route("/v1/complaints", register, methods=["POST"])], lifespan=life)


async def work(process: Process) -> None:
    await process.start()
    await asyncio.gather(*process._tasks)


def main(service: str, environment: Mapping[str, str]) -> None:
    process = Process(service, environment)
    if service == "intake":
        uvicorn.run(
            served(process),
            port=int(environment["CHAIN_PORT"]),
            loop="uvloop",
            http="httptools",
            log_level="warning",
            access_log=False,
        )
    else:
        uvloop.run(work(process))


if __name__ == "__main__":
    main(sys.argv[1], os.environ)
