"""The ways beside the usual one, on the running system: into the history, and each to its end."""

import asyncio

from deploy.local import scenes
from deploy.local.scenes.ways import not_ours, to_be_answered, without_agreement
from deploy.local.stage import Stage
from tests.kit.desk import Desk, desks
from tests.kit.toy import events_in, history

BESIDE = {
    f"complaint.{name}.v1"
    for name in (
        "adverse_event_recorded", "agreement_failed", "archived", "assigned", "disowned",
        "emergency_declared", "evidence_added", "implementation_started", "investigation_started", "merged",
        "owned", "related", "screened", "solution_approved", "solution_rejected", "withdrawn",
    )
}  # fmt: skip
"""Public events that only these tests bring about."""


async def told(desk: Desk, id: str, outcome: str) -> None:
    found = await desk.until(id, "closed")
    assert found["outcome"] == outcome


async def test_every_way_leads_to_its_end_and_into_the_history(played: Stage) -> None:
    async with desks(played) as (staff, approver, _):
        refused = await staff.made(pack="cn-petition", channel="letter", complainant=BY_LETTER, **NO_CLASS)
        await staff.step(refused, "screen", decision="refused", reason="This is for the court.")
        async with scenes.desks(played) as (clerk, chief):
            hurt = await to_be_answered(clerk, chief)
            await without_agreement(clerk)
            theirs = await not_ours(clerk, chief)
        await staff.step(hurt, "answer", 403, text="Sorry.")
        await approver.step(hurt, "answer", text="We are sorry.")
        await staff.step(theirs, "answer", text="Please turn to the seller.")
        back, twin, other = await staff.made(), await staff.made(), await staff.made()
        await staff.step(back, "withdraw")
        await staff.step(back, "archive")
        await staff.step(twin, "merge", into=other)
        await staff.step(other, "merge", 409, into=twin)
        await staff.step(twin, "relate", to=back)
        assert set((await staff.get(f"complaints/{other}")).json()["joined"]) == {twin}
        file = f"{staff.url}/complaints/{other}/evidence?name=a.txt"
        await staff.client.post(file, content=b"It leaks.", headers=PLAIN)
        await do_tasks(played, staff, refused)
        await told(staff, refused, "refused")
        await told(staff, theirs, "not_ours")
        await told(staff, twin, "merged")
        async with asyncio.timeout(90):
            while not {event.type for event in events_in(await history(played.servers))} >= BESIDE:
                await asyncio.sleep(0.5)


NO_CLASS = {"class": None}
PLAIN = {"Content-Type": "text/plain"}
BY_LETTER = {"name": "Tamsin Oakhollow", "address": "1 Long Road, Exampleton"}


async def do_tasks(played: Stage, desk: Desk, id: str) -> None:
    """Somebody posts the letters."""
    notices = f"{played.system.url('notify')}/v1/notices/{id}"
    async with asyncio.timeout(90):
        while (await desk.get(f"complaints/{id}")).json()["stage"] != "closed":
            for each in (await desk.client.get(notices)).json().get("notices", []):
                if each["state"] == "task":
                    await desk.client.post(f"{notices}/{each['id']}/done")
            await asyncio.sleep(0.2)
