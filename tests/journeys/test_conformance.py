"""Conformance over HTTP, on the running system: of one complaint, of a period, and as pages."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.play import Case, Players
from deploy.local.stage import Stage
from shared import clock
from tests.kit.desk import BODY, Desk, desks

VERDICTS = ("met", "not_met", "open", "not_applicable")


async def carried(played: Stage, **changes: Any) -> Case:
    """A complaint carried to its end."""
    wanted = Case(body=BODY | changes, play={})
    async with played.system.client() as client:
        await Players(played.system, client, played.mailbox, played.gateway).carry(wanted)
    return wanted


async def told(desk: Desk, id: str, **query: Any) -> dict[str, dict[str, Any]]:
    answer = await desk.get(f"complaints/{id}/conformance", **query)
    assert answer.status_code == 200, answer.text
    return {line["line"]: line for line in answer.json()["lines"]}


async def summed(desk: Desk, **query: Any) -> dict[str, Any]:
    answer = await desk.get("conformance", language="en", **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def behind(desk: Desk, path: str) -> int:
    """How many complaints are listed there."""
    answer = await desk.client.get(desk.url.removesuffix("/v1") + path)
    assert answer.status_code == 200, answer.text
    return len(answer.json()["complaints"])


def today() -> dict[str, str]:
    """Around now, by the system's own time."""
    now = clock.now().astimezone(UTC)
    return {"from": (now - timedelta(days=400)).isoformat(), "to": (now + timedelta(days=400)).isoformat()}


async def test_each_line_of_a_whole_life_is_shown_by_events_of_the_timeline(played: Stage) -> None:
    done = await carried(played, demand={"type": "replace"})
    async with desks(played) as (staff, _, _):
        async with asyncio.timeout(90):  # sla has the last word on the clocks
            while any(line["judgement"] == "open" for line in (await told(staff, done.id)).values()):
                await asyncio.sleep(0.2)
        lines = await told(staff, done.id, language="en")
        known = {each["id"]: each for each in (await staff.get(f"complaints/{done.id}/timeline")).json()}
        for line in lines.values():
            assert line["judgement"] in VERDICTS
            assert line["evidence"] or line["judgement"] != "met", line
            assert {each["id"] for each in line["evidence"]} <= known.keys()
            for each in line["evidence"]:
                same = known[each["id"]]
                assert (each["type"], each["time"], each["cause"]) == (
                    same["type"],
                    same["time"],
                    same["cause"],
                )
        met = {name for name, line in lines.items() if line["judgement"] == "met"}
        assert met >= {
            "communication", "receipt", "remedy", "acknowledgement", "assessment", "investigation",
            "response", "decision", "satisfaction", "clock.acknowledge", "clock.resolve",
        }  # fmt: skip
        assert {each["service"] for line in lines.values() for each in line["evidence"]} == {
            "intake", "triage", "sla", "notify", "survey",
        }  # fmt: skip
        assert lines["remedy"]["title"] == "What the customer asks for is on record"


async def test_the_figures_of_a_period_open_the_complaints_behind_them(played: Stage) -> None:
    word = f"w{uuid4().hex[:12]}"
    async with desks(played) as (staff, _, _):
        ids = [await staff.made(product={"name": word}) for _ in range(3)]
        other = await staff.made(product={"name": word}, demand={"type": "refund"})
        await staff.step(ids[0], "withdraw")
        asked = {"product": word} | today()
        found = await summed(staff, **asked)
        assert found["complaints"] == 4
        lines = {line["line"]: line for line in found["lines"]}
        for line in lines.values():
            assert sum(line[each] for each in VERDICTS) == 4
        assert [lines["remedy"][each] for each in VERDICTS] == [1, 0, 2, 1]
        assert lines["remedy"]["rate"] == 1.0
        async with asyncio.timeout(180):  # clocks run: compare lists with figures that stood still meanwhile
            while True:
                before = (await summed(staff, **asked))["lines"]
                listed = [[await behind(staff, line["list"][each]) for each in VERDICTS] for line in before]
                if before == (await summed(staff, **asked))["lines"]:
                    break
        assert listed == [[line[each] for each in VERDICTS] for line in before]
        pages: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = (
                await staff.get("conformance/remedy", verdict="open", page_size=1, **asked, **token)
            ).json()
            pages += [each["id"] for each in page["complaints"]]
            if not page["next_page_token"]:
                break
            token = {"page_token": page["next_page_token"]}
        assert pages == [ids[2], ids[1]]
        [met] = (await staff.get("conformance/remedy", verdict="met", **asked)).json()["complaints"]
        assert met["id"] == other
        assert (await summed(staff, product=f"{word}x"))["complaints"] == 0


async def test_targets_say_what_was_wanted_and_what_it_was(played: Stage) -> None:
    word = f"w{uuid4().hex[:12]}"
    async with desks(played) as (staff, _, _):
        asked = {"product": word, "pack": "cn-kpi-95"} | today()
        [none] = (await summed(staff, **asked))["targets"]
        assert (none["target"], none["whole"], none["actual"], none["reached"]) == (
            "replies_in_time", 0, None, None,
        )  # fmt: skip
        id = await staff.made(pack="cn-kpi-95", product={"name": word})
        async with asyncio.timeout(180):
            while not (await told(staff, id))["clock.reply"]["missing"]:
                await asyncio.sleep(0.2)
        await staff.step(id, "withdraw")
        [target] = (await summed(staff, **asked))["targets"]
        assert (target["at_least"], target["measured"]) == (0.95, True)
        assert datetime.strptime(target["month"], "%Y-%m").replace(tzinfo=UTC)


async def test_both_reports_are_pages_and_the_period_is_a_sheet(played: Stage) -> None:
    word = f"w{uuid4().hex[:12]}"
    async with desks(played) as (staff, _, _):
        id = await staff.made(product={"name": word}, language="zh-CN")
        for language, heading in (("en", "Conformance report"), ("zh-CN", "符合性报告")):
            for path, query in ((f"complaints/{id}/conformance", {}), ("conformance", {"product": word})):
                page = await staff.get(path, format="html", language=language, **query)
                assert page.status_code == 200, page.text
                assert page.headers["content-type"].startswith("text/html")
                assert f'<html lang="{language}">' in page.text
                assert heading in page.text
                assert "Tamsin" not in page.text
        sheet = await staff.get("conformance", format="csv", product=word, language="en")
        assert sheet.content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(io.StringIO(sheet.text.lstrip("\ufeff"))))
        assert rows[0]["line"] == "communication"
        assert rows[0]["met"] == "1"


async def test_partners_and_strangers_get_none(played: Stage) -> None:
    async with desks(played) as (staff, _, partner):
        id = await partner.made()
        for path in (f"complaints/{id}/conformance", "conformance", "conformance/remedy"):
            assert (await partner.get(path)).status_code == 403
            async with httpx.AsyncClient() as stranger:
                assert (await stranger.get(f"{staff.url}/{path}")).status_code == 401
        assert (await staff.get("conformance/no_such")).status_code == 404
        assert (await staff.get(f"complaints/{uuid4()}/conformance")).status_code == 404
        assert (await staff.get("conformance", form="html")).status_code == 422
