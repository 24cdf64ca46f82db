"""Statistics on the running system: every number is as long as its list, and the parts are the whole."""

import csv
import io
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from deploy.local.stage import Stage
from services.intake.domain.figures import DIMENSIONS
from tests.kit.desk import Desk, desks

MONTHS = {"from": "2020-01-01T00:00:00Z"}


async def length(desk: Desk, address: str) -> int:
    """How many complaints a list has, all of its pages together."""
    query = dict(parse_qsl(urlsplit(address).query))
    count, token = 0, dict[str, str]()
    while True:
        page = (await desk.get("complaints", page_size=500, **query, **token)).json()
        count += len(page["complaints"])
        if not page["next_page_token"]:
            return count
        token = {"page_token": page["next_page_token"]}


async def some(staff: Desk, word: str) -> list[str]:
    """Complaints of one product at several stages: new, withdrawn, and with a cause found."""
    made = [
        await staff.made(product={"name": word, "batch": f"{word}-{n % 2}"}, channel=channel)
        for n, channel in enumerate(["email", "letter", "email", "hotline"])
    ]
    for id in made:
        await staff.until(id, "dispatched")
    await staff.step(made[0], "withdraw")
    await staff.step(made[1], "accept")
    await staff.step(made[1], "investigate", cause="material")
    return made


async def test_every_number_opens_as_long_a_list_and_the_parts_are_the_whole(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        word = f"w{uuid4().hex[:12]}"
        made = await some(staff, word)
        for dimension in DIMENSIONS:
            found = (await staff.get("statistics", product=word, by=dimension, **MONTHS)).json()
            assert found["total"]["complaints"] == len(made)
            assert sum(group["figures"]["complaints"] for group in found["groups"]) == len(made)
            for group in found["groups"]:
                assert await length(staff, group["list"]) == group["figures"]["complaints"], group["list"]
        by_cause = (await staff.get("statistics", product=word, by="cause", **MONTHS)).json()
        assert {group["key"]["cause"]: group["figures"]["complaints"] for group in by_cause["groups"]} == {
            None: 3,
            "material": 1,
        }
        both = (await staff.get("statistics", product=word, by="channel,outcome", **MONTHS)).json()
        letter = next(group for group in both["groups"] if group["key"]["channel"] == "letter")
        assert letter["key"]["outcome"] is None
        assert await length(staff, letter["list"]) == 1
        assert both["total"]["closed"] == 1
        assert both["total"]["stages"]["registered"]["complaints"] == len(made)


async def test_a_month_is_reported_as_data_as_a_sheet_and_as_a_page(played: Stage) -> None:
    async with desks(played) as (staff, _, partner):
        word = f"w{uuid4().hex[:12]}"
        await some(staff, word)
        line = (await staff.get("complaints", product=word)).json()["complaints"][0]
        month = line["registered_at"][:7]
        report = (await staff.get(f"reports/{month}")).json()
        for part in report["parts"]:
            shown = sum(group["figures"]["complaints"] for group in part["groups"])
            assert shown + part["other_complaints"] == report["total"]["complaints"]
        last, total = report["months"][-1], report["total"]
        assert last["received"] == total["complaints"]
        assert last["closed"] == report["closed"]
        assert (last["on_time"], last["score"]) == (total["on_time"]["rate"], total["satisfaction"]["mean"])
        assert await length(staff, report["list"]) == report["total"]["complaints"]
        assert await length(staff, report["closed_list"]) == report["closed"]
        sheet = (await staff.get(f"reports/{month}", format="csv")).content.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(sheet)))
        assert int(rows[0]["complaints"]) >= report["total"]["complaints"]
        page = await staff.get(f"reports/{month}", format="html", language="en")
        assert page.headers["Content-Type"].startswith("text/html")
        assert f"Complaints in {month}" in page.text
        assert (await staff.get("reports/2026-13")).status_code == 422
        assert (await partner.get(f"reports/{month}")).status_code == 403
        assert (await partner.get("statistics")).status_code == 403


async def test_what_figures_are_asked_for_must_make_sense(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        empty: Any = {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
        assert (await staff.get("statistics", **empty)).status_code == 422
        assert (await staff.get("statistics", by="colour")).status_code == 422
        assert (await staff.get("statistics", by="grade,class,cause")).status_code == 422
        nothing = (await staff.get("statistics", product=uuid4().hex)).json()
        assert nothing["total"]["complaints"] == 0
        assert nothing["total"]["on_time"]["rate"] is None
