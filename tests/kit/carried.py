"""A complaint that is carried through its stages over a real database, and what is then in it."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from typer.testing import CliRunner, Result

from deploy.cli import program
from deploy.provision import AUDITOR
from services.intake.domain.hearing import hear
from services.intake.store.complaints import complaints
from shared import chain, clock
from shared.envelope import Cause
from shared.events import ComplaintDispatched, ComplaintGraded, Fact, NoticeSent, SurveyAnswered
from tests.conftest import HOUSE_KEY
from tests.kit.house import House
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of

KEY = chain.public_key(HOUSE_KEY).hex()
Document = dict[str, Any]


async def heard(id: str, *facts: Fact) -> None:
    for fact in facts:
        found = await complaints.get(UUID(id))
        assert found is not None
        assert found.state is not None
        numbers = [
            each["sequence"] for each in await complaints.journal(UUID(id)) if each["by"] == fact.owner
        ]
        cause = Cause(uuid4(), UUID(id), found.state.number, clock.now(), fact.owner, fact)
        event = replace(cause, sequence=len(numbers) + 1, type=fact.type)
        await complaints.update(UUID(id), hear, event)


GRADED = ComplaintGraded(cycle=1, class_="product_quality", suggested=False, grade="minor", matches=())
DISPATCHED = ComplaintDispatched(cycle=1, lead="quality", departments=("quality", "production"))
STEPS: tuple[dict[str, Any], ...] = (
    {"step": "accept"}, {"step": "assign", "handler": "Li"}, {"step": "investigate", "cause": "material"},
    {"step": "propose", "measure": "replace", "department": "quality"},
    {"step": "offer", "text": "We replace it."}, {"step": "agree"},
    {"step": "pause", "waits_for": "customer", "question": "Which colour?"}, {"step": "resume"},
    {"step": "implement"}, {"step": "audit"},
    {"step": "answer", "text": "We replaced it."},
)  # fmt: skip


async def carried(at: House, steps: int = len(STEPS)) -> str:
    """A complaint that went so far."""
    id = await at.hand_in(**{"class": "product_quality"})
    await heard(id, GRADED, DISPATCHED)
    for step in STEPS[:steps]:
        answer = await at.step(id, **step)
        assert answer.status_code == 200, answer.text
    if steps == len(STEPS):
        await heard(id, NoticeSent(notice="n", kind="result", channel="email", cycle=1))
        await heard(id, SurveyAnswered(cycle=1, score=9))
    return id


async def verified(servers: AnyServers, id: str, *words: str, key: str = KEY) -> Result:
    command = ["verify", "--url", servers.mongo_url(AUDITOR), "--public-key", key, "--complaint", id, *words]
    return await asyncio.to_thread(CliRunner().invoke, program(), command)


async def document(servers: AnyServers, id: str) -> Document:
    async with admin_of(servers) as client:
        found = await client["intake"]["complaints"].find_one({"_id": UUID(id)})
    assert found is not None
    return found


async def put(servers: AnyServers, document: Document) -> None:
    """What somebody with all rights in the database can do."""
    async with admin_of(servers) as client:
        await client["intake"]["complaints"].replace_one({"_id": document["_id"]}, document)
