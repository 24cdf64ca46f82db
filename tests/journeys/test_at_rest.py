"""What lies in the databases: no personal data that can be read, and after an erasure none at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import bson
import httpx
import pytest
from fastapi import FastAPI
from pydantic import create_model

from deploy.provision import COLLECTIONS
from services.notify import listeners as notify
from services.notify.api import notices as notices_api
from services.notify.api import tasks as tasks_api
from services.notify.store.notices import notices
from services.survey import listeners as survey
from services.survey.api import surveys as survey_api
from services.survey.domain.answering import Reply, answer
from services.survey.store import surveys
from services.triage import listeners as triage
from services.triage import store as gradings
from services.triage.api import gradings as triage_api
from services.triage.domain.case import Decided
from services.triage.domain.grading import decide
from shared import http, sealing
from shared.envelope import Cause
from shared.events import (
    ComplaintAnswered,
    ComplaintDispatched,
    ComplaintFedBack,
    ContactErased,
    ContactRecorded,
    Fact,
    ReplyRecorded,
    StatementRecorded,
    SurveyInvited,
)
from shared.mongo import Store
from shared.principals import Principal
from tests.kit.complaint import START, registered
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of

CONTACT = ContactRecorded(
    name="Zelda Quillfeather", email="zelda@quillfeather.example", phone="+447911555", address="9 Heron Lane",
    receipt_url="https://intake.invalid/receipts/R?secret=heron-receipt",
)  # fmt: skip
LINK = "https://survey.invalid/s/heron-link"
SECRETS = (
    "Zelda", "quillfeather", "447911555", "Heron", "heron", "the kettle sings", "We mend it",
    "ring my sister", "she was very angry", "print-of-a-mail",
)  # fmt: skip
KEYED = "print-of-a-mail"
"""Of no use without intake's key: triage keeps it readable, until it is erased."""


@pytest.fixture(autouse=True)
def links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "link", lambda survey, expires: LINK)


def cause(complaint: UUID, data: Any) -> Cause[Any]:
    return Cause(uuid4(), complaint, "RC-TESTTESTAA", START, "test", data)


@asynccontextmanager
async def opened(store: Store[Any], servers: AnyServers) -> AsyncIterator[None]:
    store.open(servers.mongo_url(store.service))
    try:
        yield
    finally:
        await store.close()


async def raw(servers: AnyServers, service: str) -> bytes:
    """Every document of a service's collection, as the database has it."""
    async with admin_of(servers) as client:
        found = await client[service][COLLECTIONS[service]].find({}).to_list()
    return b"".join(bson.encode(each, codec_options=_options()) for each in found)


def _options() -> Any:
    return bson.CodecOptions(uuid_representation=bson.binary.UuidRepresentation.STANDARD)


async def readable(servers: AnyServers, service: str) -> list[str]:
    """The secrets that can be read there."""
    written = await raw(servers, service)
    return [secret for secret in SECRETS if secret.encode() in written]


async def hears(listener: Any, complaint: UUID, *facts: Fact) -> None:
    for fact in facts:
        await listener(cause(complaint, fact))


@asynccontextmanager
async def door(*routers: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A service's API as it answers over HTTP."""
    app = FastAPI()
    http.set_up(app)
    for router in routers:
        app.include_router(router)
    desk = Principal(name="test", roles=frozenset({"recorder"}))
    app.dependency_overrides |= {http.caller: lambda: "test", http.principal: lambda: desk}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        yield client


TOLD: tuple[Fact, ...] = (
    registered("letter"),
    CONTACT,
    ComplaintDispatched(cycle=1, lead="quality", departments=("quality",)),
    ReplyRecorded(cycle=1, text="We mend it"),
    SurveyInvited(cycle=1, link=LINK, expires=START),
)


async def test_notify_keeps_and_forgets(servers: AnyServers) -> None:
    async with opened(notices, servers), door(tasks_api.router, notices_api.router) as client:
        waiting, whole = uuid4(), uuid4()
        await hears(notify.on_news, waiting, *TOLD[1:])
        await hears(notify.on_news, whole, *TOLD, ComplaintAnswered(cycle=1))
        assert await readable(servers, "notify") == []
        told = (await client.get("/v1/notices/tasks")).json()["tasks"]
        (letter,) = (each for each in told if each["complaint"] == str(whole) and each["kind"] == "result")
        assert (letter["address"], letter["details"]["reply"]) == ("9 Heron Lane", "We mend it")
        page = f"/v1/notices/{whole}/{letter['id']}/letter"
        assert "Zelda" in (await client.get(page)).text
        kept = await raw(servers, "notify")
        for id in (waiting, whole):
            await hears(notify.on_news, id, ContactErased(reason="requested"), *TOLD)
        assert sealed(whole, "contact", CONTACT.model_dump(mode="json")) in kept
        assert sealed(waiting, "contact", CONTACT.model_dump(mode="json")) in kept
        left = await raw(servers, "notify")
        assert not [each for id in (waiting, whole) for each in _sealed_secrets(id) if each in left]
        shown = (await client.get(f"/v1/notices/{whole}")).json()["notices"]
        states = {each["kind"]: (each["state"], each["route"]) for each in shown}
        assert states["result"] == states["survey"] == states["acknowledgement"] == ("suppressed", None)
        assert states["assignment"] == ("queued", "email")
        assert (await client.get(page)).status_code == 404
        done = await client.post(f"/v1/notices/{whole}/{letter['id']}/done")
        assert done.status_code == 409
        assert str(whole) not in (await client.get("/v1/notices/tasks")).text


def sealed(id: UUID, field: str, value: Any) -> bytes:
    """How a value of the state lies there."""
    kept: Any = create_model("Kept", value=Annotated[Any, *sealing.at_rest(field)])
    text: str = kept(value=value).model_dump(mode="json", context=id)["value"]["sealed"]
    return text.encode()


def _sealed_secrets(id: UUID) -> list[bytes]:
    named = {"name": CONTACT.name}
    details = [named, {"link": LINK}, {"link": LINK} | named, {"reply": "We mend it"}]
    details += [named | {"reply": "We mend it"}]
    values: dict[str, list[Any]] = {
        "details": details,
        "address": ["9 Heron Lane", CONTACT.email],
        "replies": ["We mend it"],
        "contact": [CONTACT.model_dump(mode="json")],
    }
    return [sealed(id, field, each) for field, some in values.items() for each in some]


async def test_survey_keeps_and_forgets(servers: AnyServers) -> None:
    async with opened(surveys, servers), door(survey_api.router) as client:
        id = uuid4()
        await hears(survey.on_news, id, registered(), ComplaintFedBack(cycle=1), ComplaintFedBack(cycle=2))
        state = (await surveys.get(id)).state  # type: ignore[union-attr]
        assert state is not None
        given = (state.surveys[0].id, Reply(score=3, comment="ring my sister"))
        await surveys.update(id, answer, cause(id, given))
        assert b"survey.invited.v1" in await raw(servers, "survey"), "it is owed, and sealed"
        assert await readable(servers, "survey") == []
        shown = (await client.get(f"/v1/surveys/{id}")).json()["surveys"]
        assert (shown[0]["answer"]["score"], shown[0]["answer"]["comment"]) == (3, "ring my sister")
        await hears(survey.on_news, id, ContactErased(reason="retention"))
        assert sealed(id, "comment", "ring my sister") not in await raw(servers, "survey")
        shown = (await client.get(f"/v1/surveys/{id}")).json()["surveys"]
        assert [each["answer"] and each["answer"]["comment"] for each in shown] == ["", None]
        assert [each["state"] for each in shown] == ["answered", "closed"]


async def test_triage_keeps_and_forgets(servers: AnyServers) -> None:
    async with opened(gradings.gradings, servers), door(triage_api.router) as client:
        id = uuid4()
        said = StatementRecorded(
            pack="base", pack_version=1, text="the kettle sings", fingerprints=(KEYED, f"{KEYED}-2")
        )
        await hears(triage.on_news, id, registered(), said)
        word = Decided(
            about="grade",
            name="severity",
            choice="serious",
            role="service_manager",
            by="Li",
            why="she was very angry",
            cycle=1,
            at=START,
        )
        await gradings.judge(id, decide, cause(id, word))
        assert await readable(servers, "triage") == [KEYED]
        before = (await client.get(f"/v1/gradings/{id}")).json()
        assert [each["why"] for each in before["decided"]] == ["she was very angry"]
        await hears(triage.on_news, id, ContactErased(reason="requested"))
        assert await readable(servers, "triage") == []
        assert sealed(id, "why", "she was very angry") not in await raw(servers, "triage")
        after = (await client.get(f"/v1/gradings/{id}")).json()
        assert after["decisions"] == before["decisions"]
        assert [each["why"] for each in after["decided"]] == [""]
        assert [each["decided"]["why"] for each in after["history"] if each["decided"]] == [""]
