"""Papers over HTTP, on a real database: as data and as pages, of one complaint and over many."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from services.intake.api import papers
from services.intake.store.complaints import complaints
from services.intake.store.complaints import page as found_by
from tests.kit.house import House, house
from tests.kit.servers import AnyServers

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
DEALER: dict[str, Any] = {"pack": "cn-dealer-abc", "details": {"score": 8.5}}


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch) as found:
        yield found


async def reads_of(at: House, id: str) -> list[str]:
    found = (await at.ask("auditor", "GET", f"/reads?complaint={id}")).json()
    return [f"{each['by']} {each['what']}" for each in found]


# one complaint


async def test_a_browser_gets_a_page_and_a_program_data(at: House) -> None:
    id = await at.hand_in()
    path = f"/complaints/{id}/papers/complaint_record"
    page = await at.ask("desk", "GET", path, headers=BROWSER)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (page.headers["Vary"], page.headers["Cache-Control"]) == ("Accept", "no-store")
    assert "script" not in page.headers["Content-Security-Policy"]
    assert "<h1>Complaint record</h1>" in page.text, "in the language of the complaint"
    data = await at.ask("desk", "GET", path)
    assert {each["name"]: each["value"] for each in data.json()["fields"]}["name"] == "Ann"
    assert (await at.ask("desk", "GET", f"{path}?format=html")).text.startswith("<!doctype html>")
    assert (await at.ask("desk", "GET", f"{path}?format=json", headers=BROWSER)).json()["ready"] is True
    assert await reads_of(at, id) == ["desk paper complaint_record"] * 4


@pytest.mark.parametrize(
    ("language", "title"), [("zh-CN", "客诉记录表"), ("zh-TW", "客訴記錄表"), ("en", "Complaint record")]
)
async def test_a_paper_is_printed_in_the_language_that_is_asked_for(
    at: House, language: str, title: str
) -> None:
    id = await at.hand_in()
    path = f"/complaints/{id}/papers/complaint_record?format=html&language={language}"
    page = await at.ask("desk", "GET", path)
    assert f'<html lang="{language}">' in page.text
    assert f"<h1>{title}</h1>" in page.text


async def test_a_paper_that_is_not_due_or_not_there_is_a_problem_also_for_a_browser(at: House) -> None:
    id = await at.hand_in()
    for name, status in (("feedback_report", 409), ("love_letter", 404)):
        answer = await at.ask("desk", "GET", f"/complaints/{id}/papers/{name}", headers=BROWSER)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert await reads_of(at, id) == []


# many complaints


async def sheet(at: House, path: str, by: str = "desk") -> dict[str, Any]:
    answer = await at.ask(by, "GET", f"/papers/{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_papers_over_periods_are_listed_by_pack(at: House) -> None:
    found = (await at.ask("desk", "GET", "/papers?pack=cn-dealer-abc&language=zh-TW")).json()
    assert {each["paper"]: each["title"] for each in found} == {
        "ledger": "追蹤臺帳", "daily_report": "每日回饋表"
    }  # fmt: skip
    assert [each["paper"] for each in (await at.ask("desk", "GET", "/papers")).json()] == ["ledger"]


async def test_the_daily_report_has_todays_complaints_of_its_pack_and_the_reads_are_logged(at: House) -> None:
    name = uuid4().hex[:20]
    today = await at.hand_in(**DEALER, product={"name": name})
    await at.hand_in(product={"name": name})
    found = await sheet(at, f"daily_report?pack=cn-dealer-abc&product={name}&language=en")
    [line] = found["lines"]
    assert line["id"] == today
    assert line["words"]["name"]["lines"] == ["Ann"]
    assert line["words"]["score"]["lines"] == ["8.5"]
    assert found["more"] is False
    assert await reads_of(at, today) == ["desk paper daily_report"]


async def test_the_ledger_is_narrowed_like_the_ledger_and_shows_nothing_that_points_to_anybody(
    at: House,
) -> None:
    name = uuid4().hex[:20]
    first, second = [await at.hand_in(product={"name": name}) for _ in range(2)]
    found = await sheet(at, f"ledger?product={name}")
    assert [each["id"] for each in found["lines"]] == [first, second], "in the order of their registration"
    assert [each["title"] for each in found["columns"]][-3:] == ["处理进度", "处理时间", "处理责任人"]
    assert found["lines"][0]["words"]["holder"]["lines"] == ["客服"]
    assert await reads_of(at, first) == []
    assert (await sheet(at, f"ledger?product={name}&stage=closed"))["lines"] == []
    later, after = quote("2099-01-01T00:00:00+08:00"), quote("2099-01-02T00:00:00+08:00")
    assert (await sheet(at, f"ledger?product={name}&from={later}&to={after}"))["lines"] == []
    assert (await sheet(at, f"ledger?product={name}&pack=iso-10002"))["lines"] == []
    page = await at.ask("desk", "GET", f"/papers/ledger?product={name}&language=zh-TW", headers=BROWSER)
    assert "<h1>追蹤臺帳</h1>" in page.text
    assert page.text.count("RC-") == 2


async def test_a_sheet_up_to_some_instant_is_of_the_day_that_ends_there(at: House) -> None:
    for until, since in (
        ("2026-03-05T15:00:00+08:00", "2026-03-05T00:00:00+08:00"),
        ("2026-03-05T00:00:00+08:00", "2026-03-04T00:00:00+08:00"),
    ):
        found = await sheet(at, f"ledger?to={quote(until)}")
        assert [datetime.fromisoformat(found[each]) for each in ("from", "to")] == [
            datetime.fromisoformat(each) for each in (since, until)
        ]


@pytest.mark.parametrize("to", ["2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z"])
async def test_a_period_that_ends_before_it_begins_is_refused(at: House, to: str) -> None:
    answer = await at.ask("desk", "GET", f"/papers/ledger?from=2026-03-05T00:00:00Z&to={to}")
    assert (answer.status_code, answer.json()["detail"][:10]) == (422, "The period")


async def test_a_sheet_that_is_cut_says_so_and_keeps_the_latest(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "MOST", 3)
    name = uuid4().hex[:20]
    made = [await at.hand_in(product={"name": name}) for _ in range(4)]
    found = await sheet(at, f"ledger?product={name}")
    assert found["more"] is True
    assert [each["id"] for each in found["lines"]] == made[1:]
    page = await at.ask("desk", "GET", f"/papers/ledger?product={name}&language=en&format=html")
    assert "earlier ones are left out" in page.text


async def test_whoever_a_complaint_is_about_finds_it_on_no_sheet(at: House) -> None:
    name = uuid4().hex[:20]
    mine, other = await asyncio.gather(*(at.hand_in(**DEALER, product={"name": name}) for _ in range(2)))
    told = await at.ask("desk", "POST", f"/complaints/{mine}/facts", json={"respondents": ["worker"]})
    assert told.status_code == 200, told.text
    path = f"daily_report?pack=cn-dealer-abc&product={name}"
    assert [each["id"] for each in (await sheet(at, path, "worker"))["lines"]] == [other]
    assert len((await sheet(at, path))["lines"]) == 2


@pytest.mark.parametrize(
    ("by", "path", "status"),
    [
        ("shop", "/papers", 403),
        ("shop", "/papers/ledger", 403),
        ("officer", "/papers/ledger", 403),
        ("desk", "/papers/love_letter", 404),
        ("desk", "/papers/receipt", 404),
        ("desk", "/papers/ledger?pack=no-such-pack", 422),
        ("desk", "/papers/ledger?pack=../../etc", 422),
        ("desk", "/papers/ledger?stagee=closed", 422),
    ],
)
async def test_what_cannot_be_printed_is_refused(at: House, by: str, path: str, status: int) -> None:
    answer = await at.ask(by, "GET", path, headers=BROWSER)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("narrowed", ["", "&pack=cn-dealer-abc", "&stage=graded", "&lead=quality"])
async def test_the_complaints_of_a_sheet_are_read_in_the_order_of_an_index(
    at: House, monkeypatch: pytest.MonkeyPatch, narrowed: str
) -> None:
    await asyncio.gather(*(at.hand_in() for _ in range(5)))
    asked = []

    async def page(query: Mapping[str, Any], limit: int) -> Any:
        asked.append(query)
        return await found_by(query, limit)

    monkeypatch.setattr(papers, "page", page)
    await sheet(at, f"ledger?language=en{narrowed}")
    found = complaints._documents.find(asked[0]).sort({"registered_at": -1, "_id": -1})
    plan = str((await found.limit(201).explain())["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in plan
    assert "COLLSCAN" not in plan
    assert "'SORT'" not in plan
