"""Who sees what of people's data through intake's doors: exports, the log of reads, respondents, bad keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4
from zipfile import ZipFile

import httpx
import pytest

from services.intake.store import people as store
from services.intake.store.complaints import complaints
from shared import sealing
from tests.conftest import HOUSE_KEY
from tests.intake.test_people_doors import ann, state_of
from tests.kit.house import DESK, House, house
from tests.kit.issuer import Issuer, issuing
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of

TEXT = b"She was very angry, and so am I.\n"


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch) as found:
        yield found


@pytest.fixture
async def with_staff(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[House, Issuer]]:
    with issuing() as issuer:
        async with house(servers, monkeypatch, oidc_issuer=issuer.url) as found:
            yield found, issuer


async def full(at: House, by: str = "desk", **who: Any) -> str:
    """A complaint with everything that a person leaves in one."""
    details = {"vin": "VIN-0815", "mileage": 9, "fault_count": 1, "place": "Weir Road"}
    details |= {"production_date": "a Monday", "sale_date": "a Tuesday"}
    id = await at.hand_in(
        by, **who, description="The samovar sings.", place="Mill Lane", pack="cn-vehicle-1wd",
        product={"order": "ORDER-4711", "model": "S"}, details=details,
    )  # fmt: skip
    assert (await at.add_file(id, "angry letter.txt", TEXT)).status_code == 201
    for path, said in (
        ("notes", {"text": "He rang twice", "visibility": "partner"}),
        ("notes", {"text": "Be careful with him"}),
        ("communications", {"text": "I told him so", "direction": "out", "channel": "hotline"}),
        ("steps", {"step": "withdraw", "reason": "His sister has mended it"}),
    ):
        answer = await at.ask("desk", "POST", f"/complaints/{id}/{path}", json=said)
        assert answer.status_code in (200, 201), answer.text
    return id


SAID = (
    "The samovar sings.", "Mill Lane", "ORDER-4711", "VIN-0815", "Weir Road", "angry letter.txt",
    "He rang twice", "Be careful with him", "I told him so", "His sister has mended it",
)  # fmt: skip


async def test_an_export_has_all_of_one_person_and_nothing_of_others(at: House) -> None:
    one, other = ann(uuid4().hex, phone="+44 7911 000 111"), ann(uuid4().hex)
    mine = [await full(at, **one), await at.hand_in(**ann(uuid4().hex, phone="07911 000111"))]
    theirs = await full(at, **other)
    alone = (await at.ask("officer", "POST", "/people:export", json={"complaint": mine[0]})).json()
    assert ([each["id"] for each in alone["complaints"]], alone["linked"]) == (mine[:1], 1)
    whose = {"complaint": mine[0], "linked": True}
    answer = await at.ask("officer", "POST", "/people:export", json=whose)
    found = answer.json()["complaints"]
    assert [each["id"] for each in found] == mine, "in the order in which they came"
    whole = json.dumps(found, ensure_ascii=False)
    for word in (*SAID, *one["complainant"].values()):
        assert word in whole, word
    assert other["complainant"]["email"] not in whole
    assert theirs not in whole
    for ways, found in (
        ({"email": one["complainant"]["email"]}, mine[:1]),
        ({"phone": "07911 000 111"}, mine),
    ):
        answer = await at.ask("officer", "POST", "/people:export", json=ways)
        assert [each["id"] for each in answer.json()["complaints"]] == found, ways
    for by in ("desk", "auditor", "shop"):
        for what in ("export", "erase"):
            refused = await at.ask(by, "POST", f"/people:{what}", json={"complaint": mine[0]})
            assert refused.status_code == 403


async def test_every_read_is_logged_with_who_and_when(at: House) -> None:
    id = await full(at, **ann(uuid4().hex))
    before = len((await at.ask("officer", "GET", f"/reads?complaint={id}")).json())
    assert before == 0, "to write is not to read"
    await at.see(id, personal=False)
    await at.see(id, "auditor")
    await at.ask("desk", "GET", f"/complaints/{id}/evidence/1")
    assert "VIN-0815" in (await at.ask("desk", "GET", f"/complaints/{id}/papers/market_report")).text
    await at.ask("officer", "POST", "/people:export", json={"complaint": id})
    await at.ask("desk", "GET", "/complaints", params={"text": "samovar", "page_size": 1})
    reads = (await at.ask("auditor", "GET", f"/reads?complaint={id}")).json()
    told = [f"{each['by']} {each['what']}" for each in reversed(reads)]
    told_of = ["auditor complaint", "desk evidence 1", "desk paper market_report", "officer export"]
    assert told == told_of
    assert all(each["at"] for each in reads)
    searches = (
        await at.ask("officer", "GET", f"/reads?reader=desk&complaint={UUID(int=0)}&page_size=1")
    ).json()
    assert [each["what"] for each in searches] == ["search"]
    for by in ("desk", "shop"):
        assert (await at.ask(by, "GET", "/reads")).status_code == 403


async def test_a_partner_sees_its_own_customers_and_the_notes_that_are_for_it(at: House) -> None:
    id = await full(at, "shop", **ann(uuid4().hex))
    seen = json.dumps(await at.see(id, "shop"))
    assert "He rang twice" in seen
    assert "Be careful" not in seen
    assert "desk" not in str((await at.see(id, "shop")).get("actions"))
    other = await full(at, **ann(uuid4().hex))
    for path in ("?personal=true", "/timeline", "/evidence/1"):
        assert (await at.ask("shop", "GET", f"/complaints/{other}{path}")).status_code == 404


# whoever is complained about


EVERY_STEP = [
    {"step": "accept"}, {"step": "assign", "handler": "li"}, {"step": "investigate"},
    {"step": "disown", "reason": "-"}, {"step": "propose", "measure": "-", "department": "quality"},
    {"step": "approve"}, {"step": "reject", "reason": "-"}, {"step": "offer"}, {"step": "agree"},
    {"step": "negotiate"}, {"step": "disagree", "remedies": "-"}, {"step": "start"}, {"step": "implement"},
    {"step": "audit"}, {"step": "answer", "text": "-"}, {"step": "close", "summary": "-"},
    {"step": "archive"}, {"step": "reopen", "reason": "-"}, {"step": "withdraw"},
    {"step": "merge", "into": "{other}"}, {"step": "relate", "to": "{other}"}, {"step": "own"},
    {"step": "emergency", "team": ["li"], "spokesperson": "li"}, {"step": "screen", "decision": "in_scope"},
    {"step": "adverse_event", "occurred": False}, {"step": "pause", "waits_for": "customer"},
    {"step": "resume"},
]  # fmt: skip


async def test_a_respondent_never_sees_who_recorded_it_and_takes_no_step(
    with_staff: tuple[House, Issuer],
) -> None:
    at, issuer = with_staff
    everything = [*DESK, "supervisors", "general_manager", "data_protection"]
    wang, li = issuer.token("wangxiulan", DESK), issuer.token("li", everything)
    product = uuid4().hex
    id = await at.hand_in(wang, product={"name": product})
    other = await at.hand_in(wang)
    for path, said in (
        ("facts", {"respondents": ["id-of-li"]}), ("notes", {"text": "seen"}), ("notes", {"text": "heard"}),
        ("communications", {"text": "told", "direction": "in", "channel": "email"}),
    ):  # fmt: skip
        answer = await at.ask(wang, "POST", f"/complaints/{id}/{path}", json=said)
        assert answer.status_code in (200, 201), answer.text
    assert (await at.add_file(id, "letter.txt", TEXT, wang)).status_code == 201
    for step in EVERY_STEP:
        said = json.loads(json.dumps(step).replace("{other}", other))
        answer = await at.step(id, li, **said)
        assert answer.status_code in (403, 428), (step, answer.text)
        if answer.status_code == 428:
            head = {"If-Match": (await at.ask(li, "GET", f"/complaints/{id}")).headers["ETag"]}
            answer = await at.ask(li, "POST", f"/complaints/{id}/steps", json=said, headers=head)
            assert answer.status_code == 403
    for path, more in (("facts", {"respondents": []}), ("notes", {"text": "-"})):
        assert (await at.ask(li, "POST", f"/complaints/{id}/{path}", json=more)).status_code == 403
    assert (await at.add_file(id, "mine.txt", TEXT, li)).status_code == 403
    answers = await everywhere(at, li, id, product)
    assert "li" in answers["view"].text, "the record is there"
    assert product in answers["csv"].text
    for name, answer in answers.items():
        content = unpacked(answer.content) if name == "xlsx" else answer.content
        assert b"wang" not in content.lower(), name
    assert b"wangxiulan" in (await everywhere(at, wang, id, product))["view"].content


async def everywhere(at: House, by: str, id: str, product: str) -> dict[str, httpx.Response]:
    """All that intake answers about a complaint."""
    paths = {
        "view": f"/complaints/{id}", "personal": f"/complaints/{id}?personal=true",
        "timeline": f"/complaints/{id}/timeline?language=en", "file": f"/complaints/{id}/evidence/1",
        "list": f"/complaints?product={product}", "search": f"/complaints?product={product}&text=wangxiulan",
        "papers": f"/complaints/{id}/papers", "paper": f"/complaints/{id}/papers/complaint_form",
        "csv": f"/complaints:export?product={product}",
        "xlsx": f"/complaints:export?product={product}&format=xlsx",
    }  # fmt: skip
    found = {name: await at.ask(by, "GET", path) for name, path in paths.items()}
    if by != "desk":
        found["export"] = await at.ask(by, "POST", "/people:export", json={"complaint": id})
    assert {each.status_code for each in found.values()} <= {200, 403, 404}, found
    assert found["search"].json()["complaints"] == []
    return found


def unpacked(book: bytes) -> bytes:
    with ZipFile(BytesIO(book)) as files:
        return b"".join(files.read(name) for name in files.namelist())


# keys


async def test_two_complaints_of_one_person_share_their_key(at: House) -> None:
    who = ann(uuid4().hex)
    ids = await asyncio.gather(*(at.hand_in(**who, description=f"{n}") for n in range(20)))
    people = {(await state_of(id)).person for id in ids}
    assert len(people) == 1
    assert len(await store.keys(people)) == 1
    assert (await state_of(await at.hand_in(**ann(uuid4().hex)))).person not in people


async def harmed(servers: AnyServers, id: UUID, **changes: Any) -> None:
    async with admin_of(servers) as client:
        done = await client["intake"]["complaints"].update_one({"_id": id}, {"$set": changes})
        assert done.modified_count == 1


BAD = ("", "A", "no base64!", "QUJDREVGR0hJSktMTU5PUFFSU1RVVg==")


async def test_texts_that_were_changed_are_told_as_a_problem(
    at: House, servers: AnyServers, capfd: pytest.CaptureFixture[str]
) -> None:
    product = uuid4().hex
    id = await at.hand_in(**ann(product), product={"name": product}, description="The samovar sings.")
    fine = await at.hand_in(**ann(uuid4().hex), product={"name": product}, description="The samovar sings.")
    other = (await state_of(fine)).personal["statement"]
    for bad in (*BAD, other):
        await harmed(servers, UUID(id), **{"state.personal.statement": bad})
        told = await at.ask("desk", "GET", f"/complaints/{id}?personal=true")
        assert (told.status_code, told.headers["content-type"]) == (503, "application/problem+json")
        assert "operator" in told.json()["detail"]
        assert (await at.ask("desk", "GET", f"/complaints/{id}")).status_code == 200
        found = await at.ask("desk", "GET", f"/complaints?product={product}&text=samovar")
        assert [each["id"] for each in found.json()["complaints"]] == [fine], "it hides no other"
        assert (await at.ask("officer", "POST", "/people:export", json={"complaint": id})).status_code == 503
    erased = await at.ask("officer", "POST", "/people:erase", json={"complaint": id})
    assert erased.json()["complaints"] == 1, "what cannot be read can be erased"
    assert "samovar" not in "".join(capfd.readouterr())


async def test_keys_and_files_that_were_changed_are_told_as_a_problem(
    at: House, servers: AnyServers, capfd: pytest.CaptureFixture[str]
) -> None:
    who = ann(uuid4().hex)
    id = await at.hand_in(**who)
    assert (await at.add_file(id, "angry letter.txt", TEXT)).status_code == 201
    state = await state_of(id)
    file = f"/complaints/{id}/evidence/1"
    assert (await at.ask("desk", "GET", file)).content == TEXT
    async with admin_of(servers) as client:
        chunks = client["intake"]["complaints.chunks"]
        changed = {"$set": {"data": b"changed since"}}
        await chunks.update_one({"files_id": state.evidence[0].id}, changed)
    told = await at.ask("desk", "GET", file)
    assert (told.status_code, told.json()["type"]) == (503, "/problems/unavailable")
    for bad in BAD:
        await harmed(servers, state.person, **{"state.key": bad})
        asked = [await at.ask("desk", "GET", path) for path in (f"/complaints/{id}?personal=true", file)]
        asked.append(await at.ask("desk", "POST", f"/complaints/{id}/notes", json={"text": "samovar"}))
        again = {"channel": "email", "description": "samovar", **who}
        asked.append(await at.ask("desk", "POST", "/complaints", json=again))
        assert [each.status_code for each in asked] == [503] * 4, [each.text for each in asked]
        assert not [each for each in asked if "operator" not in each.json()["detail"]]
    said = "".join(capfd.readouterr())
    assert not [each for each in ("samovar", "people.example", "angry letter", "BEGIN") if each in said]


async def test_another_key_of_the_house_opens_nothing_and_says_so(at: House) -> None:
    id = await at.hand_in(**ann(uuid4().hex))
    try:
        sealing.use_house_key(b"the key of another house, where nobody lives")
        assert (await at.ask("desk", "GET", f"/complaints/{id}?personal=true")).status_code == 503
    finally:
        sealing.use_house_key(HOUSE_KEY)
    assert (await at.see(id))["given"]["complainant"]
    assert await complaints.get(UUID(id))
