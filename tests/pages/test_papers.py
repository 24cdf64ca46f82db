"""Papers in a real browser: nobody is kept out, they print on sheets of A4, and they speak to Taiwan."""

import re
from typing import Any, get_args

import pytest
from playwright.async_api import Browser, Page

from deploy.local.play import Case, Players
from deploy.local.stage import Stage
from shared.clock import machine_now
from shared.events import Language
from shared.policy import traditional
from tests.pages.conftest import WIDTHS, board, opened
from tests.pages.play import Caller

BODY: dict[str, Any] = {
    "channel": "email",
    "language": "zh-TW",
    "class": "product_quality",
    "description": "電熱水壺的蓋子裂了，<b>請退款</b>。",
    "product": {"name": "kettle", "model": "K-2", "batch": "B7"},
    "complainant": {"name": "王秀蘭", "email": "wang@example.com", "phone": "+886 2 5550 0199"},
}
PRINTED = re.compile(rb"/Type\s*/Page\b")
MONTH = f"{machine_now():%Y-%m}"
HOUSE = [
    "/v1/papers/ledger?format=html&language=zh-TW",
    f"/v1/reports/{MONTH}?format=html&language=zh-TW",
    f"/v1/conformance?from={MONTH}-01T00:00:00Z&format=html&language=zh-TW",
]


@pytest.fixture(scope="session")
async def closed(house: Stage) -> str:
    """A complaint that was carried to its end."""
    async with house.system.client() as client:
        case = Case(body=BODY, play={"score": 9})
        await Players(house.system, client, house.mailbox, house.gateway).carry(case)
    return str(case.id)


def paper(house: Stage, id: str, name: str, language: str) -> str:
    return f"{house.system.url('intake')}/v1/complaints/{id}/papers/{name}?format=html&language={language}"


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("width", WIDTHS)
async def test_a_paper_keeps_nobody_out(
    browser: Browser, house: Stage, closed: str, width: str, language: Language
) -> None:
    async with board(browser, house, width=width) as found:
        for address in (
            paper(house, closed, "feedback_report", language),
            f"{house.system.url('intake')}/v1/papers/ledger?format=html&language={language}",
        ):
            await found.page.goto(address)
            await found.page.wait_for_selector("h1")
            assert await found.page.get_attribute("html", "lang") == language
            await found.check()


async def test_a_form_is_printed_on_one_sheet_and_a_long_story_on_as_many_as_it_takes(
    browser: Browser, house: Stage, closed: str
) -> None:
    async with house.system.client() as client:
        long = await Caller(house, client).hand_in(description="漏水，修了又漏。\n" * 500)
    async with board(browser, house) as found:
        await found.page.goto(paper(house, closed, "complaint_record", "zh-CN"))
        assert await sheets(found.page) == 1
        await found.page.goto(paper(house, long, "complaint_record", "zh-CN"))
        assert await sheets(found.page) > 5


async def sheets(page: Page) -> int:
    """How many sheets of A4 it is printed on, as the page itself says."""
    return len(PRINTED.findall(await page.pdf(prefer_css_page_size=True)))


# Chinese of Taiwan


async def simplified(page: Page, *mine: str) -> list[str]:
    """The texts on a page that the script of Taiwan writes otherwise."""
    said = (await page.inner_text("body")).splitlines()
    return [each for each in said if traditional(each) != each and not any(word in each for word in mine)]


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_customer_in_taiwan_reads_their_own_script(
    browser: Browser, house: Stage, width: str
) -> None:
    async with house.system.client() as client:
        made = await Caller(house, client).handed_in(language="zh-TW")
    for address in (str(made["receipt_url"]), f"{house.system.url('intake')}/receipts?language=zh-TW"):
        async with opened(browser, address, width=width, language="zh-TW") as found:
            assert await found.page.get_attribute("html", "lang") == "zh-TW"
            assert await simplified(found.page, "简体中文") == []
            assert re.search("投訴", await found.page.inner_text("main"))
            await found.check()


@pytest.mark.parametrize("path", HOUSE)
async def test_what_the_house_prints_for_taiwan_has_no_simplified_character(
    browser: Browser, house: Stage, closed: str, path: str
) -> None:
    async with board(browser, house) as found:
        await found.page.goto(house.system.url("intake") + path)
        assert await found.page.get_attribute("html", "lang") == "zh-TW"
        assert await simplified(found.page, "塔恩维") == []
        await found.check()


async def test_the_board_speaks_to_taiwan(browser: Browser, house: Stage, closed: str) -> None:
    async with board(browser, house, language="zh-TW") as found:
        await found.page.wait_for_selector("table.ledger")
        assert await found.page.get_attribute("html", "lang") == "zh-TW"
        assert "投訴看板" in await found.page.inner_text("h1")
        assert await simplified(found.page, "塔恩维", "中文") == []
        await found.check()
