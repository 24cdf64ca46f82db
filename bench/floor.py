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
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aio_pika
import aiosmtplib
import uuid_utils
import uvicorn
import uvloop
from aio_pika.abc import AbstractIncomingMessage
from bson.codec_options import CodecOptions
from fastapi import FastAPI, Request, Response
from pydantic_core import from_json
from pymongo import AsyncMongoClient, WriteConcern

from bench.floor_topology import exchange
from shared import clock

Json = dict[str, Any]
Facts = list[tuple[str, Json]]
Decision = Callable[[Json, str, Json], Facts]
"""Changes the state in place by an event's type and data; returns the events to publish."""

DATABASE = "floor"


# what each service decides


def intake(state: Json, type: str, data: Json) -> Facts:
    if type == "complaint.graded.v1":
        state |= {"graded": data, "stage": "graded"}
    elif type == "complaint.dispatched.v1":
        state |= {"dispatched": data, "stage": "dispatched"}
    return []


def triage(state: Json, type: str, data: Json) -> Facts:
    state["registered" if type == "complaint.registered.v1" else "statement"] = data
    if len(state) < 2:
        return []
    match = {"rule": "noticeable sum", "fact": "loss", "value": "310", "comparison": "at least 200"}
    graded = {"cycle": 1, "class": "service", "suggested": False, "grade": "ordinary", "matches": [match]}
    dispatched = {"cycle": 1, "lead": "service_desk", "departments": ["service_desk", "sales"]}
    state |= {"graded": graded, "dispatched": dispatched}
    return [("complaint.graded.v1", graded), ("complaint.dispatched.v1", dispatched)]


def sla(state: Json, type: str, data: Json) -> Facts:
    facts: Facts = []
    if type == "complaint.registered.v1":
        state |= {"registered": data, "clocks": []}
    elif type == "complaint.graded.v1":
        facts = [started(state, "acknowledge"), started(state, "resolve")]
    elif type == "complaint.dispatched.v1":
        facts = [started(state, "accept"), started(state, "propose")]
    elif data["kind"] == "acknowledgement":
        state["acknowledged"] = now()
    if state["clocks"] and "acknowledged" in state and "met" not in state:
        state["met"] = True
        facts.append(("deadline.met.v1", state["clocks"][0] | {"stopped": state["acknowledged"]}))
    return facts


def started(state: Json, name: str) -> tuple[str, Json]:
    clock = {"cycle": 1, "clock": name, "due": now(), "started": now()}
    state["clocks"].append(clock)
    return "deadline.set.v1", clock


def notify(state: Json, type: str, data: Json) -> Facts:
    """Notes only; what is told follows from `untold`."""
    state[type.split(".")[1]] = data
    return []


def survey(state: Json, type: str, data: Json) -> Facts:
    state["registered"] = data
    return []


DECISIONS: dict[str, Decision] = {
    "intake": intake,
    "triage": triage,
    "sla": sla,
    "notify": notify,
    "survey": survey,
}


def now() -> str:
    return clock.machine_now().isoformat()


# how every one of them works


class Process:
    """One service: its collection, its queue, its publisher."""

    def __init__(self, service: str, environment: Mapping[str, str]) -> None:
        self.service = service
        self._environment = environment
        self._decide = DECISIONS[service]

    async def start(self) -> None:
        client: AsyncMongoClient[Json] = AsyncMongoClient(self._environment["FLOOR_MONGO_URL"])
        options: CodecOptions[Json] = CodecOptions(tz_aware=True, uuid_representation=4)
        self._documents = client[DATABASE].get_collection(self.service, codec_options=options)
        self._light = self._documents.with_options(write_concern=WriteConcern(1, j=False))
        self._mail = (
            await _mail_server(self._environment["FLOOR_SMTP_URL"]) if self.service == "notify" else None
        )
        connection = await aio_pika.connect(self._environment["FLOOR_AMQP_URL"])
        out = await connection.channel(publisher_confirms=True, on_return_raises=True)
        self._exchanges = {name: await out.get_exchange(name) for name in ("floor.events", "floor.private")}
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1)
        inbox = await channel.get_queue(f"floor.{self.service}")
        await inbox.consume(self.answer)

    async def answer(self, message: AbstractIncomingMessage) -> None:
        event = from_json(message.body)
        id = UUID(event["correlationid"])
        document = await self._documents.find_one({"_id": id}) or fresh(id)
        if event["id"] not in document["handled"]:
            facts = self._decide(document["state"], event["type"], event["data"])
            await self._save(document, event, facts)
            if self.service == "notify":
                await self._tell(document, event)
        await message.ack()

    async def register(self, body: Json) -> UUID:
        """Take a complaint in, as intake."""
        id = UUID(bytes=uuid_utils.uuid7().bytes)
        document = fresh(id)
        document["state"] = {"given": body, "stage": "registered", "registered_at": now()}
        pinned = {"pack": "base", "pack_version": 1}
        public = {key: body[key] for key in ("channel", "language", "class", "product", "demand", "loss")}
        facts = [
            ("complaint.registered.v1", pinned | public),
            ("contact.recorded.v1", body["complainant"]),
            ("statement.recorded.v1", pinned | {"text": body["description"]}),
        ]
        await self._save(document, None, facts)
        return id

    async def _save(self, document: Json, cause: Json | None, facts: Facts) -> None:
        """One write with everything, then the confirms, then the outbox is cleared."""
        owed = [self._event(document, cause, type, data) for type, data in facts]
        update: Json = {
            "$set": {"state": document["state"], "version": document["version"] + 1, "outbox": owed},
            "$push": {"handled": {"$each": [cause["id"]] if cause else [], "$slice": -256}},
        }
        if self.service == "intake":
            update["$push"]["journal"] = {"$each": [cause] if cause else [document["state"]["given"], *owed]}
        await self._documents.update_one(
            {"_id": document["_id"], "version": document["version"]}, update, upsert=True
        )
        document["version"] += 1
        for event in owed:
            await self._publish(event)
        if owed:
            await self._light.update_one({"_id": document["_id"]}, {"$set": {"outbox": []}})

    def _event(self, document: Json, cause: Json | None, type: str, data: Json) -> Json:
        return {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": f"/redress/{self.service}",
            "type": type,
            "subject": "RC-2345678923",
            "time": now(),
            "datacontenttype": "application/json",
            "dataschema": f"/schemas/{type}.json",
            "correlationid": str(document["_id"]),
            "causationid": cause["id"] if cause else str(document["_id"]),
            "sequence": f"{document['version']:010d}",
            "data": data,
        }

    async def _publish(self, event: Json) -> None:
        message = aio_pika.Message(
            json.dumps(event).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=event["id"]
        )
        await self._exchanges[exchange(event["type"])].publish(message, event["type"], mandatory=True)

    async def _tell(self, document: Json, cause: Json) -> None:
        """Mail what can be told now, one after the other, then write down that it was."""
        notices = untold(document["state"], cause["type"])
        for notice in notices:
            assert self._mail is not None
            await self._mail.send_message(mail(notice, document["state"]))
        if notices:
            document["state"].setdefault("notices", []).extend(notices)
            sent = [("notice.sent.v1", {**notice, "channel": "email", "cycle": 1}) for notice in notices]
            await self._save(document, cause, sent)


def fresh(id: UUID) -> Json:
    return {"_id": id, "version": 0, "state": {}, "handled": []}


def untold(state: Json, type: str) -> list[Json]:
    """The notices that this event allows: the acknowledgement, or the departments' assignments."""
    if type == "complaint.dispatched.v1":
        departments = state["dispatched"]["departments"]
        addresses = [("assignment", f"{each}@departments.invalid") for each in departments]
    else:
        both = "registered" in state and "recorded" in state
        addresses = [("acknowledgement", state["recorded"]["email"])] if both else []
    return [{"notice": str(uuid4()), "kind": kind, "to": to} for kind, to in addresses]


def mail(notice: Json, state: Json) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = "complaints@redress.invalid", notice["to"]
    made["Subject"] = f"Your complaint RC-2345678923: {notice['kind']}"
    made["Message-ID"] = f"<{notice['notice']}@redress.invalid>"
    made.set_content(
        f"Dear {state['recorded']['name']},\n\nthis is about RC-2345678923.\n\nThe service desk\n" * 3
    )
    return made


async def _mail_server(url: str) -> aiosmtplib.SMTP:
    target = urlsplit(url)
    server = aiosmtplib.SMTP(hostname=target.hostname, port=target.port, timeout=15)
    await server.connect()
    return server


# serving


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
        serve(here, int(os.environ["FLOOR_PORT"]))
    else:
        uvloop.run(work(here))
