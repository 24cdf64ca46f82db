"""The loop closes in the running system: a score becomes a question, an answer and figures (P08)."""

import asyncio
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from deploy.local.play import Case, Players
from deploy.local.stage import Stage
from tests.journeys.test_policies import told, until
from tests.kit.desk import Desk, desks

PACK = "cn-dealer-abc"
MONTHS = {"from": "2020-01-01T00:00:00Z"}


async def answered(staff: Desk, approver: Desk, product: str) -> str:
    """A complaint of a customer of the dealer's, whose answer has reached them."""
    id = await staff.made(pack=PACK, product={"name": product})
    await staff.until(id, "dispatched")
    await staff.step(id, "accept")
    await staff.step(id, "investigate", cause="material")
    await staff.step(id, "propose", measure="replace", department="service_desk")
    await approve(approver, id)
    for step in ("offer", "agree", "implement", "audit"):
        await staff.step(id, step)
    await staff.step(id, "answer", text="We replaced it.")
    return id


async def approve(approver: Desk, id: str) -> None:
    answer = await approver.on_seen(id, "steps", {"step": "approve"})
    assert answer.status_code == 200, answer.text


async def scores(played: Stage, staff: Desk, id: str, score: int) -> None:
    """The customer answers by the link that they got."""
    number = (await staff.until(id, "fed_back"))["number"]
    players = Players(played.system, staff.client, played.mailbox, played.gateway)
    case = Case(body={}, play={}, id=id, number=number)
    async with asyncio.timeout(90):
        while not (links := players.links(case)):
            await asyncio.sleep(0.1)
    (await staff.client.post(links[0], data={"score": str(score), "comment": "Rude."})).raise_for_status()


async def waits(staff: Desk, triage: str, id: str) -> dict[str, Any] | None:
    """What is asked about this complaint."""
    query = {"role": "service_manager", "question": "score_0_6", "page_size": "200"}
    found = (await staff.client.get(f"{triage}/adjudications", params=query)).json()
    return next((dict(each) for each in found["adjudications"] if each["complaint"] == id), None)


async def regraded(staff: Desk, id: str, grade: str) -> dict[str, Any] | None:
    """The complaint as its record has it, once it has this grade."""
    shown: dict[str, Any] = (await staff.get(f"complaints/{id}")).json()
    return shown if shown["complaint"]["graded"]["1"]["grade"] == grade else None


async def report(staff: Desk, triage: str) -> dict[str, Any]:
    query = {"pack": PACK} | MONTHS | {"to": "2100-01-01T00:00:00Z"}
    found = (await staff.client.get(f"{triage}/adjudications:report", params=query)).json()
    return next(dict(each) for each in found if each["question"] == "score_0_6")


async def test_a_score_of_five_is_adjudicated_reported_and_counted(played: Stage) -> None:
    async with desks(played) as (staff, approver, partner):
        product, triage = f"w{uuid4().hex[:12]}", f"{played.system.url('triage')}/v1"
        id = await answered(staff, approver, product)
        await scores(played, staff, id, 5)
        await staff.until(id, "closed")

        [question] = (await until(partial(waits, staff, triage, id)))["questions"]
        assert (question["score"], question["grade"], question["cycle"]) == (5, "grievance_b", 1)
        before = await report(staff, triage)
        word = {"about": "question", "name": "score_0_6", "choice": "a", "role": "service_manager"}
        decided = await staff.client.post(f"{triage}/gradings/{id}/decisions", json=word | {"why": "angry"})
        assert decided.status_code == 201, decided.text
        after = await report(staff, triage)
        assert (after["answers"]["a"], after["answers"]["b"]) == (
            before["answers"]["a"] + 1,
            before["answers"]["b"],
        )
        assert Decimal(after["target"]) == Decimal("0.9")

        shown = await until(partial(regraded, staff, id, "grievance_a"))
        assert (shown["stage"], shown["cycle"]) == ("closed", 1), "graded all the same, and nothing moves"
        survey = shown["complaint"]["surveys"]["1"]
        assert (survey["ended"], survey["score"], survey["by"]) == ("answered", 5, "customer")
        found = (await staff.get("statistics", product=product, by="department", **MONTHS)).json()
        said = found["total"]["satisfaction"]
        assert (said["asked"], said["answered"], said["response_rate"], said["mean"]) == (1, 1, 1.0, 5.0)
        lines = (await staff.get(f"complaints/{id}/timeline", language="en")).json()
        assert "Survey answered, score 5" in str(lines)
        assert (await partner.client.get(f"{triage}/adjudications")).status_code == 403
    graded = await told(played, "complaint.graded.v1", id)
    assert [each.data.reason for each in graded] == ["registered", "score", "decision"]
    assert len(await told(played, "complaint.dispatched.v1", id)) == 1
