"""Deadlines in the whole system: waits, ladders, calendars that come late, lists, forecasts and figures."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.stage import Stage
from shared.policy import load_calendar
from tests.journeys.test_policies import House, house, told, until


class Desk:
    """What the tests ask of sla."""

    def __init__(self, at: House, played: Stage) -> None:
        self._at = at
        self.sla = f"{played.system.url('sla')}/v1"

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self._at.client.get(f"{self.sla}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def now(self) -> datetime:
        return datetime.fromisoformat((await self.get("forecast"))["since"])

    async def all_pages(self, **query: Any) -> list[str]:
        """The complaints of a list, page after page."""
        seen: list[str] = []
        while True:
            page = await self.get("deadlines", **query)
            seen += [each["complaint"] for each in page["items"]]
            if page["next_page_token"] is None:
                return seen
            query["page_token"] = page["next_page_token"]

    async def clock(self, id: str, name: str, wanted: Any = bool) -> dict[str, Any]:
        """A complaint's clock, once it is as wanted."""

        async def look() -> dict[str, Any] | None:
            answer = await self._at.client.get(f"{self.sla}/deadlines/{id}")
            clocks = answer.json()["clocks"] if answer.is_success else []
            found = next((each for each in clocks if each["name"] == name), None)
            return found if found and wanted(found) else None

        clock: dict[str, Any] = await until(look)
        return clock


async def taken(at: House, id: str, step: dict[str, Any]) -> httpx.Response:
    return await at.client.post(f"{at.intake}/{id}/steps", json=step)


async def test_a_wait_for_the_customer_moves_what_is_due(played: Stage) -> None:
    async with house(played) as at:
        desk, receipt = Desk(at, played), await at.post()
        id = receipt.json()["id"]
        before = await desk.clock(id, "propose")
        assert before["explanation"]["total"] == before["explanation"]["budget"]
        answer = await taken(at, id, {"step": "pause", "waits_for": "customer"})
        assert answer.status_code == 200, answer.text
        assert "resume" in answer.json()["possible"]
        assert (await taken(at, id, {"step": "pause", "waits_for": "customer"})).status_code == 409
        still = await desk.clock(id, "propose", lambda clock: clock["status"] == "paused")
        assert still["explanation"]["paused"]
        since = await desk.now()
        while await desk.now() < since + timedelta(hours=30):
            pass
        assert (await taken(at, id, {"step": "resume"})).status_code == 200
        after = await desk.clock(id, "propose", lambda clock: clock["status"] != "paused")
        assert datetime.fromisoformat(after["due"]) > datetime.fromisoformat(before["due"])
        assert any(each["reason"] == "paused" for each in after["explanation"]["intervals"])
        words = (await at.client.get(f"{at.intake}/{id}/timeline")).json()
        assert any("Waits for the customer" in line["words"] for line in words)


async def test_a_breach_climbs_the_ladder_and_somebody_takes_note(played: Stage) -> None:
    async with house(played) as at:
        desk = Desk(at, played)
        long_ago = (await desk.now() - timedelta(days=3)).isoformat()
        receipt = await at.post(pack="cn-field-24-48-5", received_at=long_ago)
        id = receipt.json()["id"]
        clock = await desk.clock(id, "accept", lambda clock: clock["breached"])
        assert clock["status"] == "overdue"
        path = f"{desk.sla}/deadlines/{id}/acknowledgements"
        assert (await at.client.post(path, json={"clock": "nothing"})).status_code == 404
        for _ in range(2):
            answer = await at.client.post(path, json={"clock": "accept"})
            assert answer.status_code == 200, answer.text
            assert answer.json()["clocks"][0]["acknowledged"]["by"] == "front-end"
        late = await desk.get(
            "deadlines", state="overdue", pack="cn-field-24-48-5", clock="accept", page_size=500
        )
        assert id in {each["complaint"] for each in late["items"]}
    breached = [each.data for each in await told(played, "deadline.breached.v1", id)]
    assert [each.clock for each in breached].count("accept") == 1
    called = [each.data for each in await told(played, "deadline.escalated.v1", id)]
    assert [each.roles for each in called if each.clock == "accept"] == [
        ("department_head", "sales_director")
    ]
    assert len(await told(played, "deadline.acknowledged.v1", id)) == 1


async def test_a_calendar_published_late_moves_open_deadlines(played: Stage) -> None:
    async with house(played) as at:
        desk = Desk(at, played)
        receipt = await at.post(pack="uk-fca-disp")
        id = receipt.json()["id"]
        clock = await desk.clock(id, "propose")
        first = (datetime.fromisoformat(clock["due"]) - timedelta(days=2)).date()
        calendar = load_calendar("england-and-wales").model_dump(mode="json")
        version = calendar["version"] + 1
        calendar |= {"version": version, "days_off": calendar["days_off"] | {first.isoformat(): "Jubilee"}}
        path = f"{desk.sla}/calendars/england-and-wales/versions/{version}"
        wrong = await at.client.put(path, json=calendar | {"time_zone": "Europe/Atlantis"})
        assert wrong.status_code == 422, wrong.text
        for _ in range(2):
            answer = await at.client.put(path, json=calendar)
            assert answer.status_code == 200, answer.text
        other = await at.client.put(path, json=calendar | {"source": "somebody else"})
        assert other.status_code == 409, other.text
        moved = await desk.clock(id, "propose", lambda found: found["due"] != clock["due"])
        assert moved["explanation"]["calendar"] == f"england-and-wales/{version}"
        assert "Jubilee" in {each["name"] for each in moved["explanation"]["intervals"]}
        shown = await desk.get("calendars/england-and-wales")
        assert shown["version"] == version
    assert len(await told(played, "calendar.published.v1")) == 1


async def test_lists_forecasts_and_figures_agree(played: Stage) -> None:
    async with house(played) as at:
        desk = Desk(at, played)
        began = (await desk.now() - timedelta(hours=20)).isoformat()
        ids = [(await at.post(pack="fast-reply-24h", received_at=began)).json()["id"] for _ in range(5)]
        for id in ids:
            await desk.clock(id, "reply")
        seen = await desk.all_pages(pack="fast-reply-24h", page_size=2)
        assert sorted(seen) == sorted({*seen})
        assert {*ids} <= {*seen}
        coming = await desk.get("forecast", hours=24 * 60)
        assert sum(coming["departments"].values()) == sum(each["deadlines"] for each in coming["hours"]) > 0
        clock = await desk.clock(ids[0], "reply", lambda found: found["breached"])
        month = (datetime.fromisoformat(clock["due"]) - timedelta(microseconds=1)).strftime("%Y-%m")
        figures = await desk.get(
            "statistics/deadlines", **{"from": month, "by": "pack,clock,month", "pack": "fast-reply-24h"}
        )
        row = next(each for each in figures["rows"] if each["clock"] == "reply")
        assert row["late"] >= 1
        assert row["rate"] == row["met"] / (row["met"] + row["late"])
        behind = await desk.get("deadlines", month=month, pack="fast-reply-24h", clock="reply", page_size=500)
        counted = sum(len(each["clocks"]) for each in behind["items"])
        assert counted == row["met"] + row["late"] + row["open"] + row["cancelled"]
        none = await desk.get("statistics/deadlines", **{"from": "2001-01"})
        assert none["rows"] == []
        wrongs = [
            ("deadlines", "state", "met"),
            ("deadlines", "page_token", "x"),
            ("statistics/deadlines", "by", "w"),
        ]
        for path, name, value in wrongs:
            answer = await at.client.get(f"{desk.sla}/{path}", params={name: value})
            assert answer.status_code == 422, answer.text


async def test_what_would_be_due_when_is_told_and_nothing_kept(played: Stage) -> None:
    async with house(played) as at:
        path = f"{played.system.url('sla')}/v1/deadlines:calculate"
        start = "2026-09-18T17:59:00+08:00"
        answer = await at.client.post(path, json={"pack": "cn-field-24-48-5", "start": start})
        found = {each["clock"]: each for each in answer.json()["clocks"]}
        assert found["accept"]["due"] == "2026-09-19T17:59:00+08:00"
        assert found["resolve"]["due"] == "2026-09-25T00:00:00+08:00"
        assert found["onsite"]["due"] is None
        asked = {"calendar": "cn-mainland", "start": start, "duration": {"working_days": 5}}
        one = (await at.client.post(path, json=asked)).json()["clocks"][0]
        assert one["due"] == "2026-09-25T00:00:00+08:00"
        assert [
            each["name"] for each in one["explanation"]["intervals"] if each["reason"] == "weekday_off"
        ] == ["sat"]
        waits = [{"since": "2026-09-21T09:00:00+08:00"}]
        paused = (await at.client.post(path, json=asked | {"pauses": waits})).json()["clocks"][0]
        assert paused["explanation"]["paused"] == "2026-09-21T09:00:00+08:00"
        wrongs: list[dict[str, Any]] = [
            {},
            {"pack": "nothing"},
            {"pack": "base", "grade": "huge"},
            {"pack": "base", "facts": {"weather": 1}},
            asked | {"calendar": "moon"},
            asked | {"duration": {"hours": -1}},
        ]
        for wrong in wrongs:
            answer = await at.client.post(path, json=wrong)
            assert answer.status_code == 422, (wrong, answer.text)
            assert answer.json()["detail"]
        assert (await at.client.get(f"{played.system.url('sla')}/v1/deadlines/{uuid4()}")).status_code == 404


async def test_a_special_case_is_dispatched_once_somebody_has_named_its_deadline(played: Stage) -> None:
    """P25: an ordinary complaint has an hour; a special one has the time that is entered by hand, or none."""
    async with house(played) as at:
        desk = Desk(at, played)
        receipt = await at.post(pack="cn-cleaning-1h", details={"special": True})
        await at.graded(receipt)
        id = receipt.json()["id"]
        view = (await at.client.get(f"{at.intake}/{id}")).json()
        assert view["stage"] == "graded"
        assert view["held_back"] == ["customer_deadline [限定时间]"]
        refused = await taken(at, id, {"step": "accept"})
        assert "waits for customer_deadline" in refused.json()["detail"]
        wanted = (await desk.now() + timedelta(days=2)).replace(microsecond=0)
        answer = await at.client.post(
            f"{at.intake}/{id}/facts", json={"customer_deadline": wanted.isoformat()}
        )
        assert answer.status_code == 200, answer.text

        async def sent() -> bool:
            found = (await at.client.get(f"{at.intake}/{id}")).json()
            return bool(found["stage"] == "dispatched")

        await until(sent)
        clocks = (await desk.get(f"deadlines/{id}"))["clocks"]
        assert wanted in {datetime.fromisoformat(each["due"]) for each in clocks}
