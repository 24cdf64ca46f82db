"""One person with odd data, and everybody who works on their complaints in a running system."""

import asyncio
import json
from typing import Any

from deploy.local.play import Case, Players
from deploy.local.stage import Stage
from shared.events import Channel
from tests.kit.desk import Desk

NAME, PHONE, ADDRESS = (
    "Wilhelmina Ōgon-Quillfeather 魏明霞",
    "+44 7911 555 0199",
    "9 Heron–Weir, Flat ½, Xylopolis",
)
EMAIL, ORDER, PLACE = "w.quillfeather+odd@weir-house.example", "ORD-88123-QZ", "Mill Lane by the weir"
SAID = {
    "description": "My samovar <sings> & \"whistles\"; 茶壶漏水得厉害",
    "vin": "WDB2030461A123456", "sale_date": "Michaelmas eve", "file name": "zornige Gräfin.txt",
    "file": "Affidavit: the plumber Bartholomew swore at noon.\n", "note": "Bartholomew rang me twice",
    "word": "Told her husband Cornelius to wait", "reject": "Cornelius wants too much money",
    "approve": "Philomena begged me herself", "wish": "craves a porcelain teapot",
    "report": "carried to Eudokia's porch", "audit": "Eudokia unwrapped the parcel",
    "reply": "Dear Wilhelmina, we have gilded it", "summary": "gilded for Wilhelmina and Philomena",
    "why": "Horatio pleaded for her", "comment": "Gilding flakes off, tell Ambrosius",
    "withdraw": "her lawyer Ambrosius arranged it",
    "reopen": "lawyer Ambrosius came back furious", "disown": "sold by her uncle Theophrastus",
    "adverse": "no, merely scalded a budgerigar", "findings": "the lid was lost by Theophrastus",
}  # fmt: skip
SECRETS = (NAME, PHONE, ADDRESS, EMAIL, ORDER, PLACE, *SAID.values())
DIGITS = ("5550199", "7911555", "447911")
PUBLIC = "Larkspur-kettle-2000"
"""The product of everybody here: what the search must find."""
WHO = {"name": NAME, "email": EMAIL, "phone": PHONE, "address": ADDRESS}
VEHICLE = {
    "vin": SAID["vin"], "sale_date": SAID["sale_date"], "production_date": "2026", "place": PLACE,
    "mileage": 9, "fault_count": 1, "lead_department": "quality", "execution_audited": True,
}  # fmt: skip
TOO_MUCH = {"value": "6000", "currency": "CNY"}


class House:
    """Everybody at work in one system."""

    def __init__(self, at: Stage, staff: Desk, approver: Desk) -> None:
        self.at, self.staff, self.approver = at, staff, approver
        self.players = Players(at.system, staff.client, at.mailbox, at.gateway)

    async def made(self, *ways: str, channel: Channel, **more: Any) -> str:
        product = {"name": PUBLIC, "order": ORDER, "model": "M", "batch": "B7"}
        given = {"complainant": {"name": NAME} | {way: WHO[way] for way in ways}, "product": product}
        said = {"description": SAID["description"], "place": PLACE, "channel": channel}
        id = await self.staff.made(**given | said | more)
        await self.staff.until(id, "dispatched")
        return id

    async def approves(self, id: str, **said: Any) -> None:
        answer = await self.approver.on_seen(id, "steps", said)
        assert answer.status_code == 200, answer.text

    async def words_beside(self, id: str) -> None:
        """Notes, words exchanged and a file."""
        note = {"text": SAID["note"]}
        word = {"text": SAID["word"], "direction": "out", "channel": "hotline"}
        for path, said in (("notes", note), ("communications", word)):
            assert (await self.staff.post(f"complaints/{id}/{path}", said)).status_code == 201
        url = f"{self.staff.url}/complaints/{id}/evidence"
        name = {"name": SAID["file name"]}
        kept = await self.staff.client.post(url, params=name, content=SAID["file"].encode())
        assert kept.status_code == 201, kept.text

    async def whole_way(self, id: str) -> None:
        """From dispatched to closed, by every step that takes words."""
        step = self.staff.step
        await step(id, "accept")
        await step(id, "investigate", findings=SAID["findings"])
        await step(id, "investigate", cause="material")
        solution: dict[str, Any] = {
            "measure": "replace",
            "permanent": "check",
            "department": "quality",
            "cost": TOO_MUCH,
        }
        await step(id, "propose", **solution)
        await self.approves(id, step="reject", reason=SAID["reject"])
        await step(id, "propose", **solution)
        await self.approves(id, step="approve", comment=SAID["approve"])
        await step(id, "offer")
        await step(id, "negotiate", wish=SAID["wish"])
        await step(id, "propose", **solution | {"cost": None})
        await step(id, "offer")
        await step(id, "agree")
        await step(id, "implement", report=SAID["report"])
        await step(id, "audit", findings=SAID["audit"])
        await step(id, "answer", text=SAID["reply"])
        await self.answers_survey(id)
        await self.staff.until(id, "surveyed")
        await step(id, "close", summary=SAID["summary"])

    async def judged(self, id: str) -> None:
        """A person's word on the grade, with their reasons."""
        word = {"about": "grade", "name": "severity", "choice": "serious", "role": "service_manager"}
        url = f"{self.at.system.url('triage')}/v1/gradings/{id}/decisions"
        answer = await self.staff.client.post(url, json=word | {"why": SAID["why"]})
        assert answer.status_code == 201, answer.text

    async def answers_survey(self, id: str) -> None:
        number = (await self.staff.until(id, "fed_back"))["number"]
        case = Case(body={}, play={}, id=id, number=number)
        async with asyncio.timeout(90):
            while not (links := self.players.links(case)):
                await asyncio.sleep(0.1)
        filled = {"score": "8", "comment": SAID["comment"]}
        (await self.staff.client.post(links[0], data=filled)).raise_for_status()


async def handed_in(at: House) -> list[str]:
    """Four complaints by four channels: one closed, three open at several stages."""
    closed = await at.made(
        "email", "phone", "address", channel="email", pack="cn-vehicle-1wd", details=VEHICLE
    )
    await at.words_beside(closed)
    await at.whole_way(closed)
    letter = await at.made("address", channel="letter")
    await at.words_beside(letter)
    await at.staff.step(letter, "disown", reason=SAID["disown"])
    await at.staff.step(letter, "own")
    await at.staff.step(letter, "accept")
    await at.staff.step(letter, "investigate", cause="material")
    await at.judged(letter)
    call = await at.made("phone", channel="hotline")
    await at.staff.step(call, "adverse_event", occurred=False, answer=SAID["adverse"])
    site = await at.made("email", "phone", channel="website")
    await at.staff.step(site, "withdraw", reason=SAID["withdraw"])
    await at.staff.step(site, "reopen", reason=SAID["reopen"])
    await at.staff.until(site, "dispatched")
    return [closed, letter, call, site]


# everything that can be asked of a complaint


async def answers(at: House, ids: list[str]) -> dict[str, bytes]:
    """Every answer of every service about these complaints, with all that is opened on demand."""
    paths = [("intake", path) for path in _of_record(ids)]
    for id in ids:
        paths += [("notify", f"notices/{id}"), ("survey", f"surveys/{id}"), ("triage", f"gradings/{id}")]
        paths += [("sla", f"deadlines/{id}")]
        paths += [("notify", f"notices/{id}/{each}/letter") for each in await _notices(at, id)]
    paths += [("notify", "notices/tasks?page_size=500"), ("sla", "deadlines"), ("sla", "forecast?hours=1000")]
    found = {}
    for service, path in paths:
        url = f"{at.at.system.url(service)}/v1/{path}"
        desk = at.approver if path.startswith("reads") else at.staff
        answer = await desk.client.get(url)
        assert answer.status_code in (200, 404, 409), (path, answer.text)
        found[path] = answer.content
    for whom in ({"email": EMAIL}, {"phone": PHONE}, *({"complaint": id} for id in ids)):
        answer = await at.approver.post("people:export", whom)
        assert answer.status_code == 200, answer.text
        found[f"export of {whom}"] = answer.content
    return found


def _of_record(ids: list[str]) -> list[str]:
    of_one = ("?personal=true", "/timeline?language=en", "/timeline?language=zh-CN", "/evidence/1")
    papers = [f"complaints/{id}/papers/market_report" for id in ids]
    paths = [f"complaints/{id}{each}" for id in ids for each in of_one] + papers
    paths += ["complaints?page_size=500", "complaints:export?format=csv", "complaints:export?format=xlsx"]
    paths += [f"complaints?text={each}" for each in ("Wilhelmina", "samovar", "gilding", "XYZ")]
    return [*paths, "reads?page_size=500", "delegations"]


async def _notices(at: House, id: str) -> list[str]:
    answer = await at.staff.client.get(f"{at.at.system.url('notify')}/v1/notices/{id}")
    return [each["id"] for each in answer.json()["notices"]]


async def figures(at: House, ids: list[str]) -> dict[str, Any]:
    """All that is counted: lists by every filter, the whole ledger, what was in time, grades and scores."""
    found: dict[str, Any] = {}
    narrow: tuple[dict[str, str], ...] = (
        {}, {"stage": "closed"}, {"stage": "investigated"}, {"outcome": "resolved"}, {"pack": "base"},
        {"class": "product_quality"}, {"grade": "serious"}, {"department": "quality"}, {"overdue": "false"},
        {"channel": "letter"}, {"product": PUBLIC}, {"registered_from": "2000-01-01T00:00:00Z"},
    )  # fmt: skip
    for wanted in narrow:
        answer = await at.staff.get("complaints", **wanted, page_size=500)
        found[f"list {wanted}"] = answer.json()["complaints"]
        assert found[f"list {wanted}"], wanted
    found["ledger"] = (await at.staff.get("complaints:export", format="csv")).text
    system, ask = at.at.system, at.staff.client.get
    by = "pack,clock,grade,department,month"
    url = f"{system.url('sla')}/v1/statistics/deadlines?from=2020-01&to=2035-12&by={by}"
    found["in time"] = (await ask(url)).json()
    for id in ids:
        graded = (await ask(f"{system.url('triage')}/v1/gradings/{id}")).text
        found[f"grading {id}"] = json.loads(graded.replace(SAID["why"], ""))
        asked = (await ask(f"{system.url('survey')}/v1/surveys/{id}")).json()
        found[f"scores {id}"] = [each["answer"] and each["answer"]["score"] for each in asked["surveys"]]
    return found
