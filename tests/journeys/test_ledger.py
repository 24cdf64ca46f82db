"""The ledger, files and papers over HTTP, on the running system."""

import asyncio
import csv
import io
import json
from uuid import uuid4

from deploy.local.stage import Stage
from tests.kit.desk import BODY, desks

HEADINGS = ["channel", "language", "description", "complainant.name", "complainant.email", "product.name"]
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64


async def test_the_ledger_is_filtered_searched_and_paged(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        word = f"w{uuid4().hex[:12]}"
        ids = [await staff.made(description=f"{word} number {n}", product={"name": word}) for n in range(5)]
        other = await staff.made(description=f"{word} elsewhere", channel="letter")
        found = (await staff.get("complaints", text=f"{word.upper()} NUMBER")).json()
        assert {each["id"] for each in found["complaints"]} == {*ids}
        assert (await staff.get("complaints", product=word, channel="letter")).json()["complaints"] == []
        seen: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = (await staff.get("complaints", product=word, page_size=2, **token)).json()
            seen += [each["id"] for each in page["complaints"]]
            if not page["next_page_token"]:
                break
            token = {"page_token": page["next_page_token"]}
        assert seen == ids[::-1]
        await staff.until(ids[0], "dispatched")
        await staff.step(ids[0], "assign", handler=word)
        assert [e["id"] for e in (await staff.get("complaints", handler=word)).json()["complaints"]] == [
            ids[0]
        ]
        assert other in {
            each["id"]
            for each in (await staff.get("complaints", text=word, channel="letter")).json()["complaints"]
        }
        assert (await staff.get("complaints", stagee="closed")).status_code == 422


async def test_overdue_is_what_a_clock_says(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        word = f"w{uuid4().hex[:12]}"
        id = await staff.made(product={"name": word})
        async with asyncio.timeout(180):  # a day passes in 24 seconds
            while not (await staff.get("complaints", product=word, overdue=True)).json()["complaints"]:
                await asyncio.sleep(0.5)
        line = (await staff.get("complaints", product=word)).json()["complaints"][0]
        assert line["overdue"] is True
        await staff.step(id, "withdraw")
        async with asyncio.timeout(90):
            while (await staff.get("complaints", product=word, overdue=True)).json()["complaints"]:
                await asyncio.sleep(0.2)


async def test_an_import_reports_on_every_row_and_repeats_none(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        word = f"w{uuid4().hex[:12]}"
        sheet = io.StringIO()
        csv.writer(sheet).writerows(
            [
                [
                    "channel",
                    "language",
                    "description",
                    "complainant.name",
                    "complainant.email",
                    "product.name",
                ],
                ["email", "en", "Leaks.", "Ann", "ann@example.com", word],
                ["pigeon", "en", "Leaks.", "Ann", "ann@example.com", word],
                ["email", "en", "Leaks, too.", "Bob", "", word],
                ["store", "zh-CN", "漏水", "王", "w@example.com", word],
            ]
        )
        headers = {"Content-Type": "text/csv", "Idempotency-Key": word}
        url = f"{staff.url}/complaints:import"
        first = (await staff.client.post(url, content=sheet.getvalue(), headers=headers)).json()
        assert [row["status"] for row in first["rows"]] == ["created", "refused", "refused", "created"]
        assert first["rows"][1]["errors"][0]["pointer"] == "#/channel"
        again = (await staff.client.post(url, content=sheet.getvalue(), headers=headers)).json()
        assert (again["created"], again["repeated"], again["refused"]) == (0, 2, 2)
        lines = "\n".join(
            json.dumps(BODY | {"product": {"name": word}, "language": each}) for each in ("en", "xx")
        )
        kind = {"Content-Type": "application/x-ndjson"}
        report = (await staff.client.post(url, content=lines, headers=kind)).json()
        assert (report["created"], report["refused"]) == (1, 1)
        rows = (await staff.get("complaints:export", product=word)).text
        assert len(list(csv.reader(io.StringIO(rows)))) == 4
        assert "Ann" not in rows


# files and papers


async def test_evidence_is_kept_sealed_and_given_back(played: Stage) -> None:
    async with desks(played) as (staff, approver, _):
        id = await staff.made()
        url = f"{staff.url}/complaints/{id}/evidence"
        kind = {"Content-Type": "image/png", "Idempotency-Key": str(uuid4())}
        for _ in range(2):
            added = await staff.client.post(url, params={"name": "lid.png"}, content=PNG, headers=kind)
            assert added.status_code == 201, added.text
        view = (await staff.get(f"complaints/{id}", personal=True)).json()["complaint"]
        [file] = view["evidence"]
        assert (file["number"], file["media_type"], file["size"], file["name"]) == (
            1,
            "image/png",
            len(PNG),
            "lid.png",
        )
        got = await staff.client.get(f"{url}/1")
        assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        script = await staff.client.post(url, params={"name": "x.png"}, content=b"<script>alert(1)</script>")
        assert script.status_code == 415
        assert (await staff.client.get(f"{url}/2")).status_code == 404
        reads = (await approver.get("reads", complaint=id)).json()
        assert "evidence 1" in {each["what"] for each in reads}


async def test_a_paper_is_made_from_its_stage_on(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        id = await staff.made(pack="cn-user-feedback")
        papers = {each["paper"]: each for each in (await staff.get(f"complaints/{id}/papers")).json()}
        assert papers["complaint_record"]["ready"] is True
        made = (await staff.get(f"complaints/{id}/papers/complaint_record")).json()
        values = {each["name"]: each["value"] for each in made["fields"]}
        assert values["name"] == "Tamsin Oakhollow"
        assert (await staff.get(f"complaints/{id}/papers/no_such")).status_code == 404
