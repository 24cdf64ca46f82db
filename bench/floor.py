"""The floor: the same chain by hand, without any framework, one message at a time.

`python -m bench.floor <service>` is one of five processes. Each answers a message alike: find the document,
one update (state, handled, outbox), publish each event owed and wait for its confirm, clear the outbox,
acknowledge. Same queues, same durability and same events as the product, and nothing else: no validation, no
tracing, no retries, no parking.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import aio_pika
import aiosmtplib
import uvicorn
import uvloop
from aio_pika.abc import AbstractIncomingMessage
from bson.codec_options import CodecOptions
from fastapi import FastAPI, Request, Response
from pydantic_core import from_json
from pymongo import AsyncMongoClient, WriteConcern

from bench.decisions import DECISIONS, Facts, Json, event, fresh, is_mailed, mail, registered, untold
from bench.topology import exchange

DATABASE = "floor"


class Process:
    """One service: its collection, its queue, its publisher."""

    def __init__(self, service: str, environment: Mapping[str, str]) -> None:
        self.service = service
        self._environment = environment
        self._decide = DECISIONS[service]
        self._told: Counter[str] = Counter()

    async def start(self) -> None:
        client: AsyncMongoClient[Json] = AsyncMongoClient(self._environment["CHAIN_MONGO_URL"])
        options: CodecOptions[Json] = CodecOptions(tz_aware=True, uuid_representation=4)
        self._documents = client[DATABASE].get_collection(self.service, codec_options=options)
        self._light = self._documents.with_options(write_concern=WriteConcern(1, j=False))
        self._mail = (
            await mail_server(self._environment["CHAIN_SMTP_URL"]) if self.service == "notify" else None
        )
        connection = await aio_pika.connect(self._environment["CHAIN_AMQP_URL"])
        out = await connection.channel(publisher_confirms=True, on_return_raises=True)
        self._exchanges = {
            name: await out.get_exchange(f"{DATABASE}.{name}") for name in ("events", "private")
        }
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1)
        inbox = await channel.get_queue(f"{DATABASE}.{self.service}")
        await inbox.consume(self.answer)

    async def answer(self, message: AbstractIncomingMessage) -> None:
        cause = from_json(message.body)
        id = UUID(cause["correlationid"])
        document = await self._documents.find_one({"_id": id}) or fresh(id)
        if cause["id"] not in document["handled"]:
            facts = self._decide(document["state"], cause["type"], cause["data"])
            await self._save(document, cause, facts)
            if self.service == "notify":
                await self._tell(document, cause)
        await message.ack()

    async def register(self, body: Json) -> UUID:
        """Take a complaint in, as intake."""
        document, facts = registered(body)
        await self._save(document, None, facts)
        id: UUID = document["_id"]
        return id

    async def _save(self, document: Json, cause: Json | None, facts: Facts) -> None:
        """One write with everything, then the confirms, then the outbox is cleared."""
        owed = [event(self.service, document, cause, fact) for fact in facts]
        update: Json = {
            "$set": {"state": document["state"], "version": document["version"] + 1, "outbox": owed},
            "$push": {"handled": {"$each": [cause["id"]] if cause else [], "$slice": -256}},
        }
        if self.service == "intake":
            update["$push"]["journal"] = {"$each": [cause] if cause else [document["state"]["given"], *owed]}
        if document["version"] == 0:
            handled, journal = (update["$push"].get(name, {"$each": []}) for name in ("handled", "journal"))
            told = {"handled": handled["$each"], "journal": journal["$each"], "outbox": owed}
            await self._documents.insert_one({**document, "version": 1, **told})
        else:
            guarded = {"_id": document["_id"], "version": document["version"]}
            await self._documents.update_one(guarded, update)
        document["version"] += 1
        for each in owed:
            await self._publish(each)
        if owed:
            await self._light.update_one({"_id": document["_id"]}, {"$set": {"outbox": []}})

    async def _publish(self, owed: Json) -> None:
        body, type = json.dumps(owed).encode(), owed["type"]
        message = aio_pika.Message(
            body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=owed["id"]
        )
        await self._exchanges[exchange(type)].publish(message, type, mandatory=True)

    async def _tell(self, document: Json, cause: Json) -> None:
        """Mail what can be told now, one after the other, then write down that it was."""
        notices = untold(document["state"], cause["type"])
        for notice in notices:
            assert self._mail is not None
            if is_mailed(self._told, notice):
                await self._mail.send_message(mail(notice, document["state"]))
        if notices:
            document["state"].setdefault("notices", []).extend(notices)
            sent = [("notice.sent.v1", {**notice, "channel": "email", "cycle": 1}) for notice in notices]
            await self._save(document, cause, sent)


async def mail_server(url: str) -> aiosmtplib.SMTP:
    target = urlsplit(url)
    server = aiosmtplib.SMTP(hostname=target.hostname, port=target.port, timeout=15)
    await server.connect()
    return server


async def work(process: Process) -> None:
    await process.start()
    await asyncio.Event().wait()


def serve(process: Process, port: int) -> None:
    """Intake also has its door: a bare route, every request on its own."""

    @asynccontextmanager
    async def life(app: FastAPI) -> Any:
        await process.start()
        yield

    app = FastAPI(lifespan=life)

    @app.post("/v1/complaints")
    async def register(request: Request) -> Response:
        id = await process.register(json.loads(await request.body()))
        return Response(json.dumps({"id": str(id)}), 201, media_type="application/json")

    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False)


if __name__ == "__main__":
    here = Process(sys.argv[1], os.environ)
    if here.service == "intake":
        serve(here, int(os.environ["CHAIN_PORT"]))
    else:
        uvloop.run(work(here))
